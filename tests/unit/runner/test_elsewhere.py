"""Code that was written for a desktop, a notebook or a chat draws, or is told what it lacks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.machine import slowed
from tests.support.runner import runner_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.runner import Reply


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a function that imports the runner's modules."""
    with runner_modules(tmp_path_factory.mktemp("work")) as found:
        yield found


@pytest.fixture(scope="module")
def pasted(module: Any) -> Any:
    """Return the module that takes out what isn't Python's."""
    return module("elsewhere.pasted")


def compile_plainly(source: str) -> Any:
    """Compile as the runner does."""
    return compile(source, "plot.py", "exec", dont_inherit=True)


def statements(pasted: Any, source: str) -> dict[int, str]:
    """Return the lines that run, by their numbers."""
    lines = pasted.compiled(source, compile_plainly).source.split("\n")
    return {number: line for number, line in enumerate(lines, 1) if line.strip() not in ("", "pass")}


FOR_WINDOWS = [
    *("TkAgg", "tkagg", " TKAGG ", "TkCairo", "Qt5Agg", "QtAgg", "qtcairo", "Qt4Agg", "GTK3Agg", "GTK4Agg", "GTKAgg"),
    *("WXAgg", "wx", "macosx", "MacOSX", "WebAgg", "nbAgg", "notebook", "inline", "widget", "ipympl", "Qt"),
    *("module://matplotlib_inline.backend_inline", "module://ipympl.backend_nbagg", "module://backend_interagg"),
    *("module://ipykernel.pylab.backend_inline", "module://matplotlib.backends.backend_tkagg"),
]
OTHERS = ["agg", "Agg", "svg", "PDF", "ps", "pgf", "cairo", "template", "module://mine", "bogus", "", None, 3]


@pytest.mark.parametrize("name", FOR_WINDOWS)
def test_backends_for_windows_are_known(module: Any, name: str) -> None:
    """Every spelling of a backend that opens windows, browsers or notebooks is one."""
    assert module("elsewhere.windows").is_for_windows(name)


@pytest.mark.parametrize("name", OTHERS)
def test_other_backends_are_not_for_windows(module: Any, name: object) -> None:
    """Backends that write files, and names that mean nothing, are not."""
    assert not module("elsewhere.windows").is_for_windows(name)


PASSED_OVER = """
import os, matplotlib
os.environ["MPLBACKEND"] = "Qt5Agg"
matplotlib.use("TkAgg")
matplotlib.use(backend="nbAgg", force=False)
import matplotlib.pyplot as plt
plt.switch_backend("GTK4Agg")
plt.rcParams["backend"] = "macosx"
matplotlib.rc_context({"backend": "module://ipympl.backend_nbagg"}).__enter__()
assert matplotlib.get_backend() == "agg"
plt.switch_backend("svg")
assert matplotlib.get_backend() == "svg"
matplotlib.use("Agg")
try:
    matplotlib.use("bogus")
except ValueError:
    pass
plt.plot([1, 3, 2])
manager = plt.get_current_fig_manager()
manager.window.showMaximized()
manager.window.state("zoomed")
manager.frame.Maximize(True)
manager.full_screen_toggle()
manager.resize(*manager.window.maxsize())
manager.set_window_title("title")
manager.canvas.manager.window.wm_geometry("+%d+%d" % (manager.window.winfo_screenwidth() / 2, 0))
x, y, width, height = manager.window.geometry().getRect()
plt.gcf().canvas.set_window_title("title")
plt.show()
"""


@pytest.mark.parametrize("collect", [True, False])
def test_windows_are_passed_over(draw: Callable[..., Reply], collect: bool) -> None:  # noqa: FBT001 - parametrised
    """However a backend for windows is asked for, and whatever its window is told, the figure is drawn."""
    reply = draw(PASSED_OVER, collect=collect)
    assert (reply.end, len(reply.pictures)) == ({"outcome": "ok"}, 1), reply


