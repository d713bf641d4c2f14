"""The self-test on real engines: it passes where the sandbox holds, and finds each line that a runtime leaves out.

The runtimes here are the tests' own: a script stands between the engine and runc, and takes one thing out of what the
engine asked for, without a word: just as an engine would that accepts a limit and ignores it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.specification import LABEL_INSTALLATION
from gateway.launcher.selftest import __main__ as selftest
from tests.support import runtimes
from tests.support.command import run
from tests.support.live import IMAGE, engine_client, live_gateway
from tests.support.machine import slowed
from tests.support.second_engine import EngineSetup, SecondEngine, second_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

#: Takes a container's specification, as the engine wrote it for the runtime, and leaves something out -> the checks
#: that find it. Source: OCI runtime specification, "Configuration".
LEFT_OUT: dict[str, tuple[str, set[str]]] = {
    "memory": ("spec['linux']['resources'].pop('memory')", {"memory"}),
    "pids": ("spec['linux']['resources'].pop('pids')", {"threads"}),
    # In a control group that is served before all others: a busy host would hide that the limit is missing.
    "cpu": ("spec['linux']['resources']['cpu'] = {'shares': 262144}; in_own_group()", {"cpu"}),
    "seccomp": ("spec['linux'].pop('seccomp')", {"system calls"}),
    "tmpfs-size": ("leave_out('size=')", {"files", "tmpfs"}),
    "tmpfs-inodes": ("leave_out('nr_inodes=')", {"inodes"}),
    "tmpfs-noexec": ("leave_out('noexec')", {"files"}),
    "ulimits": ("spec['process'].pop('rlimits')", {"file size", "descriptors"}),
    "capabilities": ("spec['process']['capabilities']['bounding'] = ['CAP_CHOWN']", {"capabilities"}),
    "user": ("spec['process']['user'] = {'uid': 0, 'gid': 0}", {"user"}),
    "groups": ("spec['process']['user']['additionalGids'] = [0]", {"user"}),
}

#: Lets a container say something else where it should wait for a job.
IN_PLACE_OF_JOBS = "spec['process']['args'] = ['facts' if word == 'job' else word for word in spec['process']['args']]"

RUNTIME = """\
#!{python} -IS
import json, os, sys

def leave_out(beginning):
    for mount in spec["mounts"]:
        if mount["destination"] == "/tmp":
            mount["options"] = [option for option in mount["options"] if not option.startswith(beginning)]

def in_own_group():
    spec["linux"]["cgroupsPath"] = "/figbox-test-" + arguments[-1]

arguments = sys.argv[1:]
if "create" in arguments and {condition}:
    path = os.path.join(arguments[arguments.index("--bundle") + 1], "config.json")
    with open(path) as file:
        spec = json.load(file)
    {change}
    with open(path, "w") as file:
        json.dump(spec, file)
os.execvp("runc", ["runc", *arguments])
"""


def make_runtime(path: Path, change: str, condition: str = "True") -> dict[str, str]:
    """Write a runtime that makes a change when a condition holds; return its entry for daemon.json."""
    path.write_text(RUNTIME.format(python=sys.executable, change=change, condition=condition))
    path.chmod(0o755)
    return {"path": str(path)}


@pytest.fixture(scope="module")
def flag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file whose existence makes the runtime `turncoat` leave out the memory limit."""
    return tmp_path_factory.mktemp("flag") / "on"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, flag: Path) -> Iterator[SecondEngine]:
    """Return an engine with a runtime for each thing that can be left out, holding the image."""
    runtimes.need_root()
    folder = tmp_path_factory.mktemp("runtimes")
    known: dict[str, Any] = {
        f"without-{name}": make_runtime(folder / name, change) for name, (change, _) in LEFT_OUT.items()
    }
    known["turncoat"] = make_runtime(folder / "turncoat", LEFT_OUT["memory"][0], f"os.path.exists({str(flag)!r})")
    known["useless"] = make_runtime(folder / "useless", IN_PLACE_OF_JOBS)
    runsc = runtimes.runsc()
    known["runsc-filtered"] = {**runsc, "runtimeArgs": [*runsc["runtimeArgs"], "--oci-seccomp"]}
    with second_engine(EngineSetup({"runtimes": known}), with_image=True) as engine:
        yield engine


@pytest.fixture
def settings_on(engine: SecondEngine, clean_environment: None) -> Callable[[str | None], selftest.SelfTestSettings]:
    """Return settings for a runtime of that engine."""
    return lambda runtime: selftest.SelfTestSettings(
        _env_file=None,
        docker_host=engine.url,
        runtime=runtime,
        image=IMAGE,
        installation="test-selftest",
        memory_limit_mib=256,
    )


