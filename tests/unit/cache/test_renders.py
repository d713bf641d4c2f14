"""The cache: what it keeps, within its limit and over restarts, and which failures it survives."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.policy import CacheDirectives, cache_directives, entry_key
from gateway.cache.renders import RenderCache, pack, unpack
from gateway.cache.store import ENTRY_COST, CacheStore
from gateway.model.codec import MalformedDocument
from gateway.model.errors import StartError
from gateway.model.jobs import Describe, Format, Job, KiB, Limits, MiB, NamedFile, SaveOptions
from gateway.model.results import Outcome, Result
from tests.http.v1 import FACTS, figures_result, rich_result

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 1 * MiB


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the database, in a folder that doesn't exist yet."""
    return tmp_path / "state" / "renders.sqlite3"


@contextmanager
def opened(path: Path, limit_bytes: int = LIMIT) -> Iterator[CacheStore]:
    """Open a store for a while."""
    store = CacheStore(path, limit_bytes)
    yield store
    store.close()


@pytest.fixture
def store(path: Path) -> Iterator[CacheStore]:
    """Return an open store of 1 MiB."""
    with opened(path) as store:
        yield store


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """Connect to the file as another process would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_what_is_kept_comes_back(store: CacheStore, path: Path) -> None:
    """A value comes back under its key, also from another process's view and after a restart."""
    assert store.get(b"a") is None
    assert store.put(b"a", b"1" * 1000)
    assert store.get(b"a") == b"1" * 1000
    assert store.put(b"a", b"2")
    with opened(path) as other:
        assert other.get(b"a") == b"2"
    store.close()
    assert store.get(b"a") == b"2"


def test_only_we_may_read_it(store: CacheStore, path: Path) -> None:
    """Only our user can read the files, since pictures are private."""
    store.put(b"a", b"1")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_oldest_used_goes_first(store: CacheStore) -> None:
    """The least recently used entry makes room; reading an entry counts as use."""
    value = bytes(100 * KiB)
    for number in range(9):
        assert store.put(b"%d" % number, value)
    assert store.get(b"0") == value
    for number in range(9, 14):
        assert store.put(b"%d" % number, value)
    kept = [number for number in range(14) if store.get(b"%d" % number) is not None]
    assert kept == [0, *range(15 - len(kept), 14)]
    assert len(kept) * (len(value) + ENTRY_COST) <= LIMIT


def test_bound_holds_on_disk(store: CacheStore, path: Path) -> None:
    """However much is put in, the files stay near the bound."""
    for number in range(300):
        store.put(b"%d" % number, os.urandom(1 + number * 400 % (200 * KiB)))
    total = sum(file.stat().st_size for file in path.parent.iterdir())
    assert total < LIMIT * 1.25 + 6 * MiB  # the write-ahead log has its own bound


