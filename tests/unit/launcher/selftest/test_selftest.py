"""An engine is only used if it can confine a job and render one; each gap is reported by itself."""

from __future__ import annotations

import asyncio
import copy
import json
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.engine import EngineFacts, ExitState, FoundContainer, Launched
from gateway.launcher.engine.specification import UID_FIRST, UID_LAST, Sandbox
from gateway.launcher.runner.frames import END, PICTURE, READY, encode_frame, with_head
from gateway.launcher.selftest import selftest
from gateway.launcher.selftest.selftest import SelfTest, meets_host_kernel, prepare, probe
from gateway.launcher.selftest.trials import COMMAND, judge_probe
from gateway.model.errors import ContainerLost, EngineUnavailable, StartError
from gateway.model.jobs import Limits, MiB
from tests.fakes import PNG, block
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.launcher.selftest.verdict import Verdict
    from gateway.settings import Settings

    MakeSettings = Callable[..., Settings]

GOOD: dict[str, Any] = {
    "interfaces": ["lo"],
    "uid": UID_FIRST,
    "gid": UID_FIRST,
    "groups": [UID_FIRST],
    "status": {"CapEff": "0000000000000000", "CapBnd": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"},
    "writable": {"/": "EROFS", "/home": "EROFS"},
    "tmp": {"bytes": 64 * MiB, "inodes": 4096, "noexec": True, "nosuid": True, "nodev": True},
    "refused": {"unshare": "EPERM", "mount": "EPERM"},
}
TRIALS: dict[str, Any] = {
    "cpu_share": 0.5,
    "large_file": False,
    "tmpfs_mib": 4,
    "inodes": 63,
    "descriptors": 251,
    "threads": 63,
}
FACTS = EngineFacts(frozenset({"runc"}), (), 4, 16384 * MiB, "1", "cgroupfs", "2")
SANDBOX = Sandbox("sha256:0", Limits(), None, "here", "now", 60)


class ProbedEngine:
    """An engine whose containers write what the test set, and end."""

    def __init__(self, output: bytes, facts: EngineFacts = FACTS, image: str | None = "sha256:0") -> None:
        self._output = output
        self._facts = facts
        self._image = image
        self.launched: list[dict[str, Any]] = []
        self.removed = 0
        self.lowers = True
        self.trials = TRIALS
        self.picture: bytes | None = PNG
        self.becomes_ready = True
        self.strays: list[FoundContainer] = []
        self._runners: list[asyncio.Task[None]] = []
        self.ending = ExitState(137, oom_killed=True)

    async def facts(self) -> EngineFacts:
        """Return what the test set."""
        return self._facts

    async def image_id(self, image: str) -> str | None:
        """Return the image, or None if the test has none."""
        return self._image

    async def find(self, installation: str) -> list[FoundContainer]:
        """Return what the test set."""
        return self.strays

    async def launch(self, config: dict[str, Any], name: str) -> Launched:
        """Write the output or how far the limits let it go, draw, or run out of memory, as the command says."""
        self.launched.append(config)
        ours, peer = socket.socketpair()
        if config["Cmd"][0] == "job":
            self._runners.append(asyncio.create_task(self._draw(peer)))
            return Launched("id", ours)
        if config["Cmd"] == [*COMMAND]:
            peer.sendall(block(1, json.dumps(self.trials).encode()))
        elif config["Cmd"] == ["probe"]:
            peer.sendall(self._output)
        peer.close()
        return Launched("id", ours)

    async def _draw(self, peer: socket.socket) -> None:
        """Act as a runner: ready, then a job, then its reply."""
        peer.setblocking(False)
        loop = asyncio.get_running_loop()
        with peer:
            if not self.becomes_ready:
                return
            await loop.sock_sendall(peer, block(1, encode_frame(READY)))
            if await loop.sock_recv(peer, 65536) and self.picture is not None:
                head = {"figure": 0, "label": "", "format": "png"}
                picture = encode_frame(PICTURE, with_head(json.dumps(head).encode(), self.picture))
                end = encode_frame(END, json.dumps({"outcome": "ok"}).encode())
                await loop.sock_sendall(peer, block(1, picture + end))

    async def process_id(self, container_id: str) -> int:
        """Return a number that no process has."""
        return 0

    async def lower_memory(self, container_id: str, memory_limit_bytes: int) -> bool:
        """Lower it or not, as the test set."""
        return self.lowers

    async def exit_state(self, container_id: str) -> ExitState:
        """Return what the test set; by default that it was killed for its memory."""
        return self.ending

    async def remove(self, container_id: str) -> None:
        """Count."""
        self.removed += 1


def _report(**changes: object) -> dict[str, Any]:
    """Return a good report with other values, or without what is None."""
    report = {**copy.deepcopy(GOOD), **changes}
    return {name: value for name, value in report.items() if value is not None}


def _tmp(**changes: object) -> dict[str, Any]:
    return _report(tmp={**GOOD["tmp"], **changes})


def _judge(report: dict[str, Any], runtime: str | None = None) -> list[str]:
    checks = judge_probe(report, host_kernel=meets_host_kernel(runtime), tmpfs_limit_bytes=64 * MiB)
    return [gap for gaps in checks.values() for gap in gaps]


def _status(**changes: str) -> dict[str, Any]:
    return _report(status={**GOOD["status"], **changes})


def test_good_sandbox_holds() -> None:
    """A sandbox as specified has no gap; neither has one without any interface, or with the last uid."""
    for report in (GOOD, _report(interfaces=[]), _report(uid=UID_LAST), _report(groups=[])):
        assert _judge(report) == []


@pytest.mark.parametrize(
    ("report", "gap"),
    [
        (_report(interfaces=["lo", "eth0"]), "network"),
        (_report(interfaces=None), "network"),
        (_report(uid=0), "uid"),
        (_report(uid=UID_LAST + 1), "uid"),
        (_report(uid=None), "uid"),
        (_report(groups=[UID_FIRST, 0]), "groups"),
        (_report(groups=None), "groups"),
        (_status(CapEff="0000000000000400"), "capabilities"),
        (_status(CapBnd="00000000a80425fb"), "capabilities"),
        (_report(status={"NoNewPrivs": "1", "Seccomp": "2"}), "capabilities"),
        (_report(writable={"/": "EROFS", "/home": None}), "written"),
        (_report(writable={}), "written"),
        (_report(writable=None), "written"),
        (_tmp(bytes=1 << 40), "bounded"),
        (_tmp(noexec=False), "inert"),
        (_tmp(nosuid=False), "inert"),
        (_tmp(nodev=False), "inert"),
        (_tmp(inodes=0), "counted"),
        (_status(NoNewPrivs="0"), "privileges"),
        (_status(Seccomp="0"), "filter"),
        (_report(refused={"unshare": None, "mount": "EPERM"}), "system calls are open: unshare"),
        (_report(refused={}), "system calls"),
        (_report(refused=None), "system calls"),
    ],
)
def test_each_gap_is_found_alone(report: dict[str, Any], gap: str) -> None:
    """Each thing that doesn't hold, or isn't reported at all, is exactly one gap."""
    (found,) = _judge(report, "runc")
    assert gap in found


def test_empty_report_proves_nothing() -> None:
    """A sandbox that reports nothing fails every check."""
    assert len(_judge({})) == 11


@pytest.mark.parametrize("runtime", ["runsc", "runsc-kvm", "kata-qemu"])
def test_kernels_in_user_space_are_not_asked_for_filters(runtime: str) -> None:
    """Under gVisor and Kata system calls reach another kernel; all else must hold there, too."""
    unfiltered = {
        **_status(NoNewPrivs="0", Seccomp="0"),
        "refused": {"unshare": None},
        "tmp": {"bytes": 64 * MiB, "inodes": 0, "noexec": False, "nosuid": False, "nodev": False},
    }
    assert _judge(unfiltered, runtime) == []
    assert len(_judge({**unfiltered, "uid": 0}, runtime)) == 1


async def test_good_engine_is_prepared(make_settings: MakeSettings) -> None:
    """An engine that passes is used with its image's digest; all probes had the job's spec and are gone."""
    engine = ProbedEngine(block(2, b"a warning") + block(1, json.dumps(GOOD).encode()))
    prepared = await prepare(engine, make_settings(), "now")  # type: ignore[arg-type]
    assert prepared.sandbox.image_id == "sha256:0"
    assert prepared.sandbox.lowers_memory
    assert prepared.verdict.holds
    assert engine.removed == len(engine.launched) == 5
    assert all(config["HostConfig"]["ReadonlyRootfs"] for config in engine.launched)


@pytest.mark.parametrize(
    ("engine", "settings", "text"),
    [
        (ProbedEngine(b"", EngineFacts(frozenset(), ("MemoryLimit",), 1, 1, "", "", "1")), {}, "MemoryLimit"),
        (ProbedEngine(b"", replace(FACTS, is_podman=True)), {}, "Podman, which doesn't hold the sandbox"),
        (ProbedEngine(b""), {"runtime": "runsc"}, "FIGBOX_RUNTIME 'runsc'.*runc"),
        (ProbedEngine(b"", image=None), {"image": "none:1"}, "no image 'none:1'.*make image"),
        (ProbedEngine(block(1, json.dumps(_report(uid=0)).encode())), {}, "does not hold: its uid is not ours"),
    ],
)
async def test_unfit_engine_stops_the_start(
    make_settings: MakeSettings, engine: ProbedEngine, settings: dict[str, Any], text: str
) -> None:
    """The error names what is missing and what to do, and no container is left."""
    with pytest.raises(StartError, match=text):
        await prepare(engine, make_settings(**settings), "now")  # type: ignore[arg-type]
    assert engine.removed == len(engine.launched)


async def test_memory_limit_that_does_not_hold_stops_the_start(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that survives twice its memory shows that limits are not enforced."""
    engine = ProbedEngine(block(1, json.dumps(GOOD).encode()))
    launch = engine.launch

    async def survive(config: dict[str, Any], name: str) -> Launched:
        if config["Cmd"][0] != "memory":
            return await launch(config, name)
        ours, peer = socket.socketpair()
        peer.sendall(block(1, b"survived\n"))
        peer.close()
        engine.launched.append(config)
        return Launched("id", ours)

    monkeypatch.setattr(engine, "launch", survive)
    with pytest.raises(StartError, match="its memory limit is not enforced"):
        await prepare(engine, make_settings(), "now")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(block(1, b"{"), id="broken"),
        pytest.param(block(1, b"[]"), id="no object"),
        pytest.param(block(2, json.dumps(GOOD).encode()), id="on stderr"),
        pytest.param(b"HTTP/1.1 500 x", id="no stream"),
        pytest.param(block(1, bytes(selftest.REPORT_LIMIT + 1))[:200_000] * 2, id="flood"),
    ],
)
async def test_probe_without_a_report_is_an_engine_failure(output: bytes) -> None:
    """A probe without a readable report proves nothing, and its container is removed."""
    engine = ProbedEngine(b"")

    async def launch(config: dict[str, Any], name: str) -> Launched:
        ours, peer = socket.socketpair()
        peer.setblocking(False)

        async def write() -> None:
            try:
                await asyncio.get_running_loop().sock_sendall(peer, output)
            except ConnectionError:
                pass
            finally:
                peer.close()

        tasks.append(asyncio.create_task(write()))
        return Launched("id", ours)

    tasks: list[asyncio.Task[None]] = []
    engine.launch = launch  # type: ignore[method-assign]
    with pytest.raises(ContainerLost):
        await probe(engine, SANDBOX)  # type: ignore[arg-type]
    assert engine.removed == 1
    await asyncio.wait_for(asyncio.gather(*tasks), slowed(5))


async def test_probe_that_never_ends_is_given_up() -> None:
    """A probe has a time limit, and is removed when it is over."""
    engine = ProbedEngine(b"")
    ours, peer = socket.socketpair()

    async def launch(config: dict[str, Any], name: str) -> Launched:
        return Launched("id", ours)

    engine.launch = launch  # type: ignore[method-assign]
    with peer, pytest.raises(ContainerLost):
        await probe(engine, replace(SANDBOX, start_limit_s=0.02))  # type: ignore[arg-type]
    assert engine.removed == 1


@pytest.mark.parametrize("what", ["refused", "without effect"])
async def test_memory_that_cannot_be_lowered_is_noted(make_settings: MakeSettings, what: str) -> None:
    """An engine that won't lower a limit, or doesn't enforce a lowered one, is used; jobs with less start cold."""
    engine = ProbedEngine(block(1, json.dumps(GOOD).encode()))
    engine.lowers = what != "refused"
    launch = engine.launch

    async def survive(config: dict[str, Any], name: str) -> Launched:
        if config["HostConfig"]["Memory"] != 4 * selftest.MEMORY_TRIAL_BYTES or not engine.lowers:
            return await launch(config, name)
        ours, peer = socket.socketpair()
        peer.sendall(block(1, b"survived\n"))
        peer.close()
        engine.launched.append(config)
        return Launched("id", ours)

    engine.launch = survive  # type: ignore[method-assign]
    prepared = await prepare(engine, make_settings(), "now")  # type: ignore[arg-type]
    assert not prepared.sandbox.lowers_memory
    assert engine.removed == len(engine.launched)


async def test_silent_death_of_another_cause_proves_no_memory_limit(make_settings: MakeSettings) -> None:
    """A memory probe that fails for a reason of its own doesn't show that the limit holds."""
    engine = ProbedEngine(block(1, json.dumps(GOOD).encode()))
    engine.ending = ExitState(1, oom_killed=False)
    with pytest.raises(StartError, match="its memory limit is not enforced"):
        await prepare(engine, make_settings(), "now")  # type: ignore[arg-type]


async def _verdict(engine: ProbedEngine, sandbox: Sandbox = SANDBOX) -> Verdict:
    return await SelfTest(engine, sandbox).run()  # type: ignore[arg-type]


def _engine() -> ProbedEngine:
    return ProbedEngine(block(1, json.dumps(GOOD).encode()))


async def test_a_sandbox_that_holds_has_a_verdict_with_every_check() -> None:
    """Every trial is named, the render last, and each container is gone."""
    engine = _engine()
    verdict = await _verdict(engine)
    assert verdict.holds
    assert verdict.gaps == ()
    assert [check.name for check in verdict.checks] == [
        *("network", "user", "capabilities", "files", "privileges", "system calls"),
        *("memory", "tmpfs", "file size", "descriptors", "inodes", "threads", "cpu", "render"),
    ]
    assert engine.removed == len(engine.launched) == 4
    assert verdict.age_s() == 0


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("tmpfs_mib", 8, "tmpfs"),
        ("large_file", True, "file size"),
        ("descriptors", 512, "descriptors"),
        ("inodes", 128, "inodes"),
        ("threads", 128, "threads"),
        ("cpu_share", 1.0, "cpu"),
        ("cpu_share", None, "cpu"),
        ("threads", "few", "threads"),
        ("threads", False, "threads"),
        ("large_file", None, "file size"),
    ],
)
async def test_each_limit_that_was_exceeded_is_a_gap_of_its_own(name: str, value: object, check: str) -> None:
    """A limit that didn't stop the program, or without a readable report, doesn't hold; the others do."""
    engine = _engine()
    engine.trials = {**TRIALS, name: value}
    verdict = await _verdict(engine)
    assert [found.name for found in verdict.checks if not found.holds] == [check]
    assert str(verdict.reason).startswith("the sandbox does not hold: ")


