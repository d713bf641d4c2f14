"""Holds a forked runner against its container's process 1, which the engine's runtime made: they must be alike.

The runtime put process 1 (the stub) into namespaces and control groups, took its capabilities, set its limits and its
filter. A forked runner got there by another way, so nothing it or the template says is believed: whatever the kernel
shows of the two processes is compared from outside, and the first difference is the runner's end. The part that
only we can do, putting it into the control groups, is done here as well.

A process is held by its directory in `/proc`, opened once: a process id that is used again can't be mistaken for
the one it was.

Source: proc(5), pidfd_open(2), Linux `Documentation/admin-guide/cgroup-v1/cgroups.rst` and `cgroup-v2.rst`.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Lines of `/proc/PID/status` that say what a process may do and where it may run.
STATUS_FIELDS = (
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
    "Speculation_Store_Bypass",
    "SpeculationIndirectBranch",
    "Cpus_allowed",
    "Mems_allowed",
)

#: Files of `/proc/PID` that must read alike. Of a security module's label each kernel shows what it has.
EQUAL_FILES = (
    "cgroup",
    "mountinfo",
    "limits",
    "oom_score_adj",
    "personality",
    "coredump_filter",
    "uid_map",
    "gid_map",
    "setgroups",
    "attr/current",
)

#: What `/proc/PID/limits` calls the resource limits. Source: Linux `fs/proc/base.c`, `lnames`.
LIMIT_NAMES = {
    "Max cpu time": "CPU",
    "Max file size": "FSIZE",
    "Max data size": "DATA",
    "Max stack size": "STACK",
    "Max core file size": "CORE",
    "Max resident set": "RSS",
    "Max processes": "NPROC",
    "Max open files": "NOFILE",
    "Max locked memory": "MEMLOCK",
    "Max address space": "AS",
    "Max file locks": "LOCKS",
    "Max pending signals": "SIGPENDING",
    "Max msgqueue size": "MSGQUEUE",
    "Max nice priority": "NICE",
    "Max realtime priority": "RTPRIO",
    "Max realtime timeout": "RTTIME",
}

#: Every kind of namespace a kernel may have; one that it doesn't know is missing for both.
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts")

#: What may stand between the controllers in the options of a hierarchy.
MOUNT_OPTIONS = frozenset({"rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode", "favordynmods"})

#: What a runner may hold open besides its container's three streams.
HARMLESS_FILES = frozenset({"/dev/null"})


class ProcessGone(Exception):
    """The process has ended."""


class Process:
    """A process of this host, by its directory in `/proc`.

    Args:
        process_id: As this process's own namespace counts them.

    Raises:
        ProcessGone: There is none.
    """

    def __init__(self, process_id: int) -> None:
        self.process_id = process_id
        self._folder = -1
        try:
            #: Becomes readable when the process ends.
            self.handle = os.pidfd_open(process_id)
        except OSError as error:
            raise ProcessGone from error
        try:
            self._folder = os.open(f"/proc/{process_id}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            # The handle was there first: if it can still be reached by it, the directory is the same process's.
            signal.pidfd_send_signal(self.handle, 0)
        except OSError as error:
            self.close()
            raise ProcessGone from error

    def close(self) -> None:
        """Give up the process; a second time does nothing."""
        for descriptor in (self.handle, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self.handle = self._folder = -1

    def kill(self) -> None:
        """Kill it; one that has ended is fine."""
        if self.handle >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)

    def read(self, name: str) -> str | None:
        """Return a file's text, None where the kernel has no such file.

        Raises:
            ProcessGone: The process has ended.
        """
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
            with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except ProcessLookupError as error:
            raise ProcessGone from error
        except OSError as error:  # such as a label where no security module is on
            return f"error {error.errno}"

    def link(self, name: str) -> str | None:
        """Return where a link leads, None where there is none; raises ProcessGone."""
        try:
            return os.readlink(name, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        except ProcessLookupError as error:
            raise ProcessGone from error

    def status(self, thread: str = ".") -> dict[str, str]:
        """Return the lines of `status` by their names, of the process or of one thread; raises ProcessGone."""
        lines = (self.read(f"{thread}/status") or "").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def threads(self) -> list[str]:
        """Return the folders of its threads, within its own; raises ProcessGone."""
        return [f"task/{name}" for name in self._names("task")]

    def open_files(self) -> set[str]:
        """Return what its descriptors lead to; raises ProcessGone."""
        return {link for name in self._names("fd") if (link := self.link(f"fd/{name}")) is not None}

    def _names(self, name: str) -> list[str]:
        """Return the names in a folder; raises ProcessGone."""
        try:
            folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError as error:
            raise ProcessGone from error
        try:
            return os.listdir(folder)  # noqa: PTH208 - a descriptor
        finally:
            os.close(folder)

    def root(self) -> tuple[int, int]:
        """Return device and inode of its root folder; raises ProcessGone."""
        try:
            found = os.stat("root/", dir_fd=self._folder)
        except OSError as error:
            raise ProcessGone from error
        return found.st_dev, found.st_ino


def differences(stub: Process, runner: Process) -> list[str]:
    """Return in what a runner is not like its container's process 1; empty when it is.

    Raises:
        ProcessGone: One of them has ended.
    """
    wanted = stub.status()
    # The kernel keeps these for each thread.
    found = [
        name for thread in runner.threads() for name in STATUS_FIELDS if runner.status(thread).get(name) != wanted[name]
    ]
    found += [name for name in EQUAL_FILES if runner.read(name) != stub.read(name)]
    found += [f"ns/{name}" for name in NAMESPACES if runner.link(f"ns/{name}") != stub.link(f"ns/{name}")]
    if runner.root() != stub.root():
        found.append("root")
    if not runner.open_files() <= stub.open_files() | HARMLESS_FILES:
        found.append("fd")
    # A fork copies memory, but for what is mapped to be shared: that would be a way to the next job.
    if any(" rw-s " in line or " rwxs " in line for line in (runner.read("maps") or "").splitlines()):
        found.append("shared memory")
    return found


def confine(stub: Process, runner: Process) -> None:
    """Put a runner into its container's control groups.

    Raises:
        OSError, LookupError: It can't be done.
        ProcessGone: One of them has ended.
    """
    for folder in control_groups(stub.read("cgroup") or ""):
        (folder / "cgroup.procs").write_text(str(runner.process_id))


def resource_limits(stub: Process) -> dict[str, tuple[int, int]]:
    """Return the soft and hard resource limits of a process by their names in setrlimit(2); -1 is unlimited.

    Read as text: asking by prlimit(2) for another user's takes a capability that a host's root may lack.

    Raises:
        LookupError, ValueError: The kernel's table is not as we know it.
        ProcessGone: It has ended.
    """
    lines = (stub.read("limits") or "").splitlines()[1:]
    found = {}
    for line in lines:
        title, soft, hard = line[:26].strip(), *line[26:].split()[:2]
        found[LIMIT_NAMES[title]] = (_limit(soft), _limit(hard))
    return found


def _limit(text: str) -> int:
    return -1 if text == "unlimited" else int(text)


def control_groups(membership: str) -> Iterator[Path]:
    """Yield the folders of a process's control groups, one for each hierarchy.

    Args:
        membership: Text of its `/proc/PID/cgroup`.

    Raises:
        LookupError: A hierarchy is not mounted here.
    """
    mounts = dict(_hierarchies(Path("/proc/self/mountinfo").read_text("utf-8")))
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        yield mounts[controllers] / path.lstrip("/")


def _hierarchies(mountinfo: str) -> Iterator[tuple[str, Path]]:
    """Yield the mounted hierarchies by what the `cgroup` files call them: controllers, `name=…`, or nothing (v2)."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, target = before.split()[3:5]
        kind, _, options = after.split(maxsplit=2)
        if root != "/":
            continue  # a part of a hierarchy only, in which other paths hold
        if kind == "cgroup2":
            yield "", Path(target)
        elif kind == "cgroup":
            # The order of controllers is the kernel's in both files, but for the options between them here.
            names = [name for name in options.split(",") if name not in MOUNT_OPTIONS]
            yield ",".join(names), Path(target)
