"""Files beside the program: what it finds, what it saves, and what is told of it where only a picture comes back."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.runner import size_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runner import Reply

NO_FIGURE = "No figure is open at the end of the code: it drew none, or closed what it drew."
REPORT = """
from matplotlib.backends.backend_pdf import PdfPages
with PdfPages("report.pdf") as pdf:
    for number in range(3):
        plt.figure(); plt.plot([number, 1]); pdf.savefig(); plt.close()
"""

#: Programs that save files, by the outcome, with the files.
SAVING = [
    ("import os; os.makedirs('a/b'); plt.plot([1]); plt.savefig('a/b/c.png'); plt.close()", "no_figure", {"a/b/c.png"}),
    (REPORT, "no_figure", {"report.pdf"}),
    ("from PIL import Image; Image.new('RGB', (9, 9)).save('drawn.png')", "no_figure", {"drawn.png"}),
    ("open('t.csv', 'w').write('1'); open('r.html', 'w').write('<p>')", "no_figure", {"t.csv", "r.html"}),
    ("import os; os.mkdir('d'); os.chdir('d'); open('t.csv', 'w').write('1')", "no_figure", {"d/t.csv"}),
    ("import sys; open('t.csv', 'w').write('1'); sys.exit()", "no_figure", {"t.csv"}),
    ("import sys; open('t.csv', 'w').write('1'); sys.exit(3)", "program_error", {"t.csv"}),
    ("import sys; open('t.csv', 'w').write('1'); plt.plot([1]); sys.exit('no')", "program_error", {"t.csv"}),
    ("open('t.csv', 'w').write('1'); raise KeyboardInterrupt", "program_error", {"t.csv"}),
    ("plt.savefig('half.png'); 1 / 0", "program_error", {"half.png"}),
    ("plt.title(r'$\\frac$'); open('t.csv', 'w').write('1')", "program_error", {"t.csv"}),
    ("f = open('t.csv', 'w'); f.write('1'); 1 / 0", "program_error", {"t.csv"}),
]


@pytest.mark.parametrize(("code", "outcome", "files"), SAVING)
def test_what_is_saved_comes_back(collect: Callable[..., Reply], code: str, outcome: str, files: set[str]) -> None:
    """Without a figure, after an error and after an exit the files come back, none of them empty."""
    reply = collect(code)
    assert (reply.end["outcome"], set(reply.files)) == (outcome, files)
    assert all(reply.files.values())


def test_packed_files_are_whole(collect: Callable[..., Reply]) -> None:
    """Packed files that the program leaves open are closed, as at the end of a direct run."""
    reply = collect(
        """
import gzip, zipfile
packed = gzip.open("a.csv.gz", "wt"); packed.write("1,2")
archive = zipfile.ZipFile("b.zip", "w"); archive.writestr("c.txt", "3")
plt.plot([1])
"""
    )
    assert gzip.decompress(reply.files["a.csv.gz"]) == b"1,2"
    assert zipfile.ZipFile(io.BytesIO(reply.files["b.zip"])).read("c.txt") == b"3"


def test_files_that_are_too_deep_are_told(collect: Callable[..., Reply]) -> None:
    """A file deeper than any that comes back is told as left out."""
    reply = collect("import os; os.makedirs('d/' * 9); open('d/' * 9 + 'x', 'w').close(); plt.plot([1])")
    assert (reply.files, reply.end) == ({}, {"outcome": "ok", "files_left_out": True})


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (
            "plt.plot([1]); plt.savefig('a.png'); plt.close()",
            NO_FIGURE,
            "It saved a.png, in the sandbox, which is gone. A",
        ),
        (
            "for n in 'abcd': open(n, 'w').close()\n1 / 0",
            "ZeroDivisionError: division by zero\n",
            "It saved a, b, c and 1 more file, in the sandbox, which is gone. To get the files, ",
        ),
        ("import sys; open('a', 'w'); open('b', 'w'); sys.exit(1)", "SystemExit: 1\n", "It saved a and b, in "),
        ("open('a\\nb', 'w').close()", NO_FIGURE, "It saved 1 file, in the sandbox"),
    ],
)
def test_the_old_interface_says_where_files_went(draw: Callable[..., Reply], code: str, said: str, told: str) -> None:
    """Where only a picture comes back, the text ends with what was saved, and what to do to get it."""
    error = draw(code).end["error"]
    first, _, last = error.rpartition("\nIt saved ")
    assert first.endswith(said)
    assert f"It saved {last}".startswith(told)
    assert ("leave a Matplotlib figure open" in last) == (said == NO_FIGURE)
    assert "POST /v1/render" in last


def test_the_old_interface_tells_of_no_files_where_there_are_none(draw: Callable[..., Reply]) -> None:
    """Without files the text is what it was."""
    assert draw("x = 1").end["error"] == NO_FIGURE
    assert draw("1 / 0").end["error"].endswith("ZeroDivisionError: division by zero\n")


def test_the_program_lies_where_it_says(collect: Callable[..., Reply]) -> None:
    """`__file__` can be opened and inspected, and comes back only if the program changes it."""
    code = """