FENCED = "# MUST\nHere's (the code:\n```python\na = 1\n\nb = 2\n```\nIt's good.\n"
SESSION = ">>> a = 1\n>>> a\n1\n>>> for i in range(2):\n...     b = i\n...\n>>> "
CELLS = "In [1]: a = 1\n\nIn [2]: for i in a:\n   ...:     b = i\n   ...: \nOut[2]: 3\n"
MAGICS = (
    "%matplotlib inline\nif True:\n    !pip install x\n    a = 1\ns = '''\n%d\n!x\n'''\nx = ('%d'\n  % 3)\n"
    "np?\n?np.sum\n%time b = 2\npip install y\n%config InlineBackend.figure_format = 'svg'\n"
)
CASES = {
    "fences": (FENCED, {4: "a = 1", 6: "b = 2"}),
    "fences without language": ("```\na = 1\n```", {2: "a = 1"}),
    "tildes": ("~~~py\na = 1\n~~~", {2: "a = 1"}),
    "an open fence": ("```python\na = 1\n", {2: "a = 1"}),
    "a closing fence alone": ("a = 1\n```\n", {1: "a = 1"}),
    "indented fences": ("1. so:\n   ```python\n   if 1:\n       a = 1\n   ```", {3: "if 1:", 4: "    a = 1"}),
    "fences of two languages": (
        "```bash\nls -l\n```\n```python\na = 1\n```\n```py\nb = 2\n```",
        {5: "a = 1", 8: "b = 2"},
    ),
    "fences in one line": ("`a = 1`", {1: "a = 1"}),
    "line ends of Windows": ("```python\r\na = 1\r\n```\r\n", {2: "a = 1\r"}),
    "a session": (SESSION, {1: "a = 1", 2: "a", 4: "for i in range(2):", 5: "    b = i"}),
    "cells": (CELLS, {1: "a = 1", 3: "for i in a:", 4: "    b = i"}),
    "cells of a page": ("In [1]:\na = 1\nb = 2\nOut[1]:\n5\nIn [ ]:\nc = 3", {2: "a = 1", 3: "b = 2", 7: "c = 3"}),
    "a session in fences": ("```pycon\n>>> a = 1\n1\n```", {2: "a = 1"}),
    "a timed cell": ("%%time\na = 1", {2: "a = 1"}),
    "pylab": ("%pylab inline\na = 1", {1: "from pylab import *", 2: "a = 1"}),
    "escaped line ends": ("a = 1\\nb = 'x\\ny'  # it's\\nc = 3\\n", {1: "a = 1", 2: "b = 'x\\ny'  # it's", 3: "c = 3"}),
    "escaped twice": ('a = 1\\nprint(\\"a\\\\nb\\")\\n', {1: "a = 1", 2: 'print("a\\nb")'}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_pythons_is_taken_out(pasted: Any, name: str) -> None:
    """Code that was pasted runs, its lines keep their numbers, and it is said what was done."""
    source, expected = CASES[name]
    assert statements(pasted, source) == expected
    assert pasted.compiled(source, compile_plainly).notes


def test_magics_are_taken_out_of_statements_alone(pasted: Any) -> None:
    """Each magic is named with its line; what looks like one in a string or an expression stays."""
    found = pasted.compiled(MAGICS, compile_plainly)
    assert [line for _, line in found.notes] == [1, 3, 11, 12, 13, 14, 15]
    names: dict[str, Any] = {}
    exec(found.code, names)  # noqa: S102 - the test's own
    assert (names["s"], names["x"], names["a"], names["b"]) == ("\n%d\n!x\n", "3", 1, 2)


VALID = [
    *(
        '"""\n```python\nx\n```\n"""',
        "s = '''\n>>> 1\n%matplotlib\n'''",
        "x = 5\\\n% 3",
        "x = (5\n% 3)",
        "print('a\\nb')",
    ),
    *("x = 1 # ```", "get_ipython", "display", "x = '`a`'", "# In [1]: x", "'''\n!ls\n?x\n'''", "", "\f\n"),
]


@pytest.mark.parametrize("source", VALID)
def test_valid_code_is_not_touched(pasted: Any, source: str) -> None:
    """What compiles runs as it is."""
    assert pasted.compiled(source, compile_plainly)[1:] == (source, [])


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from("`~>.:In[]1% !?\\n'\"#()=x \n"), max_size=60))
def test_any_text_compiles_or_is_refused(pasted: Any, source: str) -> None:
    """Any text gives code or one refusal, with as many lines as were sent unless line ends arrived escaped."""
    try:
        compile_plainly(source)
        is_valid = True
    except (SyntaxError, ValueError):
        is_valid = False
    try:
        found = pasted.compiled(source, compile_plainly)
    except pasted.NotPython:
        assert not is_valid
        return
    except ValueError:
        return
    assert is_valid == (not found.notes)
    if "\n" in source.strip():
        assert found.source.rstrip("\n").count("\n") <= source.count("\n")


