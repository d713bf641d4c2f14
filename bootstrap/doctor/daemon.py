"""The engine: its versions, what it can enforce, its runtimes, and whether a container's root is the host's.

Source: Docker Engine API, `GET /version` and `GET /info`.
"""

from __future__ import annotations

import platform
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import engine
from bootstrap.doctor.findings import Finding, Level, judged
from bootstrap.doctor.host import PROC, disk, read
from bootstrap.doctor.versions import MINIMUMS, judge
from bootstrap.steps import version as program_version

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Docker 20.10's, the first that gives each container a control group namespace of its own.
OLDEST_API = (1, 41)

LIMITS = {
    "MemoryLimit": "memory limits",
    "PidsLimit": "limits on processes",
    "CpuCfsQuota": "CPU limits",
}
#: Where engines look for the programs of runtimes that they name without a folder.
PROGRAM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

LIMIT_REMEDY = (
    "Use a kernel and cgroup set-up that has it (cgroup v2, or v1 with that controller); "
    "rootless engines need cgroup v2 with delegation."
)


def versions(version: dict[str, Any], info: dict[str, Any]) -> Iterator[Finding]:
    """Judge the versions of the engine, its parts and the kernel."""
    if engine.is_podman(version):
        yield Finding(
            "engine.product", Level.BAD, engine.PODMAN, "Use Docker Engine; a rootless one needs no root either."
        )
    api = str(version.get("ApiVersion") or "0")
    numbers = tuple(int(number) for number in re.findall(r"\d+", api)[:2])
    good = numbers >= OLDEST_API
    what = f"the engine's API is {api}" if good else f"the engine's API, {api}, is too old"
    yield judged("engine.api", what, "Use Docker Engine 20.10 or newer.", good=good)
    for name, title, found in parts(version, info):
        yield judge(name, title, found)


