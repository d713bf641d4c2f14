"""`figbox up` and `figbox down` on a real engine: one service, found again, ended without a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from figbox.cli.home.processes import identity_of
from tests.client.conftest import PLOT, write
from tests.support.checkout import copy_checkout
from tests.support.home import User, until, user

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

#: What a gateway of the user's own may have in the clone's `.env`, and what no gateway can start with.
OTHERS = "API_KEY=theirs\nPORT=1\nFIGBOX_INSTALLATION=theirs\nFIGBOX_IMAGE=theirs:1\nFIGBOX_CACHE_MIB=nonsense\n"


@pytest.fixture
def someone(tmp_path: Path) -> Iterator[User]:
    """Return a user with a script to render."""
    with user(tmp_path) as found:
        write(found.folder / "a.py", PLOT)
        yield found


def lines(text: str) -> dict[str, str]:
    """Return the variables that `figbox up --format env` prints."""
    return dict(line.split("=", 1) for line in text.splitlines())


def up(someone: User, arguments: str = "", **variables: str) -> dict[str, str]:
    """Run `figbox up`, which must work; return what it prints."""
    done = someone(f"figbox up --format env {arguments}", **variables)
    assert done.returncode == 0, done.stderr
    return lines(done.stdout)


def test_life(someone: User, tmp_path: Path) -> None:
    """The shell reads what it prints, commands work; another finds it; it ends without a trace, and once more."""
    clone = copy_checkout(tmp_path / "clone")
    (clone / ".env").write_text(OTHERS)
    clones = {"FIGBOX_HOME": str(clone)}
    done = someone('eval "$(figbox up)" && figbox render a.py -o out && env | grep ^FIGBOX_', **clones)
    assert done.returncode == 0, done.stderr
    assert (someone.folder / "out" / "a.png").is_file()
    printed = up(someone, **clones)
    assert set(printed) == {"FIGBOX_URL", "FIGBOX_KEY_FILE"}
    assert {f"{name}={value}" for name, value in printed.items()} <= set(done.stdout.splitlines())
    key_file = Path(printed["FIGBOX_KEY_FILE"])
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    key = key_file.read_text().strip()
    assert len(key) >= 43
    (process,) = someone.gateways()
    everywhere = [*Path("/proc").glob("[0-9]*/cmdline"), *someone.services.glob("up/*.log")]
    assert not [path for path in everywhere if key.encode() in read(path)]
    assert key not in done.stdout + done.stderr
    assert process == someone.process_id()
    until(someone.containers, "containers are made")

    port = printed["FIGBOX_URL"].rpartition(":")[2]
    assert up(someone, f"--port {port} -e default", **clones) == printed
    for arguments, words in (("--port 1", f"runs on port {port} already"), ("-e science", "doesn't offer science")):
        refused = someone(f"figbox up {arguments}", **clones)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert words in refused.stderr

    for _ in range(2):
        assert someone("figbox down", **clones).returncode == 0
        assert identity_of(process) is None
        assert someone.containers() == []
        assert [path.name for path in (someone.services / "up").iterdir()] == ["lock"]


def read(path: Path) -> bytes:
    """Return a file of a process that may end at any time."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_killed_service_is_replaced(someone: User) -> None:
    """A service that was killed is noticed: the next one removes what it left, and so does the end."""
    before = up(someone)
    until(someone.containers, "containers are made")
    left = someone.containers()
    os.kill(someone.process_id(), signal.SIGKILL)
    done = someone("figbox up --format env")
    assert "has died; starting another" in done.stderr
    assert lines(done.stdout)["FIGBOX_URL"] != before["FIGBOX_URL"]
    assert not set(left) & set(someone.containers())
    until(someone.containers, "containers are made")
    os.kill(someone.process_id(), signal.SIGKILL)
    until(lambda: not someone.gateways(), "the gateway ends")
    ended = someone("figbox down")
    assert (ended.returncode, "had died" in ended.stderr) == (0, True)
    assert someone.containers() == []


def test_process_id_of_another(someone: User) -> None:
    """A process that got the id of a service that ended is let be, by both commands."""
    up(someone)
    record = someone.services / "up" / "service.json"
    found = json.loads(record.read_text())
    gateway = found["process"]["pid"]
    with subprocess.Popen(["sleep", "600"]) as another:
        try:
            found["process"]["pid"] = another.pid
            record.write_text(json.dumps(found))
            os.kill(gateway, signal.SIGKILL)
            assert "had died" in someone("figbox down").stderr
            assert another.poll() is None
        finally:
            another.kill()


def test_failed_start_leaves_nothing(someone: User) -> None:
    """A taken port, a bad setting, a service that isn't ready in time: one sentence, and nothing is left."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        tries = {
            f"port {port} on 127.0.0.1 is taken": someone(f"figbox up --port {port}"),
            "FIGBOX_CPUS": someone("figbox up", FIGBOX_CPUS="none"),
            "wasn't ready in time": someone("figbox up --timeout 1"),
            "is not a runtime of the engine": someone("figbox up", FIGBOX_RUNTIME="none"),
        }
    for words, done in tries.items():
        assert (done.returncode, done.stdout) == (3, ""), done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert someone.gateways() == []
    assert someone.containers() == []
    assert [path.name for path in (someone.services / "up").iterdir()] == ["lock"]


def test_killed_start(someone: User) -> None:
    """What a killed `figbox up` had begun is ended by the next one, or by the end."""
    begun = someone.begin("up")
    until(lambda: (someone.state / "figbox").is_dir() and list(someone.services.glob("up/service.json")), "it begins")
    process = someone.process_id()
    begun.kill()
    begun.wait()
    up(someone)
    assert identity_of(process) is None
    assert someone.gateways() == [someone.process_id()]


def test_two_at_once(someone: User) -> None:
    """Two that begin at the same time start one service."""
    done = someone("figbox up > one & figbox up > two; wait && cmp one two && cat one")
    assert done.returncode == 0, done.stderr
    assert len(someone.gateways()) == 1


def test_environment_is_built_and_offered(someone: User) -> None:
    """An environment of the clone is made as far as needed, and can be chosen."""
    printed = up(someone, "-e science")
    done = someone("figbox render a.py -o out -e science && figbox environments", **printed)
    assert done.returncode == 0, done.stderr
    assert "\nscience\n" in done.stdout
