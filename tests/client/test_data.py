"""Which data files are sent along with a script, and which never are."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figbox.cli.batch.data import COUNT_LIMIT, KiB, MiB, files_beside, name_problem, named_files, occurs, read_files
from figbox.cli.batch.scripts import Script
from figbox.cli.exits import ScriptProblem
from tests.client.conftest import write


def beside(path: Path) -> set[str]:
    """Return the names of the files that are sent along with a script."""
    return set(files_beside(Script(path, path.name, PurePosixPath(path.stem)), path.read_text("utf-8")))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pd.read_csv('data.csv')", True),
        ('open("./data.csv")', True),
        ("# reads data.csv, says the comment", True),
        ("np.loadtxt(folder + '/data.csv')", True),
        ("pd.read_csv('more_data.csv')", False),
        ("pd.read_csv('data.csv.gz')", False),
        ("pd.read_csv('my-data.csv')", False),
        ("pd.read_csv('data.csvx')", False),
        ("pd.read_csv('DATA.CSV')", False),
        ("pd.read_csv('data.' + 'csv')", False),
    ],
)
def test_a_name_in_the_text_is_what_counts(workplace: Path, text: str, found: bool) -> None:  # noqa: FBT001
    """The script must contain the whole name, not as part of a longer one."""
    write(workplace / "data.csv", "1")
    assert beside(write(workplace / "plot.py", text)) == ({"data.csv"} if found else set())


def test_only_ordinary_files_of_the_scripts_folder_are_sent(workplace: Path) -> None:
    """Other scripts, hidden files, links, files of other folders and the script itself aren't sent."""
    names = ["data.csv", "helper.py", ".env", "sub/deep.csv", "sub", "link.csv", "plot.txt", "unmentioned.csv"]
    for name in ("data.csv", "helper.py", ".env", "sub/deep.csv", "unmentioned.csv", "../secret.csv"):
        write(workplace / name, "1")
    (workplace / "link.csv").symlink_to(workplace.parent / "secret.csv")
    script = write(workplace / "plot.txt", "\n".join([*names[:-1], "../secret.csv"]))
    assert beside(script) == {"data.csv"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import helper", {"helper.py"}),
        ("import numpy, helper as h", {"helper.py"}),
        ("from helper import style", {"helper.py"}),
        ("def f():\n    import helper.sub", {"helper.py"}),
        ("from . import helper", set()),
        ("from .helper import style", set()),
        ("import helpers", set()),
        ("x = '\\d'\nimport helper", {"helper.py"}),
        ("'helper.py'", set()),
        ("import helper\nx = (", set()),
        ("import deep", {"deep.py", "helper.py", "table.csv"}),
    ],
)
def test_imported_modules_are_sent_with_what_they_need(workplace: Path, text: str, found: set[str]) -> None:
    """A module beside the script that it imports is sent, and that module's own modules and data."""
    write(workplace / "helper.py", "style = 1")
    write(workplace / "deep.py", "import helper\nimport deep\nopen('table.csv')")
    write(workplace / "table.csv", "1")
    assert beside(write(workplace / "script.py", text)) == found


def test_name_in_another_unicode_form_is_found(workplace: Path) -> None:
    """A file system's decomposed names are found; the name that is sent is composed."""
    write(workplace / unicodedata.normalize("NFD", "größe.csv"), "1")
    assert beside(write(workplace / "plot.py", "open('größe.csv')")) == {"größe.csv"}


def test_file_that_the_service_would_refuse_is_reported(workplace: Path) -> None:
    """A name that can't be sent fails with the reason."""
    write(workplace / "a\\b.csv", "1")
    with pytest.raises(ScriptProblem, match="can't be sent: its name has characters that aren't allowed"):
        beside(write(workplace / "plot.py", "a\\b.csv"))


