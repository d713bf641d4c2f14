"""What the checks of all picture formats share: their refusal, a size, and its bounds.

A check treats a file as an upload from an attacker, because hostile code may have made it. It never decodes a picture,
and reports the size that it read itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


class InvalidPicture(ValueError):
    """The bytes are not a picture that may be served; the text says why, and quotes nothing."""


class TooManyPixels(InvalidPicture):
    """A picture has more pixels than allowed.

    Attributes:
        width: Of the picture, in pixels.
        height: Likewise.
        pixels: How many it has.
    """

    def __init__(self, width: int, height: int, pixel_limit: int) -> None:
        super().__init__(f"it has {width} x {height} pixels, and at most {pixel_limit} are allowed")
        self.width, self.height = width, height
        self.pixels = width * height


#: Most frames of an animation, and how many times the pixels of one picture they may have together: a viewer draws each
#: of them on the whole canvas. The runner stops at the same numbers.
FRAME_LIMIT = 1000
FRAMES_SHARE = 8

#: Largest width and height in points.
SIDE_LIMIT_PT = 1_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height: in pixels, or in points for formats without pixels."""

    width: int
    height: int


def bounded(width: int, height: int, pixel_limit: int) -> Size:
    """Return a size that was read from a picture.

    Raises:
        TooManyPixels: It is too large.
    """
    if width * height > pixel_limit:
        raise TooManyPixels(width, height, pixel_limit)
    return Size(width, height)


def check_frames(count: int, canvas: Size, pixel_limit: int) -> None:
    """Check the number of an animation's frames.

    Raises:
        InvalidPicture: There are none, too many, or too many of this size.
    """
    if not count:
        raise InvalidPicture("it has no image data")
    if count > FRAME_LIMIT:
        raise InvalidPicture(f"it has more than {FRAME_LIMIT} frames")
    if count * canvas.width * canvas.height > FRAMES_SHARE * pixel_limit:
        raise InvalidPicture(f"its frames have more than {FRAMES_SHARE * pixel_limit} pixels together")


def whole_points(length: float) -> int:
    """Return a length in points as a whole number, at least 1.

    Raises:
        InvalidPicture: It is not within bounds.
    """
    if not 0 < length <= SIDE_LIMIT_PT:
        raise InvalidPicture("it gives no valid size")
    return max(1, math.floor(length + 0.5))
