"""A notebook that is text is the script that its Python cells are, each line where people wrote it, or is refused."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import jupytext
import pytest

from figbox.cli.batch.notebooks import BEGIN, code_of
from figbox.cli.batch.scripts import decoded
from figbox.cli.batch.text_notebooks import code_of_text, is_marked, is_text_notebook
from figbox.cli.exits import ScriptProblem
from tests.client.conftest import PLOT, Figbox, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.service import Service

NEXT = "_figbox_shown.update(_figbox_plt.get_fignums())"

#: As people write them: a header, prose, options of every kind, other languages, quotations and lists.
RMD = """---
title: "Rain"
output: html_document
---

```{r setup, include=FALSE}
library(reticulate)
```

Some *prose*.

```{python load, echo=FALSE}
import pandas as pd
rain = pd.read_csv("rain.csv")
```

```{python eval = FALSE}
1 / 0
```

* In a list:

  ```{python, fig.width=7, fig.cap="Rain, by day"}
  for day in rain:
      print(day)
  ```

```python
shown_only = True
```

````{verbatim}
```{python}
quoted = True
```
````

```{mermaid}
graph LR
```

```{bash}
pip install pandas
```
"""
QMD = """---
title: Rain
jupyter: python3
---

```{python}
#| label: fig-rain
#| echo: false
%matplotlib inline
import matplotlib.pyplot as plt
plt.plot([1, 2])
```

::: {.callout-note}
```{python}
#| eval: false
1 / 0
```
:::

```{.python}
shown_only = True
```

```{ojs}
viewof x
```

```{python}
plt.plot([3])
```
"""
MYST = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Rain

```{code-cell} ipython3
:tags: [hide-input]
:caption: rain

import matplotlib.pyplot as plt
```

```{code-cell} ipython3
---
tags: [skip-execution]
---
1 / 0
```

```python
shown_only = True
```

```{code-cell}
plt.plot([1, 2])
```
"""
MARKDOWN = """---
jupyter:
  jupytext:
    text_representation:
      extension: .md
      format_name: markdown
jupytext:
  formats: ipynb,md
---

```python
x = 1
```

<!-- #region -->
In prose:

```python
shown_only = True
```
<!-- #endregion -->

```python .noeval
1 / 0
```

```python tags=["skip-execution"]
1 / 0
```

```
output
```

```python
y = 2
```
"""
TEXTS = {"rain.Rmd": RMD, "rain.qmd": QMD, "rain.md": MYST, "other.md": MARKDOWN}


def _code_lines(code: str) -> list[str]:
    """Return the lines of a script without those of ours, and without empty ones and comments."""
    ours = (BEGIN, NEXT)
    lines = [line for line in code.splitlines() if line not in ours]
    return [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "pass  #"))]


@pytest.mark.parametrize("name", TEXTS)
def test_lines_stay_where_they_are(name: str) -> None:
    """What is run is at its line in the file, less the indentation of its fence; it is Python, and nothing else is."""
    text = TEXTS[name]
    code = code_of_text(name, text)
    ast.parse(code)
    assert "1 / 0" not in code
    assert "quoted" not in code
    assert "shown_only" not in code
    written = text.split("\n")
    for at, line in enumerate(code.split("\n")):
        if line.strip() and line not in (BEGIN, NEXT):
            assert line.removeprefix("pass  # ").strip() == written[at].strip()
    assert code.count("\n") == text.count("\n")


def test_code_of_each_form() -> None:
    """The cells that run, and no others, are there."""
    assert _code_lines(code_of_text("rain.Rmd", RMD)) == [
        "import pandas as pd",
        'rain = pd.read_csv("rain.csv")',
        "for day in rain:",
        "    print(day)",
    ]
    drawn = ["import matplotlib.pyplot as plt", "plt.plot([1, 2])"]
    assert _code_lines(code_of_text("rain.qmd", QMD)) == [*drawn, "plt.plot([3])"]
    assert _code_lines(code_of_text("rain.md", MYST)) == drawn
    assert _code_lines(code_of_text("other.md", MARKDOWN)) == ["x = 1", "y = 2"]


@pytest.mark.parametrize(("name", "form"), [("rain.Rmd", "Rmd:rmarkdown"), ("rain.md", "md:myst")])
def test_jupytext_reads_the_same(name: str, form: str) -> None:
    """Jupytext finds the same code, except in lists: it takes a cell there for prose, and knitr runs it."""
    text = TEXTS[name].replace("\n  ", "\n") if name == "rain.Rmd" else TEXTS[name]
    text = text.replace("\nprint(day)", "\n    print(day)").replace("\n  print", "\n    print")
    notebook = jupytext.reads(text, form)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    python = [
        cell.source
        for cell in cells
        if not cell.source.startswith("%%")
        and "skip-execution" not in cell.metadata.get("tags", [])
        and cell.metadata.get("eval") is not False
        and "1 / 0" not in cell.source
    ]
    found = [line for source in python for line in source.splitlines() if line.strip()]
    assert _code_lines(code_of_text(name, text)) == found


