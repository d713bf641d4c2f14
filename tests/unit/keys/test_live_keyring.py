"""Keys change while the gateway runs: new and revoked ones at once, and not at all when the file is broken."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from gateway.keys import live_keyring
from gateway.keys.keyring import DEFAULT_NAME, Keyring, digest_of
from gateway.keys.keys_file import parse_keys, table_head
from gateway.keys.live_keyring import RELOAD_LIMIT_S, LiveKeyring, load_keyring
from gateway.model.errors import StartError, Unauthorized
from tests.fakes import KEY, until

if TYPE_CHECKING:
    import io
    from collections.abc import Callable
    from pathlib import Path

    from gateway.keys.keyring import Key
    from gateway.settings import Settings

    MakeSettings = Callable[..., Settings]


def _text(**keys: str) -> str:
    return "[keys]\n" + "".join(
        f'{table_head(name)}\nsha256 = "{digest_of(key.encode()).hex()}"\n' for name, key in keys.items()
    )


def _holder(ring: LiveKeyring, key: str) -> str | None:
    try:
        return ring.authenticate([key]).name
    except Unauthorized:
        return None


def _put(file: Path, text: str) -> None:
    """Replace a file as the command does."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a keys file with two keys."""
    file = tmp_path / "keys.toml"
    file.write_text(_text(one="a", two="b"))
    return file


@pytest.fixture
def ring(file: Path) -> LiveKeyring:
    """Return the keys of that file, live."""
    return LiveKeyring(None, file)


def _errors(log: io.StringIO) -> list[dict[str, Any]]:
    return [line for text in log.getvalue().splitlines() if (line := json.loads(text))["level"] == "ERROR"]


def test_file_adds_to_the_key(make_settings: MakeSettings, file: Path) -> None:
    """`API_KEY` and the file can be used together."""
    ring = load_keyring(make_settings(api_keys_file=file))
    assert len(ring) == 3
    assert [_holder(ring, key) for key in (KEY, "a", "b", "c")] == [DEFAULT_NAME, "one", "two", None]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[keys]\n", "no API key is configured"),
        ("", "keys: Field required"),
        ("[keys.x]\nsha256 = 'the-secret'\n", r"keys\.x\.sha256"),
        (None, "can't be read: No such file"),
    ],
)
def test_start_needs_a_good_file(tmp_path: Path, text: str | None, fault: str) -> None:
    """Without a good file, or without any key, the service doesn't start, and one sentence says why."""
    file = tmp_path / "keys.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(StartError, match=fault) as caught:
        LiveKeyring(None, file)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", [_text(default="x"), _text(other=KEY)], ids=["its name", "its key"])
def test_file_does_not_speak_of_the_environments_key(make_settings: MakeSettings, file: Path, text: str) -> None:
    """The name of `API_KEY`'s key, and that key itself, can't be in the file too: whose limits would hold?"""
    file.write_text(text)
    with pytest.raises(StartError, match="API_KEY"):
        load_keyring(make_settings(api_keys_file=file))


def test_new_keys_are_let_in_and_revoked_ones_kept_out(ring: LiveKeyring, file: Path) -> None:
    """The next check of the file takes it over as a whole, and notifies the listeners."""
    seen: list[frozenset[str]] = []
    ring.changed = lambda new: seen.append(new.names)
    _put(file, _text(two="b", three="c"))
    ring.look()
    assert [_holder(ring, key) for key in "abc"] == [None, "two", "three"]
    assert seen == [frozenset({"two", "three"})]
    ring.look()
    assert len(seen) == 1


