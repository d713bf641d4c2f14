"""One submission, as the launcher sends it: data files, then the job itself. All of it has been checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import frames
from collect import work_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

JOB_FRAME_LIMIT_BYTES = 16 * 1024 * 1024
FILE_FRAME_LIMIT_BYTES = 256 * 1024 * 1024
NAME_LIMIT_BYTES = 1024


class UnknownFrame(Exception):
    """A frame that the launcher never sends."""


class SaveOptions(NamedTuple):
    """How figures are saved; the gateway's class of the same name says what each means."""

    formats: Sequence[str] = ("png",)
    all_figures: bool = False
    dpi: float | None = None
    width_in: float | None = None
    height_in: float | None = None
    bbox_inches: str | None = None
    transparent: bool = False
    style: Sequence[str] = ()
    rc: dict[str, Any] = {}  # noqa: RUF012 - never changed
    describe: str = "none"
    embed_alt_text: bool = False


class Job(NamedTuple):
    """One submission; by hand it is the code alone.

    Attributes:
        collect: Whether printed text, written files, warnings and digests of pixels come back too, and waiting for a
            user ends at once.
        pixel_limit: Most pixels of a picture; 0 is any number.
    """

    code: str | bytes
    options: SaveOptions = SaveOptions()
    seed: int | None = None
    collect: bool = False
    memory_limit_bytes: int = 0
    output_limit_bytes: int = 0
    pixel_limit: int = 0


def receive(stream: int) -> tuple[Job, str]:
    """Read one submission; its data files are written into the working directory as they come.

    Returns:
        The job, and why a data file could not be written; empty when all could.

    Raises:
        StreamEnded: The launcher closed the stream; before a job that is not an error.
        UnknownFrame: What came is not a submission.
    """
    error = ""
    while True:
        kind, length = frames.FRAME_HEADER.unpack(frames.read_exactly(stream, frames.FRAME_HEADER.size))
        if kind == b"F" and length <= FILE_FRAME_LIMIT_BYTES:
            error = receive_file(stream, length) or error
        elif kind == b"J" and length <= JOB_FRAME_LIMIT_BYTES:
            return parse(frames.read_exactly(stream, length)), error
        else:
            raise UnknownFrame


def receive_file(stream: int, length: int) -> str:
    """Write one data file; return why that failed, since the rest of the submission must be read all the same."""
    (name_length,) = frames.NAME_LENGTH.unpack(frames.read_exactly(stream, frames.NAME_LENGTH.size))
    length -= frames.NAME_LENGTH.size + name_length
    if name_length > NAME_LIMIT_BYTES or length < 0:
        raise UnknownFrame
    name = frames.read_exactly(stream, name_length).decode()
    with work_dir.DataFile(name) as file:
        while length:
            piece = frames.read_exactly(stream, min(length, 1 << 20))
            length -= len(piece)
            file.write(piece)
    return file.error


def parse(payload: bytes) -> Job:
    """Read the job's own frame."""
    document = json.loads(payload)
    options, limits = SaveOptions(**document.pop("options")), document.pop("limits")
    return Job(options=options, **document, **limits)
