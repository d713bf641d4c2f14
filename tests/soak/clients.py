"""Clients that send all kinds of jobs, and clients that mean harm; what each was answered is counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import aiohttp

from tests.chaos.plan import Manner, RequestPlan, Work
from tests.chaos.programs import code_of, flaw_of_picture
from tests.soak.programs import CANARY, FORMATS, PROGRAMS, Program
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Seconds that a client waits between two requests, on average, and how many times as long as its request took, if
#: that is more: so that the load stays below what the machine can do. Where it is told to wait, it does so, but not
#: longer than it takes to see what becomes of it.
PAUSE_S, PAUSE_TIMES = 6.0, 4.0
RETRY_LIMIT_S = 15.0

#: Seconds after which a client has lost patience, which is a fault: every wait of the gateway is shorter.
PATIENCE_S = slowed(90)

#: Seconds between two renders that are timed.
CANARY_PERIOD_S = 2.0

#: Statuses, with the ends of `type`, by which a job may always be refused.
REFUSED = {(429, "key-share-exceeded"), (429, "rate-exceeded"), (429, "budget-exceeded")}
REFUSED |= {(503, "queue-full"), (503, "queue-timeout"), (503, "too-many-connections")}

#: Bytes of bodies that are too large, and that are kept back.
LARGE_BYTES = 12 << 20

PROBLEM = "urn:figbox:problem:"


@dataclass(slots=True)
class Answers:
    """What was answered.

    Attributes:
        counts: Requests by what was sent and what came of it.
        faults: Sentences about answers that must not come, the first few.
        canaries: When a timed render began, in seconds of the monotonic clock, and the ms that it took.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    canaries: list[tuple[float, float]] = field(default_factory=list)

    def add(self, sent: str, came: str, *, fault: str = "") -> None:
        """Count an answer."""
        self.counts[sent, came] += 1
        if fault:
            self.faults.append(f"{sent}: {came}: {fault}")


