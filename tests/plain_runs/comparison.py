"""What of two runs isn't the same, and how that is told."""

from __future__ import annotations

import re
import textwrap
from typing import Any

#: What no two runs have in common, or what only the depth of the stack decides.
CHANGING = re.compile(r"0x[0-9a-f]{6,}|Thread-\d+|\b140\d{12}\b|(?<=Previous line repeated )\d+")

#: Names of folders that aren't shown here; the difference "Paths".
FOLDERS = re.compile(r"/tmp/(?=plot\.py)|/opt/figbox/(?:site|more)/")

FRAME = re.compile(r'(?P<margin>[ |]*)  File "(?P<file>[^"]+)", line \d+, in ')
EMPTY_STACK = re.compile(r"^[ |]*Traceback \(most recent call last\):\n(?![ |]*  File )", re.MULTILINE)
OWN = re.compile(r"(?:plot\.py|/tmp/.+)$")

#: Characters of a part that are shown.
SHOWN = 1500


def parts_that_differ(plain: dict[str, Any], here: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the parts of two results that aren't the same, each as it was plainly and as it was here."""
    found = {}
    for name in plain:
        sides = tuple(_comparable(name, side[name]) for side in (plain, here))
        if sides[0] != sides[1]:
            found[name] = sides
    return found


def report(name: str, differing: dict[str, tuple[Any, Any]], differs: str | None) -> str:
    """Return what a person needs to know of a program that isn't as its mark says."""
    if not differing:
        return f"{name}\n    is marked as {differs!r}, and doesn't differ"
    lines = [name if differs is None else f"{name} ({differs})"]
    for part, sides in differing.items():
        lines.append(f"    {part}")
        for title, side in zip(("plain", "here"), sides, strict=True):
            text = (side if isinstance(side, str) else "\n".join(map(str, side)))[:SHOWN]
            lines.append(f"        {title}:\n{textwrap.indent(text or '(nothing)', ' ' * 12)}")
    return "\n".join(lines)


def _comparable(name: str, part: Any) -> Any:
    """Return a part of a result without what differs in every run."""
    if name == "files":
        return sorted(f"{file} {digest[:12]}" for file, digest in part.items())
    if not isinstance(part, str):
        return [pixels[:12] for pixels in part]
    if name == "stderr":
        part = EMPTY_STACK.sub("", FOLDERS.sub("", own_frames(part)))
    return CHANGING.sub("…", part).rstrip()


def own_frames(text: str) -> str:
    """Return text without the frames of libraries in its tracebacks: Figbox shows the program's own."""
    kept = []
    margin: str | None = None
    for line in text.splitlines(keepends=True):
        if found := FRAME.match(line):
            margin = None if OWN.match(found["file"]) else found["margin"]
            if margin is not None:
                continue
        elif margin is not None and line.startswith(margin + " " * 4):
            continue
        else:
            margin = None
        kept.append(line)
    return "".join(kept)
