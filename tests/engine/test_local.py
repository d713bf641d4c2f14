"""`--local` on a real engine: a service for one command, which draws as any other and ends with the command."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import PLOT, write
from tests.documents.pages import ROOT
from tests.fakes import KEY
from tests.support.home import User, until, user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

#: Runs until it is ended.
ENDLESS = "import time\ntime.sleep(600)\n"

EXAMPLES = ("bars", "surface_3d", "cjk_titles")


@pytest.fixture
def someone(tmp_path: Path) -> Iterator[User]:
    """Return a user with a script to render."""
    with user(tmp_path) as found:
        write(found.folder / "a.py", PLOT)
        yield found


def assert_nothing_is_left(someone: User) -> None:
    """Wait until neither a gateway nor a container is left."""
    until(lambda: not someone.gateways(), "the gateway ends")
    assert [someone.containers(path.name) for path in someone.services.glob("local-*")] == [[]]


def test_same_bytes_as_a_service(someone: User, gateway: LiveGateway) -> None:
    """The same image and the same specification: every byte of every picture is that of a service."""
    for name in EXAMPLES:
        write(someone.folder / "plots" / f"{name}.py", (ROOT / "examples" / f"{name}.py").read_bytes())
    line = "figbox render plots --format png,svg,pdf -o"
    service = {"FIGBOX_URL": gateway.url, "FIGBOX_API_KEY": KEY}
    assert someone(f"{line} service", **service).returncode == 0
    done = someone(f"{line} local --local", **service)
    assert done.returncode == 0, done.stderr
    assert gateway.url not in done.stderr
    found = [
        {path.name: path.read_bytes() for path in (someone.folder / name).iterdir()} for name in ("service", "local")
    ]
    assert len(found[0]) == 3 * len(EXAMPLES)
    assert found[0] == found[1]
    assert_nothing_is_left(someone)
    assert sorted(path.name for path in someone.services.glob("local-0/*")) == ["gateway.log", "lock"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_end_of_the_command(someone: User, number: signal.Signals) -> None:
    """However the command ends, with a job under way, the service ends, and no container is left."""
    write(someone.folder / "endless.py", ENDLESS)
    begun = someone.begin("render", "endless.py", "-o", "out", "--local", "--timeout", "25")
    log = someone.folder / "stderr"
    until(lambda: "service: http" in log.read_text(), "the service is ready")
    until(lambda: someone.containers("local-0"), "the job has a container")
    begun.send_signal(number)
    assert begun.wait() == (130 if number is signal.SIGINT else -number)
    assert_nothing_is_left(someone)


def test_end_of_the_command_while_the_service_starts(someone: User) -> None:
    """A command that is killed before its service is ready leaves nothing either."""
    begun = someone.begin("environments", "--local")
    until(someone.gateways, "the gateway starts")
    begun.kill()
    begun.wait()
    assert_nothing_is_left(someone)


def test_two_at_once(someone: User) -> None:
    """Commands at the same time have services of their own, and neither removes the other's containers."""
    write(someone.folder / "b.py", PLOT + "plt.title('b')\n")
    done = someone(
        "figbox render a.py -o out --local & first=$!; figbox render b.py -o out --local; wait $first", FIGBOX_LOCAL="1"
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (someone.folder / "out").iterdir()) == ["a.png", "b.png"]
    assert sorted(path.name for path in someone.services.glob("local-*")) == ["local-0", "local-1"]


def test_check(someone: User) -> None:
    """A check needs no service; environments that a project's configuration names are there."""
    write(someone.folder / "figbox.toml", '[check]\ninclude = ["a.py"]\n[check.options]\nenvironment = "science"\n')
    done = someone("figbox check --local --json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert [entry["verdict"] for entry in report["figures"]] == ["new"]
    assert_nothing_is_left(someone)


def test_doctor(someone: User) -> None:
    """`figbox doctor --local` tells whether `--local` works here."""
    done = someone("figbox doctor --local")
    assert done.returncode == 0, done.stderr
    assert "ok     it renders" in done.stdout
