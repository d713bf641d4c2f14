"""check_png passes what Matplotlib and Pillow write, and nothing that was changed."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from gateway.pictures.picture import InvalidPicture, Size
from gateway.pictures.png import ANCILLARY_LIMIT, CHUNK_LIMIT, INT_MAX, SIGNATURE, check_png
from tests.fakes import PNG

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
LIMIT = 50_000_000


def _chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _header(
    width: int = 1, height: int = 1, depth: int = 8, colour: int = 0, rest: tuple[int, int, int] = (0, 0, 0)
) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *rest))


IDAT = _chunk(b"IDAT", zlib.compress(b"\0\0"))
IEND = _chunk(b"IEND")


def _png(*chunks: bytes, header: bytes | None = None) -> bytes:
    return SIGNATURE + (header or _header()) + b"".join(chunks) + IEND


def _chunks(data: bytes) -> list[bytes]:
    chunks, position = [], len(SIGNATURE)
    while position < len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4])
        chunks.append(data[position:end])
        position = end
    return chunks


def _pillow(mode: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (7, 5)).save(out, "png", **options)
    return out.getvalue()


def _touched() -> bytes:
    """Return a small palette picture with as many kinds of chunks as Pillow writes."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "test")
    info.add(b"gAMA", struct.pack(">I", 45455))
    return _pillow("P", dpi=(100, 100), pnginfo=info, transparency=0)


@pytest.mark.parametrize("options", [{}, {"dpi": (72, 72)}, {"transparency": 0}, {"optimize": True}])
@pytest.mark.parametrize("mode", MODES)
def test_pictures_of_every_mode_pass(mode: str, options: dict[str, object]) -> None:
    """What Pillow writes in each of its modes is served."""
    if "transparency" in options:
        if mode in ("LA", "RGBA"):
            options = {}
        elif mode == "RGB":
            options = {"transparency": (0, 0, 0)}
    assert Size(7, 5) == check_png(_pillow(mode, **options), 35)


def test_picture_in_many_data_chunks_passes() -> None:
    """Image data in several chunks is one picture."""
    out = io.BytesIO()
    Image.effect_noise((500, 400), 80).save(out, "png")
    assert out.getvalue().count(b"IDAT") > 1
    assert Size(500, 400) == check_png(out.getvalue(), LIMIT)


