"""Untrusted text on a terminal or in a build log, which must be shown without acting.

Output, tracebacks and names come from untrusted code. A terminal obeys escape sequences, and GitHub Actions obeys lines
that begin with `::`, and `##[` anywhere.
"""

from __future__ import annotations

#: Precedes every line of untrusted text, so that the text can't choose how a line begins.
GUTTER = "    | "


def printable(text: str) -> str:
    """Return text without build log commands, and with no control characters except line ends and tabs."""
    text = text.replace("\r\n", "\n")
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text.replace("##[", "## [")


def one_line(text: str) -> str:
    """Return text on one line."""
    return " ".join(printable(text).split())


def quoted(text: str) -> str:
    """Return a block of untrusted text, every line after a gutter."""
    return "\n".join(GUTTER + line for line in printable(text).rstrip("\n").split("\n"))


def github_error(path: str, line: int | None, message: str) -> str:
    """Return the line that makes GitHub Actions show an error in a file.

    Source: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    place = f"file={_escaped(path, ':,')}" + (f",line={line}" if line is not None else "")
    return f"::error {place}::{_escaped(message)}"


def _escaped(text: str, others: str = "") -> str:
    for character in "%\r\n" + others:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
