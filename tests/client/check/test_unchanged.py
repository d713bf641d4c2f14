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


def test_project_without_a_lock_is_checked(project: Project) -> None:
    """What was never accepted is new."""
    assert project.check(SKIP).status == 1


@pytest.mark.parametrize("option", ["--all", "--json", "--base=HEAD", "--junit=x.xml", "--summary=x.md"])
def test_reports_are_of_a_check(accepted: Project, option: str) -> None:
    """Who wants a report, a git state or all figures drawn gets that."""
    asked = len(accepted.service.asked)
    assert accepted.check(SKIP, option).status == 0
    assert len(accepted.service.asked) > asked


def test_broken_project_is_told(accepted: Project) -> None:
    """A mistake in the configuration is one with this option, too."""
    accepted.write("figbox.toml", "[check]\ninclud = []\n")
    assert "did you mean 'include'" in accepted.check(SKIP).stderr
