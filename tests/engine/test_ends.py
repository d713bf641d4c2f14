"""Whatever a guest does to its process, its container ends: with its launcher, and when its time is over."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from gateway.launcher.engine.specification import LABEL_INSTALLATION, WALL_MARGIN_S
from gateway.model.jobs import MiB
from tests.fakes import until
from tests.spec_lines.probes import PARENT
from tests.spec_lines.watches import read_until
from tests.support.containers import SMALL_LIMITS, attached, make_sandbox, pick_uid, program_config, run, with_program
from tests.support.live import IMAGE, WARM_STARTS, LiveGateway, engine_client, live_gateway
from tests.support.machine import slowed
from tests.support.split import live_split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

    from gateway.launcher.engine.specification import Sandbox

pytestmark = pytest.mark.engine

INSTALLATION = "test-ends"

#: Seconds after its wall limit within which no guest may be left, on a machine of usual speed.
MARGIN_S = 10

#: Seconds to end where stdin has ended: the engine tells the runtime, the runtime the kernel.
HANG_UP_S = slowed(10)

WALL_LIMIT_S = 2

#: What follows each attempt: another program in the guest's place, which nobody prepared, and which stays.
STAY = """
os.execv(sys.executable, [sys.executable, "-S", "-c", "import os, time; os.write(1, b'settled'); time.sleep(86400)"])
"""

#: What a guest may try against its end before it goes to sleep.
ATTEMPTS = {
    "another program": "",
    "the same program": """
os.execv("/proc/self/exe", ["python3", "-S", "-c", "import os, time; os.write(1, b'settled'); time.sleep(86400)"])
""",
    "descriptors": """
silent, kept = os.pipe()
os.set_inheritable(silent, True), os.set_inheritable(kept, True)
for number in range(200):  # with room for what the next program opens
    if number not in (1, silent, kept):
        with contextlib.suppress(OSError):
            os.dup2(silent, number)
""",
    "the other end of its stdin": """
fd = os.open("/proc/self/fd/0", os.O_WRONLY | os.O_NONBLOCK)
with contextlib.suppress(BlockingIOError):
    while True: os.write(fd, b"x" * 4096)
os.set_inheritable(fd, True)
""",
    "signals": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
    "files of process 1": """
got = []
for folder, folders, names in os.walk("/proc/1", onerror=lambda error: None):
    folders[:] = [name for name in folders if name not in ("root", "cwd", "task", "net")]
    for name in names + folders:
        for flags in (os.O_RDWR, os.O_WRONLY):
            with contextlib.suppress(OSError):
                fd = os.open(os.path.join(folder, name), flags)
                os.write(fd, b"1")
                got.append(os.path.join(folder, name))
for secret in ("mem", "environ", "maps", "fd", "fdinfo", "auxv"):
    path = "/proc/1/" + secret
    with contextlib.suppress(OSError):
        if os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1):
            got.append(path)
""",
    "every signal to process 1": """
SYSCALLS = {"x86_64": (200, 234, 129, 297), "aarch64": (130, 131, 138, 240)}[os.uname().machine]
tkill, tgkill, queue, queue_to_thread = SYSCALLS
value = ctypes.create_string_buffer(128)
address = ctypes.addressof(value)
inner, outer = os.pipe()
fcntl.fcntl(inner, fcntl.F_SETOWN, 1)
fcntl.fcntl(inner, fcntl.F_SETFL, fcntl.fcntl(inner, fcntl.F_GETFL) | os.O_ASYNC)
for number in sorted(signal.valid_signals() - {signal.SIGKILL}) + [signal.SIGKILL]:
    for call in ((tkill, 1, number), (tgkill, 1, 1, number)):
        syscall(*call)
    ctypes.memmove(value, struct.pack("=iii", number, 0, -1), 12)
    syscall(queue, 1, number, address)
    syscall(queue_to_thread, 1, 1, number, address)
    with contextlib.suppress(OSError):
        fcntl.fcntl(inner, 10, number)  # F_SETSIG
        os.write(outer, b"x")
    with contextlib.suppress(OSError):
        os.kill(1, number)
""",
    "tracing process 1": """
