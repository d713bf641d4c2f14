"""The host: disk space, memory, clock, port, and what its kernel offers to attackers outside the sandbox.

Source: proc(5) for `/proc/meminfo` and `/proc/sys`; Linux, Documentation/admin-guide/sysctl/kernel.rst.
"""

from __future__ import annotations

import errno
import platform
import shutil
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import dotenv
from bootstrap.doctor.findings import Finding, Level, judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MiB = 1024**2
GiB = 1024**3

#: Space for the image, its base and the wheels, twice, so that the old one can stay during a rebuild.
DISK_WANTED_BYTES = 2 * GiB

#: Below this, not even the gateway with one small job fits.
MEMORY_NEEDED_BYTES = 256 * MiB

DEFAULT_MEMORY_LIMIT_MIB = "1024"
DEFAULT_PORT = "5150"
PORTS = range(65536)
YEARS = range(2025, 2100)
CLOCK_TOLERANCE_S = 60.0
PROC = Path("/proc")


def examine(root: Path) -> Iterator[Finding]:
    """Yield what can be found without an engine, for the checkout at `root`."""
    yield Finding("python", Level.OK, f"Python {platform.python_version()} ({sys.executable})")
    yield disk("disk.checkout", shutil.disk_usage(root).free, root)
    environment = root / ".env"
    limit = dotenv.value(environment, "FIGBOX_MEMORY_LIMIT_MIB") or DEFAULT_MEMORY_LIMIT_MIB
    yield from memory(read(PROC / "meminfo"), limit)
    yield port(*address(root))


def address(root: Path) -> tuple[str, str]:
    """Return host and port of the gateway of the checkout at `root`, as its settings have them."""
    environment = root / ".env"
    return dotenv.value(environment, "HOST") or "127.0.0.1", dotenv.value(environment, "PORT") or DEFAULT_PORT


def kernel_switches(sysctl: Path = PROC / "sys") -> Iterator[Finding]:
    """Judge this kernel's switches for features that often have holes."""
    yield io_uring(read(sysctl / "kernel" / "io_uring_disabled"))
    yield user_namespaces(
        read(sysctl / "kernel" / "unprivileged_userns_clone"),
        read(sysctl / "kernel" / "apparmor_restrict_unprivileged_userns"),
    )


def read(path: Path) -> str | None:
    """Return a small file's text; None if it can't be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


def disk(name: str, free_bytes: int, where: Path) -> Finding:
    """Judge the disk space at a place."""
    remedy = f"Free some disk space: the set-up needs {DISK_WANTED_BYTES // GiB} GiB."
    good = free_bytes >= DISK_WANTED_BYTES
    return judged(name, f"{free_bytes / GiB:.1f} GiB free at {where}", remedy, good=good)


def memory(meminfo: str | None, limit_mib: str) -> Iterator[Finding]:
    """Judge whether the available memory of a /proc/meminfo, if there is one, is enough for jobs of a limit."""
    fields = dict(line.split(":", 1) for line in (meminfo or "").splitlines() if ":" in line)
    words = fields.get("MemAvailable", "").split()
    if not words or not words[0].isdecimal():
        return
    available = int(words[0]) * 1024
    limit = int(limit_mib) * MiB if limit_mib.isdecimal() else 0
    what = f"{available / GiB:.1f} GiB of memory available; the limit of a job is {limit / GiB:.1f} GiB"
    if available < MEMORY_NEEDED_BYTES:
        yield Finding("memory", Level.BAD, what, "End other programs, or use a larger host.")
    else:
        remedy = (
            "Two jobs at their limit don't fit: lower FIGBOX_MEMORY_LIMIT_MIB or FIGBOX_RUNNING_LIMIT, or add memory."
        )
        yield judged("memory", what, remedy, good=available >= 2 * limit, otherwise=Level.WARN)


def port(host: str, number: str) -> Finding:
    """Judge whether the gateway could listen."""
    if not number.isdecimal() or int(number) not in PORTS:
        return Finding("port", Level.BAD, f"PORT is {number}", "Set PORT to a number up to 65535.")
    remedy = "If that isn't your gateway, choose another address with PORT and HOST, here or in .env."
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, int(number), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:  # most likely by the gateway itself
            return Finding("port", Level.WARN, f"{host}:{number} is in use", remedy)
        return Finding("port", Level.BAD, f"{host}:{number} can't be listened on ({error.strerror})", remedy)
    return Finding("port", Level.OK, f"{host}:{number} is free")


def clock(now_s: float, made: Iterable[tuple[str, str]], engine_now: str = "") -> Finding:
    """Judge the clock, on which certificates, package signatures and rate limits over days depend.

    Args:
        now_s: Seconds since 1970.
        made: Events in the past, with their times as the engine writes them.
        engine_now: The engine's time, as an engine in a virtual machine has a clock of its own; empty if unknown.
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
    """Return the seconds since 1970 of a time that the engine wrote (RFC 3339, nanoseconds); None if it isn't one."""
    whole, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789")
    try:
        moment = datetime.fromisoformat(f"{whole}{zone}")
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else moment.replace(tzinfo=UTC).timestamp()


def io_uring(value: str | None) -> Finding:
    """Judge `kernel.io_uring_disabled`: 2 closes io_uring for all users, 1 for most; 0 leaves it open."""
    if value is None:
        return Finding("io_uring", Level.OK, "this kernel can't switch io_uring off; jobs can't use it")
    if value == "2":
        return Finding("io_uring", Level.OK, "io_uring is switched off (kernel.io_uring_disabled is 2)")
    return Finding(
        "io_uring",
        Level.WARN,
        f"io_uring is open on this host (kernel.io_uring_disabled is {value}); jobs can't use it",
        "Unless a program here needs it: `sysctl -w kernel.io_uring_disabled=2`, and the same in /etc/sysctl.d.",
    )


def user_namespaces(clone: str | None, apparmor: str | None) -> Finding:
    """Judge whether ordinary users can make user namespaces, which most recent exploits of the kernel need.

    Args:
        clone: Debian's switch `kernel.unprivileged_userns_clone`; None where the kernel lacks it.
        apparmor: Ubuntu's `kernel.apparmor_restrict_unprivileged_userns`; None likewise.
    """
    name = "user_namespaces"
    if clone == "0" or apparmor == "1":
        return Finding(name, Level.OK, "ordinary users can't make user namespaces")
    if clone is None and apparmor is None:
        what = "ordinary users can make user namespaces (this kernel can't switch that off); jobs can't"
        return Finding(name, Level.OK, what)
    debian, ubuntu = "kernel.unprivileged_userns_clone=0", "kernel.apparmor_restrict_unprivileged_userns=1"
    switch = debian if clone is not None else ubuntu
    return Finding(
        name,
        Level.WARN,
        "ordinary users can make user namespaces; jobs can't",
        f"Unless a rootless engine or a browser here needs them: `sysctl -w {switch}`, and the same in /etc/sysctl.d.",
    )
