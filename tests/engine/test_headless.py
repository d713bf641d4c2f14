"""Jobs whose first thread ends alone: were it process 1's, the runtime would take their containers for stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.fakes import until
from tests.support.live import LiveGateway, live_gateway
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"
POOL_SIZE = 2
RUNNING_LIMIT = 4

#: More of them than the gateway has threads for ending containers.
HEADLESS_JOBS = 16

#: Leaves a thread behind that {does something}, and nothing that would end the process by itself.
HEADLESS = """
import ctypes, os, threading, time

def go_on():
    {}
    while True:
        time.sleep(1)

os._exit = lambda *_: None
silent, _kept_open = os.pipe()
os.dup2(silent, 100)
threading.Thread(target=go_on).start()
ctypes.CDLL(None).pthread_exit(None)
"""
REPLY = """time.sleep(0.1); os.write(101, b'E\\0\\0\\0\\x2e{"outcome":"program_error","error":"good-bye"}')"""


@pytest.fixture
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway that can run more jobs than the engine can remove at once."""
    with live_gateway(
        tmp_path_factory.mktemp("headless"),
        FIGBOX_POOL_SIZE=POOL_SIZE,
        FIGBOX_RUNNING_LIMIT=RUNNING_LIMIT,
        FIGBOX_WALL_LIMIT_S=slowed(2),
        # With such a process 1 the engine takes twelve: a kill that fails because of the guest would be our 503.
        FIGBOX_ENGINE_TIMEOUT_S=min(slowed(5), 11),
    ) as running:
        yield running


async def test_deadline_reaches_a_process_without_its_first_thread(gateway: LiveGateway) -> None:
    """The deadline kills what is left of such a job, and says so: it isn't a failure of the engine."""
    response = await gateway.render(HEADLESS.format("pass"))
    assert (response.status, response.json.get("outcome")) == (500, "time_limit"), response.body
    await until(lambda: len(gateway.containers()) == POOL_SIZE, "only the pool is left")


async def test_removals_that_take_long_delay_no_other_client(gateway: LiveGateway) -> None:
    """A client that leaves one such container after another behind doesn't keep others from being served."""
    hostile = asyncio.gather(*(gateway.render(HEADLESS.format(REPLY)) for _ in range(HEADLESS_JOBS)))
    served = []
    while not hostile.done():
        served.append((await gateway.render(PLOT)).status)
        assert (await gateway.get("/readyz")).status == 200, gateway.log_text()[-2000:]
    assert served.count(200) == len(served) > 0
    outcomes = [response.json.get("outcome") for response in await hostile]
    assert outcomes == ["program_error"] * HEADLESS_JOBS
    await until(lambda: len(gateway.containers()) == POOL_SIZE, "only the pool is left")
    assert (await gateway.get("/readyz")).status == 200
