"""What comes back from the service, as values.

All bytes and texts in them were made by the code that was rendered: file names, labels and prints are to be
treated like any other input from strangers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Outcome(StrEnum):
    """How code can fail, as `RenderFailed.outcome` names it; a newer service may know more names."""

    PROGRAM_ERROR = "program_error"
    NO_FIGURE = "no_figure"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    INVALID_OUTPUT = "invalid_output"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Printed:
    """What code wrote to standard output or standard error.

    Attributes:
        truncated: Whether there was more than the service keeps.
    """

    text: str = ""
    truncated: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RenderWarning:
    """A Python warning that the code gave rise to.

    Attributes:
        line: Line of the code, None where it came from elsewhere.
    """

    category: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure in one format.

    Attributes:
        width_px: Pixels; points for svg and pdf; None where the service doesn't tell.
        height_px: The same.
        sha256: Of `data`, in hex; checked when the answer was read.
        pixels_sha256: Of the pixels alone, None where the service gives none.
    """

    format: str
    content_type: str
    width_px: int | None
    height_px: int | None
    sha256: str
    pixels_sha256: str | None
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the code, in every format that was asked for.

    Attributes:
        number: Matplotlib's number of it.
        label: The code's name for it, often empty.
    """

    number: int
    label: str
    pictures: tuple[Picture, ...]

    def picture(self, format: str) -> Picture:  # noqa: A002 - the contract's word
        """Return the picture in a format; raises KeyError when it wasn't asked for."""
        for picture in self.pictures:
            if picture.format == format:
                return picture
        raise KeyError(format)


@dataclass(frozen=True, slots=True)
class File:
    """A file that the code wrote; its name is the code's choice, so check it before using it as a path.

    Attributes:
        name: Below the working directory, folders parted by `/`.
        sha256: Of `data`, in hex; checked when the answer was read, unless truncated.
        truncated: Whether `data` is only its beginning.
    """

    name: str
    content_type: str
    sha256: str
    truncated: bool
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Render:
    """What code drew, wrote and said.

    Attributes:
        files_truncated: Whether the code wrote more files than the service keeps.
        manifest: How the pictures came about: image digest, versions, digests, limits, usage, times. As the
            service wrote it.
        request_id: Names this request in the service's log.
        cached: Whether the answer came from the service's cache.
    """

    figures: tuple[Figure, ...]
    files: tuple[File, ...]
    files_truncated: bool
    stdout: Printed
    stderr: Printed
    warnings: tuple[RenderWarning, ...]
    manifest: Mapping[str, Any] = field(repr=False)
    request_id: str | None
    cached: bool

    @property
    def picture(self) -> Picture:
        """The only picture; raises ValueError when there are several."""
        pictures = [picture for figure in self.figures for picture in figure.pictures]
        if len(pictures) != 1:
            raise ValueError(f"there are {len(pictures)} pictures, not one: look into `figures`")
        return pictures[0]


@dataclass(frozen=True, slots=True)
class Fault:
    """Where and how a program failed.

    Attributes:
        type: Class of the exception, e.g. `ValueError`.
        line: Line of the code, counted from 1; None where unknown.
        column: Column in that line, counted from 1; None where unknown.
        source: The text of that line, None where unknown.
    """

    type: str
    message: str
    line: int | None = None
    column: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that code ran into.

    Attributes:
        used: What it had used when it was stopped; None where that isn't known.
        unit: Of both numbers, e.g. `s` or `MiB`.
    """

    name: str
    allowed: float | None
    used: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class FigureCount:
    """Why there was no figure: how many were drawn, and how many of those the code closed; None where unknown."""

    drawn: int | None
    closed: int | None


@dataclass(frozen=True, slots=True)
class OptionError:
    """What is wrong with one option of a request."""

    option: str
    message: str


@dataclass(frozen=True, slots=True)
class Package:
    """A package that code of an environment can import."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that a request can choose by name.

    Attributes:
        image: Digest of its image.
        versions: Of Python, Matplotlib and what else makes a difference to pictures.
        limits: What one request may use in it, as the service wrote it.
    """

    name: str
    image: str
    versions: Mapping[str, str]
    packages: tuple[Package, ...]
    limits: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the service could render now; true in a condition if it could.

    Attributes:
        reason: Why not, empty when it could.
    """

    ready: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ready
