"""The lock: its text is stable, reviews well, and is read as it was written."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from figbox.check.errors import CheckError
from figbox.check.facts import Figure, Inputs, inputs_of, is_plain
from figbox.check.lock import Lock, lock_text, parse_lock, read_lock

if TYPE_CHECKING:
    from pathlib import Path

BARS = Figure("plots/bars", "plots/bars.py", 1, "a" * 64, 640, 480, Inputs("b" * 64, "", "seed=0"), "sha256:01")

TEXT = f"""\
# The accepted figures. `figbox accept` writes this file: commit it, and don't edit it.
version = 1

[figure."plots/bars"]
source = "plots/bars.py"
of = 1
picture = "{"a" * 64}"
size = "640x480"
code = "{"b" * 64}"
data = ""
options = "seed=0"
image = "sha256:01"
"""

texts = st.text(st.characters(exclude_categories=["Cs"]))
parts = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\\/"), min_size=1)
names = st.lists(parts, min_size=1, max_size=4).map("/".join).filter(is_plain)
hexes = st.text("0123456789abcdef", min_size=64, max_size=64)
figures = st.builds(
    Figure,
    names,
    texts,
    st.integers(1, 100),
    hexes,
    st.integers(1, 10**5),
    st.integers(1, 10**5),
    st.builds(Inputs, hexes, st.just("") | hexes, texts),
    texts,
)


def test_text_of_a_lock() -> None:
    """One fact on a line, with a first line that says what the file is."""
    assert lock_text(Lock({"plots/bars": BARS})) == TEXT
    assert parse_lock(TEXT) == Lock({"plots/bars": BARS})


@given(st.lists(figures))
def test_what_is_written_is_read(given_figures: list[Figure]) -> None:
    """Whatever names and texts there are; and the order in which figures come makes no difference."""
    lock = Lock({figure.name: figure for figure in given_figures})
    assert parse_lock(lock_text(lock)) == lock
    again = Lock(dict(reversed(lock.figures.items())))
    assert lock_text(again) == lock_text(lock)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<<<<<<< HEAD\n" + TEXT, "it has the marks of an unfinished merge"),
        (TEXT.replace("version = 1", "version = 2"), "is of version 2, and this figbox knows version 1"),
        ("", "is of version None"),
        (TEXT.replace("of = 1", 'of = "1"'), "'plots/bars' is damaged"),
        (TEXT.replace("640x480", "640"), "'plots/bars' is damaged"),
        (TEXT.replace("a" * 64, "A" * 64), "'plots/bars' is damaged"),
        (TEXT.replace('image = "sha256:01"\n', ""), "'plots/bars' has no image"),
        (TEXT.replace('"plots/bars"', '"plots//bars"'), "'plots//bars' can't be the name of a figure"),
        ("version = 1\nfigure = 2\n", "`figure` isn't a table"),
        ("version = 1\n[figure]\na = 2\n", "'a' isn't a table"),
    ],
)
def test_damaged_lock_is_told(text: str, said: str) -> None:
    """A lock that isn't one stops the check, with the reason."""
    with pytest.raises(CheckError) as caught:
        parse_lock(text)
    assert said in str(caught.value)


def test_no_lock_is_an_empty_one(tmp_path: Path) -> None:
    """Before the first figure is accepted there is none."""
    assert read_lock(tmp_path / "figbox.lock") == Lock()
    (tmp_path / "figbox.lock").write_bytes(b"\xff")
    with pytest.raises(CheckError, match="can't be read"):
        read_lock(tmp_path / "figbox.lock")


def test_inputs_tell_apart_what_differs() -> None:
    """Code, names and contents of data, and options that shape the picture count; others don't."""
    plain = inputs_of("x", {}, {"seed": 0})
    assert plain == inputs_of("x", {}, {"seed": 0, "cache": False, "describe": "full", "environment": "b", "dpi": None})
    others = [
        inputs_of("y", {}, {"seed": 0}),
        inputs_of("x", {"a": b""}, {"seed": 0}),
        inputs_of("x", {"a": b"bc"}, {"seed": 0}),
        inputs_of("x", {"ab": b"c"}, {"seed": 0}),
        inputs_of("x", {"a": b"b", "c": b""}, {"seed": 0}),
        inputs_of("x", {}, {"seed": 1}),
        inputs_of("x", {}, {"seed": 0, "style": ["a"]}),
        inputs_of("x", {}, {"seed": 0, "fail_on": ["error"]}),
    ]
    assert len({plain, *others}) == len(others) + 1
    assert inputs_of("x", {"a": b"1", "b": b"2"}, {}) == inputs_of("x", {"b": b"2", "a": b"1"}, {})
    assert inputs_of("x", {}, {"seed": 0, "dpi": 50, "style": ["a"]}).options == 'dpi=50, seed=0, style=["a"]'


def test_figures_are_values() -> None:
    """Facts can't change once they are known."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        BARS.name = "other"  # type: ignore[misc]


def test_a_lock_that_is_no_file(tmp_path: Path) -> None:
    """A link to a device, as a repository can have it, isn't read."""
    path = tmp_path / "figbox.lock"
    path.symlink_to("/dev/null")
    with pytest.raises(CheckError, match="it isn't a file"):
        read_lock(path)
