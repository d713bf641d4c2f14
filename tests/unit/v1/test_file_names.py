"""Names of data files: plain ones only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.v1.request.file_names import NAME_LIMIT, displayed, find_name_error

GOOD = ["data.csv", "a", "Umsätze 2026.xlsx", "数据.csv", "x" * 128, "a..b", "com10.txt", "-rf", "console"]

BAD = {
    "length": ["", "x" * 129, "数" * 90],
    "paths": [".", "..", "a/b", "/etc/passwd", "a\\b", "C:\\x"],
    "hidden": [".hidden"],
    "control characters": ["a\0b", "a\nb", "a\x7f", "a\x1b[0m"],
    "the code itself": ["plot.py", "PLOT.PY"],
    "devices": ["nul", "NUL.csv", "com1", "Lpt9.txt", "aux.", "a."],
    "space around": [" a", "a "],
    "looks like another name": ["e\u0301.csv", "a\u202eb", "a\u200bb", "\ufeffa", "a\u2028b"],
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
