"""Check a picture by the rules of its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.jobs import Format
from gateway.pictures.animated_png import check_apng
from gateway.pictures.animated_webp import check_awebp
from gateway.pictures.gif import check_gif
from gateway.pictures.jpeg import check_jpeg
from gateway.pictures.pdf import check_pdf
from gateway.pictures.png import check_png
from gateway.pictures.svg import check_svg
from gateway.pictures.webp import check_webp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.pictures.picture import Size

#: The checks of formats that have pixels.
RASTERS: Mapping[Format, Callable[[bytes, int], Size]] = {
    Format.PNG: check_png,
    Format.JPEG: check_jpeg,
    Format.WEBP: check_webp,
    Format.GIF: check_gif,
    Format.APNG: check_apng,
    Format.AWEBP: check_awebp,
}


def check_picture(wanted: Format, data: bytes, pixel_limit: int) -> Size:
    """Check that `data` is exactly one well-formed picture of a format.

    Args:
        wanted: The format that was asked for; it is never guessed.
        data: The whole file.
        pixel_limit: Most pixels (width times height) allowed, of a frame of animations; SVG and PDF have none.

    Returns:
        Its size in pixels, or in points for SVG and PDF, as the check itself read it.

    Raises:
        InvalidPicture: It isn't one; the message may be shown to a client.
    """
    if wanted is Format.SVG:
        return check_svg(data)
    if wanted is Format.PDF:
        return check_pdf(data)
    return RASTERS[wanted](data, pixel_limit)
