"""The doctor judges what it reads: each finding is tested with good and bad readings."""

from __future__ import annotations

import json
import platform
import socket
import stat
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap import doctor, steps
from bootstrap.doctor import access, daemon, findings, host, image, sandbox, snapshots
from bootstrap.doctor.access import Access
from bootstrap.doctor.findings import Finding, Level
from gateway.launcher.snapshot import keeper

if TYPE_CHECKING:
    from collections.abc import Iterable

GiB = 1024**3
NOW_S = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
ABLE: dict[str, Any] = {
    "MemoryLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
    "CPUShares": True,
    "SwapLimit": True,
    "CgroupDriver": "systemd",
    "CgroupVersion": "2",
    "SecurityOptions": ["name=seccomp,profile=default", "name=userns"],
    "Runtimes": {"runc": {"path": "runc"}, "runsc": {"path": "/x/runsc"}},
    "DefaultRuntime": "runc",
}
GAPS = """\
holds  capabilities
GAP    user
       its uid is not ours
       its gid is not ours

The sandbox does not hold (2.1 s).
"""
SWAPS = "Filename Type Size Used Priority\n/dev/sda2 partition 1000 0 -2\n"


def of(found: Iterable[Finding], name: str) -> Finding:
    """Return the only finding of a name."""
    (only,) = [finding for finding in found if finding.name == name]
    return only


def test_the_worst_finding_counts() -> None:
    """One bad finding makes the result bad; without any findings it is good."""
    ok, warn, bad = (Finding("x", level, "it") for level in (Level.OK, Level.WARN, Level.BAD))
    assert findings.worst([]) is Level.OK
    assert findings.worst([ok, warn, ok]) is Level.WARN
    assert findings.worst([warn, bad, ok]) is Level.BAD


def test_a_finding_is_one_line_and_its_remedy() -> None:
    """People see the level first and the remedy below; machines get the same as JSON."""
    finding = Finding("disk", Level.BAD, "0 GiB free", "Make room.")
    assert finding.text() == "bad   0 GiB free\n      -> Make room."
    assert Finding("disk", Level.OK, "much free").text() == "ok    much free"
    assert json.loads(json.dumps(findings.document([finding]))) == {
        "verdict": "bad",
        "findings": [{"name": "disk", "level": "bad", "what": "0 GiB free", "remedy": "Make room."}],
    }


def limits(swaps: str | None = None, **changes: object) -> list[Finding]:
    """Return what is found about the limits of an engine that differs from a good one."""
    return list(daemon.limits({**ABLE, **changes}, swaps))


def isolation(**changes: object) -> list[Finding]:
    """Return what is found about the isolation by such an engine."""
    return list(daemon.isolation({**ABLE, **changes}))


def socket_for(mode: int, members: tuple[str, ...] = (), *, sheltered: bool = False) -> list[Finding]:
    """Return what is found about an engine's socket."""
    return [access.judge(Path("/x/docker.sock"), Access(mode, "root", "docker", members, sheltered))]


def image_made(created: str, user: str = "20000:20000") -> list[Finding]:
    """Return what is found about an image."""
    return list(image.judge("tag:1", {"Id": "sha256:7", "Created": created, "Config": {"User": user}}, NOW_S))


def clock_in(year: int, made: str = "", engine: str = "") -> list[Finding]:
    """Return what is found about a clock, an engine's build and the engine's clock."""
    now_s = datetime(year, 11, 25, tzinfo=UTC).timestamp()
    return [host.clock(now_s, [("the engine was built", made)], engine)]


def memory_of(available_kib: int) -> list[Finding]:
    """Return what is found about available memory, if a job may use 1 GiB."""
    return list(host.memory(f"MemTotal:       16000000 kB\nMemAvailable:   {available_kib} kB\n", "1024"))


def api(version: str) -> list[Finding]:
    """Return what is found about an engine with a version of the API."""
    return list(daemon.versions({"ApiVersion": version}, {"KernelVersion": "9.9.9"}))


def podman() -> list[Finding]:
    """Return what is found about Podman."""
    version = {"ApiVersion": "1.41", "Components": [{"Name": "Podman Engine", "Version": "5.4.2"}]}
    return list(daemon.versions(version, {"KernelVersion": "9.9.9"}))


def runners(*, kept: int = 0, wanted: str = "", **said: object) -> list[Finding]:
    """Return what is found about snapshots by what a gateway says of its environments; nothing said is no gateway."""
    return list(snapshots.judge(said or None, kept, wanted))


