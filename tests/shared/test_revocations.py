"""Revoking on all nodes at once: whatever their files have, and whatever becomes of the server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gateway.keys import revocations
from gateway.keys.keyring import digest_of
from gateway.keys.live_keyring import LiveKeyring
from gateway.keys.revocations import RevocationList, Revocations
from gateway.model.errors import Unauthorized
from gateway.shared.shared_server import PREFIX, SharedServer, SharedServerGone
from tests.documents.pages import command as documented
from tests.shared.nodes import SECRET, Nodes
from tests.support.keys_file import write_keys
from tests.support.live import ROOT, free_port
from tests.support.redis_server import PASSWORD

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.engine

KEYS = {"ann": "a" * 40, "bob": "b" * 40}
NAME = f"{PREFIX}revoked"


class Host:
    """A node's keys, with a file of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = write_keys(folder / f"{name}.toml", KEYS)
        self.ring = LiveKeyring(None, self.file)

    async def join(self, nodes: Nodes) -> None:
        """Become one of the nodes that share a server."""
        self.node = await nodes.one(2)
        self.revocations = Revocations(RevocationList(self.node.server), self.ring)

    async def exchange(self) -> None:
        """Exchange with the server, which must be there."""
        await self.revocations.exchange()

    def lets_in(self) -> list[str]:
        """Return whose keys are accepted."""
        found = []
        for name, key in KEYS.items():
            try:
                found.append(self.ring.authenticate([key]).name)
            except Unauthorized:
                assert name in KEYS
        return found


@pytest.fixture
async def hosts(nodes: Nodes, tmp_path: Path) -> list[Host]:
    """Return two nodes, each with a copy of the keys file."""
    found = [Host(tmp_path, name) for name in ("one", "two")]
    for host in found:
        await host.join(nodes)
    return found


