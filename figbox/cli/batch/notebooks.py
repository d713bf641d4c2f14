"""A notebook as a script: its code cells, one after the other, as a kernel would run them.

What only a notebook can do, and doesn't change what is drawn, is left out: magics that set the notebook up, and those
that install packages. Whatever else isn't Python is refused by name, since without it the script would be another one.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Any

from figbox.cli.exits import ScriptProblem

SUFFIX = ".ipynb"

#: The form of notebooks since 2014. Source: nbformat.readthedocs.io, "Notebook file format".
FORMAT = 4

#: Tag of cells that aren't run. Source: nbclient's `skip_cells_with_tag`.
SKIPPED_TAG = "skip-execution"

#: Makes pyplot begin a new figure where the current one was shown. One line, so that others keep their numbers.
BEGIN = (
    "import matplotlib.pyplot as _figbox_plt; _figbox_shown = set(); _figbox_gcf = _figbox_plt.gcf; "
    "_figbox_plt.gcf = lambda: _figbox_plt.figure() if (f := _figbox_gcf()).number in _figbox_shown else f; "
    "_figbox_plt.show = lambda *_, **__: _figbox_shown.update(_figbox_plt.get_fignums())"
)

#: Magics without which the same is drawn: those of a line, and those of a whole cell, whose code runs as it is.
LEFT_OUT = frozenset(
    {
        "matplotlib", "config", "load_ext", "reload_ext", "autoreload", "precision", "autosave", "pip", "conda",
        "mamba", "uv", "who", "whos", "pinfo", "pwd", "ls", "history", "xmode", "pdb", "lsmagic", "colors",
        "timeit", "prun", "lprun", "memit", "mprun", "debug",
    }
)  # fmt: skip
CELL_LEFT_OUT = frozenset({"time", "capture", "prun", "memit"})

#: Magics of a whole cell without whose code the same is drawn: they leave no variables, or aren't Python.
CELL_OMITTED = frozenset({"timeit", "html", "javascript", "js", "latex", "markdown", "svg"})

#: Commands that install packages, which an environment has or hasn't.
INSTALLS = re.compile(r"!\s*(?:(?=\S*python)\S+\s+-m\s+)?(?:pip3?|conda|mamba|uv|apt(?:-get)?)\b")
_CELL_MAGIC = re.compile(r"%%(\S*)")
_LINE_MAGIC = re.compile(r"(\s*)%(\w*)\s?(.*)", re.DOTALL)
_SHELL = re.compile(r"\s*!")
_HELP = re.compile(r"\s*(?:\?{1,2}[\w.*]+|[\w.*]+\?{1,2})\s*")


def is_notebook(name: str, text: str) -> bool:
    """Tell whether a file is a notebook: by its name, or because it can be nothing else."""
    return name.lower().endswith(SUFFIX) or (text.lstrip()[:1] == "{" and '"nbformat"' in text and '"cells"' in text)


def code_of(text: str) -> str:
    """Return the script that a notebook's code cells are; a comment says where each begins.

    Raises:
        ScriptProblem: It isn't a notebook of Python, has no code, or has what can't be run.
    """
    notebook = _parsed(text)
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise ScriptProblem("is a notebook of an old form: open it in Jupyter and save it again")
    language = _language(notebook.get("metadata"))
    if language not in ("", "python", "ipython", "python3"):
        raise ScriptProblem("is a notebook in another language than Python")
    parts: list[str] = []
    starts = CellStarts()
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = _source(cell.get("source"))
            if source.strip() and not _is_skipped(cell):
                code = as_python(source, f"cell {number}").rstrip()
                parts.append(f"{starts.next(code)}  # Cell {number}\n{code}\n")
    if not parts:
        raise ScriptProblem("is a notebook without code")
    return "\n".join(parts)


class CellStarts:
    """The line with which each cell begins that is run.

    A kernel shows the figures of a cell when it ends, and what `plt.show()` shows at once; what is drawn then goes into
    new ones. Here all figures stay open, to be saved at the end, so the current one is a new one if those were shown.
    """

    def __init__(self) -> None:
        """Begin before the first cell."""
        self._has_begun = False

    def next(self, code: str) -> str:
        """Return the line for the next cell; before imports from `__future__` there can be no code."""
        if self._has_begun:
            return "_figbox_shown.update(_figbox_plt.get_fignums())"
        if "__future__" in code:
            return "#"
        self._has_begun = True
        return BEGIN


def _is_skipped(cell: dict[str, Any]) -> bool:
    """Tell whether a cell has the tag of those that aren't run."""
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return isinstance(tags, list) and SKIPPED_TAG in tags


def _parsed(text: str) -> dict[str, Any]:
    try:
        notebook = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        notebook = None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise ScriptProblem("is not a notebook, although its name ends as one")
    return notebook


def _language(metadata: object) -> str:
    if not isinstance(metadata, dict):
        return ""
    for part, member in (("kernelspec", "language"), ("language_info", "name")):
        found = metadata.get(part)
        if isinstance(found, dict) and isinstance(found.get(member), str):
            return str(found[member]).lower()
    return ""


def _source(source: object) -> str:
    """Return a cell's text, which is one string or a list of lines with their ends."""
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def as_python(source: str, place: str) -> str:
    """Return a cell without magics, line by line; one that is Python already stays as it is.

    So a line within a string or brackets that only looks like a magic is left alone.

    Args:
        source: The cell.
        place: Where it is, in words.

    Raises:
        ScriptProblem: It has what can't be run.
    """
    if is_python(source):
        return source
    lines = source.split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)  # none has: spaces that Python doesn't know
    magic = _CELL_MAGIC.match(lines[first])
    if magic is not None:
        if magic[1] in CELL_OMITTED:
            return "\n".join(f"# {line}".rstrip() for line in lines)
        if magic[1] not in CELL_LEFT_OUT:
            raise _refusal(place, f"%%{magic[1]}")
        lines[first] = "# " + lines[first]
        return as_python("\n".join(lines), place)
    return "\n".join(_line(line, place) for line in lines)


def _line(line: str, place: str) -> str:
    """Return a line of a cell that isn't Python; what is left out becomes a comment, so that lines keep their numbers.

    A comment alone can't be a block, so it has `pass` before it.
    """
    magic = _LINE_MAGIC.fullmatch(line)
    if magic is not None and magic[2] == "time" and is_python(magic[3]):
        return magic[1] + magic[3]
    indent = line[: len(line) - len(line.lstrip())]
    if (magic is not None and magic[2] in LEFT_OUT) or _HELP.fullmatch(line) or INSTALLS.match(line.lstrip()):
        return f"{indent}pass  # {line.strip()}"
    if magic is not None and magic[2]:
        raise _refusal(place, f"%{magic[2]}")
    if _SHELL.match(line):
        raise _refusal(place, "a shell command (!)")
    return line


def _refusal(place: str, what: str) -> ScriptProblem:
    return ScriptProblem(f"can't be rendered as it is: {place} has {what[:40]}, which only a notebook can run")


def is_python(source: str) -> bool:
    """Tell whether code can be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
