"""The life of a repository with figures: each kind of change, what is said of it, and what is committed for it."""

from __future__ import annotations

import pytest

from tests.recipes.sample import NAMES, Sample, facts, tables

pytestmark = pytest.mark.engine


def first_run(sample: Sample) -> None:
    """Check for the first time: nothing is accepted yet."""
    told = sample.check()
    assert (told.status, told.verdicts) == (1, dict.fromkeys(NAMES, "new"))
    assert set(told.cases.values()) == {"failure"}
    assert "5 new, compared with the accepted ones" in told.summary
    diff = sample.accept()
    assert tables(diff, "+") == sorted(NAMES)
    assert set(sample.git("ls-files", "figures").split()) == {f"figures/{name}.png" for name in NAMES}
    assert sample.git("status", "--porcelain") == ""


def nothing_changed(sample: Sample) -> None:
    """Check when nothing changed: nothing is drawn; and drawn all the same, not even random numbers differ."""
    told = sample.check()
    assert (told.status, told.verdicts, told.scripts) == (0, {}, [])
    assert set(told.cases.values()) == {""}
    assert "5 same in " in told.stderr
    told = sample.check("--all", "--no-cache")
    assert (told.status, told.verdicts, len(told.scripts)) == (0, {}, 4)


def data_changed(sample: Sample) -> None:
    """Change data: so does everything that reads it, and nothing else."""
    sample.replace("plots/rain.csv", "Jan,61", "Jan,16")
    told = sample.check()
    assert (told.status, told.verdicts) == (
        1,
        {"README.md/trend": "changed", "notebooks/spread": "changed", "plots/rain": "changed"},
    )
    assert {entry["note"] for entry in told.figures.values() if entry["verdict"] == "changed"} == {"changed: data"}
    assert "61" in told.words["plots/rain"]
    assert "16" in told.words["plots/rain"]
    assert told.cases["plots/rain"] == "failure"
    assert told.cases["plots/noise"] == ""
    diff = sample.accept()
    assert facts(diff) == {"picture", "data"}
    assert tables(diff, "+") == tables(diff, "-") == []


def text_changed(sample: Sample) -> None:
    """Change texts, which are quoted; one figure is accepted by name, with its neighbour as it was."""
    sample.replace("plots/rain.py", '"Rain"', '"Rain in the valley"')
    sample.replace("plots/noise.py", '"Steps"', '"Steps of the walk"')
    told = sample.check()
    assert (told.status, told.verdicts) == (1, {"plots/rain": "changed", "plots/noise-2": "changed"})
    assert "'Rain in the valley'" in told.words["plots/rain"]
    assert "Rain in the valley" in told.summary
    diff = sample.accept("plots/rain")
    assert facts(diff) == {"picture", "code"}
    assert diff.count('+picture = "') == 1
    assert sample.check().verdicts == {"plots/noise-2": "changed"}
    sample.accept()


def new_and_gone(sample: Sample) -> None:
    """Add a figure, and remove it again."""
    sample.write("plots/wind.py", "plt.plot([3, 1, 2])\nplt.title('Wind')\n")
    told = sample.check()
    assert (told.status, told.verdicts) == (1, {"plots/wind": "new"})
    diff = sample.accept()
    assert (tables(diff, "+"), tables(diff, "-")) == (["plots/wind"], [])
    sample.git("rm", "-q", "plots/wind.py")
    told = sample.check()
    assert (told.status, told.verdicts) == (1, {"plots/wind": "missing"})
    assert "what draws it is gone" in told.stderr
    assert "nothing is accepted: no figure is new or changed, and 1 missing" in sample.figbox("accept").stderr
    diff = sample.accept("--prune")
    assert (tables(diff, "+"), tables(diff, "-")) == ([], ["plots/wind"])
    assert "figures/plots/wind.png" not in sample.git("ls-files")


