"""check_awebp passes the animations that the runner puts together, and nothing with parts that they don't need."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.pictures.animated_webp import check_awebp
from gateway.pictures.picture import FRAME_LIMIT, InvalidPicture, Size, TooManyPixels
from tests.support.saved_figures import animated, saved

BOUNDED = settings(deadline=None, max_examples=150)
LIMIT = 50_000_000


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _webp(*chunks: bytes) -> bytes:
    return _chunk(b"RIFF", b"WEBP" + b"".join(chunks))


def _in_24_bits(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(3, "little") for number in numbers)


def _extended(width: int = 7, height: int = 5, flags: int = 0x12) -> bytes:
    return _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + _in_24_bits(width - 1, height - 1))


def _lossy(width: int = 7, height: int = 5) -> bytes:
    return _chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"data")


def _lossless(width: int = 7, height: int = 5) -> bytes:
    return _chunk(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"data")


def _frame(*chunks: bytes, place: tuple[int, int, int, int] = (0, 0, 7, 5), how: int = 2) -> bytes:
    left, top, width, height = place
    body = _in_24_bits(left // 2, top // 2, width - 1, height - 1, 40) + bytes([how])
    return _chunk(b"ANMF", body + b"".join(chunks or (_lossy(width, height),)))


ANIMATION = _chunk(b"ANIM", bytes(6))
PLANE = _chunk(b"ALPH", b"plane")
HEAD = _extended() + ANIMATION


@pytest.mark.parametrize("forever", [False, True])
def test_animations_of_the_runner_pass(*, forever: bool) -> None:
    """Noise passes with each of its frames, wherever they change, and so does what is transparent."""
    noise = [Image.effect_noise((411, 301), 80).convert("RGBA") for _ in range(2)]
    moved = noise[0].copy()
    moved.paste("red", (101, 55, 150, 90))
    hidden = [Image.new("RGBA", (41, 30)), Image.new("RGBA", (41, 30), "red"), Image.new("RGBA", (41, 30))]
    for frames in ([*noise, noise[0], moved], hidden):
        data = animated("awebp", frames, repeat=forever)
        assert check_awebp(data, 411 * 301) == Size(*frames[0].size)
        with Image.open(io.BytesIO(data)) as image:
            assert (image.n_frames, image.info["loop"]) == (len(frames), 0 if forever else 1)
            for number in range(len(frames)):
                image.seek(number)
                image.load()
            assert image.convert("RGBA").getextrema()[3][0] == (0 if frames is hidden else 255)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_webp(HEAD, _frame()), id="one frame"),
        pytest.param(_webp(_extended(flags=2), ANIMATION, _frame()), id="no transparency"),
        pytest.param(_webp(HEAD, _frame(), _frame(place=(6, 4, 1, 1))), id="a small second frame"),
        pytest.param(_webp(HEAD, _frame(PLANE, _lossy()), _frame(_lossless())), id="every kind of data"),
    ],
)
def test_known_shapes_pass(data: bytes) -> None:
    """An animation passes in each of its possible layouts."""
    assert check_awebp(data, 35) == Size(7, 5)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(saved("webp"), id="a still picture"),
        pytest.param(_webp(), id="empty"),
        pytest.param(_webp(HEAD), id="no frame"),
        pytest.param(_webp(_extended(), _frame()), id="not begun"),
        pytest.param(_webp(ANIMATION, _extended(), _frame()), id="out of order"),
        pytest.param(_webp(HEAD, ANIMATION, _frame()), id="begun twice"),
        pytest.param(_webp(_extended(flags=0x10), ANIMATION, _frame()), id="not announced"),
        pytest.param(_webp(_extended(flags=0x32), ANIMATION, _frame()), id="profile announced"),
        pytest.param(_webp(_extended(), _chunk(b"ICCP", b"profile"), ANIMATION, _frame()), id="a profile"),
        pytest.param(_webp(HEAD, _frame(), _chunk(b"EXIF", b"x")), id="EXIF"),
        pytest.param(_webp(HEAD, _frame(), _chunk(b"XMP ", b"x")), id="XMP"),
        pytest.param(_webp(HEAD, _lossy()), id="a picture outside of frames"),
        pytest.param(_webp(_extended(), _chunk(b"ANIM", bytes(7)), _frame()), id="begun at length"),
        pytest.param(_webp(HEAD, _frame(how=0)), id="blended"),
        pytest.param(_webp(HEAD, _frame(how=3)), id="cleared"),
        pytest.param(_webp(HEAD, _frame(how=6)), id="reserved bits"),
        pytest.param(_webp(HEAD, _frame(place=(2, 0, 7, 5))), id="too wide"),
        pytest.param(_webp(HEAD, _frame(place=(0, 2, 7, 5))), id="too high"),
        pytest.param(_webp(HEAD, _frame(_lossy(6, 5))), id="sizes differ"),
        pytest.param(_webp(HEAD, _frame(_lossless(7, 4))), id="lossless sizes differ"),
        pytest.param(_webp(HEAD, _chunk(b"ANMF", bytes(15) + b"\2")), id="no data"),
        pytest.param(_webp(HEAD, _chunk(b"ANMF", b"x")), id="a short frame"),
        pytest.param(_webp(HEAD, _frame(PLANE)), id="plane alone"),
        pytest.param(_webp(HEAD, _frame(_lossy(), PLANE)), id="plane last"),
        pytest.param(_webp(HEAD, _frame(PLANE, _lossless())), id="plane of lossless data"),
        pytest.param(_webp(HEAD, _frame(_lossy(), _lossy())), id="two pictures in a frame"),
        pytest.param(_webp(HEAD, _frame(_lossy(), _chunk(b"junk", b""))), id="more in a frame"),
        pytest.param(_webp(HEAD, _frame(_lossy()[:-1])), id="data that reaches beyond its frame"),
        pytest.param(_webp(HEAD, _frame())[:-2], id="cut"),
        pytest.param(_webp(HEAD, _frame()) + b"x", id="more behind the end"),
    ],
)
def test_broken_structure_is_refused(data: bytes) -> None:
    """A file that breaks a single rule is refused, for each rule."""
    with pytest.raises(InvalidPicture):
        check_awebp(data, LIMIT)


@BOUNDED
@given(st.binary(max_size=100))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    """Arbitrary bytes raise InvalidPicture and no other exception, wherever they are."""
    for whole in (_webp(data), _webp(HEAD, data or b"x"), _webp(HEAD, _frame(data or b"x"))):
        with pytest.raises(InvalidPicture):
            check_awebp(whole, LIMIT)


def test_pixels_and_frames_are_bounded() -> None:
    """One picture has a bound, and so have all frames together, by number and by pixels."""
    large, small = _extended(5000, 10_000) + ANIMATION, _frame(place=(0, 0, 1, 1))
    assert check_awebp(_webp(large, *[small] * 8), LIMIT) == Size(5000, 10_000)
    with pytest.raises(TooManyPixels):
        check_awebp(_webp(_extended(5000, 10_001), ANIMATION, small), LIMIT)
    with pytest.raises(InvalidPicture, match="pixels together"):
        check_awebp(_webp(large, *[small] * 9), LIMIT)
    assert check_awebp(_webp(HEAD, *[small] * FRAME_LIMIT), LIMIT) == Size(7, 5)
    for count in (FRAME_LIMIT + 1, 100_000):
        with pytest.raises(InvalidPicture):
            check_awebp(_webp(HEAD, *[small] * count), LIMIT)
