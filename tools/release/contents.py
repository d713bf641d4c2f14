"""What is in an image, as its files say it: packages of Python and of Debian, and programs of our own."""

from __future__ import annotations

import email
import hashlib
import json
import re
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bootstrap.images.base import PACKAGE_LIST
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

#: Programs in C, which are compiled for the image. `runner-image/build/compile_snapshot.py` has the same names.
PROGRAMS = ("restorer", "saver.so", "supervisor")

_METADATA = re.compile(r".+\.dist-info/METADATA")
_PROGRAM = re.compile(rf"opt/figbox/({'|'.join(map(re.escape, PROGRAMS))})")


@dataclass(slots=True)
class Contents:
    """What is in an image.

    Attributes:
        python: The metadata of each package of Python.
        debian: The control fields of each package of Debian.
        programs: The digest of each program of ours, by name.
    """

    python: list[Message] = field(default_factory=list)
    debian: list[Message] = field(default_factory=list)
    programs: dict[str, str] = field(default_factory=dict)


def read(archive: Path) -> Contents:
    """Return what is in an image's archive.

    Raises:
        SetupError: The image doesn't have Debian's list of packages.
    """
    found = Contents()
    with tarfile.open(archive) as image:
        [entry] = json.loads(image.extractfile("manifest.json").read())  # type: ignore[union-attr]  # it is a file
        for layer in entry["Layers"]:
            with tarfile.open(fileobj=image.extractfile(layer)) as files:
                for member in files:
                    if member.isreg():
                        _look(found, files, member)
    if not found.debian:
        raise SetupError(f"The base image has no {PACKAGE_LIST}, which says what it is made of: name one that has.")
    found.python.sort(key=lambda package: str(package["Name"]).lower())
    found.debian.sort(key=lambda package: str(package["Package"]))
    return found


def _look(found: Contents, files: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    name = member.name.removeprefix("./")
    if _METADATA.fullmatch(name):
        found.python.append(email.message_from_bytes(_content(files, member)))
    elif name == PACKAGE_LIST:
        paragraphs = _content(files, member).decode().split("\n\n")
        found.debian = [email.message_from_string(text) for text in paragraphs if text.strip()]
    elif match := _PROGRAM.fullmatch(name):
        found.programs[match[1]] = hashlib.sha256(_content(files, member)).hexdigest()


def _content(files: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = files.extractfile(member)
    return content.read() if content is not None else b""
