"""Check a PNG without decoding it.

A file passes if every decoder reads it the same way: the signature, a known set of chunks in their order, each with a
correct CRC, a size within bounds, and nothing after IEND. Nothing is decompressed, so a decompression bomb is harmless
here.

Source: Portable Network Graphics (PNG) Specification, third edition, https://www.w3.org/TR/png-3/,
sections 5.2 (signature), 5.3 (chunk layout), 5.6 (order) and 11.2.1 (IHDR).
"""

from __future__ import annotations

import re
import struct
import zlib

from gateway.pictures.picture import InvalidPicture, Size, bounded

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Ancillary chunks that are allowed: what Matplotlib and Pillow write for a figure, and its alternative text.
#: Compressed text, EXIF, colour profiles and animation are not needed, and each is a parser to attack.
ANCILLARY = frozenset({b"tEXt", b"iTXt", b"pHYs", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD"})

#: How the only text in UTF-8 begins: its keyword, that it isn't compressed, no language, no translated keyword.
DESCRIPTION = b"Description" + bytes(5)

#: Critical chunks that may follow the header.
CRITICAL = frozenset({b"PLTE", b"IDAT", b"IEND"})

#: Largest length and dimension in PNG.
INT_MAX = 0x7FFF_FFFF

#: Bytes of all ancillary chunks together.
ANCILLARY_LIMIT = 16 * 1024

#: Most chunks of a file: so many, and one for each of so many bytes. Empty ones take far longer to walk than to send.
#: libpng writes 8 KiB of image data at a time, Pillow 64 KiB.
CHUNK_LIMIT, CHUNK_BYTES = 64, 4096

#: Position of each kind in the order of a file. Text may be anywhere, the resolution anywhere before the image data.
ORDER = {b"gAMA": 0, b"cHRM": 0, b"sRGB": 0, b"sBIT": 0, b"PLTE": 1, b"tRNS": 2, b"bKGD": 2, b"IDAT": 3, b"IEND": 4}

#: The only kinds that may occur more than once.
REPEATABLE = frozenset({b"IDAT", b"tEXt"})

#: Colour type of pictures that need a palette, and those that must not have one.
INDEXED, GREYS = 3, (0, 4)

#: Longest palette, in bytes.
PALETTE_LIMIT = 3 * 256

#: Colour type -> the bit depths it may have (PNG specification, table 11.1).
BIT_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_CHUNK_HEAD = struct.Struct(">I4s")
_IHDR = struct.Struct(">IIBBBBB")


def check_png(data: bytes, pixel_limit: int) -> Size:
    """Return the size in pixels of exactly one well-formed PNG; see `gateway.pictures.check.check_picture`."""
    size, colour, position = read_header(data, pixel_limit)
    kinds: list[bytes] = []
    chunk_limit = CHUNK_LIMIT + len(data) // CHUNK_BYTES
    ancillary_bytes = 0
    palette_bytes: int | None = None
    kind = b""
    while kind != b"IEND":
        kind, body, position = next_chunk(data, position)
        kinds.append(kind)
        if len(kinds) >= chunk_limit:
            raise InvalidPicture("it has too many chunks")
        if kind in ANCILLARY:
            ancillary_bytes += len(body)
            if kind == b"iTXt" and not _is_description(bytes(body)):
                raise InvalidPicture("it has a text that is not allowed")
        elif kind == b"PLTE":
            palette_bytes = len(body)
        elif kind not in CRITICAL:
            raise InvalidPicture("it has a chunk of a type that is not allowed")
    if ancillary_bytes > ANCILLARY_LIMIT:
        raise InvalidPicture("its metadata is too long")
    if len(body) or position != len(data):
        raise InvalidPicture("something follows its end")
    _check_order(kinds)
    _check_palette(colour, palette_bytes)
    return size


def _is_description(body: bytes) -> bool:
    """Return whether a chunk of text in UTF-8 is what the runner writes: the picture's alternative text, in one line.

    Source: PNG specification, section 11.3.3.4 (iTXt).
    """
    if not body.startswith(DESCRIPTION) or len(body) > ANCILLARY_LIMIT:
        return False
    try:
        text = body[len(DESCRIPTION) :].decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)


def _check_order(kinds: list[bytes]) -> None:
    """Check that the image data is there and in one piece, and that the rest occurs once and in order."""
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
        raise InvalidPicture("one of its parts occurs twice")


def _check_palette(colour: int, palette_bytes: int | None) -> None:
    """Check that there is a palette exactly where one is allowed, with a whole number of colours."""
    if palette_bytes is None:
        if colour == INDEXED:
            raise InvalidPicture("its palette is missing")
    elif colour in GREYS or palette_bytes % 3 or not 0 < palette_bytes <= PALETTE_LIMIT:
        raise InvalidPicture("its palette is malformed")


def next_chunk(data: bytes, position: int) -> tuple[bytes, memoryview, int]:
    """Return kind and body of the chunk at `position`, its CRC checked, and where the next one begins."""
    if position + 12 > len(data):
        raise InvalidPicture("it is cut short")
    length, kind = _CHUNK_HEAD.unpack_from(data, position)
    end = position + 12 + length
    if length > INT_MAX or end > len(data):
        raise InvalidPicture("it is cut short")
    view = memoryview(data)
    if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
        raise InvalidPicture("one of its checksums is wrong")
    return kind, view[position + 8 : end - 4], end


def read_header(data: bytes, pixel_limit: int) -> tuple[Size, int, int]:
    """Return size and colour type, and where the chunk after the header begins."""
    if not data.startswith(SIGNATURE):
        raise InvalidPicture("it does not start like a PNG")
    kind, body, position = next_chunk(data, len(SIGNATURE))
    if kind != b"IHDR":
        raise InvalidPicture("its header is missing")
    if len(body) != _IHDR.size:
        raise InvalidPicture("its header has the wrong length")
    width, height, depth, colour, compression, filtering, interlace = _IHDR.unpack(body)
    if depth not in BIT_DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise InvalidPicture("its header has values that PNG does not define")
    if not 0 < width <= INT_MAX or not 0 < height <= INT_MAX:
        raise InvalidPicture("its header gives no valid size")
    return bounded(width, height, pixel_limit), colour, position
