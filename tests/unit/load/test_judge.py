"""Each answer is counted as what it is, and nothing that is wrong passes for right."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from benchmarks.load.programs import Program, first_pixel, programs
from benchmarks.load.record import Answer, Judge, Loss, Record, Verdict

PLOT = Program("plot", "", 1)
FAILS = Program("fails", "", None)
JUDGE = Judge({"plot": "d1"}, frozenset({(502, "node-lost"), (422, "program-error"), (401, "unauthorized")}))


@pytest.mark.parametrize(
    ("program", "came", "verdict", "name"),
    [
        (PLOT, Answer(200, "d1", "", ""), Verdict.RIGHT, "200"),
        (PLOT, Answer(200, "d2", "", ""), Verdict.WRONG, "WRONG 200"),
        (PLOT, Answer(502, "", "node-lost", ""), Verdict.REFUSED, "502 node-lost"),
        (PLOT, Answer(502, "", "", ""), Verdict.WRONG, "WRONG 502"),
        (PLOT, Answer(503, "", "node-lost", ""), Verdict.WRONG, "WRONG 503 node-lost"),
        (PLOT, Answer(422, "", "program-error", ""), Verdict.WRONG, "WRONG 422 program-error"),
        (PLOT, Answer(401, "", "unauthorized", ""), Verdict.WRONG, "WRONG 401 unauthorized"),
        (PLOT, Loss.ANSWER, Verdict.LOST, "cut answer"),
        (FAILS, Answer(422, "", "program-error", ""), Verdict.RIGHT, "422 program-error"),
        (FAILS, Answer(200, "d1", "", ""), Verdict.WRONG, "WRONG 200"),
    ],
)
def test_verdicts(program: Program, came: Answer | Loss, verdict: Verdict, name: str) -> None:
    """Right is the picture of this program alone; refused is what a page has for an honest request."""
    record = Record("key", program, 0.0, 1.0, came)
    assert JUDGE.verdict(record) is verdict
    if verdict is not Verdict.RIGHT:
        assert JUDGE.name_of(record) == name


def test_programs_tell_who_they_are() -> None:
    """No two have the same number, one fails, and one is larger than HAProxy's buffer."""
    numbers = [program.number for program in programs()]
    assert len(set(numbers)) == len(numbers)
    assert [program.name for program in programs() if program.fails] == ["fails"]
    assert [len(program.code) > 131_072 for program in programs()] == [program.is_large for program in programs()]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_first_pixel(mode: str) -> None:
    """It is read from a PNG as a library writes it."""
    picture = Image.new(mode, (40, 30), "#123456")
    picture.paste("#ffffff", (3, 3, 20, 20))
    written = io.BytesIO()
    picture.save(written, "PNG")
    assert first_pixel(written.getvalue()) == 0x123456


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(40)])
def test_what_is_no_png_has_no_first_pixel(data: bytes) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="not a PNG"):
        first_pixel(data)
