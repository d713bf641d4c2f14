"""Names of data files: plain ones only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.v1.request.file_names import NAME_LIMIT, as_written, displayed, find_name_error

GOOD = [
    "data.csv",
    "a",
    "Umsätze 2026.xlsx",
    "数据.csv",
    "x" * 128,
    "e\u0301.csv",
    "a..b",
    "com10.txt",
    "-rf",
    "console",
]

BAD = {
    "length": ["", "x" * 129, "数" * 90],
    "paths": [".", "..", "a/b", "/etc/passwd", "a\\b", "C:\\x"],
    "hidden": [".hidden"],
    "control characters": ["a\0b", "a\nb", "a\x7f", "a\x1b[0m"],
    "the code itself": ["plot.py", "PLOT.PY"],
    "devices": ["nul", "NUL.csv", "com1", "Lpt9.txt", "aux.", "a."],
    "space around": [" a", "a "],
    "looks like another name": ["a\u202eb", "a\u200bb", "\ufeffa", "a\u2028b"],
    "lone surrogates": ["\ud800", "a\udc80"],
}


def test_good_names() -> None:
    """Ordinary names in any script are accepted."""
    assert [name for name in GOOD if find_name_error(name) is not None] == []


@pytest.mark.parametrize("kind", BAD)
def test_bad_names(kind: str) -> None:
    """Paths, hidden files, devices, and names that look like others, are refused."""
    assert [name for name in BAD[kind] if find_name_error(name) is None] == []


@given(st.text())
def test_accepted_names_are_harmless(name: str) -> None:
    """Every accepted name is one printable part of a path, and not the code's."""
    if find_name_error(name) is None:
        assert 1 <= len(name) <= NAME_LIMIT
        assert name.isprintable()
        assert not set(name) & set("/\\\0")
        assert not name.startswith(".")
        assert name != "plot.py"
        name.encode()


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
