"""Whatever a job makes of its output, checking it costs time in proportion to its length, and little of it."""

from __future__ import annotations

import contextlib
import zlib
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.checking import BYTES_PER_S
from gateway.model.jobs import Format, MiB
from gateway.pictures.check import check_picture
from gateway.pictures.picture import InvalidPicture
from tests.support.cost import costs_no_more, cpu_s, shown

if TYPE_CHECKING:
    from collections.abc import Callable

#: Length of the longest file that is tried, and what each MiB may take: a worker's deadline follows from the same rate.
LONGEST = 8 * MiB
S_PER_MIB = MiB / BYTES_PER_S

SVG_HEAD = (
    b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="7pt" height="5pt">'
)
PDF_HEAD = b"%PDF-1.4\n1 0 obj\n"


def svg(begin: bytes, piece: bytes, end: bytes) -> Callable[[int], bytes]:
    """Return what makes an SVG of one piece again and again."""
    return lambda length: SVG_HEAD + begin + piece * (length // len(piece)) + end + b"</svg>"


def pdf(begin: bytes, piece: bytes, end: bytes) -> Callable[[int], bytes]:
    """Return what makes the beginning of a PDF of one piece again and again."""
    return lambda length: PDF_HEAD + begin + piece * (length // len(piece)) + end


def png_of_chunks(kind: bytes, body: bytes) -> Callable[[int], bytes]:
    """Return what makes a PNG of many chunks of one kind."""
    head = b"IHDR" + bytes((0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0))
    signature = b"\x89PNG\r\n\x1a\n"

    def chunk(content: bytes) -> bytes:
        return (len(content) - 4).to_bytes(4) + content + zlib.crc32(content).to_bytes(4)

    one = chunk(kind + body)
    return lambda length: signature + chunk(head) + one * (length // len(one))


def gif_of_frames(blocks: bytes) -> Callable[[int], bytes]:
    """Return what makes a GIF of many frames with these blocks of data."""
    frame = GIF_FRAME + blocks
    return lambda length: GIF_HEAD + frame * (length // len(frame)) + b";"


def webp_of_frames(length: int) -> bytes:
    """Return an animated WebP of many small frames."""
    frame = b"ANMF\x22\0\0\0" + bytes(15) + b"\2VP8L\x0a\0\0\0\x2f" + bytes(9)
    content = b"WEBPVP8X\x0a\0\0\0\2" + bytes(9) + b"ANIM\6\0\0\0" + bytes(6) + frame * (length // len(frame))
    return b"RIFF" + len(content).to_bytes(4, "little") + content


def apng_of_chunks(*bodies: bytes) -> Callable[[int], bytes]:
    """Return what makes an APNG of many chunks, each as long as one of these."""

    def chunk(content: bytes) -> bytes:
        return (len(content) - 4).to_bytes(4) + content + zlib.crc32(content).to_bytes(4)

    header = chunk(b"IHDR" + bytes((0, 0, 0, 8, 0, 0, 0, 8, 8, 6, 0, 0, 0)))
    control = chunk(b"acTL" + bytes((0, 0, 3, 232)) + bytes(4))
    first = chunk(b"fcTL" + bytes((0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8)) + bytes(14))
    pieces = b"".join(map(chunk, bodies))
    return lambda length: (
        b"\x89PNG\r\n\x1a\n" + header + control + first + chunk(b"IDATx") + pieces * (length // len(pieces))
    )


GIF_HEAD = b"GIF89a\1\0\1\0\0\0\0"
GIF_FRAME = b"\x21\xf9\x04\x04\0\0\0\0,\0\0\0\0\1\0\1\0\x80" + bytes(6) + b"\x08"
JPEG_HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"

SHAPES: dict[str, tuple[Format, Callable[[int], bytes]]] = {
    "svg, one attribute": (Format.SVG, svg(b'<path d="', b"M 0 0 ", b'"/>')),
    "svg, one attribute that never ends": (Format.SVG, svg(b'<path d="', b"M 0 0 ", b"")),
    "svg, blanks within a reference": (Format.SVG, svg(b'<path style="url(', b" ", b'"/>')),
    "svg, many references": (Format.SVG, svg(b'<path style="', b"url( #a ", b'"/>')),
    "svg, references that almost are": (Format.SVG, svg(b'<path style="(', b"url", b'"/>')),
    "svg, embedded data": (Format.SVG, svg(b'<image xlink:href="data:image/png;base64,', b"AAAA", b'"/>')),
    "svg, embedded data with blanks": (Format.SVG, svg(b'<image xlink:href="data:image/png;base64,', b"A ", b'"/>')),
    "svg, an address of blanks": (Format.SVG, svg(b'<image xlink:href="', b" &#10;", b'"/>')),
    "svg, a scheme that never ends": (Format.SVG, svg(b'<a xlink:href="', b"a", b'"/>')),
    "svg, elements": (Format.SVG, svg(b"", b"<g/>", b"")),
    "svg, paths": (Format.SVG, svg(b"", b'<path d="M"/>', b"")),
    "svg, identifiers": (Format.SVG, svg(b"", b'<path id="a"/>', b"")),
    "svg, attributes": (Format.SVG, svg(b"<g ", b'a="" ', b"/>")),
    "svg, depth": (Format.SVG, svg(b"", b"<g>", b"")),
    "svg, text": (Format.SVG, svg(b"<text>", b"a\n", b"</text>")),
    "svg, entities": (Format.SVG, svg(b"<text>", b"&amp;", b"</text>")),
    "svg, ampersands": (Format.SVG, svg(b"<text>", b"&", b"</text>")),
    "svg, a comment": (Format.SVG, svg(b"<!--", b"- ", b"-->")),
    "svg, a comment that never ends": (Format.SVG, svg(b"<!--", b"- ", b"")),
    "svg, a section": (Format.SVG, svg(b"<text><![CDATA[", b"] ", b"]]></text>")),
    "svg, style rules": (Format.SVG, svg(b"<style>", b"a{} ", b"</style>")),
    "svg, angles": (Format.SVG, svg(b"", b"<", b"")),
    "svg, long names": (Format.SVG, svg(b"<", b"a", b"/>")),
    "pdf, an escaped name": (Format.PDF, pdf(b"/", b"#41", b" ")),
    "pdf, escaped names": (Format.PDF, pdf(b"", b"/#41#41#41#41#41#41#41#41 ", b"")),
    "pdf, a name": (Format.PDF, pdf(b"/", b"A", b" ")),
    "pdf, names": (Format.PDF, pdf(b"", b"/A", b"")),
    "pdf, comments": (Format.PDF, pdf(b"", b"%\n", b"")),
    "pdf, a comment": (Format.PDF, pdf(b"%", b"% ", b"\n")),
    "pdf, blanks": (Format.PDF, pdf(b"", b" ", b"")),
    "pdf, brackets": (Format.PDF, pdf(b"", b"[", b"")),
    "pdf, a string": (Format.PDF, pdf(b"(", b"a", b")")),
    "pdf, a string of brackets": (Format.PDF, pdf(b"(", b"()", b")")),
    "pdf, a string of escapes": (Format.PDF, pdf(b"(", b"\\)", b")")),
    "pdf, strings": (Format.PDF, pdf(b"", b"()", b"")),
    "pdf, a hexadecimal string": (Format.PDF, pdf(b"<", b"4 ", b">")),
    "pdf, one that never ends": (Format.PDF, pdf(b"<", b"4 ", b"")),
    "pdf, words": (Format.PDF, pdf(b"", b"a ", b"")),
    "pdf, numbers in a box": (Format.PDF, pdf(b"", b"/MediaBox [0 0 9 9] ", b"")),
    "pdf, streams": (Format.PDF, pdf(b"endobj ", b"1 0 obj stream\nendstream endobj ", b"")),
    "pdf, streams that never end": (Format.PDF, pdf(b"stream\n", b"endstrea ", b"")),
    "pdf, entries of the table": (
        Format.PDF,
        lambda length: PDF_HEAD + b"endobj xref\n0 %d\n" % (length // 20) + b"0000000000 65535 f \n" * (length // 20),
    ),
    "png, empty chunks": (Format.PNG, png_of_chunks(b"IDAT", b"")),
    "png, texts": (Format.PNG, png_of_chunks(b"tEXt", b"a\0b")),
    "png, image data": (Format.PNG, png_of_chunks(b"IDAT", bytes(8192))),
    "jpeg, segments": (Format.JPEG, lambda length: JPEG_HEAD + b"\xff\xdd\0\x04\0\0" * (length // 6)),
    "jpeg, tables": (Format.JPEG, lambda length: JPEG_HEAD + (b"\xff\xdb\xff\xfd" + bytes(65531)) * (length // 65535)),
    "jpeg, a scan": (
        Format.JPEG,
        lambda length: JPEG_HEAD + b"\xff\xda\0\x08\x01" + bytes(5) + b"\xff\0" * (length // 2),
    ),
    "webp, chunks": (
        Format.WEBP,
        lambda length: b"RIFF" + (length + 4).to_bytes(4, "little") + b"WEBP" + b"EXIF\0\0\0\0" * (length // 8),
    ),
    "gif, full blocks": (Format.GIF, lambda length: GIF_HEAD + GIF_FRAME + (b"\xff" * 256) * (length // 256)),
    "gif, blocks of one byte": (Format.GIF, lambda length: GIF_HEAD + GIF_FRAME + b"\1\0" * (length // 2)),
    "gif, frames": (Format.GIF, gif_of_frames(b"\1\0\0")),
    "gif, longer frames": (Format.GIF, gif_of_frames((b"\xff" * 256) * 31 + b"\0")),
    "gif, repetitions": (Format.GIF, lambda length: GIF_HEAD + b"\x21\xff\x0bNETSCAPE2.0\3\1\0\0\0" * (length // 19)),
    "apng, frames": (Format.APNG, apng_of_chunks(b"fcTL" + bytes(26), b"fdAT" + bytes(5))),
    "apng, empty data": (Format.APNG, apng_of_chunks(b"IDAT")),
    "apng, image data": (Format.APNG, apng_of_chunks(b"IDAT" + bytes(8192))),
    "animated webp, frames": (Format.AWEBP, webp_of_frames),
    "animated webp, a frame of chunks": (
        Format.AWEBP,
        lambda length: (
            b"RIFF"
            + (length + 58).to_bytes(4, "little")
            + b"WEBPVP8X\x0a\0\0\0\2"
            + bytes(9)
            + b"ANIM\6\0\0\0"
            + bytes(6)
            + b"ANMF"
            + (length + 16).to_bytes(4, "little")
            + bytes(15)
            + b"\2"
            + b"ALPH\0\0\0\0" * (length // 8)
        ),
    ),
}


#: Shapes whose cost grew with the square before it was bounded, and one of each format.
SHOWN = (
    "svg, one attribute that never ends",
    "svg, blanks within a reference",
    "svg, a comment",
    "pdf, an escaped name",
    "png, image data",
    "jpeg, a scan",
    "webp, chunks",
    "gif, full blocks",
    "apng, frames",
    "animated webp, frames",
)


def cost_s(kind: Format, data: bytes) -> float:
    """Return the processor time that checking a file takes."""

    def check() -> None:
        with contextlib.suppress(InvalidPicture):
            check_picture(kind, data, 10_000_000)

    return cpu_s(check)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(SHAPES, SHOWN))
def test_twice_the_length_costs_twice_the_time(shape: str) -> None:
    """A file that doubles in length costs at most 2.5 times as much each time, and no more than its bound."""
    kind, make = SHAPES[shape]
    costs_no_more(lambda size: cost_s(kind, make(size)), LONGEST, S_PER_MIB)
