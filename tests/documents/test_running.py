"""What the pages for operators say of a running gateway: keys, metrics, log lines; and the pictures of the README."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from typing import TYPE_CHECKING

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.keys.live_keyring import RELOAD_LIMIT_S
from tests.documents.pages import OPERATIONS, ROOT, command, first_cells, names_in_first_cells, section
from tests.documents.test_code_blocks import assert_fits
from tests.fakes import KEY
from tests.support.live import IMAGE, LiveGateway, live_gateway
from tools import render_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from tests.documents.conftest import Reader

pytestmark = pytest.mark.engine

#: What every line of the log has.
COMMON_FIELDS = {"time", "level", "event", "request_id"}


def test_image_by_hand_gives_a_picture(reader: Reader) -> None:
    """The README's `docker run` line writes the picture, and leaves no container."""
    if shutil.which("docker") is None:
        pytest.skip("there is no Docker CLI on this host, only an engine")
    name = f"figbox-readme-{secrets.token_hex(4)}"
    reader.run(command("docker run -i").replace("figbox-runner", IMAGE).replace("--rm", f"--rm --name {name}"))
    assert_fits(reader.folder / "plot.png")
    assert not reader.run(f"docker ps --all --quiet --filter name={name}").stdout


async def test_keys_come_and_go_while_it_runs(tmp_path: Path, reader: Reader) -> None:
    """Keys made, listed and revoked as docs/keys.md says are accepted and refused by a running gateway in time."""
    file = tmp_path / "keys.toml"
    add, show, revoke = (
        f"cd {ROOT} && "
        + command(f".venv/bin/python -m gateway.keys --file keys.toml {verb}").replace("keys.toml", str(file))
        for verb in ("add", "list", "revoke")
    )
    first = reader.run(add.replace("reports-team", "first")).stdout.strip()
    with live_gateway(tmp_path, API_KEY="", FIGBOX_API_KEYS_FILE=file, FIGBOX_POOL_SIZE=0) as running:
        assert (await running.render("plt.plot([1, 2])", key=first)).status == 200
        second = reader.run(add).stdout.strip()
        assert reader.run(show).stdout.splitlines() == [
            "first requests_per_minute=60",
            "reports-team requests_per_minute=60",
        ]
        await asyncio.sleep(RELOAD_LIMIT_S)
        response = await running.render("plt.plot([1, 2])", key=second)
        assert (response.status, '"requests";r=59;t=' in response.headers["RateLimit"]) == (200, True)
        reader.run(revoke)
        await asyncio.sleep(RELOAD_LIMIT_S)
        assert (await running.render("plt.plot([1, 2])", key=second)).status == 401
        file.write_text("broken")
        await running.until_metric("figbox_keys_file_good", 0)
        assert (await running.render("plt.plot([1, 2])", key=first)).status == 200
        assert '"key": "reports-team"' in running.log_text()
        for key in (first, second):
            assert key not in running.log_text()
            assert key not in reader.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout


def test_pictures_can_be_drawn_again(gateway: LiveGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tools.render_pictures` writes exactly the pictures that the README shows."""
    monkeypatch.setattr(render_pictures, "PICTURES", tmp_path)
    monkeypatch.setenv("FIGBOX_URL", gateway.url)
    monkeypatch.setenv("API_KEY", KEY)
    assert render_pictures.main() == 0
    shown = {path.name for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert {path.name for path in tmp_path.iterdir()} == shown


async def test_metrics(gateway: LiveGateway) -> None:
    """Every metric of ours has its row in docs/operations.md, and every row has its metric."""
    assert (await gateway.render("plt.plot([1, 2])")).status == 200
    async with aiohttp.ClientSession() as session, session.get(gateway.metrics_url) as response:
        families = list(text_string_to_metric_families(await response.text()))
    found = {family.name for family in families if not family.name.endswith("_created")}
    ours = {name for name in found if not name.startswith("process_")}
    assert ours == set(names_in_first_cells(section(OPERATIONS, "Metrics")))
    assert "process_resident_memory_bytes" in found


async def test_fields_of_a_jobs_log_line(gateway: LiveGateway) -> None:
    """Every field of a job's log line has its row in docs/operations.md."""
    response = await gateway.render("plt.plot([1, 2])")
    lines = [json.loads(line) for line in gateway.log_text().splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == response.headers["X-Request-ID"]]
    documented = set(first_cells(section(OPERATIONS, "Log")))
    assert line["event"] == "job finished"
    assert set(line) - COMMON_FIELDS <= documented
    # Usage is unknown where the control groups can't be seen.
    assert documented - set(line) <= {"cpu_s", "memory_peak_bytes", "left_out", "trace_id"}
