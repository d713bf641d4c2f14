"""The accepted pictures: which of them are as the lock has them."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from figbox.check.pictures import NotAPicture, look_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from figbox.check.facts import Figure

#: What tells that a file was replaced or changed: time of the last change in ns, size, and number in its file system.
Stamp = tuple[int, int, int]


@dataclass(slots=True)
class AcceptedPictures:
    """The folder of accepted pictures. Each file is unpacked once, until it changes.

    Attributes:
        folder: Where they are.
    """

    folder: Path
    _digests: dict[Path, tuple[Stamp, str]] = field(default_factory=dict)

    def picture(self, figure: Figure) -> Path | None:
        """Return a figure's accepted picture, if it is there and is the one that the lock has."""
        path = self.folder / f"{figure.name}.png"
        return path if self._digest(path) == figure.picture else None

    def look_at(self, figures: Iterable[Figure]) -> None:
        """Look at the pictures of many figures at once: unpacking and hashing leave other threads their processor."""
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(self.picture, figures))

    def _digest(self, path: Path) -> str | None:
        """Return the digest of a picture; None if there is none."""
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):  # a repository can have a link to a device, which never ends
                return None
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            known = self._digests.get(path)
            if known is None or known[0] != stamp:
                known = stamp, look_at(path.read_bytes()).digest
                self._digests[path] = known
        except (OSError, NotAPicture):
            return None
        return known[1]
