"""Tells what the sandbox looks like from inside, for the launcher's self-test.

Every attempt is harmless where it succeeds: a file that could be made is removed, calls that a sandbox should
refuse are made with arguments that do nothing, a child that could be forked exits at once. The launcher
judges what is acceptable; nothing here does.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS_FIELDS = ("CapEff", "CapBnd", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp", "Groups")
WRITE_TARGETS = ("/", "/opt/figbox", "/etc", "/dev/shm", "/dev/mqueue", "/sys/fs/cgroup", "/proc/sys/kernel")
RLIMITS = (
    *("CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "MSGQUEUE"),
    *("NICE", "NOFILE", "NPROC", "RTPRIO", "SIGPENDING", "STACK"),
)
CGROUP_FILES = {
    "memory_limit": ("memory.max", "memory/memory.limit_in_bytes"),
    "memory_swap_limit": ("memory.swap.max", "memory/memory.memsw.limit_in_bytes"),
    "pids_limit": ("pids.max", "pids/pids.max"),
    "cpu_limit": ("cpu.max", "cpu/cpu.cfs_quota_us"),
}
SYSCALLS = {
    # Numbers on x86_64 and aarch64, and arguments that do nothing where the call is allowed: no such request, flag,
    # program or descriptor. Source: Linux, arch/x86/entry/syscalls/syscall_64.tbl; include/uapi/asm-generic/unistd.h
    "ptrace": (101, 117, (0x7FFF, 0, 0, 0)),
    "unshare": (272, 97, (0,)),
    "keyctl": (250, 219, (0x7FFF, 0, 0, 0, 0)),
    "bpf": (321, 280, (0x7FFF, 0, 0)),
    "userfaultfd": (323, 282, (0x10000000,)),
    "memfd_create": (319, 279, (0, 0xFFFF0000)),
    "io_uring_setup": (425, 425, (0, 0)),
    "mount": (165, 40, (0, 0, 0, 0, 0)),
    "splice": (275, 76, (-1, 0, -1, 0, 0, 0)),
    "personality": (135, 92, (0xFFFFFFFF,)),
}


def look_around() -> dict[str, Any]:
    """Return everything there is to know; a part that can't be read is null."""
    return {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "status": read_status(),
        "interfaces": list_interfaces(),
        "writable": {path: try_to_write(path) for path in WRITE_TARGETS},
        "refused": {
            "socket": attempt(open_socket),
            "fork": attempt(fork_child),
            "chmod": attempt(change_mode),
            **{name: attempt_syscall(name) for name in SYSCALLS},
        },
        "tmp": describe_tmp(),
        "rlimits": {
            name.lower(): resource.getrlimit(number)
            for name in RLIMITS
            if (number := getattr(resource, f"RLIMIT_{name}", None)) is not None
        },
        "cgroup": {name: read_first("/sys/fs/cgroup", paths) for name, paths in CGROUP_FILES.items()},
        "environment": sorted(os.environ),
        "hostname": platform.node(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "pid": os.getpid(),
    }


def read_text(path: str) -> str | None:
    """Return the contents of a small file; None when it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20)
    except OSError:
        return None


def read_first(folder: str, names: tuple[str, ...]) -> str | None:
    """Return the contents of the first file of ``names`` that can be read (cgroup v2 first, then v1)."""
    for name in names:
        text = read_text(f"{folder}/{name}")
        if text is not None:
            return text.strip()
    return None


def read_status() -> dict[str, str | None]:
    """Return fields of /proc/self/status; null where the kernel doesn't show them (gVisor)."""
    lines = (read_text("/proc/self/status") or "").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return {name: fields[name].strip() if name in fields else None for name in STATUS_FIELDS}


def list_interfaces() -> list[str] | None:
    """Return the names of the network interfaces; None when neither place tells."""
    table = read_text("/proc/net/dev")
    if table is not None:
        return [line.split(":", 1)[0].strip() for line in table.splitlines()[2:]]
    try:
        return sorted(os.listdir("/sys/class/net"))
    except OSError:
        return None


def attempt(action: Callable[[], None]) -> str | None:
    """Return the name of the error that ``action`` met; None when it succeeded."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return None


def try_to_write(folder: str) -> str | None:
    """Return the error met when creating a file in ``folder``; None when it worked (the file is removed again)."""

    def create() -> None:
        path = os.path.join(folder, "figbox-probe")
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.unlink(path)

    return attempt(create)


def open_socket() -> None:
    """Open a socket."""
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


def fork_child() -> None:
    """Fork a child that exits at once."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def change_mode() -> None:
    """Let the working directory's own probe file run as its owner, whoever executes it."""
    path = "/tmp/figbox-probe"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        os.chmod(path, 0o4700)
    finally:
        os.unlink(path)


def attempt_syscall(name: str) -> str | None:
    """Return the error of a raw system call; None when it succeeded, "unknown" on other machines than our two."""
    on_x86, on_arm, arguments = SYSCALLS[name]
    number = {"x86_64": on_x86, "aarch64": on_arm}.get(platform.machine())
    if number is None:
        return "unknown"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(*(ctypes.c_long(value) for value in (number, *arguments))) != -1:
        return None
    return errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))


def describe_tmp() -> dict[str, int | bool] | None:
    """Return size, inodes and flags of the working directory's file system."""
    try:
        facts = os.statvfs("/tmp")
    except OSError:
        return None
    return {
        "bytes": facts.f_blocks * facts.f_frsize,
        "inodes": facts.f_files,
        "noexec": bool(facts.f_flag & os.ST_NOEXEC),
        "nosuid": bool(facts.f_flag & os.ST_NOSUID),
        "nodev": bool(facts.f_flag & os.ST_NODEV),
    }
