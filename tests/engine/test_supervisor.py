"""The image's supervisor on this host, with children of ours: what it passes on, when it ends, what it closes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import resource
import secrets
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.specification import SUPERVISOR
from tests.fakes import wait_until
from tests.support import snapshots
from tests.support.live import engine_client
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

pytestmark = [
    pytest.mark.engine,
    pytest.mark.core,
    pytest.mark.skipif(sys.platform != "linux", reason="the program runs on Linux alone"),
]

DEADLINE_S = slowed(20)
LONG = "86400"

#: No privileges can be gained from now on, as in a container: a filter may only be installed then. And SIGPIPE ends a
#: process, which Python ignores.
CONFINED = """
import ctypes, os, signal, sys
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""

#: Children that sleep end by themselves a while after the test, should a supervisor leave one behind.
SLEEP = "import time; print(os.getpid(), flush=True); time.sleep(600)"

#: Stands for as many bytes as are taken when the child reads none.
FULL = 1 << 30


class Supervised(subprocess.Popen[bytes]):
    """A supervisor whose streams are pipes."""

    stdin: IO[bytes]  # type: ignore[assignment]  # never None, as the base class must allow
    stdout: IO[bytes]  # type: ignore[assignment]
    stderr: IO[bytes]  # type: ignore[assignment]


class Supervise:
    """Starts supervisors.

    Args:
        program: The image's.
        undo: Kills what is left of them.
    """

    def __init__(self, program: Path, undo: contextlib.ExitStack) -> None:
        self._program = program
        self._undo = undo

    def __call__(self, code: str, idle_s: str = LONG, wall_s: str = LONG, **options: Any) -> Supervised:
        """Start one with a child in Python, which has `os` at hand."""
        return self.run(idle_s, wall_s, sys.executable, "-c", f"import os\n{code}", **options)

    def run(self, *arguments: str, **options: Any) -> Supervised:
        """Start one with any arguments."""
        command = [sys.executable, "-c", CONFINED, str(self._program), *arguments]
        pipe = subprocess.PIPE
        process = Supervised(command, **{"stdin": pipe, "stdout": pipe, "stderr": pipe, **options})
        self._undo.callback(end, process)
        return process


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the image's program, which needs no library."""
    with engine_client() as client:
        return snapshots.program(client, SUPERVISOR, tmp_path_factory.mktemp("supervisor"))


@pytest.fixture
def supervise(program: Path) -> Iterator[Supervise]:
    """Return what starts supervisors; what is left of them is killed."""
    with contextlib.ExitStack() as undo:
        yield Supervise(program, undo)


def end(process: Supervised) -> None:
    """Kill a supervisor and its child: in a container one would end with the other."""
    children = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended, and was waited for
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)
    for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
    process.wait(DEADLINE_S)


def child_of(process: Supervised) -> int:
    """Return the process id that a child has printed."""
    return int(process.stdout.readline())


def is_alive(process_id: int) -> bool:
    """Tell whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def fill(process: Supervised, count: int) -> None:
    """Write so many bytes to stdin, or until no more are taken."""
    descriptor = process.stdin.fileno()
    os.set_blocking(descriptor, False)
    while count and select.select([], [descriptor], [], 0.5)[1]:
        count -= os.write(descriptor, bytes(min(count, 5000)))  # not in whole pages: the last piece must not fit


def test_everything_is_passed_on(supervise: Supervise) -> None:
    """Ten mebibytes arrive as they were sent, and the child's own end is the end."""
    data = secrets.token_bytes(10 << 20)
    process = supervise(
        f"import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read({len(data)})).hexdigest(), flush=True)"
    )
    process.stdin.write(data)
    process.stdin.flush()
    assert process.stdout.read().decode().strip() == hashlib.sha256(data).hexdigest()
    assert process.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("sent", [0, 1, FULL], ids=["nothing", "a byte", "more than the child takes"])
def test_the_end_of_stdin_is_the_end(supervise: Supervise, sent: int) -> None:
    """It ends quietly with its child, even while bytes are on their way that nobody reads."""
    process = supervise(SLEEP)
    child = child_of(process)
    fill(process, sent)
    process.stdin.close()
    assert process.wait(DEADLINE_S) == 0
    wait_until(lambda: not is_alive(child), "the child has ended", DEADLINE_S)


def test_an_idle_container_ends(supervise: Supervise) -> None:
    """Where nothing ever comes, it ends quietly; not before its time."""
    began = time.monotonic()
    process = supervise(SLEEP, idle_s="2")
    assert process.wait(DEADLINE_S) == 0
    assert time.monotonic() - began >= 2


@pytest.mark.parametrize("sent", [1, FULL], ids=["a byte", "more than the child takes"])
def test_the_wall_limit_begins_with_the_first_byte(supervise: Supervise, sent: int) -> None:
    """From then on the other limit holds, whether the child reads or not."""
    process = supervise(SLEEP, wall_s="4")
    child = child_of(process)
    began = time.monotonic()
    fill(process, sent)
    assert process.wait(DEADLINE_S) == 124
    assert time.monotonic() - began >= 4
    wait_until(lambda: not is_alive(child), "the child has ended", DEADLINE_S)


