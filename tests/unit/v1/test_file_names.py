"""Names of data files: plain ones only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.v1.request.file_names import NAME_LIMIT, displayed, find_name_error


@pytest.mark.parametrize(
    "name", ["data.csv", "a", "Umsätze 2026.xlsx", "数据.csv", "x" * 128, "a..b", "com10.txt", "-rf", "console"]
)
def test_good_names(name: str) -> None:
    """Ordinary names in any script are taken."""
    assert find_name_error(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 129,
        "数" * 90,
        ".",
        "..",
        ".hidden",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "C:\\x",
        "a\0b",
        "a\nb",
        "a\x7f",
        "a\x1b[0m",
        "plot.py",
        "PLOT.PY",
        "nul",
        "NUL.csv",
        "com1",
        "Lpt9.txt",
        "aux.",
        "a.",
        " a",
        "a ",
        "e\u0301.csv",
        "a\u202eb",
        "a\u200bb",
        "\ufeffa",
        "a\u2028b",
        "\ud800",
        "a\udc80",
    ],
)
def test_bad_names(name: str) -> None:
    """Paths, hidden files, devices, and what shows otherwise than it is, are refused."""
    assert find_name_error(name) is not None


@given(st.text())
def test_taken_names_are_harmless(name: str) -> None:
    """Whatever is taken is one printable part of a path, and not the code's."""
    if find_name_error(name) is None:
        assert 1 <= len(name) <= NAME_LIMIT
        assert name.isprintable()
        assert not set(name) & set("/\\\0")
        assert not name.startswith(".")
        assert name != "plot.py"
        name.encode()


@given(st.text())
def test_shown_names_are_short_and_printable(name: str) -> None:
    """A stranger's name in a message is neither long nor able to do anything."""
    assert len(displayed(name)) <= 65
    assert displayed(name).isprintable()
