"""The vocabulary every layer shares: a job, its limits, its outcome and its result.

Nothing here knows HTTP or Docker. A guest's failure is a value of these types; our own failures
are the exceptions of `gateway.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Job:
    """One submission: the code and how its figure is to be saved.

    Attributes:
        code: Python source, already checked by `gateway.bodies`.
        dpi: Dots per inch for `savefig`; None means Matplotlib's own default.
        bbox_inches: "tight", or None for the whole canvas.
    """

    code: str
    dpi: float | None = None
    bbox_inches: str | None = None

    def __repr__(self) -> str:
        """Say how long the code is, never what it says: reprs end up in logs."""
        return f"Job(code=<{len(self.code)} chars>, dpi={self.dpi}, bbox_inches={self.bbox_inches!r})"


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

    def server_timing(self) -> str:
        """Return the value of a `Server-Timing` header (https://www.w3.org/TR/server-timing/)."""
        stages = ("queue", "acquire", "run", "check")
        return ", ".join(f"{stage};dur={getattr(self, stage + '_ms'):.1f}" for stage in stages)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a job.

    Attributes:
        outcome: How it ended.
        picture: The checked PNG when `outcome` is OK, else None.
        error: For the client when it isn't OK: a traceback or one sentence, printable, capped.
        stages: Where the time went.
        usage: What its container used, None where that can't be seen.
    """

    outcome: Outcome
    picture: bytes | None = field(default=None, repr=False)
    error: str = field(default="", repr=False)
    stages: Stages = field(default_factory=Stages)
    usage: Usage | None = None


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
