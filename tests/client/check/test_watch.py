"""`figbox check --watch`: what is saved is checked, what isn't affected isn't drawn, and trouble is waited out."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from figbox.check.config import find_config
from figbox.check.errors import CheckError
from figbox.cli.check import watch as module
from figbox.cli.check.watch import matters, watched_folders
from tests.client.check.watching import Watching, watching
from tests.client.conftest import PLOT, write
from tests.client.service import Canned, problem, wait_until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from aiohttp import web

    from tests.client.check.conftest import Project


def watch(project: Project, *arguments: str) -> AbstractContextManager[Watching]:
    """Watch a project, without words, for which it would draw again."""
    return watching(project.folder, project.service.url, "--no-words", *arguments)


def test_only_what_is_affected_is_drawn(accepted: Project) -> None:
    """A script, a data file, a new one, a deleted one: each save draws what depends on it, and no more."""
    with watch(accepted) as begun:
        begun.until("watching for what is saved")
        drawn = accepted.drawn()
        begun.save("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
        assert "changed          plots/bars (changed: code)" in begun.until("1 changed, 4 same")
        assert accepted.drawn() == drawn + 1
        begun.save("plots/rain.csv", "1,3\n")
        assert "changed          plots/rain (changed: data)" in begun.until("2 changed, 3 same")
        begun.save("plots/new.py", PLOT)
        assert "new              plots/new" in begun.until("2 changed, 1 new, 3 same")
        assert accepted.drawn() == drawn + 3
        (accepted.folder / "plots" / "new.py").unlink()
        assert "gone             plots/new" in begun.until("2 changed, 3 same")
        kept = accepted.folder / ".figbox-check" / "after" / "plots"
        assert sorted(path.name for path in kept.iterdir()) == ["bars.png", "rain.png"]
        (accepted.folder / "plots" / "two.py").unlink()
        begun.until("2 changed, 2 missing, 1 same")
        begun.save("plots/bars.py", PLOT + "plt.bar([1], [2])\n")
        assert "same             plots/bars" in begun.until("1 changed, 2 missing, 2 same")
        assert accepted.drawn() == drawn + 3
        assert begun.end() == 130
        assert begun.until("Interrupted.").strip() == "Interrupted."


def test_what_was_drawn_can_be_accepted_meanwhile(accepted: Project) -> None:
    """`figbox accept` takes any figure that changed since the watch began, and the watch notices."""
    with watch(accepted) as begun:
        begun.until("watching")
        begun.save("plots/bars.py", PLOT + "plt.bar([1], [3])\n")
        begun.until("1 changed, 4 same")
        begun.save("plots/rain.py", PLOT + "plt.plot(open('rain.csv').read(), 'r')\n")
        begun.until("2 changed, 3 same")
        drawn = accepted.drawn()
        accepted.accept("plots/bars")
        begun.until("1 changed, 4 same")
        accepted.accept()
        begun.until("5 same")
        assert accepted.drawn() == drawn
    assert accepted.others() == {}


def test_failures_are_told_once(accepted: Project) -> None:
    """A script that fails, or can't be sent, is told when that begins; other saves don't repeat it."""
    with watch(accepted) as begun:
        begun.until("watching")
        begun.save("plots/bars.py", "raise ValueError('no good')\n")
        assert "FAILED  plots/bars.py" in begun.until("1 failed, 4 same")
        begun.save("plots/rain.py", b"x = '\xff'\n")
        assert "is not Python source" in begun.until("2 failed, 3 same")
        begun.save("plots/new.py", PLOT)
        assert "FAILED" not in begun.until("2 failed, 1 new, 3 same")
        begun.save("plots/bars.py", PLOT + "plt.bar([1], [2])\n")
        assert "same             plots/bars" in begun.until("1 failed, 1 new, 4 same")


def test_an_accepted_picture_that_is_replaced(accepted: Project) -> None:
    """Each accepted picture is looked at once, and again when its file is another."""
    path = accepted.folder / "figures" / "plots" / "bars.png"
    picture = path.read_bytes()
    with watch(accepted) as begun:
        begun.until("watching")
        begun.save("figures/plots/bars.png", (path.parent / "rain.png").read_bytes())
        assert "isn't the picture that figbox.lock has" in begun.until("1 changed, 4 same")
        begun.save("figures/plots/bars.png", picture)
        begun.until("5 same")


def test_new_folders_and_replaced_files(accepted: Project) -> None:
    """A new folder is watched, too; a file that an editor replaces with another is one that was saved."""
    with watch(accepted) as begun:
        begun.until("watching")
        begun.save("plots/north/map.py", PLOT)
        begun.until("1 new, 5 same")
        begun.save("plots/north/map.py", PLOT + "plt.plot([4])\n")
        begun.until("1 new, 5 same")
        other = write(accepted.folder / ".map.py.tmp", PLOT + "raise ValueError('no good')\n")
        other.replace(accepted.folder / "plots" / "north" / "map.py")
        begun.until("1 failed, 5 same")


def test_a_broken_configuration_is_waited_out(accepted: Project) -> None:
    """A configuration that can't be read is told once, and its next save is tried; what it changes is drawn."""
    text = (accepted.folder / "figbox.toml").read_text()
    with watch(accepted) as begun:
        begun.until("watching")
        begun.save("figbox.toml", "[check")
        begun.until("figbox.toml can't be read")
        begun.save("plots/bars.py", PLOT)
        begun.save("figbox.toml", f"{text}[check.options]\ndpi = 50\n")
        said = begun.until("5 changed")
        assert "can't be read" not in said
        assert "changed          plots/two-2 (changed: options)" in said


