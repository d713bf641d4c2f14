"""The host: room, memory, clock, the port, and what its kernel leaves open beside the sandbox.

Source: proc(5) for `/proc/meminfo` and `/proc/sys`; Linux, Documentation/admin-guide/sysctl/kernel.rst.
"""

from __future__ import annotations

import errno
import platform
import shutil
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import dotenv
from bootstrap.doctor.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MiB = 1024**2
GiB = 1024**3
DISK_WANTED_BYTES = 2 * GiB
"""Room for the image, its base and the wheels, twice, so that a rebuild fits beside the old one."""

MEMORY_NEEDED_BYTES = 256 * MiB
"""Below this not even the gateway with one small job fits."""

DEFAULT_MEMORY_LIMIT_MIB = "1024"
DEFAULT_PORT = "5150"
PORTS = range(65536)
YEARS = range(2025, 2100)
CLOCK_TOLERANCE_S = 60.0
PROC = Path("/proc")


def examine(root: Path) -> Iterator[Finding]:
    """Look at the host, for the checkout at `root`; nothing here needs an engine."""
    yield Finding("python", Level.OK, f"Python {platform.python_version()} ({sys.executable})")
    yield disk("disk.checkout", shutil.disk_usage(root).free, root)
    environment = root / ".env"
    limit = dotenv.value(environment, "FIGBOX_MEMORY_LIMIT_MIB") or DEFAULT_MEMORY_LIMIT_MIB
    yield from memory(read(PROC / "meminfo"), limit)
    host = dotenv.value(environment, "HOST") or "127.0.0.1"
    yield port(host, dotenv.value(environment, "PORT") or DEFAULT_PORT)


def kernel_switches(sysctl: Path = PROC / "sys") -> Iterator[Finding]:
    """Look at the switches of this host's kernel for what holes like to hide in."""
    yield io_uring(read(sysctl / "kernel" / "io_uring_disabled"))
    yield user_namespaces(
        read(sysctl / "kernel" / "unprivileged_userns_clone"),
        read(sysctl / "kernel" / "apparmor_restrict_unprivileged_userns"),
    )