def test_large_values_are_not_kept(store: CacheStore) -> None:
    """One value can't push everything else out."""
    assert (store.put(b"a", b"1"), store.put(b"b", bytes(LIMIT // 2))) == (True, False)
    assert (store.get(b"a"), store.get(b"b")) == (b"1", None)


def test_smaller_limit_holds_at_once(store: CacheStore, path: Path) -> None:
    """A store that is opened with a smaller limit shrinks."""
    for number in range(9):
        store.put(b"%d" % number, os.urandom(100 * KiB))
    store.close()
    with opened(path, 300 * KiB) as smaller:
        assert sum(smaller.get(b"%d" % number) is not None for number in range(9)) == 2
    assert path.stat().st_size < 400 * KiB


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b"", b"SQLite format 3\0" + b"\xff" * 5000])
def test_broken_file_is_made_anew(path: Path, damage: bytes, log: io.StringIO) -> None:
    """A file that isn't a database is replaced, with a line in the log; an empty one is just filled."""
    path.parent.mkdir()
    path.write_bytes(damage)
    with opened(path) as store:
        assert (store.put(b"a", b"1"), store.get(b"a")) == (True, b"1")
    assert ("cache is broken and made anew" in log.getvalue()) == bool(damage)


def test_file_of_another_version_is_made_anew(store: CacheStore, path: Path) -> None:
    """Tables of an unknown version are not read."""
    store.put(b"a", b"1")
    store.close()
    with database(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with opened(path) as newer:
        assert (newer.get(b"a"), newer.put(b"a", b"2")) == (None, True)


def test_file_that_breaks_meanwhile(store: CacheStore, path: Path, log: io.StringIO) -> None:
    """A database that is overwritten while it is open is replaced; no wrong bytes are returned."""
    for number in range(20):
        store.put(b"%d" % number, os.urandom(20 * KiB))
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(200 * KiB))
    for number in range(20):
        store.get(b"%d" % number)
        store.put(b"new", b"1")
    assert store.get(b"new") == b"1"
    assert "cache" in log.getvalue()


def test_damaged_value_is_removed(store: CacheStore, path: Path, log: io.StringIO) -> None:
    """A value that differs from what was put in is not returned."""
    store.put(b"a", b"good")
    with database(path) as connection:
        connection.execute("UPDATE entries SET value = ?", (b"evil",))
    assert store.get(b"a") is None
    assert store.put(b"a", b"good")
    assert "cache entry is broken and removed" in log.getvalue()


def test_locked_file_is_done_without(store: CacheStore, path: Path, log: io.StringIO) -> None:
    """While another process holds the file, nothing is kept and nothing fails."""
    with database(path) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert not store.put(b"a", b"1")
    assert store.put(b"a", b"1")
    assert "cache can't be used" in log.getvalue()


def test_place_that_cant_be_written_stops_the_start(tmp_path: Path) -> None:
    """A folder that is a file is reported at the start, by the setting's name."""
    (tmp_path / "file").write_text("x")
    for unusable in (tmp_path / "file" / "renders", tmp_path):
        with pytest.raises(StartError, match="FIGBOX_CACHE_FILE"):
            CacheStore(unusable, LIMIT)


# Results


def test_results_come_back_whole(path: Path) -> None:
    """Every field of a result survives being kept."""
    assert unpack(pack(rich_result())) == rich_result()
    with pytest.raises(MalformedDocument):
        unpack(pack(rich_result())[:-1])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_result_or_none(value: bytes) -> None:
    """Bytes that aren't a result are detected."""
    with pytest.raises(MalformedDocument):
        unpack(value)


async def test_only_good_results_are_kept(path: Path) -> None:
    """Failures are not kept, since they may be temporary."""
    renders = RenderCache(path, LIMIT)
    await renders.put(b"a", Result(Outcome.TIME_LIMIT))
    await renders.put(b"b", figures_result(Format.PNG))
    assert (await renders.get(b"a"), await renders.get(b"b")) == (None, figures_result(Format.PNG))
    await renders.aclose()


# Keys

JOB = Job("x", collect=True)


SAVED_OTHERWISE: dict[str, Any] = {
    "formats": (Format.SVG,),
    "all_figures": True,
    **dict.fromkeys(("dpi", "width_in", "height_in"), 1.0),
    "bbox_inches": "tight",
    "transparent": True,
    "style": ("fast",),
    "rc": {"axes.grid": True},
    "describe": Describe.FULL,
    "embed_alt_text": True,
}
OTHERS: list[dict[str, Any]] = [
    {"holder": "another"},
    *({"facts": replace(FACTS, **{name: "other"})} for name in ("image_id", "runtime")),
    {"facts": replace(FACTS, limits=Limits(cpus=2))},
    {"job": replace(JOB, wall_limit_s=1)},
    {"job": replace(JOB, memory_limit_bytes=64 * MiB)},
    {"job": replace(JOB, code="y")},
    {"job": replace(JOB, seed=0)},
    {"job": replace(JOB, collect=False)},
    {"job": replace(JOB, files=(NamedFile("a", b"1"),))},
    *({"job": replace(JOB, options=SaveOptions(**{name: value}))} for name, value in SAVED_OTHERWISE.items()),
]


@pytest.mark.parametrize("other", OTHERS)
def test_whatever_can_change_a_picture_changes_the_key(other: dict[str, Any]) -> None:
    """No two requests that may differ share an entry."""
    assert set(SAVED_OTHERWISE) == {field.name for field in fields(SaveOptions)}
    same: dict[str, Any] = {"holder": "a", "job": JOB, "facts": FACTS}
    assert entry_key(**same) == entry_key(**{**same, "job": replace(JOB)})
    assert entry_key(**same) != entry_key(**{**same, **other})


def test_order_of_files_and_parameters_is_ignored() -> None:
    """The same files and parameters in another order are the same request."""
    one, two = NamedFile("a", b"1"), NamedFile("b", b"2")
    first = Job("x", SaveOptions(rc={"a": 1, "b": 2}), files=(one, two))
    second = Job("x", SaveOptions(rc={"b": 2, "a": 1}), files=(two, one))
    assert entry_key("a", first, FACTS) == entry_key("a", second, FACTS)


@pytest.mark.parametrize(
    ("headers", "allowed", "expected"),
    [
        ([], True, (True, True)),
        (["max-stale"], True, (True, True)),
        (["no-cache"], True, (False, True)),
        (["x, No-Cache"], True, (False, True)),
        (["max-age=0"], True, (False, True)),
        (["no-store"], True, (False, False)),
        (["x", "no-cache, no-store"], True, (False, False)),
        ([], False, (False, False)),
    ],
)
def test_cache_directives(headers: list[str], allowed: bool, expected: tuple[bool, bool]) -> None:  # noqa: FBT001 - a table
    """A client can refuse kept renders, and refuse that its own are kept."""
    assert cache_directives(headers, allowed=allowed) == CacheDirectives(*expected)
