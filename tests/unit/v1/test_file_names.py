"""Names of data files: plain ones only."""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.launcher.remote.messages import is_file_path
from gateway.model.file_paths import find_clash
from gateway.model.results import printable
from gateway.v1.request.file_names import NAME_LIMIT, NAME_PATTERN, as_written, displayed, find_name_error
from tests.support.machine import slowed

GOOD = ["data.csv", "a", "Umsätze 2026.xlsx", "数据.csv", "x" * 128, "a..b", "com10.txt", "-rf", "console"]
GOOD += ["data/rain.csv", "a/b/c/d/e/f/g/h", "data/plot.py", "x" * 127 + "/" + "x" * 127, "e\u0301.csv", "a/e\u0301"]
GOOD += ["売上\u3000表.csv", "می\u200cرود.csv", "Screenshot at 9.41\u202fAM.png"]
GOOD += [f"5{chr(code)}km.csv" for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Zs"]

BAD = {
    "length": ["", "x" * 129, "数" * 90],
    "paths": [".", "..", "/etc/passwd", "a\\b", "C:\\x", "a//b", "a/", "/", "a/./b", "a/../b", "../a", "a/.."],
    "deep": ["a/" * 8 + "b", "a/" * 127 + "b", "x" * 128 + "/" + "x" * 127, "a/" + "x" * 129],
    "hidden": [".hidden", "a/.hidden", ".a/b"],
    "parts": ["a/ b", "a /b", "a/nul", "nul/a", "a\0/b", "a./b", "a\\b/c"],
    "control characters": ["a\0b", "a\nb", "a\x7f", "a\x1b[0m"],
    "the code itself": ["plot.py", "PLOT.PY", "plot.py/a"],
    "devices": ["nul", "NUL.csv", "com1", "Lpt9.txt", "aux.", "a."],
    "space around": [" a", "a ", "\u3000a", "a\u00a0", "\u200ca", "a\u00ad", "\u200d"],
    "looks like another name": ["a\u202eb", "a\u200bb", "\ufeffa", "a\u2028b", "a\u200eb"],
    "lone surrogates": ["\ud800", "a\udc80"],
}


def test_good_names() -> None:
    """Ordinary names in any script are accepted, with folders and with the spaces that writing systems have."""
    assert [name for name in GOOD if find_name_error(name) is not None] == []
    assert [name for name in GOOD if not re.fullmatch(NAME_PATTERN, name)] == []


@pytest.mark.parametrize(
    ("names", "clash"),
    [
        (["a", "b/c", "b/d", "b/e/f"], None),
        (["a", "a-b/c", "ab/c", "A/b"], None),
        (["a/b", "a"], ("a/b", "is below the name of another file")),
        (["a", "a/b/c"], ("a/b/c", "is below the name of another file")),
        (["a/b/c", "x", "a/b"], ("a/b/c", "is below the name of another file")),
        (["é", "e\u0301"], ("e\u0301", "is given twice")),
    ],
)
def test_names_that_cannot_be_side_by_side(names: list[str], clash: tuple[str, str] | None) -> None:
    """No file is below another, and no two are one once their letters are written in the same way."""
    assert find_clash(names) == clash


def test_many_long_names_take_no_time() -> None:
    """The longest and deepest names, more than a request may have, are compared in a moment."""
    names = [f"{'a/' * 100_000}{number}" for number in range(3)] + [f"{number}/a" for number in range(20_000)]
    began = time.process_time()
    assert find_name_error(names[0]) is not None
    assert find_clash(names[3:]) is None
    assert time.process_time() - began < slowed(5)


@pytest.mark.parametrize("kind", BAD)
def test_bad_names(kind: str) -> None:
    """Paths, hidden files, devices, and names that look like others, are refused."""
    assert [name for name in BAD[kind] if find_name_error(name) is None] == []


@given(st.text() | st.lists(st.text("ab.\u3000\u200c", max_size=3), max_size=9).map("/".join))
def test_accepted_names_are_harmless(name: str) -> None:
    """Every accepted name is a path of a few plain names, and not the code's."""
    if find_name_error(name) is None:
        assert 1 <= len(name) <= NAME_LIMIT
        assert name == printable(name)
        assert not set(name) & set("\\\0\n\t")
        assert all(part and not part.startswith(".") and len(part.encode()) <= 255 for part in name.split("/"))
        assert not PurePosixPath(name).is_absolute()
        assert is_file_path(name)
        assert name != "plot.py"


@given(st.text())
def test_displayed_names_are_short_and_printable(name: str) -> None:
    """An untrusted name in a message is neither long nor able to do anything."""
    assert len(displayed(name)) <= 65
    assert displayed(name).isprintable()


COMPOSED, APART = "r\u00e9sum\u00e9.csv", "re\u0301sume\u0301.csv"


@pytest.mark.parametrize(
    ("sent", "code", "expected"),
    [
        (APART, f"open('{COMPOSED}')", COMPOSED),
        (COMPOSED, f"open('{APART}')", APART),
        (APART, f"open('{APART}')", APART),
        (APART, f"open('{COMPOSED}'); open('{APART}')", APART),
        (APART, "open(name)", APART),
        ("\u1112\u1161\u11ab.csv", "open('\ud55c.csv')", "\ud55c.csv"),
        ("plain.csv", "open('plain.csv')", "plain.csv"),
        # In the form that the code has, it would be longer than names may be.
        ("\ud55c" * 60, "\u1112\u1161\u11ab" * 60, "\ud55c" * 60),
    ],
)
def test_names_have_the_form_that_the_code_has(sent: str, code: str, expected: str) -> None:
    """A name that only its form tells from one in the code is that one."""
    assert as_written([sent], code) == {sent: expected}


@given(st.lists(st.sampled_from([COMPOSED, APART, "a.csv", "\u00e9", "e\u0301"]), unique=True), st.text())
def test_no_file_takes_the_place_of_another(names: list[str], text: str) -> None:
    """However names and code are written, every file keeps a name of its own that may be."""
    for code in (text, COMPOSED, APART, COMPOSED + APART, "e\u0301"):
        found = as_written(names, code)
        assert list(found) == names
        assert len(set(found.values())) == len(names)
        assert not any(map(find_name_error, found.values()))
