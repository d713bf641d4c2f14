"""What a job came to: judged by its runner's reply, or by how its container ended without one.

A reply is only a claim; its pictures must pass our checks before the outcome is OK.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.launcher.checking import ClaimedFile, ClaimedFiles, check_pictures
from gateway.launcher.engine.engine import SIGNAL_BASE
from gateway.model.jobs import Limits, MiB
from gateway.model.results import Figure, LimitExceeded, Outcome, Picture, PythonWarning, Result
from gateway.pictures.picture import InvalidPicture, TooManyPixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.launcher.checking import Checked
    from gateway.launcher.runner.reply import Reply
    from gateway.model.explanation_reader import ReadExplanation
    from gateway.model.results import Usage
    from gateway.worker.worker_pool import WorkerPool

#: Linux's signals that end programs; the gateway's own platform may number them differently.
SIGNALS = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 31: "SIGSYS"}

NOT_SERVED = "The job's output is not a picture that can be served"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a conversation ended without a complete reply.

    Attributes:
        deadline: We killed the container because its time was over.
        output_exceeded: We killed it because it wrote too much.
        malformed: It wrote something that is not a reply.
        oom_killed: The engine says that the kernel killed it for its memory.
        exit_code: Exit status as the engine reports it; None while it still ran.
    """

    deadline: bool = False
    output_exceeded: bool = False
    malformed: bool = False
    oom_killed: bool = False
    exit_code: int | None = None


def decide_outcome(ending: Ending) -> Outcome:
    """Return the outcome of a job without a reply; the most specific rule comes last and wins."""
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


def explain(ending: Ending, limits: Limits, usage: Usage | None) -> Result:
    """Return the result of a job that ended without a reply, with one sentence for the client."""
    outcome = decide_outcome(ending)
    limit = signal = None
    match outcome:
        case Outcome.TIME_LIMIT:
            text = f"The job took longer than {limits.wall_limit_s:g} s and was stopped."
            limit = LimitExceeded("wall_limit", limits.wall_limit_s, "s")
        case Outcome.MEMORY_LIMIT:
            text = f"The job needed more than {limits.memory_limit_bytes // MiB} MiB of memory and was stopped."
            peak = usage.memory_peak_bytes if usage is not None else None
            limit = LimitExceeded("memory_limit", limits.memory_limit_bytes, "bytes", peak)
        case Outcome.OUTPUT_LIMIT:
            text = f"The job wrote more than {limits.output_limit_bytes // MiB} MiB and was stopped."
            limit = LimitExceeded("output_limit", limits.output_limit_bytes, "bytes")
        case Outcome.KILLED:
            number = (ending.exit_code or 0) - SIGNAL_BASE
            signal = SIGNALS.get(number, f"signal {number}")
            text = f"The job was killed by {signal}."
        case _ if ending.malformed:
            text = f"{NOT_SERVED}: the runner's reply was malformed."
        case _ if ending.exit_code is None:
            text = "The job closed its output without producing a picture."
        case _:
            text = f"The job exited with status {ending.exit_code} without producing a picture."
    return Result(outcome, error=text, limit=limit, signal=signal)


async def judge(reply: Reply, limits: Limits, checks: WorkerPool | None = None) -> Result:
    """Return the result that a reply stands for: its checked figures, or what to tell the client without any.

    Args:
        reply: What the runner says.
        limits: Those of the job.
        checks: Where large pictures are checked; None for those of our own containers.

    Raises:
        Busy: No worker can check them.
    """
    spent_s: list[float] = []
    try:
        checked = await check_pictures(_claimed_files(reply, limits), checks, spent_s.append)
    except InvalidPicture as error:
        limit = None
        if isinstance(error, TooManyPixels):
            limit = pixel_limit_exceeded(limits, error.pixels)
        text = f"{NOT_SERVED}: {error}."
        return Result(
            Outcome.INVALID_OUTPUT,
            error=text,
            files=reply.files,
            files_truncated=reply.files_left_out,
            warnings=reply.warnings,
            limit=limit,
            check_cpu_s=sum(spent_s),
        )
    return Result(
        reply.outcome,
        figures_of(reply, checked),
        "" if reply.outcome is Outcome.OK else reply.error,
        reply.files,
        files_truncated=reply.files_left_out,
        figures_truncated=reply.figures_left_out,
        warnings=(*_unexplained(reply, checked.explanations), *reply.warnings),
        program_error=reply.program_error if reply.outcome is Outcome.PROGRAM_ERROR else None,
        limit=None if reply.pixels is None else pixel_limit_exceeded(limits, reply.pixels),
        figures_drawn=reply.figures_drawn,
        check_cpu_s=sum(spent_s),
    )


def pixel_limit_exceeded(limits: Limits, pixels: int) -> LimitExceeded:
    """Return the limit that a picture exceeds which has, or would have, so many pixels."""
    return LimitExceeded("pixel_limit", limits.pixel_limit, "pixels", pixels)


def figures_of(reply: Reply, checked: Checked) -> tuple[Figure, ...]:
    """Return the figures of a reply whose pictures were checked."""
    figures: list[Figure] = []
    for claimed, size in zip(reply.pictures, checked.sizes, strict=True):
        picture = Picture(claimed.format, claimed.data, size.width, size.height, claimed.pixels_sha256)
        # The reader has made sure that each figure comes in the same formats, in the same order.
        if not figures or claimed.format is reply.pictures[0].format:
            figures.append(Figure(claimed.number, claimed.label, (picture,)))
        else:
            figures[-1] = replace(figures[-1], pictures=(*figures[-1].pictures, picture))
    if not checked.explanations:
        return tuple(figures)
    explained = zip(figures, checked.explanations, strict=True)
    return tuple(replace(figure, explanation=explanation.text) for figure, explanation in explained)


def _claimed_files(reply: Reply, limits: Limits) -> ClaimedFiles:
    files = tuple(ClaimedFile(picture.format, picture.data) for picture in reply.pictures)
    said = reply.explanations
    if said is None:
        return ClaimedFiles(files, limits.pixel_limit)
    return ClaimedFiles(files, limits.pixel_limit, said.text, said.level, len({file.format for file in files}))


def _unexplained(reply: Reply, explanations: Sequence[ReadExplanation]) -> tuple[PythonWarning, ...]:
    """Return warnings about figures of which nothing can be said, though that was asked for."""
    if reply.explanations is not None and reply.explanations.lost is not None:
        return (_not_described("The figures", reply.explanations.lost),)
    numbers: dict[str, list[int]] = {}
    for number, explanation in enumerate(explanations, 1):
        if explanation.fault is not None:
            numbers.setdefault(explanation.fault, []).append(number)
    return tuple(
        _not_described("The figures" if len(those) == len(explanations) else _figures(those), fault)
        for fault, those in numbers.items()
    )


def _figures(numbers: Sequence[int]) -> str:
    return f"{'Figure' if len(numbers) == 1 else 'Figures'} {', '.join(map(str, numbers))}"


def _not_described(which: str, reason: str) -> PythonWarning:
    return PythonWarning("UserWarning", f"{which} could not be described: {reason}.", None)