@pytest.mark.parametrize(
    ("found", "name", "level", "text"),
    [
        # An engine that doesn't enforce a limit, or doesn't tell; swap only counts where there is some.
        *((limits(**{field: no}), f"limit.{field}", Level.BAD, "") for field in daemon.LIMITS for no in (False, None)),
        (limits(SWAPS, SwapLimit=False), "limit.SwapLimit", Level.BAD, "this host has some"),
        (limits(CPUShares=False), "limit.CPUShares", Level.WARN, "starve the gateway"),
        # Control groups that don't enforce limits, a missing filter, a shared root.
        (isolation(), "cgroups", Level.OK, "version 2 (systemd)"),
        (isolation(CgroupVersion="1", CgroupDriver="cgroupfs"), "cgroups", Level.OK, ""),
        (isolation(CgroupDriver="none"), "cgroups", Level.BAD, "accepted but not enforced"),
        (isolation(CgroupVersion="1", SecurityOptions=["name=seccomp", "name=rootless"]), "cgroups", Level.BAD, ""),
        (isolation(), "seccomp", Level.OK, "the engine filters"),
        (isolation(SecurityOptions=["name=userns"]), "seccomp", Level.BAD, "doesn't filter"),
        (isolation(SecurityOptions=None), "seccomp", Level.BAD, ""),
        (isolation(), "userns", Level.OK, "the engine remaps user ids"),
        (isolation(SecurityOptions=["name=seccomp", "name=rootless"]), "userns", Level.OK, "is rootless"),
        (isolation(SecurityOptions=["name=seccomp"]), "userns", Level.WARN, ""),
        # Engines before Docker 20.10 don't support the whole specification.
        *((api(version), "engine.api", Level.OK, "") for version in ("1.41", "1.53", "2.0")),
        *((api(version), "engine.api", Level.BAD, "too old") for version in ("1.40", "")),
        # Podman takes Docker's calls, but doesn't hold what they ask for.
        (podman(), "engine.product", Level.BAD, "the engine is Podman, which doesn't hold the sandbox"),
        # What an engine says of itself is tried: the gaps are named, and why it can't be tried.
        ([sandbox.judge_output(0, "holds  user\n", "")], "sandbox", Level.OK, "the sandbox holds"),
        ([sandbox.judge_output(1, GAPS, "")], "sandbox", Level.BAD, "not hold: its uid is not ours; its gid is"),
        (
            [sandbox.judge_output(2, "", "figbox: the sandbox can't be tested: the engine\nrefused a call (no)\n")],
            "sandbox",
            Level.BAD,
            "the sandbox can't be tested: the engine refused a call (no)",
        ),
        ([sandbox.judge_output(-9, "", "")], "sandbox", Level.BAD, "the self-test ended with -9"),
        ([sandbox.judge(Path("/x/python"), Path("/x"))], "sandbox", Level.WARN, "nothing is installed"),
        ([sandbox.judge(Path("/"), Path("/"))], "sandbox", Level.BAD, "Permission denied"),
        # Access for all users; for the members of a group, who are named; for the owner alone.
        *((socket_for(mode), "socket", Level.OK, "") for mode in (0o660, 0o600)),
        (socket_for(0o600, ("ann",)), "socket", Level.OK, ""),
        (socket_for(0o660, ("ann", "bob")), "socket", Level.WARN, "ann, bob"),
        *((socket_for(mode), "socket", Level.BAD, "") for mode in (0o666, 0o662)),
        (socket_for(0o666, sheltered=True), "socket", Level.OK, ""),
        # A missing image; an old one, whose libraries are as old; one that runs as root unless the gateway says so.
        (list(image.judge("tag:1", None, NOW_S)), "image", Level.BAD, "doesn't have the image tag:1"),
        (image_made("2026-11-24T23:59:59.123456789Z"), "image", Level.OK, "made today, sha256:7"),
        (image_made("2026-10-26T00:00:00Z"), "image", Level.OK, "30 days old"),
        (image_made("2026-01-01T00:00:00+01:00"), "image", Level.WARN, "328 days old"),
        (image_made(""), "image", Level.WARN, "of unknown age"),
        *((image_made("2026-11-24T00:00:00Z", user), "image.user", Level.WARN, "") for user in ("", "0:0", "root")),
        # Two jobs must fit without a warning; too little for one is bad. The set-up needs space for two images.
        (memory_of(8 * 1024**2), "memory", Level.OK, ""),
        (memory_of(1536 * 1024), "memory", Level.WARN, ""),
        (memory_of(100 * 1024), "memory", Level.BAD, ""),
        ([host.disk("disk.x", 3 * GiB, Path("/x"))], "disk.x", Level.OK, "3.0 GiB free at /x"),
        ([host.disk("disk.x", GiB, Path("/x"))], "disk.x", Level.BAD, ""),
        # An impossible year, a time before the engine was built, an engine with another clock.
        (clock_in(2026, "2026-11-24T00:00:00.000000000+00:00", "2026-11-25T00:00:30.5Z"), "clock", Level.OK, ""),
        *((clock_in(year), "clock", Level.WARN, "") for year in (1970, 2127)),
        (clock_in(2026, "2026-11-26T00:00:00Z"), "clock", Level.WARN, "before the engine was built"),
        (clock_in(2026, "", "2026-11-25T00:05:00Z"), "clock", Level.WARN, "300 s away"),
        (clock_in(2026, "yesterday", "now"), "clock", Level.OK, ""),
        # Only 2 switches io_uring off for all users; an open switch is a warning, but a kernel without one is not.
        *(([host.io_uring(value)], "io_uring", Level.OK, "") for value in ("2", None)),
        *(([host.io_uring(value)], "io_uring", Level.WARN, "") for value in ("1", "0")),
        ([host.user_namespaces("0", None)], "user_namespaces", Level.OK, "can't make"),
        ([host.user_namespaces(None, "1")], "user_namespaces", Level.OK, "can't make"),
        ([host.user_namespaces(None, None)], "user_namespaces", Level.OK, "can't switch that off"),
        ([host.user_namespaces("1", None)], "user_namespaces", Level.WARN, ""),
        ([host.user_namespaces(None, "0")], "user_namespaces", Level.WARN, ""),
        # A gateway knows whether it uses snapshots, and why not; without one it can only be seen what the engine keeps.
        (runners(default={"way": "snapshot"}), "snapshot.default", Level.OK, "default start from a snapshot"),
        (
            runners(a={"way": "import", "reason": "no space"}, b={}),
            "snapshot.a",
            Level.WARN,
            "import their libraries: no",
        ),
        (runners(a={"way": "import", "reason": snapshots.MAKING}), "snapshot.a", Level.OK, "is being made"),
        (runners(a={"way": "import"}), "snapshot.a", Level.OK, "runners of a import their libraries"),
        *((runners(a=nonsense), "snapshot.a", Level.OK, "import") for nonsense in ({}, {"way": 7}, [], None)),
        (runners(a={"reason": "\x1b[31m" + "x" * 500}), "snapshot.a", Level.WARN, "libraries: [31m" + "x" * 196),
        (runners(wanted="import"), "snapshot", Level.OK, "FIGBOX_WARM_START is import"),
        (runners(kept=0), "snapshot", Level.OK, "keeps no snapshot of"),
        (runners(kept=1, wanted="auto"), "snapshot", Level.OK, "keeps one snapshot of"),
        (runners(kept=2), "snapshot", Level.OK, "keeps 2 snapshots of"),
    ],
)
def test_each_reading_has_its_level(found: list[Finding], name: str, level: Level, text: str) -> None:
    """One thing alone is bad, and what isn't good has a remedy."""
    finding = of(found, name)
    assert (finding.level, bool(finding.remedy)) == (level, level is not Level.OK)
    assert text in finding.what
    assert [each.level for each in found].count(Level.BAD) == (level is Level.BAD)


