"""Keys: which are accepted, how they are compared, and what is never shown."""

from __future__ import annotations

import contextlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys import keyring as auth
from gateway.keys.keyring import Holder, Key, KeyPolicy, Keyring, digest_of
from gateway.model.errors import Unauthorized
from gateway.model.jobs import Limits
from tests.fakes import KEY

POLICY = KeyPolicy(requests_per_minute=7)


def _key(text: str, policy: KeyPolicy = KeyPolicy()) -> Key:  # noqa: B008 - frozen
    return Key(digest_of(text.encode()), policy)


RING = Keyring({"one": _key(KEY), "two": _key("schlüssel", POLICY), "three": _key("third")})


@pytest.mark.parametrize(
    ("key", "holder"),
    [(KEY, Holder("one")), ("schlüssel", Holder("two", POLICY)), ("third", Holder("three"))],
)
def test_right_key_tells_its_holder(key: str, holder: Holder) -> None:
    """Each of several keys gives its holder's name and its limits."""
    assert holder == RING.authenticate([key])


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="none"),
        pytest.param([""], id="empty"),
        pytest.param([KEY, KEY], id="twice the right one"),
        pytest.param([KEY, "wrong"], id="right and wrong"),
        pytest.param(["wrong", KEY], id="wrong and right"),
        pytest.param([f"{KEY},{KEY}"], id="joined"),
        pytest.param([KEY[:-1]], id="cut"),
        pytest.param([KEY + "x"], id="longer"),
        pytest.param([KEY.upper()], id="other case"),
        pytest.param([f" {KEY}"], id="space"),
        pytest.param(["ключ"], id="not ASCII"),
        pytest.param(["\udcff\udc80"], id="surrogate escapes"),
        pytest.param([digest_of(KEY.encode()).hex()], id="its digest"),
        pytest.param(["x" * 8000], id="long"),
    ],
)
def test_anything_else_is_unauthorized(values: list[str]) -> None:
    """No key, several, or one that isn't ours: always the same exception with the same text."""
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        RING.authenticate(values)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=30), max_size=3))
def test_no_header_breaks_it(raw: list[bytes]) -> None:
    """Whatever bytes headers carry, decoded as aiohttp does it, the result is a holder or Unauthorized."""
    values = [value.decode("utf-8", "surrogateescape") for value in raw]
    with pytest.raises(Unauthorized):
        RING.authenticate(values)


def test_bytes_that_are_no_utf8_are_a_key_like_any_other() -> None:
    """Keys are compared as the bytes that came, not as decoded text."""
    ring = Keyring({"raw": Key(digest_of(b"\xff\x80"))})
    assert ring.authenticate([b"\xff\x80".decode("utf-8", "surrogateescape")]).name == "raw"


def test_empty_key_never_fits() -> None:
    """Even if the digest of nothing were stored, a missing key isn't one."""
    ring = Keyring({"nobody": _key("")})
    for values in ([], [""], ["", ""]):
        with pytest.raises(Unauthorized):
            ring.authenticate(values)


@pytest.mark.parametrize("given_key", [KEY, "third", "wrong"])
def test_a_key_is_found_without_a_look_at_the_others(monkeypatch: pytest.MonkeyPatch, given_key: str) -> None:
    """However many keys there are, at most the one that was found is compared, in constant time."""
    compared: list[bytes] = []

    def counted(ours: bytes, known: bytes) -> bool:
        compared.append(known)
        return hmac.compare_digest(ours, known)

    ring = Keyring({**{f"k{number}": _key(f"other {number}") for number in range(1000)}, "a": _key("third")})
    monkeypatch.setattr(auth, "hmac", type("counting", (), {"compare_digest": staticmethod(counted)}))
    with contextlib.suppress(Unauthorized):
        assert ring.authenticate([given_key]).name == "a"
    assert compared == ([digest_of(b"third")] if given_key == "third" else [])


def test_nobody_knows_what_keys_are_looked_up_by() -> None:
    """Two rings of the same keys look them up by different values, none of which is a digest that a client can make."""
    rings = [Keyring({"one": _key(KEY)}) for _ in range(2)]
    looked_up = [set(ring._names) for ring in rings]
    assert looked_up[0].isdisjoint(looked_up[1])
    assert digest_of(KEY.encode()) not in looked_up[0] | looked_up[1]


def test_reprs_show_no_key() -> None:
    """Neither a key's digest nor a ring's content is in a repr, which may end up in a log."""
    for thing in (_key(KEY), RING, RING.authenticate([KEY])):
        assert digest_of(KEY.encode()).hex() not in repr(thing)
        assert str(digest_of(KEY.encode())) not in repr(thing)
        assert KEY not in repr(thing)


@pytest.mark.parametrize(("capped", "left"), [(None, 6), (7, 6), (5, 5)])
def test_limits_of_a_key_only_lower(capped: int | None, left: int) -> None:
    """A key's limits lower time and memory, never raise them, and change nothing else."""
    policy = KeyPolicy(wall_limit_s=capped, memory_limit_bytes=capped)
    limits = Limits(wall_limit_s=6, memory_limit_bytes=6)
    assert policy.lowered(limits) == replace(limits, wall_limit_s=left, memory_limit_bytes=left)