BROKEN = {
    "within fences": ("```python\na = 1\nplt.plot([1)\n```", 3),
    "beside a docstring with fences": (
        'def f():\n    """\n    ```python\n    f()\n    ```\n    """\n    return (1\nx = 2\n',
        7,
    ),
    "beside a docstring with a session": ('def f():\n    """\n    >>> f()\n    """\n    return 1 +\nx = 2\n', 5),
    "after a magic": ("%matplotlib inline\na = 1\nb = = 2\n", 3),
    "a cell of another language": ("a = 1\n%%bash\nls\n", 2),
    "a line with an escape in a string": ("plt.title('a\\nb'", 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_other_faults_are_told_at_their_lines(pasted: Any, name: str) -> None:
    """A fault that is left is told with the line that it has in what was sent."""
    source, line = BROKEN[name]
    with pytest.raises(pasted.NotPython) as refused:
        pasted.compiled(source, compile_plainly)
    assert isinstance(refused.value.__cause__, SyntaxError)
    assert refused.value.__cause__.lineno == line


@pytest.mark.parametrize("piece", ["```\n", "%x\n", ">>> (\n", "'", '"""\n', "\\n'", "In [1]:", "`", "~~~ x\n", "??"])
def test_long_code_takes_no_longer_than_its_length(pasted: Any, piece: str) -> None:
    """The longest code of one piece over and over is read within seconds: no step is quadratic."""
    source = piece * (256 * 1024 // len(piece))
    began = time.process_time()
    for _ in pasted.candidates(source + ")"):
        pass
    assert time.process_time() - began < slowed(5)


ADVICE = {
    "an address": (
        "import urllib.error\nraise urllib.error.URLError('https://x.org/a/iris.csv')",
        "no network",
        "`iris.csv`",
    ),
    "a name": (
        "import socket\nraise socket.gaierror(-3, 'Temporary failure in name resolution')",
        "no network",
        "files",
    ),
    "an address as a file": ("open('https://x.org/a.csv')", "no network", "`a.csv`"),
    "an address for a picture": (
        "import matplotlib.pyplot as p\np.imread('http://x.org/a.png')",
        "no network",
        "`a.png`",
    ),
    "input": ("raise EOFError('EOF when reading a line')", "Nobody is there", ""),
    "another spelling": ("open('Rain.CSV')", "'rain.csv' was sent along", ""),
    "a near name": ("open('rains.csv')", "'rain.csv' was sent along", ""),
    "a path of Windows": ("open(r'C:\\me\\rain.csv')", "'rain.csv' was sent along", ""),
    "a path of elsewhere": ("open('/mnt/data/rain.csv')", "'rain.csv' was sent along", ""),
    "another file": ("open('zebra.json')", "sent along: 'b.csv', 'rain.csv'.", ""),
    "another folder": ("open('/nowhere/at/all.json', 'w')", "no folder '/nowhere/at'", "working directory"),
    "a film": ("raise FileNotFoundError(2, 'No such file', 'ffmpeg')", "GIF", "pillow"),
    "a film's name": ("raise ValueError('unknown file extension: .mp4')", "GIF", "pillow"),
    "a program": ("import subprocess\nsubprocess.run(['no-such-program'])", "other programs", ""),
    "a notebook's name": ("get_ipython()", "get_ipython is IPython's", ""),
    "a cell of another language": ("compile('%%bash\\nls', 'plot.py', 'exec')", "%%bash is IPython's", ""),
    "a window's toolbar": ("toolbar = None\ntoolbar.hide()", "without windows", ""),
}


@pytest.mark.parametrize("name", ADVICE)
def test_errors_that_end_the_search(module: Any, name: str) -> None:
    """An error that comes from where the code runs is followed by what helps."""
    code, *words = ADVICE[name]
    module("program").remember_source(code.splitlines(keepends=True))
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of any kind
        exec(compile_plainly(code), {"__name__": "__main__"})  # noqa: S102 - the test's own
    said = module("elsewhere.advice").advice(caught.value, ["b.csv", "rain.csv"])
    assert all(word in said for word in words), said


QUIET = [
    *("1 / 0", "{}['x']", "import pickle, io\npickle.load(io.BytesIO())", "raise FileExistsError(17, 'x', 'y')"),
    *("x.y", "raise ValueError('no')", "None.foo", "raise OSError(28, 'No space left')"),
]


@pytest.mark.parametrize("code", QUIET)
def test_other_errors_get_no_advice(module: Any, code: str) -> None:
    """What has nothing to do with the place gets no sentence."""
    module("program").remember_source(code.splitlines(keepends=True))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        exec(compile_plainly(code), {"__name__": "__main__"})  # noqa: S102 - the test's own
    assert module("elsewhere.advice").advice(caught.value, []) == ""


@pytest.mark.parametrize("collect", [True, False])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("n = int(input('How many? '))", ["EOFError", "Nobody is there to answer"]),
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('rain')\np.parse_args()",
            ["arguments are required: rain"],
        ),
        ("import sys\nprint('last words')\nsys.exit(1)", ["SystemExit: 1", "last words"]),
    ],
)
def test_words_are_told_either_way(draw: Callable[..., Reply], code: str, words: list[str], collect: bool) -> None:  # noqa: FBT001
    """What ends a program is explained, whether or not prints come back too."""
    reply = draw(code, collect=collect)
    assert reply.end["outcome"] == "program_error"
    assert all(word in reply.end["error"] for word in words), reply.end


