"""The reports of a check: for programs, for CI services, and for the pages where these show what a job says."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from tests.client.check.conftest import Project, use_images
from tests.client.conftest import BROKEN, PLOT
from tests.client.service import failed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mixed(accepted: Project) -> Project:
    """Return a project with one figure of each verdict, but for those that only a service can cause."""
    use_images(accepted.service, accepted.renderer, default="sha256:4567")
    accepted.renderer.look["sha256:4567"] = "thinner"
    accepted.write("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
    accepted.write("plots/fresh.py", PLOT)
    accepted.write("README.md", "")
    accepted.write("plots/two.py", BROKEN)
    return accepted


def test_report_for_programs(mixed: Project) -> None:
    """JSON with everything about each figure but the picture."""
    report = mixed.report()
    assert report["summary"].pop("seconds") > 0
    assert report["summary"] == {
        "figures": 5,
        "failed": 1,
        "not_run": 0,
        "changed": 1,
        "missing": 1,
        "new": 1,
        "renderer_changed": 1,
        "same": 0,
    }
    assert report["base"] is None
    bars = next(entry for entry in report["figures"] if entry["name"] == "plots/bars")
    assert [bars[side]["path"] for side in ("before", "after")] == [
        str(mixed.folder / "figures" / "plots" / "bars.png"),
        str(mixed.folder / ".figbox-check" / "after" / "plots" / "bars.png"),
    ]
    assert set(bars["before"]) == {"path", "picture", "width_px", "height_px", "code", "data", "options", "image"}
    assert (bars["before"]["image"], bars["after"]["image"]) == ("sha256:0123", "sha256:4567")
    assert bars["before"]["code"] != bars["after"]["code"]
    (broken,) = [entry for entry in report["scripts"] if entry["status"] == "failed"]
    assert (broken["script"], broken["fault"]["line"]) == ("plots/two.py", 2)


def test_junit(mixed: Project) -> None:
    """A test case for each figure: failing if it differs, in error if its code failed."""
    assert mixed.check("--junit", "report.xml").status == 1
    suite = ET.parse(mixed.folder / "report.xml").getroot().find("testsuite")  # noqa: S314 - ours
    assert suite is not None
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")}
    assert counts == {"name": "figbox check", "tests": "5", "failures": "4", "errors": "1", "skipped": "0"}
    found = {case.get("name"): case for case in suite}
    assert found["plots/bars"].get("classname") == "plots/bars.py"
    failure = found["plots/bars"].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("changed", "changed: changed: code, image")
    error = found["plots/two.py"].find("error")
    assert error is not None
    assert error.get("message") == "failed: ValueError: no good"
    said = {name: case.findtext("system-out") for name, case in found.items()}
    assert said.pop("plots/bars") == "[[ATTACHMENT|.figbox-check/after/plots/bars.png]]"
    assert [name for name, text in said.items() if text] == ["plots/fresh", "plots/rain"]
    mixed.check("--junit", "report.xml", "--exit-zero")
    suite = ET.parse(mixed.folder / "report.xml").getroot().find("testsuite")  # noqa: S314 - ours
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")


def test_junit_shows_pictures_that_are_news(accepted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that is the same has none, also if it was drawn; nor has one outside of the working directory."""
    accepted.write("plots/bars.py", PLOT)
    assert accepted.check("--all", "--junit", "report.xml").status == 1
    assert (accepted.folder / "report.xml").read_text().count("[[ATTACHMENT|") == 1
    monkeypatch.chdir(accepted.folder / "plots")
    assert accepted.check("--junit", "report.xml").status == 1
    text = (accepted.folder / "plots" / "report.xml").read_text()
    assert ("changed: changed: code" in text, "ATTACHMENT" in text) == (True, False)


