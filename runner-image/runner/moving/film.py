"""What the files of animations have in common: frames come one by one, and only what has changed is kept of each.

They are put together here, of frames that Pillow encodes, since Pillow itself keeps all frames of a file until its end:
four bytes for each of their pixels.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

    Box = tuple[int, int, int, int]

#: Longest delay in ms; the shortest of the formats' numbers has 16 bits.
DELAY_LIMIT_MS = 65_535


class Film:
    """An animation as a file.

    Attributes:
        size: Width and height of all frames in pixels, once there is one.
    """

    #: A frame's left and top are multiples of this.
    step = 1

    def __init__(self) -> None:
        self.size = (0, 0)
        self._parts: list[bytes] = []
        self._before: Image | None = None

    def add(self, frame: Image, delay_ms: int) -> None:
        """Take the next frame, which stays for some milliseconds; all have the size of the first."""
        box = self.changed(frame)
        self.size = frame.size
        self._parts.append(self.encode(frame.crop(box), box, delay_ms))
        self._before = frame

    def finish(self, *, repeat: bool) -> bytes:
        """Return the file; ``repeat`` is whether it begins again, without an end."""
        raise NotImplementedError

    def encode(self, part: Image, box: Box, delay_ms: int) -> bytes:
        """Return what the file contains of a frame: the part of it in a box, which replaces what was there."""
        raise NotImplementedError

    def changed(self, frame: Image) -> Box:
        """Return the box of what a frame changes; one pixel if that is nothing, since each frame is counted."""
        from PIL import ImageChops

        if self._before is None:
            return (0, 0, *frame.size)
        found = ImageChops.difference(self._before, frame).getbbox(alpha_only=False)
        left, top, right, bottom = found or (0, 0, 1, 1)
        return (left - left % self.step, top - top % self.step, right, bottom)


def saved(picture: Any, kind: str, **options: Any) -> bytes:
    """Return a picture as Pillow saves it."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def is_opaque(picture: Any) -> bool:
    """Return whether no pixel of an RGBA picture is transparent."""
    return bool(picture.getchannel("A").getextrema()[0] == 255)  # noqa: PLR2004 - 8 bits
