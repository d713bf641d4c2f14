"""The sample project through its life with accepted figures: each verdict, and what is drawn for it."""

from __future__ import annotations

import pytest

from figbox.check.lock import read_lock
from tests.client.check.conftest import IMAGE, NAMES, Project, use_images
from tests.client.conftest import BROKEN, PLOT


def test_first_run_finds_everything_new(project: Project) -> None:
    """Without a lock every figure is new, the exit status is 1, and nothing of the project is written."""
    done = project.check()
    assert done.status == 1
    assert [line.split()[:2] for line in done.stderr.splitlines() if line.startswith("new")] == [
        ["new", name] for name in NAMES
    ]
    assert "5 new in " in done.stderr
    assert not done.stdout
    assert project.git("status", "--porcelain") == ""


def test_how_to_accept_is_said(accepted: Project) -> None:
    """It is said where there is something that can be accepted, unless quiet; a check with --base has nothing."""
    said = "look at .figbox-check/after/, and take what is meant by `figbox accept`\n"
    assert said not in accepted.check().stderr
    accepted.write("plots/bars.py", PLOT)
    assert said in accepted.check().stderr
    assert said not in accepted.check("--quiet").stderr
    assert said not in accepted.check("--base", "HEAD").stderr


def test_every_render_asks_for_the_same(project: Project) -> None:
    """All figures, as PNG, with a fixed seed, so that a check can be repeated."""
    project.check("plots/bars.py")
    (asked,) = project.service.renders
    assert {name: value for name, value in asked.items() if name != "code"} == {
        "format": ["png"],
        "figures": "all",
        "seed": 0,
    }


def test_accepting_writes_pictures_and_lock(accepted: Project) -> None:
    """Each figure has its picture, as it was drawn, and its facts."""
    lock = read_lock(accepted.folder / "figbox.lock")
    assert tuple(lock.figures) == NAMES
    assert lock.figures["plots/two-2"].source == "plots/two.py"
    assert lock.figures["README.md/trend"].source == "README.md#trend"
    assert [figure.of for figure in lock.figures.values()] == [1, 1, 1, 2, 2]
    assert {figure.image for figure in lock.figures.values()} == {IMAGE}
    assert {figure.inputs.options for figure in lock.figures.values()} == {"seed=0"}
    assert [bool(figure.inputs.data) for figure in lock.figures.values()] == [False, False, True, False, False]
    for name in NAMES:
        kept = accepted.folder / ".figbox-check" / "after" / f"{name}.png"
        assert (accepted.folder / "figures" / f"{name}.png").read_bytes() == kept.read_bytes()


def test_nothing_changed_nothing_drawn(accepted: Project) -> None:
    """What is made of the same by the same image isn't drawn again, unless that is asked for."""
    before = accepted.drawn()
    done = accepted.check()
    assert (done.status, accepted.drawn()) == (0, before), done.stderr
    assert "5 same in " in done.stderr
    assert accepted.check("--all").status == 0
    assert accepted.drawn() == before + 4


