"""Untrusted text on a terminal or in a build log, which must be shown without acting.

Output, tracebacks and names come from untrusted code. A terminal obeys escape sequences, and GitHub Actions obeys lines
that begin with `::`, and `##[` anywhere.
"""

from __future__ import annotations

import re

#: What begins another line, where that is only meant for a terminal: of progress bars, and of pages.
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\u2028\u2029]")

#: Other control characters, marks that embed or isolate a direction of text, and halves of characters.
_HARMFUL = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

#: Precedes every line of untrusted text, so that the text can't choose how a line begins.
GUTTER = "    | "


def printable(text: str) -> str:
    """Return text without build log commands, and with no control characters except line ends and tabs.

    Spaces of every width, joiners and soft hyphens are text, and stay.
    """
    text = _LINE_ENDS.sub("\n", text)
    return _HARMFUL.sub("\N{REPLACEMENT CHARACTER}", text).replace("##[", "## [")


def one_line(text: str) -> str:
    """Return text on one line."""
    return " ".join(printable(text).split())


def shortened(text: str, limit: int) -> str:
    """Return text with so many characters at most; the last one tells that more are left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quoted(text: str) -> str:
    """Return a block of untrusted text, every line after a gutter."""
    return "\n".join(GUTTER + line for line in printable(text).rstrip("\n").split("\n"))


def complaint(text: str) -> str:
    """Return the text of an error: its first line, and others after a gutter, since a name in it can have line ends."""
    first, *others = printable(text).split("\n")
    return "\n".join([first, *(line if line.startswith(GUTTER) else GUTTER + line for line in others)])


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
