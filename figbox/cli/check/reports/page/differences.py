"""How two pictures differ: a picture of it, where, and how much; needs the extra `ci`.

Both pictures come from untrusted code. Pillow decodes them, and blazediff, which is younger, gets what Pillow has
written.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import blazediff
from PIL import ImageChops

from figbox.check.errors import CheckError
from figbox.check.pictures import decoded, root_mean_square
from figbox.comparison import Box

if TYPE_CHECKING:
    from PIL import Image

#: Pixels of a picture that is compared: 64 Mi of them took 1.4 GB and 20 s.
PIXELS_LIMIT = 1 << 25

#: Of zlib: what Pillow writes is read once, what blazediff writes is kept.
FAST, SMALL = 1, 6


@dataclass(frozen=True, slots=True)
class Difference:
    """How two pictures differ.

    Attributes:
        rms: Root mean square of the differences of all samples, from 0 to 255; None if it wasn't measured.
        share: Part of the pixels that differ, from 0 to 1; None likewise.
        box: The part of the picture with all of them; None if there is none.
        picture: A PNG file with them in red; empty if there is none.
        reason: Why there is no picture, in a sentence without a full stop.
    """

    rms: float | None = None
    share: float | None = None
    box: Box | None = None
    picture: bytes = b""
    reason: str = ""


def difference(before: bytes, after: bytes, sizes: tuple[tuple[int, int], tuple[int, int]]) -> Difference:
    """Return how two PNG files differ.

    Args:
        before: The first one.
        after: The second one.
        sizes: Width and height of both in pixels, as is known of them; that of an accepted picture is the lock's claim.
    """
    if sizes[0] != sizes[1]:
        return Difference(reason="The two have different sizes, so there is no picture of their difference")
    if sizes[0][0] * sizes[0][1] > PIXELS_LIMIT:
        return Difference(reason="The two are too large for a picture of their difference")
    try:
        old, new = (decoded(data, PIXELS_LIMIT) for data in (before, after))
    except CheckError as error:
        return Difference(reason=f"There is no picture of their difference: {error}")
    if (old.size, new.size) != sizes:
        return Difference(
            reason="They haven't the sizes that are known of them, so there is no picture of their difference"
        )
    samples = ImageChops.difference(old, new)
    corners = samples.getbbox(alpha_only=False)
    if corners is None:
        return Difference(rms=0.0, share=0.0, reason="They differ in what eight bits of a sample don't have")
    left, upper, right, lower = corners
    box = Box(left, upper, right - left, lower - upper)
    return _painted(old, new, Difference(root_mean_square(samples), box=box))


def _painted(old: Image.Image, new: Image.Image, found: Difference) -> Difference:
    """Return a difference with its picture, for which every pixel counts that differs at all."""
    with tempfile.TemporaryDirectory(prefix="figbox-") as folder:
        paths = [str(Path(folder) / name) for name in ("before.png", "after.png", "difference.png")]
        for picture, path in zip((old, new), paths, strict=False):
            picture.save(path, compress_level=FAST)
        done = blazediff.compare(*paths, threshold=0.0, compression=SMALL)
        if done.match_result or not done.diff_count:
            return Difference(found.rms, 0.0, found.box, reason="They differ only where they are transparent")
        share = done.diff_count / (old.width * old.height)
        return Difference(found.rms, share, found.box, Path(paths[2]).read_bytes())
