"""Phases: what was not allowed is objected to, and recovery is counted from the fault."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from benchmarks.load import trial as trial_module
from benchmarks.load.generator import Client, Load
from benchmarks.load.programs import Program, digest_of
from benchmarks.load.record import Answer, Judge, Loss, Record
from benchmarks.load.trial import Phase, Trial
from tests.support.live import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.test_utils import TestServer

    Serve = Callable[[web.Application], Awaitable[TestServer]]

PLOT = Program("plot", "plot", 1)
LARGE = Program("large", "large", 2, is_large=True)
JUDGE = Judge({"plot": "d", "large": "d"}, frozenset({(502, "node-lost")}))
RIGHT = Answer(200, "d", "", "")
NODE_LOST = Answer(502, "", "node-lost", "")


def trial_of(*came: tuple[float, Program, Answer | Loss], **phase: frozenset[str]) -> Trial:
    """Return a trial with a phase from 0 to 100 s, its fault at 10 s, and requests that ended at these times."""
    load = Load("", [])
    load.records += [Record("key", program, ended - 1, ended, what) for ended, program, what in came]
    allowed = {"allowed": frozenset[str](), "large": frozenset[str](), **phase}
    return Trial(load, JUDGE, [Phase("p", **allowed, began_s=0, fault_s=10, ended_s=100, settled=True)])


def test_only_what_a_phase_allows_passes() -> None:
    """Losses and refusals are objections, unless the phase allows them, of large requests or of all."""
    came = [(20.0, PLOT, NODE_LOST), (30.0, LARGE, NODE_LOST), (40.0, PLOT, Loss.WAITING), (50.0, PLOT, RIGHT)]
    assert trial_of(*came).objections() == ["p: 1 502 node-lost", "p: 1 502 node-lost (large)", "p: 1 no answer"]
    allowing = trial_of(*came, large=frozenset({"502 node-lost"}), allowed=frozenset({"no answer"}))
    assert allowing.objections() == ["p: 1 502 node-lost"]


def test_another_program_s_picture_is_an_objection() -> None:
    """The digest of a picture must be that of the program that was sent."""
    assert trial_of((20.0, PLOT, Answer(200, "other", "", ""))).objections() == ["p: 1 WRONG 200"]


def test_a_phase_that_never_settles_is_an_objection() -> None:
    """Requests that fail on after a repair are not a recovery."""
    trial = trial_of((20.0, PLOT, RIGHT))
    trial.phases[0].settled = False
    assert len(trial.objections()) == 1


@pytest.mark.parametrize(("ends", "seconds"), [((), 0), ((12.0, 25.0), 15), ((5.0,), 0)])
def test_recovery_is_the_time_of_the_last_failure(ends: tuple[float, ...], seconds: float) -> None:
    """It is counted from the fault, to the moment since which all requests are right."""
    trial = trial_of(*((end, PLOT, NODE_LOST) for end in ends), (90.0, PLOT, RIGHT))
    assert trial.recovered_s(trial.phases[0]) == seconds


def test_the_table_has_a_row_for_each_phase() -> None:
    """With what was sent, what was right, and what else came."""
    title, head, _, row = trial_of((20.0, PLOT, NODE_LOST), (30.0, PLOT, RIGHT)).text("Title").strip().splitlines()
    assert title == "Title"
    assert head.split()[:4] == ["phase", "s", "sent", "right"]
    assert row.split() == ["p", "100", "2", "1", "10.0", "-", "1.00", "1.00", "1.00", "1", "502", "node-lost"]


async def test_clients_record_each_kind_of_end(aiohttp_server: Serve) -> None:
    """A picture, a problem, a connection that ends before or within the answer, and one that isn't made."""

    async def respond(request: web.Request) -> web.StreamResponse:
        kind = (await request.read()).decode()
        if kind == "silent":
            await asyncio.sleep(30)
        if kind == "problem":
            body = '{"type": "urn:figbox:problem:node-lost"}'
            return web.Response(status=502, text=body, content_type="application/problem+json")
        if kind == "cut":
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"half")
        if kind in ("cut", "broken"):
            assert request.transport is not None
            request.transport.close()
        return web.Response(body=b"picture", headers={"X-Figbox-Node": "node1"})

    application = web.Application()
    application.router.add_post("/v1/render", respond)
    server = await aiohttp_server(application)
    came = {}
    for kind in ("picture", "problem", "cut", "broken", "silent"):
        load = Load(str(server.make_url("/")).rstrip("/"), [Program(kind, kind, 1)], patience_s=1)
        await load.run([Client("key", "k", bearer=True)], requests_limit=1)
        came[kind] = load.records[0].came
    load = Load(f"http://127.0.0.1:{free_port()}", [PLOT])
    await load.run([Client("key", "k")], requests_limit=1)
    assert load.records[0].came is Loss.CONNECT
    assert came["picture"] == Answer(200, digest_of(b"picture"), "", "node1")
    assert isinstance(came["problem"], Answer)
    assert (came["problem"].status, came["problem"].problem) == (502, "node-lost")
    assert (came["cut"], came["broken"], came["silent"]) == (Loss.ANSWER, Loss.WAITING, Loss.SILENCE)


async def test_a_phase_ends_when_requests_are_answered_again(
    aiohttp_server: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on while they fail, and the time since the fault is counted."""
    monkeypatch.setattr(trial_module, "SETTLED", 3)
    answers = iter([500, 500, *([200] * 1000)])

    async def respond(_: web.Request) -> web.Response:
        return web.Response(status=next(answers), body=b"picture")

    application = web.Application()
    application.router.add_post("/v1/render", respond)
    server = await aiohttp_server(application)
    load = Load(str(server.make_url("/")).rstrip("/"), [PLOT], pause_s=0.01)
    trial = Trial(load, Judge({"plot": digest_of(b"picture")}, frozenset()))
    running = asyncio.create_task(load.run([Client("key", "k")]))
    async with trial.phase("failing"):
        trial.fault()
    load.stop()
    await running
    assert trial.objections() == ["failing: 2 WRONG 500"]
    assert [record.came.status for record in load.records[:5] if isinstance(record.came, Answer)] == [500] * 2 + [
        200
    ] * 3
