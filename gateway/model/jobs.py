"""The vocabulary every layer shares: a job, its limits, its outcome and its result.

Nothing here knows HTTP or Docker. A guest's failure is a value of these types; our own failures
are the exceptions of `gateway.model.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KiB = 1024
MiB = 1024 * KiB

#: Longest text of a guest's failure that is ever passed on, in characters.
ERROR_TEXT_LIMIT = 64 * KiB


class Outcome(StrEnum):
    """How a job ended, as clients and logs read it.

    `OK` aside, every value is the guest's doing; whatever is ours is an exception instead.
    """

    OK = "ok"
    PROGRAM_ERROR = "program_error"
    NO_FIGURE = "no_figure"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    INVALID_OUTPUT = "invalid_output"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use; every field is enforced from outside the guest.

    Attributes:
        wall_limit_s: Seconds from handing the job over to having its whole answer.
        memory_limit_bytes: Memory of the container, tmpfs included; there is no swap.
        tmpfs_limit_bytes: Size of the working directory; also the largest single file.
        tmpfs_inodes: Files and directories the working directory can hold.
        pids_limit: Processes and threads together.
        cpus: Cores' worth of time, e.g. 1.0.
        output_limit_bytes: Everything the container may write, prints included.
        pixel_limit: Width times height of the picture.
    """

    wall_limit_s: float = 30.0
    memory_limit_bytes: int = 1024 * MiB
    tmpfs_limit_bytes: int = 64 * MiB
    tmpfs_inodes: int = 4096
    pids_limit: int = 64
    cpus: float = 1.0
    output_limit_bytes: int = 16 * MiB
    pixel_limit: int = 50_000_000

    def lowered(self, wall_limit_s: float | None = None, memory_limit_bytes: int | None = None) -> Limits:
        """Return these limits with time and memory brought down to what is given, never up; None leaves one alone."""
        return replace(
            self,
            wall_limit_s=self.wall_limit_s if wall_limit_s is None else min(self.wall_limit_s, wall_limit_s),
            memory_limit_bytes=self.memory_limit_bytes
            if memory_limit_bytes is None
            else min(self.memory_limit_bytes, memory_limit_bytes),
        )


#: What a Matplotlib parameter may be set to.
RcValue = bool | int | float | str | tuple["RcValue", ...]

#: Name of the environment that is always there.
DEFAULT_ENVIRONMENT = "default"

