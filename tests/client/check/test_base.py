"""Comparing with a git state, without anything accepted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.client.check.conftest import Project, git, use_images
from tests.client.conftest import BROKEN, PLOT, write

if TYPE_CHECKING:
    from pathlib import Path


def test_unchanged_is_not_drawn(project: Project) -> None:
    """Sources that are made of the same draw the same: neither half is drawn, unless that is asked for."""
    done = project.check("--base", "HEAD")
    assert (done.status, project.drawn()) == (0, 0), done.stderr
    assert "4 same in " in done.stderr
    assert project.others("--base", "HEAD", "--all") == {}
    assert project.drawn() == 8


def test_changes_of_the_work_tree(project: Project) -> None:
    """Changed, new, missing and failing are told, and only their halves are drawn."""
    project.write("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
    project.write("plots/rain.csv", "1,3\n")
    project.write("plots/fresh.py", PLOT)
    (project.folder / "plots" / "two.py").unlink()
    project.write("README.md", "```python figure=trend\nraise ValueError('no')\n```\n")
    report = project.report("--base", "HEAD")
    assert {entry["name"]: (entry["verdict"], entry["note"]) for entry in report["figures"]} == {
        "README.md#trend": ("failed", "ValueError: no"),
        "plots/bars": ("changed", "changed: code"),
        "plots/fresh": ("new", ""),
        "plots/rain": ("changed", "changed: data"),
        "plots/two": ("missing", "what draws it is gone"),
        "plots/two-2": ("missing", "what draws it is gone"),
    }
    assert report["base"] == project.git("rev-parse", "HEAD")
    assert project.drawn() == 8
    kept = project.folder / ".figbox-check"
    assert (kept / "before" / "plots" / "bars.png").read_bytes() != (kept / "after" / "plots" / "bars.png").read_bytes()
    assert project.git("status", "--porcelain", "--ignored") == project.git("status", "--porcelain", "--ignored")


def test_over_a_rebase(project: Project) -> None:
    """Only what the branch did counts, whether or not it was rebased onto what others did meanwhile."""
    project.git("checkout", "-q", "-b", "branch")
    project.write("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
    project.commit("ours")
    project.git("checkout", "-q", "main")
    project.write("plots/rain.csv", "1,3\n")
    project.commit("theirs")
    project.git("checkout", "-q", "branch")
    done = project.check("--base", "main")
    assert "where the work tree left main" in done.stderr
    assert project.others("--base", "main") == {"plots/bars": "changed"}
    project.git("-c", "user.name=a", "-c", "user.email=b", "rebase", "-q", "main")
    assert project.others("--base", "main") == {"plots/bars": "changed"}
    assert "compared with main (" in project.check("--base", "main").stderr


def test_failing_before(project: Project) -> None:
    """A figure is new if what draws it failed before; one that fails as before says so."""
    project.write("plots/bars.py", BROKEN)
    project.write("plots/two.py", BROKEN)
    project.commit()
    project.write("plots/bars.py", PLOT)
    project.write("plots/two.py", BROKEN + "\n")
    done = project.check("--base", "HEAD")
    assert done.status == 1
    assert done.stderr.count("FAILED") == 1
    notes = {entry["name"]: (entry["verdict"], entry["note"]) for entry in project.report("--base", "HEAD")["figures"]}
    assert notes["plots/bars"] == ("new", "before, what draws it failed")
    assert notes["plots/two.py"] == ("failed", "ValueError: no good (as before)")


def test_data_that_git_does_not_have(project: Project) -> None:
    """Data that the configuration names may be missing from the earlier state: ignored by git, or added since."""
    project.write(".gitignore", "large/\n")
    project.write("large/all.csv", "1")
    project.write("figbox.toml", "[check]\ninclude = ['plots']\ndata = ['large', 'shared/*.csv']\n")
    project.write("shared/a.csv", "1")
    names = ("plots/bars", "plots/rain", "plots/two", "plots/two-2")
    assert project.others("--base", "HEAD") == dict.fromkeys(names, "changed")
    (project.folder / "shared" / "a.csv").unlink()
    done = project.check("--base", "HEAD")
    assert (done.status, "`data` of the configuration: no such file: shared/*.csv" in done.stderr) == (2, True)


def test_exit_zero_tells_without_failing(project: Project) -> None:
    """On a pull request a change is meant; a failing script still isn't."""
    project.write("plots/bars.py", PLOT)
    assert project.check("--base", "HEAD", "--exit-zero").status == 0
    project.write("plots/two.py", BROKEN)
    assert project.check("--base", "HEAD", "--exit-zero").status == 1


def test_image_before_and_after(project: Project) -> None:
    """With two environments, what differs by the image alone is told apart."""
    use_images(project.service, project.renderer, default="sha256:new", old="sha256:old")
    assert project.others("--base", "HEAD", "--environment-before", "old") == {}
    project.renderer.look["sha256:new"] = "thinner"
    assert set(project.others("--base", "HEAD", "--environment-before", "old").values()) == {"renderer changed"}
    assert "about the state of --base" in project.check("--environment-before", "old").stderr


