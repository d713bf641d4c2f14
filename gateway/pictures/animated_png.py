"""Check an animated PNG (APNG) without decoding it.

A file passes if it is as the runner writes an animation: the header, how many frames there are, and the frames, each
within the canvas, replacing what was there; the first one is the whole canvas, so that decoders that know no animation
show it. All sequence numbers are there, and nothing else is: no palette, text, profile or resolution.

Source: Portable Network Graphics (PNG) Specification, third edition, https://www.w3.org/TR/png-3/, sections 5.3 (chunk
layout) and 11.3.6 (animation).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gateway.pictures.picture import InvalidPicture, Size, check_frames
from gateway.pictures.png import CHUNK_BYTES, CHUNK_LIMIT, next_chunk, read_header

#: Colour type of pixels with transparency.
TRUECOLOUR_ALPHA = 6

_CONTROL = struct.Struct(">II")
_FRAME = struct.Struct(">IIIIIHHBB")
_NUMBER = struct.Struct(">I")


@dataclass(slots=True)
class _Frames:
    """The frames that were read so far."""

    canvas: Size
    count: int = 0
    numbers: int = 0
    data_chunks: int = 0

    def begin(self, body: memoryview) -> None:
        """Take the head of the next frame: the one before is complete."""
        self.end()
        if len(body) != _FRAME.size:
            raise InvalidPicture("one of its parts is malformed")
        number, width, height, left, top, _, _, disposal, blending = _FRAME.unpack(body)
        self._take_number(number)
        if disposal or blending:
            raise InvalidPicture("one of its frames has values that are not allowed")
        if not width or not height or left + width > self.canvas.width or top + height > self.canvas.height:
            raise InvalidPicture("one of its frames is not within its canvas")
        if not self.count and Size(width, height) != self.canvas:
            raise InvalidPicture("its first frame is not its canvas")
        self.count += 1
        self.data_chunks = 0

    def take(self, kind: bytes, body: memoryview) -> None:
        """Take data: of the first frame without a sequence number, as of a picture that isn't animated."""
        if not self.count or (kind == b"IDAT") != (self.count == 1):
            raise InvalidPicture("its parts are out of order")
        if kind == b"fdAT":
            if len(body) < _NUMBER.size:
                raise InvalidPicture("one of its parts is malformed")
            self._take_number(_NUMBER.unpack_from(body)[0])
        self.data_chunks += 1

    def end(self) -> None:
        """Check that the last frame has data."""
        if self.count and not self.data_chunks:
            raise InvalidPicture("it has no image data")

    def _take_number(self, number: int) -> None:
        if number != self.numbers:
            raise InvalidPicture("its frames are out of order")
        self.numbers += 1


def check_apng(data: bytes, pixel_limit: int) -> Size:
    """Return the size in pixels of exactly one well-formed APNG; see `gateway.pictures.check.check_picture`."""
    canvas, colour, position = read_header(data, pixel_limit)
    if colour != TRUECOLOUR_ALPHA:
        raise InvalidPicture("its header has values that are not allowed")
    kind, body, position = next_chunk(data, position)
    if kind != b"acTL" or len(body) != _CONTROL.size:
        raise InvalidPicture("it is not animated")
    announced, _ = _CONTROL.unpack(body)
    check_frames(announced, canvas, pixel_limit)
    frames = _Frames(canvas)
    for _ in range(2 * announced + CHUNK_LIMIT + len(data) // CHUNK_BYTES):
        kind, body, position = next_chunk(data, position)
        if kind == b"fcTL":
            frames.begin(body)
        elif kind in (b"IDAT", b"fdAT"):
            frames.take(kind, body)
        else:
            break
    else:
        raise InvalidPicture("it has too many chunks")
    if kind != b"IEND":
        raise InvalidPicture("it has a chunk of a type that is not allowed")
    frames.end()
    if frames.count != announced:
        raise InvalidPicture("it has another number of frames than it states")
    if len(body) or position != len(data):
        raise InvalidPicture("something follows its end")
    return canvas