async def test_a_program_that_says_nothing_has_proved_nothing() -> None:
    """Without a report no limit is proved."""
    engine = _engine()
    engine.trials = {}
    assert len((await _verdict(engine)).gaps) == 6


async def test_a_kernel_in_user_space_counts_neither_threads_nor_files() -> None:
    """There the container's memory bounds both; the other limits are still checked."""
    engine = _engine()
    engine.trials = {**TRIALS, "threads": 128, "inodes": 128, "cpu_share": 1.0}
    sandbox = replace(SANDBOX, runtime="runsc")
    assert (await _verdict(engine, sandbox)).holds
    engine.trials["tmpfs_mib"] = 8
    assert not (await _verdict(engine, sandbox)).holds


@pytest.mark.parametrize("picture", [None, b"", PNG[:-1], PNG.replace(b"IDAT", b"XDAT")])
async def test_a_sandbox_that_renders_nothing_does_not_hold(picture: bytes | None) -> None:
    """A runner without a reply, or with a broken picture, can't serve jobs, however strict its sandbox is."""
    engine = _engine()
    engine.picture = picture
    verdict = await _verdict(engine)
    assert [check.name for check in verdict.checks if not check.holds] == ["render"]
    assert engine.removed == len(engine.launched)


@pytest.mark.parametrize("becomes_ready", [True, False])
async def test_a_runner_that_somebody_killed_proves_nothing(*, becomes_ready: bool) -> None:
    """Before or after its job comes: that is the engine's trouble, so the start waits for a better time."""
    engine = _engine()
    engine.picture, engine.becomes_ready = None, becomes_ready
    engine.ending = ExitState(137, oom_killed=False)
    with pytest.raises(ContainerLost, match="was killed"):
        await _verdict(engine)
    engine.ending = ExitState(139, oom_killed=False)
    assert [gap for gap in (await _verdict(engine)).gaps if "renders nothing" in gap]


