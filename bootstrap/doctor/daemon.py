"""The engine: its versions, what it can enforce, its runtimes, and whether its root is the host's.

Source: Docker Engine API, `GET /version` and `GET /info`.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.doctor import holes
from bootstrap.doctor.findings import Finding, Level
from bootstrap.doctor.host import PROC, disk, read

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_API = (1, 41)
"""Docker 20.10's: the first that gives each container a control group namespace of its own."""

LIMITS = {
    "MemoryLimit": "memory limits",
    "PidsLimit": "limits on processes",
    "CpuCfsQuota": "CPU limits",
}
LIMIT_REMEDY = (
    "Use a kernel and cgroup set-up that has it (cgroup v2, or v1 with that controller); "
    "rootless engines need cgroup v2 with delegation."
)
PACKAGES = {"engine": "docker.io", "containerd": "containerd", "runc": "runc"}
VERSION_LIMIT_S = 10.0


def versions(version: dict[str, Any], info: dict[str, Any]) -> Iterator[Finding]:
    """Say what the engine is made of, and which known holes that has."""
    api = str(version.get("ApiVersion") or "0")
    numbers = tuple(int(number) for number in re.findall(r"\d+", api)[:2])
    yield (
        Finding("engine.api", Level.OK, f"the engine speaks API {api}")
        if numbers >= OLDEST_API
        else Finding(
            "engine.api",
            Level.BAD,
            f"the engine speaks API {api}, which is too old",
            "Use Docker Engine 20.10 or newer.",
        )
    )
    for component in components(version, info):
        yield from holes.judge(component)


def components(version: dict[str, Any], info: dict[str, Any]) -> Iterator[holes.Component]:
    """Give the engine's parts, its runtimes' programs and the kernel under it."""
    for part in version.get("Components") or []:
        name = str(part.get("Name", "")).lower()
        if name in PACKAGES:
            # Debian writes the package's full version where others have the commit.
            commit = str((part.get("Details") or {}).get("GitCommit") or "")
            says = str(part.get("Version") or "")
            full = commit if says and commit.startswith(says) else says
            title = "Docker Engine" if name == "engine" else name
            yield holes.component(name, title, full, PACKAGES[name])
    for name, runtime in sorted((info.get("Runtimes") or {}).items()):
        path = str(runtime.get("path") or "")
        if path and re.search(r"crun$", path):
            yield holes.component("crun", f"crun ({name})", program_version(path), "crun")
    release = str(info.get("KernelVersion") or platform.release())
    yield holes.kernel(release, platform.version() if release == platform.release() else "")


def program_version(path: str) -> str:
    """Give the version a runtime says it has; empty if it says none."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=VERSION_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"version:? +v?(?:release-)?(\S+)", done.stdout)
    return match[1] if match else ""


def limits(info: dict[str, Any], swaps: str | None = None) -> Iterator[Finding]:
    """Judge an engine by its own description: each limit of the sandbox must be one it can enforce.

    Args:
        info: The description.
        swaps: Contents of the engine's host's /proc/swaps; None if unknown.
    """
    for field, name in LIMITS.items():
        if info.get(field) is True:
            yield Finding(f"limit.{field}", Level.OK, f"the engine enforces {name}")
        else:
            yield Finding(f"limit.{field}", Level.BAD, f"the engine doesn't enforce {name}", LIMIT_REMEDY)
    has_swap = len((swaps or "").splitlines()) > 1
    if info.get("SwapLimit") is False and has_swap:
        yield Finding(
            "limit.SwapLimit",
            Level.BAD,
            "the engine doesn't limit swap, and this host has some: a job could use more than its memory",
            "`swapoff -a`, or start the kernel with `swapaccount=1`.",
        )
    if info.get("CPUShares") is False:
        yield Finding(
            "limit.CPUShares",
            Level.WARN,
            "the engine gives jobs no smaller weight: as many busy jobs as cores can starve the gateway",
            LIMIT_REMEDY,
        )


def walls(info: dict[str, Any]) -> Iterator[Finding]:
    """Judge control groups, system call filters, and whether root in a container would be root outside."""
    options = {name: value for option in info.get("SecurityOptions") or [] for name, value in [_option(str(option))]}
    rootless, remapped = "rootless" in options, "userns" in options
    version = str(info.get("CgroupVersion") or "1")
    what = f"control groups version {version} ({info.get('CgroupDriver') or 'no driver'})"
    if str(info.get("CgroupDriver") or "none") == "none" or (rootless and version == "1"):
        yield Finding("cgroups", Level.BAD, f"{what}: limits are accepted and not enforced", LIMIT_REMEDY)
    else:
        yield Finding("cgroups", Level.OK, what)
    if "seccomp" in options:
        yield Finding("seccomp", Level.OK, "the engine filters system calls (seccomp)")
    else:
        remedy = "Use an engine and a kernel built with seccomp."
        yield Finding("seccomp", Level.BAD, "the engine doesn't filter system calls (seccomp)", remedy)
    if rootless or remapped:
        kind = "rootless" if rootless else "remaps user ids"
        yield Finding(
            "userns", Level.OK, f"the engine {kind if remapped else 'is ' + kind}: a container's root is nobody"
        )
    else:
        yield Finding(
            "userns",
            Level.WARN,
            "a container's root would be the host's: the engine is neither rootless nor remaps user ids",
            "Jobs aren't root, but one wall more costs little: a rootless engine, or `userns-remap` in daemon.json "
            "on an engine of Figbox's own (docs/runtimes.md).",
        )


def _option(text: str) -> tuple[str, str]:
    """Read one security option: `name=seccomp,profile=default`."""
    first, _, rest = text.partition(",")
    return first.removeprefix("name="), rest


def runtimes(info: dict[str, Any], wanted: str) -> Iterator[Finding]:
    """Say which runtimes there are, whether the configured one is among them, and whether gVisor is.

    Args:
        info: The engine's description.
        wanted: FIGBOX_RUNTIME; empty if unset.
    """
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
    if "runsc" in known:
        used = "" if wanted == "runsc" else "; set FIGBOX_RUNTIME=runsc to use it"
        yield Finding("gvisor", Level.OK, f"gVisor (runsc) is registered{used}")
    else:
        yield Finding(
            "gvisor",
            Level.WARN,
            "gVisor (runsc) isn't registered: guest code meets this host's kernel",
            "Where the senders are strangers: `make gvisor`, then set FIGBOX_RUNTIME=runsc.",
        )


def room(info: dict[str, Any]) -> Iterator[Finding]:
    """Judge the room where the engine keeps images; not on Docker Desktop, whose engine is in a virtual machine."""
    folder = Path(str(info.get("DockerRootDir") or "/"))
    if folder.is_dir():
        yield disk("disk.engine", shutil.disk_usage(folder).free, folder)


def is_here(info: dict[str, Any]) -> bool:
    """Tell whether the engine runs on this very kernel, so that what the host says is true of it."""
    return info.get("KernelVersion") == platform.release()


def swaps_here(info: dict[str, Any]) -> str | None:
    """Give the host's list of swap areas, if the host is the engine's."""
    return read(PROC / "swaps") if is_here(info) else None
