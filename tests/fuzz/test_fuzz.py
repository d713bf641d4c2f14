"""Code that reads hostile bytes keeps its promises for every seed, and for all that a fuzzer tries in a short time."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from tests.conftest import kept_logging
from tests.fuzz import edge
from tests.fuzz.__main__ import CORPUS_LIMIT, fuzz
from tests.fuzz.corpus import corpus_file, read_corpus
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Seconds for each target; `make fuzz` has more.
SECONDS = 1

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
