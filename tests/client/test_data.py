"""Which data files are sent along with a script, and which never are."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figbox.cli.batch.data import COUNT_LIMIT, KiB, files_beside, name_problem, named_files, occurs, read_files
from figbox.cli.batch.scripts import Script
from figbox.cli.exits import ScriptProblem
from tests.client.conftest import write


def beside(path: Path) -> set[str]:
    """Return the names of the files that are sent along with a script."""
    return set(files_beside(Script(path, path.name, PurePosixPath(path.stem)), path.read_text("utf-8")))


@pytest.mark.parametrize("text", ["'data.csv'", '"./data.csv"', "# reads data.csv, says the comment", "'/data.csv'"])
def test_a_name_in_the_text_is_what_counts(workplace: Path, text: str) -> None:
    """The script must contain the name."""
    write(workplace / "data.csv", "1")
    assert beside(write(workplace / "plot.py", text)) == {"data.csv"}


@pytest.mark.parametrize(
    "name", ["more_data.csv", "data.csv.gz", "my-data.csv", "data.csvx", "DATA.CSV", "data.'+'csv"]
)
def test_another_name_in_the_text_does_not_count(workplace: Path, name: str) -> None:
    """The whole name must be there, not as part of a longer one."""
    write(workplace / "data.csv", "1")
    assert beside(write(workplace / "plot.py", f"pd.read_csv('{name}')")) == set()


def test_only_ordinary_files_of_the_scripts_folder_are_sent(workplace: Path) -> None:
    """Other scripts, hidden files, links, files of folders above and the script itself aren't sent."""
    names = ["data.csv", "helper.py", ".env", "sub", "link.csv", "plot.txt", "unmentioned.csv"]
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


#: How scripts name a file in a folder.
IN_A_FOLDER = (
    "pd.read_csv('data/2026/rain.csv')",
    "open(os.path.join('data', '2026', 'rain.csv'))",
    "open(Path(__file__).parent / 'data' / '2026' / 'rain.csv')",
    "DATA = './data'\nYEAR = '2026'\nopen(f'{DATA}/{YEAR}/rain.csv')",
    "os.chdir('data')\nopen('2026/rain.csv')",
    "open(r'data\\2026\\rain.csv')",
)


@pytest.mark.parametrize("text", IN_A_FOLDER)
def test_a_file_in_a_folder_is_sent_with_its_folder(workplace: Path, text: str) -> None:
    """A file below the script's folder is sent under its path if the text has its name and its folders' names."""
    for name in ("data/2026/rain.csv", "data/2025/rain.csv", "other/2026/rain.csv", "data/2026/snow.csv", "rain.csv"):
        write(workplace / name, "1")
    assert beside(write(workplace / "plot.py", text)) == {"data/2026/rain.csv", "rain.csv"}


def test_folders_that_are_no_places_for_data_are_passed_over(workplace: Path) -> None:
    """Hidden folders, caches, virtual environments, and links to folders aren't entered."""
    for folder in (".git", "__pycache__", "node_modules", "env", "elsewhere"):
        write(workplace / folder / "a.csv", "1")
    write(workplace / "env" / "pyvenv.cfg", "")
    (workplace / "link").symlink_to(workplace / "elsewhere")
    names = "'.git/a.csv' '__pycache__/a.csv' 'node_modules/a.csv' 'env/a.csv' 'link/a.csv'"
    assert beside(write(workplace / "plot.py", names)) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import lib.colours", {"lib/__init__.py", "lib/colours.py", "lib/palette.json", "lib/deep/__init__.py"}),
        ("from lib import colours", {"lib/__init__.py", "lib/colours.py", "lib/palette.json", "lib/deep/__init__.py"}),
        ("import lib", {"lib/__init__.py"}),
        ("from lib.deep import more", {"lib/__init__.py", "lib/deep/__init__.py", "lib/deep/more.py", "lib/two.py"}),
        ("import space.part", {"space/part.py"}),
        ("import space", set()),
        ("import colours", set()),
        ("plt.style.use('styles/mine.mplstyle')", {"styles/mine.mplstyle"}),
    ],
)
def test_imported_packages_are_sent_with_what_they_need(workplace: Path, text: str, found: set[str]) -> None:
    """A package is sent module by module, as they are imported, with the files that its modules name."""
    write(workplace / "lib" / "__init__.py", "")
    write(workplace / "lib" / "colours.py", "from . import deep\nopen(HERE / 'palette.json')")
    write(workplace / "lib" / "palette.json", "{}")
    write(workplace / "lib" / "two.py", "")
    write(workplace / "lib" / "unused.py", "")
    write(workplace / "lib" / "deep" / "__init__.py", "from ... import outside")
    write(workplace / "lib" / "deep" / "more.py", "from ..two import x")
    write(workplace / "space" / "part.py", "import space.part")
    write(workplace / "styles" / "mine.mplstyle", "")
    assert beside(write(workplace / "script.py", text)) == found


