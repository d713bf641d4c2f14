"""The blocks and frames between a runner's standard streams and us, as pure parsers.

The outer layer is the engine's: an attach stream without a terminal interleaves stdout and stderr in blocks of an
8-byte head (stream number, three zeros, length as 32 bits big-endian) and the bytes.
Source: Docker Engine API, "Attach to a container", section "Stream format".

The inner layer, in stdin and stdout, is ours: frames of one byte of kind, the length as 32 bits big-endian, and the
payload. A name or head at the beginning of a payload has its own length, 16 bits big-endian, before it.

    R  runner → us   ready: Matplotlib is imported; empty
    F  us → runner   a data file: name, bytes; before the job
    J  us → runner   the job, JSON: {"code", "options": {fields of `SaveOptions`}, "seed", "collect",
                     "limits": {"memory_limit_bytes", "output_limit_bytes", "pixel_limit"}}
    O  runner → us   bytes that the code printed to stdout, as they come; only for jobs that collect
    S  runner → us   the same of stderr
    P  runner → us   a picture: head, bytes. JSON: {"figure", "label", "format", "pixels_sha256"}
    F  runner → us   a file that the code wrote: name, bytes; only for jobs that collect
    E  runner → us   the end of the reply, JSON: {"outcome"} and, where they apply, "error", "fault", "figures_drawn",
                     "pixels", "notices", "files_left_out", "figures_left_out"

Pictures come before files, and files before the end; prints may come at any time. What each may contain is in
`gateway.launcher.runner.reply`.

Whatever comes from a container may be hostile: lengths are checked before a byte is kept, and every violation raises.
The parsers do no I/O, and however a stream is split it must parse the same.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.model.jobs import Job, Limits

READY = b"R"
JOB = b"J"
STDOUT = b"O"
STDERR = b"S"
PICTURE = b"P"
FILE = b"F"
END = b"E"
EXPLANATIONS = b"D"

_BLOCK_HEAD = struct.Struct(">BxxxI")
#: The head of a frame: its kind, and the length of its payload.
FRAME_HEAD = struct.Struct(">cI")

_HEAD_LENGTH = struct.Struct(">H")

#: Length of payloads that leave the reader's buffer at once; shorter ones leave it with those that came with them.
LONG_BYTES = 64 * 1024


class MalformedReply(Exception):
    """A container wrote something that is not a reply."""


class OutputExceeded(MalformedReply):
    """A container wrote more bytes than it may, or announced more."""


class Stream(IntEnum):
    """The engine's numbers for a container's streams."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2


#: The streams that a container writes to, by their numbers.
_OUTPUTS = {int(stream): stream for stream in (Stream.STDOUT, Stream.STDERR)}


class Demultiplexer:
    """Separates the bytes of stdout and stderr in an attach stream that arrives in pieces of any size."""

    def __init__(self) -> None:
        self._head = b""
        self._stream = Stream.STDOUT
        self._remaining = 0

    def feed(self, data: bytes) -> Iterator[tuple[Stream, bytes]]:
        """Yield what `data` brings of each stream, stderr first.

        It is put together before anybody looks at it: a guest that writes byte by byte makes blocks of one byte, and
        looking at each takes three times as long.

        Raises:
            MalformedReply: A head names neither stream, after what comes before it; a real engine never sends that.
        """
        pieces: dict[Stream, list[memoryview]] = {Stream.STDERR: [], Stream.STDOUT: []}
        in_step = self._separate(data, pieces)
        for stream, found in pieces.items():
            if found:
                yield stream, b"".join(found)
        if not in_step:
            raise MalformedReply("the engine's stream is out of step")

    def _separate(self, data: bytes, pieces: dict[Stream, list[memoryview]]) -> bool:
        """Add the pieces of payload in `data` to those of their streams; return whether all heads were good."""
        position, size = 0, len(data)
        view = memoryview(data)
        while position < size:
            if not self._remaining:
                head = self._head + data[position : position + _BLOCK_HEAD.size - len(self._head)]
                position += len(head) - len(self._head)
                if len(head) < _BLOCK_HEAD.size:
                    self._head = head
                    break
                self._head = b""
                number, self._remaining = _BLOCK_HEAD.unpack(head)
                stream = _OUTPUTS.get(number)
                if stream is None:
                    return False
                self._stream = stream
            else:
                piece = view[position : position + self._remaining]
                position += len(piece)
                self._remaining -= len(piece)
                pieces[self._stream].append(piece)
        return True