def failing(sample: Sample) -> None:
    """Let code fail: the line and the reason are told, and nothing of it can be accepted."""
    sample.replace("plots/rain.py", 'rain["mm"]', 'rain["inches"]')
    told = sample.check()
    assert (told.status, told.verdicts) == (1, {"plots/rain.py": "failed"})
    assert told.cases["plots/rain.py"] == "error"
    assert "KeyError: 'inches'" in told.stderr
    assert "plots/rain.py:7" in told.stderr
    assert "KeyError: 'inches'" in told.summary
    refused = sample.figbox("accept", "plots/rain.py")
    assert (refused.returncode, "it is failed in the last check" in refused.stderr) == (2, True)
    sample.git("checkout", "-q", "plots/rain.py")


def another_image(sample: Sample) -> None:
    """Draw by another image: what differs by that alone is told from what was changed besides."""
    sample.replace("plots/rain.py", "Rain in the valley", "Rain on the hill")
    told = sample.check(upgraded=True)
    assert (told.status, told.verdicts) == (1, {**dict.fromkeys(NAMES, "renderer changed"), "plots/rain": "changed"})
    assert told.figures["plots/rain"]["note"] == "changed: code, image"
    diff = sample.accept()
    assert facts(diff) == {"picture", "code", "image"}
    told = sample.check(upgraded=True)
    assert (told.status, told.verdicts, told.scripts) == (0, {}, [])


def test_accepted_figures(sample: Sample) -> None:
    """From the first run over every kind of change to a new image, in one repository."""
    first_run(sample)
    nothing_changed(sample)
    data_changed(sample)
    text_changed(sample)
    new_and_gone(sample)
    failing(sample)
    another_image(sample)


def test_lock_alone(sample: Sample) -> None:
    """Without pictures in the repository the same is told, and the earlier picture is drawn again where it changed."""
    sample.replace("figbox.toml", "[check]\n", "[check]\npictures = false\n")
    sample.check()
    diff = sample.accept()
    assert tables(diff, "+") == sorted(NAMES)
    assert sample.git("ls-files", "figures") == ""
    assert sample.check().verdicts == {}
    sample.replace("plots/rain.py", '"Rain"', '"Rain in the valley"')
    told = sample.check()
    assert (told.status, told.verdicts) == (1, {"plots/rain": "changed"})
    assert "'Rain in the valley'" in told.words["plots/rain"]
    before = told.figures["plots/rain"]["before"]
    assert before["path"] == str(sample.folder / ".figbox-check" / "before" / "plots" / "rain.png")
    assert facts(sample.accept()) == {"picture", "code"}


def test_base_over_a_rebase(sample: Sample) -> None:
    """A branch is compared with where it left main: before a rebase and after it, and nothing is stored."""
    sample.git("checkout", "-q", "-b", "title")
    sample.replace("plots/rain.py", '"Rain"', '"Rain in the valley"')
    sample.commit("Name the valley")
    sample.git("checkout", "-q", "main")
    sample.replace("plots/rain.csv", "Jan,61", "Jan,16")
    sample.write("plots/wind.py", "plt.plot([3, 1, 2])\n")
    sample.commit("Correct January, add the wind")
    sample.git("checkout", "-q", "title")
    for rebased in (False, True):
        if rebased:
            sample.git("rebase", "-q", "main")
        told = sample.check("--base", "main", "--exit-zero")
        assert (told.status, told.verdicts) == (0, {"plots/rain": "changed"})
        assert "'Rain in the valley'" in told.words["plots/rain"]
        assert set(told.cases.values()) == {""}
        assert ("where the work tree left main" in told.stderr) == (not rebased)
    told = sample.check("--base", "main")
    assert told.status == 1
    assert sample.git("status", "--porcelain") == ""
    refused = sample.figbox("accept")
    assert (refused.returncode, "compared with a git state" in refused.stderr) == (2, True)
    sample.replace("plots/rain.py", 'rain["mm"]', 'rain["inches"]')
    told = sample.check("--base", "main", "--exit-zero")
    assert (told.status, told.verdicts) == (1, {"plots/rain.py": "failed"})
