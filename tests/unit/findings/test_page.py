"""docs/findings.md: every finding that the runner has is there, with its pictures, and so are the verdicts."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from gateway.model.explanation import FINDING_CODES
from tools.findings.drawing import ROOT, RUNNER
from tools.findings.judgement import RIGHT, WRONG, table, verdicts
from tools.findings.pairs import FOLDER, pairs

PAGE = (ROOT / "docs" / "findings.md").read_text("utf-8")
PICTURE_LIMIT_BYTES = 20 * 1024
PICTURE_WIDTH = 320

#: A code where it is given to a finding.
CODE = re.compile(r'Finding\(\s*"([a-z-]+)",|"([a-z-]+)" if (?:legend|hidden) else "([a-z-]+)"')

CODES = [pair.code for pair in pairs()]


def test_codes() -> None:
    """The page has a section for each code of the runner, and so have the pairs; a request can name each."""
    found = {
        code
        for path in (RUNNER / "findings").glob("*.py")
        for codes in CODE.findall(path.read_text("utf-8"))
        for code in codes
        if code
    }
    assert len(CODES) == len(set(CODES))
    assert found == set(CODES) == set(FINDING_CODES)
    assert list(FINDING_CODES) == re.findall(r"^#### `([a-z-]+)`", PAGE, re.MULTILINE)


@pytest.mark.parametrize("code", CODES)
def test_pictures(code: str) -> None:
    """Both pictures of a finding are shown, small, and 320 pixels wide."""
    for name in (f"{code}.bad.png", f"{code}.good.png"):
        assert f"(findings/{name})" in PAGE
        assert (FOLDER / name).stat().st_size <= PICTURE_LIMIT_BYTES
        with Image.open(FOLDER / name) as picture:
            assert picture.width == PICTURE_WIDTH


def test_verdicts() -> None:
    """The page has the table of the verdicts, and at least nine of ten findings are right."""
    judged = [(case, verdict) for case, verdict in verdicts().items() if not case.script.startswith("examples-science")]
    found = [verdict for _, verdict in judged]
    assert set(found) <= {RIGHT, WRONG}
    assert len(found) > 100
    assert found.count(RIGHT) >= 0.9 * len(found)
    assert table(judged) in PAGE
