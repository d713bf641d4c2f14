"""The PDF of `--contact-sheet`: every figure with its name and verdict, on as many pages as that takes."""

from __future__ import annotations

import re
import zlib
from base64 import a85decode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from figbox.check.verdicts import Verdict
from figbox.cli.check.reports import contact_sheet
from figbox.cli.check.reports.contact_sheet import write_contact_sheet
from tests.client.check.pictures import png
from tests.client.check.stored import Stored
from tests.client.conftest import BROKEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.check.conftest import Project

RED = b"\xc8\0\0"


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Return a check without figures."""
    return Stored(tmp_path)


def sheet(stored: Stored) -> bytes:
    """Return the sheet of a stored check."""
    path = stored.folder / "sheet.pdf"
    write_contact_sheet(path, stored.checked())
    return path.read_bytes()


def texts(data: bytes) -> list[str]:
    """Return the texts on the pages of a sheet; ReportLab writes the ASCII of an embedded font as it is."""
    found = []
    for packed in re.findall(rb"ASCII85Decode[^>]*?>>\s*stream\r?\n(.*?)endstream", data, re.DOTALL):
        try:
            drawn = zlib.decompress(a85decode(packed.strip().removesuffix(b"~>")))
        except (ValueError, zlib.error):
            continue
        found += [text.decode("latin-1") for text in re.findall(rb"\((.*?)(?<!\\)\) Tj", drawn)]
    return found


def test_sheet_of_a_check(accepted: Project) -> None:
    """Every figure is on it, also those that are the same or failed."""
    accepted.write("plots/two.py", BROKEN)
    done = accepted.check("--contact-sheet", "sheet.pdf")
    assert done.status == 1
    data = (accepted.folder / "sheet.pdf").read_bytes()
    said = texts(data)
    for name in ("README.md/trend", "plots/bars", "plots/rain", "plots/two.py"):
        assert name in said
    assert said.count("same") == 3
    assert said.count("failed") == 1
    assert said.count("no picture") == 1


def test_several_pages(stored: Stored) -> None:
    """Fifteen figures are on a page; the same check gives the same bytes."""
    for number in range(31):
        stored.add(f"plots/{number:02}", Verdict.NEW, None, png(40, 30, RED))
    data = sheet(stored)
    assert len(re.findall(rb"/Type /Page\b", data)) == 3
    assert {"1 / 3", "2 / 3", "3 / 3", "plots/30"} <= set(texts(data))
    assert sheet(stored) == data


def test_sheet_without_figures(stored: Stored) -> None:
    """It is a page that says so."""
    assert "no figures, compared with the accepted ones" in texts(sheet(stored))


def test_names_in_any_script(stored: Stored) -> None:
    """Letters that the font lacks are written as their numbers; a long name is cut in its middle."""
    stored.add("plots/日本", Verdict.NEW, None, png(40, 30, RED))
    stored.add("plots/" + "long" * 40 + "/end", Verdict.NEW, None, png(40, 30, RED))
    said = texts(sheet(stored))
    assert r"plots/\\u65e5\\u672c" in said
    (cut,) = [text for text in said if text.startswith("plots/long")]
    assert cut.endswith("/end")


def test_pictures_that_cannot_be_shown(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that is too large, gone or damaged is a place with a word."""
    for name in ("gone", "broken", "large"):
        stored.add(f"plots/{name}", Verdict.NEW, None, png(*((41, 30) if name == "large" else (40, 30)), RED))
    stored.add("plots/claimed", Verdict.MISSING, png(41, 30, RED))
    claimed = stored.figures[-1]
    assert claimed.before is not None
    stored.figures[-1] = replace(claimed, before=replace(claimed.before, width_px=4, height_px=3))
    gone, broken = (stored.pictures[f"plots/{name}"][1] for name in ("gone", "broken"))
    assert gone is not None
    assert broken is not None
    gone.unlink()
    broken.write_bytes(b"no picture")
    monkeypatch.setattr(contact_sheet, "PIXELS_LIMIT", 1200)
    said = texts(sheet(stored))
    assert said.count("can't be read") == 3
    assert said.count("too large") == 1


def test_sheet_is_bounded(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures beyond a number are counted."""
    monkeypatch.setattr(contact_sheet, "FIGURES_LIMIT", 2)
    for number in range(3):
        stored.add(f"plots/{number}", Verdict.NEW, None, png(40, 30, RED))
    said = texts(sheet(stored))
    assert "plots/2" not in said
    assert any("1 more are not on this sheet" in text for text in said)
