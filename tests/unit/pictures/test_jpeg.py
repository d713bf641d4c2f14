"""check_jpeg passes what Matplotlib and Pillow write, and nothing with parts that a figure doesn't need."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from gateway.pictures.jpeg import SCAN_LIMIT, SEGMENT_LIMIT, check_jpeg
from gateway.pictures.picture import InvalidPicture, Size, TooManyPixels

LIMIT = 50_000_000


def _pillow(mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 80).convert(mode).save(out, "jpeg", **options)
    return out.getvalue()


def _segment(kind: int, body: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, kind, 2 + len(body)) + body


def _parts(data: bytes) -> list[bytes]:
    """Split into segments, each scan with its data, and the end."""
    parts, position = [data[:2]], 2
    while data[position : position + 2] != b"\xff\xd9":
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if data[position + 1] == 0xDA:
            while data[end] != 0xFF or data[end + 1] == 0 or 0xD0 <= data[end + 1] <= 0xD7:
                end += 1
        parts.append(data[position:end])
        position = end
    return [*parts, data[position:]]


JFIF = _segment(0xE0, b"JFIF\0\1\1\1\0\x64\0\x64\0\0")
SMALL = _pillow()


def _frame(width: int = 40, height: int = 30, depth: int = 8, components: int = 3, kind: int = 0xC0) -> bytes:
    return _segment(kind, struct.pack(">BHHB", depth, height, width, components) + bytes(3 * components))


def _with_frame(frame: bytes) -> bytes:
    return b"".join(frame if part[1] == 0xC0 else part for part in _parts(SMALL))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 100, "subsampling": 0}, {"optimize": True},
                                     {"restart_marker_rows": 1}, {"dpi": (72, 72)}])  # fmt: skip
def test_pictures_of_pillow_pass(mode: str, options: dict[str, object]) -> None:
    """What Pillow writes, progressive or with restarts too, is served."""
    assert Size(40, 30) == check_jpeg(_pillow(mode, **options), 1200)


@pytest.mark.parametrize(
    "part",
    [
        *(pytest.param(_segment(kind, b"x" * 20), id=f"{kind:x}") for kind in (0xE1, 0xE2, 0xED, 0xEF, 0xFE, 0xC8)),
        pytest.param(_segment(0xDC, b"\0\1"), id="height given later"),
        pytest.param(_segment(0xCC, b"\0\1"), id="arithmetic coding"),
        pytest.param(JFIF, id="a second header"),
        pytest.param(_segment(0xE0, b"JFXX\0\x10" + bytes(40)), id="a thumbnail"),
        pytest.param(_segment(0xEE, b"Adobe" + bytes(8)), id="Adobe's mark with more"),
        pytest.param(_segment(0xEE, b"adobe" + bytes(7)), id="another's mark"),
        pytest.param(_segment(0xDB), id="no table"),
        pytest.param(_segment(0xDB, bytes(64)), id="table cut"),
        pytest.param(_segment(0xDB, bytes(65) + b"x"), id="table and a rest"),
        pytest.param(_segment(0xC4, bytes(16)), id="codes cut"),
        pytest.param(_segment(0xC4, b"\0" + b"\xff" * 16 + bytes(16 * 255)), id="too many codes"),
        pytest.param(_segment(0xDD, b"\0"), id="interval cut"),
        pytest.param(_frame(), id="a second frame"),
        pytest.param(b"\xff\xd8" + JFIF, id="a second beginning"),
    ],
)
def test_parts_not_needed_are_refused(part: bytes) -> None:
    """Profiles, EXIF, comments, thumbnails and broken tables never reach a client, wherever they stand."""
    parts = _parts(SMALL)
    for place in range(2, len(parts)):
        with pytest.raises(InvalidPicture):
            check_jpeg(b"".join([*parts[:place], part, *parts[place:]]), LIMIT)


@pytest.mark.parametrize("part", [b"\xff\xd0", b"junk", b"\0"])
def test_only_a_scan_holds_data(part: bytes) -> None:
    """Bytes between the segments before the scan are refused."""
    parts = _parts(SMALL)
    for place in range(2, len(parts) - 1):
        with pytest.raises(InvalidPicture):
            check_jpeg(b"".join([*parts[:place], part, *parts[place:]]), LIMIT)


def test_adobes_mark_passes() -> None:
    """The one other header that Pillow may write is let through."""
    check_jpeg(SMALL[:20] + _segment(0xEE, b"Adobe" + bytes(7)) + SMALL[20:], LIMIT)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="another format"),
        pytest.param(b"\xff\xd8\xff\xd9", id="empty"),
        pytest.param(b"\xff\xd8" + JFIF + b"\xff\xd9", id="header only"),
        pytest.param(b"\xff\xd8" + JFIF + _frame() + b"\xff\xd9", id="no scan"),
        pytest.param(b"".join(part for part in _parts(SMALL) if part[1] != 0xC0), id="no frame"),
        pytest.param(b"".join(part for part in _parts(SMALL) if part[1] != 0xE0), id="no header"),
        pytest.param(b"".join(_parts(SMALL)[:-1]) + _segment(0xDA, b"\4" + bytes(11)) + b"\xff\xd9", id="odd scan"),
        pytest.param(_with_frame(_frame(0, 30)), id="no width"),
        pytest.param(_with_frame(_frame(40, 0)), id="no height"),
        pytest.param(_with_frame(_frame(depth=12)), id="deep"),
        pytest.param(_with_frame(_frame(components=4)), id="four components"),
        pytest.param(_with_frame(_segment(0xC0, struct.pack(">BHHB", 8, 30, 40, 3) + bytes(8))), id="frame cut"),
        pytest.param(_with_frame(_segment(0xC0, b"\x08")), id="frame of one byte"),
        pytest.param(_with_frame(_frame(kind=0xC3)), id="lossless"),
        pytest.param(_with_frame(_frame(kind=0xC9)), id="arithmetic"),
    ],
)
def test_broken_structure_is_refused(data: bytes) -> None:
    """A file that breaks a single rule is refused, for each rule."""
    with pytest.raises(InvalidPicture):
        check_jpeg(data, LIMIT)


def test_pixels_are_bounded() -> None:
    """A header that promises too many pixels is refused before any decoder sees it, and says how many."""
    assert Size(1000, 50_000) == check_jpeg(_with_frame(_frame(1000, 50_000)), LIMIT)
    with pytest.raises(TooManyPixels) as caught:
        check_jpeg(_with_frame(_frame(1000, 50_001)), LIMIT)
    assert caught.value.pixels == 50_001_000


def test_scans_are_bounded() -> None:
    """A decoder may go over all pixels for each scan, so their number is bounded."""
    *parts, scan, end = _parts(SMALL)
    check_jpeg(b"".join([*parts, *[scan] * SCAN_LIMIT, end]), LIMIT)
    with pytest.raises(InvalidPicture):
        check_jpeg(b"".join([*parts, *[scan] * (SCAN_LIMIT + 1), end]), LIMIT)


def test_segments_are_bounded() -> None:
    """A file of endless empty segments can't keep the check busy."""
    parts = _parts(SMALL)
    room = SEGMENT_LIMIT - len(parts) + 1
    interval = _segment(0xDD, b"\0\1")
    check_jpeg(b"".join([*parts[:2], *[interval] * room, *parts[2:]]), LIMIT)
    with pytest.raises(InvalidPicture, match="too many"):
        check_jpeg(b"".join([*parts[:2], *[interval] * (room + 1), *parts[2:]]), LIMIT)
