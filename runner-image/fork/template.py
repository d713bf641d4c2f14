r"""The template: has imported Matplotlib, and forks a runner into each container that the launcher names.

Theory of operation
===================

A container costs its own start and the import of Matplotlib. The import is the same every time, so here it is paid
once: this process imports, and for each new container forks a child that enters it and becomes its runner. The
container itself is made by the engine as ever, with process 1 a stub (stub.py) that holds it open.

Who trusts whom. This process runs our own code and the image's libraries, never a client's program. It is a
container too, read-only and without network, under an allowlist of system calls; but it may enter other
containers (CAP_SYS_ADMIN, and the host's process ids to name them by), which no runner may. A child gives all
of that up, in `become`, before it says that it is ready, and the launcher compares it from outside with the
container's stub, line by line, before it gets a job (gateway/launcher/fork/comparison.py). What decides is that
comparison; nothing said here is believed.

Which stream carries what. Frames as in runner.py: one byte kind, four bytes big-endian length, payload.

    ======== ==== =================================================================================
    sender   kind payload
    ======== ==== =================================================================================
    template R    empty: the import is done
    launcher B    the system call filter of a runner, as the kernel holds it: `struct sock_filter`\ s
    launcher K    JSON ``{"stub": int, "uid": int, "gid": int, "groups": [int],
                  "limits": {"NOFILE": [soft, hard], …}, "idle_limit_s": float}``
    template C    JSON ``{"stub": int, "child": int}``: forked; or ``{"stub": int, "fault": str}``
    template X    JSON ``{"child": int, "exit_code": int}``: a child has ended (128 + signal for a signal)
    ======== ==== =================================================================================

Process ids are the host's. The child's own frames go through the stub's descriptors, so everything above sees a
container like any other.

What a child is given by hand, as its stub has it from the engine: all namespaces but the user's, the three
descriptors and no others, a session and a session keyring of its own, resource limits, uid, gid and groups, no
capability in any set, the system call filter, fresh random state. Into the control groups the launcher puts it, from
outside. The score for the out-of-memory killer is the template's own.

Source: setns(2), capabilities(7), prctl(2), seccomp(2), keyctl(2), ptrace(2) ("Ptrace access mode checking").
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import select
import signal
import struct
import sys
from typing import TYPE_CHECKING, NoReturn

import cheap_import
import frames
import runner

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAME_LIMIT_BYTES = 1 << 20

#: Namespaces a child enters itself, the mounts last: after that, `/proc` is the container's. The process ids' are
#: entered by the template before it forks, for setns(2) moves only children there.
OWN_NAMESPACES = ("cgroup", "ipc", "uts", "net", "mnt")

PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522
KEYCTL_JOIN_SESSION_KEYRING = 1
#: Source: Linux, arch/x86/entry/syscalls/syscall_64.tbl; include/uapi/asm-generic/unistd.h.
KEYCTL_NUMBER = {"x86_64": 250, "aarch64": 219}
#: Resource limits that Python has no name for. Source: Linux, include/uapi/asm-generic/resource.h.
LIMITS_WITHOUT_NAME = {"LOCKS": 10}
FILTER_ENTRY_BYTES = 8
SIGNAL_BASE = 128

libc = ctypes.CDLL(None, use_errno=True)


class FilterProgram(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("entries", ctypes.c_void_p))


def check(result: int) -> None:
    """Raise the error of a C call that failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


# -- becoming a runner -----------------------------------------------------------------------------


class Wanted:
    """What a child is to become.

    Args:
        request: The payload of a K frame.
    """

    def __init__(self, request: dict[str, object]) -> None:
        self.stub = int(str(request["stub"]))
        self.uid = int(str(request["uid"]))
        self.gid = int(str(request["gid"]))
        groups = request["groups"]
        self.groups = [int(group) for group in groups] if isinstance(groups, list) else []
        limits = request["limits"]
        self.limits = dict(limits) if isinstance(limits, dict) else {}
        self.idle_limit_s = float(str(request["idle_limit_s"]))


def open_as(wanted: Wanted, name: str, flags: int) -> int:
    """Open a file below `/proc` that only the stub's own user may open.

    With that user's ids for file access no capability over other processes is needed, and a process of anybody
    else, the host's least, can't be meant by mistake.
    """
    libc.setfsgid(wanted.gid)
    libc.setfsuid(wanted.uid)
    try:
        return os.open(f"/proc/{wanted.stub}/{name}", flags | os.O_CLOEXEC)
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)


def enter(namespace: int) -> None:
    """Enter a namespace by its descriptor."""
    check(libc.setns(namespace, 0))


