"""Patterns match what `glob` says, whatever links and folders there are."""

from __future__ import annotations

import glob
from pathlib import Path

import click
import pytest

from figbox.cli.batch.data import named_files
from figbox.cli.batch.patterns import files_matching, fits
from figbox.cli.batch.scripts import is_passed_over
from tests.client.conftest import write

FILES = ("a.py", "b.md", "x/a.py", "x/y/a.py", "x/y/z/b.py", "y/x/a.py", "[x]/a.py")

PATTERNS = (
    *("*.py", "*/*.py", "*/a.py", "**/*.py", "**/a.py", "x/**/*.py", "x/**", "**", "**/**/a.py", "**/x/**/a.py"),
    *("?/y/*.py", "x/[yz]/a.py", "[[]x]/*.py", "n*/a.py", "x/*/z/*", "*/**/b.py", "X/*.py"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files."""
    for name in FILES:
        write(tmp_path / name, "")
    return tmp_path


@pytest.mark.parametrize("pattern", PATTERNS)
def test_as_glob(folder: Path, pattern: str) -> None:
    """The same files, in the same order, each once."""
    names = sorted(set(glob.glob(pattern, root_dir=folder, recursive=True)))  # noqa: PTH207 - is compared
    assert files_matching(folder, Path(pattern), is_passed_over) == [
        folder / name for name in names if (folder / name).is_file()
    ]


def test_links_are_not_followed(folder: Path) -> None:
    """Two links to their own folder would be 2^40 paths, of which the system allows 40 steps."""
    for name in ("one", "two"):
        (folder / "x" / name).symlink_to(".")
    (folder / "link.py").symlink_to("a.py")
    found = files_matching(folder, Path("**/*.py"), is_passed_over)
    assert found == sorted((folder / name for name in FILES if name.endswith(".py")), key=str)


def test_data_behind_links(workplace: Path) -> None:
    """Neither are links followed for data files, each of whose wildcards is one folder."""
    write(workplace / "x" / "rain.csv", "1")
    for name in ("one", "two"):
        (workplace / "x" / name).symlink_to(".")
    assert named_files(["*/*.csv"]) == named_files(["**/*.csv"]) == {"rain.csv": Path("x/rain.csv")}
    with pytest.raises(click.UsageError, match="no such file"):
        named_files(["*/" * 35 + "*.csv"])


def test_many_wildcards(tmp_path: Path) -> None:
    """Many `**` in a deep folder take no longer than one."""
    deep = tmp_path.joinpath(*["a"] * 60)
    write(deep / "a.py", "")
    pattern = Path("**/" + "a/**/" * 20 + "a.py")
    assert files_matching(tmp_path, pattern, is_passed_over) == [deep / "a.py"]
    assert not fits(["a"] * 60, (*pattern.parts[:-1], "b.py"), or_below=True)
    assert fits(["a"] * 60, pattern.parts[:-1], or_below=True)
