"""Workers: processes that can do nothing but answer, and that are gone when they should be."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.model.codec import encode
from gateway.model.errors import KeyShareExceeded, ShuttingDown
from gateway.model.jobs import MiB
from gateway.worker import worker_pool
from gateway.worker.confinement import DESCRIPTORS, NOBODY
from gateway.worker.task import PATIENCE_S, Unfinished, WorkFailed
from gateway.worker.worker_pool import KEY_LIMIT, WorkerPool
from gateway.worker.worker_process import LAST_WORDS_BYTES, WorkerLost, WorkerProcess
from tests.fakes import until, wait_until
from tests.support.live import ROOT
from tests.support.machine import slowed
from tests.support.tasks import TASK, Obeyed, Order

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator

#: Size of the largest input.
LARGEST = 8 * MiB


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    """Return workers, two at most."""
    async with aclosing(WorkerPool({TASK: LARGEST}, workers=2)) as pool:
        yield pool


async def ask(pool: WorkerPool, do: str, size: int = 0, key: str = "a", paid: list[float] | None = None) -> str:
    """Have a worker do something; return what it says."""
    answer = await pool.do(TASK, Order(do, bytes(size)), key=key, paid=[].append if paid is None else paid.append)
    return answer.said


def is_running(pid: int) -> bool:
    """Tell whether a process is there and not merely waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def told(pid: int, name: str) -> list[str]:
    """Return the lines of a file that the kernel has on a process."""
    return Path(f"/proc/{pid}/{name}").read_text().splitlines()


#: An owner of two workers that are busy: it names them, and waits to be killed.
OWNER = """
import asyncio
from gateway.worker.worker_pool import WorkerPool
from tests.fakes import until
from tests.support.tasks import TASK, Order

async def own():
    pool = WorkerPool({TASK: 1 << 26}, workers=2)
    order = Order("work 600", bytes(1 << 26))  # so large that the kernel lets it work for a minute
    runs = [asyncio.create_task(pool.do(TASK, order, key="a", paid=print)) for _ in range(2)]
    await until(lambda: len(pool.pids) == 2)
    print(*pool.pids, flush=True)
    await asyncio.gather(*runs)

asyncio.run(own())
"""


async def test_large_questions_come_and_go_whole(pool: WorkerPool) -> None:
    """Every byte of a question reaches the worker, and every byte of the answer comes back; workers live on."""
    for size in (0, 1, LARGEST - 3):
        ballast = os.urandom(size)
        answer = await pool.do(TASK, Order("echo", ballast), key="a", paid=[].append)
        assert answer == Obeyed("echo", ballast)
        pids = pool.pids
        assert len(pids) == 1
    assert pool.pids == pids


async def test_small_questions_need_no_worker(pool: WorkerPool) -> None:
    """What is done at once is done here, by the same function, and is paid for as well."""
    paid: list[float] = []
    answer = await pool.do(TASK, Order("work 0.02", at_once=True), key="a", paid=paid.append)
    assert (answer.said, pool.pids) == ("work 0.02", frozenset())
    assert 0.015 < sum(paid) < 5


async def test_a_worker_is_confined(pool: WorkerPool) -> None:
    """The kernel says what a worker may: no more files, processes and memory, no root, no privileges."""
    await ask(pool, "echo")
    (pid,) = pool.pids
    limits = {line[:26].strip(): line[26:].split()[:2] for line in told(pid, "limits")[1:]}
    assert limits["Max open files"] == [str(DESCRIPTORS)] * 2
    for name in ("Max file size", "Max core file size", "Max processes"):
        assert limits[name] == ["0", "0"], name
    soft, hard = map(int, limits["Max address space"])
    assert soft == hard < 400 * MiB + 8 * LARGEST
    assert int(limits["Max cpu time"][0]) < 60
    status = dict(line.split(":", 1) for line in told(pid, "status"))
    assert status["NoNewPrivs"].strip() == "1"
    assert int(status["Threads"]) == 1
    if os.geteuid() == 0:
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(NOBODY)}
        assert status["Groups"].split() == []
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]  # noqa: PTH208 - names
        environment = "".join(told(pid, "environ")).split("\0")
        assert {entry.partition("=")[0] for entry in environment if entry} == {"PYTHONPATH", "MALLOC_MMAP_THRESHOLD_"}
    assert os.getsid(pid) == pid
    # Another's process of the same user may not trace it: its files belong to root.
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0  # noqa: PTH116 - pathlib would be no different


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        ("open", "OSError"),
        ("socket", "OSError"),
        ("fork", "BlockingIOError"),
        ("write", "OSError"),
        ("root", "PermissionError"),
    ],
)
async def test_a_worker_can_only_answer(pool: WorkerPool, attempt: str, error: str) -> None:
    """It opens no file and no socket, makes no process and becomes nobody else."""
    assert await ask(pool, f"try {attempt}") == error


