"""Reads the system call filter of a process out of the kernel, as the container's runtime loaded it.

Source: ptrace(2), PTRACE_SEIZE, PTRACE_INTERRUPT and PTRACE_SECCOMP_GET_FILTER (since Linux 4.4; needs
CAP_SYS_ADMIN and a kernel with CONFIG_CHECKPOINT_RESTORE); `include/uapi/linux/ptrace.h`.
"""

from __future__ import annotations

import ctypes
import errno
import os

PTRACE_DETACH = 17
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_SECCOMP_GET_FILTER = 0x420C

#: Bytes of one `struct sock_filter`.
ENTRY_BYTES = 8

#: `__WALL` of waitpid(2): also for threads and clones.
WAIT_ALL = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def read_call_filter(process_id: int) -> bytes:
    """Return the newest filter of a process as `struct sock_filter`s, and let the process continue.

    Where the engine itself runs under a filter, a container's process inherits that one below its own.

    Blocks for the moment until the process has stopped. All of it has to happen in one thread.

    Raises:
        OSError: The process has no filter or has ended, or this process or this kernel can't do it.
    """
    _ptrace(PTRACE_SEIZE, process_id)
    try:
        _ptrace(PTRACE_INTERRUPT, process_id)
        os.waitpid(process_id, WAIT_ALL)
        newest, length = _find_newest(process_id)
        entries = ctypes.create_string_buffer(length * ENTRY_BYTES)
        _ptrace(PTRACE_SECCOMP_GET_FILTER, process_id, newest, ctypes.addressof(entries))
        return entries.raw
    finally:
        _libc.ptrace(PTRACE_DETACH, process_id, None, None)


def _find_newest(process_id: int) -> tuple[int, int]:
    """Return index and length in entries of the filter put on last; the kernel counts from the first."""
    index, length = 0, _ptrace(PTRACE_SECCOMP_GET_FILTER, process_id, 0)
    while True:
        try:
            index, length = index + 1, _ptrace(PTRACE_SECCOMP_GET_FILTER, process_id, index + 1)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return index, length
            raise


def _ptrace(request: int, process_id: int, address: int | None = None, data: int | None = None) -> int:
    result = int(_libc.ptrace(request, process_id, address, data))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