def test_what_is_in_order_or_unknown_is_good() -> None:
    """A good engine, and one that can't limit swap on a host without swap; without a reading there is no finding."""
    for swaps in (None, SWAPS):
        assert findings.worst(limits(swaps)) is Level.OK
    assert findings.worst(limits(SWAPS.splitlines()[0], SwapLimit=False)) is Level.OK
    assert list(host.memory(None, "1024")) == list(host.memory("MemTotal: 1 kB\n", "1024")) == []


def test_the_runtimes_are_told() -> None:
    """A configured runtime must be registered; gVisor is recommended."""
    assert findings.worst(daemon.runtimes(ABLE, "")) is Level.OK
    assert "set FIGBOX_RUNTIME" in of(daemon.runtimes(ABLE, ""), "gvisor").what
    assert "set FIGBOX_RUNTIME" not in of(daemon.runtimes(ABLE, "runsc"), "gvisor").what
    assert of(daemon.runtimes(ABLE, "kata"), "runtime").level is Level.BAD
    without = {**ABLE, "Runtimes": {"runc": {}, "io.containerd.runc.v2": {}}}
    assert of(daemon.runtimes(without, ""), "gvisor").level is Level.WARN
    assert "make gvisor" in of(daemon.runtimes(without, ""), "gvisor").remedy
    assert of(daemon.runtimes(without, ""), "runtimes").what == "runtimes: runc (default: runc)"
    assert of(daemon.runtimes(without, "runsc"), "runtime").level is Level.BAD


