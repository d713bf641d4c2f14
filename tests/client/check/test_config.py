"""What a project wants, from its file; and what is wrong with a file is told before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from figbox.check.config import Config
from tests.client.check.conftest import NAMES, Project, use_images
from tests.client.conftest import PLOT, write
from tests.client.service import Canned, failed, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[chekc]", "chekc: there is no such key; did you mean 'check'?"),
        ("include = ['plots']", "include: there is no such key; all of this file is below [check]"),
        ("[tool.figbox.check]\n", "tool: there is no such key; all of this file is below [check]"),
        ("[check]\nincldue = []", "incldue: there is no such key; did you mean 'include'?"),
        ("[check]\nnonsense = 1", "nonsense: there is no such key; the keys are include, exclude, pictures, folder"),
        ("[check.options]\ndpy = 100", "options.dpy: there is no such key; did you mean 'dpi'?"),
        ("[check.options]\nformat = 'svg'", "options.format: is set by the check itself"),
        ("[check.options]\ntolerance = 2", "options.tolerance: there is no such key"),
        ("[check.figures.'plots/*']\ntolerence = 2", "figures.plots/*.tolerence: there is no such key; did you mean"),
        ("[check.figures.'plots/*']\ntolerance = -1", "figures.plots/*.tolerance: must be a number from 0 to 255"),
        ("[check.figures.'plots/*']\ntolerance = true", "figures.plots/*.tolerance: must be a number from 0 to 255"),
        ("[check.figures]\na = 2", "figures.a: must be a table"),
        ("[check]\nfigures = 2", "figures: must be tables by pattern"),
        ("[check]\noptions = 2", "options: must be a table"),
        ("[check]\ninclude = 'plots'", "include: must be a list of texts"),
        ("[check]\npictures = 'no'", "pictures: must be true or false"),
        ("[check]\nfolder = '../figures'", "folder: must be a folder below the file's own"),
        ("[check]\nfolder = '.'", "folder: must be a folder below the file's own"),
        ("[check]\ninclude = ['../other']", "include: ../other leads out of the file's folder"),
        ("[check]\ndata = ['/etc/*']", "data: /etc/* leads out of the file's folder"),
        ("[check", "figbox.toml can't be read"),
    ],
)
def test_what_is_wrong_is_told(project: Project, text: str, said: str) -> None:
    """The file, the key, what is wrong with it, and the name that was meant."""
    project.write("figbox.toml", text)
    done = project.check("plots")
    assert (done.status, project.service.asked) == (2, [])
    assert f"{project.folder}/figbox.toml" in done.stderr
    assert said in done.stderr


def test_table_in_pyproject(project: Project) -> None:
    """The same table can be in pyproject.toml, beside the command's own settings; not in both files."""
    (project.folder / "figbox.toml").rename(project.folder / "other.toml")
    project.write("pyproject.toml", '[tool.figbox]\npatience = 5\n[tool.figbox.check]\ninclude = ["plots/bars.py"]\n')
    assert project.others() == {"plots/bars": "new"}
    project.write("figbox.toml", "[check]\n")
    assert "has a configuration in both" in project.check().stderr
    project.write("pyproject.toml", "[tool.figbox]\nchekc = {}\n")
    assert "chekc: unknown; the keys are" in project.check("plots").stderr


def test_options_by_pattern(project: Project) -> None:
    """Every figure has the options of the project; a pattern changes them, and the last that fits counts."""
    project.write(
        "figbox.toml",
        "[check.options]\ndpi = 50\nstyle = 'ggplot'\nrc = {'axes.grid' = true}\n"
        "[check.figures.'plots/*']\ndpi = 60\nseed = 7\n[check.figures.'*rain.py']\ndpi = 70\ntolerance = 1\n",
    )
    project.check("plots", "README.md")
    asked = {document["code"]: document for document in project.service.renders}
    options = [
        (document.get("dpi"), document["seed"], document["style"], document["rc"])
        for document in (asked["plt.plot([3, 4])\n"], asked[PLOT + "plt.bar([1], [2])\n"])
    ]
    assert options == [(50, 0, "ggplot", {"axes.grid": True}), (60, 7, "ggplot", {"axes.grid": True})]
    rain = next(document for code, document in asked.items() if "rain.csv" in code)
    assert (rain["dpi"], rain["seed"], "tolerance" in rain) == (70, 7, False)


def test_changed_option_is_a_change(accepted: Project) -> None:
    """Figures are drawn again when an option of theirs changes, and the note says that it was the options."""
    accepted.write("figbox.toml", "[check]\ninclude = ['plots']\n[check.figures.'*bars.py']\ndpi = 50\n")
    done = accepted.check("plots")
    assert "changed          plots/bars (changed: options)" in done.stderr
    assert "1 changed, 3 same in" in done.stderr