@pytest.mark.parametrize("data", [PNG, _touched()], ids=["smallest", "palette"])
def test_every_flipped_bit_is_found(data: bytes) -> None:
    """Every change of a single bit is detected."""
    check_png(data, LIMIT)
    for position, bit in itertools.product(range(len(data)), range(8)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << bit
        with pytest.raises(InvalidPicture):
            check_png(bytes(flipped), LIMIT)


def test_every_swap_of_chunks_is_found() -> None:
    """Chunks are only accepted in PNG's order; only text may stand anywhere before the end."""
    data = _touched()
    chunks = _chunks(data)
    kinds = [chunk[4:8] for chunk in chunks]
    assert {b"gAMA", b"PLTE", b"tRNS", b"pHYs", b"tEXt"} <= set(kinds)
    for one, other in itertools.combinations(range(len(chunks)), 2):
        swapped = chunks[:]
        swapped[one], swapped[other] = chunks[other], chunks[one]
        if _is_order_of_png([chunk[4:8] for chunk in swapped]):
            check_png(SIGNATURE + b"".join(swapped), LIMIT)
        else:
            with pytest.raises(InvalidPicture):
                check_png(SIGNATURE + b"".join(swapped), LIMIT)


def _is_order_of_png(kinds: list[bytes]) -> bool:
    """Restate section 5.6 for the chunks of one file, as pairs that must stand in this order."""
    before = [
        (b"IHDR", None),
        (b"gAMA", b"PLTE"),
        (b"PLTE", b"tRNS"),
        (b"tRNS", b"IDAT"),
        (b"pHYs", b"IDAT"),
        (None, b"IEND"),
    ]
    return all(
        kinds.index(first) < kinds.index(second)
        if first and second
        else (kinds[0] == first if first else kinds[-1] == second)
        for first, second in before
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_png(), id="no image data"),
        pytest.param(SIGNATURE + IDAT + _header() + IEND, id="header second"),
        pytest.param(_png(_header(), IDAT), id="two headers"),
        pytest.param(_png(IDAT, _chunk(b"tEXt", b"a\0b"), IDAT), id="data in two pieces"),
        pytest.param(_png(IDAT, _chunk(b"PLTE", bytes(3)), header=_header(colour=3)), id="palette late"),
        pytest.param(
            _png(_chunk(b"PLTE", bytes(3)), _chunk(b"PLTE", bytes(3)), IDAT, header=_header(colour=3)),
            id="two palettes",
        ),
        pytest.param(_png(IDAT, header=_header(colour=3)), id="no palette"),
        pytest.param(_png(_chunk(b"PLTE", bytes(3)), IDAT), id="palette of a grey picture"),
        pytest.param(_png(_chunk(b"PLTE", bytes(4)), IDAT, header=_header(colour=3)), id="palette cut"),
        pytest.param(_png(_chunk(b"PLTE"), IDAT, header=_header(colour=3)), id="palette empty"),
        pytest.param(_png(_chunk(b"PLTE", bytes(771)), IDAT, header=_header(colour=3)), id="palette too long"),
        pytest.param(_png(IDAT, _chunk(b"pHYs", bytes(9))), id="resolution late"),
        pytest.param(_png(_chunk(b"pHYs", bytes(9)) * 2, IDAT), id="two resolutions"),
        pytest.param(_png(IDAT)[: -len(IEND)] + _chunk(b"IEND", b"x"), id="end with a body"),
        pytest.param(_png(IDAT)[: -len(IEND)], id="no end"),
        pytest.param(PNG + PNG, id="two pictures"),
        pytest.param(b"GIF89a", id="another format"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_broken_structure_is_refused(data: bytes) -> None:
    """Files with correct checksums but a broken structure are refused."""
    with pytest.raises(InvalidPicture):
        check_png(data, LIMIT)


@pytest.mark.parametrize(
    "kind", [b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"acTL", b"fcTL", b"fdAT", b"tIME", b"sPLT", b"hIST", b"teXt", b"ABCD"]
)
def test_kinds_of_chunks_not_needed_are_refused(kind: bytes) -> None:
    """Compressed text, EXIF, profiles, animation and whatever is unknown never reach a client."""
    for chunks in ((_chunk(kind, b"a\0b"), IDAT), (IDAT, _chunk(kind, b"a\0b"))):
        with pytest.raises(InvalidPicture):
            check_png(_png(*chunks), LIMIT)


@pytest.mark.parametrize(
    ("header", "passes"),
    [
        (_header(1000, 50_000), True),
        (_header(1000, 50_001), False),
        (_header(LIMIT, 1), True),
        (_header(1, LIMIT + 1), False),
        (_header(INT_MAX, INT_MAX), False),
        (_header(0xFFFF_FFFF, 1), False),
        (_header(0, 1), False),
        (_header(1, 0), False),
        (_header(0x8000_0000, 0), False),
        (_header(depth=3), False),
        (_header(depth=16, colour=2), True),
        (_header(depth=4, colour=6), False),
        (_header(colour=5), False),
        (_header(rest=(1, 0, 0)), False),
        (_header(rest=(0, 1, 0)), False),
        (_header(rest=(0, 0, 1)), True),
        (_header(rest=(0, 0, 2)), False),
        (_chunk(b"IHDR", bytes(12)), False),
        (_chunk(b"IHDR", bytes(14)), False),
        (_chunk(b"IHDR"), False),
    ],
)
def test_header_is_within_bounds(header: bytes, passes: bool) -> None:  # noqa: FBT001 - a table
    """A header with too many pixels, none, or values that PNG doesn't define is refused before any decoder sees it."""
    data = _png(IDAT, header=header)
    if passes:
        check_png(data, LIMIT)
    else:
        with pytest.raises(InvalidPicture):
            check_png(data, LIMIT)


DESCRIBED = b"Description\0\0\0\0\0"


@pytest.mark.parametrize("text", ["", "A line chart.", "Höhe in m, \N{CJK UNIFIED IDEOGRAPH-6C34} <b>"])
def test_an_alternative_text_passes(text: str) -> None:
    """The picture's description in UTF-8 is served, once, before the image data or behind it."""
    chunk = _chunk(b"iTXt", DESCRIBED + text.encode())
    assert check_png(_png(chunk, IDAT), LIMIT) == check_png(_png(IDAT, chunk), LIMIT) == Size(1, 1)
    with pytest.raises(InvalidPicture, match="occurs twice"):
        check_png(_png(chunk, chunk, IDAT), LIMIT)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"Description", id="a keyword alone"),
        pytest.param(b"Description\0\1\0\0\0" + zlib.compress(b"x"), id="compressed"),
        pytest.param(b"Description\0\0\1\0\0x", id="another method"),
        pytest.param(b"Description\0\0\0en\0\0x", id="a language"),
        pytest.param(b"Description\0\0\0\0Text\0x", id="a translated keyword"),
        pytest.param(b"description\0\0\0\0\0x", id="another spelling"),
        pytest.param(b"XML:com.adobe.xmp\0\0\0\0\0<x/>", id="XMP"),
        pytest.param(DESCRIBED + b"\xff", id="no UTF-8"),
        pytest.param(DESCRIBED + b"\xed\xa0\x80", id="half a character"),
        pytest.param(DESCRIBED + b"a\0b", id="NUL"),
        pytest.param(DESCRIBED + b"a\nb", id="two lines"),
        pytest.param(DESCRIBED + b"\x1b[2J", id="an escape"),
        pytest.param(DESCRIBED + b"\xc2\x9b2J", id="an escape beyond ASCII"),
        pytest.param(DESCRIBED + b"x" * ANCILLARY_LIMIT, id="too long"),
    ],
)
def test_other_texts_in_unicode_are_refused(body: bytes) -> None:
    """No other text in UTF-8 is served: not compressed, of no other keyword, in one line."""
    with pytest.raises(InvalidPicture, match="text that is not allowed"):
        check_png(_png(_chunk(b"iTXt", body), IDAT), LIMIT)


def test_text_beside_the_picture_is_bounded() -> None:
    """All ancillary chunks together may have so many bytes, and not one more."""
    half = _chunk(b"tEXt", bytes(ANCILLARY_LIMIT // 2))
    check_png(_png(half, half, IDAT), LIMIT)
    with pytest.raises(InvalidPicture):
        check_png(_png(half, half, _chunk(b"tEXt", b"x"), IDAT), LIMIT)


def test_number_of_chunks_is_bounded() -> None:
    """A file of a million empty chunks would block all other clients during its check."""
    check_png(_png(_chunk(b"IDAT") * (CHUNK_LIMIT - 3), IDAT), LIMIT)
    with pytest.raises(InvalidPicture, match="chunks"):
        check_png(_png(_chunk(b"IDAT") * (CHUNK_LIMIT - 2), IDAT), LIMIT)


def test_length_beyond_the_file_is_refused() -> None:
    """A chunk can't claim bytes that aren't there."""
    for length in (1, 0x7FFF_FFFF, 0xFFFF_FFFF):
        with pytest.raises(InvalidPicture, match="cut short"):
            check_png(SIGNATURE + _header() + struct.pack(">I", length) + b"IDAT" + bytes(4), LIMIT)