@given(st.text(min_size=1, max_size=8), st.text(max_size=20), st.text(max_size=20))
def test_occurrence_is_never_part_of_a_longer_name(name: str, before: str, after: str) -> None:
    """A name only occurs where it isn't part of a longer one."""
    text = before + name + after
    quoted = f"'{name}'"
    assert occurs(name, quoted)
    assert not occurs(name, f"x{name}x")
    if occurs(name, text):
        assert name in text


def test_named_files_go_by_their_own_names(workplace: Path) -> None:
    """`--data` takes files and patterns from anywhere."""
    write(workplace / "shared" / "a.csv", "1")
    write(workplace / "shared" / "b.csv", "2")
    write(workplace / "helper.py", "3")
    found = named_files(["shared/*.csv", "helper.py"])
    assert found == {"a.csv": Path("shared/a.csv"), "b.csv": Path("shared/b.csv"), "helper.py": Path("helper.py")}
    assert named_files(["shared/a.csv", "shared/a.csv"]) == {"a.csv": Path("shared/a.csv")}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["missing.csv"], "--data: no such file: missing.csv"),
        (["*.none"], r"--data: no such file: \*\.none"),
        (["."], r"--data: no such file: \."),
        (["one/a.csv", "two/a.csv"], "one/a.csv and two/a.csv have the same name"),
        ([".env"], "its name begins or ends with a dot or a space"),
        (["one/plot.py"], "its name is the script's name in the sandbox"),
    ],
)
def test_named_file_that_cannot_be_sent_is_a_usage_error(workplace: Path, names: list[str], message: str) -> None:
    """A named file that can't be sent ends the command at once."""
    for name in ("one/a.csv", "two/a.csv", ".env", "one/plot.py"):
        write(workplace / name, "1")
    with pytest.raises(click.UsageError, match=message):
        named_files(names)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("a.csv", True),
        ("größe 2.csv", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        (".a", False),
        ("..", False),
        ("a/b", False),
        ("a\\b", False),
        ("a\nb", False),
        ("a\0b", False),
        ("plot.py", False),
        ("Plot.py", False),
        ("nul.txt", False),
        ("a.", False),
        ("a ", False),
        ("ä" * 128, False),
        ("\ud800", False),
    ],
)
def test_names_are_judged_by_the_contract(name: str, good: bool) -> None:  # noqa: FBT001
    """Names that the service would refuse are refused here."""
    assert (name_problem(name) is None) is good


def test_file_that_is_too_large_is_named(workplace: Path) -> None:
    """The error names the file, its size and the limit."""
    large = write(workplace / "large.bin", bytes(3 * MiB))
    with pytest.raises(ScriptProblem, match=r"large\.bin has 3\.0 MiB, and the limit for a script is 2\.0 MiB"):
        read_files({"large.bin": large}, 2 * MiB)
    assert read_files({"large.bin": large}, 3 * MiB) == {"large.bin": bytes(3 * MiB)}


def test_files_that_are_too_large_together_are_named(workplace: Path) -> None:
    """The error names the largest of them."""
    paths = {name: write(workplace / name, bytes(size * KiB)) for name, size in (("a", 400), ("b", 700), ("c", 1))}
    with pytest.raises(ScriptProblem, match=r"more than 1\.0 MiB together; the largest is b with 0\.7 MiB"):
        read_files(paths, 1 * MiB)


def test_too_many_files_are_counted(workplace: Path) -> None:
    """One more than the service takes is too many."""
    paths = {f"{number}.csv": write(workplace / f"{number}.csv", "1") for number in range(COUNT_LIMIT + 1)}
    with pytest.raises(ScriptProblem, match="it needs 65 data files, and at most 64 can be sent"):
        read_files(paths, MiB)
    paths.popitem()
    assert len(read_files(paths, MiB)) == COUNT_LIMIT


def test_unreadable_file_is_named(workplace: Path) -> None:
    """A missing file is the script's problem."""
    with pytest.raises(ScriptProblem, match=r"data file gone\.csv can't be read: No such file"):
        read_files({"gone.csv": Path("gone.csv")}, MiB)