def test_excluded(project: Project) -> None:
    """Patterns leave out by name, by path, and fences."""
    project.write("figbox.toml", "[check]\ninclude = ['.', 'README.md']\nexclude = ['two.py', 'README.md#t*']\n")
    assert project.others() == {"plots/bars": "new", "plots/rain": "new"}


def test_data_for_every_script(project: Project) -> None:
    """Files that the configuration names are sent with all."""
    project.write("shared/a.csv", "1")
    project.write("figbox.toml", "[check]\ndata = ['shared/*.csv']\n")
    project.check("plots/bars.py")
    assert project.service.renders[-1]["files"] == {"a.csv": {"text": "1"}}


def test_environments(project: Project) -> None:
    """An environment is chosen by the project, by figure, or by a flag; one that isn't there is told at once."""
    use_images(project.service, project.renderer, default="sha256:01", science="sha256:02")
    project.write("figbox.toml", "[check.figures.'*bars.py']\nenvironment = 'science'\n")
    images = {entry["name"]: entry["after"]["image"] for entry in project.report("plots")["figures"]}
    assert images == dict.fromkeys(NAMES[1:], "sha256:01") | {"plots/bars": "sha256:02"}
    project.accept()
    assert project.verdicts("plots") == dict.fromkeys(NAMES[1:], "same")
    done = project.check("plots", "-e", "video")
    assert (done.status, "the service has no environment 'video'" in done.stderr) == (2, True)


def test_environment_by_flag_can_be_accepted(project: Project) -> None:
    """What was drawn in the environment that a flag named is accepted as that."""
    use_images(project.service, project.renderer, default="sha256:01", science="sha256:02")
    project.check("-e", "science")
    project.accept()
    before = project.drawn()
    assert project.others("-e", "science") == {}
    assert project.drawn() == before


@pytest.mark.parametrize(("tolerance", "verdict"), [(1.5, "same"), (1.0, "changed")])
def test_tolerance(accepted: Project, tolerance: float, verdict: str) -> None:
    """A figure whose tolerance is written down is the same up to that distance, and its picture stays."""
    accepted.write(
        "figbox.toml", f"[check]\ninclude = ['plots']\n[check.figures.'plots/bars']\ntolerance = {tolerance}\n"
    )
    accepted.renderer.nudges["plt.bar"] = 3
    found = {entry["name"]: entry for entry in accepted.report("--all")["figures"]}
    assert found["plots/bars"]["verdict"] == verdict
    assert found["plots/bars"]["rms"] == pytest.approx(1.5)
    assert f"1.50 apart, tolerated are {tolerance:g}" in found["plots/bars"]["note"]
    picture = (accepted.folder / "figures" / "plots" / "bars.png").read_bytes()
    lock = (accepted.folder / "figbox.lock").read_bytes()
    if verdict == "same":
        accepted.accept()
        assert (accepted.folder / "figures" / "plots" / "bars.png").read_bytes() == picture
        assert (accepted.folder / "figbox.lock").read_bytes() == lock


def test_tolerance_with_a_base(project: Project) -> None:
    """It holds between two states, too."""
    project.write("figbox.toml", "[check]\ninclude = ['plots']\n[check.figures.'plots/bars']\ntolerance = 200\n")
    project.write("plots/bars.py", PLOT)
    assert project.others("--base", "HEAD") == {}