@pytest.mark.parametrize("form", ["Rmd", "md:myst", "md:markdown", "qmd"])
def test_notebooks_that_jupytext_writes(form: str) -> None:
    """A notebook is the same script, whether it is read itself or as the text that Jupytext makes of it."""
    sources = [
        "import numpy as np\nx = np.arange(3)",
        "%matplotlib inline\nfor y in x:\n\n    print(y)",
        "'''\n# text\n'''",
    ]
    notebook = json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": "# Title\n\n```python\nshown_only\n```", "metadata": {}},
                *(
                    {"cell_type": "code", "source": source, "outputs": [], "metadata": {}, "execution_count": None}
                    for source in sources
                ),
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 4,
        }
    )
    # Jupytext writes Quarto by a program that is rarely there; its cells are those of R Markdown.
    text = jupytext.writes(jupytext.reads(notebook, "ipynb"), form.replace("qmd", "Rmd"))
    name = f"a.{form.partition(':')[0]}"
    assert is_text_notebook(name, text)
    as_it_is = [line for line in code_of(notebook).splitlines() if "_figbox" not in line]
    assert _code_lines(code_of_text(name, text)) == _code_lines("\n".join(as_it_is))


@pytest.mark.parametrize(
    ("options", "comments", "runs"),
    [
        ("", "", True),
        (", eval=FALSE", "", False),
        (" name, echo=FALSE, eval = F", "", False),
        (", eval=TRUE", "", True),
        (", include=FALSE, echo=FALSE", "", True),
        (', fig.cap="eval=FALSE"', "", True),
        ("", "#| eval: false\n", False),
        ("", "#| echo: false\n#| eval: no\n", False),
        ("", "#| eval=FALSE\n", False),
        ("", "#| eval: true\n", True),
        ("", "x = 1\n#| eval: false\n", True),
        ("", "#| tags: [skip-execution]\n", False),
        ("", "#| tags: [no-skip-execution-here]\n", True),
        (", eval=FALSE", "#| eval: true\n", True),
    ],
)
def test_options_that_decide_whether_a_cell_runs(options: str, comments: str, *, runs: bool) -> None:
    """In the braces or in comments at the top; others don't matter."""
    text = f"```{{python{options}}}\n{comments}y = 2\n```\n\n```{{python}}\nz = 3\n```\n"
    assert ("y = 2" in code_of_text("a.qmd", text)) is runs
    assert "z = 3" in code_of_text("a.qmd", text)


