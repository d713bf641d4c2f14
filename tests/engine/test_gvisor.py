"""`make gvisor` against real engines: ours is given gVisor while it runs, another's stays as it is."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap import dockerd, gvisor
from bootstrap.steps import SetupError, Steps
from tests.support.command import run
from tests.support.machine import slowed
from tests.support.runtimes import need_root, runsc
from tests.support.second_engine import EngineSetup, second_engine

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.support.second_engine import SecondEngine

pytestmark = pytest.mark.engine


@pytest.fixture
def own_engine() -> Iterator[SecondEngine]:
    """Return an engine that is marked as one that the set-up started, with a configuration and nothing registered."""
    need_root()
    setup = EngineSetup({"shutdown-timeout": 5}, environment={dockerd.MARK: "yes"})
    with second_engine(setup) as engine:
        yield engine


def make_gvisor(socket: Path, program: Path) -> subprocess.CompletedProcess[str]:
    """Run what `make gvisor` runs, for an engine, with a runsc found before any other."""
    environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "PATH": f"{program.parent}:{os.environ['PATH']}"}
    return run(sys.executable, "-m", "bootstrap", "gvisor", env=environment, limit_s=slowed(300))


def test_our_running_engine_is_given_gvisor(own_engine: SecondEngine) -> None:
    """The runtime is registered without a restart, beside what was configured; the second time nothing is done."""
    process_id = dockerd.own(own_engine.socket)
    assert process_id == own_engine.process_id
    program = Path(runsc()["path"])
    first = make_gvisor(own_engine.socket, program)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "platform systrap" in first.stdout
    assert dockerd.own(own_engine.socket) == process_id
    entry = gvisor.registered(own_engine.socket)
    assert entry is not None
    assert entry["path"] == str(program)
    assert entry["runtimeArgs"][0] in {"--platform=systrap", "--platform=ptrace"}
    configuration = json.loads(own_engine.configuration.read_text())
    assert configuration["shutdown-timeout"] == 5
    assert configuration["runtimes"] == {"runsc": entry}
    second = make_gvisor(own_engine.socket, program)
    assert second.returncode == 0
    assert "registered already" in second.stdout
    assert "platform" not in second.stdout.replace("--platform", "")


def test_an_engine_that_refuses_its_configuration_is_told(
    own_engine: SecondEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration that the engine doesn't take is named, without a long wait."""
    own_engine.configuration.write_text(json.dumps({"no-such-option": True}))
    monkeypatch.setattr(gvisor, "REGISTER_LIMIT_S", 0.5)
    process_id = dockerd.own(own_engine.socket)
    assert process_id is not None
    with pytest.raises(SetupError, match=r"doesn't accept .*daemon\.json"):
        gvisor.register(Steps(output=io.StringIO()), own_engine.socket, process_id, {"path": "/x/runsc"})


def test_an_engine_of_another_owner_stays_as_it_is() -> None:
    """An engine that this set-up didn't start is left as it is, and the error says why in one line."""
    need_root()
    with second_engine() as engine:
        before = engine.configuration.read_text()
        assert dockerd.own(engine.socket) is None
        done = make_gvisor(engine.socket, Path(runsc()["path"]))
        assert done.returncode == 1
        assert "wasn't started by this set-up" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert engine.configuration.read_text() == before
        assert gvisor.registered(engine.socket) is None
