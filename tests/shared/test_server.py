"""The connection to a shared server: how it is reached, what a bad one costs, and what is never shown."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from gateway.keys.revocations import RevocationList
from gateway.shared import shared_server as module
from gateway.shared.shared_server import CONNECTIONS_LIMIT, FAILURES, SharedServer, SharedServerGone
from tests.shared.nodes import SECRET, Nodes, key
from tests.support.live import ROOT, free_port
from tests.support.machine import slowed
from tests.support.redis_server import PASSWORD, RedisServer, redis_server

if TYPE_CHECKING:
    import io
    from pathlib import Path

pytestmark = pytest.mark.engine


async def _up(url: str) -> tuple[bool, dict[str, int]]:
    """Return whether a server at a URL is in use after it was probed, and which calls failed."""
    nodes = Nodes(url)
    node = await nodes.one(1)
    for _ in range(5):  # the first may take too long: it connects
        if not (node.server.is_up or node.failures):
            await node.probe()
    await nodes.aclose()
    return node.server.is_up, dict(node.failures)


async def test_ways_to_reach_it(redis: RedisServer) -> None:
    """By port and by unix socket, with the password in the URL, and in another database."""
    assert await _up(redis.url) == (True, {})
    assert await _up(redis.socket_url) == (True, {})
    assert await _up(redis.url.replace("/0", "/3")) == (True, {})


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return a certificate of this host, which nobody vouches for, and its key."""
    certificate, secret = tmp_path / "c.pem", tmp_path / "k.pem"
    line = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    line += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(secret), "-out", str(certificate)]
    subprocess.run(line, check=True, capture_output=True)
    return certificate, secret


async def test_tls(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    """By `rediss://` if its certificate is good; one that nobody vouches for is refused, and so is plain text."""
    port = free_port()
    files = ("--tls-cert-file", f"{certificate[0]}", "--tls-key-file", f"{certificate[1]}", "--tls-auth-clients", "no")
    with redis_server(tmp_path, "--tls-port", str(port), "--port", "0", *files, port=port):
        url = f"rediss://:{PASSWORD}@localhost:{port}"
        assert await _up(f"{url}?ssl_ca_certs={certificate[0]}") == (True, {})
        assert await _up(url) == (False, {"connection": 1})
        assert await _up(url.replace("rediss", "redis")) == (False, {"connection": 1})


async def test_failures_by_kind_and_without_secrets(redis: RedisServer, log: io.StringIO) -> None:
    """A wrong password, nobody there, no permission, something else there: each is a failure, and no secret shows."""
    with redis.client() as client:
        client.execute_command("ACL", "SETUSER", "reader", "on", ">reader-pass-word", "+get", "~*")

    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 8)
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    found = [
        await _up(redis.url.replace(PASSWORD, "wrong-pass-word")),
        await _up(f"redis://:{PASSWORD}@127.0.0.1:{free_port()}"),
        await _up(f"redis://reader:reader-pass-word@127.0.0.1:{redis.port}"),
        await _up(f"redis://127.0.0.1:{redis.port}"),
        await _up(f"redis://127.0.0.1:{port}"),
    ]
    other.close()
    assert [is_up for is_up, _ in found] == [False] * 5
    kinds = [next(iter(failures)) for _, failures in found]
    assert kinds[:3] == ["connection", "connection", "refused"]
    assert set(kinds) <= set(FAILURES)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["shared server is out of use"] * 5
    assert not any(word in log.getvalue() for word in ("pass-word", SECRET, "redis://"))


async def test_a_hanging_server_costs_each_request_one_call_at_most(redis: RedisServer, nodes: Nodes) -> None:
    """Of many requests only those fail that were asking; after that nobody asks until a probe finds it well."""
    nodes.call_limit_s = slowed(1)
    [node] = await nodes.make(1)
    holder = key(requests=1000)
    assert await node.takes(holder)
    redis.hang()
    try:
        granted = await asyncio.gather(*(node.takes(holder) for _ in range(300)))
        assert all(granted)  # by this node itself
        assert not node.server.is_up
        assert 1 <= node.failures["timeout"] <= CONNECTIONS_LIMIT
        asked = node.calls
        assert all([await node.takes(holder) for _ in range(100)])
        assert node.calls == asked
        await node.probe()
        assert not node.server.is_up
    finally:
        redis.go_on()
    await node.until_up()
    asked = node.calls
    assert await node.takes(holder)
    assert node.calls == asked + 1