for request in (16, 0x4206):  # PTRACE_ATTACH, PTRACE_SEIZE
    syscall({"x86_64": 101, "aarch64": 117}[os.uname().machine], request, 1, 0, 0)
""",
    "limits of process 1": """
for name in dir(resource):
    if name.startswith("RLIMIT_"):
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(1, getattr(resource, name), (0, 0))
""",
    "memory": """
held = []
with contextlib.suppress(OSError), open("/tmp/full", "wb") as file:
    while True: file.write(bytes(1 << 16))
held = bytearray(48 << 20)
held[::4096] = b"x" * len(held[::4096])
os.write(1, b"settled")
time.sleep(86400)
""",
    "all processor time": """
os.write(1, b"settled")
for _ in range(20):
    threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()
while True: pass
""",
    "a storm of signals": """
os.write(1, b"settled")
while True: os.kill(1, signal.SIGCHLD)
""",
}

#: What ends the container at once where the kernel is gVisor's.
ENDING_ON_GVISOR = ("every signal to process 1", "limits of process 1")

IMPORTS = "import contextlib, fcntl, struct, threading, time\n"

RUNTIMES = ["runc", pytest.param("runsc", marks=pytest.mark.machine_bound)]


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    """Return a client of the engine under test."""
    with engine_client() as client:
        yield client


@pytest.fixture(scope="module", params=RUNTIMES)
def sandbox(client: docker.APIClient, request: pytest.FixtureRequest) -> Sandbox:
    """Return the full specification with a short time, on a runtime."""
    if request.param not in client.info()["Runtimes"]:
        pytest.skip(f"the engine doesn't know {request.param}")
    sandbox = make_sandbox(client, IMAGE, INSTALLATION, request.param)
    limits = replace(SMALL_LIMITS, wall_limit_s=WALL_LIMIT_S, memory_limit_bytes=128 * MiB, pids_limit=64)
    return replace(sandbox, limits=limits)


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("cause", ["hang-up", "wall limit"])
def test_every_guest_ends(client: docker.APIClient, sandbox: Sandbox, attempt: str, cause: str) -> None:
    """Its container ends when the connection to it does, and else when its time is over."""
    config = with_program(sandbox.container_config(pick_uid(), ()), IMPORTS + ATTEMPTS[attempt] + STAY)
    with attached(client, config) as (container_id, stream):
        client.start(container_id)
        said = read_until(stream, b"settled")
        assert b"settled" in said or (sandbox.runtime == "runsc" and attempt in ENDING_ON_GVISOR), said
        if cause == "hang-up":
            stream.shutdown(socket.SHUT_RDWR)
            limit_s = HANG_UP_S
        else:
            with contextlib.suppress(BrokenPipeError):
                stream.sendall(b"x")
            limit_s = slowed(WALL_LIMIT_S + MARGIN_S)
        assert ends(client, container_id, limit_s)


def ends(client: docker.APIClient, container_id: str, limit_s: float) -> bool:
    """Tell whether a container ends within a time."""
    try:
        client.wait(container_id, timeout=limit_s)
    except requests.exceptions.ConnectionError:  # how the SDK reports that the time is over
        return False
    return True


def test_a_harmless_guest_has_its_time(client: docker.APIClient, sandbox: Sandbox) -> None:
    """It isn't ended before its wall limit and the margin; the status says what ended it."""
    config = with_program(sandbox.container_config(pick_uid(), ()), IMPORTS + STAY)
    with attached(client, config) as (container_id, stream):
        client.start(container_id)
        read_until(stream, b"settled")
        began = time.monotonic()
        stream.sendall(b"x")
        assert client.wait(container_id, timeout=slowed(60))["StatusCode"] == 124
        assert time.monotonic() - began >= WALL_LIMIT_S + WALL_MARGIN_S - 1


def test_a_container_that_nothing_is_sent_to_ends(client: docker.APIClient, sandbox: Sandbox) -> None:
    """After the idle limit, quietly, with its connection still open."""
    config = with_program(replace(sandbox, idle_limit_s=1).container_config(pick_uid(), ()), IMPORTS + STAY)
    with attached(client, config) as (container_id, _):
        client.start(container_id)
        assert client.wait(container_id, timeout=slowed(60))["StatusCode"] == 0


