"""Check the pictures of a reply and what is said of them, as a task of a worker.

A process that checks pictures sees nothing else: neither code nor files, and no other job's while it works.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gateway.model.explanation_reader import ReadExplanation, read_explanations
from gateway.model.jobs import Describe, Format, KiB, MiB
from gateway.pictures.check import check_picture
from gateway.pictures.picture import InvalidPicture, TooManyPixels
from gateway.worker.task import Task, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.worker.worker_pool import WorkerPool

#: The rate that the deadline follows from. The slowest honest file, an SVG of many short elements, is checked at 12 MiB
#: in a second.
BYTES_PER_S = 1 * MiB

#: Bytes of memory for each byte of the largest reply: the checks keep a copy, and a few numbers for each part.
MEMORY_PER_BYTE = 8

#: Formats that are checked at once, and up to how many bytes of them together: their parts are so few that the most
#: hostile file takes 3 ms. Animations may have a thousand frames; SVG and PDF are read word by word, at up to 3 ms for
#: each KiB.
AT_ONCE_FORMATS = frozenset({Format.PNG, Format.JPEG, Format.WEBP})
AT_ONCE_BYTES = 512 * KiB

#: Up to how many bytes what is said of the pictures is read at once: less than 10 ms, where all are numbers.
EXPLANATIONS_AT_ONCE_BYTES = 16 * KiB

#: Waiting checks are served in their order: there are hardly more than jobs that run, and those take turns.
NOBODY = ""


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """What a runner says is a picture.

    Attributes:
        format: The format that was asked for.
        data: The whole file.
    """

    format: Format
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimedFiles:
    """All pictures of a reply.

    Attributes:
        files: In their order.
        pixel_limit: Most pixels that each may have.
        explanations: What is said of the figures, as JSON; empty if nothing is.
        level: How much was to be said.
        formats: How many files each figure has.
    """

    files: tuple[ClaimedFile, ...]
    pixel_limit: int
    explanations: bytes = field(default=b"", repr=False)
    level: Describe = Describe.NONE
    formats: int = 1


@dataclass(frozen=True, slots=True)
class CheckedSize:
    """The size of a picture that may be served; see `gateway.pictures.picture.Size`."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of the check.

    Attributes:
        sizes: Those of all pictures, if they may be served.
        fault: What is wrong with the first that may not, or None; as in `InvalidPicture`.
        too_large: Its size, if that is what is wrong.
        explanations: What is said of each figure, if anything was and the pictures may be served.
    """

    sizes: tuple[CheckedSize, ...] = ()
    fault: str | None = None
    too_large: CheckedSize | None = None
    explanations: tuple[ReadExplanation, ...] = ()


def check_files(claimed: ClaimedFiles) -> Checked:
    """Check all pictures of a reply, and what is said of them."""
    sizes = []
    try:
        for file in claimed.files:
            size = check_picture(file.format, file.data, claimed.pixel_limit)
            sizes.append(CheckedSize(size.width, size.height))
    except TooManyPixels as error:
        return Checked(fault=str(error), too_large=CheckedSize(error.width, error.height))
    except InvalidPicture as error:
        return Checked(fault=str(error))
    explanations: tuple[ReadExplanation, ...] = ()
    if claimed.explanations:
        first = [(size.width, size.height) for size in sizes[:: claimed.formats]]
        explanations = read_explanations(claimed.explanations, claimed.level, first)
    return Checked(tuple(sizes), explanations=explanations)


def _size(claimed: ClaimedFiles) -> int:
    return sum(len(file.data) for file in claimed.files) + len(claimed.explanations)


def _at_once(claimed: ClaimedFiles) -> bool:
    if len(claimed.explanations) > EXPLANATIONS_AT_ONCE_BYTES:
        return False
    return _size(claimed) <= AT_ONCE_BYTES and all(file.format in AT_ONCE_FORMATS for file in claimed.files)


TASK = Task(
    module=__name__,
    question=ClaimedFiles,
    answer=Checked,
    work=check_files,
    size=_size,
    at_once=_at_once,
    bytes_per_s=BYTES_PER_S,
    memory_per_byte=MEMORY_PER_BYTE,
    examples=(
        *(ClaimedFiles((ClaimedFile(kind, b"no picture"),), 1) for kind in Format),
        ClaimedFiles((), 1, b"[]", Describe.FULL),
    ),
)


async def check_pictures(claimed: ClaimedFiles, checks: WorkerPool | None, paid: Callable[[float], object]) -> Checked:
    """Return what came of checking pictures, all of which may be served, whatever is said of them.

    Args:
        claimed: What a runner sent.
        checks: Where large ones are checked; None for what a container of our own drew, which is checked here.
        paid: Called with the processor seconds that it took.

    Raises:
        InvalidPicture: One of them can't be served, so none is.
        Busy: No worker is to be had.
    """
    try:
        if checks is None:
            checked = check_files(claimed)
        else:
            checked = await checks.do(TASK, claimed, key=NOBODY, paid=paid)
    except Unfinished as error:
        if not claimed.explanations:
            raise InvalidPicture(f"checking {error}") from error
        unread = ReadExplanation(fault=f"reading the description {error}")
        checked = await check_pictures(replace(claimed, explanations=b""), checks, paid)
        return replace(checked, explanations=(unread,) * (len(claimed.files) // claimed.formats))
    if checked.too_large is not None:
        raise TooManyPixels(checked.too_large.width, checked.too_large.height, claimed.pixel_limit)
    if checked.fault is not None or len(checked.sizes) != len(claimed.files):
        raise InvalidPicture(checked.fault or "it was not checked")
    return checked
