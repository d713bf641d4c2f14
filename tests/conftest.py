"""Fixtures that several kinds of tests share."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from loguru import logger

from bootstrap.commands import TRUE_WORDS
from gateway.observability.logs import configure_logging
from gateway.settings import Settings
from tests.fakes import KEY
from tests.support import machine
from tools.settings_table import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """In CI a test that can't run fails: what is not tested must be seen."""
    report = yield
    in_ci = os.environ.get("CI", "").lower() in TRUE_WORDS
    if in_ci and report.skipped and not hasattr(report, "wasxfail") and "machine_bound" not in item.keywords:
        report.outcome = "failed"
        report.longrepr = f"left out, which must not be in CI: {report.longrepr[2].removeprefix('Skipped: ')}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure no coverage of properties: their many examples take twice as long then, and seldom reach new branches."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("no_cover")


def pytest_configure() -> None:
    """Heed Ctrl-C where a shell had it ignored for a job in the background: what tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Say what all deadlines are multiplied by; measured here, before there is other work."""
    return f"slowness of this machine: {machine.slowness():g}"


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment of the person who runs the tests out of the settings."""
    for field in FIELDS.values():
        monkeypatch.delenv(str(field.alias), raising=False)


@pytest.fixture
def make_settings(clean_environment: None) -> Callable[..., Settings]:
    """Return settings with the key of the tests and the defaults, but for what is given by field name."""
    return lambda **values: Settings(**{"_env_file": None, "api_key": KEY, **values})


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return everything that is logged, as JSON lines as in production."""
    stream = io.StringIO()
    with kept_logging():
        configure_logging(debug=False, stream=stream)
        yield stream


@contextlib.contextmanager
def kept_logging() -> Iterator[None]:
    """Put logging back as it was: it is the process's, not the test's."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        logger.remove()
        logger.add(sys.stderr)
        root.handlers[:] = handlers
        root.setLevel(level)
