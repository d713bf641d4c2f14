"""A notebook is rendered as the script that its code cells are, or refused in one sentence."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from figbox.cli.batch.notebooks import BEGIN, code_of, is_notebook
from tests.client.conftest import PLOT, Figbox, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.service import Service


#: How each further cell begins.
NEXT = "_figbox_shown.update(_figbox_plt.get_fignums())"


def _notebook(*sources: Any, **members: Any) -> str:
    cells = [
        {"cell_type": "code", "source": source, "outputs": [], "metadata": {}, "execution_count": None}
        if not isinstance(source, dict)
        else source
        for source in sources
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **members})


def test_notebook_by_name(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Its code is sent, and its pictures have its name; a file beside it that it names goes along."""
    write(workplace / "nb.ipynb", _notebook(["import matplotlib.pyplot as plt\n", PLOT], "open('rain.csv')"))
    write(workplace / "rain.csv", "1,2\n")
    done = figbox("render", "nb.ipynb", "-o", "out")
    assert done.status == 0, done.stderr
    assert (workplace / "out" / "nb.png").is_file()
    (asked,) = [asked.document for asked in service.asked if asked.path == "/v1/render"]
    first = f"{BEGIN}  # Cell 1\nimport matplotlib.pyplot as plt\n{PLOT.rstrip()}\n"
    assert asked["code"] == f"{first}\n{NEXT}  # Cell 2\nopen('rain.csv')\n"
    assert list(asked["files"]) == ["rain.csv"]


def test_notebooks_in_patterns_and_folders(figbox: Figbox, service: Service, workplace: Path) -> None:
    """A pattern that matches notebooks means them; a folder stands for its scripts only."""
    write(workplace / "plots" / "a.py", PLOT)
    write(workplace / "plots" / "b.ipynb", _notebook(PLOT))
    assert figbox("render", "plots", "-o", "out").status == 0
    assert sorted(path.name for path in (workplace / "out").iterdir()) == ["a.png"]
    assert figbox("render", "plots/*.ipynb", "-o", "out").status == 0
    assert sorted(path.name for path in (workplace / "out").iterdir()) == ["a.png", "b.png"]
    assert len(service.asked) >= 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not a notebook"),
        ("[]", "is not a notebook"),
        ("plt.plot([1])", "is not a notebook"),
        ("[" * 100_000, "is not a notebook"),
        (_notebook(), "without code"),
        (_notebook({"cell_type": "markdown", "source": "# x"}, ""), "without code"),
        (json.dumps({"nbformat": 3, "worksheets": []}), "old form"),
        (_notebook("x", metadata={"kernelspec": {"language": "R"}}), "another language"),
        (_notebook("x", metadata={"language_info": {"name": "julia"}}), "another language"),
        (_notebook("x = 1", "%%bash\nls"), "cell 2 has %%bash"),
        (_notebook("%%writefile a.py\nx = 1"), "cell 1 has %%writefile"),
        (_notebook("%run other.py"), "cell 1 has %run"),
        (_notebook("!wget http://x"), "a shell command"),
    ],
)
def test_others_are_refused_in_a_sentence(
    figbox: Figbox, service: Service, workplace: Path, text: str, reason: str
) -> None:
    """What can't be a script fails by itself, with its reason, and nothing is sent."""
    write(workplace / "nb.ipynb", text)
    done = figbox("render", "nb.ipynb", "-o", "out")
    assert done.status == 1
    assert reason in done.stderr
    assert "null" not in done.stderr
    assert not [asked for asked in service.asked if asked.path == "/v1/render"]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("%matplotlib inline\nx = 1", "pass  # %matplotlib inline\nx = 1"),
        ("%config InlineBackend.figure_format = 'svg'\nx", "pass  # %config InlineBackend.figure_format = 'svg'\nx"),
        ("!pip install seaborn\nx", "pass  # !pip install seaborn\nx"),
        ("! python3 -m pip install x\nx", "pass  # ! python3 -m pip install x\nx"),
        ("%pip install x", "pass  # %pip install x"),
        ("%%time\nx = 1", "# %%time\nx = 1"),
        ("%%timeit\nx = 1\n\ny = x", "# %%timeit\n# x = 1\n#\n# y = x"),
        ("%%html\n<b>x</b>", "# %%html\n# <b>x</b>"),
        ("%timeit -n1 f(x)\nx = 1", "pass  # %timeit -n1 f(x)\nx = 1"),
        ("%%capture out\n%matplotlib inline\nx = 1", "# %%capture out\npass  # %matplotlib inline\nx = 1"),
        ("if x:\n    %time y = 1", "if x:\n    y = 1"),
        ("if x:\n    %matplotlib inline", "if x:\n    pass  # %matplotlib inline"),
        ("plt.plot?\nx", "pass  # plt.plot?\nx"),
        ("x = '''\n%run a\n!ls\n'''", "x = '''\n%run a\n!ls\n'''"),
        ("x = (7\n%matplotlib)", "x = (7\n%matplotlib)"),
    ],
)
def test_magics_that_draw_nothing_are_left_out(cell: str, code: str) -> None:
    """The rest keeps its lines, is Python, and isn't touched where it was Python before."""
    found = code_of(_notebook(cell))
    assert found == f"{BEGIN}  # Cell 1\n{code}\n"
    ast.parse(found)


