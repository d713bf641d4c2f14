"""Check the pictures of a reply, as a task of a worker.

A process that checks pictures sees nothing else: neither code nor files, and no other job's while it works.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.model.jobs import Format, KiB, MiB
from gateway.pictures.check import check_picture
from gateway.pictures.picture import InvalidPicture, TooManyPixels
from gateway.worker.task import Task, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    """

    files: tuple[ClaimedFile, ...]
    pixel_limit: int


@dataclass(frozen=True, slots=True)
class CheckedSize:
    """The size of a picture that may be served; see `gateway.pictures.picture.Size`."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of the check.

    Attributes:
        sizes: Those of all pictures, if they may be served.
        fault: What is wrong with the first that may not, or None; as in `InvalidPicture`.
        too_large: Its size, if that is what is wrong.
    """

    sizes: tuple[CheckedSize, ...] = ()
    fault: str | None = None
    too_large: CheckedSize | None = None


def check_files(claimed: ClaimedFiles) -> Findings:
    """Check all pictures of a reply."""
    sizes = []
    try:
        for file in claimed.files:
            size = check_picture(file.format, file.data, claimed.pixel_limit)
            sizes.append(CheckedSize(size.width, size.height))
    except TooManyPixels as error:
        return Findings(fault=str(error), too_large=CheckedSize(error.width, error.height))
    except InvalidPicture as error:
        return Findings(fault=str(error))
    return Findings(tuple(sizes))


def _size(claimed: ClaimedFiles) -> int:
    return sum(len(file.data) for file in claimed.files)


def _at_once(claimed: ClaimedFiles) -> bool:
    return _size(claimed) <= AT_ONCE_BYTES and all(file.format in AT_ONCE_FORMATS for file in claimed.files)


TASK = Task(
    module=__name__,
    question=ClaimedFiles,
    answer=Findings,
    work=check_files,
    size=_size,
    at_once=_at_once,
    bytes_per_s=BYTES_PER_S,
    memory_per_byte=MEMORY_PER_BYTE,
    examples=tuple(ClaimedFiles((ClaimedFile(kind, b"no picture"),), 1) for kind in Format),
)


async def check_pictures(
    pictures: Sequence[ClaimedFile], pixel_limit: int, checks: WorkerPool | None, paid: Callable[[float], object]
) -> tuple[CheckedSize, ...]:
    """Return the sizes of pictures, all of which may be served.

    Args:
        pictures: What a runner sent.
        pixel_limit: Most pixels that each may have.
        checks: Where large ones are checked; None for what a container of our own drew, which is checked here.
        paid: Called with the processor seconds that it took.

    Raises:
        InvalidPicture: One of them can't be served, so none is.
        Busy: No worker is to be had.
    """
    claimed = ClaimedFiles(tuple(pictures), pixel_limit)
    try:
        if checks is None:
            findings = check_files(claimed)
        else:
            findings = await checks.do(TASK, claimed, key=NOBODY, paid=paid)
    except Unfinished as error:
        raise InvalidPicture(f"checking {error}") from error
    if findings.too_large is not None:
        raise TooManyPixels(findings.too_large.width, findings.too_large.height, pixel_limit)
    if findings.fault is not None or len(findings.sizes) != len(pictures):
        raise InvalidPicture(findings.fault or "it was not checked")
    return findings.sizes
