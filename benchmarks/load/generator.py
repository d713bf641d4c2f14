"""Clients that never pause for long, on connections that stay open, and a record of each request.

A client sends its next request when the last has ended, over the connection that it has, and never sends a request
again: whether that would have been needed is what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.load.programs import digest_of, first_pixel
from benchmarks.load.record import PROBLEM, Answer, Loss, Record

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from benchmarks.load.programs import Program

#: The header in which a balancer names the node.
NODE_HEADER = "X-Figbox-Node"

#: Seconds after which a client takes silence for an answer; longer than each timeout of the service and the balancer.
PATIENCE_S = 120.0

#: Seconds between a client's answer and its next request, at most, and after a refusal or a lost connection.
PAUSE_S, CALM_S = 0.2, 0.5

#: Pictures that are drawn at once before a load.
DRAWN_AT_ONCE = 2

#: Requests after which a load ends by itself.
REQUESTS_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Client:
    """One client.

    Attributes:
        key_name: The name of its key.
        key: The key.
        bearer: Whether it comes as a bearer token.
    """

    key_name: str
    key: str
    bearer: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The fields of a request."""
        field = {"Authorization": f"Bearer {self.key}"} if self.bearer else {"X-API-Key": self.key}
        return {**field, "Content-Type": "text/x-python"}


@dataclass
class Load:
    """A load on a service.

    Attributes:
        url: Where the service, or its balancer, is.
        programs: What clients send, at random.
        seed: Of chance.
        tls: For `https`.
        patience_s: Seconds after which silence is an answer.
        pause_s: Seconds between a client's answer and its next request, at most.
        records: What became of requests, in the order in which they ended.
    """

    url: str
    programs: Sequence[Program]
    seed: int = 1
    tls: ssl.SSLContext | None = None
    patience_s: float = PATIENCE_S
    pause_s: float = PAUSE_S
    records: list[Record] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def now_s(self) -> float:
        """The clock of records."""
        return time.monotonic()

    async def run(self, clients: Sequence[Client], *, requests_limit: int = REQUESTS_LIMIT) -> None:
        """Let clients send until `stop`, or until there have been so many requests."""
        async with asyncio.TaskGroup() as group:
            for number, client in enumerate(clients):
                group.create_task(self._client(client, Random(f"{self.seed} {number}"), requests_limit))

    def stop(self) -> None:
        """Let clients end: each when its request has."""
        self._stopping.set()

    async def until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Wait until a condition holds of the records, looking when one is added; tell whether it did in time."""
        try:
            async with asyncio.timeout(limit_s), self._ended:
                await self._ended.wait_for(condition)
        except TimeoutError:
            return False
        return True

    async def _client(self, client: Client, random: Random, requests_limit: int) -> None:
        async with self._session() as session:
            while not self._stopping.is_set() and len(self.records) < requests_limit:
                record = await self._one(session, client, random.choice(self.programs))
                self.records.append(record)
                async with self._ended:
                    self._ended.notify_all()
                is_picture = isinstance(record.came, Answer) and record.came.status == 200
                await asyncio.sleep(random.uniform(0, self.pause_s) if is_picture else max(self.pause_s, CALM_S))

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, ssl=self.tls if self.tls is not None else True),
            timeout=aiohttp.ClientTimeout(total=self.patience_s),
        )

    async def _one(self, session: aiohttp.ClientSession, client: Client, program: Program) -> Record:
        sent_s = self.now_s
        came = await ask(session, self.url, client, program)
        return Record(client.key_name, program, sent_s, self.now_s, came)


async def ask(session: aiohttp.ClientSession, url: str, client: Client, program: Program) -> Answer | Loss:
    """Send a program once; return what came."""
    loss = Loss.WAITING
    try:
        async with session.post(f"{url}/v1/render", headers=client.headers, data=program.code.encode()) as response:
            loss = Loss.ANSWER
            body = await response.read()
    except aiohttp.ClientConnectorError:
        return Loss.CONNECT
    except TimeoutError:
        return Loss.SILENCE
    except aiohttp.ClientError:
        return loss
    return Answer(response.status, digest_of(body), _problem(response, body), response.headers.get(NODE_HEADER, ""))


async def right_pictures(url: str, client: Client, programs: Sequence[Program]) -> dict[str, str]:
    """Draw each program on a service at rest; return the digests of the pictures by the programs' names.

    Raises:
        ValueError: A picture isn't that of its program.
    """
    drawn = [program for program in programs if not program.fails]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=DRAWN_AT_ONCE)) as session:
        pictures = await asyncio.gather(*(_picture(session, url, client, program) for program in drawn))
    for program, picture in zip(drawn, pictures, strict=True):
        if first_pixel(picture) != program.number:
            raise ValueError(f"{program.name} isn't what was drawn")
    return {program.name: digest_of(picture) for program, picture in zip(drawn, pictures, strict=True)}


async def _picture(session: aiohttp.ClientSession, url: str, client: Client, program: Program) -> bytes:
    async with session.post(f"{url}/v1/render", headers=client.headers, data=program.code.encode()) as response:
        body = await response.read()
        if response.status != 200:
            raise ValueError(f"{program.name}: {response.status} {body[:300]!r}")
        return body


def _problem(response: aiohttp.ClientResponse, body: bytes) -> str:
    """Return what the type of a problem document ends with; empty for anything else."""
    if response.content_type != "application/problem+json":
        return ""
    try:
        kind = json.loads(body)["type"]
    except (ValueError, KeyError, TypeError):
        return ""
    return kind.removeprefix(PROBLEM) if isinstance(kind, str) else ""