def test_changed_figure(accepted: Project) -> None:
    """A figure of other code that looks different is changed; only that is drawn."""
    before = accepted.drawn()
    accepted.write("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
    done = accepted.check()
    assert (done.status, accepted.drawn()) == (1, before + 1)
    assert "changed          plots/bars (changed: code)" in done.stderr
    assert "1 changed, 4 same in " in done.stderr
    accepted.accept()
    assert accepted.others() == {}
    assert accepted.git("status", "--porcelain").split() == [
        *("M", "figbox.lock", "M", "figures/plots/bars.png", "M", "plots/bars.py"),
    ]


def test_a_comment_changes_nothing(accepted: Project) -> None:
    """A figure of other code that looks the same is the same; accepting notes that, so that it isn't drawn again."""
    accepted.write("plots/bars.py", "# a comment\n" + PLOT + "plt.bar([1], [2])\n")
    before = accepted.drawn()
    assert accepted.others() == {}
    assert accepted.drawn() == before + 1
    accepted.accept()
    assert accepted.others() == {}
    assert accepted.drawn() == before + 1
    assert accepted.git("diff", "--stat", "--", "figures") == ""


def test_changed_data_file(accepted: Project) -> None:
    """A figure depends on the files that are sent with it, and on no others."""
    accepted.write("plots/rain.csv", "1,3\n")
    accepted.write("plots/other.csv", "1,3\n")
    before = accepted.drawn()
    report = accepted.report()
    assert {entry["name"]: entry["note"] for entry in report["figures"] if entry["verdict"] != "same"} == {
        "plots/rain": "changed: data"
    }
    assert accepted.drawn() == before + 1


def test_new_and_deleted(accepted: Project) -> None:
    """A new figure is new, one whose script is gone is missing; both can be dealt with, each by its own command."""
    accepted.write("plots/fresh.py", PLOT)
    (accepted.folder / "plots" / "two.py").unlink()
    accepted.write("README.md", "nothing left\n")
    expected = {
        "README.md/trend": "missing",
        "plots/fresh": "new",
        "plots/two": "missing",
        "plots/two-2": "missing",
    }
    assert accepted.others() == expected
    accepted.accept()
    del expected["plots/fresh"]
    assert accepted.others() == expected
    done = accepted.figbox("accept")
    assert done.stderr == "nothing is accepted: no figure is new or changed, and 3 missing: --prune removes them\n"
    accepted.accept("--prune", "plots/two*")
    assert accepted.others() == {"README.md/trend": "missing"}
    assert sorted(path.name for path in (accepted.folder / "figures" / "plots").iterdir()) == [
        "bars.png",
        "fresh.png",
        "rain.png",
    ]
    accepted.accept("--prune")
    assert accepted.others() == {}


def test_fewer_figures_of_a_script(accepted: Project) -> None:
    """A figure that a script no longer draws is missing, although the script is there."""
    accepted.write("plots/two.py", "plt.figure()\n#\n")
    assert accepted.others("plots/two.py") == {"plots/two": "changed", "plots/two-2": "missing"}


def test_half_accepted_script_is_drawn(project: Project) -> None:
    """If only one of a script's figures is accepted, the other stays new."""
    project.check()
    project.accept("plots/two")
    assert project.verdicts("plots/two.py") == {"plots/two": "same", "plots/two-2": "new"}


def test_failing_script(accepted: Project) -> None:
    """A script that fails is told with its error and traceback; its figures are neither missing nor accepted."""
    accepted.write("plots/two.py", BROKEN)
    done = accepted.check()
    assert done.status == 1
    assert "FAILED  plots/two.py:2: program_error: ValueError: no good" in done.stderr
    assert "    | ValueError: no good" in done.stderr
    assert accepted.others() == {"plots/two.py": "failed"}
    before = (accepted.folder / "figbox.lock").read_bytes()
    assert accepted.figbox("accept", "plots/two.py").status == 2
    accepted.accept()
    assert (accepted.folder / "figbox.lock").read_bytes() == before


def test_renderer_upgraded(accepted: Project) -> None:
    """Where only the image changed, figures that look different are told apart from changed ones."""
    use_images(accepted.service, accepted.renderer, default="sha256:4567")
    before = accepted.drawn()
    assert accepted.others() == {}
    assert accepted.drawn() == before + 4  # another image may draw anything otherwise
    accepted.renderer.look["sha256:4567"] = "thinner"
    accepted.write("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
    done = accepted.check()
    assert "renderer changed plots/rain (changed: image)" in done.stderr
    assert "changed          plots/bars (changed: code, image)" in done.stderr
    assert accepted.others() == {
        **dict.fromkeys(NAMES, "renderer changed"),
        "plots/bars": "changed",
    }
    accepted.accept()
    assert accepted.others() == {}


def test_metadata_is_not_the_picture(accepted: Project) -> None:
    """A text in the files that nobody sees, such as Matplotlib's version, changes no figure."""
    accepted.renderer.metadata = "Matplotlib version 3.12"
    assert accepted.others("--all") == {}


def test_lock_only(project: Project) -> None:
    """Without pictures there is only the lock, and every verdict is the same."""
    project.write("figbox.toml", '[check]\ninclude = ["plots"]\npictures = false\n')
    project.check()
    project.accept()
    assert not (project.folder / "figures").exists()
    before = project.drawn()
    assert project.others() == {}
    assert project.drawn() == before
    project.write("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
    (project.folder / "plots" / "rain.py").unlink()
    assert project.others() == {"plots/bars": "changed", "plots/rain": "missing"}
    project.accept()
    project.accept("--prune")
    assert project.others() == {}
    assert not (project.folder / "figures").exists()


@pytest.mark.parametrize("damage", ["gone", "other", "nonsense"])
def test_accepted_picture_that_is_not_in_the_lock(accepted: Project, damage: str) -> None:
    """Whoever reviews sees the pictures: one that isn't the lock's is told, and accepting mends it."""
    path = accepted.folder / "figures" / "plots" / "bars.png"
    good = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes((path.parent / "rain.png").read_bytes() if damage == "other" else b"nonsense")
    done = accepted.check()
    assert (done.status, "figures/plots/bars.png isn't the picture that figbox.lock has" in done.stderr) == (1, True)
    accepted.accept()
    assert path.read_bytes() == good
    assert accepted.others() == {}


def test_only_what_is_named(accepted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming a part checks that part, wherever the command runs; what is outside isn't missing."""
    (accepted.folder / "plots" / "two.py").unlink()
    assert accepted.verdicts("plots/rain.py", "README.md") == {"plots/rain": "same", "README.md/trend": "same"}
    assert accepted.verdicts("plots/*s.py") == {"plots/bars": "same"}
    assert accepted.verdicts("plots/two.py") == {"plots/two": "missing", "plots/two-2": "missing"}
    monkeypatch.chdir(accepted.folder / "plots")
    assert accepted.verdicts("bars.py") == {"plots/bars": "same"}
    assert accepted.verdicts("--exclude", "two.py", "--exclude", "README.md#*", "bars.py", "../README.md") == {
        "plots/bars": "same",
        "README.md/trend": "missing",
    }


def test_service_that_fails_is_no_verdict(accepted: Project) -> None:
    """If the service can't be asked, the exit status is 3, whatever was found before."""
    accepted.write("plots/bars.py", PLOT)
    accepted.service.respond = lambda _: None
    accepted.service.places = 0
    done = accepted.check("--patience", "0")
    assert done.status == 3
    assert "1 not run, 4 same in " in done.stderr


def test_script_that_draws_otherwise_each_time(accepted: Project) -> None:
    """Where all that a figure is made of is the same and it still differs, that is said."""
    accepted.renderer.nudges["plt.bar"] = 1
    done = accepted.check("--all")
    assert done.status == 1
    assert "plots/bars (although nothing that it is made of changed: it doesn't draw the same each time)" in done.stderr
