"""What the checks of all picture formats share: their refusal, a size, and its bounds.

A check reads a file as an upload from an attacker, which it is: hostile code ran where it was made. It never
decodes a picture, and reports the size that it read itself.
"""

from __future__ import annotations

from dataclasses import dataclass


class InvalidPicture(ValueError):
    """The bytes are not a picture we would serve; the text says why, in our words only."""


class TooManyPixels(InvalidPicture):
    """A picture has more pixels than allowed.

    Attributes:
        pixels: How many it has.
    """

    def __init__(self, width: int, height: int, pixel_limit: int) -> None:
        super().__init__(f"it has {width} x {height} pixels, and at most {pixel_limit} are allowed")
        self.pixels = width * height


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height: in pixels, or in points for formats that know no pixels."""

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
