"""check_webp passes what Matplotlib and Pillow write, and nothing with parts that a figure doesn't need."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.pictures.picture import InvalidPicture, Size, TooManyPixels
from gateway.pictures.webp import check_webp

BOUNDED = settings(deadline=None, max_examples=150)
LIMIT = 50_000_000


def _pillow(mode: str = "RGB", *, see_through: bool = False, **options: object) -> bytes:
    image = Image.effect_noise((41, 30), 80).convert(mode)
    if see_through:
        image.putalpha(Image.effect_noise((41, 30), 80))
    out = io.BytesIO()
    image.save(out, "webp", **options)
    return out.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _webp(*chunks: bytes) -> bytes:
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _lossy(width: int = 7, height: int = 5) -> bytes:
    return _chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"data")


def _lossless(width: int = 7, height: int = 5, version: int = 0) -> bytes:
    return _chunk(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14 | version << 29) + b"data")


def _extended(width: int = 7, height: int = 5, flags: int = 0x10, reserved: bytes = bytes(3)) -> bytes:
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return _chunk(b"VP8X", bytes([flags]) + reserved + sizes)


PLANE = _chunk(b"ALPH", b"plane")


@pytest.mark.parametrize("see_through", [False, True])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"quality": 100, "method": 0}])
def test_pictures_of_pillow_pass(options: dict[str, object], *, see_through: bool) -> None:
    """What Pillow writes, lossless or with alpha, is served."""
    assert Size(41, 30) == check_webp(_pillow(see_through=see_through, **options), 41 * 30)


@pytest.mark.parametrize("options", [{"exif": b"Exif\0\0" + bytes(20)}, {"icc_profile": b"profile"}, {"xmp": b"<x/>"}])
def test_riders_are_refused(options: dict[str, object]) -> None:
    """EXIF, profiles and XMP never reach a client."""
    with pytest.raises(InvalidPicture):
        check_webp(_pillow(**options), LIMIT)


def test_animation_is_refused() -> None:
    """An animation is refused, since a still picture was requested."""
    out = io.BytesIO()
    frames = [Image.effect_noise((40, 30), 80) for _ in range(2)]
    frames[0].save(out, "webp", save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidPicture):
        check_webp(out.getvalue(), LIMIT)


@BOUNDED
@given(st.binary(min_size=1, max_size=50))
def test_appended_bytes_are_found(tail: bytes) -> None:
    """Nothing can hide behind the end, whether the length includes it or not."""
    data = _webp(_lossy())
    for whole in (data + tail, data[:4] + struct.pack("<I", len(data) + len(tail) - 8) + data[8:] + tail):
        with pytest.raises(InvalidPicture):
            check_webp(whole, LIMIT)


@BOUNDED
@given(st.binary(max_size=100))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    """Arbitrary bytes raise InvalidPicture and no other exception."""
    for whole in (data, _webp(data), _webp(_extended(), data), _webp(_chunk(b"VP8 ", data)[:-1])):
        with pytest.raises(InvalidPicture):
            check_webp(whole, LIMIT)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_webp(_lossy()), id="lossy"),
        pytest.param(_webp(_lossless()), id="lossless"),
        pytest.param(_webp(_extended(), PLANE, _lossy()), id="with a plane"),
        pytest.param(_webp(_extended(flags=0), _lossy()), id="extended for nothing"),
        pytest.param(_webp(_extended(), _lossless()), id="extended lossless"),
    ],
)
def test_known_shapes_pass(data: bytes) -> None:
    """A still picture passes in each of its possible layouts."""
    assert Size(7, 5) == check_webp(data, 35)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(_webp(), id="empty"),
        pytest.param(b"RIFX" + _webp(_lossy())[4:], id="another container"),
        pytest.param(_webp(_lossy()).replace(b"WEBP", b"WAVE"), id="another content"),
        pytest.param(_webp(_lossy(), _lossy()), id="two pictures"),
        pytest.param(_webp(PLANE, _lossy()), id="plane without its header"),
        pytest.param(_webp(_extended(), _lossy(), PLANE), id="plane last"),
        pytest.param(_webp(_extended(), PLANE), id="no picture"),
        pytest.param(_webp(_extended()), id="header alone"),
        pytest.param(_webp(_extended(), _extended(), _lossy()), id="two headers"),
        pytest.param(_webp(_extended(), PLANE, _lossless()), id="plane of a lossless picture"),
        pytest.param(_webp(_extended(flags=0x12), _lossy()), id="animated"),
        pytest.param(_webp(_extended(flags=0x30), _lossy()), id="profile announced"),
        pytest.param(_webp(_extended(reserved=b"\0\0\1"), _lossy()), id="reserved bits"),
        pytest.param(_webp(_extended(width=8), _lossy()), id="sizes differ"),
        pytest.param(_webp(_chunk(b"VP8X", bytes(12)), _lossy()), id="header too long"),
        pytest.param(_webp(_lossy(0)), id="no width"),
        pytest.param(_webp(_lossy(7, 0)), id="no height"),
        pytest.param(_webp(_lossy(0x4007)), id="scaled"),
        pytest.param(_webp(_lossless(version=1)), id="future version"),
        pytest.param(_webp(_chunk(b"VP8 ", b"\x11\0\0\x9d\x01\x2a" + bytes(9))), id="no key frame"),
        pytest.param(_webp(_chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2b" + bytes(9))), id="no mark"),
        pytest.param(_webp(_chunk(b"VP8L", b"\x2e" + bytes(9))), id="no lossless mark"),
        pytest.param(_webp(_chunk(b"VP8L", b"\x2f")), id="lossless cut"),
        pytest.param(_webp(_chunk(b"vp8 ", bytes(20))), id="unknown part"),
        pytest.param(_webp(_extended(), _chunk(b"ALPH", b"odd")[:-1] + b"x", _lossy()), id="padding that is none"),
    ],
)
def test_broken_structure_is_refused(data: bytes) -> None:
    """A file that breaks a single rule is refused, for each rule."""
    with pytest.raises(InvalidPicture):
        check_webp(data, LIMIT)


def test_pixels_are_bounded() -> None:
    """A header that promises too many pixels is refused before any decoder sees it, and says how many."""
    assert Size(5000, 10_000) == check_webp(_webp(_lossless(5000, 10_000)), LIMIT)
    with pytest.raises(TooManyPixels) as caught:
        check_webp(_webp(_lossless(5000, 10_001)), LIMIT)
    assert caught.value.pixels == 50_005_000
