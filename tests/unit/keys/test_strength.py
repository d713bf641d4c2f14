"""Keys that anybody would guess are told from random ones, and neither kind for the other."""

from __future__ import annotations

import base64
import random
import secrets
import string
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.keys.keyring import digest_of
from gateway.keys.live_keyring import LiveKeyring
from gateway.keys.strength import REMEDY, is_guessed, weakness
from gateway.lifecycle import check_keys
from gateway.model.errors import StartError
from tests.fakes import KEY
from tests.support.keys_file import write_keys

if TYPE_CHECKING:
    import io

DOCS = Path(__file__).resolve().parents[3] / "docs"

#: What a command or a library gives who asks for a key, each with the seed of a generator.
GENERATORS = {
    "base64 of 24 bytes": lambda draw: base64.b64encode(draw.randbytes(24)).decode(),
    "base64 of 32 bytes": lambda draw: base64.b64encode(draw.randbytes(32)).decode(),
    "URL-safe": lambda draw: base64.urlsafe_b64encode(draw.randbytes(32)).decode().rstrip("="),
    "hex of 32 bytes": lambda draw: draw.randbytes(32).hex(),
    "hex of 16 bytes": lambda draw: draw.randbytes(16).hex(),
    "UPPER HEX": lambda draw: draw.randbytes(16).hex().upper(),
    "UUID": lambda draw: str(uuid.UUID(bytes=draw.randbytes(16), version=4)),
    "16 letters and digits": lambda draw: "".join(draw.choices(string.ascii_letters + string.digits, k=16)),
    "28 digits": lambda draw: "".join(draw.choices(string.digits, k=28)),
    "with a prefix": lambda draw: "figbox_" + base64.urlsafe_b64encode(draw.randbytes(24)).decode(),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_random_keys_are_good(name: str) -> None:
    """No random key is refused, whatever made it."""
    draw = random.Random(name)  # noqa: S311 - the same in each run
    for _ in range(2000):
        key = GENERATORS[name](draw)
        assert weakness(key) is None, key


def test_keys_of_the_commands_are_good() -> None:
    """What the set-up puts into `.env` is good, and what `python -m gateway.keys` makes."""
    assert weakness(secrets.token_urlsafe(32)) is None


@pytest.mark.parametrize(
    "key",
    [
        "x", "0", "secret", "change-me", "CHANGE_ME", "changeme123", "your-api-key-here", "<your key>", "my_secret_key",
        "insert your token here", "REPLACE-ME-PLEASE", "admin:admin", "P@ssw0rd", "letmein!", "test-key-for-dev-only",
        "super-secret-api-key-change-this-in-production",
    ],
)  # fmt: skip
def test_placeholders_are_weak(key: str) -> None:
    """What documents write where a key is meant, and what people take for one."""
    assert weakness(key) is not None


@pytest.mark.parametrize(
    "key", ["$API_KEY", "${API_KEY}", "{{ api_key }}", "<generate-a-random-key>", "%KEY%", "$(cat key)"]
)
def test_templates_that_nothing_filled_in_are_weak(key: str) -> None:
    """A variable that wasn't replaced."""
    assert weakness(key) == "it is a placeholder that nothing was put into"


@pytest.mark.parametrize(
    "key",
    [
        "/run/secrets/key", "/run/secrets/figbox_api_key", "/etc/figbox/keys/production-cluster.key", "./key.txt",
        "~/keys/figbox-gateway-production", "../secrets/a-long-name-of-a-file.pem", "/Users/Ann/figbox/key.txt",
        "C:\\Users\\ann\\keys\\figbox-production.txt", "file:///run/secrets/a-long-name-of-a-file",
        "vault://secret/figbox/production/api-key", "https://example.org/where/the/key/is/kept",
    ],
)  # fmt: skip
def test_paths_are_weak(key: str) -> None:
    """A path in place of what the file contains."""
    assert weakness(key) == "it is a path or an address, where what is found there was meant"


@pytest.mark.parametrize(
    "key",
    [
        "1234567890123456789012345678901234567890", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abcdefghijklmnopqrstuvwxyz",
        "0123456789abcdef0123456789abcdef", "qwertyqwertyqwertyqwerty", "fedcba9876543210fedcba9876543210",
        "deadbeefdeadbeefdeadbeefdeadbeef", "00000000-0000-0000-0000-000000000000", "9f3a", "kX9#mP2$", "20261128",
        "83910274650192", "abababababababababababababababababab",
    ],
)  # fmt: skip
def test_short_and_regular_keys_are_weak(key: str) -> None:
    """Too few characters for their kind, and sequences of any length."""
    assert weakness(key) is not None


def test_reasons_never_hold_the_key() -> None:
    """The reason goes to a log."""
    for key in ("kX9#mP2$", "${hunter2}", "/srv/hunter2/key", "hunter2-password"):
        assert "hunter2" not in (weakness(key) or "")
        assert key not in (weakness(key) or "")


@pytest.mark.parametrize("key", ["", "x", "change-me", "password", "PASSWORD", "Secret", "test\n"])
def test_digests_of_common_keys_are_known(key: str) -> None:
    """In a keys file only those can be recognized."""
    assert is_guessed(digest_of(key.encode()))


def test_digests_of_other_keys_are_not() -> None:
    """A digest says nothing of a key that isn't in the list."""
    assert not is_guessed(digest_of(secrets.token_bytes(24)))


@pytest.mark.parametrize("page", ["keys.md", "deployment.md"])
def test_the_remedy_makes_a_good_key(page: str) -> None:
    """The command that refusals and documents name makes a key that is not refused."""
    command = REMEDY.partition(": ")[2]
    made = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=30).stdout
    name, _, key = made.strip().partition("=")
    assert (name, weakness(key)) == ("API_KEY", None)
    assert f"\n{command} >> .env\n" in (DOCS / page).read_text()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7", "fe80::1%eth0"])
def test_weak_keys_stop_the_start_where_others_can_connect(address: str) -> None:
    """The sentence names the key's kind of weakness and what to do, and quotes nothing."""
    with pytest.raises(StartError, match=r"guess the key 'default'.*too short.*/dev/urandom") as caught:
        check_keys(LiveKeyring("hunter2", None), address)
    assert "hunter2" not in str(caught.value)
    check_keys(LiveKeyring(KEY, None), address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_weak_keys_are_warned_of_on_loopback(address: str, log: io.StringIO) -> None:
    """Only this host's programs can connect there."""
    check_keys(LiveKeyring("hunter2", None), address)
    assert '"weak key"' in log.getvalue()
    assert "hunter2" not in log.getvalue()


def test_weak_keys_of_a_file_are_found(tmp_path: Path, log: io.StringIO) -> None:
    """By their digests, at the start and when the file changes."""
    file = tmp_path / "keys.toml"
    write_keys(file, {"ann": secrets.token_hex(), "bob": "change-me"})
    ring = LiveKeyring(None, file)
    assert list(ring.weak_keys) == ["bob"]
    with pytest.raises(StartError, match=r"guess the key 'bob'"):
        check_keys(ring, "192.0.2.7")
    write_keys(file, {"ann": "password"})
    ring.look()
    assert list(ring.weak_keys) == ["ann"]
    assert '"key": "ann"' in log.getvalue()