def test_bytes_later_on_prolong_nothing(supervise: Supervise) -> None:
    """The time runs from the first byte, not from the last."""
    process = supervise("import sys; sys.stdin.buffer.read()", wall_s="2")
    began = time.monotonic()
    while process.poll() is None:
        with contextlib.suppress(BrokenPipeError):
            os.write(process.stdin.fileno(), b"x")
        select.select([], [], [], 0.05)
        assert time.monotonic() - began < DEADLINE_S
    assert process.returncode == 124


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("os._exit(0)", 0),
        ("os._exit(7)", 7),
        ("os.kill(os.getpid(), 9)", 137),
        ("os.kill(os.getpid(), 11)", 139),
        ("os.execv('/proc/self/exe', ['python3', '-c', 'raise SystemExit(5)'])", 5),
    ],
)
def test_its_status_is_the_childs(supervise: Supervise, code: str, status: int) -> None:
    """How the child ended is how it ends, signals as a shell has them, while stdin is still open."""
    assert supervise(code).wait(DEADLINE_S) == status


def test_a_child_that_closes_its_stdin_costs_no_time(supervise: Supervise) -> None:
    """What then comes goes nowhere; stdin and the limits are watched on, without a loop."""
    process = supervise("print(os.close(0), flush=True); import time; time.sleep(86400)", wall_s="4")
    assert process.stdout.readline() == b"None\n"
    fill(process, FULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 124
    assert usage.ru_utime + usage.ru_stime < 1  # with the start of the Python that executed it


def test_nothing_blocks_it(supervise: Supervise) -> None:
    """Its stdin doesn't block, so one who takes bytes that it was told of can't keep it from its other work."""
    inner, outer = os.pipe()
    with os.fdopen(inner, "rb") as reader, os.fdopen(outer, "wb"):
        process = supervise.run(LONG, LONG, sys.executable, "-c", f"import os\n{SLEEP}", stdin=reader)
        child_of(process)
        wait_until(lambda: not os.get_blocking(inner), "it has set the flag that we share", DEADLINE_S)


def test_the_end_of_output_is_the_childs(supervise: Supervise) -> None:
    """It holds no descriptor of stdout or stderr: when the child closes them, they end."""
    process = supervise("os.close(1); os.close(2); import time; time.sleep(600)", idle_s=str(DEADLINE_S))
    began = time.monotonic()
    assert process.stdout.read() == process.stderr.read() == b""
    assert time.monotonic() - began < DEADLINE_S, "the supervisor's own end has closed them"


def test_what_the_child_begins_with(supervise: Supervise) -> None:
    """Three descriptors and no other, no signal blocked or ignored by us, its arguments and its environment."""
    leaked, other = os.pipe()
    code = """
import json, sys, time
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
found = {name: int(status[name], 16) for name in ("SigBlk", "ShdPnd")}
found["SigIgn"] = int(status["SigIgn"], 16) & ~(1 << 12 | 1 << 24)  # what Python itself ignores, as 13 and 25
found["open"] = [number for number in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{number}")]
found["blocks"], found["given"] = os.get_blocking(0), os.environ["GIVEN"]
print(json.dumps(found), flush=True)
"""
    inherited = re.search(r"^SigIgn:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert inherited is not None
    ignored = int(inherited[1], 16) & ~(1 << 12 | 1 << 24)
    with contextlib.ExitStack() as undo:
        for descriptor in (leaked, other):
            undo.callback(os.close, descriptor)
        process = supervise(code, pass_fds=[leaked], env={**os.environ, "GIVEN": "so"})
        found = json.loads(process.stdout.readline())
    assert found == {
        "SigBlk": 0,
        "ShdPnd": 0,
        "SigIgn": ignored,
        "open": ["0", "1", "2"],
        "blocks": True,
        "given": "so",
    }


#: Numbers of calls on x86-64 and on 64-bit ARM; -1 where there is no such call.
NUMBERS = {
    "clone": (56, 220), "fork": (57, -1), "vfork": (58, -1), "wait4": (61, 260), "fcntl": (72, 25),
    "ptrace": (101, 117), "prctl": (157, 167), "tkill": (200, 130), "tgkill": (234, 131), "kill": (62, 129),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "process_vm_writev": (311, 271),
    "seccomp": (317, 277), "pidfd_send_signal": (424, 424), "clone3": (435, 435),
}  # fmt: skip
COLUMN = 0 if platform.machine() == "x86_64" else 1
STOP = 19

REFUSED = {
    "fork": ("fork",),
    "vfork": ("vfork",),
    "clone as the supervisor's": ("clone", 17),
    "clone as the C library's fork": ("clone", 0x1200011),
    "clone with a namespace": ("clone", 0x10000000 | 17),
    "clone that shares memory": ("clone", 0x4111),
    "a filter": ("prctl", 22, 2, 0),
    "a filter, the number with more bits": ("prctl", 1 << 32 | 22, 2, 0),
    "seccomp": ("seccomp", 0, 0, 0),
    "dumpable": ("prctl", 4, 1),
    "wait4": ("wait4", -1, 0, 1, 0),
    "ptrace": ("ptrace", 0),
    "writing to others": ("process_vm_writev", 1, 0, 0, 0, 0, 0),
    "SIGSTOP by kill": ("kill", 1, STOP),
    "SIGSTOP by tkill": ("tkill", 1, STOP),
    "SIGSTOP by tgkill": ("tgkill", 1, 1, STOP),
    "SIGSTOP with a value": ("rt_sigqueueinfo", 1, STOP, 0),
    "SIGSTOP with a value, to a thread": ("rt_tgsigqueueinfo", 1, 1, STOP, 0),
    "SIGSTOP by descriptor": ("pidfd_send_signal", 0, STOP, 0, 0),
    "SIGSTOP in place of SIGIO": ("fcntl", 0, 10, STOP),
    "clone3": ("clone3", 0, 0),
}


def test_what_the_child_may_no_longer_do(supervise: Supervise) -> None:
    """No second process, no wider filter, nothing that stops another process; threads and the rest go on."""
    calls = {
        what: [NUMBERS[name][COLUMN], *arguments]
        for what, (name, *arguments) in REFUSED.items()
        if NUMBERS[name][COLUMN] >= 0
    }
    code = f"""
import ctypes, errno, fcntl, json, subprocess, threading
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def attempt(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(value) for value in arguments])
    if result == 0 and number in {[NUMBERS[name][COLUMN] for name in ("clone", "fork", "vfork")]}:
        os._exit(0)
    return errno.errorcode[ctypes.get_errno()] if result == -1 else "ok"
found = {{what: attempt(*call) for what, call in {calls}.items()}}
done = []
thread = threading.Thread(target=done.append, args=[1]); thread.start(); thread.join()
found["threads"] = done
found["name"] = libc.prctl(15, b"name")
fcntl.fcntl(0, 10, 10)
fcntl.fcntl(0, 10, 0)
os.kill(os.getpid(), 0)
for call in (os.fork, lambda: subprocess.run(["true"])):
    try: call()
    except PermissionError: found["by Python"] = "refused"
    else: found["by Python"] = "ok"
print(json.dumps(found), flush=True)
"""
    process = supervise(code)
    found = json.loads(process.stdout.readline() or json.dumps(process.stderr.read().decode()))
    assert found == {
        **dict.fromkeys(calls, "EPERM"),
        "clone3": "ENOSYS",
        "threads": [1],
        "name": 0,
        "by Python": "refused",
    }


def test_limits_that_are_lowered_prolong_nothing(supervise: Supervise) -> None:
    """A guest may lower the limits of a process with its user id; whatever fails because of that is the end."""
    process = supervise(SLEEP, wall_s="2")
    child_of(process)
    process.stdin.write(b"x")
    process.stdin.flush()
    for name in (name for name in dir(resource) if name.startswith("RLIMIT_")):
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(process.pid, getattr(resource, name), (0, 0))
    assert process.wait(DEADLINE_S) != 0


def test_signals_prolong_nothing(supervise: Supervise) -> None:
    """One that it handles wakes it, and changes nothing; those that stop are ignored."""
    process = supervise(SLEEP, wall_s="2")
    child_of(process)
    process.stdin.write(b"x")
    process.stdin.flush()
    began = time.monotonic()
    while process.poll() is None:
        for number in (17, 20, 21, 22):  # SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU
            process.send_signal(number)
        assert time.monotonic() - began < DEADLINE_S
    assert process.returncode == 124


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 125, b"usage: "),
        (("1", "1"), 125, b"usage: "),
        (("1", "soon", "true"), 125, b"supervisor: not a number of seconds: soon\n"),
        (("", "1", "true"), 125, b"supervisor: not a number of seconds: \n"),
        (("1", "1234567890", "true"), 125, b"supervisor: not a number of seconds: 1234567890\n"),
        (("9", "9", "/no/such"), 127, b"supervisor: can't execute /no/such\n"),
        (("9", "9", "no-such"), 127, b"supervisor: can't execute no-such\n"),
    ],
)
def test_what_it_can_not_do(supervise: Supervise, arguments: tuple[str, ...], status: int, words: bytes) -> None:
    """A call that makes no sense, and a program that isn't there, have a status and a sentence each."""
    process = supervise.run(*arguments)
    assert words in process.stderr.read()
    assert process.wait(DEADLINE_S) == status


def test_a_program_is_looked_for_in_its_path(supervise: Supervise, tmp_path: Path) -> None:
    """As a shell does it: the first folder that has it counts, and its name stays as it was given."""
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    for folder in ("second", "third"):
        (tmp_path / folder).mkdir(exist_ok=True)
        script = tmp_path / folder / "named"
        script.write_text(f"#!{sys.executable}\nprint({folder!r})\n")
        script.chmod(0o755)
    path = ":".join(str(tmp_path / folder) for folder in ("first", "second", "third"))
    process = supervise.run("9", "9", "named", env={**os.environ, "PATH": path})
    assert process.stdout.read() == b"second\n"
    assert process.wait(DEADLINE_S) == 0
