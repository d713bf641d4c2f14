"""check_apng passes the animations that the runner puts together, and nothing with parts that they don't need."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import chain, repeat

import pytest
from PIL import Image

from gateway.pictures.animated_png import check_apng
from gateway.pictures.picture import FRAME_LIMIT, InvalidPicture, Size, TooManyPixels
from gateway.pictures.png import check_png
from tests.support.saved_figures import animated, saved

LIMIT = 50_000_000


def _chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _header(width: int = 7, height: int = 5, colour: int = 6) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))


def _control(count: int) -> bytes:
    return _chunk(b"acTL", struct.pack(">II", count, 0))


def _head(number: int, place: tuple[int, int, int, int] = (7, 5, 0, 0), how: tuple[int, int] = (0, 0)) -> bytes:
    return _chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, *place, 4, 100, *how))


def _more(number: int, data: bytes = b"data") -> bytes:
    return _chunk(b"fdAT", struct.pack(">I", number) + data)


DATA, END = _chunk(b"IDAT", b"data"), _chunk(b"IEND")
FIRST = _head(0) + DATA


def _apng(count: int, *parts: bytes) -> bytes:
    return _header() + _control(count) + b"".join(parts) + END


@pytest.mark.parametrize("forever", [False, True])
def test_animations_of_the_runner_pass(*, forever: bool) -> None:
    """Noise passes with each of its frames, and so does what is transparent; no pixel is lost."""
    noise = [Image.effect_noise((410, 300), 80).convert("RGBA") for _ in range(3)]
    hidden = [Image.new("RGBA", (41, 30)), Image.new("RGBA", (41, 30), "red"), Image.new("RGBA", (41, 30))]
    for frames in (noise, hidden):
        data = animated("apng", frames, repeat=forever)
        assert check_apng(data, 410 * 300) == Size(*frames[0].size)
        with Image.open(io.BytesIO(data)) as image:
            assert (image.n_frames, image.info["loop"]) == (3, 0 if forever else 1)
            for number, frame in enumerate(frames):
                image.seek(number)
                assert image.convert("RGBA").tobytes() == frame.tobytes()


def test_neither_is_the_other() -> None:
    """A still PNG is no APNG, and an APNG is no still PNG."""
    with pytest.raises(InvalidPicture):
        check_apng(saved("png"), LIMIT)
    with pytest.raises(InvalidPicture):
        check_png(saved("apng"), LIMIT)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_apng(1, FIRST), id="one frame"),
        pytest.param(_apng(2, FIRST, _head(1), _more(2)), id="two frames"),
        pytest.param(_apng(2, FIRST, DATA, _head(1, (1, 1, 6, 4)), _more(2), _more(3)), id="data in pieces"),
    ],
)
def test_known_shapes_pass(data: bytes) -> None:
    """An animation passes in each of its possible layouts."""
    assert check_apng(data, 35) == Size(7, 5)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(_header() + DATA + END, id="not animated"),
        pytest.param(_header() + FIRST + _control(1) + END, id="announced late"),
        pytest.param(_header(colour=2) + _control(1) + FIRST + END, id="no transparency"),
        pytest.param(_header(colour=3) + _control(1) + _chunk(b"PLTE", bytes(3)) + FIRST + END, id="a palette"),
        pytest.param(_header() + _chunk(b"acTL", bytes(7)) + FIRST + END, id="announced in part"),
        pytest.param(_apng(0), id="no frame"),
        pytest.param(_apng(1), id="announced alone"),
        pytest.param(_apng(1, DATA), id="data without a head"),
        pytest.param(_apng(1, DATA, _head(0), _more(1)), id="a picture outside of the animation"),
        pytest.param(_apng(2, FIRST), id="too few frames"),
        pytest.param(_apng(1, FIRST, _head(1), _more(2)), id="too many frames"),
        pytest.param(_apng(1, _head(0)), id="no data"),
        pytest.param(_apng(2, FIRST, _head(1)), id="no data behind"),
        pytest.param(_apng(2, _head(0), _head(1), _more(2)), id="no data before"),
        pytest.param(_apng(2, FIRST, _head(1), DATA), id="data of the first frame behind"),
        pytest.param(_apng(1, _head(0), _more(1)), id="data of a later frame before"),
        pytest.param(_apng(2, FIRST, _head(2), _more(3)), id="a number left out"),
        pytest.param(_apng(2, FIRST, _more(1), _head(2)), id="data before the head"),
        pytest.param(_apng(2, FIRST, _head(1), _more(1)), id="a number twice"),
        pytest.param(_apng(2, FIRST, _head(1), _chunk(b"fdAT", b"abc")), id="no number"),
        pytest.param(_apng(1, _chunk(b"fcTL", bytes(25)), DATA), id="a short head"),
        pytest.param(_apng(1, _head(0, (6, 5, 0, 0)), DATA), id="a small first frame"),
        pytest.param(_apng(2, FIRST, _head(1, (7, 5, 1, 0)), _more(2)), id="too wide"),
        pytest.param(_apng(2, FIRST, _head(1, (7, 5, 0, 1)), _more(2)), id="too high"),
        pytest.param(_apng(2, FIRST, _head(1, (2**31, 1, 2**31, 0)), _more(2)), id="beyond all numbers"),
        pytest.param(_apng(2, FIRST, _head(1, (0, 1, 0, 0)), _more(2)), id="no width"),
        pytest.param(_apng(2, FIRST, _head(1, (1, 0, 0, 0)), _more(2)), id="no height"),
        pytest.param(_apng(1, _head(0, how=(2, 0)), DATA), id="back to the frame before"),
        pytest.param(_apng(1, _head(0, how=(0, 1)), DATA), id="blended"),
        pytest.param(_apng(1, FIRST, _control(1)), id="announced twice"),
        pytest.param(_apng(1, _chunk(b"tEXt", b"a\0b"), FIRST), id="a text"),
        pytest.param(_apng(1, FIRST, _chunk(b"eXIf", b"x")), id="EXIF"),
        pytest.param(_apng(1, FIRST, DATA * 100), id="too many chunks"),
        pytest.param(_apng(1, FIRST)[:-12], id="no end"),
        pytest.param(_apng(1, FIRST)[:-12] + _chunk(b"IEND", b"x"), id="an end with data"),
        pytest.param(_apng(1, FIRST) + b"x", id="more behind the end"),
        pytest.param(_apng(1, FIRST).replace(b"data", b"dada"), id="a wrong checksum"),
    ],
)
def test_broken_structure_is_refused(data: bytes) -> None:
    """A file that breaks a single rule is refused, for each rule."""
    with pytest.raises(InvalidPicture):
        check_apng(data, LIMIT)


def _frames(count: int, width: int = 7, height: int = 5) -> bytes:
    later = chain.from_iterable((_head(2 * n - 1, (1, 1, 0, 0)), _more(2 * n)) for n in range(1, count))
    return b"".join((_header(width, height), _control(count), _head(0, (width, height, 0, 0)), DATA, *later, END))


def test_pixels_and_frames_are_bounded() -> None:
    """One picture has a bound, and so have all frames together, by number and by pixels."""
    assert check_apng(_frames(8, 5000, 10_000), LIMIT) == Size(5000, 10_000)
    with pytest.raises(TooManyPixels):
        check_apng(_frames(1, 5000, 10_001), LIMIT)
    with pytest.raises(InvalidPicture, match="pixels together"):
        check_apng(_frames(9, 5000, 10_000), LIMIT)
    assert check_apng(_frames(FRAME_LIMIT), LIMIT) == Size(7, 5)
    for data in (_frames(FRAME_LIMIT + 1), _apng(2**32 - 1, FIRST), _apng(2, FIRST, *repeat(_head(1), 100_000))):
        with pytest.raises(InvalidPicture):
            check_apng(data, LIMIT)
