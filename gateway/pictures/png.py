"""Checks a PNG without decoding a pixel.

The bytes come from a container that ran hostile code, so this is an upload from an attacker. What
passes is a file that every decoder reads alike: the signature, a known set of chunks in their order,
each with a right CRC, a size within bounds, and not a byte after IEND. Nothing is decompressed, so
there is no bomb to set off here.

Source: Portable Network Graphics (PNG) Specification, third edition, https://www.w3.org/TR/png-3/,
sections 5.2 (signature), 5.3 (chunk layout), 5.6 (order) and 11.2.1 (IHDR).
"""

from __future__ import annotations

import struct
import zlib

from gateway.pictures.picture import InvalidPicture, Size, bounded

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Ancillary chunks let through: what Matplotlib and Pillow write for a figure. Compressed text, EXIF, colour
#: profiles and animation are left out: nobody needs them here, and each is a parser to attack.
ANCILLARY = frozenset({b"tEXt", b"pHYs", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD"})

#: Critical chunks that may follow the header.
CRITICAL = frozenset({b"PLTE", b"IDAT", b"IEND"})

#: Largest length and dimension PNG knows.
INT_MAX = 0x7FFF_FFFF

#: Bytes of all ancillary chunks together.
ANCILLARY_LIMIT = 16 * 1024

#: Chunks of a file, header and end included: a million empty ones take seconds to walk, and everybody waits. Pillow
#: writes image data 64 KiB at a time, so that is 256 for the largest answer by default, 4096 for the largest allowed.
CHUNK_LIMIT = 8192

#: Stages of a file that follow each other. Text may stand anywhere, the resolution anywhere before the image data.
ORDER = {b"gAMA": 0, b"cHRM": 0, b"sRGB": 0, b"sBIT": 0, b"PLTE": 1, b"tRNS": 2, b"bKGD": 2, b"IDAT": 3, b"IEND": 4}

#: The only kinds that may come more than once.
REPEATABLE = frozenset({b"IDAT", b"tEXt"})

#: Colour type of pictures that need a palette, and those that must not have one.
INDEXED, GREYS = 3, (0, 4)

#: Bytes of a palette at most.
PALETTE_LIMIT = 3 * 256

#: Colour type -> the bit depths it may have (PNG specification, table 11.1).
BIT_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}

_CHUNK_HEAD = struct.Struct(">I4s")
_IHDR = struct.Struct(">IIBBBBB")


def check_png(data: bytes, pixel_limit: int) -> Size:
    """Check that `data` is exactly one well-formed PNG of a sane size.

    Args:
        data: The whole file.
        pixel_limit: Most pixels (width times height) allowed.

    Returns:
        Its size in pixels.

    Raises:
        InvalidPicture: It isn't; the message is fit for a client.
    """
    if not data.startswith(SIGNATURE):
        raise InvalidPicture("it does not begin as a PNG does")
    kind, body, position = _next_chunk(data, len(SIGNATURE))
    if kind != b"IHDR":
        raise InvalidPicture("it does not begin with its header")
    size, colour = _check_header(body, pixel_limit)
    kinds: list[bytes] = []
    ancillary_bytes = 0
    palette_bytes: int | None = None
    while kind != b"IEND":
        kind, body, position = _next_chunk(data, position)
        kinds.append(kind)
        if len(kinds) >= CHUNK_LIMIT:
            raise InvalidPicture("it has too many chunks")
        if kind in ANCILLARY:
            ancillary_bytes += len(body)
        elif kind == b"PLTE":
            palette_bytes = len(body)
        elif kind not in CRITICAL:
            raise InvalidPicture("it has a kind of chunk that is not served")
    if ancillary_bytes > ANCILLARY_LIMIT:
        raise InvalidPicture("it carries too much beside the picture")
    if len(body) or position != len(data):
        raise InvalidPicture("something follows its end")
    _check_order(kinds)
    _check_palette(colour, palette_bytes)
    return size


def _check_order(kinds: list[bytes]) -> None:
    """Check that the image data is there and in one piece, and that all else comes once and in its place."""
    data_count = kinds.count(b"IDAT")
    if not data_count:
        raise InvalidPicture("it has no image data")
    first = kinds.index(b"IDAT")
    if kinds[first : first + data_count].count(b"IDAT") != data_count:
        raise InvalidPicture("its image data is not in one piece")
    stages = [ORDER[kind] for kind in kinds if kind in ORDER]
    if stages != sorted(stages) or b"pHYs" in kinds[first:]:
        raise InvalidPicture("its parts are out of order")
    single = [kind for kind in kinds if kind not in REPEATABLE]
    if len(single) != len(set(single)):
        raise InvalidPicture("a part of it comes twice")


def _check_palette(colour: int, palette_bytes: int | None) -> None:
    """Check that a palette is there where it must be, not where it can't be, and of whole colours."""
    if palette_bytes is None:
        if colour == INDEXED:
            raise InvalidPicture("its palette is missing")
    elif colour in GREYS or palette_bytes % 3 or not 0 < palette_bytes <= PALETTE_LIMIT:
        raise InvalidPicture("its palette is not one")


def _next_chunk(data: bytes, position: int) -> tuple[bytes, memoryview, int]:
    """Return kind and body of the chunk at `position`, its CRC checked, and where the next one begins."""
    if position + 12 > len(data):
        raise InvalidPicture("it is cut short")
    length, kind = _CHUNK_HEAD.unpack_from(data, position)
    end = position + 12 + length
    if length > INT_MAX or end > len(data):
        raise InvalidPicture("it is cut short")
    view = memoryview(data)
    if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
        raise InvalidPicture("a checksum in it is wrong")
    return kind, view[position + 8 : end - 4], end


def _check_header(body: memoryview, pixel_limit: int) -> tuple[Size, int]:
    """Return size and colour type."""
    if len(body) != _IHDR.size:
        raise InvalidPicture("its header has a wrong length")
    width, height, depth, colour, compression, filtering, interlace = _IHDR.unpack(body)
    if depth not in BIT_DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise InvalidPicture("its header has values that PNG does not know")
    if not 0 < width <= INT_MAX or not 0 < height <= INT_MAX:
        raise InvalidPicture("its header gives no size")
    return bounded(width, height, pixel_limit), colour
