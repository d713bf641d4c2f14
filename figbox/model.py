"""What the service returns, as values.

Their bytes and texts come from the code that was rendered: treat file names, labels and output as untrusted input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Outcome(StrEnum):
    """How code can fail, as in `RenderFailed.outcome`; a newer service may have more outcomes."""

    PROGRAM_ERROR = "program_error"
    NO_FIGURE = "no_figure"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    INVALID_OUTPUT = "invalid_output"
    KILLED = "killed"
    FINDINGS = "findings"


@dataclass(frozen=True, slots=True)
class Printed:
    """What code wrote to standard output or standard error.

    Attributes:
        truncated: Whether the code wrote more than the service keeps.
    """

    text: str = ""
    truncated: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RenderWarning:
    """A Python warning that the code caused.

    Attributes:
        line: Line of the code; None if it came from elsewhere.
    """

    category: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure in one format.

    Attributes:
        width_px: Pixels, or points for svg and pdf; None if the service doesn't say.
        height_px: The same.
        sha256: Of `data`, in hex; checked when the response was read.
        pixels_sha256: Of the pixels only; None if the service doesn't say.
    """

    format: str
    content_type: str
    width_px: int | None
    height_px: int | None
    sha256: str
    pixels_sha256: str | None
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a reader of a figure would stumble over, by the account of the code.

    Attributes:
        code: Its kind, words with hyphens; the service's documents list them.
        severity: How much it matters: `error`, `warning` or `note`.
        sentence: What is the matter.
        advice: What mends it.
        axes: Numbers of the axes concerned.
        box: Where it is, from the upper left corner of the first picture: left, upper edge, width and height in its
            pixels, or points; None if it has no place.
        figure: The number of its figure.
    """

    code: str
    severity: str
    sentence: str
    advice: str
    axes: tuple[int, ...] = ()
    box: tuple[float, float, float, float] | None = None
    figure: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the code, in every requested format.

    Attributes:
        number: Matplotlib's number.
        label: The code's name for it, often empty.
        alt_text: What it shows, for those who can't see it; None if that was not asked for, or is lost.
        description: What it shows, as the service wrote it; None likewise.
        findings: What a reader would stumble over, the worst first; empty also without a description.
        findings_left_out: How many more there are.
    """

    number: int
    label: str
    pictures: tuple[Picture, ...]
    alt_text: str | None = None
    description: Mapping[str, Any] | None = field(default=None, repr=False)
    findings: tuple[Finding, ...] = ()
    findings_left_out: int = 0

    def picture(self, format: str) -> Picture:  # noqa: A002 - the contract's word
        """Return the picture in a format, of which `jpg` is `jpeg`; raise KeyError if that wasn't requested."""
        wanted = "jpeg" if format.lower() == "jpg" else format.lower()
        for picture in self.pictures:
            if picture.format == wanted:
                return picture
        raise KeyError(format)


@dataclass(frozen=True, slots=True)
class File:
    """A file that the code wrote; the code chose its name, so check that before using it as a path.

    Attributes:
        name: Relative to the working directory, folders separated by `/`.
        sha256: Of the whole file, in hex; checked when the response was read, unless truncated.
        truncated: Whether `data` is only its beginning.
    """

    name: str
    content_type: str
    sha256: str
    truncated: bool
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Render:
    """What code drew, wrote and printed.

    Attributes:
        figures_truncated: Whether the code left more figures open than the service draws.
        files_truncated: Whether the code wrote more files than the service keeps.
        manifest: How the pictures were made, as the service wrote it: image digest, versions, digests, limits, usage,
            times.
        request_id: Names this request in the service's log.
        cached: Whether the response came from the service's cache.
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
    figures_truncated: bool = False

    @property
    def picture(self) -> Picture:
        """The only picture; raises ValueError if there are several."""
        pictures = [picture for figure in self.figures for picture in figure.pictures]
        if len(pictures) != 1:
            raise ValueError(f"there are {len(pictures)} pictures, not one: use `figures`")
        return pictures[0]


@dataclass(frozen=True, slots=True)
class Fault:
    """Where and how the code failed, as the contract's `fault`.

    Attributes:
        type: Class of the exception, e.g. `ValueError`.
        line: Line of the code, counted from 1; None if unknown.
        column: Column in that line, counted from 1; None if unknown.
        source: The text of that line; None if unknown.
        hint: What helps to mend the code, in one line; None if there is nothing to say, or the service doesn't.
    """

    type: str
    message: str
    line: int | None = None
    column: int | None = None
    source: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that the code reached.

    Attributes:
        used: What the code had used when it was stopped; None if unknown.
        unit: Of both numbers, e.g. `s` or `MiB`.
    """

    name: str
    allowed: float | None
    used: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class FigureCount:
    """Why there was no figure: how many were drawn, and how many of those the code closed; None if unknown."""

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
        versions: Of Python, Matplotlib and whatever else affects pictures.
        limits: What one request may use, as the service wrote it.
    """

    name: str
    image: str
    versions: Mapping[str, str]
    packages: tuple[Package, ...]
    limits: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the service could render now; true in a condition if so.

    Attributes:
        reason: Why it couldn't; empty if it could.
    """

    ready: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ready
