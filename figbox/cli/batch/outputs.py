"""Where pictures and files go: predictable names, never outside the output folder.

A script's first picture is `STEM.FORMAT`, further ones are `STEM-2.FORMAT`, `STEM-3.FORMAT`; files that the code wrote
go into the folder `STEM.files`. The code chose their names, so only harmless ones are used. What is said of the figures
goes into `STEM.json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from figbox.cli.exits import ScriptProblem
from figbox.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path, PurePosixPath

    from figbox.cli.batch.scripts import Script

FILES_SUFFIX = ".files"

#: Longest file name of common file systems, in bytes of UTF-8.
NAME_BYTES_LIMIT = 255

#: Most parts of a file's path that are kept.
DEPTH_LIMIT = 8

#: Names that mean devices on Windows, with any suffix.
DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789¹²³")}
)

#: Spaces and joiners that belong to words, or that systems put into names by themselves.
INVISIBLE_TEXT = str.maketrans(dict.fromkeys("\u00a0\u202f\u3000\u200c\u200d\u2060\u00ad", "x"))

#: Characters that Windows doesn't allow in names, or that have a meaning there.
UNWANTED = frozenset('<>:"|?*\\')


def picture_name(stem: PurePosixPath, position: int, picture_format: str) -> PurePosixPath:
    """Return the name of a picture of the figure at a position, counted from 1."""
    number = "" if position == 1 else f"-{position}"
    ending = "animated.webp" if picture_format == "awebp" else picture_format
    return stem.with_name(f"{stem.name}{number}.{ending}")


def document_name(stem: PurePosixPath) -> PurePosixPath:
    """Return the name of what is said of a script's figures."""
    return stem.with_name(f"{stem.name}.json")


def file_name(stem: PurePosixPath, name: str) -> PurePosixPath | None:
    """Return the path for a file that the code wrote, or None if its name can't be used."""
    parts = name.split("/")
    if len(parts) > DEPTH_LIMIT or not all(_harmless(part) for part in parts):
        return None
    return stem.with_name(stem.name + FILES_SUFFIX).joinpath(*parts)


def _harmless(part: str) -> bool:
    """Tell whether a name means an ordinary file or folder on every system."""
    return (
        part.translate(INVISIBLE_TEXT).isprintable()
        and part == part.strip()
        and not UNWANTED.intersection(part)
        and not part.startswith((".", " "))
        and not part.endswith((".", " "))
        and not is_device(part)
        and 0 < len(part.encode("utf-8")) <= NAME_BYTES_LIMIT
    )


def is_device(name: str) -> bool:
    """Tell whether a name means a device on Windows."""
    return name.partition(".")[0].strip().lower() in DEVICES


class OutputFolder:
    """The folder that everything is written to."""

    def __init__(self, root: Path, scripts: Sequence[Script], formats: Sequence[str]) -> None:
        """Take the folder; it is created by the first file.

        Args:
            root: The folder.
            scripts: All scripts of the run; the names of their first pictures are reserved.
            formats: The formats of the run.
        """
        self._root = root
        self._owners = {
            picture_name(script.stem, 1, picture_format): script for script in scripts for picture_format in formats
        }

    def write(self, script: Script, name: PurePosixPath, data: bytes) -> Path:
        """Write or replace a file in one step; return its path.

        Raises:
            ScriptProblem: The name is another script's, a symbolic link is on the way, or the file can't be written.
        """
        owner = self._owners.setdefault(name, script)
        if owner is not script:
            raise ScriptProblem(f"{name} is the name of a picture of {owner.shown}: rename one of the two scripts")
        try:
            folder = self._folder(name.parent)
            path = folder / name.name
            replace_file(path, data)
        except OSError as error:
            raise ScriptProblem(f"{self._root / name} can't be written: {error.strerror}") from error
        return path

    def _folder(self, relative: PurePosixPath) -> Path:
        """Create a folder part by part, without following links."""
        folder = self._root
        folder.mkdir(parents=True, exist_ok=True)
        for part in relative.parts:
            folder /= part
            if part == ".." or folder.is_symlink():
                raise ScriptProblem(f"{folder} leads out of the output folder")
            folder.mkdir(exist_ok=True)
        return folder
