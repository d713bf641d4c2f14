"""The figures of docs/findings.md: the bad one has the finding that it shows and no other, the mended one has none."""

from __future__ import annotations

import pytest

from tools.findings.drawing import shown
from tools.findings.pairs import Pair, pairs

SEVERITIES = {"error", "warning", "note"}

every_pair = pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair.code)


@every_pair
def test_bad(pair: Pair) -> None:
    """The bad figure has its finding alone, said in whole sentences, at a place within the picture."""
    (drawn,) = shown(pair.bad)
    (finding,) = drawn.findings
    assert finding.code == pair.code
    assert finding.severity in SEVERITIES
    for sentence in (finding.sentence, finding.advice):
        assert not sentence[0].islower()
        assert sentence.endswith((".", ")."))
        assert len(sentence) < 400
    box = finding.box
    assert box is not None
    assert 0 <= box.x <= box.x + box.width <= 321
    assert 0 <= box.y <= box.y + box.height <= 221


@every_pair
def test_good(pair: Pair) -> None:
    """Nothing is found in the mended figure."""
    (drawn,) = shown(pair.good)
    assert [finding.sentence for finding in drawn.findings] == []
