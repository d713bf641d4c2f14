"""What changed, in words: both states are drawn again with descriptions, the accepted one from git."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from figbox.check.state import State
from figbox.comparison import Box
from tests.client.check.watching import watching
from tests.client.conftest import BROKEN, PLOT
from tests.client.service import Canned, problem

if TYPE_CHECKING:
    from tests.client.check.conftest import Project

OLD, NEW = PLOT + "plt.bar([1], [2])\n", PLOT + "plt.title('More')\n"


@pytest.fixture
def described(project: Project) -> Project:
    """Return the sample project with a service that describes: a figure's title is the code's."""

    def respond(document: dict[str, Any]) -> Canned:
        canned = project.renderer.draw(document)
        if canned.document is not None and document.get("describe") == "full":
            for figure in canned.document.get("figures", ()):
                title = "More" if "More" in document["code"] else "Less"
                size = {"width": 4, "height": 3, "dpi": 100, "width_in": 0.04, "height_in": 0.03}
                figure["description"] = {"level": "full", **size, "title": f"{title} {figure['number']}"}
        return canned

    project.service.respond = respond
    return project


def words(project: Project, *arguments: str) -> dict[str, list[str]]:
    """Return the sentences on each figure that has any."""
    done = project.figbox("check", "--json", *arguments)
    figures = json.loads(done.stdout)["figures"]
    return {entry["name"]: entry["words"] for entry in figures if entry["words"]}


def test_words_between_two_states(described: Project) -> None:
    """With a base both halves of what changed are described, and nothing else."""
    described.write("plots/bars.py", NEW)
    described.write("plots/fresh.py", PLOT)
    assert words(described, "--base", "HEAD") == {
        "plots/bars": ["The title of the figure is 'More 1' instead of 'Less 1'."]
    }
    asked = [document["code"] for document in described.service.renders if document.get("describe") == "full"]
    assert sorted(asked) == sorted([OLD, NEW])
    done = described.figbox("check", "--base", "HEAD", "--summary", "summary.md")
    assert "\n    The title of the figure is 'More 1' instead of 'Less 1'.\n" in done.stderr
    assert "The title of the figure is" in (described.folder / "summary.md").read_text()


@pytest.mark.parametrize("pictures", ["true", "false"])
def test_words_from_what_git_has(described: Project, pictures: str) -> None:
    """The accepted state is drawn again from the commit that accepted it, however far the history has gone since."""
    described.write("figbox.toml", f"[check]\ninclude = ['plots']\npictures = {pictures}\n")
    described.check()
    described.accept()
    described.commit("accept")
    old = (described.folder / ".figbox-check" / "after" / "plots" / "bars.png").read_bytes()
    described.write("plots/bars.py", NEW + "# unfinished\n")
    described.commit("change without accepting")
    described.write("plots/bars.py", NEW)
    described.write("plots/two.py", "plt.figure()\nplt.figure()\n# More\n")
    assert words(described) == {"plots/bars": ["The title of the figure is 'More 1' instead of 'Less 1'."]}
    if pictures == "false":
        assert (described.folder / ".figbox-check" / "before" / "plots" / "bars.png").read_bytes() == old


def test_data_that_came_after_what_was_accepted(described: Project) -> None:
    """The accepted state is described without data that the configuration names since."""
    described.check()
    described.accept()
    described.commit("accept")
    described.write("shared/a.csv", "1")
    described.write("figbox.toml", "[check]\ninclude = ['plots']\ndata = ['shared/*.csv']\n")
    described.write("plots/bars.py", NEW)
    assert words(described)["plots/bars"] == ["The title of the figure is 'More 1' instead of 'Less 1'."]


def test_an_accepted_state_that_cannot_be_sent(described: Project) -> None:
    """Where the accepted state can't be drawn with the configuration of now, there are no words, and verdicts stand."""
    for name in ("one/a.csv", "two/a.csv"):
        described.write(name, "1")
    described.check()
    described.accept()
    described.commit("accept")
    (described.folder / "two" / "a.csv").unlink()
    described.write("figbox.toml", "[check]\ninclude = ['plots']\ndata = ['*/a.csv']\n")
    described.write("plots/bars.py", NEW)
    done = described.figbox("check")
    assert (done.status, "changed          plots/bars (changed: code, data)\n" in done.stderr) == (1, True), done.stderr


def test_figures_are_not_mixed_up(described: Project) -> None:
    """Each figure of a script has its own words."""
    described.write("plots/two.py", "plt.figure()\nplt.figure()\nplt.title('More')\n")
    assert words(described, "--base", "HEAD", "plots/two.py") == {
        "plots/two": ["The title of the figure is 'More 1' instead of 'Less 1'."],
        "plots/two-2": ["The title of the figure is 'More 2' instead of 'Less 2'."],
    }