async def test_it_comes_back_after_a_pause_only(
    redis: RedisServer, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that hangs again and again is asked once in a while, not as soon as it has answered once."""
    monkeypatch.setattr(module, "PAUSE_S", 3600.0)
    [node] = await nodes.make(1)
    redis.kill()
    assert await node.takes(key(requests=5))
    redis.start()
    await node.probe()
    assert not node.server.is_up
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    await node.probe()
    assert node.server.is_up


async def test_a_server_that_takes_nothing_stays_out_of_use(
    redis: RedisServer, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is full, or a copy of another, isn't taken into use again and again: nobody would hear of it."""
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    [node] = await nodes.make(1)
    with redis.client() as client:
        for begin, end in (
            (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
            (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
        ):
            client.execute_command(*begin)
            assert await node.takes(key(requests=1000))
            await node.probe()
            assert not node.server.is_up
            client.execute_command(*end)
            await node.until_up()
    assert node.failures == {"refused": 4}


async def test_one_call_a_request_and_two_more_a_job(nodes: Nodes) -> None:
    """A request asks once; a job of a key with an allowance of processor time asks when it begins and ends."""
    [node] = await nodes.make(1)
    plain, paying = key("a", requests=9), key("b", requests=9, compute=9)
    asked = node.calls
    assert await node.takes(plain)
    assert await node.runs(plain, 1.0)
    node.budgets.charge(plain, 5.0)
    assert node.calls == asked + 1
    assert await node.takes(paying)
    assert await node.runs(paying, 1.0)
    assert node.calls == asked + 4


@pytest.mark.parametrize(
    "reply", [b"*1\r\n" * 20_000, b"*-5\r\n", b"$-5\r\n", b"*2\r\n-ERR x\r\n:1\r\n", b":x\r\n", b"*0\r\n"]
)
async def test_whatever_a_server_says_is_a_failure_at_most(reply: bytes) -> None:
    """Nothing that is no reply of a script gets past the connection, whether or not the client can read it."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(1 << 16):
                writer.write(reply)
                await writer.drain()
        writer.close()

    other = await asyncio.start_server(speak, "127.0.0.1", 0)
    nodes = Nodes(f"redis://127.0.0.1:{other.sockets[0].getsockname()[1]}", slowed(1))
    node = await nodes.one(1)
    node.server._is_up = True
    assert await node.takes(key(requests=5))
    assert (node.server.is_up, node.failures.total()) == (False, 1)
    await node.probe()
    await nodes.aclose()
    other.close()
    await other.wait_closed()


@pytest.mark.parametrize(
    ("begin", "piece"),
    [(b"$1900000000\r\n", b"x" * 1_000_000), (b"*1000000000\r\n", b":1\r\n" * 10_000), (b"", b"$0\r\n\r\n")],
    ids=["long", "many", "ordinary"],
)
async def test_a_reply_without_end_is_not_read_to_its_end(begin: bytes, piece: bytes) -> None:
    """Neither one that is long nor one of many parts costs more than the largest that a script has: it is nonsense."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"EVALSHA")
        writer.write(begin + piece)
        with suppress(ConnectionError):
            while begin:
                writer.write(piece)
                await writer.drain()
            await reader.read()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as other:
        nodes = Nodes(f"redis://127.0.0.1:{other.sockets[0].getsockname()[1]}", slowed(1))
        node = await nodes.one(1)
        await node.probe()
        assert node.failures == ({"nonsense": 1} if begin else {})
        await nodes.aclose()


async def test_a_call_that_is_cancelled_confuses_no_other(nodes: Nodes) -> None:
    """However calls are cut, the replies of later ones are their own."""
    [node] = await nodes.make(1)
    for number in range(200):
        task = asyncio.create_task(node.takes(key("cut", requests=1000)))
        for _ in range(number % 7):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await node.takes(key(f"k{number}", requests=7))
        assert node.left(key(f"k{number}", requests=7)) == {"requests": (7, 6)}
    assert node.failures == {}


async def test_a_resolver_that_hangs_takes_one_thread(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the server is probed, threads are left for others, and it comes back with the resolver."""
    resolve, hangs, asked = socket.getaddrinfo, threading.Event(), []

    def resolved(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "redis.example":
            asked.append(host)
            hangs.wait(slowed(60))
        return resolve("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    nodes = Nodes(redis.url.replace("127.0.0.1", "redis.example"))
    node = await nodes.one(1)
    try:
        for _ in range(10):
            with suppress(SharedServerGone):
                await RevocationList(node.server).exchange([], 0.05)
        assert node.failures == {"timeout": 10}
        assert len(asked) == 1
    finally:
        hangs.set()
    await node.until_up()
    await nodes.aclose()


async def test_what_is_out_of_use_fails_at_once(redis: RedisServer) -> None:
    """Before the first probe nothing is asked, and the names of things tell nothing without the secret."""
    one, other = (SharedServer(redis.url, secret, "test") for secret in (SECRET, f"{SECRET}!"))
    with pytest.raises(SharedServerGone):
        await one.script("return 1").run([], [], str)
    assert one.name("key", b"ann") != other.name("key", b"ann")
    assert one.name("key", b"ann") != one.name("revoked", b"ann")
    assert one.name("key", b"ann") == one.name("key", b"ann")
    await one.aclose()
    await other.aclose()


def test_its_client_is_loaded_only_where_a_server_is_named() -> None:
    """A gateway that shares nothing doesn't load the client of Redis."""
    code = "import gateway.__main__, gateway.lifecycle, gateway.keys.__main__, sys; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
