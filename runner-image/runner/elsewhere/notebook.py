"""What notebooks have and Python hasn't: ``display`` prints, and ``get_ipython()`` passes magics over.

A program has these names only if it would fail without them: code that asks whether it runs in a notebook is told that
it doesn't.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cheap_import import WORK_DIR

from elsewhere.pasted import Note

if TYPE_CHECKING:
    from types import CodeType

    from program import Source

#: A call that nothing guards: outside of a notebook it always fails.
UNGUARDED = re.compile(r"^get_ipython\(\)\.", re.MULTILINE)

PASSED_OVER = "get_ipython() is IPython's, and what it was asked for was passed over."

CELL_FILE = f"{WORK_DIR}/cell"
PYTHON_CELLS = frozenset({"capture", "prun", "time", "timeit"})


def add_names(code: CodeType, source: Source, names: dict[str, Any]) -> None:
    """Add what a program needs of a notebook's names.

    Args:
        code: The program.
        source: Its text; gets a note if there is something to say.
        names: Its namespace, in which cells run.
    """
    if uses_name(code, "display"):
        names["display"] = display
    if found := UNGUARDED.search(source.text):
        shell = Shell(names)
        names["get_ipython"] = lambda: shell
        source.notes.append(Note(PASSED_OVER, source.text.count("\n", 0, found.start()) + 1))


def uses_name(code: CodeType, name: str) -> bool:
    """Return whether a name is used anywhere in a program."""
    pending = [code]
    while pending:
        part = pending.pop()
        if name in part.co_names:
            return True
        pending += (constant for constant in part.co_consts if isinstance(constant, type(code)))
    return False


def display(*things: Any, **_: Any) -> None:
    """Print what a notebook would show; figures are drawn anyway."""
    from matplotlib.figure import Figure

    for thing in things:
        if not isinstance(thing, Figure):
            print(thing)


class Shell:
    """What ``get_ipython()`` returns: passes everything over, but runs the cells of magics that merely watch them."""

    config: dict[str, Any] = {}  # noqa: RUF012 - as empty as it stays

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names

    def __getattr__(self, name: str) -> Any:
        """Return a function that does nothing; what Python looks for by itself isn't there."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None

    def run_line_magic(self, name: str, line: str = "", *_: Any, **__: Any) -> None:
        """Run what ``%time`` and ``%pylab`` would run."""
        if name == "time":
            self._run(line)
        elif name == "pylab":
            self._run("from pylab import *")

    def run_cell_magic(self, name: str, line: str = "", cell: str = "") -> None:  # noqa: ARG002 - IPython's signature
        """Run a cell of Python."""
        if name not in PYTHON_CELLS:
            raise NameError(f"%%{name} is IPython's, not Python's: it doesn't exist here", name="get_ipython")
        self._run(cell)

    def getoutput(self, *_: Any, **__: Any) -> list[str]:
        """Return nothing: no commands are run."""
        return []

    def _run(self, text: str) -> None:
        exec(compile(text, CELL_FILE, "exec", dont_inherit=True), self._names)  # noqa: S102 - the program's