def read(path: Path) -> str | None:
    """Give a small file's text; None if there is none to be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


def disk(name: str, free_bytes: int, where: Path) -> Finding:
    """Judge the room at a place."""
    if free_bytes >= DISK_WANTED_BYTES:
        return Finding(name, Level.OK, f"{free_bytes / GiB:.1f} GiB free at {where}")
    wanted = f"Make room: the set-up wants {DISK_WANTED_BYTES // GiB} GiB."
    return Finding(name, Level.BAD, f"{free_bytes / GiB:.1f} GiB free at {where}", wanted)


def memory(meminfo: str | None, limit_mib: str) -> Iterator[Finding]:
    """Judge the memory that could be had now by what jobs may use.

    Args:
        meminfo: Contents of /proc/meminfo; None where there is none, as on macOS.
        limit_mib: The setting for one job's memory, in MiB.
    """
    fields = dict(line.split(":", 1) for line in (meminfo or "").splitlines() if ":" in line)
    words = fields.get("MemAvailable", "").split()
    if not words or not words[0].isdecimal():
        return
    available = int(words[0]) * 1024
    limit = int(limit_mib) * MiB if limit_mib.isdecimal() else 0
    what = f"{available / GiB:.1f} GiB of memory available, {limit / GiB:.1f} GiB the limit of one job"
    if available < MEMORY_NEEDED_BYTES:
        yield Finding("memory", Level.BAD, what, "End other programs, or use a larger host.")
    elif available < 2 * limit:
        yield Finding(
            "memory",
            Level.WARN,
            what,
            "Two jobs at their limit don't fit: lower FIGBOX_MEMORY_LIMIT_MIB or FIGBOX_RUNNING_LIMIT, or add memory.",
        )
    else:
        yield Finding("memory", Level.OK, what)


def port(host: str, number: str) -> Finding:
    """Try whether the gateway could listen."""
    if not number.isdecimal() or int(number) not in PORTS:
        return Finding("port", Level.BAD, f"PORT is {number}", "Set PORT to a number up to 65535.")
    remedy = "If that isn't your gateway, choose another with PORT (and HOST), here or in .env."
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, int(number), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:  # most likely the gateway itself, running
            return Finding("port", Level.WARN, f"{host}:{number} is in use", remedy)
        return Finding("port", Level.BAD, f"{host}:{number} can't be listened on ({exc.strerror})", remedy)
    return Finding("port", Level.OK, f"{host}:{number} is free")


def clock(now_s: float, made: Iterable[tuple[str, str]], engine_now: str = "") -> Finding:
    """Judge the clock by what was certainly made before now, and by the engine's.

    Certificates, package signatures and rate limits over days go wrong with it.

    Args:
        now_s: Seconds since 1970.
        made: Things with the time they were made, as the engine writes times.
        engine_now: The engine's time; empty if unknown. An engine in a virtual machine has a clock of its own.
    """
    now = datetime.fromtimestamp(now_s, UTC)
    remedy = "Set the clock, and keep it set (`timedatectl set-ntp true`)."
    if now.year not in YEARS:
        return Finding("clock", Level.WARN, f"the clock says {now:%Y-%m-%d}", remedy)
    for what, text in made:
        time_made = timestamp(text)
        if time_made is not None and time_made > now_s + CLOCK_TOLERANCE_S:
            return Finding("clock", Level.WARN, f"the clock says {now:%Y-%m-%d %H:%M} UTC, before {what}", remedy)
    engine_s = timestamp(engine_now)
    if engine_s is not None and abs(engine_s - now_s) > CLOCK_TOLERANCE_S:
        away = f"{abs(engine_s - now_s):.0f} s"
        return Finding("clock", Level.WARN, f"the engine's clock is {away} away from this host's", remedy)
    return Finding("clock", Level.OK, f"the clock says {now:%Y-%m-%d %H:%M} UTC")


def timestamp(text: str) -> float | None:
    """Give the seconds since 1970 of a time as the engine writes it (RFC 3339, nanoseconds); None if it isn't one."""
    whole, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789")
    try:
        moment = datetime.fromisoformat(f"{whole}{zone}")
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else moment.replace(tzinfo=UTC).timestamp()


def now() -> float:
    """Give the seconds since 1970."""
    return time.time()


def io_uring(value: str | None) -> Finding:
    """Judge `kernel.io_uring_disabled`: 2 closes it to everybody, 1 to most, 0 to nobody."""
    if value is None:
        return Finding(
            "io_uring", Level.OK, "io_uring has no switch in this kernel; jobs are refused it by their filter"
        )
    if value == "2":
        return Finding("io_uring", Level.OK, "io_uring is switched off (kernel.io_uring_disabled is 2)")
    return Finding(
        "io_uring",
        Level.WARN,
        f"io_uring is open on this host (kernel.io_uring_disabled is {value}); jobs are refused it by their filter",
        "Unless a program of this host needs it: `sysctl -w kernel.io_uring_disabled=2`, and into /etc/sysctl.d.",
    )


def user_namespaces(clone: str | None, apparmor: str | None) -> Finding:
    """Judge whether every user of the host may make user namespaces, where most kernel holes of late were reached.

    Args:
        clone: Debian's switch `kernel.unprivileged_userns_clone`; None where the kernel has none.
        apparmor: Ubuntu's `kernel.apparmor_restrict_unprivileged_userns`; likewise.
    """
    name = "user_namespaces"
    if clone == "0" or apparmor == "1":
        return Finding(name, Level.OK, "ordinary users can't make user namespaces")
    if clone is None and apparmor is None:
        what = (
            "ordinary users can make user namespaces (this kernel has no switch); jobs are refused it by their filter"
        )
        return Finding(name, Level.OK, what)
    switch = (
        "kernel.unprivileged_userns_clone=0"
        if clone is not None
        else ("kernel.apparmor_restrict_unprivileged_userns=1")
    )
    return Finding(
        name,
        Level.WARN,
        "ordinary users can make user namespaces; jobs are refused it by their filter",
        f"Unless a rootless engine or a browser here needs them: `sysctl -w {switch}`, and into /etc/sysctl.d.",
    )
