"""Fixtures that several kinds of tests share."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loguru import logger

from gateway.logs import configure_logging
from gateway.settings import Settings
from gateway.settings_table import FIELDS
from tests.fakes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


HERE = Path(__file__).parent

#: Files whose tests run, for the most part, on engines of their own: no hindrance to those on the engine in use.
ON_ENGINES_OF_THEIR_OWN = frozenset(
    {
        "chaos/test_chaos.py",
        "engine/test_benchmark.py",
        "engine/test_clean.py",
        "engine/test_faults.py",
        "engine/test_gvisor.py",
        "engine/test_selftest.py",
        "engine/test_setup.py",
        "engine/test_taken_over_gateway.py",
        "exploits/test_gvisor.py",
        "runtimes/test_runtimes.py",
    }
)


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in this hook, too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests may run at once, for runs in several processes.

    Those on one engine come one after the other, as do those that start engines; of the others each file is for itself.
    """
    for item in items:
        file = item.path.relative_to(HERE).as_posix()
        if item.get_closest_marker("engine") is None:
            group = file
        else:
            group = "other engines" if file in ON_ENGINES_OF_THEIR_OWN else "the engine in use"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting comes from the environment of whoever runs the tests."""
    for field in FIELDS.values():
        monkeypatch.delenv(str(field.alias), raising=False)


@pytest.fixture
def make_settings(clean_environment: None) -> Callable[..., Settings]:
    """Settings with the key of the tests and the defaults, but for what is given by field name."""
    return lambda **values: Settings(**{"_env_file": None, "api_key": KEY, **values})


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, as the production's JSON lines."""
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
