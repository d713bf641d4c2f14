"""Python in Markdown: each fence with it is the source of a figure.

A fence is named by its info string, after the language: `python figure=trend`, `{.python #trend}`. Without a name it is
counted among the file's Python fences, from 1, since a line number would change with each line above it.
`figure=none` says that it draws nothing.

Source: CommonMark 0.31, section 4.5, fenced code blocks and their info strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from figbox.check.errors import CheckError

#: Ends of the names of Markdown files.
SUFFIXES = (".md", ".markdown")

LANGUAGES = frozenset({"python", "py", "python3"})

#: The name of a fence that draws nothing.
NONE = "none"

_NAME = re.compile(r"""(?:^|[\s{])(?:figure=|\#)["']?(?P<name>[\w-][\w.-]*)["']?(?=$|[\s}])""")
_NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence with Python in it.

    Attributes:
        name: Its name, or its number among the file's Python fences.
        line: Line of the file in which its code begins, counted from 1.
        is_named: Whether its info string has the name.
    """

    name: str
    line: int
    code: str
    is_named: bool


def is_markdown(name: str) -> bool:
    """Tell whether a file is Markdown, by its name."""
    return name.lower().endswith(SUFFIXES)


def fences_of(text: str) -> list[Fence]:
    """Return the Python fences of a Markdown text.

    Raises:
        CheckError: Two have the same name.
    """
    from markdown_it import MarkdownIt  # noqa: PLC0415 - other commands shouldn't wait for it

    found: dict[str, Fence] = {}
    number = 0
    for token in MarkdownIt("commonmark").parse(text):
        if token.type != "fence" or _language(token.info) not in LANGUAGES:
            continue
        number += 1
        match = _NAME.search(token.info)
        name = match["name"][:_NAME_LIMIT] if match is not None else str(number)
        if match is not None and name == NONE:
            continue
        line = token.map[0] + 2 if token.map is not None else 1
        fence = Fence(name, line, token.content, is_named=match is not None)
        if found.setdefault(name, fence) is not fence:
            raise CheckError(f"two fences are named {name}, in the lines {found[name].line} and {line}")
    return list(found.values())


def _language(info: str) -> str:
    """Return the language that an info string begins with, in any of the ways to write it."""
    words = info.strip().lstrip("{").split()
    return re.split(r"[,}]", words[0])[0].lstrip(".").lower() if words else ""
