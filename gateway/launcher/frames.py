"""The two framings between a runner's standard streams and us, as pure parsers.

Outside is the engine's: an attach stream without a terminal interleaves stdout and stderr in blocks of an
8-byte head (stream number, three zeros, length as 32 bits big-endian) and the bytes.
Source: Docker Engine API, "Attach to a container", section "Stream format".

Inside stdout is ours, the same both ways: one byte of kind, the length as 32 bits big-endian, the payload.

    R  runner → us   ready: Matplotlib is imported; empty
    J  us → runner   the job, JSON
    P  runner → us   a picture, PNG bytes
    E  runner → us   the end of the answer, JSON: {"outcome": …, "error": …}

Whatever comes from a container may be hostile: lengths are judged before a byte is kept, and every
violation raises. Nothing here waits or knows sockets, so any split of a stream must parse alike.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from gateway.jobs import ERROR_TEXT_LIMIT, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.jobs import Job, Limits

READY = b"R"
JOB = b"J"
PICTURE = b"P"
END = b"E"

#: Longest payload of an END frame: the error text, each character at most six bytes of JSON (`\\uXXXX`), and room
#: for the rest of the object.
END_LIMIT = 6 * ERROR_TEXT_LIMIT + 1024

_BLOCK_HEAD = struct.Struct(">BxxxI")
_FRAME_HEAD = struct.Struct(">cI")

#: The outcomes a runner may claim; all others are decided from outside.
CLAIMABLE = frozenset({Outcome.OK, Outcome.PROGRAM_ERROR, Outcome.NO_FIGURE})


class MalformedAnswer(Exception):
    """A container wrote something that is no answer."""


class OutputExceeded(MalformedAnswer):
    """A container wrote more bytes than it may, or announced that it will."""


class Stream(IntEnum):
    """The engine's numbers for a container's streams."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer as the runner claims it; the picture is not checked yet."""

    outcome: Outcome
    picture: bytes | None
    error: str


class Demultiplexer:
    """Splits an attach stream into the bytes of stdout and stderr, however it is cut into pieces."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._stream = Stream.STDOUT
        self._remaining = 0

    @property
    def at_boundary(self) -> bool:
        """Whether a stream that ends here ends between blocks, and not within one."""
        return not self._head and not self._remaining

    def feed(self, data: bytes) -> Iterator[tuple[Stream, memoryview]]:
        """Yield the pieces of payload in `data`, in order.

        Raises:
            MalformedAnswer: A head names no stream; with a real engine that can't be.
        """
        view = memoryview(data)
        while view:
            if not self._remaining:
                missing = _BLOCK_HEAD.size - len(self._head)
                self._head += view[:missing]
                view = view[missing:]
                if len(self._head) < _BLOCK_HEAD.size:
                    return
                number, self._remaining = _BLOCK_HEAD.unpack(self._head)
                self._head.clear()
                if number not in (Stream.STDOUT, Stream.STDERR):
                    raise MalformedAnswer("the engine's stream is out of step")
                self._stream = Stream(number)
                continue
            piece = view[: self._remaining]
            view = view[len(piece) :]
            self._remaining -= len(piece)
            yield self._stream, piece


class FrameReader:
    """Collects frames of our own framing from the pieces of a container's stdout.

    Args:
        limits: The frame kinds to be accepted, each with the longest payload it may have in bytes.
    """

    def __init__(self, limits: dict[bytes, int]) -> None:
        self._limits = limits
        self._buffer = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether no part of a frame is waiting for its rest."""
        return not self._buffer

    def feed(self, piece: bytes | memoryview) -> Iterator[tuple[bytes, bytes]]:
        """Yield each frame that `piece` completes, as kind and payload.

        Raises:
            MalformedAnswer: A frame of another kind.
            OutputExceeded: One longer than its kind may be.
        """
        self._buffer += piece
        while len(self._buffer) >= _FRAME_HEAD.size:
            kind, length = _FRAME_HEAD.unpack_from(self._buffer)
            if kind not in self._limits:
                raise MalformedAnswer("it wrote something that is no answer")
            if length > self._limits[kind]:
                raise OutputExceeded("a part of its answer is too long")
            end = _FRAME_HEAD.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_FRAME_HEAD.size : end])
            del self._buffer[:end]
            yield kind, payload


class AnswerReader:
    """Assembles one answer from a container's stdout.

    Args:
        picture_limit: Longest picture in bytes.
    """

    def __init__(self, picture_limit: int) -> None:
        self._frames = FrameReader({PICTURE: picture_limit, END: END_LIMIT})
        self._picture: bytes | None = None

    def feed(self, piece: bytes | memoryview) -> Answer | None:
        """Return the answer once `piece` completes it; what follows the END frame is nobody's business.

        Raises:
            MalformedAnswer: It can't become an answer any more.
        """
        for kind, payload in self._frames.feed(piece):
            if kind == END:
                return self._finish(payload)
            if self._picture is not None:
                raise MalformedAnswer("it sent more pictures than asked for")
            self._picture = payload
        return None

    def _finish(self, payload: bytes) -> Answer:
        try:
            claim = json.loads(payload)
            outcome = Outcome(claim["outcome"])
            error = claim.get("error", "")
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as cause:
            raise MalformedAnswer("the end of its answer can't be read") from cause
        if outcome not in CLAIMABLE or not isinstance(error, str):
            raise MalformedAnswer("the end of its answer says nothing known")
        if (outcome is Outcome.OK) != (self._picture is not None):
            raise MalformedAnswer("its answer has no picture, or one too many")
        return Answer(outcome, self._picture, error)


def encode_frame(kind: bytes, payload: bytes = b"") -> bytes:
    """Return one frame of our own framing."""
    return _FRAME_HEAD.pack(kind, len(payload)) + payload


def encode_job(job: Job, limits: Limits) -> bytes:
    """Return the frame that hands a job to a runner."""
    document = {
        "code": job.code,
        "dpi": job.options.dpi,
        "bbox_inches": job.options.bbox_inches,
        "wall_limit_s": limits.wall_limit_s,
    }
    return encode_frame(JOB, json.dumps(document).encode("ascii"))
