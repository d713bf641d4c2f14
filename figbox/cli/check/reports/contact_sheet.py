r"""All figures of a check on a few pages of PDF, small, with names and verdicts; needs the extra `ci`.

Names are set in Bitstream Vera, which ReportLab brings along: it has the letters of Western European languages. Any
other character is written as Python writes it, for instance `\u65e5`, so that it can be read and searched for with
whatever fonts a reader has.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from figbox.check.errors import CheckError
from figbox.check.pictures import decoded
from figbox.check.verdicts import Verdict
from figbox.cli.check.reports.lines import tally
from figbox.cli.terminal import one_line
from figbox.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from figbox.check.verdicts import Judged
    from figbox.cli.check.flow import Checked

#: Points of a page and its margin.
WIDTH, HEIGHT = A4
MARGIN = 36

#: Figures beside and below each other on a page.
COLUMNS, ROWS = 3, 5
PER_PAGE = COLUMNS * ROWS

#: Points of a figure's place, of the space around it, and of the text below its picture.
PLACE_WIDTH = (WIDTH - 2 * MARGIN) / COLUMNS
HEAD = 34
PLACE_HEIGHT = (HEIGHT - 2 * MARGIN - HEAD) / ROWS
GAP = 5
TEXT = 22

#: Pixels of a picture in the file, for each point on the page.
PIXELS_PER_POINT = 3

#: Figures on a sheet, which is in memory until it is written, some 20 KB for each.
FIGURES_LIMIT = 1500

#: Pixels of a picture that is made smaller; decoding takes 4 bytes for each.
PIXELS_LIMIT = 1 << 26

#: Characters of a line.
LINE_LIMIT = 200

FONT, BOLD = "Vera", "VeraBd"

#: Colour of a verdict's name.
COLORS = {
    Verdict.FAILED: "#b3201c",
    Verdict.NOT_RUN: "#7a4d00",
    Verdict.CHANGED: "#7a2a96",
    Verdict.MISSING: "#96400a",
    Verdict.NEW: "#0a6369",
    Verdict.RENDERER_CHANGED: "#0b57b0",
    Verdict.SAME: "#1a662f",
}
INK, SOFT, RULE = HexColor("#1b1f24"), HexColor("#57606a"), HexColor("#d5dae0")


def write_contact_sheet(path: Path, checked: Checked) -> None:
    """Write or replace the sheet. The same check gives the same bytes.

    Raises:
        OSError: It can't be written.
    """
    written = io.BytesIO()
    _register_fonts()
    canvas = Canvas(written, pagesize=A4, invariant=1, lang="en")
    canvas.setTitle("Figures")
    canvas.setCreator("figbox")
    figures = checked.figures[:FIGURES_LIMIT]
    pages = max(1, -(-len(figures) // PER_PAGE))
    for page in range(pages):
        _head(canvas, checked, f"{page + 1} / {pages}")
        for place, judged in enumerate(figures[page * PER_PAGE : (page + 1) * PER_PAGE]):
            row, column = divmod(place, COLUMNS)
            x = MARGIN + column * PLACE_WIDTH
            y = HEIGHT - MARGIN - HEAD - (row + 1) * PLACE_HEIGHT
            _figure(canvas, judged, checked.pictures[judged.name], x, y)
        canvas.showPage()
    canvas.save()
    replace_file(path, written.getvalue())


def _register_fonts() -> None:
    for name in (FONT, BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))


def _head(canvas: Canvas, checked: Checked, page: str) -> None:
    """Write the line at the top of a page."""
    y = HEIGHT - MARGIN - 10
    against = f"compared with commit {checked.base[:10]}" if checked.base else "compared with the accepted ones"
    more = len(checked.figures) - FIGURES_LIMIT
    left_out = f"; {more} more are not on this sheet" if more > 0 else ""
    canvas.setFillColor(INK)
    canvas.setFont(BOLD, 11)
    canvas.drawString(MARGIN, y, "Figures")
    canvas.setFont(FONT, 8)
    canvas.setFillColor(SOFT)
    canvas.drawString(MARGIN + 60, y, _fitted(f"{tally(checked.figures)}, {against}{left_out}", FONT, 8, WIDTH - 190))
    canvas.drawRightString(WIDTH - MARGIN, y, page)
    canvas.setStrokeColor(RULE)
    canvas.line(MARGIN, y - 8, WIDTH - MARGIN, y - 8)


def _figure(canvas: Canvas, judged: Judged, pictures: tuple[Path | None, Path | None], x: float, y: float) -> None:
    """Draw a figure's picture as it is now, or else as it was, with its name and what became of it."""
    width, height = PLACE_WIDTH - 2 * GAP, PLACE_HEIGHT - 2 * GAP - TEXT
    path = pictures[1] or pictures[0]
    picture, reason = _small(path, judged, width, height)
    if picture is not None:
        scale = min(width / picture.width, height / picture.height)
        wide, high = picture.width * scale, picture.height * scale
        left, lower = x + GAP + (width - wide) / 2, y + GAP + TEXT + (height - high) / 2
        canvas.drawImage(ImageReader(picture), left, lower, wide, high)
    else:
        left, lower, wide, high = x + GAP, y + GAP + TEXT, width, height
        canvas.setFillColor(SOFT)
        canvas.setFont(FONT, 7)
        canvas.drawCentredString(left + wide / 2, lower + high / 2, reason)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.rect(left, lower, wide, high)
    canvas.setFillColor(INK)
    canvas.setFont(FONT, 7.5)
    canvas.drawString(x + GAP, y + GAP + 10, _fitted(judged.name, FONT, 7.5, width))
    canvas.setFillColor(HexColor(COLORS[judged.verdict]))
    canvas.setFont(BOLD, 6.5)
    canvas.drawString(x + GAP, y + GAP + 1, judged.verdict.value)


def _small(path: Path | None, judged: Judged, width: float, height: float) -> tuple[Image.Image | None, str]:
    """Return a picture for so many points, on white, or why there is none."""
    figure = judged.after or judged.before
    if path is None or figure is None:
        return None, "no picture"
    if figure.width_px * figure.height_px > PIXELS_LIMIT:
        return None, "too large"
    try:
        picture = decoded(path.read_bytes(), PIXELS_LIMIT)
    except (OSError, CheckError):
        return None, "can't be read"
    picture.thumbnail((int(width * PIXELS_PER_POINT), int(height * PIXELS_PER_POINT)))
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white, ""


def _fitted(text: str, font: str, size: float, width: float) -> str:
    """Return a text with characters that the font has, cut in its middle to a width."""
    shown = _in_font(one_line(text)[:LINE_LIMIT], font)
    if pdfmetrics.stringWidth(shown, font, size) <= width:
        return shown
    for kept in range(len(shown) - 1, 1, -1):
        cut = f"{shown[: kept // 2]}…{shown[len(shown) - (kept - kept // 2) :]}"
        if pdfmetrics.stringWidth(cut, font, size) <= width:
            return cut
    return "…"


def _in_font(text: str, font: str) -> str:
    known = pdfmetrics.getFont(font).face.charToGlyph
    return "".join(each if ord(each) in known else each.encode("unicode_escape").decode("ascii") for each in text)