async def test_what_a_killed_self_test_left_is_removed_first() -> None:
    """Its containers have names of their own, which no other sweep looks for."""
    engine = _engine()
    engine.strays = [FoundContainer("old", "figbox-1")]
    assert (await _verdict(engine)).holds
    assert engine.removed == len(engine.launched) + 1
    labels = {config["Labels"]["figbox.installation"] for config in engine.launched}
    assert labels == {SANDBOX.installation + ".selftest"}


async def test_the_trials_run_in_a_job_s_own_sandbox() -> None:
    """Their container only differs from a job's in its numbers, and none of them is larger."""
    engine = _engine()
    await _verdict(engine)
    (trials,) = (config for config in engine.launched if config["Cmd"] == [*COMMAND])
    (job,) = (config for config in engine.launched if config["Cmd"][0] == "job")
    differing = {name for name, value in job["HostConfig"].items() if trials["HostConfig"][name] != value}
    assert differing == {"Tmpfs", "NanoCpus", "Ulimits"}
    small = replace(SANDBOX, limits=replace(SANDBOX.limits, tmpfs_inodes=64, pids_limit=32, cpus=0.1))
    engine = _engine()
    await _verdict(engine, small)
    (trials,) = (config for config in engine.launched if config["Cmd"] == [*COMMAND])
    assert (trials["HostConfig"]["PidsLimit"], trials["HostConfig"]["NanoCpus"]) == (32, 100_000_000)


async def test_an_engine_that_fails_a_self_test_proves_nothing() -> None:
    """A failure of the engine is raised as one, after the other trials under way have cleaned up."""
    engine = _engine()
    launch = engine.launch

    async def fail(config: dict[str, Any], name: str) -> Launched:
        if config["Cmd"] == ["probe"]:
            raise EngineUnavailable("the engine doesn't respond")
        return await launch(config, name)

    engine.launch = fail  # type: ignore[method-assign]
    with pytest.raises(EngineUnavailable):
        await _verdict(engine)
    assert engine.removed == len(engine.launched) == 3
