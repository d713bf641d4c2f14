"""Animated WebP: each frame is a WebP's image data, lossy as Matplotlib's WebP is.

Source: RFC 9649 (WebP), section 2.7.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from moving.film import Film, is_opaque, saved

if TYPE_CHECKING:
    from moving.film import Box

#: Lengths of the container's head, and of the extended header after it.
HEAD_LENGTH, EXTENDED_LENGTH = 12, 18

ANIMATION_FLAG, ALPHA_FLAG = 0x02, 0x10

#: What a frame replaces isn't mixed with it, and it stays.
NOT_BLENDED = b"\x02"

#: Which viewers ignore.
BACKGROUND = bytes(4)


class AnimatedWebP(Film):
    """An animated WebP."""

    step = 2

    def __init__(self) -> None:
        super().__init__()
        self._flags = ANIMATION_FLAG

    def encode(self, part: Any, box: Box, delay_ms: int) -> bytes:
        """Return the frame's place, delay and data."""
        if is_opaque(part):
            part = part.convert("RGB")
        else:
            self._flags |= ALPHA_FLAG
        data = saved(part, "webp")[HEAD_LENGTH:]
        if data.startswith(b"VP8X"):
            data = data[EXTENDED_LENGTH:]
        numbers = (box[0] // self.step, box[1] // self.step, part.width - 1, part.height - 1, delay_ms)
        return chunk(b"ANMF", b"".join(map(in_24_bits, numbers)) + NOT_BLENDED + data)

    def finish(self, *, repeat: bool) -> bytes:
        """Return the file."""
        width, height = self.size
        extended = chunk(b"VP8X", bytes((self._flags, 0, 0, 0)) + in_24_bits(width - 1) + in_24_bits(height - 1))
        animation = chunk(b"ANIM", BACKGROUND + struct.pack("<H", 0 if repeat else 1))
        return chunk(b"RIFF", b"".join((b"WEBP", extended, animation, *self._parts)))


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with its length, filled up to an even one."""
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def in_24_bits(number: int) -> bytes:
    """Return a number as three bytes."""
    return number.to_bytes(3, "little")
