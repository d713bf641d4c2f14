"""Keys stay in the gateway: no specification, no container and no list of processes has them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.keys.__main__ import main
from gateway.keys.keyring import digest_of
from tests.fakes import KEY, until
from tests.support.live import containers_of, engine_client, live_gateway

if TYPE_CHECKING:
    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

#: Code that looks for words in everything it can read: every process's variables and arguments, and every file. The
#: words come reversed, or it would find its own code.
LOOK = """
import os
words = [word[::-1].encode() for word in {words!r}]
found = []
for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
    for name in ("environ", "cmdline"):
        try:
            with open(f"/proc/{{pid}}/{{name}}", "rb") as file:
                data = file.read()
        except OSError:
            continue
        found += [f"{{pid}}/{{name}}" for word in words if word in data]
for folder, _, names in os.walk("/"):
    if folder.startswith(("/dev", "/proc", "/sys", "/usr", "/opt")):
        continue
    for name in names:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read(1 << 20)
        except OSError:
            continue
        found += [os.path.join(folder, name) for word in words if word in data]
raise SystemExit("found: " + " ".join(found) if found else "nothing found")
"""


def _specifications(gateway: LiveGateway) -> str:
    names = containers_of(gateway.installation, gateway.docker_host)
    assert names
    with engine_client(gateway.docker_host) as client:
        return json.dumps([client.inspect_container(name) for name in names])


def _arguments() -> bytes:
    """Return what a list of processes shows."""
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found += path.read_bytes()
    return found


async def test_keys_are_nowhere_but_in_the_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a key nor its digest is in `inspect`, in the code's reach, in a process list, or in the log."""
    file = tmp_path / "keys.toml"
    assert main(["--file", str(file), "add", "other"]) == 0
    other = capsys.readouterr().out.strip()
    words = [KEY, other, digest_of(KEY.encode()).hex(), digest_of(other.encode()).hex()]
    with live_gateway(tmp_path, FIGBOX_API_KEYS_FILE=file, FIGBOX_POOL_SIZE=2) as running:
        await until(lambda: bool(containers_of(running.installation, running.docker_host)), "a warm container")
        inspected = _specifications(running)
        for key in (KEY, other):
            response = await running.render(LOOK.format(words=[word[::-1] for word in words]), key=key)
            assert response.json["error"].strip().endswith("nothing found"), response.json["error"][-500:]
        arguments = _arguments()
        for word in words:
            assert word not in inspected
            assert word not in running.log_text()
            assert word.encode() not in arguments