async def test_deadline_kills(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that takes too long is killed; the next question gets another; the time is paid for."""
    await ask(pool, "echo")
    (pid,) = pool.pids
    paid: list[float] = []
    began = time.monotonic()
    with pytest.raises(Unfinished, match="it takes more than 2 s"):
        await ask(pool, "work 600", paid=paid)
    took = time.monotonic() - began
    assert PATIENCE_S <= took < slowed(10)
    assert PATIENCE_S <= sum(paid) <= took + slowed(2)
    assert not is_running(pid)
    assert await ask(pool, "echo") == "echo"
    assert pid not in pool.pids


async def test_deadline_follows_from_the_size() -> None:
    """Each byte of a question gives its worker a little more time."""
    assert TASK.limit_s(0) == PATIENCE_S
    assert TASK.limit_s(3 * MiB) == PATIENCE_S + 3


async def test_a_stopped_worker_is_killed_too(pool: WorkerPool) -> None:
    """A worker that the kernel doesn't run is no different from a slow one."""
    await ask(pool, "echo")
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Unfinished):
        await ask(pool, "echo")
    assert not is_running(pid)


async def test_the_kernel_ends_a_worker_whose_owner_is_stuck(pool: WorkerPool) -> None:
    """The processor time of one question is limited by the kernel as well, a little later than by the owner."""
    await ask(pool, "echo")
    (pid,) = pool.pids
    limit = told(pid, "limits")[1].split()[3]
    assert PATIENCE_S < int(limit) < PATIENCE_S + 5 + slowed(5)


async def test_death_while_idle_is_noticed(pool: WorkerPool) -> None:
    """A worker that died with nothing to do is replaced, and no question is lost."""
    await ask(pool, "echo")
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    assert await ask(pool, "echo", size=MiB) == "echo"
    assert pid not in pool.pids


async def test_death_at_work_is_not_the_inputs_fault_at_first(pool: WorkerPool) -> None:
    """An input whose worker is killed is given to another; if it kills every worker, it is to blame."""
    await ask(pool, "echo")
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)
    running = asyncio.create_task(ask(pool, "echo"))
    await until(lambda: pool._busy)
    os.kill(pid, signal.SIGKILL)
    assert await running == "echo"
    paid: list[float] = []
    with pytest.raises(Unfinished, match="it fails"):
        await ask(pool, "die", paid=paid)
    assert sum(paid) > 0
    assert await ask(pool, "echo") == "echo"


@pytest.mark.parametrize(("do", "error"), [("babble", "it fails"), ("grow", "too much memory")])
async def test_a_worker_that_is_not_sound_is_replaced(pool: WorkerPool, do: str, error: str) -> None:
    """One that talks nonsense or has no memory is not asked again."""
    await ask(pool, "echo")
    pids = pool.pids
    with pytest.raises(Unfinished, match=error):
        await ask(pool, do)
    assert await ask(pool, "echo") == "echo"
    assert not pids & pool.pids


@pytest.mark.parametrize(
    ("do", "reasons"),
    [("work 600", ["deadline"]), ("grow", ["memory"]), ("die", ["lost"] * 2), ("echo", []), ("fail", [])],
)
async def test_ends_of_workers_are_told(do: str, reasons: list[str]) -> None:
    """Each worker that ends before its time is told of with the reason; one that answers, or has a bug, is not."""
    told: list[str] = []
    async with aclosing(WorkerPool({TASK: LARGEST}, workers=1, on_end=told.append)) as pool:
        with suppress(Unfinished, WorkFailed):
            await ask(pool, do)
    assert told == reasons


