"""Every system call that is allowed is needed: something works that doesn't without it."""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.spec_lines.changes import unfiltered
from tests.support.command import run as run_command
from tests.support.containers import make_sandbox, program_config, run, smaller, unsupervised
from tests.support.live import IMAGE, ROOT, engine_url, tidy_client
from tools import system_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from gateway.launcher.engine.specification import Sandbox

pytestmark = pytest.mark.engine

GROUPS = tomllib.loads((ROOT / "docs" / "seccomp-calls.toml").read_text("utf-8"))
COUNTED = GROUPS.pop("counted")
COLUMN = 1 if platform.machine() in ("aarch64", "arm64") else 0
CALLS: dict[str, dict[str, Any]] = {
    name: call for group in GROUPS.values() for name, call in group["calls"].items() if call["numbers"][COLUMN] >= 0
}
SUPERVISORS = set(GROUPS["supervisor"]["calls"])
INSTALLATION = f"test-{secrets.token_hex(6)}"

#: What probes find at hand; `number` is the call's own. `refuse` installs a filter. Source: seccomp(2); Linux,
#: `include/uapi/linux/filter.h`.
TOOLS = """
import fcntl, mmap, select, struct, threading, time

def raw(number, *arguments):
    passed = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *passed)
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return result

libc.syscall.restype = ctypes.c_long
kept = []

def page():
    kept.append(mmap.mmap(-1, 8192))
    return ctypes.addressof(ctypes.c_char.from_buffer(kept[-1]))
for function in (libc.mprotect, libc.munmap):
    function.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_int][: 3 if function is libc.mprotect else 2]
libc.sigaltstack.argtypes = [ctypes.c_long, ctypes.c_long]

def file():
    return FILE
def folder():
    return FOLDER
def made(name):
    open("/tmp/" + name, "w").close()
    return "/tmp/" + name
def returns(code, function):
    try:
        function()
    except OSError as error:
        return errno.errorcode[error.errno] == code
    return False
def start_thread():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()

FILE = os.open("/tmp/file", os.O_RDWR | os.O_CREAT)
FOLDER = os.open("/tmp", 0)
os.dup2(1, 1)

def refuse(number, argument=None, code=errno.EPERM):
    load, equal, answer = 0x20, 0x15, 0x06
    checks = [(load, 0, 0, 0), (equal, 0, 1 if argument is None else 3, number)]
    if argument is not None:
        index, value = argument
        checks += [(load, 0, 0, 16 + 8 * index), (equal, 0, 1, value)]
    program = [*checks, (answer, 0, 0, 0x00050000 | code), (answer, 0, 0, 0x7FFF0000)]
    lines = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(lines)))
    if libc.prctl(22, 2, header) != 0:
        raise OSError(ctypes.get_errno(), "no filter")

def attempt(name, number, probe):
    call = lambda *arguments: raw(number, *arguments)
    exec(probe, {**globals(), "call": call})
"""

#: Runs each probe in a child, once as it is and once with a filter that refuses its one call (or one value of an
#: argument) and allows all others.
BOTH_WAYS = """
def works(name, number, probe, argument, refused):
    child = os.fork()
    if child == 0:
        sys.stderr = open("/dev/null", "w")
        try:
            refuse(435, code=errno.ENOSYS)  # clone3, so that threads are made as they are under our filter
            if refused:
                refuse(number, argument)
            attempt(name, number, probe)
        except BaseException:
            os._exit(1)
        os._exit(0)
    for _ in range(500):
        if (ended := os.waitpid(child, os.WNOHANG)) != (0, 0):
            return ended[1] == 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False

answer = {
    name: [works(name, number, probe, argument, refused) for refused in (False, True)]
    for name, number, probe, argument in CALLS
}
"""