class Client:
    """A client with a key, who sends one request after the other.

    Args:
        url: The gateway's.
        key: Of the client.
        name: Chooses what it sends.
        seed: The same seed, the same requests.
        answers: Where answers are counted.
    """

    def __init__(self, url: str, key: str, name: str, seed: int, answers: Answers) -> None:
        self._url = url
        self._key = key
        self._name = name
        self._random = Random(f"{seed} {name}")  # noqa: S311 - not for secrets
        self._answers = answers
        self._number = 0
        self._took_s = 0.0
        self._told_to_wait_s = 0.0

    async def work(self) -> None:
        """Send jobs of all kinds, until cancelled."""
        weights = [program.weight for program in PROGRAMS]
        async with self._session() as session:
            while True:
                if self._random.random() < 0.2:
                    await self._patiently("checked picture", self._checked(session))
                else:
                    program = self._random.choices(PROGRAMS, weights)[0]
                    await self._patiently(program.name, self._job(session, program))
                await self._pause()

    async def time_renders(self) -> None:
        """Render the same again and again, and take the time, until cancelled."""
        async with self._session() as session:
            while True:
                await self._patiently("canary", self._canary(session))
                await asyncio.sleep(max(CANARY_PERIOD_S, self._took_s))

    async def misbehave(self) -> None:
        """Send what is no request that can be served, and leave others alone, until cancelled."""
        kinds: list[Callable[[aiohttp.ClientSession], Awaitable[None]]] = [
            *(self._stranger, self._too_large, self._broken_json, self._bad_option, self._hang_up, self._hang_up),
            *(self._malformed, self._half_a_body),
        ]
        async with self._session() as session:
            while True:
                kind = self._random.choice(kinds)
                await self._patiently(kind.__name__.strip("_").replace("_", " "), kind(session))
                await self._pause()

    # Jobs

    async def _job(self, session: aiohttp.ClientSession, program: Program) -> None:
        kind = self._random.choice(FORMATS)
        # Never twice the same, in case renders are kept.
        body = {"code": f"{program.code}\n# {self._token()}", "format": kind, **program.options}
        async with session.post(f"{self._url}/v1/render", json=body) as response:
            data = await response.read()
            self._told_to_wait_s = min(RETRY_LIMIT_S, float(response.headers.get("Retry-After", 0)))
            outcome = "ok" if response.status == 200 else _problem(data)
            allowed = outcome.replace("-", "_") in program.outcomes or (response.status, outcome) in REFUSED
            fault = "" if allowed else data[:300].decode(errors="replace")
            if response.status == 200 and kind not in response.content_type:
                fault = f"the picture is {response.content_type}"
            self._answers.add(program.name, f"{response.status} {outcome}", fault=fault)

    async def _checked(self, session: aiohttp.ClientSession) -> None:
        token = self._token()
        code = code_of(RequestPlan(Work.PICTURE, Manner.PLAIN, token, 0.1, 0.0))
        async with session.post(f"{self._url}/render-matplotlib", json={"code": code}) as response:
            data = await response.read()
            outcome = "ok" if response.status == 200 else _problem(data)
            fault = (flaw_of_picture(data, token) or "") if outcome == "ok" else data[:300].decode(errors="replace")
            if (response.status, outcome) in REFUSED:
                fault = ""
            self._answers.add("checked picture", f"{response.status} {outcome}", fault=fault)

    async def _canary(self, session: aiohttp.ClientSession) -> None:
        self._number += 1
        began = time.monotonic()
        code = CANARY.format(number=self._number)
        async with session.post(f"{self._url}/render-matplotlib", json={"code": code}) as response:
            data = await response.read()
        if response.status == 200:
            self._answers.canaries.append((began, (time.monotonic() - began) * 1000))
            self._answers.add("canary", "200 ok")
        else:
            refused = (response.status, _problem(data)) in REFUSED
            self._answers.add("canary", f"{response.status} {_problem(data)}", fault="" if refused else "not drawn")

    # What can't be served

    async def _stranger(self, session: aiohttp.ClientSession) -> None:
        await self._refused(session, "stranger", {401}, json={"code": "1"}, headers={"X-API-Key": "w" * 32})

    async def _too_large(self, session: aiohttp.ClientSession) -> None:
        with contextlib.suppress(aiohttp.ClientConnectionError):  # the rest of the body isn't awaited
            await self._refused(session, "too large", {413}, json={"code": "x" * LARGE_BYTES})

    async def _broken_json(self, session: aiohttp.ClientSession) -> None:
        kind = {"Content-Type": "application/json"}
        await self._refused(session, "broken json", {400}, data=b'{"code": "1', headers=kind)

    async def _bad_option(self, session: aiohttp.ClientSession) -> None:
        await self._refused(session, "bad option", {400}, json={"code": "1", "fromat": "png", "dpi": -1})

    async def _hang_up(self, session: aiohttp.ClientSession) -> None:
        endless = {"code": "while True: pass"}
        after_s = self._random.uniform(0.01, 1.5)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(after_s):
                await self._refused(session, "hang up", {500}, json=endless, path="/render-matplotlib")
        self._answers.add("hang up", "left")

    async def _malformed(self, session: aiohttp.ClientSession) -> None:
        del session
        await self._raw("malformed", b"POST /v1/render HTTP/1.1\r\nHost x\r\n\r\n")

    async def _half_a_body(self, session: aiohttp.ClientSession) -> None:
        del session
        head = f"POST /v1/render HTTP/1.1\r\nHost: x\r\nX-API-Key: {self._key}\r\nContent-Type: application/json\r\n"
        await self._raw("half a body", f"{head}Content-Length: 100000\r\n\r\n{{".encode(), waits_s=0.3)

    async def _refused(
        self,
        session: aiohttp.ClientSession,
        sent: str,
        statuses: set[int],
        *,
        path: str = "/v1/render",
        **request: object,
    ) -> None:
        async with session.post(self._url + path, **request) as response:  # type: ignore[arg-type]
            data = await response.read()
            problem = _problem(data)
            allowed = response.status in statuses or (response.status, problem) in REFUSED
            fault = "" if allowed else data[:300].decode(errors="replace")
            self._answers.add(sent, f"{response.status} {problem}", fault=fault)

    async def _raw(self, sent: str, data: bytes, waits_s: float | None = None) -> None:
        """Send bytes; read an answer, or leave after so many seconds."""
        host, port = self._url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(data)
            await writer.drain()
            if waits_s is None:
                head = (await reader.readline()).split()
                status = int(head[1]) if len(head) > 1 else 0
                self._answers.add(sent, str(status or "closed"), fault="" if status in {0, 400, 503} else "not refused")
            else:
                await asyncio.sleep(waits_s)
                self._answers.add(sent, "left")
        finally:
            writer.transport.abort()

    # Parts

    async def _patiently(self, sent: str, doing: Awaitable[None]) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await doing
        except TimeoutError:
            self._answers.add(sent, "no answer", fault=f"after {PATIENCE_S} s")
        except (aiohttp.ClientError, OSError) as error:
            self._answers.add(sent, "lost", fault=repr(error))
        self._took_s = time.monotonic() - began

    async def _pause(self) -> None:
        pause_s = self._random.expovariate(1 / max(PAUSE_S, PAUSE_TIMES * self._took_s))
        await asyncio.sleep(max(pause_s, self._told_to_wait_s))

    def _token(self) -> str:
        self._number += 1
        return f"{self._name}-{self._number}"

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers={"X-API-Key": self._key}, timeout=aiohttp.ClientTimeout(total=None), json_serialize=json.dumps
        )


def _problem(data: bytes) -> str:
    """Return the end of a problem's type."""
    try:
        document = json.loads(data)
        return str(document["type"]).removeprefix(PROBLEM)
    except (ValueError, KeyError, TypeError):
        return "unknown"