async def test_bugs_are_heard_of_without_quoting(pool: WorkerPool, log: io.StringIO) -> None:
    """An exception in a task is ours: it is raised and logged with its place, but not with its text."""
    with pytest.raises(WorkFailed):
        await ask(pool, "fail")
    assert "LookupError" in log.getvalue()
    assert "obey" in log.getvalue()
    assert "stranger" not in log.getvalue()
    assert await ask(pool, "echo") == "echo"


async def test_noise_is_cut_short(pool: WorkerPool, log: io.StringIO) -> None:
    """What a dying worker wrote to standard error is logged, but only its end is even kept."""
    with pytest.raises(Unfinished):
        await ask(pool, "shout")
    assert "a great noise" in log.getvalue()
    worker = await WorkerProcess.start([TASK.module], 64 * MiB)
    with pytest.raises(WorkerLost):
        await worker.ask(0, 10, *encode(Order("shout")), 0)
    await worker.end()
    assert 0 < len(worker.last_words) <= LAST_WORDS_BYTES


async def test_keys_take_turns() -> None:
    """However many questions of one key wait, another key's is answered in the next turn."""
    async with aclosing(WorkerPool({TASK: LARGEST}, workers=1)) as pool:
        order: list[str] = []

        async def note(key: str) -> None:
            await ask(pool, "work 0.02", key=key)
            order.append(key)

        flood = [asyncio.create_task(note("flooder")) for _ in range(20)]
        await until(lambda: order)
        answered = len(order)
        await note("another")
        assert order.index("another") <= answered + 2
        await asyncio.gather(*flood)
        assert len(pool.pids) == 1


async def test_one_keys_questions_are_bounded(pool: WorkerPool) -> None:
    """A key can have so many questions waiting and no more."""
    tasks = [asyncio.create_task(ask(pool, "work 0.01")) for _ in range(KEY_LIMIT)]
    await asyncio.sleep(0)
    with pytest.raises(KeyShareExceeded):
        await ask(pool, "echo")
    await asyncio.gather(*tasks)


async def test_whoever_hangs_up_pays(pool: WorkerPool) -> None:
    """A cancelled question is finished, not killed, and paid for; its worker goes on."""
    await ask(pool, "echo")
    pids = pool.pids
    paid: list[float] = []
    asking = asyncio.create_task(ask(pool, "work 0.3", paid=paid))
    await until(lambda: pool._busy)
    asking.cancel()
    await asyncio.wait([asking])
    assert paid == []
    await until(lambda: paid)
    assert 0.2 < sum(paid) < 5
    assert pool.pids == pids


async def test_idle_workers_are_ended(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several workers only one is kept for long when there is nothing to do."""
    monkeypatch.setattr(worker_pool, "IDLE_LIMIT_S", 0.2)
    await asyncio.gather(*(ask(pool, "work 0.2") for _ in range(2)))
    pids = pool.pids
    assert len(pids) == 2
    await until(lambda: len(pool.pids) == 1)
    await until(lambda: sum(map(is_running, pids)) == 1)


async def test_nothing_is_left_after_the_end() -> None:
    """Closing ends every worker, also those at work, and later questions are refused."""
    pool = WorkerPool({TASK: LARGEST}, workers=2)
    pool.start()
    asking = asyncio.create_task(ask(pool, "work 600"))
    await until(lambda: len(pool.pids) == 2)
    pids = pool.pids
    await pool.aclose()
    assert not any(map(is_running, pids))
    assert (await asyncio.gather(asking, return_exceptions=True))[0] is not None
    with pytest.raises(ShuttingDown):
        await ask(pool, "echo")
    await pool.aclose()


def test_nothing_is_left_of_a_killed_owner() -> None:
    """Workers in the middle of their work end when their owner is killed."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2
        began = os.getpriority(os.PRIO_PROCESS, owner.pid) + 1
        wait_until(lambda: {os.getpriority(os.PRIO_PROCESS, pid) for pid in pids} == {began}, "the workers' work")
        assert all(map(is_running, pids))
        owner.kill()
    wait_until(lambda: not any(map(is_running, pids)), "the workers' end", slowed(5))