def test_the_name_of_a_runtime_is_no_runtime(tmp_path: Path) -> None:
    """Some engines list all that they would know: one without a program on the engine's host isn't recommended."""
    program = tmp_path / "runsc"
    here = {**ABLE, "KernelVersion": platform.release(), "Runtimes": {"runc": {}, "runsc": {"path": str(program)}}}
    listed = of(daemon.runtimes(here, ""), "gvisor")
    assert listed.level is Level.WARN
    assert f"{program} isn't on this host" in listed.what
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert of(daemon.runtimes(here, ""), "gvisor").level is Level.OK
    elsewhere = {**here, "KernelVersion": "9.9.9", "Runtimes": {"runsc": {"path": "/x/runsc"}}}
    assert of(daemon.runtimes(elsewhere, ""), "gvisor").level is Level.OK


def test_the_parts_of_an_engine_are_found(tmp_path: Path) -> None:
    """Engine, containerd, runc with the package's full version, crun by asking it, and the engine's kernel."""
    crun = tmp_path / "crun"
    crun.write_text("#!/bin/sh\necho crun version 1.21\necho commit: 77\n")
    crun.chmod(0o755)
    version = {
        "Components": [
            {"Name": "Engine", "Version": "20.10.24+dfsg1", "Details": {"GitCommit": "5d6db84"}},
            {"Name": "containerd", "Version": "1.6.20~ds1", "Details": {"GitCommit": "1.6.20~ds1-1+deb12u3"}},
            {"Name": "runc", "Version": "1.1.5+ds1", "Details": {"GitCommit": "1.1.5+ds1-1+deb12u1"}},
            {"Name": "docker-init", "Version": "0.19.0"},
        ]
    }
    info = {"KernelVersion": "6.18.44-custom", "Runtimes": {"crun": {"path": str(crun)}, "runc": {"path": "runc"}}}
    assert {name: found for name, _, found in daemon.parts(version, info)} == {
        "engine": "20.10.24+dfsg1",
        "containerd": "1.6.20~ds1-1+deb12u3",
        "runc": "1.1.5+ds1-1+deb12u1",
        "crun": "1.21",
        "kernel": "6.18.44-custom",
    }


def test_debians_kernel_is_judged_by_its_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of the sources is in the kernel's build; the release's number is Debian's own."""
    monkeypatch.setattr("platform.release", lambda: "6.1.0-13-amd64")
    monkeypatch.setattr("platform.version", lambda: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)")
    assert list(daemon.parts({}, {"KernelVersion": "6.1.0-13-amd64"})) == [("kernel", "Linux", "6.1.55-1")]
    assert list(daemon.parts({}, {"KernelVersion": "6.8.0-1"})) == [("kernel", "Linux", "6.8.0-1")]


def test_a_runtime_without_a_version_is_a_warning(tmp_path: Path) -> None:
    """A program that is missing, fails or prints something else has an unknown version."""
    silent = tmp_path / "crun"
    silent.write_text("#!/bin/sh\necho hello\n")
    silent.chmod(0o755)
    assert steps.version(str(silent)) == ""
    assert steps.version(str(tmp_path / "none")) == ""
    info = {"KernelVersion": "6.18.44-custom", "Runtimes": {"crun": {"path": str(silent)}}}
    assert of(daemon.versions({"ApiVersion": "1.41"}, info), "crun").level is Level.WARN


