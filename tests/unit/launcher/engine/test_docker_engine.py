"""Which engine is used if no setting names one, and where its calls are made."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.engine.docker_engine import DockerEngine, find_engine_url
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("variable", "current", "expected"),
    [
        (None, None, DEFAULT),
        (None, "mine", "mine"),
        ("mine", None, "mine"),
        ("other", "mine", "other"),
        ("default", "mine", DEFAULT),
        ("unknown", "mine", DEFAULT),
        ("remote", "mine", DEFAULT),
    ],
)
def test_the_context_of_the_cli_names_the_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str | None, current: str | None, expected: str
) -> None:
    """`DOCKER_CONTEXT` comes before the current context; instead of one without a socket here the default is used."""
    hosts = {name: f"unix://{tmp_path}/{name}" for name in ("mine", "other")} | {"remote": "tcp://localhost:1"}
    for name, host in hosts.items():
        folder = tmp_path / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        folder.mkdir(parents=True)
        document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
        (folder / "meta.json").write_text(json.dumps(document))
    (tmp_path / "config.json").write_text(json.dumps({} if current is None else {"currentContext": current}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    if variable is None:
        monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    else:
        monkeypatch.setenv("DOCKER_CONTEXT", variable)
    with socket.socket(socket.AF_UNIX) as mine, socket.socket(socket.AF_UNIX) as other:
        mine.bind(str(tmp_path / "mine"))
        other.bind(str(tmp_path / "other"))
        assert find_engine_url(None) == hosts.get(expected, expected)
        assert find_engine_url("unix:///x") == "unix:///x"


async def test_calls_wait_for_no_other_work(tmp_path: Path) -> None:
    """The engine is called in threads of its own: however many the process has busy, a call is made at once."""
    released = threading.Event()
    loop = asyncio.get_running_loop()
    busy = [loop.run_in_executor(None, released.wait) for _ in range(64)]
    engine = DockerEngine(f"unix://{tmp_path}/nothing", 1)
    pools = (engine._launchers, engine._enders, engine._controllers, engine._pingers, engine._storers)
    try:
        calls = asyncio.gather(*(engine._run(pool, lambda: 7) for pool in pools))
        assert await asyncio.wait_for(calls, slowed(5)) == [7] * len(pools)
    finally:
        released.set()
        await asyncio.gather(*busy)
        engine.close()
