"""Names that a data file may have: plain ones that mean the same everywhere and hide nothing."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from gateway.model.results import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Longest name: in characters, and in bytes as UTF-8 (the limit of file systems).
NAME_LIMIT = 128
NAME_LIMIT_BYTES = 255

#: Name of the code itself in the working directory.
PROGRAM_NAME = "plot.py"

#: The rules that a regular expression can express, for the OpenAPI description.
NAME_PATTERN = r"^[^./\\\u0000-\u001f\u007f][^/\\\u0000-\u001f\u007f]*$"

#: The forms in which a letter may be written (Unicode Standard Annex 15).
_FORMS = ("NFC", "NFD")

#: Names of devices on Windows, with any extension; ZIP files of responses may be unpacked there.
#: Source: learn.microsoft.com, "Naming Files, Paths, and Namespaces".
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)


def find_name_error(name: str) -> str | None:
    """Return what is wrong with a name, or None."""
    return next((error for is_wrong, error in _RULES if is_wrong(name)), None)


#: What a name must not be, and the message; each rule may rely on those before it.
_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda name: not 1 <= len(name) <= NAME_LIMIT, f"a file's name must have 1 to {NAME_LIMIT} characters"),
    (
        lambda name: len(name.encode("utf-8", "surrogatepass")) > NAME_LIMIT_BYTES,
        f"a file's name must have at most {NAME_LIMIT_BYTES} bytes",
    ),
    (lambda name: "/" in name or "\\" in name, "a file's name must not contain folders"),
    (lambda name: name.startswith("."), "a file's name must not start with a dot"),
    # Control characters, lone surrogates, and characters that are invisible or change the reading direction.
    (
        lambda name: not name.isprintable() or name != name.strip(),
        "a file's name must consist of printable characters, without spaces around it",
    ),
    (lambda name: name.casefold() == PROGRAM_NAME, f"{PROGRAM_NAME} is the name of the code itself"),
    (
        lambda name: _DEVICES.fullmatch(name) or name.endswith("."),
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
    """Return an untrusted name fit for a message: printable and short."""
    return printable(name if len(name) <= limit else name[:limit] + "…").replace("\n", " ").replace("\t", " ")