class FrameReader:
    """Collects frames from the pieces of a container's stdout.

    Args:
        limits: The kinds to accept, each with its longest payload in bytes.
    """

    def __init__(self, limits: dict[bytes, int]) -> None:
        self._limits = limits
        self._buffer = bytearray()

    def accept(self, limits: dict[bytes, int]) -> None:
        """Accept other kinds of frames from now on."""
        self._limits = limits

    @property
    def is_empty(self) -> bool:
        """Whether all frames so far are complete."""
        return not self._buffer

    def feed(self, piece: bytes | memoryview) -> Iterator[tuple[bytes, bytes]]:
        """Yield each frame that `piece` completes, as kind and payload.

        Raises:
            MalformedReply: A frame of another kind.
            OutputExceeded: A frame longer than its kind may be.
        """
        self._buffer += piece
        begin, size = 0, len(self._buffer)
        try:
            while size - begin >= FRAME_HEAD.size:
                kind, length = FRAME_HEAD.unpack_from(self._buffer, begin)
                if kind not in self._limits:
                    raise MalformedReply("it wrote something that is not a reply")
                if length > self._limits[kind]:
                    raise OutputExceeded("a part of its reply is too long")
                end = begin + FRAME_HEAD.size + length
                if size < end:
                    return
                with memoryview(self._buffer) as view:  # a slice of the buffer itself would be one copy more
                    payload = bytes(view[begin + FRAME_HEAD.size : end])
                begin = end
                if length > LONG_BYTES:  # whoever takes it needs not hold it twice
                    del self._buffer[:begin]
                    begin, size = 0, len(self._buffer)
                yield kind, payload
        finally:
            del self._buffer[:begin]


def encode_frame(kind: bytes, payload: bytes = b"") -> bytes:
    """Return one frame."""
    return FRAME_HEAD.pack(kind, len(payload)) + payload


def with_head(head: bytes, data: bytes) -> bytes:
    """Return a payload that begins with a name or head."""
    return _HEAD_LENGTH.pack(len(head)) + head + data


def split_head(payload: bytes) -> tuple[bytes, bytes]:
    """Return the name or head of a payload, and the rest of it.

    Raises:
        MalformedReply: The payload is shorter than it says.
    """
    if len(payload) < _HEAD_LENGTH.size:
        raise MalformedReply("a part of its reply is cut short")
    end = _HEAD_LENGTH.size + _HEAD_LENGTH.unpack_from(payload)[0]
    if end > len(payload):
        raise MalformedReply("a part of its reply is cut short")
    return payload[_HEAD_LENGTH.size : end], payload[end:]


def encode_job(job: Job, limits: Limits) -> bytes:
    """Return the frames that hand a job to a runner: its data files, then the job itself."""
    document = {
        "code": job.code,
        "options": {**asdict(job.options), "rc": dict(job.options.rc)},
        "seed": job.seed,
        "collect": job.collect,
        "limits": {
            "memory_limit_bytes": limits.memory_limit_bytes,
            "output_limit_bytes": limits.output_limit_bytes,
            "pixel_limit": limits.pixel_limit,
        },
    }
    pieces: list[bytes] = []  # so that the files are copied once
    for file in job.files:
        head = with_head(file.name.encode(), b"")
        pieces += (FRAME_HEAD.pack(FILE, len(head) + len(file.data)), head, file.data)
    return b"".join((*pieces, encode_frame(JOB, json.dumps(document).encode("ascii"))))


def last_words(written: bytes) -> str:
    """Return the last line that isn't blank of what our own program wrote to stderr, printable; empty if it has none.

    Args:
        written: The end of it.
    """
    lines = ("".join(filter(str.isprintable, line)).strip() for line in written.decode("utf-8", "replace").splitlines())
    return next((line for line in reversed(list(lines)) if line), "")
