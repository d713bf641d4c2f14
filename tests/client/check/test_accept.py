"""`figbox accept` takes what the last check drew, as it was drawn, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from figbox.check.lock import read_lock
from tests.client.check.conftest import NAMES, Project
from tests.client.conftest import PLOT

if TYPE_CHECKING:
    from pathlib import Path


def locked(project: Project) -> list[str]:
    """Return the names in the lock."""
    return list(read_lock(project.folder / "figbox.lock").figures)


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["plots/bars"], ["plots/bars"]),
        (["plots/two.py"], ["plots/two", "plots/two-2"]),
        (["plots/two"], ["plots/two"]),
        (["README.md#trend"], ["README.md/trend"]),
        (["plots/*", "README.md#trend"], list(NAMES)),
        (["*n"], ["plots/rain"]),
    ],
)
def test_names_and_patterns(project: Project, names: list[str], taken: list[str]) -> None:
    """A name is a figure's, its source's, or a pattern for either; the others stay new."""
    project.check()
    done = project.accept(*names)
    assert locked(project) == sorted(taken)
    assert [line.split(" ", 1)[1] for line in done.stderr.splitlines()] == sorted(taken)
    assert set(project.others()) == set(NAMES) - set(taken)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["plots/bar"], "the last check knows no figure 'plots/bar': did you mean 'plots/bars'?\n"),
        (["two-2"], "the last check knows no figure 'two-2': did you mean 'plots/two-2'?\n"),
        (["nonsense"], "the last check knows no figure 'nonsense'\n"),
        (["plots/bars", "plots/sales"], "the last check knows no figure 'plots/sales'"),
    ],
)
def test_unknown_names_accept_nothing(project: Project, names: list[str], said: str) -> None:
    """One wrong name, and nothing is accepted."""
    project.check()
    done = project.figbox("accept", *names)
    assert (done.status, said in done.stderr) == (2, True)
    assert not (project.folder / "figbox.lock").exists()


def test_nothing_that_was_not_run(project: Project) -> None:
    """A figure that the last check left out isn't accepted, nor removed."""
    project.check()
    project.accept()
    project.write("plots/bars.py", PLOT)
    project.write("plots/rain.py", PLOT)
    (project.folder / "plots" / "two.py").unlink()
    project.check("plots/bars.py")
    assert "knows no figure 'plots/rain'" in project.figbox("accept", "plots/rain").stderr
    project.accept()
    project.accept("--prune")
    assert locked(project) == list(NAMES)
    assert project.others() == {"plots/rain": "changed", "plots/two": "missing", "plots/two-2": "missing"}


@pytest.mark.parametrize("file", ["plots/rain.py", "plots/rain.csv", "figbox.toml"])
def test_sources_that_changed_since_are_refused(project: Project, file: str) -> None:
    """What nobody has seen isn't accepted: code, data and options must be those that were drawn."""
    project.check()
    changed = FILES_CHANGED[file]
    project.write(file, changed)
    done = project.figbox("accept")
    assert done.status == 2
    assert "changed since the last check: " in done.stderr
    assert "plots/rain.py" in done.stderr
    assert not (project.folder / "figbox.lock").exists()
    if file != "figbox.toml":
        project.accept("plots/bars")
        assert locked(project) == ["plots/bars"]


FILES_CHANGED = {
    "plots/rain.py": PLOT,
    "plots/rain.csv": "1,3\n",
    "figbox.toml": '[check]\ninclude = ["plots", "README.md"]\n[check.options]\ndpi = 50\n',
}


def test_script_that_is_gone_is_refused(project: Project) -> None:
    """Likewise if what drew it is no longer there."""
    project.check()
    (project.folder / "plots" / "bars.py").unlink()
    assert "changed since the last check: plots/bars.py;" in project.figbox("accept").stderr


def test_picture_that_is_gone_is_refused(project: Project) -> None:
    """What was drawn must be there as it was drawn."""
    project.check()
    path = project.folder / ".figbox-check" / "after" / "plots" / "bars.png"
    path.write_bytes((path.parent / "rain.png").read_bytes())
    done = project.figbox("accept")
    assert (done.status, "the picture of plots/bars is no longer there" in done.stderr) == (2, True)
    assert not (project.folder / "figbox.lock").exists()
    assert not (project.folder / "figures").exists()


def test_without_a_check(project: Project) -> None:
    """There must have been a check, and it must have ended."""
    done = project.figbox("accept")
    assert (done.status, "run `figbox check` first" in done.stderr) == (2, True)
    project.check()
    (project.folder / ".figbox-check" / "last.json").write_text('{"version": 1}')
    assert "the last check can't be read" in project.figbox("accept").stderr


@pytest.mark.parametrize("name", ["../stolen", "/tmp/stolen", "a/../../stolen", "a\\b", "a\x1b[31m", ""])
def test_hostile_names_are_refused(project: Project, name: str) -> None:
    """Neither a lock nor a last check, which may come with a repository, leads out of the project."""
    project.check()
    path = project.folder / ".figbox-check" / "last.json"
    document = json.loads(path.read_text())
    entry = document["figures"][0]
    entry["after"]["name"] = entry["name"] = name
    path.write_text(json.dumps(document))
    done = project.figbox("accept")
    assert (done.status, "can't be the name of a figure" in done.stderr) == (2, True)
    assert "\x1b" not in done.stderr
    project.check()
    project.accept()
    lock = project.folder / "figbox.lock"
    lock.write_text(lock.read_text().replace('"plots/two"', json.dumps(name), 1))
    done = project.check()
    assert (done.status, "can't be the name of a figure" in done.stderr) == (2, True)
    assert not list(project.folder.parent.glob("stolen*"))


def test_links_are_not_followed(project: Project, tmp_path: Path) -> None:
    """A symbolic link in place of a folder leads nowhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (project.folder / "figures").mkdir()
    (project.folder / "figures" / "plots").symlink_to(outside)
    project.check("plots")
    done = project.figbox("accept")
    assert (done.status, "is a symbolic link" in done.stderr) == (2, True)
    assert not list(outside.iterdir())
    (project.folder / "figures" / "plots").unlink()
    (project.folder / ".figbox-check").rename(tmp_path / "moved")
    (project.folder / ".figbox-check").symlink_to(outside)
    assert "is a symbolic link" in project.check("plots").stderr
    assert not list(outside.iterdir())


def test_whatever_an_image_is_called(project: Project) -> None:
    """A service may say anything of its image: the lock has one printable line of it, and can be read again."""
    project.renderer.images = {"default": "sha256:\ud800\x1b[31m\n" + "x" * 1000}
    project.check()
    project.accept()
    images = {figure.image for figure in read_lock(project.folder / "figbox.lock").figures.values()}
    assert len(images) == 1
    (image,) = images
    assert image.isprintable()
    assert len(image) <= 200
