"""Which paths of files can't be there beside each other."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def find_clash(names: Iterable[str]) -> tuple[str, str] | None:
    """Return a name that can't be there beside the others, and what is wrong with it; None if all can.

    Names that differ only in how a letter is written (Unicode Standard Annex 15) are the same on some systems.

    Args:
        names: Paths with `/` between their parts, none of which is empty.
    """
    taken: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFC", name)
        if key in taken:
            return name, "is given twice"
        taken[key] = name
        end = key.find("/")
        while end != -1:
            folders.setdefault(key[:end], name)
            end = key.find("/", end + 1)
    return next(((folders[key], "is below the name of another file") for key in folders if key in taken), None)
