"""Check an animated GIF without decoding it.

A file passes if it is as the runner writes an animation: the header without a table of colours, whether it repeats, and
frames, each with its delay, a table of its own and its data, and nothing after the end. Comments, texts, other
extensions and what only decoders of 1987 understood are refused: they are not needed, and each is a parser to attack.

The data of a frame comes in blocks of up to 255 bytes. All but the last must be full, as Pillow writes them, so that
there is one step for each 256 bytes of the file.

Source: CompuServe, Graphics Interchange Format version 89a, sections 15 (data blocks), 18 (screen), 20 to 23 (frames,
delays); Netscape 2.0, application extension (repetitions).
"""

from __future__ import annotations

import struct

from gateway.pictures.picture import FRAME_LIMIT, InvalidPicture, Size, bounded, check_frames

START, END = b"GIF89a", b";"

#: What comes before the number of repetitions, and after it.
LOOP_HEAD, LOOP_END = b"\x21\xff\x0bNETSCAPE2.0\x03\x01", b"\0"
LOOP_LENGTH = len(LOOP_HEAD) + 2 + len(LOOP_END)

#: Bytes between the start and the first frame: width, height, flags, the background's colour and the pixels' shape.
_SCREEN = struct.Struct("<HH3s")
_HEAD = len(START) + _SCREEN.size

#: A frame's delay (mark, flags, hundredths of a second, transparent colour, end), then its place, size and flags.
_FRAME = struct.Struct("<3sBHBB sHHHHB")
DELAY_MARK, FRAME_MARK = b"\x21\xf9\x04", b","

#: Flags of a delay: whether a colour is transparent; what becomes of the frame afterwards is 1, it stays, or 2, it is
#: cleared.
TRANSPARENT_FLAG = 1
DISPOSALS = (1, 2)

#: Flags of a frame: it has a table of colours, of two to the power of one more than the lower three bits.
TABLE_FLAG, TABLE_SIZE_MASK = 0x80, 7

#: Bits of a code at the beginning of a frame's data.
CODE_BITS = range(2, 9)

FULL_BLOCK = 255


def check_gif(data: bytes, pixel_limit: int) -> Size:
    """Return the size in pixels of exactly one well-formed GIF; see `gateway.pictures.check.check_picture`."""
    if not data.startswith(START):
        raise InvalidPicture("it does not start like a GIF")
    if len(data) < _HEAD:
        raise InvalidPicture("it is cut short")
    width, height, others = _SCREEN.unpack_from(data, len(START))
    if not width or not height:
        raise InvalidPicture("its header gives no valid size")
    if any(others):
        raise InvalidPicture("its header has values that are not allowed")
    canvas = bounded(width, height, pixel_limit)
    position = _HEAD
    if data.startswith(LOOP_HEAD, position):
        position += LOOP_LENGTH
        if data[position - len(LOOP_END) : position] != LOOP_END:
            raise InvalidPicture("one of its parts is malformed")
    count = 0
    while data[position : position + 1] != END:
        position = _skip_frame(data, position, canvas)
        count += 1
        if count > FRAME_LIMIT:
            break
    check_frames(count, canvas, pixel_limit)
    if position + len(END) != len(data):
        raise InvalidPicture("something follows its end")
    return canvas


def _skip_frame(data: bytes, position: int, canvas: Size) -> int:
    """Check the frame at `position`, and return where it ends."""
    if position + _FRAME.size > len(data):
        raise InvalidPicture("it is cut short")
    mark, how, _, _, end, frame_mark, left, top, width, height, flags = _FRAME.unpack_from(data, position)
    if (mark, end, frame_mark) != (DELAY_MARK, 0, FRAME_MARK):
        raise InvalidPicture("it has a part of a type that is not allowed")
    if (how & ~TRANSPARENT_FLAG) >> 2 not in DISPOSALS or how & 2 or flags & ~TABLE_SIZE_MASK != TABLE_FLAG:
        raise InvalidPicture("one of its frames has values that are not allowed")
    if not width or not height or left + width > canvas.width or top + height > canvas.height:
        raise InvalidPicture("one of its frames is not within its canvas")
    position += _FRAME.size + (3 << (flags & TABLE_SIZE_MASK) + 1)
    if position >= len(data):
        raise InvalidPicture("it is cut short")
    if data[position] not in CODE_BITS:
        raise InvalidPicture("one of its frames has values that are not allowed")
    return _skip_blocks(data, position + 1)


def _skip_blocks(data: bytes, position: int) -> int:
    """Return where the blocks of data at `position` end: full ones, one that isn't, and an empty one."""
    begin, length = position, len(data)
    while position < length and data[position] == FULL_BLOCK:
        position += 1 + FULL_BLOCK
    if position < length and data[position]:
        position += 1 + data[position]
    if position >= length:
        raise InvalidPicture("it is cut short")
    if data[position] or position == begin:
        raise InvalidPicture("its image data is not in one piece")
    return position + 1
