"""Whether two pictures are the same, without decoding them; and how far apart they are, which needs Pillow.

The digest of a picture is over all chunks of its PNG file but those of text and time, and over its rows as they are
before they are packed. So neither a title in its metadata, nor Matplotlib's version there, nor another zlib changes it,
while whatever a viewer could show does. We compute it ourselves from the bytes: `pixels_sha256` in a response is a
claim of the sandbox, where the code that is checked could have it say anything. It needs only the standard library, so
the verdict doesn't depend on what is installed, and no decoder meets a picture that untrusted code made.

Source: PNG Specification (Third Edition), sections 5 (chunks), 7.3 (filtering), 10 (compression).
"""

from __future__ import annotations

import hashlib
import io
import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from figbox.check.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Chunks that nobody sees: texts, and when it was made.
UNSEEN = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME"})

#: Width, height, depth, colour type, and three bytes more.
HEADER_BYTES = 13

#: Samples of a pixel, by the colour type in the header.
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

#: Most bytes of rows: those of the largest picture that a service can allow. A file of some MiB can unpack to hours of
#: work.
ROWS_LIMIT_BYTES = 1 << 32

#: Bytes that are unpacked at once.
STEP_BYTES = 1 << 20

#: How to get what decodes pictures.
NEEDED = "pip install '.[ci]' in a clone of Figbox"


class NotAPicture(ValueError):
    """The bytes aren't a PNG file."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a picture from its file.

    Attributes:
        digest: Equal for pictures that look the same, in hex.
        width_px: Width in pixels.
        height_px: Height in pixels.
    """

    digest: str
    width_px: int
    height_px: int


def look_at(data: bytes) -> Seen:
    """Return the digest and the size of a PNG file.

    Raises:
        NotAPicture: It isn't one, or is damaged.
    """
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != HEADER_BYTES or chunks[-1] != (b"IEND", b""):
        raise NotAPicture("it isn't a whole PNG file")
    header = chunks[0][1]
    width, height, depth = int.from_bytes(header[:4]), int.from_bytes(header[4:8]), header[8]
    if not width or not height or header[9] not in SAMPLES:
        raise NotAPicture("its header is damaged")
    row = (width * SAMPLES[header[9]] * depth + 7) // 8 + 1
    # Interlaced pictures have up to twice as many rows, each with a byte in front.
    limit = row * height if header[12] == 0 else 2 * (row + 8) * (height + 8)
    if row * height > ROWS_LIMIT_BYTES:
        raise NotAPicture("it has too many pixels")
    whole = hashlib.sha256()
    for kind, body in chunks:
        if kind != b"IDAT" and kind not in UNSEEN:
            whole.update(kind + len(body).to_bytes(4) + body)
    whole.update(_rows_digest(b"".join(body for kind, body in chunks if kind == b"IDAT"), limit))
    return Seen(whole.hexdigest(), width, height)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and body of each chunk."""
    if not data.startswith(SIGNATURE):
        raise NotAPicture("it isn't a PNG file")
    at = len(SIGNATURE)
    while at < len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : end]
        if data[end : end + 4] != zlib.crc32(kind + body).to_bytes(4):
            raise NotAPicture("it is damaged")
        yield kind, body
        at = end + 4


def _rows_digest(packed: bytes, limit: int) -> bytes:
    """Return the digest of unpacked rows, without keeping them; packed data can be a bomb."""
    rows, left = hashlib.sha256(), limit
    unpacker = zlib.decompressobj()
    try:
        while not unpacker.eof:
            part = unpacker.decompress(packed, min(STEP_BYTES, left + 1))
            rows.update(part)
            left -= len(part)
            if left < 0 or (not part and not unpacker.eof):
                raise NotAPicture("its rows don't fit its header")
            packed = unpacker.unconsumed_tail
    except zlib.error as error:
        raise NotAPicture("its rows are damaged") from error
    return rows.digest()


def can_measure() -> bool:
    """Tell whether what decodes pictures is installed."""
    return find_spec("PIL") is not None


def distance(one: bytes, other: bytes) -> float | None:
    """Return the root mean square of the differences of two PNG files, over red, green, blue and opacity from 0 to 255.

    The same number as pytest-mpl's, whose tolerances can be taken over. None if their sizes differ.

    Raises:
        CheckError: Pillow isn't installed, or one can't be decoded.
    """
    if not can_measure():
        raise CheckError(f"a tolerance needs Pillow: {NEEDED}")
    from PIL import ImageChops  # noqa: PLC0415 - of the extra `ci`

    before, after = decoded(one), decoded(other)
    if before.size != after.size:
        return None
    return root_mean_square(ImageChops.difference(before, after))


def decoded(data: bytes, limit: int | None = None) -> Image.Image:
    """Return a PNG file as red, green, blue and opacity; needs Pillow.

    Args:
        data: The file.
        limit: Most pixels that are decoded, whatever a project's lock says of the size; None for what Pillow takes.

    Raises:
        CheckError: It can't be decoded, or is too large.
    """
    from PIL import Image  # noqa: PLC0415 - of the extra `ci`

    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            if limit is not None and picture.width * picture.height > limit:
                raise CheckError("a picture is too large")
            return picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CheckError(f"a picture can't be decoded: {error}") from error


def root_mean_square(difference: Image.Image) -> float:
    """Return the root mean square of all samples of the difference of two pictures."""
    from PIL import ImageStat  # noqa: PLC0415 - of the extra `ci`

    bands = ImageStat.Stat(difference).rms
    return float((sum(band * band for band in bands) / len(bands)) ** 0.5)
