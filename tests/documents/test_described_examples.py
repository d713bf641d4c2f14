"""docs/descriptions.md: its worked examples are what the runner says of their scripts, and their pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.documents.pages import ROOT
from tools.described_examples import PICTURES, SCRIPTS, Example, examples, section

PAGE = (ROOT / "docs" / "descriptions.md").read_text("utf-8")


@pytest.fixture(scope="module")
def drawn() -> dict[str, Example]:
    """Return the examples, drawn and described now."""
    return {example.name: example for example in examples()}


@pytest.mark.parametrize("name", SCRIPTS)
def test_section(drawn: dict[str, Example], name: str) -> None:
    """The page has the script, its alternative text and its description, word for word."""
    assert section(drawn[name]) in PAGE, "print it anew: python -m tools.described_examples --pictures"


@pytest.mark.parametrize("name", SCRIPTS)
def test_picture(drawn: dict[str, Example], name: str) -> None:
    """The picture on the page is that of the script, with fewer colours."""
    with Image.open(PICTURES / f"{name}.png") as shown, Image.open(io.BytesIO(drawn[name].png)) as now:
        assert shown.size == now.size
        apart = np.abs(np.asarray(shown.convert("RGB"), int) - np.asarray(now.convert("RGB"), int))
    assert apart.mean() < 3
