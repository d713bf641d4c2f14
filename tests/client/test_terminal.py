"""Foreign text shows and does nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from figbox.cli.terminal import GUTTER, github_error, one_line, printable, quoted


@given(st.text())
def test_nothing_acts_on_a_terminal(text: str) -> None:
    """No control character is left but line ends and tabs."""
    assert all(character.isprintable() or character in "\n\t" for character in printable(text))
    assert "\n" not in one_line(text)


@given(st.text(st.sampled_from([*":#[", "\n", "\r", " ", "a", "\x85", "\u2028"])))
def test_nothing_acts_in_a_build_log(text: str) -> None:
    """No line of foreign text begins a command of GitHub Actions, in either of its forms."""
    for line in quoted(text).splitlines():
        assert line.startswith(GUTTER)
        assert "##[" not in line


def test_ordinary_text_stays() -> None:
    """Letters of any script, tabs and line ends are left alone."""
    assert printable("größe\t日本\r\n1") == "größe\t日本\n1"
    assert printable("\x1b[31mred\x07") == "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"
    assert quoted("a\n  b\n") == f"{GUTTER}a\n{GUTTER}  b"


@pytest.mark.parametrize(
    ("path", "line", "message", "command"),
    [
        ("a.py", 3, "ValueError: no", "::error file=a.py,line=3::ValueError: no"),
        ("a,b:c.py", None, "50%\n::x", "::error file=a%2Cb%3Ac.py::50%25%0A::x"),
    ],
)
def test_annotation_for_github(path: str, line: int | None, message: str, command: str) -> None:
    """An error at a place in a file, with nothing of the text read as a command."""
    assert github_error(path, line, message) == command
