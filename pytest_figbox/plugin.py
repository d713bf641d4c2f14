"""The hooks. They are all that a run of pytest without such tests pays for; the rest is imported by the first check."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

MARK = "figbox"

#: What the checks of a test found, as they travel from a worker of pytest-xdist to the process that ends the run.
FOUND = pytest.StashKey[list[dict[str, Any]]]()

#: Where they are in a test's report.
IN_REPORT = "figbox"

NOT_CHECKED = (
    "this test is marked `figbox`, but its figures weren't checked: only plain test functions, and methods of classes "
    "that aren't unittest's, can be"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    group = parser.getgroup("figbox", "figures that Figbox checks")
    group.addoption(
        "--figbox-accept", action="store_true", help="accept the figures of the tests that run, as they are drawn now"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell of the marker; where a run ends, keep what its tests found."""
    config.addinivalue_line(
        "markers",
        "figbox(script=None, *, name=None, tolerance=None, **options): check the figures of a script, which the marker "
        "names or the test returns",
    )
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Ending(config), "figbox-ending")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Check the figures of a marked test once it has run."""
    mark = pyfuncitem.get_closest_marker(MARK)
    if mark is None:
        return (yield)
    returned: list[object] = []
    function = pyfuncitem.obj

    @functools.wraps(function)
    def keep(*args: object, **kwargs: object) -> None:
        returned.append(function(*args, **kwargs))

    pyfuncitem.obj = keep
    try:
        result = yield
    finally:
        pyfuncitem.obj = function
    from pytest_figbox import asked  # noqa: PLC0415 - the client is imported by tests that need it

    _check(pyfuncitem, lambda: asked.of_a_mark(mark, returned[0] if returned else None))
    return result


@pytest.fixture
def figbox_check(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a function that checks the figures of a script: `figbox_check(script, name=None, **options)`."""

    def check(script: str | Path, *, name: str | None = None, **options: Any) -> None:
        from pytest_figbox import asked  # noqa: PLC0415 - likewise

        _check(request.node, lambda: asked.Asked(script, name, options))

    return check


def _check(item: pytest.Item, ask: Callable[[], Any]) -> None:
    """Check what is asked for; fail the test with what is to be said."""
    __tracebackhide__ = True
    from pytest_figbox import checking  # noqa: PLC0415 - likewise

    found = item.stash.setdefault(FOUND, [])
    accept = bool(item.config.getoption("figbox_accept"))
    entry, text = checking.check(item, ask, [entry["source"] for entry in found], accept=accept)
    if entry is not None:
        found.append(entry)
    if text:
        pytest.fail(text, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what was found into the report; fail a marked test of which nothing was checked."""
    report = yield
    if call.when == "call":
        found = item.stash.get(FOUND, [])
        if found:
            setattr(report, IN_REPORT, found)
        elif report.passed and item.get_closest_marker(MARK) is not None:
            report.outcome, report.longrepr = "failed", NOT_CHECKED
    return report


class Ending:
    """Ends a run: the one place that writes to the project, whatever processes its tests ran in."""

    def __init__(self, config: pytest.Config) -> None:
        """Take the run's configuration."""
        self._accept = bool(config.getoption("figbox_accept"))
        self._found: list[dict[str, Any]] = []
        self._lines: list[str] = []
        self._failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test found."""
        if report.when == "call":
            self._found += getattr(report, IN_REPORT, [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep the pictures, and accept them if that is wanted."""
        if not self._found:
            return
        from pytest_figbox import ending  # noqa: PLC0415 - likewise

        self._lines, self._failed = ending.end(self._found, accept=self._accept)
        if self._failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what became of the figures, and where the pictures are."""
        if self._lines:
            terminalreporter.section("figures", red=self._failed)
            for line in self._lines:
                terminalreporter.write_line(line)
