"""A client that means harm: bodies that never end, answers that nobody reads, connections that do nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

#: Bytes that the kernel keeps for us unread: as few as it allows, so that an answer stays with whoever sends it.
RECEIVED_BYTES = 4096

#: Seconds before a connection that was ended is replaced. This is about memory: a flood of requests is another matter.
PAUSE_S = 0.5

#: A state of a connection. Source: the kernel's tcp_states.h.
ESTABLISHED = 1

#: The fields of a request that asks for everything as one document.
FIELDS = "Host: x\r\nX-API-Key: {key}\r\nAccept: {accept}\r\nContent-Type: application/json\r\n"


def memory_of(pid: int, line: str = "VmRSS") -> int:
    """Return what a process takes, in bytes: `VmRSS` now, `VmHWM` at most so far (proc_pid_status(5))."""
    for row in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = row.partition(":")
        if name == line:
            return int(value.split()[0]) * 1024
    raise AssertionError(line)


class Hostile:
    """One hostile client of a gateway.

    Args:
        port: Where the gateway listens on the loopback.
        key: Its valid key.
        code: What its jobs run.
    """

    def __init__(self, port: int, key: str, code: str) -> None:
        self._port = port
        self._key = key
        self._code = code
        self._tasks: set[asyncio.Task[None]] = set()
        self._upload = json.dumps({"code": code, "files": {"a": "x" * 10_000_000}}).encode()
        #: How often each kind of attack has ended, because the gateway ended it.
        self.ended: dict[str, int] = {}

    def attack(self, kind: Callable[[], object], times: int) -> None:
        """Repeat a kind of attack on so many connections at once, until the end."""
        for _ in range(times):
            task = asyncio.create_task(self._repeat(kind))
            self._tasks.add(task)

    async def aclose(self) -> None:
        """Close all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, kind: Callable[[], object]) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                await kind()  # type: ignore[misc]
                self.ended[kind.__name__] = self.ended.get(kind.__name__, 0) + 1
            await asyncio.sleep(PAUSE_S)

    # Kinds of attack

    async def unread_document(self) -> None:
        """Ask for a document and never read it."""
        await self._unread("application/json")

    async def unread_archive(self) -> None:
        """Ask for an archive and never read it."""
        await self._unread("application/zip")

    async def held_upload(self, chunked: bool = False) -> None:  # noqa: FBT001, FBT002 - a kind of attack
        """Send all of the largest body but its last byte."""
        body = self._upload
        async with self._connection() as connection:
            await self._send(connection, self._head("application/json", None if chunked else len(body)))
            await self._send(connection, b"%x\r\n" % len(body) if chunked else b"")
            await self._send(connection, memoryview(body)[:-1])
            await self._until_closed(connection)

    async def held_chunks(self) -> None:
        """Do the same without saying how much will come."""
        await self.held_upload(chunked=True)

    async def silence(self) -> None:
        """Begin a head and never end it."""
        async with self._connection() as connection:
            await self._send(connection, self._head("*/*", 10)[:-4])
            await self._until_closed(connection)

    async def many_heads(self) -> None:
        """Send requests with many short fields and no key, and read no response."""
        fields = "".join(f"x{number}:y\r\n" for number in range(120))
        heads = f"GET /healthz HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode() * 20
        async with self._connection() as connection:
            while True:
                await self._send(connection, heads)

    # Parts

    async def _unread(self, accept: str) -> None:
        body = json.dumps({"code": self._code}).encode()
        async with self._connection() as connection:
            await self._send(connection, self._head(accept, len(body)) + body)
            await self._until_closed(connection, reads=False)

    def _head(self, accept: str, length: int | None) -> bytes:
        fields = FIELDS.format(key=self._key, accept=accept)
        ending = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        return f"POST /v1/render HTTP/1.1\r\n{fields}{ending}\r\n\r\n".encode()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[socket.socket]:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
            connection.setblocking(False)
            async with asyncio.timeout(slowed(10)):
                await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self._port))
            yield connection

    async def _send(self, connection: socket.socket, data: bytes | memoryview) -> None:
        async with asyncio.timeout(slowed(30)):
            await asyncio.get_running_loop().sock_sendall(connection, data)

    async def _until_closed(self, connection: socket.socket, *, reads: bool = True) -> None:
        """Wait until the server has closed; that is seen without reading an answer, by peeking at most at its head."""
        loop = asyncio.get_running_loop()
        while True:
            if reads:
                if not await loop.sock_recv(connection, 65536):
                    return
            else:
                await asyncio.sleep(0.5)
                if connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != ESTABLISHED:
                    return
                with contextlib.suppress(BlockingIOError):
                    if connection.recv(12, socket.MSG_PEEK)[9:12] != b"200":
                        return
