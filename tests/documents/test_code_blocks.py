"""Commands and programs of the pages work as they stand, on a live gateway, and leave what they say."""

from __future__ import annotations

import json
import shlex
import shutil
import zipfile
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.documents.pages import CLIENT, RECIPES, RUN_PAGES, blocks, commands, commands_to_run
from tests.fakes import KEY

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.documents.conftest import Reader

pytestmark = pytest.mark.engine

#: How programs are run, by the language of their block.
LANGUAGES = {"python": ("program.py", "python program.py"), "javascript": ("program.mjs", "node program.mjs")}

PROGRAMS = {
    f"{page.name}-{language}-{number}": (language, source)
    for page in RUN_PAGES
    for language in LANGUAGES
    for number, source in enumerate(blocks(page, language))
}

#: Programs whose code is made to fail: what to break in each, and what it then prints.
BROKEN = [
    ("api.md-python-1", "plt.legend()", "500 program_error Traceback"),
    ("recipes.md-python-1", "plt.plot([1, 3, 2])", "422 program_error Traceback"),
    ("recipes.md-javascript-0", "import pandas as pd", "422 program_error"),
]


def outputs(line: str) -> list[str]:
    """Return the files and folders that a command writes, as it says."""
    words = shlex.split(line)
    return [name for word, name in pairwise(words) if word in {"-o", ">"} and name != "-"]


def assert_fits(path: Path) -> None:
    """Check that a file has the format that its name says; in a folder, check that there are files, and check each."""
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.is_file()]
        assert found, path
        for file in found:
            assert_fits(file)
    elif path.suffix == ".png":
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.convert("L").getextrema()[0] < 255
    elif path.suffix == ".json":
        assert json.loads(path.read_text())
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            assert {"figure-1.png", "figure-2.svg", "manifest.json"} <= set(archive.namelist())
    else:
        assert path.read_bytes().startswith({".svg": b"<?xml", ".pdf": b"%PDF"}[path.suffix])


def run_program(reader: Reader, language: str, source: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program of a page with the key in its environment."""
    name, call = LANGUAGES[language]
    if shutil.which(call.split()[0]) is None:
        pytest.skip(f"there is no {call.split()[0]} on this host")
    reader.write(name, source)
    return reader.run(call, status, API_KEY=KEY, FIGBOX_API_KEY=KEY)


@pytest.mark.parametrize("page", RUN_PAGES, ids=lambda path: path.name)
def test_commands(page: Path, reader: Reader) -> None:
    """All commands of a page, one after the other in one shell, each with its outputs."""
    lines = commands_to_run(page)
    assert lines
    reader.run("\n".join(lines))
    for line in lines:
        for name in outputs(line):
            assert_fits(reader.folder / name)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, reader: Reader) -> None:
    """A program ends well, and every file that it writes is what its name says; without one, it prints something."""
    language, source = PROGRAMS[name]
    before = {*reader.folder.iterdir(), reader.folder / LANGUAGES[language][0]}
    done = run_program(reader, language, source)
    assert done.stderr == ""
    written = set(reader.folder.iterdir()) - before
    assert written or done.stdout
    for path in written:
        assert_fits(path)


@pytest.mark.parametrize(("name", "breaks", "said"), BROKEN)
def test_programs_tell_a_failure(name: str, breaks: str, said: str, reader: Reader) -> None:
    """Where a program handles failures of the code, it reports them."""
    language, source = PROGRAMS[name]
    assert breaks in source
    done = run_program(reader, language, source.replace(breaks, "1 / 0"), status=0 if said.startswith("500") else 1)
    assert said in done.stdout + done.stderr


def test_curl_tells_a_failure(reader: Reader) -> None:
    """As docs/recipes.md says: exit status 22, and the reason in the file."""
    reader.write("plot.py", "raise ValueError('no')\n")
    (line,) = [line for line in commands(RECIPES) if "@plot.py -o plot.png" in line]
    reader.run(line, status=22, FIGBOX_API_KEY=KEY)
    assert json.loads((reader.folder / "plot.png").read_text())["outcome"] == "program_error"


def test_data_files_are_found(reader: Reader) -> None:
    """As docs/client.md says: what a script names or imports is sent with it."""
    (line,) = [line for line in commands(CLIENT) if line.endswith("figures --json > report.json")]
    reader.run(line, FIGBOX_API_KEY=KEY)
    scripts = json.loads((reader.folder / "report.json").read_text())["scripts"]
    (data,) = [script["data"] for script in scripts if script["script"] == "plots/north/map.py"]
    assert data == ["house_style.py", "rain.csv"]


def test_settings_of_the_client(reader: Reader) -> None:
    """With the table for `pyproject.toml` in docs/client.md, `figbox render plots` is enough."""
    (table,) = blocks(CLIENT, "toml")
    reader.write("pyproject.toml", table)
    done = reader.run("unset FIGBOX_URL\nfigbox render plots", FIGBOX_API_KEY=KEY)
    assert f"service: {reader.url} (from pyproject.toml)" in done.stderr
    figures = reader.folder / "figures"
    assert (figures / "north" / "map.svg").exists()
    assert not (figures / "drafts").exists()
    with Image.open(figures / "sales.png") as picture:
        assert picture.size == (960, 720)


def test_failure_of_a_script(reader: Reader) -> None:
    """The output for a failing script is what docs/client.md shows, word for word except for the times."""
    (shown,) = blocks(CLIENT, "text")
    source = "import pandas as pd\n\n\nframe = pd.DataFrame({'day': [1]})\n\n\nplt.plot(frame[\"rain\"])\n"
    reader.write("plots/north/map.py", source)
    line = "figbox render plots/sales.py plots/north/map.py -o figures"
    done = reader.run(line, status=1, FIGBOX_API_KEY=KEY)
    for expected in shown.splitlines():
        beginning = expected.rpartition(" (")[0] if expected.startswith("ok") else expected
        assert beginning.partition(" in ")[0] in done.stderr, done.stderr
