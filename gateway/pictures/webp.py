"""Checks a WebP without decoding a pixel.

What passes is one still picture as Pillow writes a figure: a RIFF container of exactly the file's length that holds
either a single bitstream, or the extended header, an alpha plane and a lossy bitstream. Animation, profiles, EXIF and
XMP are refused: nobody needs them here, and each is a parser to attack.

Source: RFC 9649 (WebP), sections 2.3 to 2.7 (container), 3.4 (lossless header); RFC 6386 (VP8), section 9.1
(frame header).
"""

from __future__ import annotations

from gateway.pictures.picture import InvalidPicture, Size, bounded

LOSSY, LOSSLESS, EXTENDED, ALPHA = b"VP8 ", b"VP8L", b"VP8X", b"ALPH"

#: What a file may consist of, in order.
SHAPES = (
    (LOSSY,),
    (LOSSLESS,),
    (EXTENDED, LOSSY),
    (EXTENDED, LOSSLESS),
    (EXTENDED, ALPHA, LOSSY),
)

#: Chunks of a file at most.
CHUNK_LIMIT = 3

#: The extended header's flag for transparency, the only one let through.
ALPHA_FLAG = 0x10

#: Lengths of the extended header and of what is read of both bitstreams.
EXTENDED_LENGTH, LOSSY_LENGTH, LOSSLESS_LENGTH = 10, 10, 5

#: First bytes of a lossy key frame after its tag, and of a lossless bitstream.
LOSSY_MARK, LOSSLESS_MARK = b"\x9d\x01\x2a", 0x2F

#: Sizes of bitstreams have 14 bits.
SIZE_MASK = 0x3FFF


def check_webp(data: bytes, pixel_limit: int) -> Size:
    """Check that `data` is exactly one well-formed WebP of a sane size.

    Args:
        data: The whole file.
        pixel_limit: Most pixels (width times height) allowed.

    Returns:
        Its size in pixels.

    Raises:
        InvalidPicture: It isn't; the message is fit for a client.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise InvalidPicture("it does not begin as a WebP does")
    if int.from_bytes(data[4:8], "little") + 8 != len(data):
        raise InvalidPicture("its length is not the one it states")
    chunks = _walk(data)
    kinds = tuple(kind for kind, _ in chunks)
    if kinds not in SHAPES:
        raise InvalidPicture("it has a kind of part that is not served, or parts out of order")
    kind, bitstream = chunks[-1]
    width, height = _lossy_size(bitstream) if kind == LOSSY else _lossless_size(bitstream)
    if not width or not height:
        raise InvalidPicture("its header gives no size")
    if kinds[0] == EXTENDED and _canvas_size(chunks[0][1]) != (width, height):
        raise InvalidPicture("its headers give different sizes")
    return bounded(width, height, pixel_limit)


def _walk(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return kind and body of every chunk; bodies of odd length are padded by one zero."""
    chunks: list[tuple[bytes, bytes]] = []
    position = 12
    while position < len(data):
        if len(chunks) == CHUNK_LIMIT:
            raise InvalidPicture("it has too many parts")
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        begin, end = position + 8, position + 8 + length
        padding = data[end : end + length % 2]
        if end > len(data) or len(padding) != length % 2 or any(padding):
            raise InvalidPicture("it is cut short")
        chunks.append((data[position : position + 4], data[begin:end]))
        position = end + length % 2
    return chunks


def _canvas_size(header: bytes) -> tuple[int, int]:
    """Return the size that an extended header gives."""
    if len(header) != EXTENDED_LENGTH or header[0] & ~ALPHA_FLAG or any(header[1:4]):
        raise InvalidPicture("its header has values that are not served")
    return 1 + int.from_bytes(header[4:7], "little"), 1 + int.from_bytes(header[7:10], "little")


def _lossy_size(bitstream: bytes) -> tuple[int, int]:
    """Return the size that the frame header gives; the upper two bits of each number ask for scaling, which is none."""
    if len(bitstream) < LOSSY_LENGTH or bitstream[0] & 1 or bitstream[3:6] != LOSSY_MARK:
        raise InvalidPicture("its image data does not begin as it should")
    width, height = int.from_bytes(bitstream[6:8], "little"), int.from_bytes(bitstream[8:10], "little")
    if (width | height) & ~SIZE_MASK:
        raise InvalidPicture("its header has values that are not served")
    return width, height


def _lossless_size(bitstream: bytes) -> tuple[int, int]:
    """Return the size that the bitstream's header gives: 14 bits each, then whether there is alpha, then a version."""
    if len(bitstream) < LOSSLESS_LENGTH or bitstream[0] != LOSSLESS_MARK:
        raise InvalidPicture("its image data does not begin as it should")
    bits = int.from_bytes(bitstream[1:5], "little")
    if bits >> 29:
        raise InvalidPicture("its header has values that are not served")
    return 1 + (bits & SIZE_MASK), 1 + (bits >> 14 & SIZE_MASK)
