"""Puts a caption into a file that was saved, or that is being saved. Pictures stay what they are."""

from __future__ import annotations

import contextlib
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any

from explain.marks import as_code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from captions.caption import Caption

#: Formats that can hold a caption.
CAPTIONED = frozenset({"png", "svg", "pdf"})

PNG_HEADER_BYTES = 8 + 12 + 13
PNG_KEYWORD = b"Description"

#: How far into an SVG its root element begins and ends at most.
SVG_HEAD_BYTES = 4096
ROOT = re.compile(rb"<svg\b[^>]*>")


class NoPlace(Exception):
    """A file that isn't as Matplotlib writes it."""


def with_caption(data: bytes, kind: str, caption: Caption) -> bytes:
    """Return a PNG or SVG with a caption.

    Raises:
        NoPlace: It isn't as Matplotlib writes it.
    """
    return _in_png(data, caption) if kind == "png" else _in_svg(data, caption)


def _in_png(data: bytes, caption: Caption) -> bytes:
    """Return a PNG with an uncompressed chunk of text in UTF-8 behind its header.

    Source: PNG specification, third edition, sections 11.3.3.1 (keywords) and 11.3.3.4 (iTXt: keyword, whether and how
    it is compressed, language, keyword in that language, text).
    """
    if data[12:16] != b"IHDR":
        raise NoPlace
    body = b"iTXt" + PNG_KEYWORD + b"\0" + b"\0\0" + b"\0" + b"\0" + caption.text.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:PNG_HEADER_BYTES] + chunk + data[PNG_HEADER_BYTES:]


def _in_svg(data: bytes, caption: Caption) -> bytes:
    """Return an SVG whose root is an image with a title and a description.

    Source: SVG Accessibility API Mappings, "Name and description"; WAI-ARIA, role ``img``. The title comes first, since
    some readers look nowhere else.
    """
    root = ROOT.search(data, 0, SVG_HEAD_BYTES)
    if root is None or b" role=" in root[0] or root[0].endswith(b"/>"):
        raise NoPlace
    # Of their own, since several files may stand in one page.
    mark = f"{zlib.crc32(repr(caption).encode()):08x}"
    attributes = f' role="img" aria-labelledby="title-{mark} desc-{mark}"'.encode()
    title = f'\n <title id="title-{mark}">{_escaped(caption.title)}</title>'
    text = f'\n <desc id="desc-{mark}">{_escaped(caption.text)}</desc>'
    return data[: root.end() - 1] + attributes + b">" + (title + text).encode() + data[root.end() :]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@contextlib.contextmanager
def in_pdf(figure: Any, captioned: Callable[[], Caption | None]) -> Iterator[None]:
    """Let a figure that is saved as PDF get a caption there, as ``metadata`` of ``savefig`` would give it.

    That has to be given before the figure is laid out, and then isn't known: so it is put where the file keeps it while
    the figure is drawn, and no other draw is needed. Source: Matplotlib, ``backend_pdf.PdfFile.infoDict``.

    Args:
        figure: What is saved.
        captioned: Returns its caption, once it is drawn.
    """
    from matplotlib.figure import Figure

    before, draw = vars(figure).get("draw"), figure.draw

    def draw_and_caption(renderer: Any, *given: Any, **named: Any) -> Any:
        drawn = draw(renderer, *given, **named)
        info = getattr(getattr(renderer, "file", None), "infoDict", None)
        if type(info) is dict and (caption := captioned()) is not None:
            info.update(Title=caption.title, Subject=caption.text)
        return drawn

    try:
        figure.draw = as_code_of(Figure.draw, draw_and_caption)  # for warnings: see `explain.marks`
    except Exception:  # noqa: BLE001 - a class of the program may refuse it
        yield
        return
    try:
        yield
    finally:
        vars(figure).pop("draw", None)
        if before is not None:
            figure.draw = before
