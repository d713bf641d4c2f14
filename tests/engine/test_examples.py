"""The examples, through a live gateway; and the README's pictures, which were drawn from them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.support.live import ROOT

if TYPE_CHECKING:
    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

EXAMPLES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "examples").glob("*.py"))}
PICTURES = {path.stem: path.read_bytes() for path in sorted((ROOT / "docs" / "pictures").glob("*.png"))}

#: Bounds of a sane example: neither an empty canvas nor a poster.
BYTES = range(10_000, 1_000_000)
PIXELS = range(300, 3_000)

#: Colours an empty or almost empty picture doesn't reach.
COLOURS_MIN = 64


def test_there_are_at_least_ten_examples() -> None:
    """The examples show plots of ten kinds or more, and the documents show some of them."""
    assert len(EXAMPLES) >= 10
    assert PICTURES
    assert PICTURES.keys() <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
async def test_example_gives_a_picture(gateway: LiveGateway, name: str) -> None:
    """An example comes back as a PNG with something in it, and as its picture in docs/pictures, if it has one there."""
    response = await gateway.render(EXAMPLES[name])
    assert response.status == 200, response.json.get("error")
    assert response.headers["Content-Type"] == "image/png"
    assert len(response.body) in BYTES
    with Image.open(io.BytesIO(response.body)) as picture:
        assert picture.format == "PNG"
        assert picture.width in PIXELS
        assert picture.height in PIXELS
        assert picture.convert("RGB").getcolors(COLOURS_MIN) is None, "it has hardly a colour"
    if name in PICTURES:
        shown, drawn = _rgb(PICTURES[name]), _rgb(response.body)
        assert shown.shape == drawn.shape
        # Not equal: the picture in the documents was reduced to a palette.
        assert np.abs(shown - drawn).mean() < 3, "draw it anew: python -m tools.render_pictures"


def _rgb(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)
