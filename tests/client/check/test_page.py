"""The page of `--report`: one file that needs nothing else, the same for the same check, written whatever happened."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from figbox.check.verdicts import Boxes, Verdict
from figbox.cli.check.reports.page import cards, differences
from figbox.cli.check.reports.page.differences import difference
from figbox.cli.check.reports.page.writing import write_page
from figbox.comparison import Box
from tests.client.check.pictures import png
from tests.client.check.stored import Stored
from tests.client.conftest import BROKEN, PLOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.check.conftest import Project

RED, BLUE = b"\xc8\0\0", b"\0\0\xc8"


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Return a check with one figure that changed, and one that didn't."""
    found = Stored(tmp_path)
    found.add("plots/one", Verdict.CHANGED, png(40, 30, RED), png(40, 30, BLUE), note="changed: code")
    found.add("plots/steady", Verdict.SAME, png(40, 30, RED), png(40, 30, RED))
    return found


def page(stored: Stored, *, everything: bool = False) -> str:
    """Return the page of a stored check."""
    path = stored.folder / "page.html"
    write_page(path, stored.checked(), everything=everything)
    return path.read_text("utf-8")


def pictures(text: str) -> list[bytes]:
    """Return the pictures on a page."""
    return [base64.b64decode(found) for found in re.findall(r'src="data:image/png;base64,([^"]*)"', text)]


