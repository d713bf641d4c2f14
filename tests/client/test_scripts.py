"""Which scripts a path means, and the names of their pictures."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import click
import pytest

from figbox.cli.batch.scripts import Script, find_scripts, read_script
from figbox.cli.exits import ScriptProblem
from tests.client.conftest import write


def stems(*paths: str, exclude: tuple[str, ...] = (), output: str | None = "out") -> dict[str, str]:
    """Return name and stem of every script found."""
    folder = Path(output) if output is not None else None
    return {script.shown: str(script.stem) for script in find_scripts(paths, exclude=exclude, output=folder)}


@pytest.fixture
def plots(workplace: Path) -> Path:
    """Make a folder with scripts and other files."""
    for name in (
        *("plots/a.py", "plots/sub/b.py", "plots/sub/deep/c.d.py", "plots/.hidden.py", "plots/.git/hook.py"),
        *("plots/__pycache__/a.py", "plots/__init__.py", "plots/node_modules/x.py", "plots/venv/lib/site.py"),
        *("plots/venv/pyvenv.cfg", "plots/notes.txt", "plots/out/a.files/evil.py", "other/a.py"),
    ):
        write(workplace / name, "")
    (workplace / "plots" / "link.py").symlink_to(workplace / "other" / "a.py")
    (workplace / "plots" / "linked").symlink_to(workplace / "other")
    return workplace / "plots"


def test_folder_gives_every_script_below_it_in_order(plots: Path) -> None:
    """Hidden names, caches, virtual environments, links and the output folder are skipped; the layout is kept."""
    assert stems("plots", output="plots/out") == {
        "plots/a.py": "a",
        "plots/sub/b.py": "sub/b",
        "plots/sub/deep/c.d.py": "sub/deep/c.d",
    }
    assert list(stems("plots", output="plots/out")) == sorted(stems("plots", output="plots/out"))


def test_file_gives_itself_whatever_its_name(plots: Path) -> None:
    """A hidden file, a link or a text file can be named."""
    assert stems("plots/.hidden.py", "plots/link.py", "plots/notes.txt", "plots/sub/b.py") == {
        "plots/.hidden.py": ".hidden",
        "plots/link.py": "link",
        "plots/notes.txt": "notes",
        "plots/sub/b.py": "b",
    }


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("plots/*.py", {"plots/a.py": "a"}),
        ("plots/sub/*.py", {"plots/sub/b.py": "b"}),
        ("plots/s*/*.py", {"plots/sub/b.py": "sub/b"}),
        ("plots/sub/**/*.py", {"plots/sub/b.py": "b", "plots/sub/deep/c.d.py": "deep/c.d"}),
        ("*/a.py", {"other/a.py": "other/a", "plots/a.py": "plots/a"}),
        ("plots/sub/?.py", {"plots/sub/b.py": "b"}),
    ],
)
def test_pattern_gives_what_it_matches(plots: Path, pattern: str, found: dict[str, str]) -> None:
    """A pattern that the shell left alone keeps the layout below its fixed part."""
    assert stems(pattern) == found


def test_file_with_wildcards_in_its_name_is_a_file(workplace: Path) -> None:
    """An existing name isn't a pattern."""
    write(workplace / "a[1].py", "")
    assert stems("a[1].py") == {"a[1].py": "a[1]"}


def test_script_named_twice_is_rendered_once(plots: Path) -> None:
    """A folder and a file in it don't give the same picture twice."""
    assert stems("plots/a.py", "plots", output="plots/out") == stems("plots", output="plots/out")


def test_two_scripts_of_one_name_are_refused(plots: Path) -> None:
    """They would overwrite each other's picture; the error names both, and a solution."""
    with pytest.raises(click.UsageError, match=r"plots/a\.py and other/a\.py would both give a: name the folder above"):
        stems("plots/a.py", "other/a.py")


@pytest.mark.parametrize("pattern", ["sub/*", "*/b.py", "b.py"])
def test_excluded_scripts_are_left_out(plots: Path, pattern: str) -> None:
    """A pattern matches the path below the folder, or the name."""
    assert "plots/sub/b.py" not in stems("plots", exclude=(pattern,))
    assert "plots/a.py" in stems("plots", exclude=(pattern,))


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["missing.py"], "no such file or folder: missing.py"),
        (["empty"], "no scripts in empty"),
        (["empty/*.py"], r"no scripts in empty/\*\.py"),
        (["plots/a.py", "missing"], "no such file or folder: missing"),
    ],
)
def test_path_without_scripts_is_an_error(plots: Path, paths: list[str], message: str) -> None:
    """A mistyped path isn't skipped."""
    (plots.parent / "empty").mkdir()
    with pytest.raises(click.UsageError, match=message):
        stems(*paths)


def test_nothing_left_is_an_error(plots: Path) -> None:
    """Excluding everything is a mistake."""
    with pytest.raises(click.UsageError, match="every script is excluded"):
        stems("plots", exclude=("*",))


def test_standard_input_is_a_script(workplace: Path) -> None:
    """Its pictures have a name, too."""
    assert find_scripts(["-"], exclude=(), output=None) == [Script(None, "<stdin>", PurePosixPath("stdin"))]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("print('é')".encode(), "print('é')"),
        (b"\xef\xbb\xbfprint(1)", "print(1)"),
        ("# coding: latin-1\nprint('é')".encode("latin-1"), "# coding: latin-1\nprint('é')"),
        (b"a = 1\r\nb = 2\r\n", "a = 1\r\nb = 2\r\n"),
    ],
)
def test_source_is_decoded_as_python_would(workplace: Path, source: bytes, text: str) -> None:
    """Coding lines and byte order marks count."""
    path = write(workplace / "a.py", source)
    assert read_script(Script(path, "a.py", PurePosixPath("a"))) == text


@pytest.mark.parametrize("source", [b"\xff", b"# coding: nonsense\n", b"# coding: rot13\n"])
def test_invalid_source_is_the_scripts_problem(workplace: Path, source: bytes) -> None:
    """A file that isn't Python source doesn't end the run."""
    path = write(workplace / "a.py", source)
    with pytest.raises(ScriptProblem, match="is not Python source"):
        read_script(Script(path, "a.py", PurePosixPath("a")))


def test_missing_script_is_the_scripts_problem(workplace: Path) -> None:
    """A file that was deleted since it was found doesn't end the run."""
    with pytest.raises(ScriptProblem, match="can't be read: No such file"):
        read_script(Script(workplace / "a.py", "a.py", PurePosixPath("a")))