#: What an environment may be called.
ENVIRONMENT_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class Format(StrEnum):
    """What a figure can be saved as."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    JPEG = "jpeg"
    WEBP = "webp"


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """How figures are saved; without any, as `fig.savefig` does with Matplotlib's own defaults.

    Attributes:
        formats: Each figure is saved in each of them; at least one, none twice.
        all_figures: Every open figure instead of the current one.
        dpi: Dots per inch; None means Matplotlib's own default.
        width_in: Width of the figure in inches, as in `figsize`; None leaves it to the code.
        height_in: Its height, likewise.
        bbox_inches: "tight", or None for the whole canvas.
        transparent: Whether backgrounds are left out.
        style: Names of Matplotlib style sheets, applied in order before the code runs.
        rc: Matplotlib parameters, set after the styles and before the code runs.
    """

    formats: tuple[Format, ...] = (Format.PNG,)
    all_figures: bool = False
    dpi: float | None = None
    width_in: float | None = None
    height_in: float | None = None
    bbox_inches: str | None = None
    transparent: bool = False
    style: tuple[str, ...] = ()
    rc: Mapping[str, RcValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file beside the code, on its way in or out.

    Attributes:
        name: Plain name without folders on the way in; on the way out folders are parted by `/`, and it is checked.
        data: Its bytes, all of them.
    """

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """One submission: the code, what lies beside it, and how its figures are to be saved.

    Attributes:
        code: Python source.
        options: How figures are saved.
        files: Placed in the working directory before the code runs.
        environment: Name of the environment it runs in.
        wall_limit_s: Seconds it may take; None means what the environment allows, as does more than that.
        memory_limit_bytes: Memory it may use, likewise.
        seed: Random state of `random` and NumPy at the start; None leaves it random.
        collect: Whether files, text, warnings and figures without pyplot come back too, and no call waits for a person.
    """

    code: str
    options: SaveOptions = field(default_factory=SaveOptions)
    files: tuple[NamedFile, ...] = ()
    environment: str = DEFAULT_ENVIRONMENT
    wall_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    seed: int | None = None
    collect: bool = False

    def __repr__(self) -> str:
        """Say how long the code is, never what it says: reprs end up in logs."""
        return f"Job(code=<{len(self.code)} chars>, files=<{len(self.files)}>, environment={self.environment!r})"


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
            PDF, or where nobody asked.
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
    """

    number: int
    label: str
    pictures: tuple[Picture, ...]


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
class Notice:
    """A Python warning that a job caused.

    Attributes:
        category: Name of its class.
        message: Its text, printable and capped.
        line: Line of the code it is put down to; None when it is not a line of the code.
    """

    category: str
    message: str = field(repr=False)
    line: int | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Where and how the code failed.

    Attributes:
        type: Name of the exception's class.
        message: Its text, printable and capped.
        line: Line of the code, counted from 1; None when no line of the code is to blame.
        column: Column, counted from 1, where Python knows it.
        source: That line's text.
    """

    type: str
    message: str = field(repr=False)
    line: int | None = None
    column: int | None = None
    source: str | None = field(default=None, repr=False)


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
        stdout: What it printed, where the job asks for it.
        stderr: The same of standard error.
        notices: Python warnings, where the job asks for them.
        fault: Where the code failed, with `PROGRAM_ERROR`.
        limit: Which limit ended it, with the outcomes of that kind.
        signal: Name of the signal that ended it, with `KILLED`.
        figures_drawn: Figures that the code made and closed again, with `NO_FIGURE`.
        limits: What the launcher allowed it.
        stages: Where the time went.
        usage: What its container used, None where that can't be seen.
    """

    outcome: Outcome
    figures: tuple[Figure, ...] = ()
    error: str = field(default="", repr=False)
    files: tuple[NamedFile, ...] = ()
    files_truncated: bool = False
    stdout: Text = field(default_factory=Text)
    stderr: Text = field(default_factory=Text)
    notices: tuple[Notice, ...] = ()
    fault: Fault | None = None
    limit: LimitExceeded | None = None
    signal: str | None = None
    figures_drawn: int | None = None
    limits: Limits = field(default_factory=Limits)
    stages: Stages = field(default_factory=Stages)
    usage: Usage | None = None

    @property
    def picture(self) -> Picture | None:
        """The only picture, or None when there is none or more than one."""
        pictures = [picture for figure in self.figures for picture in figure.pictures]
        return pictures[0] if len(pictures) == 1 else None


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What one environment is: read from its image by our own code before any job, so it can be believed.

    Attributes:
        name: As requests name it.
        image_id: Digest of its image.
        runtime: OCI runtime, "default" for the engine's own.
        limits: What a job may use there.
        versions: Of what decides how pictures look: Python, Matplotlib, NumPy, FreeType and so on, by name.
        packages: Every distribution in the image and its version.
        fonts_sha256: Digest over the image's fonts.
    """

    name: str
    image_id: str
    runtime: str
    limits: Limits
    versions: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    fonts_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a container's conversation ended when it gave no complete answer.

    Attributes:
        deadline: We killed it because its time was over.
        output_exceeded: We killed it because it wrote more than it may.
        malformed: It wrote something that is no answer.
        oom_killed: The kernel killed it for its memory, says the engine.
        exit_code: The exit status the engine reports; None while it still ran.
    """

    deadline: bool = False
    output_exceeded: bool = False
    malformed: bool = False
    oom_killed: bool = False
    exit_code: int | None = None


#: Exit statuses above this mean death by signal `status - 128` (the shell's convention, which engines keep).
SIGNAL_BASE = 128


def decide_outcome(ending: Ending) -> Outcome:
    """Name the outcome of a conversation without an answer; the most specific rule comes last and wins."""
    outcome = Outcome.INVALID_OUTPUT
    if ending.exit_code is not None and ending.exit_code > SIGNAL_BASE and not ending.malformed:
        outcome = Outcome.KILLED
    if ending.oom_killed:
        outcome = Outcome.MEMORY_LIMIT
    if ending.output_exceeded:
        outcome = Outcome.OUTPUT_LIMIT
    if ending.deadline:
        outcome = Outcome.TIME_LIMIT
    return outcome


def printable(text: str, limit: int = ERROR_TEXT_LIMIT) -> str:
    """Return guest text fit to be passed on: printable, at most `limit` characters, its end kept.

    The end of a traceback says what happened, so the beginning is what goes.
    """
    if len(text) > limit:
        text = "[shortened]\n" + text[-(limit - 12) :]
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
