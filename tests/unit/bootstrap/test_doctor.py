"""The doctor judges what it reads: each finding is tested with good and bad readings."""

from __future__ import annotations

import json
import socket
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap import doctor, steps
from bootstrap.doctor import access, daemon, findings, host, image
from bootstrap.doctor.access import Access
from bootstrap.doctor.findings import Finding, Level

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


@pytest.mark.parametrize("field", ["MemoryLimit", "PidsLimit", "CpuCfsQuota"])
@pytest.mark.parametrize("value", [False, None])
def test_each_limit_an_engine_lacks_is_bad(field: str, value: object) -> None:
    """An engine that doesn't enforce a limit, or doesn't tell, is bad for that limit only."""
    found = list(daemon.limits({**ABLE, field: value}))
    assert of(found, f"limit.{field}").level is Level.BAD
    assert of(found, f"limit.{field}").remedy
    assert [finding.level for finding in found].count(Level.BAD) == 1
    assert findings.worst(daemon.limits(ABLE)) is Level.OK


def test_swap_without_a_limit_is_bad_where_there_is_swap() -> None:
    """An engine that can't limit swap is fine on a host without swap."""
    unable = {**ABLE, "SwapLimit": False}
    assert of(daemon.limits(unable, SWAPS), "limit.SwapLimit").level is Level.BAD
    assert findings.worst(daemon.limits(unable, SWAPS.splitlines()[0])) is Level.OK
    assert findings.worst(daemon.limits(ABLE, SWAPS)) is Level.OK


def test_missing_weights_are_a_warning() -> None:
    """Without shares jobs can starve the gateway, but they are still bounded."""
    assert of(daemon.limits({**ABLE, "CPUShares": False}), "limit.CPUShares").level is Level.WARN


@pytest.mark.parametrize(
    ("changes", "name", "level"),
    [
        ({}, "cgroups", Level.OK),
        ({"CgroupVersion": "1", "CgroupDriver": "cgroupfs"}, "cgroups", Level.OK),
        ({"CgroupDriver": "none"}, "cgroups", Level.BAD),
        ({"CgroupVersion": "1", "SecurityOptions": ["name=seccomp", "name=rootless"]}, "cgroups", Level.BAD),
        ({}, "seccomp", Level.OK),
        ({"SecurityOptions": ["name=userns"]}, "seccomp", Level.BAD),
        ({"SecurityOptions": None}, "seccomp", Level.BAD),
        ({}, "userns", Level.OK),
        ({"SecurityOptions": ["name=seccomp", "name=rootless"]}, "userns", Level.OK),
        ({"SecurityOptions": ["name=seccomp"]}, "userns", Level.WARN),
    ],
)
def test_isolation_by_an_engine(changes: dict[str, Any], name: str, level: Level) -> None:
    """Control groups that don't enforce limits and a missing filter are bad; a shared root is a warning."""
    assert of(daemon.isolation({**ABLE, **changes}), name).level is level


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


@pytest.mark.parametrize(
    ("api", "level"), [("1.41", Level.OK), ("1.53", Level.OK), ("2.0", Level.OK), ("1.40", Level.BAD), ("", Level.BAD)]
)
def test_an_engine_too_old_is_bad(api: str, level: Level) -> None:
    """Engines before Docker 20.10 don't support the whole specification."""
    assert of(daemon.versions({"ApiVersion": api}, {"KernelVersion": "9.9.9"}), "engine.api").level is level


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


@pytest.mark.parametrize(
    ("mode", "members", "sheltered", "level"),
    [
        (0o660, (), False, Level.OK),
        (0o660, ("ann", "bob"), False, Level.WARN),
        (0o600, ("ann",), False, Level.OK),
        (0o666, (), False, Level.BAD),
        (0o662, (), False, Level.BAD),
        (0o666, (), True, Level.OK),
    ],
)
def test_who_may_open_the_socket(mode: int, members: tuple[str, ...], sheltered: bool, level: Level) -> None:  # noqa: FBT001
    """Access for all users is bad; for the members of a group, a warning that names them; for nobody else, good."""
    found = access.judge(Path("/x/docker.sock"), Access(mode, "root", "docker", members, sheltered))
    assert found.level is level
    assert all(name in found.what for name in members if level is Level.WARN)
    assert bool(found.remedy) == (level is not Level.OK)


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


