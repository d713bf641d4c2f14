"""Which folders of the host a suite sees: its project, folders that the user names, and one for temporary files."""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: What a project's top folder has, the first kind found upwards from the working directory.
MARKS = ((".git",), ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "setup.py"))

#: Folders that the image needs; a mount above or at one of them would hide it.
NEEDED = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/opt/figbox", "/proc", "/run/figbox", "/sbin", "/sys", "/usr")

#: Folders of the container's own that pytest's arguments can name.
OF_THE_CONTAINER = ("/dev", "/opt/figbox", "/run/figbox")


def mounts(folder: Path, named: Path | None, more: Iterable[Path]) -> list[Path]:
    """Return the folders that the suite sees, each at its own path, the project first.

    Args:
        folder: The working directory.
        named: The project's folder; None for the nearest one upwards that looks like one.
        more: Folders besides.

    Raises:
        SetupError: One isn't a folder, or can't be mounted.
    """
    found = [(folder / (named or _project(folder))).resolve()]
    found += [(folder / path).resolve() for path in more]
    for path in found:
        if not path.is_dir():
            raise SetupError(f"{path} isn't a folder.")
        if hidden := next((text for text in NEEDED if Path(text).is_relative_to(path)), None):
            raise SetupError(f"{path} can't be mounted, as it would hide the image's {hidden}: name a folder below it.")
    if not folder.resolve().is_relative_to(found[0]):
        raise SetupError(f"The working directory {folder} isn't in the project {found[0]}.")
    return list(dict.fromkeys(found))


def _project(folder: Path) -> Path:
    for marks in MARKS:
        for place in (folder, *folder.parents):
            if any((place / mark).exists() for mark in marks):
                return place
    return folder


def refuse_outside(arguments: Sequence[str], folder: Path, mounted: Sequence[Path]) -> None:
    """Raise SetupError if pytest's arguments have a path that the suite wouldn't see."""
    places = [*mounted, *map(Path, OF_THE_CONTAINER), Path(tempfile.gettempdir(), _name())]
    for argument in arguments:
        text = argument.partition("=")[2] if argument.startswith("-") else argument
        text = text.partition("::")[0]
        if not text.startswith(("/", "../")) and text != os.pardir:
            continue
        path = (folder / text).resolve()
        if not any(path.is_relative_to(place) or path.is_relative_to(place.resolve()) for place in places):
            raise SetupError(
                f"{text} isn't in the project ({mounted[0]}), so the suite can't reach it, and what it wrote there "
                "would be lost: name its folder by --mount, or the project by --project."
            )


def temporary_folder() -> Path:
    """Return a folder of this user for temporary files, which are there after the run: pytest-mpl names some.

    Raises:
        SetupError: Somebody else made it.
    """
    # A link in its place isn't followed: it could be anyone's, and lead to whatever folder of this user.
    path = Path(tempfile.gettempdir()).resolve() / _name()
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SetupError(f"{path} isn't a folder of this user: remove it, or set TMPDIR to another folder.")
    return path


def _name() -> str:
    return f"figbox-pytest-of-{getpass.getuser()}"