def command(redis: RedisServer, file: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m gateway.keys` as an operator does who has the URL and the secret in files."""
    for name, text in (("url", redis.url), ("secret", SECRET)):
        (file.parent / name).write_text(f"{text}\n")
    settings = {
        "FIGBOX_SHARED_URL_FILE": str(file.parent / "url"),
        "FIGBOX_SHARED_SECRET_FILE": str(file.parent / "secret"),
        **environment,
    }
    line = [sys.executable, "-m", "gateway.keys", "--file", str(file), *arguments]
    return subprocess.run(
        line, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, timeout=120, check=False
    )


async def test_revoked_once_is_revoked_everywhere(redis: RedisServer, hosts: list[Host], log: io.StringIO) -> None:
    """The command changes one file; the node that has another copy refuses the key after its next exchange."""
    done = command(redis, hosts[0].file, "revoke", "ann", "--everywhere")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == ("ann is revoked on all nodes: each refuses the key within two seconds.")
    assert "ann" not in hosts[0].file.read_text()
    assert hosts[1].lets_in() == ["ann", "bob"]
    await hosts[1].exchange()
    assert hosts[1].lets_in() == ["bob"]
    await hosts[1].exchange()
    assert log.getvalue().count("key revoked on all nodes") == 1
    hosts[1].ring.look()
    assert hosts[1].lets_in() == ["bob"]


async def test_a_lost_server_lets_nobody_in_again(redis: RedisServer, hosts: list[Host]) -> None:
    """Whoever has seen a revocation goes on refusing, and tells a server that has forgotten it."""
    assert command(redis, hosts[0].file, "revoke", "ann", "--everywhere").returncode == 0
    await hosts[1].exchange()
    redis.kill()
    with pytest.raises(SharedServerGone):
        await hosts[1].exchange()
    assert hosts[1].lets_in() == ["bob"]
    redis.start()
    await hosts[1].exchange()
    assert hosts[1].lets_in() == ["bob"]
    await hosts[1].exchange()
    await hosts[0].exchange()  # its file's watch hasn't looked yet
    assert hosts[0].lets_in() == ["bob"]


async def test_a_new_key_of_the_same_name_is_another(redis: RedisServer, hosts: list[Host]) -> None:
    """What is revoked is a key, not a name."""
    assert command(redis, hosts[0].file, "revoke", "ann", "--everywhere").returncode == 0
    new = command(redis, hosts[0].file, "add", "ann").stdout.strip()
    hosts[0].ring.look()
    await hosts[0].exchange()
    assert hosts[0].ring.authenticate([new]).name == "ann"
    with pytest.raises(Unauthorized):
        hosts[0].ring.authenticate([KEYS["ann"]])


async def test_only_holders_of_the_secret_can_revoke(redis: RedisServer, hosts: list[Host]) -> None:
    """Whoever can write to the server, and even knows digests, can't name a key; what is there tells none."""
    digest = digest_of(KEYS["ann"].encode())
    guesses = [digest.hex(), digest.hex()[:32], hashlib.sha256(digest).hexdigest()[:32], "ann", ""]
    with redis.client() as client:
        client.hset(NAME, mapping=dict.fromkeys(guesses, "9999999999"))
        await hosts[0].exchange()
        assert hosts[0].lets_in() == ["ann", "bob"]
        assert command(redis, hosts[1].file, "revoke", "bob", "--everywhere").returncode == 0
        fields = client.hkeys(NAME)
    assert digest_of(KEYS["bob"].encode()).hex()[:32].encode() not in fields
    await hosts[0].exchange()
    assert hosts[0].lets_in() == ["ann"]


@pytest.mark.parametrize("name", [b"x" * 5_000_000, b"\xff" * 31, b""])
async def test_what_is_no_revocation_is_removed(redis: RedisServer, hosts: list[Host], name: bytes) -> None:
    """Nobody can have nodes fetch something large each second by writing it once."""
    assert command(redis, hosts[0].file, "revoke", "ann", "--everywhere").returncode == 0
    with redis.client() as client:
        client.hset(NAME, mapping={name: "9999999999", "f" * 32: "never"})
        before = client.info("stats")["total_net_output_bytes"]
        await hosts[1].exchange()
        assert client.info("stats")["total_net_output_bytes"] - before < 100_000
        assert client.hlen(NAME) == 1
    assert hosts[1].lets_in() == ["bob"]
    assert hosts[1].node.failures == {}


@pytest.mark.parametrize("value", ["text", "list", "many"])
async def test_something_else_in_its_place(redis: RedisServer, hosts: list[Host], value: str) -> None:
    """It is replaced by what nodes have seen."""
    assert command(redis, hosts[0].file, "revoke", "ann", "--everywhere").returncode == 0
    await hosts[1].exchange()
    with redis.client() as client:
        if value == "many":
            client.hset(NAME, mapping=dict.fromkeys(range(revocations.REVOCATIONS_LIMIT + 1), "1"))
        else:
            client.delete(NAME)
            _ = client.set(NAME, "x") if value == "text" else client.lpush(NAME, "x")
        await hosts[1].exchange()
        assert client.hlen(NAME) == 1
    assert hosts[1].lets_in() == ["bob"]
    assert hosts[1].node.failures == {}


async def test_it_is_kept_while_a_file_has_the_key(redis: RedisServer, hosts: list[Host]) -> None:
    """A revocation that no node has told for a week is dropped; nodes whose files have the key tell it each day."""
    assert command(redis, hosts[0].file, "revoke", "ann", "--everywhere").returncode == 0
    await hosts[1].exchange()
    with redis.client() as client:
        [(name, told)] = client.hgetall(NAME).items()
        for age, expected in ((revocations.RENEWED_AFTER_S - 60, None), (revocations.KEPT_S + 60, int(told))):
            client.hset(NAME, name, int(told) - age)
            await hosts[1].exchange()
            assert int(client.hget(NAME, name) or 0) >= (expected or int(told) - age)
        write_keys(hosts[1].file, {"bob": KEYS["bob"]})
        hosts[1].ring.look()
        client.hset(NAME, name, int(told) - revocations.KEPT_S - 60)
        await hosts[1].exchange()
        assert client.hgetall(NAME) == {}
        assert 0 <= client.ttl(NAME) <= revocations.KEPT_S or not client.exists(NAME)


def test_a_command_that_fails_changes_nothing(redis: RedisServer, tmp_path: Path) -> None:
    """Without a server, with one that is gone, or a wrong password, the file stays, and no secret is shown."""
    file = write_keys(tmp_path / "keys.toml", KEYS)
    wrong = redis.url.replace(PASSWORD, "wrong-pass-word")
    for environment, word in (
        ({"FIGBOX_SHARED_URL_FILE": "", "FIGBOX_SHARED_SECRET_FILE": ""}, "no server is named"),
        ({"FIGBOX_SHARED_URL_FILE": "", "FIGBOX_SHARED_URL": f"redis://127.0.0.1:{free_port()}"}, "can't be told"),
        ({"FIGBOX_SHARED_URL_FILE": "", "FIGBOX_SHARED_URL": wrong}, "can't be told"),
        ({"FIGBOX_SHARED_URL_FILE": "", "FIGBOX_SHARED_URL": "http://pass-word"}, "FIGBOX_SHARED_URL"),
    ):
        done = command(redis, file, "revoke", "ann", "--everywhere", **environment)
        assert done.returncode == 1
        assert word in done.stderr
        assert "pass-word" not in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert "ann" in file.read_text()


async def test_documented_commands(redis: RedisServer, hosts: list[Host], tmp_path: Path) -> None:
    """What docs/keys.md tells makes a secret that is accepted, and revokes a key on the node with another copy."""
    making, revoking = (
        documented("head -c 24 /dev/urandom | base64 >"),
        documented(".venv/bin/python -m gateway.keys revoke"),
    )
    await asyncio.to_thread(subprocess.run, ["bash", "-c", making], cwd=tmp_path, check=True)
    write_keys(hosts[0].file, {"reports-team": KEYS["ann"], "bob": KEYS["bob"]})
    settings = {
        "FIGBOX_API_KEYS_FILE": str(hosts[0].file),
        "FIGBOX_SHARED_URL": redis.url,
        "FIGBOX_SHARED_SECRET_FILE": str(tmp_path / "figbox-shared-secret"),
    }
    line = ["bash", "-c", f"cd {ROOT} && {revoking}"]
    await asyncio.to_thread(subprocess.run, line, env={**os.environ, **settings}, check=True)
    assert "reports-team" not in hosts[0].file.read_text()
    secret = (tmp_path / "figbox-shared-secret").read_text().strip()
    server = SharedServer(redis.url, secret, "test")
    revoked = RevocationList(server)
    assert await revoked.exchange([]) == {revoked.id_of(digest_of(KEYS["ann"].encode()))}
    await server.aclose()
