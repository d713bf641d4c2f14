"""check_gif passes the animations that the runner puts together, and nothing with parts that they don't need."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.pictures.gif import check_gif
from gateway.pictures.picture import FRAME_LIMIT, InvalidPicture, Size, TooManyPixels
from tests.support.saved_figures import animated

BOUNDED = settings(deadline=None, max_examples=150)
LIMIT = 50_000_000
FOREVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
BLOCKS = b"\x03abc\0"


def _gif(*parts: bytes, width: int = 7, height: int = 5, others: bytes = bytes(3), end: bytes = b";") -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + others + b"".join(parts) + end


def _frame(
    place: tuple[int, int, int, int] = (0, 0, 7, 5),
    *,
    how: int = 4,
    flags: int = 0x81,
    bits: int = 8,
    blocks: bytes = BLOCKS,
    mark: bytes = b"\x21\xf9\x04",
    end: bytes = b"\0",
) -> bytes:
    table = bytes(3 << (flags & 7) + 1)
    return (
        mark + bytes([how]) + b"\4\0\xff" + end + b"," + struct.pack("<HHHHB", *place, flags) + table + bytes([bits])
    ) + blocks


@pytest.mark.parametrize("repeat", [False, True])
def test_animations_of_the_runner_pass(*, repeat: bool) -> None:
    """Noise, which fills many blocks, passes with each of its frames, and so does what is transparent."""
    noise = [Image.effect_noise((410, 300), 80).convert("RGBA") for _ in range(3)]
    hidden = [Image.new("RGBA", (41, 30)), Image.new("RGBA", (41, 30), "red")]
    for frames in (noise, hidden):
        data = animated("gif", frames, repeat=repeat)
        assert check_gif(data, 410 * 300) == Size(*frames[0].size)
        with Image.open(io.BytesIO(data)) as image:
            assert (image.n_frames, image.info.get("loop")) == (len(frames), 0 if repeat else None)


@pytest.mark.parametrize("length", [1, 3, 254, 255, 256, 509, 510, 511, 70_000])
def test_blocks_of_every_length_pass(length: int) -> None:
    """However much data a frame has, it is passed over to its last byte."""
    data = bytes(length)
    blocks = b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, length, 255)) + b"\0"
    assert check_gif(_gif(_frame(blocks=blocks), _frame(blocks=blocks)), 35) == Size(7, 5)
    for broken in (blocks[:-1], blocks + b"\0"):
        with pytest.raises(InvalidPicture):
            check_gif(_gif(_frame(blocks=broken)), 35)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_gif(_frame()), id="played once"),
        pytest.param(_gif(FOREVER, _frame(), _frame((6, 4, 1, 1))), id="a small second frame"),
        pytest.param(_gif(_frame(how=0x09)), id="cleared and transparent"),
        pytest.param(_gif(_frame(flags=0x87)), id="256 colours"),
        pytest.param(_gif(_frame(bits=2)), id="few bits"),
    ],
)
def test_known_shapes_pass(data: bytes) -> None:
    """An animation passes in each of its possible layouts."""
    assert check_gif(data, 35) == Size(7, 5)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GIF89a", id="start alone"),
        pytest.param(_gif(), id="no frame"),
        pytest.param(_gif(FOREVER), id="repetitions of nothing"),
        pytest.param(_gif(_frame()).replace(b"89a", b"87a"), id="before animations"),
        pytest.param(_gif(_frame(), width=0), id="no width"),
        pytest.param(_gif(_frame(), height=0), id="no height"),
        pytest.param(_gif(bytes(6), _frame(), others=b"\x80\0\0"), id="a table for all frames"),
        pytest.param(_gif(_frame(), others=b"\0\0\x31"), id="pixels that aren't square"),
        pytest.param(_gif(b"\x21\xfe\x02hi\0", _frame()), id="a comment"),
        pytest.param(_gif(_frame(), b"\x21\xfe\x02hi\0"), id="a comment behind"),
        pytest.param(_gif(b"\x21\x01\x0c" + bytes(12) + b"\x02hi\0", _frame()), id="a text"),
        pytest.param(_gif(b"\x21\xff\x0bXMP DataXMP\x02hi\0", _frame()), id="another application"),
        pytest.param(_gif(FOREVER, FOREVER, _frame()), id="repetitions twice"),
        pytest.param(_gif(_frame(), FOREVER), id="repetitions behind"),
        pytest.param(_gif(FOREVER[:-1] + b"\1x\0", _frame()), id="repetitions with more"),
        pytest.param(_gif(b"," + struct.pack("<HHHHB", 0, 0, 7, 5, 0) + b"\x08" + BLOCKS), id="no delay"),
        pytest.param(_gif(_frame(mark=b"\x21\xf9\x05")), id="a delay of another length"),
        pytest.param(_gif(_frame(end=b"\1")), id="a delay that doesn't end"),
        pytest.param(_gif(_frame(how=0x0C)), id="back to the frame before"),
        pytest.param(_gif(_frame(how=0)), id="nothing said of afterwards"),
        pytest.param(_gif(_frame(how=0x06)), id="waits for a person"),
        pytest.param(_gif(_frame(how=0x24)), id="reserved bits"),
        pytest.param(_gif(_frame(flags=0x01)), id="no table"),
        pytest.param(_gif(_frame(flags=0xC1)), id="rows out of order"),
        pytest.param(_gif(_frame(flags=0x91)), id="reserved bits of a frame"),
        pytest.param(_gif(_frame((1, 0, 7, 5))), id="too wide"),
        pytest.param(_gif(_frame((0, 1, 7, 5))), id="too high"),
        pytest.param(_gif(_frame((0, 0, 0, 5))), id="frame without width"),
        pytest.param(_gif(_frame((0, 0, 7, 0))), id="frame without height"),
        pytest.param(_gif(_frame(bits=1)), id="too few bits"),
        pytest.param(_gif(_frame(bits=9)), id="too many bits"),
        pytest.param(_gif(_frame(blocks=b"\0")), id="no data"),
        pytest.param(_gif(_frame(blocks=b"\x01a\x01b\0")), id="blocks that aren't full"),
        pytest.param(_gif(_frame(blocks=b"\x09abc")), id="a block that doesn't end"),
        pytest.param(_gif(_frame(), end=b""), id="no end"),
        pytest.param(_gif(_frame(), end=b";;"), id="two ends"),
    ],
)
def test_broken_structure_is_refused(data: bytes) -> None:
    """A file that breaks a single rule is refused, for each rule."""
    with pytest.raises(InvalidPicture):
        check_gif(data, LIMIT)


@BOUNDED
@given(st.binary(max_size=100))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    """Arbitrary bytes raise InvalidPicture and no other exception, wherever they are."""
    for whole in (_gif(data), _gif(FOREVER, data), _gif(_frame(blocks=data)), _gif(_frame(), data, end=b"")):
        try:
            check_gif(whole, LIMIT)
        except InvalidPicture:
            continue
        assert whole.endswith(b";")


def test_pixels_and_frames_are_bounded() -> None:
    """One picture has a bound, and so have all frames together, by number and by pixels."""
    assert check_gif(_gif(_frame(), width=5000, height=10_000), LIMIT) == Size(5000, 10_000)
    with pytest.raises(TooManyPixels) as caught:
        check_gif(_gif(_frame(), width=5000, height=10_001), LIMIT)
    assert caught.value.pixels == 50_005_000
    assert check_gif(_gif(*[_frame()] * 8, width=5000, height=10_000), LIMIT) == Size(5000, 10_000)
    with pytest.raises(InvalidPicture, match="pixels together"):
        check_gif(_gif(*[_frame()] * 9, width=5000, height=10_000), LIMIT)
    assert check_gif(_gif(*[_frame()] * FRAME_LIMIT), LIMIT) == Size(7, 5)
    for count in (FRAME_LIMIT + 1, 100_000):
        with pytest.raises(InvalidPicture, match="frames"):
            check_gif(_gif(*[_frame()] * count), LIMIT)