def parts(version: dict[str, Any], info: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield name, title and version of the engine's parts and of its kernel."""
    for part in version.get("Components") or []:
        name = str(part.get("Name", "")).lower()
        if name in MINIMUMS:
            # Debian puts the package's full version where others have the commit.
            commit = str((part.get("Details") or {}).get("GitCommit") or "")
            short = str(part.get("Version") or "")
            yield name, "Docker Engine" if name == "engine" else name, commit if commit.startswith(short) else short
    for name, runtime in sorted((info.get("Runtimes") or {}).items()):
        path = str(runtime.get("path") or "")
        if path.endswith("crun"):
            yield "crun", f"crun ({name})", program_version(path)
    # Debian's build names the version of its sources, where the release counts Debian's own builds.
    release = str(info.get("KernelVersion") or platform.release())
    sources = re.search(r"Debian (\d\S*)", platform.version() if release == platform.release() else "")
    yield "kernel", "Linux", sources[1] if sources else release


def limits(info: dict[str, Any], swaps: str | None = None) -> Iterator[Finding]:
    """Judge whether an engine can enforce each limit of the sandbox; `swaps` is /proc/swaps of its host, if known."""
    for field, name in LIMITS.items():
        good = info.get(field) is True
        what = f"the engine enforces {name}" if good else f"the engine doesn't enforce {name}"
        yield judged(f"limit.{field}", what, LIMIT_REMEDY, good=good)
    if info.get("SwapLimit") is False and len((swaps or "").splitlines()) > 1:
        yield Finding(
            "limit.SwapLimit",
            Level.BAD,
            "the engine doesn't limit swap, and this host has some: a job could use more than its memory limit",
            "`swapoff -a`, or start the kernel with `swapaccount=1`.",
        )
    if info.get("CPUShares") is False:
        yield Finding(
            "limit.CPUShares",
            Level.WARN,
            "the engine can't give jobs a smaller weight: as many busy jobs as cores can starve the gateway",
            LIMIT_REMEDY,
        )


def isolation(info: dict[str, Any]) -> Iterator[Finding]:
    """Judge control groups, system call filters, and whether a container's root would be the host's."""
    # Each is like `name=seccomp,profile=default`.
    options = {str(option).partition(",")[0].removeprefix("name=") for option in info.get("SecurityOptions") or []}
    rootless, remapped = "rootless" in options, "userns" in options
    version = str(info.get("CgroupVersion") or "1")
    what = f"control groups version {version} ({info.get('CgroupDriver') or 'without a driver'})"
    good = str(info.get("CgroupDriver") or "none") != "none" and not (rootless and version == "1")
    what += "" if good else ": limits are accepted but not enforced"
    yield judged("cgroups", what, LIMIT_REMEDY, good=good)
    good = "seccomp" in options
    verb = "filters" if good else "doesn't filter"
    yield judged(
        "seccomp",
        f"the engine {verb} system calls (seccomp)",
        "Use an engine and a kernel built with seccomp.",
        good=good,
    )
    if rootless or remapped:
        kind = "rootless" if rootless else "remaps user ids"
        what = f"the engine {kind if remapped else 'is ' + kind}"
        yield Finding("userns", Level.OK, f"{what}: a container's root is an ordinary user of the host")
    else:
        yield Finding(
            "userns",
            Level.WARN,
            "a container's root would be the host's: the engine is neither rootless nor remaps user ids",
            "Jobs don't run as root, but another barrier is cheap: a rootless engine, or `userns-remap` in daemon.json "
            "of an engine that only Figbox uses (docs/runtimes.md).",
        )


def runtimes(info: dict[str, Any], wanted: str) -> Iterator[Finding]:
    """Judge the runtimes: whether gVisor and the one that FIGBOX_RUNTIME names, if any, are registered."""
    known = {name for name in info.get("Runtimes") or {} if not str(name).startswith("io.containerd.")}
    names = ", ".join(sorted(known)) or "none"
    yield Finding("runtimes", Level.OK, f"runtimes: {names} (default: {info.get('DefaultRuntime')})")
    if wanted and wanted not in (info.get("Runtimes") or {}):
        yield Finding(
            "runtime",
            Level.BAD,
            f"FIGBOX_RUNTIME is {wanted}, which the engine doesn't know",
            "Register it in the engine's daemon.json (`make gvisor` does for runsc), or unset FIGBOX_RUNTIME.",
        )
    missing = missing_programs(info) if is_here(info) else {}
    if "runsc" in missing:
        yield Finding(
            "gvisor",
            Level.WARN,
            f"gVisor (runsc) is registered, but {missing['runsc']} isn't on this host: guest code runs on its kernel",
            "If strangers can send code: `make gvisor`, then set FIGBOX_RUNTIME=runsc.",
        )
    elif "runsc" in known:
        used = "" if wanted == "runsc" else "; set FIGBOX_RUNTIME=runsc to use it"
        yield Finding("gvisor", Level.OK, f"gVisor (runsc) is registered{used}")
    else:
        yield Finding(
            "gvisor",
            Level.WARN,
            "gVisor (runsc) isn't registered: guest code runs on this host's kernel",
            "If strangers can send code: `make gvisor`, then set FIGBOX_RUNTIME=runsc.",
        )


def missing_programs(info: dict[str, Any]) -> dict[str, str]:
    """Return the program of each runtime that has none here: some engines list those that they would know."""
    found = {str(name): str((facts or {}).get("path") or "") for name, facts in (info.get("Runtimes") or {}).items()}
    return {name: path for name, path in found.items() if path and shutil.which(path, path=PROGRAM_PATH) is None}


def disk_space(info: dict[str, Any]) -> Iterator[Finding]:
    """Judge the space where the engine keeps images; not with Docker Desktop, whose engine is in a virtual machine."""
    folder = Path(str(info.get("DockerRootDir") or "/"))
    if folder.is_dir():
        yield disk("disk.engine", shutil.disk_usage(folder).free, folder)


def is_here(info: dict[str, Any]) -> bool:
    """Tell whether the engine runs on this host's kernel."""
    return info.get("KernelVersion") == platform.release()


def swaps_here(info: dict[str, Any]) -> str | None:
    """Return the host's list of swap areas, if the engine runs on it."""
    return read(PROC / "swaps") if is_here(info) else None