async def test_an_honest_runtime_holds(settings_on: Callable[[str | None], Any], engine: SecondEngine) -> None:
    """With nothing left out every check holds, so that the gaps below are found by what was left out alone."""
    verdict = await selftest.run(settings_on("turncoat"))
    assert verdict.gaps == ()
    assert verdict.holds
    assert engine.counts()["containers"] == 0


@pytest.mark.parametrize("name", LEFT_OUT)
async def test_what_a_runtime_leaves_out_is_found(
    name: str, settings_on: Callable[[str | None], Any], engine: SecondEngine
) -> None:
    """Each line that a runtime ignores is found by the checks that are there for it, and by no other."""
    verdict = await selftest.run(settings_on(f"without-{name}"))
    assert {check.name for check in verdict.checks if not check.holds} == LEFT_OUT[name][1], verdict.gaps
    assert engine.counts()["containers"] == 0


async def test_a_runtime_that_renders_nothing_is_found(settings_on: Callable[[str | None], Any]) -> None:
    """A sandbox can hold everything and still be of no use."""
    verdict = await selftest.run(settings_on("useless"))
    assert [check.name for check in verdict.checks if not check.holds] == ["render"]


async def test_gvisor_holds_with_the_engines_filter_inside(settings_on: Callable[[str | None], Any]) -> None:
    """As docs/runtimes.md says: there are two filters then, and runners make threads."""
    verdict = await selftest.run(settings_on("runsc-filtered"))
    assert verdict.gaps == ()


def test_a_gateway_does_not_start_on_an_engine_that_ignores_a_limit(engine: SecondEngine, tmp_path: Path) -> None:
    """The gateway refuses such an engine, with the reason in the one sentence that it ends with."""
    with (
        pytest.raises(AssertionError, match="the sandbox does not hold: it has more threads than allowed"),
        live_gateway(tmp_path, docker_host=engine.url, FIGBOX_RUNTIME="without-pids"),
    ):
        pass


@pytest.mark.parametrize(("runtime", "status"), [("runc", 0), ("without-memory", 1), ("unheard-of", 2)])
def test_the_command_tells_by_its_status(engine: SecondEngine, runtime: str, status: int) -> None:
    """Any user who may open the socket can test the sandbox by hand; the table names what is wrong."""
    environment = {"DOCKER_HOST": engine.url, "FIGBOX_RUNTIME": runtime, "FIGBOX_IMAGE": IMAGE, "PATH": "/usr/bin"}
    done = run(sys.executable, "-m", "gateway.launcher.selftest", env=environment, limit_s=slowed(90))
    assert done.returncode == status, done.stdout + done.stderr
    expected = {0: "The sandbox holds", 1: "its memory limit is not enforced", 2: "is not a runtime of the engine"}
    assert expected[status] in done.stdout + done.stderr
    assert engine.counts()["containers"] == 0


def turn(flag: Path, *, on: bool) -> None:
    """Make the turncoat leave out the memory limit, or make it honest again."""
    flag.touch() if on else flag.unlink()


async def test_an_engine_that_came_back_worse_gets_no_job(engine: SecondEngine, flag: Path, tmp_path: Path) -> None:
    """An engine that was away is tested before it is trusted again; while it ignores a limit, no job runs."""
    settings = {"FIGBOX_RUNTIME": "turncoat", "FIGBOX_POOL_SIZE": 1}
    with live_gateway(tmp_path, docker_host=engine.url, **settings) as gateway:
        self_test = (await gateway.until_ready()).json["self_test"]
        assert self_test["holds"] is True
        assert self_test["age_s"] >= 0
        assert await gateway.metric("figbox_sandbox_holds") == 1
        turn(flag, on=True)
        try:
            engine.stop()
            await gateway.until_ready(503)
            engine.start()
            end = time.monotonic() + slowed(60)
            while (refused := (await gateway.until_ready(503)).json)["self_test"]["holds"]:
                assert time.monotonic() < end
                await asyncio.sleep(0.1)
            assert "the sandbox does not hold: its memory limit is not enforced" in refused["detail"]
            assert (await gateway.render("plt.plot([1, 2])")).status == 503
            assert await gateway.metric("figbox_sandbox_holds") == 0
            assert "sandbox does not hold" in gateway.log_text()
        finally:
            turn(flag, on=False)
        engine.stop()
        await gateway.until_ready(503)
        engine.start()
        assert (await gateway.until_ready()).json["self_test"]["holds"] is True
        assert (await gateway.render("plt.plot([1, 2])")).status == 200


def test_self_tests_leave_nothing_under_their_name(engine: SecondEngine) -> None:
    """Whatever the results of the tests above, no container of a self-test is left."""
    with engine_client(engine.url) as client:
        rows = client.containers(all=True, filters={"label": LABEL_INSTALLATION})
        assert [row["Labels"][LABEL_INSTALLATION] for row in rows] == []
    assert json.loads(engine.configuration.read_text())["runtimes"]
