"""`--skip-unchanged`: what can be told from the lock is told without a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import PLOT

if TYPE_CHECKING:
    from tests.client.check.conftest import Project

SKIP = "--skip-unchanged"
SAID = "nothing to draw: code, data and options are those of figbox.lock\n"


def test_unchanged_project_needs_no_service(accepted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked, and not even a key is needed; the same for a part of the project."""
    asked = len(accepted.service.asked)
    monkeypatch.delenv("FIGBOX_API_KEY")
    for paths in ((), ("plots",), ("README.md",)):
        done = accepted.check(SKIP, *paths)
        assert (done.status, done.stderr) == (0, SAID)
    assert len(accepted.service.asked) == asked


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plots/bars.py", PLOT),
        ("plots/rain.csv", "3,4\n"),
        ("plots/fresh.py", PLOT),
        ("figbox.toml", '[check]\ninclude = ["plots", "README.md"]\n[check.options]\ndpi = 50\n'),
        ("figures/plots/bars.png", "no picture"),
        ("README.md", "# Sample\n"),
    ],
)
def test_whatever_changed_is_checked(accepted: Project, name: str, text: str) -> None:
    """Code, data, a script more or less, an option and an accepted picture each make it an ordinary check."""
    accepted.write(name, text)
    done = accepted.check(SKIP)
    assert done.status == 1
    assert SAID not in done.stderr


def test_figures_of_tests_are_their_own_affair(accepted: Project) -> None:
    """A lock that also has a figure of a test doesn't make a check necessary, which would leave that one alone."""
    lock = (accepted.folder / "figbox.lock").read_text()
    entry = lock[lock.index("[figure.") :].partition("\n\n")[0]
    name = entry.partition('"')[2].partition('"')[0]
    source = entry.partition('source = "')[2].partition('"')[0]
    of_a_test = entry.replace(f'"{name}"', '"tests/test_x.py/it"').replace(f'"{source}"', '"tests/test_x.py#it"')
    accepted.write("figbox.lock", f"{lock.rstrip()}\n\n{of_a_test.rstrip()}\n")
    assert accepted.check().status == 0
    done = accepted.check(SKIP)
    assert (done.status, done.stderr) == (0, SAID)


def test_project_without_a_lock_is_checked(project: Project) -> None:
    """What was never accepted is new."""
    assert project.check(SKIP).status == 1


@pytest.mark.parametrize(
    "option",
    ["--all", "--json", "--base=HEAD", "--junit=x.xml", "--summary=x.md", "--report=x.html", "--contact-sheet=x.pdf"],
)
def test_reports_are_of_a_check(accepted: Project, option: str) -> None:
    """Who wants a report, a git state or all figures drawn gets that."""
    asked = len(accepted.service.asked)
    assert accepted.check(SKIP, option).status == 0
    assert len(accepted.service.asked) > asked


def test_broken_project_is_told(accepted: Project) -> None:
    """A mistake in the configuration is one with this option, too."""
    accepted.write("figbox.toml", "[check]\ninclud = []\n")
    assert "did you mean 'include'" in accepted.check(SKIP).stderr
