"""Names that a data file may have: paths below the working directory that mean the same everywhere and hide nothing."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from gateway.model.results import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Longest part of a name: in characters, and in bytes as UTF-8 (the limit of file systems).
PART_LIMIT = 128
PART_LIMIT_BYTES = 255

#: Longest name, in characters, and most parts of one.
NAME_LIMIT = 255
DEPTH_LIMIT = 8

#: Name of the code itself in the working directory.
PROGRAM_NAME = "plot.py"

#: One part, and all, by the rules that a regular expression can express, for the OpenAPI description.
_PART_PATTERN = r"[^./\\\u0000-\u001f\u007f][^/\\\u0000-\u001f\u007f]*"
NAME_PATTERN = rf"^{_PART_PATTERN}(/{_PART_PATTERN}){{0,{DEPTH_LIMIT - 1}}}$"

#: The forms in which a letter may be written (Unicode Standard Annex 15).
_FORMS: Final = ("NFC", "NFD")

#: Names of devices on Windows, with any extension; ZIP files of responses may be unpacked there.
#: Source: learn.microsoft.com, "Naming Files, Paths, and Namespaces".
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)

#: Spaces of every width (Unicode's category Zs) and joiners, which belong to words, or which systems put into names by
#: themselves; within a name only.
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE_TEXT = str.maketrans(dict.fromkeys(_SPACES + "\u200c\u200d\u2060\u00ad", "x"))


def find_name_error(name: str) -> str | None:
    """Return what is wrong with a name, or None."""
    if not 1 <= len(name) <= NAME_LIMIT:
        return f"a file's name must have 1 to {NAME_LIMIT} characters"
    parts = name.split("/")
    if "" in parts or len(parts) > DEPTH_LIMIT:
        return f"a file's name must have 1 to {DEPTH_LIMIT} parts with a / between them, none of them empty"
    if parts[0].casefold() == PROGRAM_NAME:
        return f"{PROGRAM_NAME} is the name of the code itself"
    return next((error for part in parts if (error := find_part_error(part)) is not None), None)


def find_part_error(part: str) -> str | None:
    """Return what is wrong with a part of a name, a folder or the file itself, or None."""
    return next((error for is_wrong, error in _RULES if is_wrong(part)), None)


#: What a part must not be, and the message; each rule may rely on those before it.
_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (
        lambda part: not 1 <= len(part) <= PART_LIMIT,
        f"a file's name must have 1 to {PART_LIMIT} characters in each part",
    ),
    (
        lambda part: len(part.encode("utf-8", "surrogatepass")) > PART_LIMIT_BYTES,
        f"a file's name must have at most {PART_LIMIT_BYTES} bytes in each part",
    ),
    (
        lambda part: "/" in part or "\\" in part,
        "a file's name must not contain a backslash; folders have a / behind them",
    ),
    (lambda part: part.startswith("."), "a file's name must not start with a dot, and no part of it may"),
    # Control characters, lone surrogates, and characters that are invisible or change the reading direction.
    (
        lambda part: (
            not part[:1].isprintable()
            or not part[-1:].isprintable()
            or not part.translate(_INVISIBLE_TEXT).isprintable()
            or part != part.strip()
        ),
        "a file's name must consist of printable characters, without spaces around it",
    ),
    (
        lambda part: _DEVICES.fullmatch(part) or part.endswith("."),
        "a file's name must not be that of a device, or end with a dot",
    ),
)


def as_written(names: Iterable[str], code: str) -> dict[str, str]:
    """Return the names that files get, by the names that they came with.

    Some systems take letters apart (é becomes e and an accent: normal form D), others put them together, so a name may
    come in another form than the code has it. It gets the form that occurs in the code, or else stays as it came.
    """
    taken = {name: name for name in names}
    for name in [name for name in taken if not name.isascii()]:
        forms = [name, *(unicodedata.normalize(form, name) for form in _FORMS)]
        found = next((form for form in forms if form in code), name)
        if found not in taken.values() and find_name_error(found) is None:  # no other file's, and not too long
            taken[name] = found
    return taken


def displayed(name: str, limit: int = 64) -> str:
    """Return an untrusted name fit for a message: short, and nothing in it is invisible."""
    shown = printable(name if len(name) <= limit else name[:limit] + "…").translate({ord("\n"): " ", ord("\t"): " "})
    return (
        shown if shown.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
    )
