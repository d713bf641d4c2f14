"""Code that reads hostile bytes keeps its promises for every seed, and for all that a fuzzer tries in a short time."""

from __future__ import annotations

import importlib.util
import time
from typing import TYPE_CHECKING

import pytest

from tests.conftest import kept_logging
from tests.fuzz import edge
from tests.fuzz.__main__ import CORPUS_LIMIT, fuzz
from tests.fuzz.budget import TRIES, TooExpensive, budgeted
from tests.fuzz.corpus import corpus_file, read_corpus
from tests.fuzz.targets import TARGETS
from tests.support.machine import slowness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Seconds for each target; `make fuzz` has more.
SECONDS = 1

#: Processor seconds that an input may take where the budget itself is tried.
BURNT_S = 0.02

needs_fuzzer = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="there is no build of Atheris for this Python and processor"
)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Let the gateway in this process log where its fuzzer reads; restore logging afterwards."""
    with kept_logging():
        yield
        edge.close()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_corpus_hold(name: str, own_logging: None, clean_environment: None) -> None:
    """No seed and no input of the corpus is a finding."""
    for data in (*TARGETS[name].seeds(), *read_corpus(name)):
        TARGETS[name].find_run()(data)


def test_corpus_is_small_and_belongs_to_targets() -> None:
    """The corpus is small, and each of its files belongs to a target."""
    files = list(corpus_file("x").parent.glob("*"))
    assert files
    assert {file.stem for file in files} <= set(TARGETS)
    assert all(file.stat().st_size <= CORPUS_LIMIT for file in files)


@needs_fuzzer
@pytest.mark.parametrize("name", TARGETS)
def test_fuzzer_finds_nothing(name: str, tmp_path: Path) -> None:
    """A short run that begins with them finds nothing either."""
    assert fuzz(name, SECONDS, tmp_path, quiet=True) == 0
    assert list(tmp_path.iterdir()) == []


@needs_fuzzer
def test_fuzzer_finds_what_is_there(tmp_path: Path) -> None:
    """The fuzzer is guided by the code's branches: it finds a word that can't be guessed, and leaves it in a file."""
    assert fuzz("find-me", 60, tmp_path, quiet=True) != 0
    (finding,) = tmp_path.iterdir()
    assert finding.read_bytes().startswith(b"BOX")


@needs_fuzzer
def test_too_much_processor_time_is_a_finding(tmp_path: Path) -> None:
    """The fuzzer leaves an input in a file that takes more processor time than its length allows."""
    assert fuzz("be-slow", 60, tmp_path, quiet=True) != 0
    (finding,) = tmp_path.iterdir()
    assert finding.name.startswith("be-slow-crash-")
    assert len(finding.read_bytes()) > 1


def test_cost_beyond_the_budget_fails() -> None:
    """A target whose cost grows with the square of the length fails for long inputs, and for no short ones."""

    def burn(data: bytes) -> None:
        end = time.process_time() + slowness() * BURNT_S * (len(data) / 1024) ** 2
        while time.process_time() < end:
            pass

    run = budgeted(burn, BURNT_S)
    run(bytes(512))
    with pytest.raises(TooExpensive, match=r"^4096 bytes take \S+ s of processor time, and may take \S+ s$"):
        run(bytes(4096))


def test_what_is_slow_now_and_then_passes() -> None:
    """An input counts as expensive only if it takes too long each time it is tried."""
    left = [2 * slowness() * BURNT_S] * TRIES

    def burn(_: bytes) -> None:
        end = time.process_time() + (left.pop() if left else 0)
        while time.process_time() < end:
            pass

    budgeted(burn, BURNT_S)(b"")
    assert not left
