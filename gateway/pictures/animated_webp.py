"""Check an animated WebP without decoding it.

A file passes if it is as the runner writes an animation: the extended header, how often it repeats, and frames, each
within the canvas, replacing what was there, with a single bitstream that an alpha plane may precede. Profiles, EXIF and
XMP are refused, as in `gateway.pictures.webp`.

Source: RFC 9649 (WebP), sections 2.7.1.1 (ANIM and ANMF), 2.7.1.2 (ALPH).
"""

from __future__ import annotations

from gateway.pictures.picture import FRAME_LIMIT, InvalidPicture, Size, bounded, check_frames
from gateway.pictures.webp import (
    ALPHA,
    EXTENDED,
    HEAD_LENGTH,
    LOSSLESS,
    LOSSY,
    bitstream_size,
    canvas_size,
    check_riff,
    walk,
)

ANIMATION, FRAME = b"ANIM", b"ANMF"

#: The extended header's flag for animations.
ANIMATION_FLAG = 0x02

#: Length of the chunk that begins an animation: a colour, and a number of repetitions.
ANIMATION_LENGTH = 6

#: The sequences of chunks that a frame may consist of, and the length of what precedes them: left, top, width, height
#: and milliseconds with 24 bits each, and flags.
FRAME_SHAPES = ((LOSSY,), (LOSSLESS,), (ALPHA, LOSSY))
FRAME_HEAD_LENGTH = 16

#: The flags that each frame has: it is not blended with what was there, and stays.
FRAME_FLAGS = 0x02


def check_awebp(data: bytes, pixel_limit: int) -> Size:
    """Return the size in pixels of exactly one well-formed animated WebP; see `gateway.pictures.check.check_picture`.

    The file has no more frames than an animation may have, so its chunks are few.
    """
    check_riff(data)
    chunks = walk(data, HEAD_LENGTH, len(data), 2 + FRAME_LIMIT)
    kinds = [kind for kind, _ in chunks]
    if kinds[:2] != [EXTENDED, ANIMATION] or any(kind != FRAME for kind in kinds[2:]):
        raise InvalidPicture("it has parts that are not allowed, or in the wrong order")
    canvas = bounded(*canvas_size(chunks[0][1], ANIMATION_FLAG), pixel_limit)
    if len(chunks[1][1]) != ANIMATION_LENGTH:
        raise InvalidPicture("one of its parts is malformed")
    check_frames(len(chunks) - 2, canvas, pixel_limit)
    for _, frame in chunks[2:]:
        _check_frame(frame, canvas)
    return canvas


def _check_frame(frame: bytes, canvas: Size) -> None:
    """Check the body of a frame."""
    if len(frame) < FRAME_HEAD_LENGTH or frame[15] != FRAME_FLAGS:
        raise InvalidPicture("one of its frames has values that are not allowed")
    left, top, width, height = (int.from_bytes(frame[place : place + 3], "little") for place in (0, 3, 6, 9))
    # Places are in units of two pixels, and sizes are one less than they are.
    if 2 * left + width + 1 > canvas.width or 2 * top + height + 1 > canvas.height:
        raise InvalidPicture("one of its frames is not within its canvas")
    chunks = walk(frame, FRAME_HEAD_LENGTH, len(frame), 2)
    if tuple(kind for kind, _ in chunks) not in FRAME_SHAPES:
        raise InvalidPicture("it has parts that are not allowed, or in the wrong order")
    if bitstream_size(*chunks[-1]) != (width + 1, height + 1):
        raise InvalidPicture("its headers give different sizes")
