"""A real browser, the system's own Chromium, and pages in it that must stay as they are: nothing from elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from bootstrap import debian
from bootstrap.commands import TRUE_WORDS
from bootstrap.steps import Steps
from tests.support.machine import slowed
from tests.support.runtimes import needed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PROGRAM = "chromium"

#: Notes each thing that the page's policy forbids.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""

#: Rules of axe-core: all but those that its authors call experimental.
AXE = {"resultTypes": ["violations"], "preload": False}


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """Run Chromium; in CI, Debian's package is installed where it isn't there. Never one that is downloaded."""
    in_ci = os.environ.get("CI", "").lower() in TRUE_WORDS
    if shutil.which(PROGRAM) is None and in_ci and debian.is_root_debian():
        debian.apt_install(Steps(output=sys.stderr), [PROGRAM], why="opens our reports")
    path = shutil.which(PROGRAM)
    if path is None:
        needed(f"{PROGRAM} isn't here")
    # Root has no sandbox in a container; the pages are ours.
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"], timeout=slowed(60_000))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page that is open, and what went wrong on it."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """Return what its policy has forbidden."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def names(self) -> list[str]:
        """Return the names of the figures that are shown, in their order."""
        found: list[str] = self.page.eval_on_selector_all(
            ".card", "cards => cards.filter((card) => !card.hidden).map((card) => card.dataset.name)"
        )
        return found

    def current(self) -> str | None:
        """Return the name of the figure that the keys have come to."""
        card = self.page.query_selector(".card[aria-current]")
        return card.get_attribute("data-name") if card is not None else None

    def mode(self) -> str:
        """Return how pictures are compared."""
        return str(self.page.evaluate("document.documentElement.dataset.mode"))

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def complaints(self) -> list[str]:
        """Return what axe-core finds wrong with it as it is now."""
        found = Axe().run(self.page, options=AXE)
        return [
            f"{violation['id']}: {node['html'][:200]}"
            for violation in found.response["violations"]
            for node in violation["nodes"]
        ]


@contextlib.contextmanager
def opened(browser: Browser, path: Path, anchor: str = "", **options: Any) -> Iterator[Opened]:
    """Open a file; at the end nothing may have been forbidden, asked for elsewhere, or complained of.

    Args:
        browser: The browser.
        path: The file.
        anchor: Where on the page to begin.
        options: Of a browser's context, such as `color_scheme`, `viewport`, `java_script_enabled`.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(slowed(30_000))
    try:
        page = context.new_page()
        it = Opened(page)
        page.add_init_script(WATCH)
        page.on("console", lambda message: it.said.append(message.text))
        page.on("pageerror", lambda error: it.said.append(str(error)))
        page.on("dialog", lambda dialog: (it.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: it.asked.append(request.url))
        page.goto(path.as_uri() + anchor)
        yield it
        assert it.said == []
        assert [url for url in it.asked if not url.startswith(("data:", path.as_uri()))] == []
        if options.get("java_script_enabled", True):
            assert it.violations() == []
    finally:
        context.close()
