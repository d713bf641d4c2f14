"""What the documents tell people to type works, on a real engine; metrics and log lines are those they describe."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from gateway.keys.live_keyring import RELOAD_LIMIT_S
from tests.support.documents import (
    DOCUMENTED_URL,
    OPERATIONS,
    README,
    ROOT,
    blocks,
    command,
    first_cells,
    section,
)
from tests.support.live import IMAGE, KEY, LiveGateway, engine_url, live_gateway
from tools import render_pictures

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

LIMIT_S = 120

#: What every line of the log has.
COMMON_FIELDS = {"time", "level", "event", "request_id"}


def shell(line: str, folder: Path, **environment: str) -> str:
    """Run a documented command in a folder; return what it prints."""
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_picture(path: Path) -> None:
    """Check that a command left a PNG with something in it."""
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.convert("L").getextrema()[0] < 255


def test_curl_request_gives_a_picture(gateway: LiveGateway, tmp_path: Path) -> None:
    """The README's curl line, beside a `.env` with the key, writes the picture."""
    (tmp_path / ".env").write_text(f"# a comment\nAPI_KEY={KEY}\n")
    shell(command("curl -sS").replace(DOCUMENTED_URL, gateway.url), tmp_path)
    assert_picture(tmp_path / "plot.png")


def test_python_request_gives_a_picture(gateway: LiveGateway, tmp_path: Path) -> None:
    """The README's Python client writes the picture."""
    example, _ = blocks(README, "python")
    (tmp_path / "client.py").write_text(example.replace(DOCUMENTED_URL, gateway.url), "utf-8")
    shell(f"{sys.executable} client.py", tmp_path, API_KEY=KEY)
    assert_picture(tmp_path / "plot.png")


def test_python_request_prints_a_failure(gateway: LiveGateway, tmp_path: Path) -> None:
    """The README's Python client says what became of code that fails."""
    example, _ = blocks(README, "python")
    broken = example.replace(DOCUMENTED_URL, gateway.url).replace("plt.legend()", "plt.legend(1 / 0)")
    (tmp_path / "client.py").write_text(broken, "utf-8")
    printed = shell(f"{sys.executable} client.py", tmp_path, API_KEY=KEY)
    assert printed.startswith("500 program_error Traceback")
    assert "ZeroDivisionError" in printed


def test_image_by_hand_gives_a_picture(tmp_path: Path) -> None:
    """The README's `docker run` line writes the picture, and leaves no container."""
    if shutil.which("docker") is None:
        pytest.skip("there is no Docker CLI on this host, only an engine")
    (tmp_path / "plot.py").write_text("import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()\n")
    name = f"figbox-readme-{secrets.token_hex(4)}"
    line = command("docker run -i").replace("figbox-runner", IMAGE).replace("--rm", f"--rm --name {name}")
    shell(line, tmp_path, DOCKER_HOST=engine_url())
    assert_picture(tmp_path / "plot.png")
    assert not shell(f"docker ps --all --quiet --filter name={name}", tmp_path, DOCKER_HOST=engine_url())


async def test_keys_come_and_go_while_it_runs(tmp_path: Path) -> None:
    """Keys made, listed and revoked as the page on keys says open and shut the door of a running gateway in time."""
    file = tmp_path / "keys.toml"
    add, show, revoke = (
        command(f".venv/bin/python -m gateway.keys --file keys.toml {verb}").replace("keys.toml", str(file))
        for verb in ("add", "list", "revoke")
    )
    first = shell(add.replace("reports-team", "first"), ROOT).strip()
    with live_gateway(tmp_path, API_KEY="", FIGBOX_API_KEYS_FILE=file, FIGBOX_POOL_SIZE=0) as running:
        assert (await running.render("plt.plot([1, 2])", key=first)).status == 200
        second = shell(add, ROOT).strip()
        assert shell(show, ROOT).splitlines() == ["first requests_per_minute=60", "reports-team requests_per_minute=60"]
        await asyncio.sleep(RELOAD_LIMIT_S)
        answer = await running.render("plt.plot([1, 2])", key=second)
        assert (answer.status, '"requests";r=59;t=' in answer.headers["RateLimit"]) == (200, True)
        shell(revoke, ROOT)
        await asyncio.sleep(RELOAD_LIMIT_S)
        assert (await running.render("plt.plot([1, 2])", key=second)).status == 401
        file.write_text("broken")
        await running.until_metric("figbox_keys_file_good", 0)
        assert (await running.render("plt.plot([1, 2])", key=first)).status == 200
        assert '"key": "reports-team"' in running.log_text()
        for key in (first, second):
            assert key not in running.log_text()
            assert key not in shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '", ROOT)


def test_pictures_of_the_readme_can_be_drawn_anew(
    gateway: LiveGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tools/render_pictures.py` writes the very pictures that the README shows."""
    monkeypatch.setattr(render_pictures, "PICTURES", tmp_path)
    monkeypatch.setenv("FIGBOX_URL", gateway.url)
    monkeypatch.setenv("API_KEY", KEY)
    assert render_pictures.main() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in (ROOT / "docs" / "pictures").iterdir()
    )


async def test_metrics_are_the_documented_ones(gateway: LiveGateway) -> None:
    """Every metric of ours has its line in the operations page, and every line has its metric."""
    assert (await gateway.render("plt.plot([1, 2])")).status == 200
    async with aiohttp.ClientSession() as session, session.get(gateway.metrics_url) as response:
        families = list(text_string_to_metric_families(await response.text()))
    found = {family.name for family in families if not family.name.endswith("_created")}
    assert found == set(first_cells(section(OPERATIONS, "Metrics")))


async def test_fields_of_a_jobs_line_are_documented(gateway: LiveGateway) -> None:
    """Every field of a job's log line has its line in the operations page."""
    answer = await gateway.render("plt.plot([1, 2])")
    lines = [json.loads(line) for line in gateway.log_text().splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == answer.headers["X-Request-ID"]]
    documented = set(first_cells(section(OPERATIONS, "Log")))
    assert line["event"] == "job finished"
    assert set(line) - COMMON_FIELDS <= documented
    # Usage is unknown where the control groups can't be seen.
    assert documented - set(line) <= {"cpu_s", "memory_peak_bytes", "left_out"}
