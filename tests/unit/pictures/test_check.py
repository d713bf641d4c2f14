"""What the checks of all formats do: pass what Matplotlib writes, and refuse what is cut, changed or another format."""

from __future__ import annotations

import contextlib
import io
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from gateway.model.jobs import Format
from gateway.pictures.check import check_picture
from gateway.pictures.picture import InvalidPicture, Size
from tests.support.saved_figures import ANIMATED, animated, every_way, saved

LIMIT = 50_000_000
BOUNDED = settings(deadline=None, max_examples=150)

#: Sizes of vector formats in points, as they state them.
_POINTS = {
    Format.SVG: re.compile(rb'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"'),
    Format.PDF: re.compile(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]"),
}

every_format = pytest.mark.parametrize("kind", Format)


@cache
def _small(kind: Format) -> tuple[bytes, ...]:
    """Return small files: as Matplotlib writes one, and in other forms of the format that Pillow writes."""
    if kind in _POINTS:
        return (saved(kind.value, Figure).rstrip(),)
    if kind.value in ANIMATED:
        still, moved = (Image.effect_noise((41, 30), 80).convert("RGBA") for _ in range(2))
        moved.paste(still.crop((0, 0, 20, 30)))
        hidden = Image.new("RGBA", (41, 30))
        return tuple(animated(kind.value, frames, repeat=frames[0] is still) for frames in ([still, moved], [hidden]))
    forms: dict[Format, tuple[tuple[str, dict[str, object]], ...]] = {
        Format.PNG: (("P", {"transparency": 0}), ("RGBA", {})),
        Format.JPEG: (("RGB", {}), ("L", {"progressive": True})),
        Format.WEBP: (("RGB", {}), ("RGBA", {}), ("RGB", {"lossless": True})),
    }
    files = []
    for mode, options in forms[kind]:
        image = Image.effect_noise((41, 30), 80).convert(mode)
        if mode == "RGBA":
            image.putalpha(Image.effect_noise((41, 30), 80))
        out = io.BytesIO()
        image.save(out, kind.value, **options)
        files.append(out.getvalue())
    return tuple(files)


def _check_size(kind: Format, data: bytes, size: Size) -> None:
    """Check that a size is the one that a decoder reads."""
    if kind in _POINTS:
        stated = _POINTS[kind].search(data)
        assert stated is not None
        assert abs(size.width - float(stated[1])) <= 0.5
        assert abs(size.height - float(stated[2])) <= 0.5
        return
    with Image.open(io.BytesIO(data)) as image:
        named = {Format.APNG: "PNG", Format.AWEBP: "WEBP"}.get(kind, kind.name)
        assert (image.format, Size(*image.size)) == (named, size)


@every_format
def test_figures_of_matplotlib_pass(kind: Format) -> None:
    """What savefig writes, with every option that changes a file's structure, is served, with the right size."""
    for data in every_way(kind.value):
        _check_size(kind, data, check_picture(kind, data, LIMIT))


@every_format
def test_every_truncation_is_found(kind: Format) -> None:
    """A file that lacks any of its last bytes is refused."""
    for data in _small(kind):
        for length in range(len(data)):
            with pytest.raises(InvalidPicture):
                check_picture(kind, data[:length], LIMIT)


@every_format
@BOUNDED
@given(st.data())
def test_appended_bytes_are_found(kind: Format, data: st.DataObject) -> None:
    """Nothing can hide behind the end, except the blanks and comments that XML allows."""
    tail = data.draw(st.binary(min_size=1, max_size=50))
    if kind is Format.SVG and not re.sub(rb"<!--.*?-->", b"", tail, flags=re.DOTALL).strip(b" \t\r\n"):
        return
    end = b"\n" if kind is Format.PDF else b""  # the one byte that may follow
    with pytest.raises(InvalidPicture):
        check_picture(kind, data.draw(st.sampled_from(_small(kind))) + end + tail, LIMIT)


@every_format
@BOUNDED
@given(st.data())
def test_changed_bytes_raise_nothing_else_and_lie_about_no_size(kind: Format, data: st.DataObject) -> None:
    """However a file is changed, it raises InvalidPicture, or passes with the size that a decoder reads."""
    whole = data.draw(st.sampled_from(_small(kind)))
    position = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 60))
    changed = whole[:position] + data.draw(st.binary(max_size=20)) + whole[position + data.draw(st.integers(0, 20)) :]
    try:
        size = check_picture(kind, changed, LIMIT)
    except InvalidPicture:
        return
    with contextlib.suppress(OSError):  # Pillow may refuse it, too
        _check_size(kind, changed, size)


@every_format
@BOUNDED
@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(kind: Format, data: bytes) -> None:
    """Arbitrary bytes raise InvalidPicture and no other exception, also after a valid beginning."""
    for begin in (b"", _small(kind)[0][:40]):
        with pytest.raises(InvalidPicture):
            check_picture(kind, begin + data, LIMIT)


@every_format
def test_another_format_is_not_taken(kind: Format) -> None:
    """A picture of another format is refused."""
    for other in Format:
        if other is not kind:
            with pytest.raises(InvalidPicture):
                check_picture(kind, _small(other)[0], LIMIT)
