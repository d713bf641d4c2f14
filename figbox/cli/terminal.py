"""Foreign text on a terminal or in a build log: nothing in it may act, only show.

Prints, tracebacks and names come from code that nobody trusts. A terminal obeys escape sequences, and GitHub Actions
obeys lines that begin with `::` as well as `##[` anywhere.
"""

from __future__ import annotations

#: In front of every line of foreign text, so that none can begin with anything of its own choice.
GUTTER = "    | "


def printable(text: str) -> str:
    """Return text that only shows: no control characters but line ends and tabs, no build log commands."""
    text = text.replace("\r\n", "\n")
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text.replace("##[", "## [")


def one_line(text: str) -> str:
    """Return text that shows on one line."""
    return " ".join(printable(text).split())


def quoted(text: str) -> str:
    """Return a block of foreign text, every line behind a gutter."""
    return "\n".join(GUTTER + line for line in printable(text).rstrip("\n").split("\n"))


def github_error(path: str, line: int | None, message: str) -> str:
    """Return the line that makes GitHub Actions show an error at a place in a file.

    Source: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    place = f"file={_escaped(path, ':,')}" + (f",line={line}" if line is not None else "")
    return f"::error {place}::{_escaped(message)}"


def _escaped(text: str, others: str = "") -> str:
    for character in "%\r\n" + others:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
