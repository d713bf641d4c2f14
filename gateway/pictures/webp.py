"""Check a WebP without decoding it.

A file passes if it is one still picture as Pillow writes a figure: a RIFF container of exactly the file's length with a
single bitstream, which the extended header and an alpha plane may precede. Animation, profiles, EXIF and XMP are
refused: they are not needed, and each is a parser to attack.

Source: RFC 9649 (WebP), sections 2.3 to 2.7 (container), 3.4 (lossless header); RFC 6386 (VP8), section 9.1
(frame header).
"""

from __future__ import annotations

from gateway.pictures.picture import InvalidPicture, Size, bounded

LOSSY, LOSSLESS, EXTENDED, ALPHA = b"VP8 ", b"VP8L", b"VP8X", b"ALPH"

#: The sequences of chunks that a file may consist of.
SHAPES = (
    (LOSSY,),
    (LOSSLESS,),
    (EXTENDED, LOSSY),
    (EXTENDED, LOSSLESS),
    (EXTENDED, ALPHA, LOSSY),
)

#: Length of the container's head, and most chunks of a file.
HEAD_LENGTH, CHUNK_LIMIT = 12, 3

#: The extended header's flag for transparency, the only one that is allowed.
ALPHA_FLAG = 0x10

#: Lengths of the extended header and of the beginning of both bitstreams that is read.
EXTENDED_LENGTH, LOSSY_LENGTH, LOSSLESS_LENGTH = 10, 10, 5

#: First bytes of a lossy key frame after its tag, and of a lossless bitstream.
LOSSY_MARK, LOSSLESS_MARK = b"\x9d\x01\x2a", 0x2F

#: Sizes of bitstreams have 14 bits.
SIZE_MASK = 0x3FFF


def check_webp(data: bytes, pixel_limit: int) -> Size:
    """Return the size in pixels of exactly one well-formed WebP; see `gateway.pictures.check.check_picture`."""
    check_riff(data)
    chunks = walk(data, HEAD_LENGTH, len(data), CHUNK_LIMIT)
    kinds = tuple(kind for kind, _ in chunks)
    if kinds not in SHAPES:
        raise InvalidPicture("it has parts that are not allowed, or in the wrong order")
    kind, bitstream = chunks[-1]
    width, height = bitstream_size(kind, bitstream)
    if kinds[0] == EXTENDED and canvas_size(chunks[0][1]) != (width, height):
        raise InvalidPicture("its headers give different sizes")
    return bounded(width, height, pixel_limit)


def check_riff(data: bytes) -> None:
    """Check that a file is a RIFF container for WebP, of exactly its length."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise InvalidPicture("it does not start like a WebP")
    if int.from_bytes(data[4:8], "little") + 8 != len(data):
        raise InvalidPicture("its length differs from the one that it states")


def walk(data: bytes, position: int, end: int, limit: int) -> list[tuple[bytes, bytes]]:
    """Return kind and body of every chunk between two positions; a body of odd length is padded with a zero.

    Raises:
        InvalidPicture: There are more than `limit`, or the last one doesn't end there.
    """
    chunks: list[tuple[bytes, bytes]] = []
    while position < end:
        if len(chunks) == limit:
            raise InvalidPicture("it has too many parts")
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        body_begin, body_end = position + 8, position + 8 + length
        padding = data[body_end : body_end + length % 2]
        if body_end + length % 2 > end or any(padding):
            raise InvalidPicture("it is cut short")
        chunks.append((data[position : position + 4], data[body_begin:body_end]))
        position = body_end + length % 2
    return chunks


def canvas_size(header: bytes, flag: int = 0) -> tuple[int, int]:
    """Return the size that an extended header gives.

    Args:
        header: Its body.
        flag: The flag that it must have; it may also have the one for transparency, and no other.
    """
    if len(header) != EXTENDED_LENGTH or header[0] & ~ALPHA_FLAG != flag or any(header[1:4]):
        raise InvalidPicture("its header has values that are not allowed")
    return 1 + int.from_bytes(header[4:7], "little"), 1 + int.from_bytes(header[7:10], "little")


def bitstream_size(kind: bytes, bitstream: bytes) -> tuple[int, int]:
    """Return the size that the header of a lossy or lossless bitstream gives."""
    width, height = _lossy_size(bitstream) if kind == LOSSY else _lossless_size(bitstream)
    if not width or not height:
        raise InvalidPicture("its header gives no valid size")
    return width, height


def _lossy_size(bitstream: bytes) -> tuple[int, int]:
    """Return the size that the frame header gives; the upper two bits of each number, for scaling, must be 0."""
    if len(bitstream) < LOSSY_LENGTH or bitstream[0] & 1 or bitstream[3:6] != LOSSY_MARK:
        raise InvalidPicture("its image data does not start like WebP")
    width, height = int.from_bytes(bitstream[6:8], "little"), int.from_bytes(bitstream[8:10], "little")
    if (width | height) & ~SIZE_MASK:
        raise InvalidPicture("its header has values that are not allowed")
    return width, height


def _lossless_size(bitstream: bytes) -> tuple[int, int]:
    """Return the size that the bitstream's header gives: 14 bits each, then whether there is alpha, then a version."""
    if len(bitstream) < LOSSLESS_LENGTH or bitstream[0] != LOSSLESS_MARK:
        raise InvalidPicture("its image data does not start like WebP")
    bits = int.from_bytes(bitstream[1:5], "little")
    if bits >> 29:
        raise InvalidPicture("its header has values that are not allowed")
    return 1 + (bits & SIZE_MASK), 1 + (bits >> 14 & SIZE_MASK)
