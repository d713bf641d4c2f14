"""A browser, and the report of a real check against a real service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.project import AFTER, BEFORE
from tests.client.check.conftest import git
from tests.client.check.stored import Stored
from tests.client.conftest import write
from tests.fakes import KEY
from tests.support.browser import opened, running_browser
from tests.support.command import command_folder, environment, run_shell
from tests.support.live import live_gateway

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.support.browser import Opened

    Open = Callable[..., contextlib.AbstractContextManager[Opened]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run Chromium. Its driver keeps an event loop running in this thread, so it must end before other tests begin."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of a project of which much has changed since it was accepted."""
    folder = tmp_path_factory.mktemp("project")
    for name, text in BEFORE.items():
        write(folder / name, text)
    git(folder, "init", "-q")
    with live_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        commands = command_folder(tmp_path_factory.mktemp("commands") / "bin")
        variables = environment(commands, FIGBOX_URL=gateway.url, FIGBOX_API_KEY=KEY)
        done = run_shell("figbox check -q || figbox accept", folder, variables)
        assert done.returncode == 0, done.stderr
        git(folder, "add", "--all")
        git(folder, "commit", "-q", "-m", "accept")
        for name, changed in AFTER.items():
            if changed is None:
                (folder / name).unlink()
            else:
                write(folder / name, changed)
        done = run_shell("figbox check --report report.html", folder, variables)
    assert done.returncode == 1, done.stderr
    return folder / "report.html"


@pytest.fixture
def open_report(browser: Browser, report: Path) -> Open:
    """Return a function that opens the report of the real check."""
    return lambda **options: opened(browser, report, **options)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Return a check without figures."""
    return Stored(tmp_path)


@pytest.fixture
def open_stored(browser: Browser, stored: Stored, tmp_path: Path) -> Open:
    """Return a function that opens the report of the stored check."""
    from figbox.cli.check.reports.page.writing import write_page

    def function(*, everything: bool = False, **options: object) -> contextlib.AbstractContextManager[Opened]:
        path = tmp_path / "stored.html"
        write_page(path, stored.checked(), everything=everything)
        return opened(browser, path, **options)

    return function
