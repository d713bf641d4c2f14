"""Animated GIF: frames of 256 colours each; a pixel is seen, or not at all.

Source: CompuServe, Graphics Interchange Format version 89a; Netscape 2.0, application extension.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from moving.film import Film, is_opaque

if TYPE_CHECKING:
    from moving.film import Box

#: Largest width and height.
SIDE_LIMIT = 65_535

FOREVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"

#: What becomes of a frame when the next one comes.
STAYS, CLEARED = 1, 2

#: Browsers take a shorter delay for a mistake, and wait a tenth of a second. In hundredths of a second.
SHORTEST_DELAY = 2

#: Colours of a frame; one more stands for what is transparent.
COLOURS = 255


class Gif(Film):
    """A GIF. Whether it has transparent pixels is decided by its first frame."""

    def __init__(self) -> None:
        super().__init__()
        self._see_through: bool | None = None

    def changed(self, frame: Any) -> Box:
        """Return the box of what changes; a picture with transparent pixels is cleared, and drawn anew as a whole."""
        if self._see_through is None:
            self._see_through = not is_opaque(frame)
        return (0, 0, *frame.size) if self._see_through else super().changed(frame)

    def encode(self, part: Any, box: Box, delay_ms: int) -> bytes:
        """Return the frame's delay, place, colours and data."""
        from PIL import GifImagePlugin, Image

        if max(self.size) > SIDE_LIMIT:
            raise ValueError(f"a GIF has at most {SIDE_LIMIT} pixels in a row or column")
        delay = max(SHORTEST_DELAY, round(delay_ms / 10))
        told: dict[str, Any] = {"duration": 10 * delay, "disposal": STAYS, "include_color_table": True}
        few = part.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        if self._see_through:
            hidden = part.getchannel("A").point(lambda alpha: 255 * (alpha < 128))  # noqa: PLR2004 - half
            few.paste(COLOURS, mask=hidden)
            few.putpalette(_padded(few.getpalette()))
            told |= {"disposal": CLEARED, "transparency": COLOURS}
        return b"".join(GifImagePlugin.getdata(few, box[:2], **told))

    def finish(self, *, repeat: bool) -> bytes:
        """Return the file."""
        head = b"GIF89a" + struct.pack("<HHBBB", *self.size, 0, 0, 0)
        return b"".join((head, FOREVER if repeat else b"", *self._parts, b";"))


def _padded(palette: list[int] | None) -> bytes:
    """Return a palette of 256 colours."""
    return bytes(palette or ())[: 3 * COLOURS].ljust(3 * (COLOURS + 1), b"\0")
