"""Each limit of a job, tripped alone on a real engine: what the client reads, and that nothing is left.

The gateway here has small limits and no pool, so that every container it has is one job's.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from gateway.model.jobs import MiB
from tests.fakes import until
from tests.support.live import WARM_STARTS, LiveGateway
from tests.support.machine import slowed
from tests.support.processes import held_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

pytestmark = [pytest.mark.engine, pytest.mark.core]

WALL_LIMIT_S = slowed(3)


@pytest.fixture(scope="module", params=WARM_STARTS)
def tight(
    begin_gateway: Callable[..., AbstractContextManager[LiveGateway]], request: pytest.FixtureRequest
) -> Iterator[LiveGateway]:
    """Return a gateway with small limits and an empty pool, for each way of a warm start."""
    with begin_gateway(
        FIGBOX_WARM_START=request.param,
        FIGBOX_POOL_SIZE=0,
        FIGBOX_WALL_LIMIT_S=WALL_LIMIT_S,
        FIGBOX_MEMORY_LIMIT_MIB=192,
        FIGBOX_TMPFS_LIMIT_MIB=8,
        FIGBOX_TMPFS_INODES=64,
        FIGBOX_PIDS_LIMIT=32,
        FIGBOX_OUTPUT_LIMIT_MIB=1,
        FIGBOX_PIXEL_LIMIT_MPX=4,
    ) as running:
        yield running


async def assert_failure(gateway: LiveGateway, code: str, outcome: str, *texts: str) -> None:
    """Assert outcome and texts of a job that fails, and that its container is gone afterwards."""
    response = await gateway.render(code)
    assert (response.status, response.json["outcome"]) == (500, outcome), response.json["error"][-500:]
    for text in texts:
        assert text in response.json["error"]
    await until(lambda: gateway.containers() == [], "the job's container is gone")


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(3600)",
        "10 ** (10 ** 9)",
        "import threading\nwhile True:\n    t = threading.Thread(target=lambda: None); t.start(); t.join()",
        "import signal\nfor n in (2, 14, 15): signal.signal(n, signal.SIG_IGN)\nsignal.pause()",
        "try:\n    while True: pass\nexcept BaseException:\n    pass",
    ],
)
async def test_time_limit(tight: LiveGateway, code: str) -> None:
    """A job that takes longer than its wall time is killed then, however it spends its time."""
    began = time.monotonic()
    await assert_failure(tight, code, "time_limit", f"than {WALL_LIMIT_S} s")
    assert time.monotonic() - began > WALL_LIMIT_S


@pytest.mark.both_ways
async def test_memory_limit(tight: LiveGateway) -> None:
    """A job that touches more memory than it may have is killed by the kernel, and its client is told so."""
    await assert_failure(tight, "x = b'x' * (400 << 20)", "memory_limit", "192 MiB")


async def test_memory_below_the_limit_is_free(tight: LiveGateway) -> None:
    """The limit is where it says: half of it can be used."""
    response = await tight.render("x = b'x' * (80 << 20); plt.plot([1])")
    assert response.status == 200


async def test_working_directory_counts_as_memory_and_has_a_size(tight: LiveGateway) -> None:
    """A file that outgrows the working directory meets an error the code can read."""
    code = "for n in range(4):\n    open(str(n), 'wb').write(bytes(3 << 20))"
    await assert_failure(tight, code, "program_error", "No space left on device")


async def test_one_file_has_a_size(tight: LiveGateway) -> None:
    """A sparse file of absurd size can't be made."""
    await assert_failure(tight, "open('f', 'wb').truncate(1 << 40)", "program_error", "OSError")


async def test_inodes(tight: LiveGateway) -> None:
    """The working directory holds a bounded number of files."""
    await assert_failure(tight, "for n in range(100): open(str(n), 'w')", "program_error", "No space left on device")


async def test_threads(tight: LiveGateway) -> None:
    """Threads are bounded, and Python says so."""
    code = (
        "import threading, time\n"
        "for _ in range(64): threading.Thread(target=time.sleep, args=(30,), daemon=True).start()"
    )
    await assert_failure(tight, code, "program_error", "can't start new thread")


async def test_processes(tight: LiveGateway) -> None:
    """There is no second process at all: a fork bomb can't begin."""
    await assert_failure(tight, "import os\nwhile True: os.fork()", "program_error", "os.fork()")


async def test_descriptors(tight: LiveGateway) -> None:
    """Open files are bounded."""
    code = "fs = [open('/dev/null') for _ in range(1000)]"
    await assert_failure(tight, code, "program_error", "Too many open files")


@pytest.mark.parametrize(
    "code",
    [
        "print('x' * (3 << 20))",
        "import sys\nfor _ in range(100000): print('x' * 100, file=sys.stderr)",
        "import os\nwhile True: os.write(1, b'x' * 65536)",
    ],
)
async def test_output_limit(tight: LiveGateway, code: str) -> None:
    """A flood is cut off while it is read, on whichever stream it comes."""
    await assert_failure(tight, code, "output_limit", "1 MiB")


@pytest.mark.both_ways
async def test_picture_too_large_in_bytes(tight: LiveGateway) -> None:
    """A picture of noise that outgrows the output limit is not served."""
    code = "plt.figure(figsize=(5, 5)); plt.imshow(np.random.rand(900, 900, 3), interpolation='none')"
    await assert_failure(tight, code, "output_limit")


async def test_picture_too_large_in_pixels(tight: LiveGateway) -> None:
    """A picture of few bytes but many pixels is not served: every viewer would have to unpack it."""
    await assert_failure(tight, "plt.figure(figsize=(15, 15)); plt.plot([1])", "invalid_output", "pixels")


@pytest.mark.both_ways
async def test_crash(tight: LiveGateway) -> None:
    """A crash of the interpreter is distinguished from every limit, by its signal."""
    await assert_failure(tight, "import ctypes; ctypes.string_at(0)", "killed", "SIGSEGV")


async def test_abort(tight: LiveGateway) -> None:
    """An abort is a crash too."""
    await assert_failure(tight, "import os; os.abort()", "killed", "killed by SIGABRT")


async def test_closing_everything(tight: LiveGateway) -> None:
    """A guest that closes all its descriptors gives no picture, and its container goes."""
    code = "import os, time\nos.closerange(0, 256)\ntime.sleep(60)"
    response = await tight.render(code)
    assert response.status == 500
    assert response.json["outcome"] in {"invalid_output", "time_limit"}
    await until(lambda: tight.containers() == [], "the job's container is gone")


async def test_gateway_grows_little_whatever_a_job_writes(tight: LiveGateway) -> None:
    """Reading floods costs the gateway no lasting memory."""
    await tight.render("print('x' * (3 << 20))")
    before = held_by(tight.process.pid).resident_bytes
    for _ in range(5):
        await tight.render("import os\nwhile True: os.write(1, b'x' * 65536)")
    assert held_by(tight.process.pid).resident_bytes - before < 16 * MiB
