"""Check a JPEG without decoding it.

A file passes if it is as libjpeg writes it for a figure: the JFIF header, tables, one frame of one or three components,
its scans, and nothing after the end. Every segment is walked. Profiles, EXIF, comments, thumbnails and other extras are
refused: they are not needed, and each is a parser to attack.

Source: ITU-T T.81 (JPEG), annex B (markers, segments, frame and scan headers); ITU-T T.871 (JFIF), clause 10.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from gateway.pictures.picture import InvalidPicture, Size, bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = b"\xff\xd8"
END = b"\xff\xd9"

#: Baseline, extended sequential and progressive frames; arithmetic, lossless and hierarchical coding are not allowed.
FRAMES = frozenset({0xC0, 0xC1, 0xC2})

HUFFMAN, QUANTISATION, RESTART, SCAN, JFIF, ADOBE = 0xC4, 0xDB, 0xDD, 0xDA, 0xE0, 0xEE

#: Most segments of a file, scans included. A progressive colour picture has ten scans, each with its own tables.
SEGMENT_LIMIT = 64

#: Most scans: each may touch every pixel, so a short file could keep a decoder busy for minutes.
SCAN_LIMIT = 16

#: Most symbols of a table of codes.
SYMBOL_LIMIT = 256

#: Grey, or three colours.
COMPONENTS = (1, 3)

#: Length of a JFIF header without a thumbnail, and of Adobe's marker.
JFIF_LENGTH, ADOBE_LENGTH = 14, 12

#: In a scan, what is neither data nor a restart marker.
_SCAN_END = re.compile(rb"\xff(?![\x00\xd0-\xd7])")
_LENGTH = struct.Struct(">H")
_FRAME = struct.Struct(">BHHB")


def check_jpeg(data: bytes, pixel_limit: int) -> Size:
    """Return the size in pixels of exactly one well-formed JPEG; see `gateway.pictures.check.check_picture`."""
    if not data.startswith(START):
        raise InvalidPicture("it does not start like a JPEG")
    size: Size | None = None
    components = scans = 0
    for number, (kind, body) in enumerate(_walk(data)):
        if (kind == JFIF) != (number == 0):
            raise InvalidPicture("its header is in the wrong place")
        if kind in FRAMES:
            if size is not None:
                raise InvalidPicture("it holds more than one picture")
            size, components = _read_frame(body, pixel_limit)
        elif kind == SCAN:
            scans += 1
            if scans > SCAN_LIMIT or not body or not 1 <= body[0] <= components or len(body) != 4 + 2 * body[0]:
                raise InvalidPicture("its image data is out of order")
        else:
            _check_segment(kind, body)
    if size is None or not scans:
        raise InvalidPicture("it has no image data")
    return size


def _walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and body of every segment; check that the file ends where it should. The data of scans is skipped."""
    position = len(START)
    for _ in range(SEGMENT_LIMIT):
        if data[position : position + 2] == END:
            if position + 2 != len(data):
                raise InvalidPicture("something follows its end")
            return
        kind, body, position = _next_segment(data, position)
        yield kind, body
        if kind == SCAN:
            found = _SCAN_END.search(data, position)
            if found is None:
                raise InvalidPicture("it is cut short")
            position = found.start()
    raise InvalidPicture("it has too many parts")


def _next_segment(data: bytes, position: int) -> tuple[int, bytes, int]:
    """Return kind and body of the segment at `position`, and where the next one begins."""
    head = data[position : position + 4]
    if len(head) < 4 or head[0] != 0xFF:  # noqa: PLR2004 - a marker and a length
        raise InvalidPicture("it is cut short")
    end = position + 2 + _LENGTH.unpack_from(head, 2)[0]
    if end < position + 4 or end > len(data):
        raise InvalidPicture("it is cut short")
    return head[1], data[position + 4 : end], end


def _read_frame(body: bytes, pixel_limit: int) -> tuple[Size, int]:
    """Return size and number of components; a height that is given later (marker DNL) is not allowed."""
    if len(body) < _FRAME.size:
        raise InvalidPicture("its header has the wrong length")
    depth, height, width, components = _FRAME.unpack_from(body)
    if depth != 8 or components not in COMPONENTS or len(body) != _FRAME.size + 3 * components:  # noqa: PLR2004 - bits
        raise InvalidPicture("its header has values that are not allowed")
    if not width or not height:
        raise InvalidPicture("its header gives no valid size")
    return bounded(width, height, pixel_limit), components


def _check_segment(kind: int, body: bytes) -> None:
    """Check kind and length of a segment that is neither frame nor scan."""
    if kind == JFIF:
        # Bytes 12 and 13 are the size of a thumbnail.
        sound = len(body) == JFIF_LENGTH and body.startswith(b"JFIF\0") and body[12:] == b"\0\0"
    elif kind == ADOBE:
        sound = len(body) == ADOBE_LENGTH and body.startswith(b"Adobe")
    elif kind == RESTART:
        sound = len(body) == 2  # noqa: PLR2004 - an interval
    elif kind == QUANTISATION:
        sound = _holds_whole_tables(body, _quantisation_length)
    elif kind == HUFFMAN:
        sound = _holds_whole_tables(body, _huffman_length)
    else:
        raise InvalidPicture("it has a part of a type that is not allowed")
    if not sound:
        raise InvalidPicture("one of its parts is malformed")


def _holds_whole_tables(body: bytes, length_of: Callable[[bytes], int]) -> bool:
    """Tell whether a segment consists of whole tables; `length_of` returns the length of the first of them."""
    if not body:
        return False
    while body:
        length = length_of(body)
        if length > len(body):
            return False
        body = body[length:]
    return True


def _quantisation_length(tables: bytes) -> int:
    """Return the length of a quantisation table: one byte of number and precision, 64 values of one or two bytes."""
    return 129 if tables[0] >> 4 else 65


def _huffman_length(tables: bytes) -> int:
    """Return the length of a table of codes: one byte of number and class, 16 counts, and as many symbols."""
    symbols = sum(tables[1:17])
    return 17 + symbols if len(tables) > 16 and symbols <= SYMBOL_LIMIT else len(tables) + 1  # noqa: PLR2004
