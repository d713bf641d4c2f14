"""The fuzzer as a guest: bytes that claim to be a picture."""

from __future__ import annotations

import struct
import zlib

from gateway.model.jobs import Format
from gateway.pictures.check import check_picture
from gateway.pictures.picture import InvalidPicture
from tests.fakes import PNG

PIXEL_LIMIT = 50_000_000

FORMATS = tuple(Format)


def fuzz_picture(data: bytes) -> None:
    """Check that any bytes are a picture of a valid size or are refused in our words; the first byte is the format."""
    if not data:
        return
    wanted, picture = FORMATS[data[0] % len(FORMATS)], data[1:]
    try:
        size = check_picture(wanted, picture, PIXEL_LIMIT)
    except InvalidPicture as error:
        assert str(error).isprintable()
        assert len(str(error)) < 200
        return
    assert size.width > 0
    assert size.height > 0
    if wanted not in {Format.SVG, Format.PDF}:
        assert size.width * size.height <= PIXEL_LIMIT


def fuzz_repaired_png(data: bytes) -> None:
    """Check the same for PNG, animated or not, with correct checksums, which a fuzzer doesn't find by itself."""
    repaired = _repair_png(data)
    for kind in (Format.PNG, Format.APNG):
        fuzz_picture(bytes([FORMATS.index(kind)]) + repaired)


def _repair_png(data: bytes) -> bytes:
    repaired = bytearray(data[:8])
    position = 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        body = data[position + 4 : position + 8 + length]
        repaired += data[position : position + 4] + body + struct.pack(">I", zlib.crc32(body))
        position += 12 + length
    return bytes(repaired + data[position:])


def _png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return the smallest PNG with more chunks after its header."""
    extra = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return PNG[:33] + extra + PNG[33:]


PNG_SEEDS = (
    PNG,
    _png_with((b"tEXt", b"Software\0Matplotlib"), (b"pHYs", bytes(9))),
    _png_with((b"PLTE", bytes(6)), (b"tRNS", bytes(2))),
    _png_with((b"gAMA", bytes(4)), (b"sRGB", b"\0"), (b"bKGD", bytes(2))),
    _png_with((b"acTL", struct.pack(">II", 1, 0)), (b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 9, 0, 0))),
)


def picture_seeds() -> tuple[bytes, ...]:
    """Return a small figure in each format, each after the byte that chooses its format."""
    from matplotlib.figure import Figure

    from tests.support.saved_figures import saved

    pictures = [saved(wanted.value, lambda: Figure(figsize=(0.1, 0.1))) for wanted in FORMATS]
    return tuple(bytes([number]) + picture for number, picture in enumerate(pictures))