def test_code_that_is_wrong_stays_wrong() -> None:
    """A mistake in a cell is the service's to report, at its line."""
    assert code_of(_notebook("x = (", "y")) == f"{BEGIN}  # Cell 1\nx = (\n\n{NEXT}  # Cell 2\ny\n"


def test_a_notebook_is_known_by_its_content() -> None:
    """On standard input there is no name; a script is none, even if it begins with a brace."""
    assert is_notebook("<stdin>", _notebook("x"))
    assert not is_notebook("a.py", "{'cells': 1}")
    assert not is_notebook("<stdin>", PLOT)
    assert code_of("\ufeff" + _notebook("x")) == f"{BEGIN}  # Cell 1\nx\n"


def test_cells_that_are_not_run() -> None:
    """Those with the tag that nbclient skips are left out, and the others keep their numbers."""
    skipped = {"cell_type": "code", "source": "!rm x", "metadata": {"tags": ["skip-execution"]}}
    assert code_of(_notebook(skipped, "x")) == f"{BEGIN}  # Cell 2\nx\n"


def test_imports_from_the_future_come_first() -> None:
    """Nothing comes before them, as Python demands."""
    code = code_of(_notebook("from __future__ import annotations\nx: y = 1", "x"))
    assert code.startswith("#  # Cell 1\nfrom __future__")
    compile(code, "cells", "exec")
    assert f"{BEGIN}  # Cell 2\nx\n" in code


@pytest.mark.parametrize(
    ("cells", "lines"),
    [
        (["plt.plot([1])", "plt.plot([2])"], [1, 1]),
        (["plt.plot([1])\nplt.plot([2])"], [2]),
        (["plt.plot([1])\nplt.show()\nplt.plot([2])"], [1, 1]),
        (["fig, ax = plt.subplots()", "ax.plot([1])", "plt.plot([2])"], [1, 1]),
        (["x = 1", "plt.plot([1])\nplt.title('a')", "plt.show()"], [1]),
        (["plt.plot([1])", "plt.figure(1)\nplt.plot([2])"], [1, 1]),
        (["plt.plot([1])", "pd.Series([1, 2]).plot()", "pd.Series([1, 2]).plot()"], [1, 1, 1]),
    ],
)
def test_each_cell_begins_new_figures(cells: list[str], lines: list[int]) -> None:
    """As in a kernel, what a cell drew isn't drawn over by the next."""
    code = "import pandas as pd\nimport matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\n"
    code += code_of(_notebook(*cells))
    code += "\nprint([len(plt.figure(number).axes[0].lines) for number in plt.get_fignums()])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(lines), done.stderr
