"""Animated PNG: each frame is a PNG's image data.

Source: Portable Network Graphics (PNG) Specification, third edition, sections 5.3 and 11.3.6.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from moving.film import Film, saved

if TYPE_CHECKING:
    from moving.film import Box

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Where the chunks of a picture begin that follow its header.
AFTER_HEADER = len(SIGNATURE) + 25

#: 8 bits for each of red, green, blue and alpha.
PIXELS = bytes((8, 6, 0, 0, 0))

#: A delay is a fraction of a second.
MS_IN_A_S = 1000

#: What a frame replaces stays afterwards, and isn't mixed with it.
STAYS, NOT_BLENDED = 0, 0


class Apng(Film):
    """An APNG."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = 0

    def encode(self, part: Any, box: Box, delay_ms: int) -> bytes:
        """Return the frame's head, and its data: of the first frame as in a PNG, which other programs then show."""
        left, top, _, _ = box
        place = struct.pack(">IIII", *part.size, left, top)
        how = struct.pack(">HHBB", delay_ms, MS_IN_A_S, STAYS, NOT_BLENDED)
        head = chunk(b"fcTL", self._number() + place + how)
        data = image_data(saved(part, "png"))
        return head + (chunk(b"fdAT", self._number() + data) if self._parts else chunk(b"IDAT", data))

    def finish(self, *, repeat: bool) -> bytes:
        """Return the file."""
        header = chunk(b"IHDR", struct.pack(">II", *self.size) + PIXELS)
        control = chunk(b"acTL", struct.pack(">II", len(self._parts), 0 if repeat else 1))
        return b"".join((SIGNATURE, header, control, *self._parts, chunk(b"IEND", b"")))

    def _number(self) -> bytes:
        self._numbers += 1
        return struct.pack(">I", self._numbers - 1)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def image_data(picture: bytes) -> bytes:
    """Return the compressed pixels of a PNG."""
    parts, position = [], AFTER_HEADER
    while position < len(picture):
        length, kind = struct.unpack_from(">I4s", picture, position)
        if kind == b"IDAT":
            parts.append(picture[position + 8 : position + 8 + length])
        position += 12 + length
    return b"".join(parts)