def test_a_failing_service_is_waited_for(accepted: Project) -> None:
    """It is asked again by itself, and told of once; a key that it doesn't accept ends the watch."""
    service = accepted.service
    with watch(accepted, "--patience", "0") as begun:
        begun.until("watching")
        service.canned.append(Canned(503, problem(503, "no"), {"Retry-After": "0"}))
        begun.save("plots/bars.py", PLOT)
        begun.until("1 not run, 4 same")
        begun.until("1 changed, 4 same")
        accepts = service._authenticate
        failing = Canned(503, problem(503, "being restarted"), {"Retry-After": "0"}).response
        refused: list[object] = []

        def refuse(request: web.Request) -> web.Response | None:
            refused.append(request)
            return failing()

        service._authenticate = refuse  # type: ignore[method-assign]
        begun.save("plots/bars.py", PLOT + "plt.plot([7])\n")
        assert "waiting for the service" in begun.until("being restarted")
        wait_until(lambda: len(refused) > 1)
        service._authenticate = accepts  # type: ignore[method-assign]
        said = begun.until("1 changed, 4 same")
        assert "being restarted" not in said
        service._authenticate = lambda _: Canned(401, problem(401, "Unauthorized")).response()  # type: ignore[method-assign]
        begun.save("plots/bars.py", PLOT + "plt.plot([8])\n")
        begun.until("doesn't accept the key")
        assert begun.process.wait(slowed(30)) == 3


def test_a_git_state_can_be_compared_with(project: Project) -> None:
    """With --base, both halves are remembered, and what the base is is said once."""
    with watch(project, "--base", "HEAD") as begun:
        assert "compared with HEAD" in begun.until("watching")
        begun.save("plots/bars.py", PLOT)
        begun.until("1 changed, 3 same")
        assert project.drawn() == 2
        begun.save("plots/rain.csv", "1,3\n")
        assert "compared with" not in begun.until("2 changed, 2 same")
        assert project.drawn() == 4


@pytest.mark.parametrize("arguments", [["--json"], ["--summary", "a.md"], ["--junit", "a.xml"], ["--exit-zero"]])
def test_options_for_a_check_that_ends(project: Project, arguments: list[str]) -> None:
    """What is written once, or is about the exit status, is refused in a sentence, before paths are looked at."""
    done = project.check("--watch", "plots/none.py", *arguments)
    assert (done.status, project.drawn()) == (2, 0)
    assert f"{arguments[0]} is for a check that ends, and --watch goes on" in done.stderr


def test_without_the_extra(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "watchfiles" else found(name))
    done = project.check("--watch", "plots/none.py")
    assert done.status == 2
    assert "--watch needs watchfiles: pip install '.[ci]'" in done.stderr


def test_wrong_from_the_beginning(project: Project) -> None:
    """What an ordinary check refuses at once, a watch does, too."""
    assert project.check("--watch", "plots/none.py").status == 2
    project.write("figbox.toml", "[check")
    done = project.check("--watch")
    assert done.status == 2
    assert "can't be read" in done.stderr


def test_folders_that_are_watched(workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with sources, their data and accepted pictures; no link is followed, and no cache is among them."""
    for name in (".git/x", ".venv/x", "env/pyvenv.cfg", "node_modules/x", ".figbox-check/x", "other/x", "plots/a/b/x"):
        write(workplace / name, "")
    write(workplace / "figbox.toml", '[check]\ninclude = ["plots/*.py"]\ndata = ["shared/*.csv"]\n')
    write(workplace / "shared" / "x.csv", "")
    write(workplace / "figures" / "plots" / "x.png", "")
    write(tmp_path / "outside" / "deep" / "x", "")
    (workplace / "plots" / "link").symlink_to(tmp_path / "outside")
    config = find_config(workplace)
    found = {folder.relative_to(config.root).as_posix() for folder in watched_folders(config, ())}
    assert found == {".", "plots", "plots/a", "plots/a/b", "shared", "figures", "figures/plots"}
    everything = {folder.relative_to(config.root).as_posix() for folder in watched_folders(config, ["."])}
    assert everything == found | {"other"}
    monkeypatch.setattr(module, "FOLDERS_LIMIT", 3)
    with pytest.raises(CheckError, match="more than 3 folders to watch: name what to check"):
        watched_folders(config, ["."])


@pytest.mark.parametrize(
    ("name", "expected"), [("a.py", True), ("data.csv", True), (".a.py.swp", False), ("a.py~", False), (".git", False)]
)
def test_copies_of_editors_are_nothing_that_is_saved(name: str, expected: bool) -> None:  # noqa: FBT001
    """Hidden files and backups aren't sent, so they change nothing."""
    assert matters(f"/x/{name}") is expected