@pytest.mark.parametrize(
    ("header", "runs"),
    [
        ("execute:\n  eval: false\n", False),
        ("execute:\n  echo: true\n  enabled: false\n", False),
        ("execute: {echo: true, eval: false}\n", False),
        ("execute:\n  echo: false\n", True),
        ("format:\n  html:\n    eval: false\n", True),
    ],
)
def test_header_that_says_that_nothing_runs(header: str, *, runs: bool) -> None:
    """Then only cells run that say so themselves."""
    text = f"---\n{header}---\n\n```{{python}}\ny = 2\n```\n\n```{{python}}\n#| eval: true\nz = 3\n```\n"
    code = code_of_text("a.qmd", text)
    assert ("y = 2" in code, "z = 3" in code) == (runs, True)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.Rmd", "# Nothing\n", "is a notebook without Python that is run"),
        ("a.Rmd", "```{r}\n1\n```\n```{julia}\n1\n```\n", "without Python that is run, only julia, r"),
        ("a.qmd", "```{python}\nx\n```\n```{bash}\nwget x\n```\n", "cell in line 5 has commands for bash"),
        ("a.qmd", "```{python}\n%run a.py\n```\n", "the cell in line 2 has %run"),
        ("a.qmd", "```{python}\n!ls\n```\n", "the cell in line 2 has a shell command"),
        ("a.qmd", "```{python}\n%%writefile a\n```\n", "the cell in line 2 has %%writefile"),
        ("a.Rmd", '```{python, file="other.py"}\n```\n', "has the option file"),
        ("a.Rmd", "```{python, eval=interactive()}\nx\n```\n", "eval=interactive(), which is neither true nor false"),
        ("a.md", MYST.replace("language: python", "language: R"), "in another language than Python: R"),
        ("a.md", "---\njupyter:\n  kernelspec:\n    language: R\n---\n```r\nx\n```", "in another language"),
        ("a.md", "---\nkernelspec:\n  name: julia-1.9\n---\n```{code-cell}\nx\n```", "in another language"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence(name: str, text: str, reason: str) -> None:
    """Each names what it is, and where."""
    with pytest.raises(ScriptProblem) as raised:
        code_of_text(name, text)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.Rmd", "", True),
        ("A.QMD", "", True),
        ("a.md", MYST, True),
        ("a.md", MYST.replace("\n", "\r\n"), True),
        ("a.md", "\ufeff" + MYST, True),
        ("a.md", "# Title\n\n---\nkernelspec: x\n---\n", False),
        ("a.md", "---\ntitle: x\n---\n```python\nx\n```\n", False),
        ("a.md", "---\nfile_format: mystnb\n---\n", True),
        ("a.md", "---\njupyter:\n  kernelspec:\n    name: python3\n---\n", True),
        ("a.py", MYST, False),
    ],
)
def test_which_files_are_such_notebooks(name: str, text: str, *, expected: bool) -> None:
    """Those by their names, and Markdown with a header that says so."""
    assert is_text_notebook(name, text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "---\n" + "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(100_000)) + "kernelspec:\n---\n",
        "---\n" + "execute:\n" + "  x: y\n" * 200_000,
        "---\n" + "execute:\n" + "  x: y\n" * 200_000 + "---\n```{python}\nx\n```",
        "---\nexecute: {" + "eval: " * 200_000 + "\n---\n```{python}\nx\n```",
        "```{python " + "a" * 1_000_000 + "}\nx\n```",
        "```{python " + "a=[ " * 300_000 + "}\nx\n```",
        "```{r}" + " " * 1_000_000 + "x\n```",
        "```{python}\n#| a: x" + " " * 1_000_000 + "x\n```",
        "```{python}\n!" + "python" * 200_000 + "\n```",
        "```{python}\n\u00a0\n```",
        "---\nkernelspec:\n" + "  a: b\n" * 200_000 + "---\n",
        "`" * 1_000_000 + "\n" + "`" * 999_999,
        "```{python " + "a=" * 300_000 + "}\nx\n```",
        "```{python}\n" + "#| a: b\n" * 200_000 + "```",
        "> " * 300_000 + "```{python}\nx\n```",
        "```{python}\n```\n" * 50_000,
        "%" * 1_000_000,
    ],
)
def test_hostile_texts_end_soon(text: str) -> None:
    """No header is parsed as YAML, and no pattern goes back and forth over a text: megabytes end."""
    for name in ("a.md", "a.qmd", "a.py"):
        try:
            decoded(text.encode(), name)
        except ScriptProblem as problem:
            assert len(str(problem)) < 300  # noqa: PT017 - either is right


def test_magics_in_scripts_with_marked_cells() -> None:
    """As people write them who run a script cell by cell; what is Python, and the lines' numbers, stay."""
    text = "# %% [markdown]\n# # Title\n# !pip install x\n# %%\n%matplotlib inline\nimport os\n"
    text += "#%% plot\n%%time\nx = 1\n!pip install y\n"
    code = decoded(text.encode(), "a.py")
    ast.parse(code)
    assert code.split("\n") == [
        *("# %% [markdown]", "# # Title", "# !pip install x", "# %%", "pass  # %matplotlib inline", "import os"),
        *("#%% plot", "# %%time", "x = 1", "pass  # !pip install y", ""),
    ]
    with pytest.raises(ScriptProblem, match="the cell in line 3 has %run"):
        decoded(b"# %%\nx = 1\n# %%\n%run b.py\n", "a.py")


@pytest.mark.parametrize("text", [PLOT, "# %%\nx = 5\\\n% 3\n", "x = '''\n# %%\n%time\n'''\n", "%matplotlib inline\n"])
def test_other_scripts_are_sent_as_they_are(text: str) -> None:
    """Python, and what isn't a script with marked cells, is what the service gets."""
    assert decoded(text.encode(), "a.py") == text
    assert not is_marked(PLOT)


def test_rendered(figbox: Figbox, service: Service, workplace: Path) -> None:
    """A notebook that is text is rendered by its name, or by a pattern; its data file goes along."""
    write(workplace / "rain.csv", "1\n")
    for name, text in TEXTS.items():
        write(workplace / name, text)
    done = figbox("render", "*.Rmd", "rain.md", "-o", "out")
    assert "would both give rain" in done.stderr
    done = figbox("render", "rain.Rmd", "-o", "out")
    assert done.status == 0, done.stderr
    assert list(service.renders[-1]["files"]) == ["rain.csv"]
    assert (workplace / "out" / "rain.png").is_file()