def test_file_written_in_place_is_noticed_within_the_grain_of_the_clock(
    ring: LiveKeyring, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that leaves the time stamp as it is isn't missed: a recent file is read again until it is older."""
    monkeypatch.setattr(live_keyring, "_stamp_of", lambda _: (0,))
    for key in "cdef":
        file.write_text(_text(one=key, two="b"))
        ring.look()
        assert _holder(ring, key) == "one"
    os.utime(file, (1, 1))
    ring.look()
    file.write_text(_text(one="g", two="b"))
    ring.look()
    assert _holder(ring, "f") == "one"


@pytest.mark.parametrize(
    "breakage",
    ["", "# nothing\n", "[keys.one]\nsha256 =", _text(one="a") + "[keys.two]\nsha256 = 'the-secret'\n", None],
)
def test_broken_file_keeps_the_old_keys_and_says_so(
    ring: LiveKeyring, file: Path, log: io.StringIO, breakage: str | None
) -> None:
    """A file that is cut, wrong or gone changes no key, and the log has one error that quotes nothing."""
    _put(file, _text(one="a", two="b"))
    ring.look()
    if breakage is None:
        file.unlink()
    else:
        file.write_text(breakage)
    for _ in range(3):
        ring.look()
    assert not ring.is_good
    assert [_holder(ring, key) for key in "abc"] == ["one", "two", None]
    (line,) = _errors(log)
    assert line["event"] == "keys file is broken, the earlier keys stay valid"
    assert (line["keys"], "secret" in log.getvalue()) == (2, False)
    _put(file, _text(one="a"))
    ring.look()
    assert ring.is_good
    assert [_holder(ring, key) for key in "ab"] == ["one", None]


def test_file_that_comes_back_unchanged_is_good_again(
    ring: LiveKeyring, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file moved away and back is accepted without any other change."""
    monkeypatch.setattr(live_keyring, "_stamp_of", lambda _: (0,))
    os.utime(file, (1, 1))
    ring.look()
    file.rename(file.with_suffix(".away"))
    ring.look()
    assert not ring.is_good
    file.with_suffix(".away").rename(file)
    ring.look()
    assert ring.is_good


def test_broken_file_is_complained_of_again(
    ring: LiveKeyring, file: Path, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the file is broken, the log says so once a minute."""
    file.write_text("x")
    os.utime(file, (1, 1))
    clock = [1000.0]
    monkeypatch.setattr(live_keyring.time, "monotonic", lambda: clock[0])
    for _ in range(5):
        for _ in range(3):
            ring.look()
        clock[0] += 60
    assert len(_errors(log)) == 5


def test_last_key_can_be_revoked(ring: LiveKeyring, file: Path, log: io.StringIO) -> None:
    """A file with an empty table of keys is accepted while the gateway runs, with a warning."""
    _put(file, "[keys]\n")
    ring.look()
    assert (_holder(ring, "a"), len(ring), ring.is_good) == (None, 0, True)
    assert "no key is left" in log.getvalue()


async def test_watch_takes_over_a_change_by_itself(ring: LiveKeyring, file: Path) -> None:
    """The file is checked often enough for the documented time, without a signal."""
    assert live_keyring.LOOK_PERIOD_S < RELOAD_LIMIT_S
    watch = asyncio.create_task(ring.watch())
    _put(file, _text(two="b"))
    await until(lambda: _holder(ring, "a") is None)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)


async def test_event_loop_reads_no_file(ring: LiveKeyring, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change is read in another thread, and what follows from it happens in the event loop's."""
    reading: list[int] = []
    changing: list[int] = []

    def parse(data: bytes) -> dict[str, Key]:
        reading.append(threading.get_ident())
        return parse_keys(data)

    monkeypatch.setattr(live_keyring, "parse_keys", parse)
    ring.changed = lambda _: changing.append(threading.get_ident())
    watch = asyncio.create_task(ring.watch())
    _put(file, _text(two="b"))
    await until(lambda: changing)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    assert set(changing) == {threading.get_ident()}
    assert threading.get_ident() not in reading


async def test_watch_looks_at_once_when_told(ring: LiveKeyring, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends the signal doesn't wait for the next regular look."""
    monkeypatch.setattr(live_keyring, "LOOK_PERIOD_S", 3600)
    watch = asyncio.create_task(ring.watch())
    for key in "xy":
        _put(file, _text(two=key))
        ring.look_soon()
        await until(lambda key=key: _holder(ring, key) == "two")
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)


async def test_without_a_file_there_is_nothing_to_watch(make_settings: MakeSettings) -> None:
    """With `API_KEY` alone the watch ends at once, and a check does nothing."""
    ring = load_keyring(make_settings())
    ring.look()
    await ring.watch()
    assert (len(ring), ring.is_good) == (1, True)


def test_repr_and_log_show_no_key(make_settings: MakeSettings, file: Path, log: io.StringIO) -> None:
    """Neither the live ring nor what it logs shows a key."""
    ring = load_keyring(make_settings(api_keys_file=file))
    _put(file, _text(other="another-secret"))
    ring.look()
    for text in (repr(ring), repr(Keyring({})), log.getvalue(), repr(vars(ring)["_own"])):
        assert KEY not in text
        assert digest_of(KEY.encode()).hex() not in text
        assert "secret" not in text
    assert "keys reloaded" in log.getvalue()