def become(wanted: Wanted, call_filter: bytes) -> None:
    """Turn this process, just forked, into one like the stub; irrevocable step by step, the filter last."""
    namespaces = [open_as(wanted, f"ns/{name}", os.O_RDONLY) for name in OWN_NAMESPACES]
    streams = [open_as(wanted, f"fd/{number}", os.O_RDONLY if number == 0 else os.O_WRONLY) for number in range(3)]
    for namespace in namespaces:
        enter(namespace)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.setsid()
    os.umask(0o022)
    check(libc.syscall(ctypes.c_long(KEYCTL_NUMBER[os.uname().machine]), KEYCTL_JOIN_SESSION_KEYRING, None))
    for name, (soft, hard) in wanted.limits.items():
        if (kind := getattr(resource, f"RLIMIT_{name}", LIMITS_WITHOUT_NAME.get(name))) is not None:
            resource.setrlimit(kind, (soft, hard))
    drop_privileges(wanted)
    os.chdir(cheap_import.WORK_DIR)
    apply_filter(call_filter)


def drop_privileges(wanted: Wanted) -> None:
    """Take on the stub's user and give up every capability, those to be regained included."""
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    os.setgroups(wanted.groups)
    os.setresgid(wanted.gid, wanted.gid, wanted.gid)
    os.setresuid(wanted.uid, wanted.uid, wanted.uid)
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, bytes(24)))
    # Changing the user made this process undumpable; a runner made by the engine is not.
    check(libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def apply_filter(call_filter: bytes) -> None:
    """Put the system call filter on."""
    entries = ctypes.create_string_buffer(call_filter, len(call_filter))
    program = FilterProgram(len(call_filter) // FILTER_ENTRY_BYTES, ctypes.addressof(entries))
    check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0))


def renew_random_state() -> None:
    """Give this child random numbers of its own; `random` and `tempfile` see to themselves after a fork."""
    import numpy as np  # imported long ago

    np.random.seed()  # noqa: NPY002  # the global state is what programs share
    random.seed()


# -- the template ----------------------------------------------------------------------------------


class Template:
    """Forks children on request, and reports their ends.

    Args:
        requests: Descriptor that frames come from.
        answers: Descriptor that frames go to.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self._requests = requests
        self._outbox = frames.Outbox(answers)
        self._own_processes = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._call_filter = b""

    def serve(self) -> None:
        """Serve until the launcher closes the stream or dies."""
        woken, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._outbox.send(b"R")
        poll = select.poll()
        poll.register(self._requests, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while True:
            ready = [number for number, _ in poll.poll()]
            if woken in ready:
                os.read(woken, 4096)
                self._report_ends()
            if self._requests in ready and not self._serve_request():
                return

    def _serve_request(self) -> bool:
        try:
            kind, length = frames.FRAME_HEADER.unpack(frames.read_exactly(self._requests, frames.FRAME_HEADER.size))
            if length > FRAME_LIMIT_BYTES:
                return False
            payload = frames.read_exactly(self._requests, length)
        except frames.StreamEnded:
            return False
        if kind == b"B":
            self._call_filter = payload
        elif kind == b"K" and self._call_filter:
            self._fork(Wanted(json.loads(payload)))
        return True

    def _fork(self, wanted: Wanted) -> None:
        try:
            processes = open_as(wanted, "ns/pid", os.O_RDONLY)
            try:
                enter(processes)
                child = os.fork()
                if child == 0:
                    run_child(wanted, self._call_filter)
            finally:
                enter(self._own_processes)
                os.close(processes)
        except (OSError, ValueError) as fault:
            self._say(b"C", {"stub": wanted.stub, "fault": str(fault)})
        else:
            self._say(b"C", {"stub": wanted.stub, "child": child})

    def _report_ends(self) -> None:
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if child == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            self._say(b"X", {"child": child, "exit_code": code if code >= 0 else SIGNAL_BASE - code})

    def _say(self, kind: bytes, document: dict[str, object]) -> None:
        self._outbox.send(kind, json.dumps(document).encode())


def run_child(wanted: Wanted, call_filter: bytes) -> NoReturn:
    """Become a runner and be one to the end; the template's own state is left behind."""
    exit_code = runner.EXIT_FAILED
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        become(wanted, call_filter)
        renew_random_state()
        cheap_import.lay_out_font_list()
        streams = frames.claim_streams()
        runner.exit_after(wanted.idle_limit_s, streams)
        exit_code = runner.serve_warm(streams)
    except BrokenPipeError:
        pass  # the gateway has gone
    except BaseException:  # noqa: BLE001
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(exit_code)


def main(arguments: Sequence[str]) -> int:
    """Import everything, then serve."""
    streams = frames.claim_streams()
    cheap_import.import_pyplot()
    cheap_import.warm_up()
    sys.argv = list(arguments[:1])
    Template(streams.job, streams.reply).serve()
    return runner.EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv))
