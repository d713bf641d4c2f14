"""Check a picture by the rules of its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.jobs import Format
from gateway.pictures.jpeg import check_jpeg
from gateway.pictures.pdf import check_pdf
from gateway.pictures.png import check_png
from gateway.pictures.svg import check_svg
from gateway.pictures.webp import check_webp

if TYPE_CHECKING:
    from gateway.pictures.picture import Size


def check_picture(wanted: Format, data: bytes, pixel_limit: int) -> Size:
    """Check that `data` is exactly one well-formed picture of a format.

    Args:
        wanted: The format that was asked for; it is never guessed.
        data: The whole file.
        pixel_limit: Most pixels (width times height) allowed; SVG and PDF have none.

    Returns:
        Its size in pixels, or in points for SVG and PDF, as the check itself read it.

    Raises:
        InvalidPicture: It isn't one; the message may be shown to a client.
    """
    match wanted:
        case Format.PNG:
            return check_png(data, pixel_limit)
        case Format.JPEG:
            return check_jpeg(data, pixel_limit)
        case Format.WEBP:
            return check_webp(data, pixel_limit)
        case Format.SVG:
            return check_svg(data)
        case Format.PDF:
            return check_pdf(data)