def test_junit_needs_its_library(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nothing is sent."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = project.check("--junit", "report.xml")
    assert (done.status, project.service.asked) == (2, [])
    assert "--junit needs junitparser: pip install '.[ci]' in a clone of Figbox" in done.stderr


def test_summary(mixed: Project) -> None:
    """A table of what isn't the same, behind what the file has already."""
    (mixed.folder / "summary.md").write_text("before\n\n")
    mixed.check("--summary", "summary.md")
    before, text = (mixed.folder / "summary.md").read_text().split("\n\n", 1)
    assert before == "before"
    lines = text.splitlines()
    assert lines[0] == "## Figures"
    assert lines[2].startswith("1 failed, 1 changed, 1 missing, 1 new, 1 renderer changed, compared with the accepted")
    assert [line.split(" | ")[0].strip("| ") for line in lines[6:11]] == [
        *("failed", "changed", "missing", "new", "renderer changed"),
    ]


def test_hostile_texts_are_shown_as_they_are(project: Project) -> None:
    """What the code says can neither write Markdown, nor call people, nor speak to a terminal or a CI service."""
    evil = "a|b <img src=x onerror=alert(1)> [x](http://evil) `c` @team #1 **bold** ##[error] \x1b[31m &lt; \\| \uffff"
    project.service.respond = lambda _: failed("program_error", f"Traceback\n{evil}")
    done = project.check("plots/bars.py", "--summary", "summary.md", "--junit", "report.xml")
    assert "\x1b" not in done.stderr
    assert "##[error]" not in done.stderr
    html = MarkdownIt("gfm-like", {"linkify": False}).render((project.folder / "summary.md").read_text())
    cells = re.findall(r"<td>(.*?)</td>", html)
    assert [cell.startswith("<code>") and cell.count("<") == 2 for cell in cells] == [False, True, True]
    assert "a¦b &lt;img src=x onerror=alert(1)&gt; [x](http://evil) 'c' @team #1" in html
    root = ET.parse(project.folder / "report.xml").getroot()  # noqa: S314 - ours
    error = root.find(".//error")
    assert error is not None
    assert "<img src=x onerror=alert(1)>" in str(error.get("message"))


def test_long_summary_is_cut(project: Project) -> None:
    """A CI service takes only so much."""
    for number in range(210):
        project.write(f"many/{number:03}.py", PLOT)
    project.check("many", "--summary", "summary.md", "-q")
    text = (project.folder / "summary.md").read_text()
    assert text.count("| new |") == 200
    assert text.endswith("\n10 more are not listed.\n\n")


def test_file_that_cannot_be_written(project: Project) -> None:
    """It is named."""
    done = project.check("plots/bars.py", "--summary", "nowhere/summary.md")
    assert (done.status, "nowhere/summary.md can't be written: No such file or directory" in done.stderr) == (2, True)


def test_quiet_and_verbose(accepted: Project) -> None:
    """By default the same ones are only counted; quiet runs say no more than what isn't the same."""
    assert "same             plots/bars (not drawn: " in accepted.check("-v").stderr
    assert "plots/bars" not in accepted.check().stderr
    assert accepted.check("-q").stderr.startswith("5 same in ")


def test_github_marks_failures(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """In GitHub Actions a failing line is marked in the file; failures of the other state aren't."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.write("plots/bars.py", BROKEN)
    project.write("plots/two.py", BROKEN)
    project.commit()
    project.write("plots/bars.py", PLOT)
    project.write("plots/two.py", BROKEN + "#\n")
    done = project.check("--base", "HEAD")
    assert done.stderr.count("::error ") == 1
    assert "::error file=plots/two.py,line=2::program_error: ValueError: no good" in done.stderr
    project.write("README.md", f"# Page\n\n```python figure=trend\n{BROKEN}```\n")
    assert "::error file=README.md,line=5::program_error" in project.check("README.md").stderr


def test_report_is_json_even_where_nothing_differs(accepted: Project) -> None:
    """Standard output has the report and nothing else."""
    done = accepted.check("--json")
    assert json.loads(done.stdout)["summary"]["same"] == 5


@pytest.mark.parametrize("option", ["--junit", "--summary", "--report", "--contact-sheet"])
def test_links_of_the_project_are_not_followed(project: Project, tmp_path: Path, option: str) -> None:
    """A link that a repository has in place of a report leads nowhere; one that is replaced does no harm."""
    other = tmp_path / "other"
    other.write_text("mine")
    (project.folder / "report").symlink_to(other)
    done = project.check(option, "report")
    assert other.read_text() == "mine"
    if option in {"--junit", "--summary"}:
        assert (done.status, "is a symbolic link" in done.stderr) == (2, True)
    else:
        assert not (project.folder / "report").is_symlink()


@pytest.mark.parametrize("option", ["--report", "--contact-sheet"])
def test_devices_are_not_replaced(project: Project, tmp_path: Path, option: str) -> None:
    """Root could put a page in place of /dev/null; a summary goes to a device."""
    os.mkfifo(tmp_path / "pipe")
    done = project.check(option, str(tmp_path / "pipe"))
    assert (done.status, "would be replaced" in done.stderr) == (2, True)
    assert project.check("--summary", "/dev/null").status == 1