def test_parameters_beside_the_script_are_sent(workplace: Path) -> None:
    """A matplotlibrc counts in a direct run though no script names it; one in a folder doesn't."""
    write(workplace / "sub" / "matplotlibrc", "")
    script = write(workplace / "plot.py", "plt.plot([1])")
    assert beside(script) == set()
    write(workplace / "matplotlibrc", "axes.grid: True")
    assert beside(script) == {"matplotlibrc"}


def test_a_named_folder_keeps_its_name(workplace: Path) -> None:
    """`--data` takes a folder with all that isn't hidden below it."""
    for name in ("far/data/a.csv", "far/data/2026/b.csv", "far/data/.env", "far/data/.git/c"):
        write(workplace / name, "1")
    found = {"data/a.csv": Path("far/data/a.csv"), "data/2026/b.csv": Path("far/data/2026/b.csv")}
    assert named_files(["far/data"]) == named_files(["far/data/"]) == found
    with pytest.raises(click.UsageError, match="no such file: far/data/none"):
        named_files(["far/data/none"])


def test_a_folder_whose_name_looks_like_a_pattern(workplace: Path) -> None:
    """Only what is named is a pattern, not the folder that it is relative to."""
    root = workplace / "plots [2026]"
    write(root / "shared" / "a.csv", "1")
    assert named_files(["shared/*.csv"], root) == {"a.csv": root / "shared" / "a.csv"}


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


@pytest.mark.parametrize("name", ["a.csv", "größe 2.csv", "x" * 128, "a/b", "data/plot.py", "売上\u3000表.csv"])
def test_names_that_the_service_takes_are_sent(name: str) -> None:
    """Names that the contract allows are accepted."""
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "x" * 129,
            "ä" * 128,
            "",
            ".a",
            "..",
            "a//b",
            "/a",
            "a/",
            "a/../b",
            "a/" * 8 + "b",
            "a/" + "x" * 129,
            "a\\b",
            "a\nb",
            "a\0b",
            "\ud800",
        ),
        *("plot.py", "Plot.py", "plot.py/a", "nul.txt", "nul/a", "a.", "a "),
    ],
)
def test_names_that_the_service_refuses_are_refused(name: str) -> None:
    """Other names have a problem before anything is sent."""
    assert name_problem(name) is not None


@pytest.mark.parametrize(
    ("sizes_kib", "limit_kib", "message"),
    [
        ({"large.bin": 3072}, 2048, r"large\.bin has 3\.0 MiB, and the limit for a script is 2\.0 MiB"),
        ({"a": 400, "b": 700, "c": 1}, 1024, r"more than 1\.0 MiB together; the largest is b with 0\.7 MiB"),
        ({str(number): 0 for number in range(65)}, 1024, "it needs 65 data files, and at most 64 can be sent"),
        ({"gone.csv": None}, 1024, r"data file gone\.csv can't be read: No such file"),
    ],
)
def test_files_that_cannot_be_sent_are_named(
    workplace: Path, sizes_kib: dict[str, int | None], limit_kib: int, message: str
) -> None:
    """The error has the file, its size and the limit, or the largest of many, or how many there are."""
    for name, size in sizes_kib.items():
        if size is not None:
            write(Path(name), bytes(size * KiB))
    with pytest.raises(ScriptProblem, match=message):
        read_files({name: Path(name) for name in sizes_kib}, limit_kib * KiB)


def test_files_up_to_the_limits_are_read(workplace: Path) -> None:
    """As many files as the service takes, as large as it takes them, are read."""
    paths = {f"{number}.csv": write(workplace / f"{number}.csv", bytes(KiB)) for number in range(COUNT_LIMIT)}
    assert read_files(paths, COUNT_LIMIT * KiB) == dict.fromkeys(paths, bytes(KiB))