def test_difference_that_no_description_has(described: Project) -> None:
    """Where only the look differs, that is what is said."""
    described.write("plots/bars.py", PLOT)
    assert words(described, "--base", "HEAD") == {"plots/bars": ["Nothing that its description has changed."]}


def test_boxes_findings_and_alternative_text(described: Project) -> None:
    """What a sentence is about, what a reader would stumble over now, and what the figure shows, are kept with it."""
    respond = described.service.respond
    finding = {"code": "text-cut-off", "severity": "error", "sentence": "It is cut off.", "advice": "Give it room."}
    box = {"x": 1.0, "y": 1.0, "width": 2.0, "height": 1.0}

    def with_more(document: dict[str, Any]) -> Canned:
        canned = respond(document)
        for figure in (canned.document or {}).get("figures", ()) if "describe" in document else ():
            label = "Rain" if "More" in document["code"] else "Snow"
            axes = {"number": 1, "kind": "cartesian", "role": "plot", "box": box, "title": label}
            figure["description"]["axes"] = [axes]
            figure |= {"alt_text": f"{label}, drawn.", "findings": [{**finding, "axes": [1], "box": box}]}
        return canned

    described.service.respond = with_more
    described.write("plots/bars.py", NEW)
    done = described.figbox("check", "--json", "--base", "HEAD", "plots/bars.py")
    (bars,) = json.loads(done.stdout)["figures"]
    assert bars["words"][1] == "The title is 'Rain' instead of 'Snow'."
    assert bars["boxes"][0] == {"before": None, "after": None}
    assert bars["boxes"][1] == {"before": box, "after": box}
    assert len(bars["boxes"]) == len(bars["words"])
    assert bars["findings"] == [{**finding, "axes": [1], "box": box}]
    assert bars["alt_text"] == "Rain, drawn."
    (kept,) = State(described.folder).last().figures
    assert kept.boxes[1].after == kept.findings[0].box == Box(1, 1, 2, 1)
    assert kept.findings[0].axes == (1,)
    assert kept.alt_text == "Rain, drawn."


def test_without_git_there_are_no_words(described: Project) -> None:
    """The verdict is the same where git doesn't have the accepted state: uncommitted, or in no repository."""
    described.check()
    described.accept()
    described.write("plots/bars.py", NEW)
    assert words(described) == {}
    (described.folder / ".git").rename(described.folder / "git")
    done = described.figbox("check")
    assert (done.status, "1 changed, 4 same in " in done.stderr) == (1, True)


def test_accepted_state_must_be_the_one_of_the_lock(described: Project) -> None:
    """If the commit with the lock has other code than what was accepted, nothing is said of it."""
    described.check()
    described.accept()
    described.write("plots/bars.py", PLOT + "plt.bar([1], [9])\n")
    described.commit("accept, with other code than was accepted")
    described.write("plots/bars.py", NEW)
    assert words(described) == {}


def test_service_that_does_not_describe(project: Project) -> None:
    """An older service refuses the option: that is said once, and the verdicts stand."""

    def respond(document: dict[str, Any]) -> Canned:
        if "describe" in document:
            return Canned(
                400, problem(400, "no", errors=[{"option": "describe", "message": "there is no such option"}])
            )
        return project.renderer.draw(document)

    project.service.respond = respond
    project.write("plots/bars.py", NEW)
    done = project.figbox("check", "--base", "HEAD")
    assert (done.status, "1 changed, 3 same in " in done.stderr) == (1, True)
    assert done.stderr.count("what changed can't be said in words: this service doesn't describe figures") == 1


def test_service_that_fails_while_describing(described: Project) -> None:
    """A failure of the second round changes no verdict."""
    respond = described.service.respond
    described.service.respond = lambda asked: Canned(500, problem(500, "no")) if "describe" in asked else respond(asked)
    described.write("plots/bars.py", NEW)
    done = described.figbox("check", "--base", "HEAD")
    assert (done.status, "1 changed, 3 same in " in done.stderr) == (1, True)


def test_nothing_is_drawn_for_words_if_nothing_changed(described: Project) -> None:
    """New, missing and failing figures need none."""
    described.write("plots/fresh.py", PLOT)
    described.write("plots/two.py", BROKEN)
    (described.folder / "plots" / "bars.py").unlink()
    described.figbox("check", "--base", "HEAD")
    assert not [document for document in described.service.renders if "describe" in document]


def test_words_are_kept_from_check_to_check(described: Project) -> None:
    """A watch has a figure described when it changes, and not again after every save of something else."""
    with watching(described.folder, described.service.url, "--base", "HEAD") as begun:
        begun.until("watching for what is saved")
        begun.save("plots/bars.py", NEW)
        assert "instead of 'Less 1'." in begun.until("1 changed, 3 same")
        begun.save("plots/rain.csv", "1,3\n")
        begun.until("2 changed, 2 same")
    asked = [document["code"] for document in described.service.renders if document.get("describe") == "full"]
    assert asked.count(NEW) == 1