@pytest.mark.parametrize(
    ("code", "options", "words"),
    [
        ("plt.figure(figsize=(1920, 1080)).add_subplot()", {}, ["1920 x 1080 inches", "192000 x 108000 pixels"]),
        ("plt.figure(figsize=(1920, 1080)).add_subplot()", {"bbox_inches": "tight", "dpi": 200}, ["384000 x 216000"]),
        ("plt.figure(figsize=(90, 90)); plt.plot([1])", {}, ["9000 x 9000 pixels", "50000000"]),
        ("plt.plot([1]); plt.text(1e6, 0, 'far')", {"bbox_inches": "tight"}, ["what is drawn", "outside the figure"]),
    ],
)
def test_figures_with_too_many_pixels_are_not_drawn(
    draw: Callable[..., Reply], code: str, options: dict[str, Any], words: list[str]
) -> None:
    """A picture that would be refused is not drawn, and the text says how large it would be."""
    reply = draw(code, **{"dpi": 100, **options})
    assert reply.end["outcome"] == "invalid_output"
    assert reply.end["pixels"] > 50_000_000
    assert all(word in reply.end["error"] for word in words), reply.end


def test_a_tight_box_may_be_smaller_than_its_figure(draw: Callable[..., Reply]) -> None:
    """A figure of more pixels than are served is drawn if its tight box has few."""
    reply = draw("plt.figure(figsize=(80, 80)).text(.5, .5, 'x')", dpi=100, bbox_inches="tight")
    assert reply.end == {"outcome": "ok"}


def test_notebook_names_draw(collect: Callable[..., Reply]) -> None:
    """What a notebook's export calls is passed over and said, cells run, and ``display`` prints."""
    reply = collect(
        "get_ipython().run_line_magic('matplotlib', 'inline')\n"
        "get_ipython().run_cell_magic('time', '', 'plt.plot([1])\\n')\n"
        "get_ipython().system('ls')\ndisplay(plt.gcf(), 'shown')\n"
    )
    assert (reply.end["outcome"], reply.stdout) == ("ok", "shown\n")
    assert [(category, line) for category, _, line in reply.end["notices"]] == [("SyntaxWarning", 1)]


def test_code_that_asks_is_told_that_it_is_in_no_notebook(draw: Callable[..., Reply]) -> None:
    """A guarded call fails as in plain Python."""
    code = "try:\n    get_ipython()\nexcept NameError:\n    plt.figure()\nassert 'display' not in globals()"
    assert draw(code).end == {"outcome": "ok"}


def test_warnings_name_no_file_of_ours(collect: Callable[..., Reply]) -> None:
    """A warning that comes while figures are saved, or points out of the program, is from nowhere."""
    code = "import warnings\nwarnings.warn('high', stacklevel=2)\nplt.title('\\U000f0000')\n"
    reply = collect(code)
    assert [(line, message[:5]) for _, message, line in reply.end["notices"]] == [(None, "high"), (None, "Glyph")]
    assert "sys:1: UserWarning: high\n" in reply.stderr
    assert "runner" not in reply.stderr
    assert "drawing" not in reply.stderr


def test_links_that_are_refused_are_left_out(collect: Callable[..., Reply]) -> None:
    """An SVG is saved without links that the launcher would refuse, with a warning; others stay."""
    code = (
        "ax = plt.gca()\nax.set_title('a', url='tel:+49')\nax.set_xlabel('b', url='https://x.org/b')\n"
        "ax.scatter([1, 2], [1, 2]).set_urls(['java script:x', 'mailto:a@b.c'])\n"
    )
    reply = collect(code, formats=["svg"])
    assert reply.end["outcome"] == "ok"
    svg = reply.pictures[0][1].decode()
    assert "tel:" not in svg
    assert "script:" not in svg
    assert "https://x.org/b" in svg
    assert "mailto:a@b.c" in svg
    assert ["'tel:+49'" in text or "'java script:x'" in text for _, text, _ in reply.end["notices"]] == [True, True]
