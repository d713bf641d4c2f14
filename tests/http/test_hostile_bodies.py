"""Bodies that are expensive to read: others don't wait for them, and whoever sends them pays."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestServer

from gateway.admission import Admission
from gateway.keys.budgets import CHANGE_S, Budgets
from gateway.keys.keyring import HEADER, digest_of
from gateway.launcher.checking import TASK as CHECK
from gateway.launcher.checking import ClaimedFile, ClaimedFiles
from gateway.model.jobs import Format, MiB
from gateway.server.protocol import PROTOCOL_OPTIONS
from gateway.v1.request.reading import TASK as READ
from gateway.worker.worker_pool import WorkerPool
from tests.fakes import KEY, PNG, picture_result, until
from tests.http.conftest import PATH, Rig
from tests.http.v1 import PATH as V1
from tests.support.machine import slowness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from gateway.settings import Settings

#: Processor seconds that the event loop's thread may work without a pause; a machine of usual speed needs a fifth.
STANDSTILL_S = 0.05 * slowness()

#: A file as an escape for each letter, and an option that doesn't exist.
ESCAPES = b'{"code": "x", "nonsense": 1, "files": {"a": "' + b"\\u0041" * (MiB * 9 // 6) + b'"}}'
LISTS = b'{"code": "x", "rc": [' + b"[]," * (MiB * 9 // 3) + b"0]}"
FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"\r\n--" * (MiB * 9 // 4)


@pytest.fixture
async def served(make_settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[tuple[Rig, TestServer]]:
    """Return a gateway with the default limits, whose key `a` has a processor second in a minute."""
    file = tmp_path / "keys.toml"
    file.write_text(f'[keys.a]\nsha256 = "{digest_of(b"a").hex()}"\ncompute_seconds_per_minute = 1\n')
    settings = make_settings(api_keys_file=file)
    rig = Rig(settings, Admission(running_limit=4, queue_limit=64, queue_wait_s=30, key_limit=64))
    rig.budgets = Budgets(lambda: rig.now)
    server = TestServer(rig.app())
    await server.start_server(**PROTOCOL_OPTIONS)
    yield rig, server
    await server.close()


def _post(server: TestServer, body: bytes, key: str, content_type: str, path: str) -> tuple[int, dict[str, Any]]:
    """POST from another thread: a client in the event loop would be measured, too."""
    connection = http.client.HTTPConnection(str(server.host), server.port, timeout=120)
    try:
        connection.request("POST", path, body, {HEADER: key, "Content-Type": content_type})
        response = connection.getresponse()
        data = response.read()
        return response.status, json.loads(data) if "json" in response.headers["Content-Type"] else {}
    finally:
        connection.close()


async def post(
    server: TestServer, body: bytes, key: str = KEY, content_type: str = "application/json", path: str = V1
) -> tuple[int, dict[str, Any]]:
    """POST a body; return status and document."""
    return await asyncio.to_thread(_post, server, body, key, content_type, path)


async def longest_standstill_s(until_done: asyncio.Future[Any]) -> float:
    """Return the most processor seconds that this thread worked between two beats, until something is done.

    Processor time and not the clock's: on a loaded machine the whole process may have to wait.
    """
    longest_s, last_s = 0.0, time.thread_time()
    while not until_done.done():
        await asyncio.sleep(0.001)
        now_s = time.thread_time()
        longest_s, last_s = max(longest_s, now_s - last_s), now_s
    return longest_s


async def test_the_loop_never_stands_still(served: tuple[Rig, TestServer]) -> None:
    """While the most hostile bodies and pictures are read and checked, the event loop goes on."""
    _, server = served
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="1pt" height="1pt">' + b"<path/>" * 400_000 + b"</svg>"
    pdf = b"%PDF-1.4\n1 0 obj\n/" + b"#41" * (4 * MiB)
    checks = WorkerPool({CHECK: 16 * MiB})
    try:
        done = asyncio.gather(
            *(post(server, body) for body in (ESCAPES, ESCAPES, LISTS)),
            post(server, FORM, content_type="multipart/form-data; boundary=b"),
            post(server, b"[" + b"[]," * (MiB // 4) + b"0]", path=PATH),
            *(
                checks.do(CHECK, ClaimedFiles((ClaimedFile(kind, data),), 1), key="", paid=[].append)
                for kind, data in ((Format.SVG, svg), (Format.PDF, pdf))
            ),
            return_exceptions=True,
        )
        assert await longest_standstill_s(done) < STANDSTILL_S
        answers = await done
    finally:
        await checks.aclose()
    assert [answer[0] for answer in answers[:5]] == [400] * 5


async def test_refused_bodies_are_paid_for(served: tuple[Rig, TestServer]) -> None:
    """Reading a body that is refused uses up its key's processor time, after which no more are read."""
    rig, server = served
    body = ESCAPES[: len(ESCAPES) // 9] + b'"}}'
    answers = []
    while not answers or answers[-1][0] == 400:
        assert len(answers) < 500
        answers.append(await post(server, body, "a"))
    assert len(answers) > 2
    assert answers[-1][0] == 429
    assert answers[-1][1]["type"].endswith("budget-exceeded")
    assert (rig.metrics.registry.get_sample_value("figbox_hostile_cpu_seconds_total", {"work": "read"}) or 0) > 1
    # Another key's are.
    assert (await post(server, body))[0] == 400
    assert rig.launcher.jobs == []


async def test_reading_is_paid_for_by_those_who_hang_up(served: tuple[Rig, TestServer]) -> None:
    """A client that doesn't wait for the answer pays for it as well."""
    rig, server = served
    _, writer = await asyncio.open_connection(str(server.host), server.port)
    head = f"POST {V1} HTTP/1.1\r\nHost: x\r\n{HEADER}: a\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(ESCAPES) + ESCAPES)
    await writer.drain()
    await until(lambda: rig.service.bodies._busy)
    writer.transport.abort()
    holder = rig.service.keyring.authenticate(["a"])
    account = rig.budgets._compute_of(holder)
    # Less than CHANGE_S is collected first, and a fast machine may need no more.
    await until(lambda: account._debt_s + account._change_s > CHANGE_S / 10)


async def test_checks_are_paid_for(served: tuple[Rig, TestServer]) -> None:
    """What checking a job's pictures took is added to what its container used."""
    rig, server = served
    rig.launcher.result = picture_result(PNG)
    object.__setattr__(rig.launcher.result, "check_cpu_s", 0.75)
    assert (await post(server, b"x", "a", "text/x-python"))[0] == 200
    holder = rig.service.keyring.authenticate(["a"])
    assert rig.budgets._compute_of(holder)._debt_s == pytest.approx(0.75)
    assert rig.metrics.registry.get_sample_value("figbox_hostile_cpu_seconds_total", {"work": "check"}) == 0.75


async def test_a_body_that_takes_too_long_is_invalid(
    served: tuple[Rig, TestServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that isn't read by its deadline is 400, with a sentence that says so."""
    _, server = served
    monkeypatch.setattr("gateway.worker.task.PATIENCE_S", 0.01 - len(ESCAPES) / READ.bytes_per_s)
    status, document = await post(server, ESCAPES)
    assert (status, document["error"]) == (400, "Body can't be read: it takes more than 0 s")