def test_a_guest_learns_nothing_of_process_1(client: docker.APIClient, sandbox: Sandbox) -> None:
    """Its memory, its descriptors and its environment are closed, and none of its files can be written.

    gVisor closes its memory alone. What it shows is worth nothing: with a descriptor of process 1's stdin the guest can
    read its own job, and keep nobody from seeing the end of it.
    """
    probe = IMPORTS + ATTEMPTS["files of process 1"] + "answer = got"
    got = run(client, program_config(sandbox, probe)).answer
    if sandbox.runtime == "runsc":
        got = [path for path in got if path.split("/")[3] not in ("fd", "fdinfo", "environ", "maps", "auxv")]
    assert got == []


def test_a_guest_is_no_init(client: docker.APIClient, sandbox: Sandbox) -> None:
    """It is the only child of process 1, the supervisor, and signals do to it what they do to any process."""
    found = run(client, program_config(sandbox, f"answer = [{PARENT}, read('/proc/1/comm').strip()]")).answer
    assert found == [1, "supervisor"]
    killed = run(client, program_config(sandbox, "os.kill(os.getpid(), signal.SIGTERM); answer = 'lives'"))
    assert killed.answer == "exit 143"


#: Jobs that are in the middle of what a guest may try when their launcher is killed.
JOBS = [
    f"import contextlib, ctypes, fcntl, os, resource, signal, struct, sys, threading, time\n{ATTEMPTS[name]}\n{STAY}"
    for name in ("another program", "descriptors", "signals", "limits of process 1")
]


def states(client: docker.APIClient, installation: str) -> list[str]:
    """Return the states of an installation's containers."""
    rows = client.containers(all=True, filters={"label": f"{LABEL_INSTALLATION}={installation}"})
    return [row["State"] for row in rows]


async def begin(client: docker.APIClient, gateway: LiveGateway) -> list[asyncio.Task[Any]]:
    """Send the jobs, and wait until each guest has replaced itself."""
    tasks = [asyncio.create_task(gateway.render(code)) for code in JOBS]

    def settled() -> bool:
        found = 0
        for name in gateway.containers():
            with contextlib.suppress(Exception):  # it is just starting
                found += "settled" in str(client.top(name))
        return found == len(JOBS)

    await until(settled, "all guests have settled", slowed(60))
    return tasks


def settings(warm_start: str) -> dict[str, Any]:
    """Return a gateway's settings."""
    return {
        "FIGBOX_WARM_START": warm_start,
        "FIGBOX_POOL_SIZE": 1,
        "FIGBOX_RUNNING_LIMIT": len(JOBS),
        "FIGBOX_KEY_LIMIT": 2 * len(JOBS),
        "FIGBOX_WALL_LIMIT_S": slowed(20),
    }


async def assert_none_is_left(client: docker.APIClient, gateway: LiveGateway, tasks: list[asyncio.Task[Any]]) -> None:
    """Wait until no container runs any more, though nobody is there to end it."""
    limit_s = slowed(20) + MARGIN_S
    await until(lambda: "running" not in states(client, gateway.installation), "no guest is left", limit_s)
    assert len(states(client, gateway.installation)) >= len(JOBS), "nobody has removed them"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("warm_start", WARM_STARTS)
async def test_no_guest_outlives_a_gateway(client: docker.APIClient, tmp_path: Path, warm_start: str) -> None:
    """After SIGKILL of the gateway every guest and every warm runner ends by itself."""
    with live_gateway(tmp_path, **settings(warm_start)) as gateway:
        tasks = await begin(client, gateway)
        gateway.kill()
        await assert_none_is_left(client, gateway, tasks)


@pytest.mark.parametrize("warm_start", WARM_STARTS)
async def test_no_guest_outlives_a_launcher(client: docker.APIClient, tmp_path: Path, warm_start: str) -> None:
    """The same of a launcher in a process of its own, while its gateway lives on."""
    with live_split(tmp_path, **settings(warm_start)) as split:
        tasks = await begin(client, split.gateway)
        split.launcher.kill()
        await assert_none_is_left(client, split.gateway, tasks)