#: The value of an argument for which a call of many uses is allowed, and the argument's place.
ARGUMENTS = {
    "ioctl-TCGETS": (1, 0x5401),
    "ioctl-FIONBIO": (1, 0x5421),
    "ioctl-FIOCLEX": (1, 0x5451),
    "ioctl-FIONCLEX": (1, 0x5450),
    "prctl-PR_SET_NAME": (0, 15),
    "prctl-PR_SET_DUMPABLE": (0, 4),
    "prctl-PR_SET_SECCOMP": (0, 22),
    "clone-SIGCHLD": (0, 17),
    "socketpair-AF_UNIX": (0, 1),
    "sendto-flags=0": (3, 0),
    "recvfrom-flags=0": (3, 0),
    "chmod-01777": (1, 0o600),
    "fchmod-01777": (1, 0o600),
    "fchmodat-01777": (2, 0o600),
}

#: Under our own filter there is no child, and these end the process that tries them, or need another one.
ENDING = ("exit_group",)


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    """Return a client of the engine; containers that a failure left are removed."""
    with tidy_client(INSTALLATION) as client:
        yield client


@pytest.fixture(scope="module")
def sandbox(client: docker.APIClient) -> Sandbox:
    """Return the full specification, with room for the probes' children."""
    small = make_sandbox(client, IMAGE, INSTALLATION, os.environ.get("FIGBOX_RUNTIME"))
    return smaller(small, pids_limit=64, memory_limit_bytes=256 << 20)


def calls() -> str:
    """Return the table as the containers get it."""
    rows = [(name, call["numbers"][COLUMN], call["probe"], ARGUMENTS.get(name)) for name, call in CALLS.items()]
    return f"import json\nCALLS = json.loads({json.dumps(rows)!r})\n"


def test_each_call_is_needed(client: docker.APIClient, sandbox: Sandbox) -> None:
    """Each probe works, and stops working when its one call is refused."""
    config = program_config(sandbox, TOOLS + calls() + BOTH_WAYS)
    unfiltered(config)
    unsupervised(config)
    found = run(client, config).answer
    assert {name: ways for name, ways in found.items() if ways != [True, False]} == {}
    assert set(found) == set(CALLS)


def test_each_call_is_allowed(client: docker.APIClient, sandbox: Sandbox) -> None:
    """Each probe works under our own filter, one after the other in one process; the supervisor's not in a guest."""
    program = f"""
answer = []
for name, number, probe, argument in CALLS:
    if name not in {ENDING}:
        try:
            attempt(name, number, probe)
        except BaseException:
            answer.append(name)
"""
    config = program_config(sandbox, TOOLS + calls() + program)
    assert set(run(client, config).answer) == SUPERVISORS
    unsupervised(config)
    assert run(client, config).answer == []


def test_documented_counts_are_those_in_the_kernel(client: docker.APIClient) -> None:
    """The numbers in docs/seccomp.md are those of the filters that the kernel holds for running containers."""
    if os.geteuid() != 0 or os.environ.get("FIGBOX_RUNTIME"):
        pytest.skip("only root, on the engine's own host and kernel, can read a filter")
    counts = system_calls.measure(client, IMAGE)
    ours, default = counts["ours"], counts["default"]
    assert ours.allowed <= default.allowed, "a call that the engine itself refuses"
    assert not any(ours.foreign.values())
    if platform.machine() != "x86_64":
        return  # the documented numbers are x86-64's
    assert [len(ours.allowed), len(ours.by_argument)] == [COUNTED["allowed"][0], COUNTED["by_argument"][0]]
    if client.version()["Version"].startswith(COUNTED["engine"]):
        assert [len(default.allowed), len(default.by_argument)] == [COUNTED["allowed"][1], COUNTED["by_argument"][1]]
        assert default.foreign == {name: COUNTED[name][1] for name in default.foreign}
    assert len(ours.allowed) < len(default.allowed) / 2


def test_command_prints_the_table() -> None:
    """The documented command prints the counts of both filters."""
    if os.geteuid() != 0 or os.environ.get("FIGBOX_RUNTIME"):
        pytest.skip("only root, on the engine's own host and kernel, can read a filter")
    env = {**os.environ, "DOCKER_HOST": engine_url()}
    printed = run_command(sys.executable, "-m", "tools.system_calls", "--image", IMAGE, "--names", env=env).stdout
    assert re.search(r"^allowed +\d+ +\d+$", printed, re.MULTILINE)
    assert "socket" in printed.partition("Only allowed by")[2] or platform.machine() != "x86_64"
