"""Give up everything that parsing doesn't need, for good.

A worker only reads one pipe, computes and writes another. What it could do beside that is taken away before it reads
the first byte: memory beyond its limit, files of any kind (also sockets: each needs a descriptor), processes and
threads, core dumps, root and its groups, new privileges by executing a file, and being traced by others of its user.

Source: getrlimit(2), prctl(2), credentials(7).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

#: User and group of workers whose owner is root: the kernel's overflow ids, which are nobody's on Linux. They own no
#: file and are not those of the gateway, the launcher or any job.
#: Source: user_namespaces(7), "/proc/sys/kernel/overflowuid".
NOBODY = 65534

#: Descriptors that are left: standard input, output and error.
DESCRIPTORS = 3

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


def confine(memory_bytes: int) -> None:
    """Confine this process.

    Args:
        memory_bytes: Address space that it may take beyond what it has.

    Raises:
        OSError: The kernel refused, which is not tolerated.
    """
    address_space_bytes = _address_space_bytes() + memory_bytes  # read while files can be opened
    for kind, limit in (
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))
        if os.geteuid() == 0:
            _drop_root()
        _control(_PR_SET_NO_NEW_PRIVS, 1)
        _control(_PR_SET_DUMPABLE, 0)
        # After the change of user, which resets it. If our owner has died by now, our input has ended as well.
        _control(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_processor_time(seconds: float) -> None:
    """Have the kernel end this process when it has used so many more processor seconds, even if its owner is stuck."""
    used_s = sum(os.times()[:2])
    limit = int(used_s + seconds) + 2  # whole seconds, and the owner's own deadline comes first
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _drop_root() -> None:
    """Become nobody, where that is possible: a container's root may lack the capabilities, or have no other uid."""
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:
        return


def _address_space_bytes() -> int:
    pages = int(_STATM.read_text().split()[0]) if _STATM.exists() else 0
    return pages * resource.getpagesize()


def _control(option: int, value: int) -> None:
    if _LIBC.prctl(option, *(ctypes.c_ulong(number) for number in (value, 0, 0, 0))) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_STATM = Path("/proc/self/statm")
_LIBC = ctypes.CDLL(None, use_errno=True)
