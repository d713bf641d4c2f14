"""One submission, as the gateway sends it: data files, then the job itself. The gateway has checked all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import wire
import work_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

JOB_FRAME_LIMIT_BYTES = 16 * 1024 * 1024
FILE_FRAME_LIMIT_BYTES = 256 * 1024 * 1024
NAME_LIMIT_BYTES = 1024


class UnknownFrame(Exception):
    """Something came that nobody of ours sends."""


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
    rc: dict[str, Any] = {}  # noqa: RUF012  # nobody changes it


class Job(NamedTuple):
    """One submission; by hand it is the code alone.

    Attributes:
        collect: whether printed text, written files, warnings and digests of pixels come back too, and the program is
            helped along where nobody is there to press a key.
    """

    code: str | bytes
    options: SaveOptions = SaveOptions()
    seed: int | None = None
    collect: bool = False
    wall_limit_s: float | None = None
    memory_limit_bytes: int = 0
    output_limit_bytes: int = 0


def receive(stream: int) -> tuple[Job, str]:
    """Read one submission; its data files are written into the working directory as they come.

    Returns:
        The job, and why a data file could not be written; empty when all is well.

    Raises:
        StreamEnded: The gateway went away; before a job that is no fault.
        UnknownFrame: What came is not a submission.
    """
    fault = ""
    while True:
        kind, length = wire.FRAME_HEADER.unpack(wire.read_exactly(stream, wire.FRAME_HEADER.size))
        if kind == b"F" and length <= FILE_FRAME_LIMIT_BYTES:
            fault = receive_file(stream, length) or fault
        elif kind == b"J" and length <= JOB_FRAME_LIMIT_BYTES:
            return parse(wire.read_exactly(stream, length)), fault
        else:
            raise UnknownFrame


def receive_file(stream: int, length: int) -> str:
    """Write one data file; returns why that failed, for the rest of the submission must be read all the same."""
    (name_length,) = wire.NAME_LENGTH.unpack(wire.read_exactly(stream, wire.NAME_LENGTH.size))
    length -= wire.NAME_LENGTH.size + name_length
    if name_length > NAME_LIMIT_BYTES or length < 0:
        raise UnknownFrame
    name = wire.read_exactly(stream, name_length).decode()
    fault = ""
    with work_dir.Arrival(name) as arrival:
        while length:
            piece = wire.read_exactly(stream, min(length, 1 << 20))
            length -= len(piece)
            fault = fault or arrival.write(piece)
    return fault or arrival.fault


def parse(payload: bytes) -> Job:
    """Read the job's own frame."""
    document = json.loads(payload)
    limits = document["limits"]
    return Job(
        code=document["code"],
        options=SaveOptions(**document["options"]),
        seed=document["seed"],
        collect=document["collect"],
        wall_limit_s=limits["wall_limit_s"],
        memory_limit_bytes=limits["memory_limit_bytes"],
        output_limit_bytes=limits["output_limit_bytes"],
    )
