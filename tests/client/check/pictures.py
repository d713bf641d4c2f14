"""Small PNG files, made without a library for pictures."""

from __future__ import annotations

import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def header(width: int, height: int) -> bytes:
    """Return the header of a PNG file with three samples of 8 bits for a pixel."""
    return chunk(b"IHDR", width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0]))


def png(width: int, height: int, colour: bytes, text: str = "", level: int = 6) -> bytes:
    """Return a PNG file of one colour, with a text that nobody sees."""
    rows = (b"\0" + colour * width) * height
    said = chunk(b"tEXt", b"Title\0" + text.encode("latin-1")) if text else b""
    return SIGNATURE + header(width, height) + said + chunk(b"IDAT", zlib.compress(rows, level)) + chunk(b"IEND", b"")