import inspect, os, sys
from pathlib import Path
def f():
    return "ü"
class C:
    def m(self): return 1
source = Path(__file__).read_text("utf-8")
assert source == open(sys.argv[0], encoding="utf-8").read() == open(os.path.realpath(__file__), encoding="utf-8").read()
assert inspect.getsource(f) == 'def f():\\n    return "ü"\\n'
assert inspect.getsource(C) == "class C:\\n    def m(self): return 1\\n"
assert inspect.getsource(C.m) == "    def m(self): return 1\\n"
assert inspect.getsource(sys.modules["__main__"]) == source
assert inspect.getsourcelines(f)[1] == 4
os.makedirs("elsewhere"); os.chdir("elsewhere")
assert inspect.getsource(f).startswith("def f")
assert os.path.dirname(os.path.abspath(__file__)) == os.path.dirname(os.getcwd())
plt.plot([1])
"""
    reply = collect(code)
    assert (reply.end, reply.files) == ({"outcome": "ok"}, {})
    assert set(collect("open(__file__, 'a').write('#'); plt.plot([1])").files) == {"plot.py"}


def test_folders_are_made_for_data(collect: Callable[..., Reply]) -> None:
    """Files in folders lie there; packages can be imported, styles used, and sources shown."""
    module = "from pathlib import Path\nNAME = Path(__file__).with_name('name.txt').read_text()\ndef f(): pass\n"
    files = {
        "data/2026/rain.csv": b"day,mm\n1,3\n2,5\n",
        "data/snow.csv": b"1",
        "styles/mine.mplstyle": b"lines.linewidth: 7\n",
        "lib/__init__.py": b"",
        "lib/colours.py": module.encode(),
        "lib/name.txt": b"teal",
        "space/part.py": b"from lib.colours import NAME\n",
    }
    code = """
import inspect, lib.colours
from space import part
plt.style.use("styles/mine.mplstyle")
assert plt.rcParams["lines.linewidth"] == 7
assert part.NAME == "teal" and inspect.getsource(lib.colours.f) == "def f(): pass\\n"
assert open("data/snow.csv").read() == "1"
plt.plot(*np.loadtxt("data/2026/rain.csv", delimiter=",", skiprows=1).T)
"""
    reply = collect(code, files=files)
    assert reply.end == {"outcome": "ok"}
    assert not set(files) & set(reply.files)


def test_parameters_file_is_obeyed(collect: Callable[..., Reply]) -> None:
    """A matplotlibrc counts as in a direct run: before styles and options, also for going back to it; no backend."""
    files = {"matplotlibrc": b"figure.figsize: 2, 1\naxes.grid: True\nbackend: TkAgg\nno.such.key: 1\n"}
    code = """
import matplotlib
assert plt.rcParams["axes.grid"] and plt.get_backend().lower() == "agg"
matplotlib.rcdefaults()
assert not plt.rcParams["axes.grid"] and plt.rcParams["figure.figsize"] == [6.4, 4.8]
matplotlib.rc_file_defaults()
assert plt.rcParams["axes.grid"] and plt.get_backend().lower() == "agg"
plt.plot([1])
"""
    reply = collect(code, files=files)
    assert reply.end == {"outcome": "ok"}
    assert size_of(reply.png) == (100, 50)
    assert "no.such.key" in reply.stderr
    assert size_of(collect("plt.plot([1])", files=files, width_in=3).png) == (150, 50)
    assert size_of(collect("plt.plot([1])", files=files, rc={"figure.figsize": [1, 3]}).png) == (50, 150)
    assert size_of(collect("plt.plot([1])", files={"sub/matplotlibrc": files["matplotlibrc"]}).png) == (320, 240)


def test_parameters_file_that_cannot_be_read_is_named(collect: Callable[..., Reply]) -> None:
    """One that is no text ends the job, by its name."""
    reply = collect("raise AssertionError", files={"matplotlibrc": b"\xff"})
    assert (reply.end["outcome"], reply.end["fault"]["type"]) == ("program_error", "InvalidOption")
    assert reply.end["error"].startswith("files.matplotlibrc: ")