def test_a_real_socket_is_looked_at() -> None:
    """Owner, mode and closed folders are those of the socket itself, also through a link."""
    with tempfile.TemporaryDirectory(prefix="fb") as name, socket.socket(socket.AF_UNIX) as listener:
        path = Path(name, "s")
        listener.bind(str(path))
        path.chmod(0o666)
        link = Path(name, "l")
        link.symlink_to(path)
        closed = access.look(link)
        assert (closed.mode, closed.sheltered) == (0o666, True)
        assert stat.S_IMODE(path.stat().st_mode) == closed.mode
        Path(name).chmod(0o755)
        assert access.look(path).sheltered is False
        assert access.look(path).owner == path.owner()


def test_the_room_of_the_engine_is_looked_at(tmp_path: Path) -> None:
    """The folder where the engine keeps images counts, if this host has it."""
    (found,) = daemon.disk_space({"DockerRootDir": str(tmp_path)})
    assert str(tmp_path) in found.what
    assert list(daemon.disk_space({"DockerRootDir": str(tmp_path / "none")})) == []


def test_kernel_switches_are_read_from_their_files(tmp_path: Path) -> None:
    """The values are in files below /proc/sys."""
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel" / "io_uring_disabled").write_text("2\n")
    (tmp_path / "kernel" / "unprivileged_userns_clone").write_text("1\n")
    found = list(host.kernel_switches(tmp_path))
    assert of(found, "io_uring").level is Level.OK
    assert of(found, "user_namespaces").level is Level.WARN


def test_the_port_is_tried() -> None:
    """A free port is good; one in use is a warning, since the gateway may be using it; nonsense is bad."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = str(taken.getsockname()[1])
        assert host.port("127.0.0.1", number).level is Level.WARN
    assert host.port("127.0.0.1", number).level is Level.OK
    assert host.port("127.0.0.1", "70000").level is Level.BAD
    assert host.port("127.0.0.1", "http").level is Level.BAD
    assert host.port("192.0.2.1", number).level is Level.BAD


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n{"warm_start": {"default": {"way": "snapshot"}}}', {"default": {"way": "snapshot"}}),
        (b'HTTP/1.1 503 No\r\n\r\n{"error": "the engine is away"}', None),
        (b'HTTP/1.1 200 OK\r\n\r\n{"warm_start": ["default"]}', None),
        (b"HTTP/1.1 200 OK\r\n\r\n[1]", None),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * (1 << 17), None),
        (b"HTTP/1.1 200 OK\r\n\r\n\xff", None),
        (b"220 another kind of server\r\n", None),
        (b"", None),
    ],
)
def test_a_gateway_is_asked(response: bytes, said: dict[str, object] | None) -> None:
    """What it says of its runners is taken as it is; whatever else listens there says nothing."""

    def respond() -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(4096))
            connection.sendall(response)

    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=respond)
        server.start()
        found = snapshots.ask_gateway("127.0.0.1", str(listener.getsockname()[1]))
        server.join()
    assert found == said
    assert asked[0].startswith(b"GET /readyz HTTP/1.1\r\n")


@pytest.mark.parametrize("port", ["0", "http", "99999", ""])
def test_where_no_gateway_can_be_nothing_is_said(port: str) -> None:
    """A port where nothing listens, or that is none, is no reason to crash."""
    assert snapshots.ask_gateway("127.0.0.1", port) is None


def test_what_a_gateway_gives_as_reason_at_first() -> None:
    """The set-up's words for it are the gateway's; it imports nothing of the gateway, so that it runs without one."""
    assert (keeper.MAKING, keeper.LABEL_KEY) == (snapshots.MAKING, snapshots.LABEL)


def test_without_an_engine_the_host_is_still_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing engine is bad, with a remedy; the exit code is 2, and the JSON says the same."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert doctor.report(tmp_path, "tag:1", as_json=True) == doctor.CANNOT_WORK == 2
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "bad"
    assert of((Finding(**finding) for finding in told["findings"]), "engine").remedy
    assert {"python", "disk.checkout", "port"} <= {finding["name"] for finding in told["findings"]}
    assert doctor.report(tmp_path, "tag:1", as_json=False) == 2
    assert "can't work here" in capsys.readouterr().out


def test_an_engine_elsewhere_is_no_reason_to_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A DOCKER_HOST that isn't a unix socket is a finding, not a traceback."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    assert doctor.report(tmp_path, "tag:1", as_json=False) == 2
    assert "DOCKER_HOST=unix:///" in capsys.readouterr().out


def test_reading_what_isnt_there_gives_nothing(tmp_path: Path) -> None:
    """A file that can't be read gives None."""
    assert host.read(tmp_path / "none") is None
    assert host.read(tmp_path) is None
