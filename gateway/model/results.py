"""What a job comes to: its outcome, its pictures, what it printed, and what it used.

Nothing here knows the engine. What a guest does wrong is a value of these types; our own failures are the exceptions of
`gateway.model.errors`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.model.jobs import KiB, Limits

if TYPE_CHECKING:
    from gateway.model.jobs import Format, NamedFile

#: Longest text of a guest's failure that is ever passed on, in characters.
ERROR_TEXT_LIMIT = 64 * KiB

#: Longest hint, in characters.
HINT_LIMIT = 400

#: What acts on a terminal or a log, or shows text in another order than it has: control characters, separators, marks
#: that embed or isolate a direction, and halves of characters. Spaces of every width, joiners, soft hyphens and
#: characters that are newer than our Unicode are text.
_HARMFUL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

#: Without what moves to another line, which belongs to what a program prints.
_HARMFUL_IN_PRINTS = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Outcome(StrEnum):
    """How a job ended, as clients and logs read it.

    `OK` aside, every value is the guest's doing; whatever is ours is an exception instead. `FINDINGS` is a job that
    ended well, but whose figures have what the request wants to fail on.
    """

    OK = "ok"
    PROGRAM_ERROR = "program_error"
    NO_FIGURE = "no_figure"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    INVALID_OUTPUT = "invalid_output"
    KILLED = "killed"
    FINDINGS = "findings"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a job's container used, as the kernel counted it from outside.

    Attributes:
        cpu_s: Processor seconds, the container's start and import included.
        memory_peak_bytes: Highest memory use, or None where the kernel doesn't tell.
    """

    cpu_s: float
    memory_peak_bytes: int | None


@dataclass(slots=True)
class Stages:
    """Milliseconds a request spent in each stage; filled in on its way."""

    queue_ms: float = 0.0
    acquire_ms: float = 0.0
    run_ms: float = 0.0
    check_ms: float = 0.0
    warm: bool = False

    def by_name(self) -> dict[str, float]:
        """Return the milliseconds of each stage, in the order of the stages."""
        return {"queue": self.queue_ms, "acquire": self.acquire_ms, "run": self.run_ms, "check": self.check_ms}


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure in one format, checked.

    Attributes:
        format: What it was checked to be.
        data: The file's bytes.
        width_px: Width in pixels; of SVG and PDF in points.
        height_px: Height, likewise.
        pixels_sha256: Digest of the decoded pixels as the sandbox computed it, in hex; a claim, and None for SVG and
            PDF, or if the job does not collect.
    """

    format: Format
    data: bytes = field(repr=False)
    width_px: int
    height_px: int
    pixels_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a job.

    Attributes:
        number: Matplotlib's own; 0 for a figure that pyplot doesn't know.
        label: As the code set it, printable and capped.
        pictures: In the order of the formats asked for.
        explanation: What the code says of it, checked: JSON in UTF-8, an object with the members of
            `gateway.model.explanation.Explanation`. None if that was not asked for, or is lost.
    """

    number: int
    label: str
    pictures: tuple[Picture, ...]
    explanation: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """What a job printed to one stream: printable, and capped.

    Attributes:
        text: The beginning of it.
        truncated: Whether there was more.
    """

    text: str = field(default="", repr=False)
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class PythonWarning:
    """A Python warning that a job caused.

    Attributes:
        category: Name of its class.
        message: Its text, printable and capped.
        line: Line of the code that it names; None if it is not in the code.
    """

    category: str
    message: str = field(repr=False)
    line: int | None


@dataclass(frozen=True, slots=True)
class ProgramError:
    """Where and how the code failed.

    Attributes:
        type: Name of the exception's class.
        message: Its text, printable and capped.
        line: Line of the code, counted from 1; None when no line of the code is to blame.
        column: Column, counted from 1, where Python knows it.
        source: That line's text.
        hint: What helps to mend it, in one line, printable and capped; None if nothing is sure to.
    """

    type: str
    message: str = field(repr=False)
    line: int | None = None
    column: int | None = None
    source: str | None = field(default=None, repr=False)
    hint: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LimitExceeded:
    """Which limit ended a job.

    Attributes:
        name: The limit's field in `Limits`, without its unit.
        allowed: How much it may be.
        unit: Of `allowed` and `used`.
        used: How much it came to, where that is known.
    """

    name: str
    allowed: float
    unit: str
    used: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a job.

    Attributes:
        outcome: How it ended.
        figures: What it drew, checked, when `outcome` is OK; else empty.
        error: For the client when it isn't OK: a traceback or one sentence, printable, capped.
        files: What the code wrote into its working directory, where the job asks for it.
        files_truncated: Whether some of them were left out.
        figures_truncated: Whether figures that were asked for were left out, because there are too many.
        stdout: What it printed, where the job asks for it.
        stderr: The same of standard error.
        warnings: Python warnings, where the job asks for them.
        program_error: Where the code failed, with `PROGRAM_ERROR`.
        limit: Which limit ended it, with the outcomes of that kind.
        signal: Name of the signal that ended it, with `KILLED`.
        figures_drawn: Figures that the code made and closed again, with `NO_FIGURE`.
        limits: What the launcher allowed it.
        stages: Where the time went.
        usage: What its container used, None where that can't be seen.
        check_cpu_s: Processor seconds that checking its pictures took.
    """

    outcome: Outcome
    figures: tuple[Figure, ...] = ()
    error: str = field(default="", repr=False)
    files: tuple[NamedFile, ...] = ()
    files_truncated: bool = False
    figures_truncated: bool = False
    stdout: Text = field(default_factory=Text)
    stderr: Text = field(default_factory=Text)
    warnings: tuple[PythonWarning, ...] = ()
    program_error: ProgramError | None = None
    limit: LimitExceeded | None = None
    signal: str | None = None
    figures_drawn: int | None = None
    limits: Limits = field(default_factory=Limits)
    stages: Stages = field(default_factory=Stages)
    usage: Usage | None = None
    check_cpu_s: float = 0.0

    @property
    def picture(self) -> Picture | None:
        """The only picture, or None when there is none or more than one."""
        pictures = [picture for figure in self.figures for picture in figure.pictures]
        return pictures[0] if len(pictures) == 1 else None

    @property
    def size(self) -> int:
        """Bytes of all pictures, files and explanations."""
        pictures = sum(len(picture.data) for figure in self.figures for picture in figure.pictures)
        explanations = sum(len(figure.explanation or b"") for figure in self.figures)
        return pictures + explanations + sum(len(file.data) for file in self.files)


def printable(text: str, limit: int = ERROR_TEXT_LIMIT) -> str:
    """Return guest text fit to be passed on: harmless where it is shown, at most `limit` characters, its end kept.

    The end of a traceback says what happened, so the beginning is what goes.
    """
    if len(text) > limit:
        text = "[shortened]\n" + text[-(limit - 12) :]
    return _HARMFUL.sub("\N{REPLACEMENT CHARACTER}", text)


def printed(text: str) -> str:
    """Return what a guest printed, with all its spaces and ends of lines, harmless where it is shown."""
    return _HARMFUL_IN_PRINTS.sub("\N{REPLACEMENT CHARACTER}", text)