def test_tolerance_needs_its_library(accepted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Pillow a configuration with a tolerance is refused at once: a verdict never depends on what is there."""
    accepted.write("figbox.toml", "[check]\ninclude = ['plots']\n[check.figures.'plots/bars']\ntolerance = 1\n")
    monkeypatch.setattr("figbox.check.pictures.find_spec", lambda _: None)
    before = accepted.drawn()
    done = accepted.check()
    assert (done.status, accepted.drawn()) == (2, before)
    assert "which needs Pillow: pip install '.[ci]' in a clone of Figbox" in done.stderr


def test_tolerance_without_pictures(project: Project) -> None:
    """Where the accepted picture isn't kept, its distance can't be measured, which is said."""
    project.write("figbox.toml", "[check]\npictures = false\n[check.figures.'plots/bars']\ntolerance = 200\n")
    project.check("plots/bars.py")
    project.accept()
    project.write("plots/bars.py", PLOT)
    assert "its tolerance needs the accepted picture, which isn't kept" in project.check("plots/bars.py").stderr


def test_links_out_of_the_project_are_refused(project: Project, tmp_path: Path) -> None:
    """A project that isn't yours can't have your files sent."""
    secret = write(tmp_path / "secret.py", "secret")
    (project.folder / "mine.py").symlink_to(secret)
    project.write("figbox.toml", "[check]\ninclude = ['mine.py']\n")
    done = project.check()
    assert (done.status, "mine.py is a link that leads out of" in done.stderr) == (2, True)
    project.write("figbox.toml", "[check]\ninclude = ['plots']\ndata = ['mine.*']\n")
    done = project.check()
    assert (done.status, "mine.py is a link that leads out of" in done.stderr) == (2, True)
    assert not project.service.renders


def test_nothing_named(project: Project) -> None:
    """Without paths and includes there is nothing to do, which isn't success; likewise for what isn't there."""
    project.write("figbox.toml", "[check]\n")
    assert "name what to check, or list it as `include`" in project.check().stderr
    project.write("notebooks/a.ipynb", "{}")
    for path, said in (
        ("nowhere", "nothing to check in nowhere: there is no such file or folder"),
        ("plots/*.ipynb", "nothing to check in plots/*.ipynb: no file fits it"),
        ("notebooks", "nothing to check in notebooks: of a folder, its *.py are checked; name notebooks"),
        ("..", f".. is outside of {project.folder}: run figbox in the folder of its project\n"),
        ("-", "has no name"),
    ):
        done = project.check("plots", path)
        assert (done.status, said in done.stderr) == (2, True), done.stderr


def test_two_sources_of_one_name(project: Project) -> None:
    """Figures of one name are refused, before or after they are drawn."""
    project.write("plots/bars.ipynb", "{}")
    assert "would give figures of the same name" in project.check("plots", "plots/bars.ipynb").stderr
    project.write("plots/two-2.py", PLOT)
    done = project.check("plots")
    assert "two-2.png is the name of a picture of plots/two-2.py" in done.stderr
    assert done.status == 1


def test_rules_are_found_by_source_or_figure() -> None:
    """A tolerance may be one figure's, options are a whole source's."""
    config = Config(None, figures={"a.py": {"dpi": 1, "tolerance": 2}, "a-2": {"tolerance": 3, "dpi": 9}})  # type: ignore[arg-type]
    assert config.options_of("a.py") == {"seed": 0, "dpi": 1}
    assert [config.tolerance_of("a.py", name) for name in ("a", "a-2")] == [2, 3]
    assert config.tolerance_of("b.py", "b") is None


def test_findings_that_fail(accepted: Project) -> None:
    """What a figure may not be is passed on; a new rule draws it again, and the finding is told as its failure."""
    finding = {"code": "overlap", "severity": "warning", "sentence": "Labels overlap.", "advice": "Turn them."}
    draw = accepted.renderer.draw

    def respond(asked: dict[str, Any]) -> Canned | None:
        if asked.get("fail_on") == ["warning"] and "plt.bar" in asked["code"]:
            return failed("findings", "Labels overlap.", findings=[finding])
        return draw(asked)

    accepted.service.respond = respond
    accepted.write(
        "figbox.toml",
        "[check]\ninclude = ['plots', 'README.md']\n[check.figures.'plots/[br]*']\nfail_on = ['warning']\n",
    )
    before = accepted.drawn()
    done = accepted.check()
    assert (done.status, accepted.drawn()) == (1, before + 2)
    assert "FAILED  plots/bars.py: findings: Labels overlap." in done.stderr
    assert accepted.others() == {"plots/bars.py": "failed"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("figbox.toml", '[check]\n"\\u001b[31m##[error]" = 1\n'),
        ("figbox.toml", '[check]\ninclude = ["\\u001b[31m##[error]"]\n'),
        ("figbox.toml", '[check]\ninclude = ["/\\u001b[31m##[error]"]\n'),
        ("figbox.toml", '[check.options]\nenvironment = "\\u001b[31m##[error]"\n'),
        ("figbox.lock", 'version = "\\u001b[31m##[error]"\n'),
        ("plots/\x1b[31m##[error].py", PLOT),
    ],
)
def test_hostile_texts_of_a_project(project: Project, name: str, text: str) -> None:
    """What a project's files and names say is shown, and can't speak to a terminal or a build log."""
    project.write(name, text)
    done = project.check(*([] if name == "figbox.toml" and "include" in text else ["plots"]))
    assert done.status == 2
    assert "\x1b" not in done.stderr
    assert "##[" not in done.stderr


def test_no_option_is_named_that_a_check_has_not(accepted: Project) -> None:
    """What a failing script saved is kept by `figbox render --files`; a check has no such option."""
    accepted.service.respond = lambda _: failed("no_figure", "No figure is open.", files=[written("a.png", b"saved")])
    done = accepted.check("--all")
    assert "no_figure: No figure is open.\n" in done.stderr
    assert done.stderr.count("what isn't meant to draw is left out by --exclude, or `exclude`") == 1
    assert "--files" not in done.stderr
