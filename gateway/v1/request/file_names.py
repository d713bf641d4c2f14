"""Which names a data file may have: plain ones that mean the same everywhere and hide nothing."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from gateway.model.results import printable

if TYPE_CHECKING:
    from collections.abc import Callable

#: Characters of a name, and bytes of it as UTF-8 (what a file system holds).
NAME_LIMIT = 128
NAME_LIMIT_BYTES = 255

#: Name of the code itself in the working directory.
PROGRAM_NAME = "plot.py"

#: The part of the rules that a regular expression can say, for the OpenAPI description.
NAME_PATTERN = r"^[^./\\\u0000-\u001f\u007f][^/\\\u0000-\u001f\u007f]*$"

#: Names that mean devices to Windows, where answers' ZIP files may be unpacked, with whatever ending.
#: Source: learn.microsoft.com, "Naming Files, Paths, and Namespaces".
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)


def find_fault(name: str) -> str | None:
    """Return what is wrong with a name, or None."""
    return next((fault for is_wrong, fault in _RULES if is_wrong(name)), None)


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


#: What a name must not be, and how that is said; each rule may rely on those before it.
_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda name: not 1 <= len(name) <= NAME_LIMIT, f"a file's name has 1 to {NAME_LIMIT} characters"),
    (lambda name: len(_encoded(name)) > NAME_LIMIT_BYTES, f"a file's name has at most {NAME_LIMIT_BYTES} bytes"),
    (lambda name: "/" in name or "\\" in name, "a file's name has no folders"),
    (lambda name: name.startswith("."), "a file's name doesn't start with a dot"),
    # Not printable are control characters, lone surrogates, and what shows as nothing or turns the reading direction.
    (
        lambda name: not name.isprintable() or name != name.strip(),
        "a file's name has printable characters only, and no space around it",
    ),
    (
        lambda name: unicodedata.normalize("NFC", name) != name,
        "a file's name must be in Unicode's normal form C",
    ),
    (lambda name: name.casefold() == PROGRAM_NAME, f"{PROGRAM_NAME} is the code's own name"),
    (
        lambda name: _DEVICES.fullmatch(name) or name.endswith("."),
        "a file's name must be no device's, and not end with a dot",
    ),
)


def shown(name: str, limit: int = 64) -> str:
    """Return a stranger's name fit for a message: printable and short."""
    return printable(name if len(name) <= limit else name[:limit] + "…").replace("\n", " ").replace("\t", " ")
