"""Untrusted text is shown without acting."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from figbox.cli.terminal import GUTTER, complaint, github_error, one_line, printable, quoted


@given(st.text())
def test_text_does_not_act_on_a_terminal(text: str) -> None:
    """Line ends and tabs are the only control characters left."""
    acting = {"Cc", "Cs", "Zl", "Zp"}
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for character in printable(text):
        assert character in "\n\t" or unicodedata.category(character) not in acting
        assert unicodedata.bidirectional(character) not in turning
    assert "\n" not in one_line(text)


@given(st.text(st.sampled_from([*":#[", "\n", "\r", " ", "a", "\x85", "\u2028"])))
def test_text_does_not_act_in_a_build_log(text: str) -> None:
    """A line of untrusted text can't be a command of GitHub Actions, in either form."""
    for line in quoted(text).splitlines():
        assert line.startswith(GUTTER)
        assert "##[" not in line


def test_ordinary_text_stays() -> None:
    """Letters of any script, tabs and line ends stay."""
    assert printable("größe\t日本\r\n1") == "größe\t日本\n1"
    spaces = "売上\u3000合計 1\u202f000 10\u00a0% می\u200cرود Donau\u00addampf"
    assert printable(spaces) == spaces
    assert printable("10 %\r20 %\x0cnext") == "10 %\n20 %\nnext"
    assert printable("\x1b[31mred\x07") == "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"
    assert complaint("a\nb\n" + quoted("c")) == f"a\n{GUTTER}b\n{GUTTER}c"
    assert quoted("a\n  b\n") == f"{GUTTER}a\n{GUTTER}  b"


@pytest.mark.parametrize(
    ("path", "line", "message", "command"),
    [
        ("a.py", 3, "ValueError: no", "::error file=a.py,line=3::ValueError: no"),
        ("a,b:c.py", None, "50%\n::x", "::error file=a%2Cb%3Ac.py::50%25%0A::x"),
    ],
)
def test_annotation_for_github(path: str, line: int | None, message: str, command: str) -> None:
    """An error is shown in a file, and its text can't be read as a command."""
    assert github_error(path, line, message) == command
