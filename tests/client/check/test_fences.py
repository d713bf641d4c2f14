"""Python in Markdown: which fences there are, and what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from figbox.check.errors import CheckError
from figbox.check.fences import Fence, fences_of, is_markdown
from tests.client.test_text_notebooks import TEXTS

if TYPE_CHECKING:
    from tests.client.check.conftest import Project


@pytest.mark.parametrize(
    ("info", "name"),
    [
        ("python", "1"),
        ("py", "1"),
        ("Python3", "1"),
        ("{python}", "1"),
        ("{.python .numberLines}", "1"),
        ("python figure=trend", "trend"),
        ('python title="x" figure="a.b-c"', "a.b-c"),
        ("{.python #trend}", "trend"),
        ("{python, #trend}", "trend"),
        ("python figure=../up", "1"),
        ("python configure=trend", "1"),
        ("python figure=none", None),
        ("", None),
        ("sh", None),
        ("pycon", None),
        ("text python", None),
    ],
)
def test_names(info: str, name: str | None) -> None:
    """The language is the info string's first word, in any of the ways to write it; a name is behind it."""
    found = fences_of(f"# A page\n\n```{info}\nplt.plot()\n```\n")
    assert found == ([Fence(name, 4, "plt.plot()\n", is_named=name != "1")] if name is not None else [])


def test_fences_of_all_kinds() -> None:
    """Fences in lists and quotes, with tildes, and such that aren't closed; what only looks like one isn't."""
    text = (
        "- item\n\n  ```python\n  a\n  ```\n\n> ~~~~ python\n> ```\n> b\n> ~~~~\n\n"
        "    ```python\n    indented\n    ```\n\n```text\n```python\n```\n\n```python figure=last\nc\n"
    )
    assert [(fence.name, fence.code) for fence in fences_of(text)] == [("1", "a\n"), ("2", "```\nb\n"), ("last", "c\n")]


def test_text_around_changes_no_name() -> None:
    """A fence without a name is counted among the Python fences only."""
    assert [fence.name for fence in fences_of("more\n\n```sh\nls\n```\n\n```python\na\n```\n")] == ["1"]


def test_same_name_twice() -> None:
    """Two fences of one name are an error that says where they are."""
    with pytest.raises(CheckError, match="two fences are named a, in the lines 2 and 6"):
        fences_of("```python figure=a\n1\n```\n\n```python figure=a\n2\n```\n")


@pytest.mark.parametrize(("name", "expected"), [("a.md", True), ("A.Markdown", True), ("a.md.py", False)])
def test_markdown_by_name(name: str, expected: bool) -> None:  # noqa: FBT001
    """The file's suffix decides."""
    assert is_markdown(name) is expected


def test_fence_that_draws_nothing(project: Project) -> None:
    """Without a name it is no figure; with one it must draw."""
    project.write("page.md", "```python\nx = 1\n```\n\n```python\nplt.plot()\n```\n\n```python figure=a\nx = 1\n```\n")
    done = project.check("page.md", "--json")
    assert done.stderr.count("FAILED") == 1
    assert project.others("page.md") == {"page.md/2": "new", "page.md#a": "failed"}


def test_data_beside_a_page(project: Project) -> None:
    """A fence finds data files as a script does."""
    project.write("docs/page.md", "```python figure=a\nplt.plot(open('data.csv'))\n```\n")
    project.write("docs/data.csv", "1")
    project.check("docs/page.md")
    assert project.service.renders[-1]["files"] == {"data.csv": {"text": "1"}}


def test_notebooks_and_percent_scripts(project: Project) -> None:
    """A notebook is the script that its code cells are; a script in cells is a script."""
    cells = '[{"cell_type": "code", "source": ["%matplotlib inline\\n", "plt.plot()"]}]'
    project.write("book.ipynb", f'{{"nbformat": 4, "metadata": {{}}, "cells": {cells}}}')
    project.write("cells.py", "# %% [markdown]\n# Title\n# %%\nplt.plot()\n")
    assert project.others("book.ipynb", "cells.py") == {"book": "new", "cells": "new"}


def test_notebooks_that_are_text(project: Project) -> None:
    """Its figures have its name; of Markdown with a notebook's header, the fences aren't sources of their own."""
    project.write("docs/rain.qmd", TEXTS["rain.qmd"])
    project.write("docs/guide.md", TEXTS["rain.md"])
    project.write("docs/plain.md", "```python\nplt.plot([1])\n```\n")
    found = project.verdicts("docs/rain.qmd", "docs/guide.md", "docs/plain.md")
    assert found == {"docs/rain": "new", "docs/guide": "new", "docs/plain.md/1": "new"}