@pytest.mark.parametrize(
    ("described", "level", "text"),
    [
        (None, Level.BAD, "doesn't have the image tag:1"),
        ({"Id": "sha256:7", "Created": "2026-11-24T23:59:59.123456789Z"}, Level.OK, "made today, sha256:7"),
        ({"Id": "sha256:7", "Created": "2026-10-26T00:00:00Z"}, Level.OK, "30 days old"),
        ({"Id": "sha256:7", "Created": "2026-01-01T00:00:00+01:00"}, Level.WARN, "328 days old"),
        ({"Id": "sha256:7", "Created": ""}, Level.WARN, "of unknown age"),
    ],
)
def test_the_image_is_told_with_its_age(described: dict[str, Any] | None, level: Level, text: str) -> None:
    """A missing image is bad, with a remedy; an old one is a warning, since its libraries are as old."""
    whole = described and {**described, "Config": {"User": "20000:20000"}}
    found = of(image.judge("tag:1", whole, NOW_S), "image")
    assert (found.level, bool(found.remedy)) == (level, level is not Level.OK)
    assert text in found.what


@pytest.mark.parametrize("user", ["", "0:0", "root"])
def test_an_image_that_runs_as_root_is_told(user: str) -> None:
    """The gateway sets a user, but without it such an image runs as root."""
    described = {"Id": "sha256:7", "Created": "2026-11-24T00:00:00Z", "Config": {"User": user}}
    assert of(image.judge("tag:1", described, NOW_S), "image.user").level is Level.WARN


@pytest.mark.parametrize(
    ("available_kib", "level"), [(8 * 1024**2, Level.OK), (1536 * 1024, Level.WARN), (100 * 1024, Level.BAD)]
)
def test_memory_is_judged_by_what_jobs_may_use(available_kib: int, level: Level) -> None:
    """Two jobs must fit without a warning; too little for one is bad; without a reading there isn't a finding."""
    meminfo = f"MemTotal:       16000000 kB\nMemAvailable:   {available_kib} kB\n"
    (found,) = host.memory(meminfo, "1024")
    assert found.level is level
    assert list(host.memory(None, "1024")) == []
    assert list(host.memory("MemTotal: 1 kB\n", "1024")) == []


def test_a_full_disk_is_bad() -> None:
    """The set-up needs space for two images."""
    assert host.disk("disk.x", 3 * GiB, Path("/x")).level is Level.OK
    assert host.disk("disk.x", GiB, Path("/x")).level is Level.BAD


def test_the_room_of_the_engine_is_looked_at(tmp_path: Path) -> None:
    """The folder where the engine keeps images counts, if this host has it."""
    (found,) = daemon.disk_space({"DockerRootDir": str(tmp_path)})
    assert str(tmp_path) in found.what
    assert list(daemon.disk_space({"DockerRootDir": str(tmp_path / "none")})) == []


@pytest.mark.parametrize(
    ("year", "made", "engine", "level"),
    [
        (2026, "2026-11-24T00:00:00.000000000+00:00", "2026-11-25T00:00:30.5Z", Level.OK),
        (1970, "", "", Level.WARN),
        (2127, "", "", Level.WARN),
        (2026, "2026-11-26T00:00:00Z", "", Level.WARN),
        (2026, "", "2026-11-25T00:05:00Z", Level.WARN),
        (2026, "yesterday", "now", Level.OK),
    ],
)
def test_the_clock_is_judged_by_what_was_made_before_now(year: int, made: str, engine: str, level: Level) -> None:
    """An impossible year, a time before the engine was built, and an engine with another clock are reported."""
    now_s = datetime(year, 11, 25, tzinfo=UTC).timestamp()
    assert host.clock(now_s, [("the engine was built", made)], engine).level is level


@pytest.mark.parametrize(("value", "level"), [("2", Level.OK), ("1", Level.WARN), ("0", Level.WARN), (None, Level.OK)])
def test_io_uring_is_told(value: str | None, level: Level) -> None:
    """Only 2 switches it off for all users."""
    assert host.io_uring(value).level is level


@pytest.mark.parametrize(
    ("clone", "apparmor", "level"),
    [
        ("0", None, Level.OK),
        (None, "1", Level.OK),
        (None, None, Level.OK),
        ("1", None, Level.WARN),
        (None, "0", Level.WARN),
    ],
)
def test_user_namespaces_are_told(clone: str | None, apparmor: str | None, level: Level) -> None:
    """An open switch is a warning; without a switch, there isn't a remedy."""
    found = host.user_namespaces(clone, apparmor)
    assert found.level is level
    assert bool(found.remedy) == (level is Level.WARN)


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
