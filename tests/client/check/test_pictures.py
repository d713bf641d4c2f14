"""Whether pictures look the same, by their files alone; and how far apart they are."""

from __future__ import annotations

import io
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from figbox.check.errors import CheckError
from figbox.check.pictures import NotAPicture, distance, look_at
from tests.client.check.pictures import SIGNATURE, chunk, header, png

RED = bytes([255, 0, 0])
END = chunk(b"IEND", b"")


def saved(picture: Image.Image, **options: object) -> bytes:
    """Return a picture as Pillow writes it."""
    buffer = io.BytesIO()
    picture.save(buffer, "png", **options)
    return buffer.getvalue()


def test_size_is_that_of_the_header() -> None:
    """Width and height come from the file."""
    seen = look_at(png(7, 5, RED))
    assert (seen.width_px, seen.height_px) == (7, 5)


def test_text_and_packing_make_no_difference() -> None:
    """Metadata, another level of packing, and rows in several chunks look the same."""
    plain = look_at(png(7, 5, RED))
    assert look_at(png(7, 5, RED, "a title")) == plain
    assert look_at(png(7, 5, RED, level=0)) == plain
    packed = zlib.compress((b"\0" + RED * 7) * 5)
    parts = b"".join(chunk(b"IDAT", packed[at : at + 3]) for at in range(0, len(packed), 3))
    assert look_at(SIGNATURE + header(7, 5) + parts + END) == plain
    assert look_at(SIGNATURE + header(7, 5) + chunk(b"tIME", bytes(7)) + parts + END) == plain


def test_whatever_is_seen_makes_a_difference() -> None:
    """One sample, the size, transparency, and chunks by which viewers change colours or position."""
    pictures = [
        png(7, 5, RED),
        png(5, 7, RED),
        png(7, 5, bytes([254, 0, 0])),
        *(
            SIGNATURE + header(7, 5) + chunk(kind, body) + chunk(b"IDAT", zlib.compress((b"\0" + RED * 7) * 5)) + END
            for kind, body in ((b"tRNS", bytes(6)), (b"gAMA", bytes(4)), (b"eXIf", b"MM"), (b"pHYs", bytes(9)))
        ),
    ]
    assert len({look_at(picture).digest for picture in pictures}) == len(pictures)


@given(st.integers(1, 40), st.integers(1, 40), st.data(), st.sampled_from(["RGBA", "RGB", "L", "1", "P"]))
def test_pictures_of_a_library(width: int, height: int, data: st.DataObject, mode: str) -> None:
    """What Pillow writes is read whatever its mode; texts make no difference, a sample does."""
    size = width * height * (4 if mode == "RGBA" else 3 if mode == "RGB" else 1)
    picture = Image.frombytes(
        mode if mode != "1" else "L", (width, height), data.draw(st.binary(min_size=size, max_size=size))
    )
    picture = picture.convert("1") if mode == "1" else picture
    said = PngImagePlugin.PngInfo()
    said.add_text("Software", "other")
    seen = look_at(saved(picture))
    assert (seen.width_px, seen.height_px) == (width, height)
    assert look_at(saved(picture, pnginfo=said, compress_level=1)) == seen
    if mode == "RGBA":
        first = picture.getpixel((0, 0))
        assert isinstance(first, tuple)
        picture.putpixel((0, 0), (first[0] ^ 1, *first[1:]))
        assert look_at(saved(picture)) != seen


def test_several_figures_from_matplotlib() -> None:
    """Saved twice with different metadata, a real figure looks the same."""
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 3, 2])
    files = []
    for title in ("one", "two"):
        buffer = io.BytesIO()
        figure.savefig(buffer, metadata={"Title": title})
        files.append(buffer.getvalue())
    assert files[0] != files[1]
    assert look_at(files[0]) == look_at(files[1])
    assert distance(*files) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        SIGNATURE,
        png(7, 5, RED)[:-1],
        png(7, 5, RED)[:60],
        png(7, 5, RED) + b"more",
        png(7, 5, RED).replace(b"IDAT", b"IDAU"),
        SIGNATURE + END,
        SIGNATURE + chunk(b"IHDR", bytes(13)) + END,
        SIGNATURE + header(7, 5) + END,
        SIGNATURE + header(7, 5) + chunk(b"IDAT", b"nonsense") + END,
        SIGNATURE + header(7, 5) + chunk(b"IDAT", zlib.compress(bytes(7 * 5))[:-4]) + END,
        SIGNATURE + header(7, 5) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + END,
        SIGNATURE + header(1, 1) + chunk(b"IDAT", zlib.compress(bytes(10**8))) + END,
    ],
    ids=range(14),
)
def test_what_is_no_picture(data: bytes) -> None:
    """A file that is cut, damaged, a bomb or of another kind is refused."""
    with pytest.raises(NotAPicture):
        look_at(data)


@given(st.binary(max_size=60), st.integers(0, 80), st.integers(0, 20))
def test_damage_is_refused_or_seen(new: bytes, at: int, length: int) -> None:
    """However a file is changed, it isn't the same without being the same."""
    whole = png(7, 5, RED, "a title")
    changed = whole[:at] + new + whole[at + length :]
    try:
        seen = look_at(changed)
    except NotAPicture:
        return
    assert changed == whole or seen != look_at(whole) or distance(changed, whole) == 0


@pytest.mark.parametrize(("sample", "expected"), [(0, 0.0), (1, 0.5), (200, 100.0)])
def test_distance(sample: int, expected: float) -> None:
    """It is the root mean square over four samples of a pixel; opaque ones differ by nothing in opacity."""
    assert distance(png(7, 5, bytes(3)), png(7, 5, bytes([sample, 0, 0]))) == pytest.approx(expected)


def test_distance_of_other_sizes_is_none() -> None:
    """Pictures of different sizes have no distance."""
    assert distance(png(7, 5, RED), png(7, 6, RED)) is None


def test_distance_needs_a_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Pillow isn't installed that is said, with what installs it; and what can't be decoded is said, too."""
    with pytest.raises(CheckError, match="a picture can't be decoded"):
        distance(b"nonsense", png(7, 5, RED))
    for name in [name for name in sys.modules if name == "PIL" or name.startswith("PIL.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("figbox.check.pictures.find_spec", lambda _: None)
    with pytest.raises(CheckError, match=r"a tolerance needs Pillow: pip install '\.\[ci\]' in a clone"):
        distance(png(7, 5, RED), png(7, 5, RED))


def test_pictures_of_too_many_pixels_are_not_unpacked() -> None:
    """Rows that are all alike have a thousandth of their size in a file: a few MiB would take an hour."""
    packed = zlib.compress(bytes(1000))
    with pytest.raises(NotAPicture, match="too many pixels"):
        look_at(SIGNATURE + header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", packed) + END)