def test_page_of_a_check(accepted: Project) -> None:
    """It has what the check says, with the pictures before and after, and what accepts them."""
    accepted.write("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
    accepted.write("plots/two.py", BROKEN)
    done = accepted.check("--report", "report.html")
    assert done.status == 1
    text = (accepted.folder / "report.html").read_text("utf-8")
    assert "<title>Figures: 1 failed, 1 changed, 2 same</title>" in text
    before, after, _ = pictures(text)
    assert before == (accepted.folder / "figures" / "plots" / "bars.png").read_bytes()
    assert after == (accepted.folder / ".figbox-check" / "after" / "plots" / "bars.png").read_bytes()
    assert "figbox accept plots/bars</code>" in text
    assert "ValueError: no good" in text
    assert "plots/rain</bdi></li>" in text


def test_page_where_nothing_changed(accepted: Project) -> None:
    """It is written all the same; with `--report-all` it has the pictures."""
    assert accepted.check("--report", "report.html").status == 0
    text = (accepted.folder / "report.html").read_text("utf-8")
    assert "Nothing changed." in text
    assert pictures(text) == []
    accepted.check("--report", "report.html", "--report-all")
    assert len(pictures((accepted.folder / "report.html").read_text("utf-8"))) == 5


def test_page_of_two_states(project: Project) -> None:
    """It names the commit; there is nothing to accept."""
    project.write("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
    commit = project.git("rev-parse", "HEAD")
    project.check("--base", "HEAD", "--report", "report.html")
    text = (project.folder / "report.html").read_text("utf-8")
    assert f"compared with commit <code>{commit[:10]}</code>" in text
    assert "figbox accept" not in text


def test_same_check_gives_the_same_bytes(stored: Stored) -> None:
    """No time, and no path of this machine."""
    first = page(stored)
    assert page(stored) == first
    assert str(stored.folder) not in first


def test_policy_allows_what_is_there_and_nothing_else(stored: Stored) -> None:
    """Its script and its style are named by their digests; nothing has an address elsewhere, or an inline handler."""
    text = page(stored)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        (source,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    without_pictures = re.sub(r"data:image/png;base64,[\w+/=]*", "", text)
    assert not re.search(r"https?:|//\w|@import|url\(|\son\w+=|\sstyle=", without_pictures.split("<script>")[0])
    assert not re.search(r"https?:|innerHTML|fetch|import\b|eval", text.split("<script>")[1])


def test_pictures_of_any_two_sizes(stored: Stored) -> None:
    """If the sizes differ, that is said, and both are shown."""
    stored.add("plots/sizes", Verdict.CHANGED, png(40, 30, RED), png(41, 30, RED))
    text = page(stored).partition('data-name="plots/sizes"')[2]
    assert [int(width) for width in re.findall(r'<img [^>]*width="(\d+)"', text)] == [40, 41]
    assert "The two have different sizes, so there is no picture of their difference." in text


def test_page_is_bounded(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond some size pictures are left out, of what matters least first, which is said for each and for all."""
    stored.add("plots/new", Verdict.NEW, None, png(40, 30, RED))
    size = sum(path.stat().st_size for path in stored.pictures["plots/one"] if path is not None)
    monkeypatch.setattr(cards, "PICTURES_LIMIT_BYTES", size)
    text = page(stored)
    assert len(pictures(text)) == 3
    assert text.count("would make this page too large: they are in .figbox-check") == 1
    assert "1 of the figures are without pictures" in text
    monkeypatch.setattr(cards, "DIFFERENCES_LIMIT_BYTES", 10)
    text = page(stored)
    assert len(pictures(text)) == 2
    assert "The picture of their difference would make this page too large." in text


def test_pictures_that_are_gone_or_broken(stored: Stored) -> None:
    """A file that was removed or damaged after the check spoils nothing else."""
    stored.add("plots/gone", Verdict.CHANGED, png(4, 3, RED), png(4, 3, BLUE))
    stored.add("plots/broken", Verdict.CHANGED, png(4, 3, RED), png(4, 3, BLUE))
    gone, broken = (stored.pictures[name][0] for name in ("plots/gone", "plots/broken"))
    assert gone is not None
    assert broken is not None
    gone.unlink()
    broken.write_bytes(broken.read_bytes()[:40])
    text = page(stored)
    assert "The picture before isn&#39;t kept, and couldn&#39;t be drawn again." in text
    assert "There is no picture of their difference: a picture can&#39;t be decoded" in text
    assert len(pictures(text.partition('data-name="plots/one"')[2])) == 3


def test_every_pixel_counts() -> None:
    """A difference of one in one sample of one pixel is found, shown in red, and has its box."""
    size = (40, 30)
    before = png(*size, RED)
    after = _with_pixel(before, (7, 5), (201, 0, 0))
    found = difference(before, after, (size, size))
    assert found.box == Box(7, 5, 1, 1)
    assert found.share == 1 / 1200
    assert found.rms == pytest.approx((1 / (1200 * 4)) ** 0.5)
    assert _pixel(found.picture, (7, 5)) == (255, 0, 0, 255)
    assert _pixel(found.picture, (8, 5)) != (255, 0, 0, 255)


def test_differences_that_nobody_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pixels, colours of what is transparent, and pictures that are too large, are said in words."""
    red = png(40, 30, RED)
    size = ((40, 30), (40, 30))
    assert difference(red, png(40, 30, RED, "other text"), size).reason == (
        "They differ in what eight bits of a sample don't have"
    )
    one = _with_pixel(red, (7, 5), (9, 9, 9, 0))
    other = _with_pixel(red, (7, 5), (8, 8, 8, 0))
    assert difference(one, other, size).reason == "They differ only where they are transparent"
    monkeypatch.setattr(differences, "PIXELS_LIMIT", 1199)
    assert "too large" in difference(red, png(40, 30, BLUE), size).reason


def test_sizes_that_a_lock_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of a stranger's project can say of a large picture that it is small: the file's own size counts."""
    size = ((40, 30), (40, 30))
    found = difference(png(400, 300, RED), png(40, 30, BLUE), size)
    assert (found.picture, "haven't the sizes" in found.reason) == (b"", True)
    monkeypatch.setattr(differences, "PIXELS_LIMIT", 1200)
    found = difference(png(400, 300, RED), png(40, 30, BLUE), size)
    assert (found.picture, "a picture is too large" in found.reason) == (b"", True)


def test_boxes_over_pictures(stored: Stored) -> None:
    """Sentences about one part share its box; what leads out of the picture is cut, and what isn't in it left out."""
    boxes = (Boxes(Box(5, 5, 10, 10)), Boxes(Box(5, 5, 10, 10), Box(30, 20, 99, 99)), Boxes(None, Box(-9, -9, 3, 3)))
    stored.add(
        "plots/boxes", Verdict.CHANGED, png(40, 30, RED), png(40, 30, BLUE), words=("A.", "B.", "C."), boxes=boxes
    )
    text = page(stored).partition('data-name="plots/boxes"')[2].partition("<article")[0]
    marks = re.findall(r'<g class="(\w+)" data-mark="([^"]*)"><rect ([^/]*)/>', text)
    assert marks == [
        ("change", "1 2", 'x="5" y="5" width="10" height="10"'),
        ("change", "2", 'x="30" y="20" width="10" height="10"'),
    ]
    assert re.findall(r'class="number" aria-hidden="true">(\d)<', text) == ["1", "2"]


def test_long_output_is_cut(stored: Stored) -> None:
    """The end of what the code printed is shown, which says how it failed."""
    stored.add_failed("plots/loud.py", "x" * 30_000 + "\nValueError: no good")
    text = page(stored)
    assert "characters are left out]" in text
    assert "ValueError: no good" in text
    assert "x" * 20_000 not in text


@pytest.mark.parametrize("option", ["--report", "--contact-sheet"])
def test_what_it_needs_is_asked_for_first(project: Project, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """Without the extra's packages, or without a folder, nothing is sent."""
    done = project.check(option, "nowhere/file")
    assert (done.status, project.service.asked) == (2, [])
    assert f"{option}: there is no folder nowhere" in done.stderr
    done = project.check(option, "plots")
    assert (done.status, project.service.asked) == (2, [])
    assert "'plots' is a directory" in done.stderr
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = project.check(option, "file")
    assert (done.status, project.service.asked) == (2, [])
    assert re.search(rf"{option} needs .*Pillow.*: pip install '\.\[ci\]' in a clone of Figbox", done.stderr)
    done = project.check("--report-all")
    assert (done.status, project.service.asked) == (2, [])


def _with_pixel(data: bytes, place: tuple[int, int], colour: tuple[int, ...]) -> bytes:
    """Return a PNG file with one pixel of another colour."""
    with Image.open(io.BytesIO(data)) as picture:
        changed = picture.convert("RGBA")
    changed.putpixel(place, colour if len(colour) == 4 else (*colour, 255))
    written = io.BytesIO()
    changed.save(written, "PNG")
    return written.getvalue()


def _pixel(data: bytes, place: tuple[int, int]) -> object:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGBA").getpixel(place)


def test_a_name_that_looks_like_an_option(stored: Stored) -> None:
    """The command beside a figure that is called --prune accepts it, and removes nothing."""
    stored.add("--prune", Verdict.NEW, None, png(40, 30, RED))
    assert "figbox accept -- --prune<" in page(stored)