def test_project_below_the_top_of_the_repository(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Names are those of the project, wherever it is in the repository, also where a hook runs the command."""
    for name in ("figbox.toml", "plots/bars.py", "plots/rain.py", "plots/rain.csv"):
        write(project.folder / "papers" / "one" / name, (project.folder / name).read_bytes())
    project.commit()
    monkeypatch.chdir(project.folder / "papers" / "one")
    project.write("papers/one/plots/bars.py", PLOT)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nowhere" / "index"))
    (project.folder / "papers" / "one" / "figbox.toml").write_text('[check]\ninclude = ["plots"]\n')
    report = project.report("--base", "HEAD")
    assert {entry["name"]: entry["verdict"] for entry in report["figures"]} == {
        "plots/bars": "changed",
        "plots/rain.py": "same",
    }


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("nowhere", "git knows no state 'nowhere'"),
        ("--output=stolen", "'--output=stolen' isn't the name of a git state"),
        ("HEAD:plots", "git knows no state 'HEAD:plots'"),
        ("", "git knows no state ''"),
    ],
)
def test_no_such_state(project: Project, reference: str, said: str) -> None:
    """What isn't a commit is refused before anything is drawn; nothing of it reaches git as an option."""
    done = project.check(f"--base={reference}")
    assert (done.status, project.drawn()) == (2, 0)
    assert said in done.stderr
    assert not (project.folder / "stolen").exists()


def test_no_repository(project: Project) -> None:
    """Outside of a repository the reason is git's."""
    (project.folder / ".git").rename(project.folder / "git")
    done = project.check("--base", "HEAD")
    assert done.status == 2
    assert "not a git repository" in done.stderr


def test_shallow_clone(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git can't tell what two states have in common, the state itself is compared with, which is said."""
    first = project.git("rev-parse", "HEAD")
    project.git("checkout", "-q", "-b", "branch")
    project.write("plots/bars.py", PLOT)
    project.commit()
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "branch", f"file://{project.folder}", str(clone))
    monkeypatch.chdir(clone)
    assert f"git knows no state '{first}'" in project.check("--base", first).stderr
    git(clone, "fetch", "-q", "--depth", "1", "origin", "main")
    done = project.check("--base", "FETCH_HEAD", "--json")
    assert "compared with FETCH_HEAD itself" in done.stderr
    assert "1 changed, 3 same" in done.stderr


def test_what_is_no_plain_file_is_told(project: Project) -> None:
    """Links aren't followed, and large files that are kept elsewhere aren't fetched."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    project.write("plots/bars.py", PLOT + "open('large.bin')\n")
    project.write("plots/large.bin", pointer)
    (project.folder / "plots" / "link.csv").symlink_to("/etc/passwd")
    project.commit()
    project.write("plots/large.bin", "fetched")
    done = project.check("--base", "HEAD")
    assert "plots/large.bin: it is in Git LFS" in done.stderr
    assert "plots/link.csv: it is a symbolic link" in done.stderr
    assert "changed          plots/bars (changed: data)" in done.stderr
    asked = next(document for document in project.service.renders if "large.bin" in document["code"])
    assert "files" not in asked


def test_submodules_are_told(project: Project) -> None:
    """A submodule is named, and left out."""
    commit = project.git("rev-parse", "HEAD")
    project.git("update-index", "--add", "--cacheinfo", f"160000,{commit},plots/sub")
    project.git("commit", "-q", "-m", "sub")
    assert "plots/sub: it is a submodule" in project.check("--base", "HEAD").stderr


@pytest.mark.parametrize("name", ["../stolen.py", "..", ".git/config.py", ".GIT/x.py", "a\\..\\..\\stolen.py"])
def test_hostile_names_stay_inside(project: Project, name: str) -> None:
    """A commit can hold names that git itself would never write: they are left out, and told."""
    made = project.git("hash-object", "-w", "--stdin")
    top, *parts = name.split("/")
    kind = "100644"
    for part in reversed(parts):
        made, kind = _tree(project, [(kind, made, part)]), "040000"
    made = _tree(project, [(kind, made, top), ("040000", project.git("rev-parse", "HEAD:plots"), "plots")])
    project.git("update-ref", "HEAD", project.git("commit-tree", "-p", "HEAD", "-m", "hostile", made))
    above = set(project.folder.parent.rglob("*stolen*"))
    done = project.check("--base", "HEAD", ".")
    assert done.status == 0, done.stderr
    assert "its name can't be used" in done.stderr
    assert set(project.folder.parent.rglob("*stolen*")) == above


def _tree(project: Project, entries: list[tuple[str, str, str]]) -> str:
    """Write a tree of modes, objects and names, without the checks of `git mktree`; return its id."""
    body = b"".join(
        f"{mode.lstrip('0')} {name}\0".encode() + bytes.fromhex(object_id) for mode, object_id, name in entries
    )
    path = project.folder / ".git" / "tree"
    path.write_bytes(body)
    found = project.git("hash-object", "-t", "tree", "-w", "--literally", os.fspath(path))
    path.unlink()
    return found


def test_names_of_every_kind(project: Project) -> None:
    """Spaces, quotes, line ends and letters of all scripts are names like others."""
    for name in ("a b.py", "größe.py", "quote'\".py", "$(touch stolen).py", "-rf.py"):
        project.write(f"plots/{name}", PLOT + f"# {name}\n")
    project.commit()
    for name in ("a b.py", "größe.py", "quote'\".py", "$(touch stolen).py", "-rf.py"):
        project.write(f"plots/{name}", PLOT + "plt.bar(1)\n")
    found = project.others("--base", "HEAD")
    assert found == {f"plots/{name}": "changed" for name in ("a b", "größe", "quote'\"", "$(touch stolen)", "-rf")}
    assert not (project.folder / "stolen").exists()


def test_base_is_not_for_accepting(project: Project) -> None:
    """What was compared with a git state can't be accepted."""
    project.write("plots/bars.py", PLOT)
    project.check("--base", "HEAD")
    done = project.figbox("accept")
    assert done.status == 2
    assert "the last check compared with a git state" in done.stderr
