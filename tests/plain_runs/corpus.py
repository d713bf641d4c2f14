"""The programs: files of cells, as editors know them, each cell a program of its own.

A cell begins with `# %% ` and the name of the program. Two lines may follow, which aren't part of it:

* `# differs: NAME` says that a plain run differs, by the name of a row in the table of docs/programs.md;
* `# sent: NAME NAME` names the files in `sent/` that lie beside the program.

In place of a form feed or a carriage return stands its picture, ␌ or ␍.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.live import ROOT

HERE = Path(__file__).parent
FOLDER = HERE / "corpus"
SENT = HERE / "sent"
PAGE = ROOT / "docs" / "programs.md"

#: The environment that a kind's programs need, if it isn't the default one.
ENVIRONMENTS = {"science": "science"}

#: Kinds of programs, each with its file.
KINDS = {path.stem: path for path in sorted(FOLDER.rglob("*.py"))}

_PICTURES = str.maketrans({"␌": "\f", "␍": "\r"})

_CELL = re.compile(
    r"^# %% (?P<name>.+)\n(?:# differs: (?P<differs>.+)\n)?(?:# sent: (?P<sent>.+)\n)?",
    re.MULTILINE,
)
_ROW = re.compile(r"^\| \*\*(.+?)\*\* \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Program:
    """One of them.

    Attributes:
        name: Unlike those of all others.
        code: What is run.
        differs: Name of the difference from a plain run, if there is one.
        sent: Texts of the files beside it, by name.
    """

    name: str
    code: str
    differs: str | None = None
    sent: dict[str, str] = field(default_factory=dict)


def read(kind: str) -> list[Program]:
    """Return the programs of a kind."""
    text = KINDS[kind].read_text("utf-8")
    cells = list(_CELL.finditer(text))
    ends = [cell.start() for cell in cells[1:]] + [len(text)]
    return [
        Program(
            f"{kind}: {cell['name']}",
            text[cell.end() : end].strip("\n").translate(_PICTURES) + "\n",
            cell["differs"],
            {name: (SENT / name).read_text("utf-8") for name in (cell["sent"] or "").split()},
        )
        for cell, end in zip(cells, ends, strict=True)
    ]


def differences() -> list[str]:
    """Return the names of the differences that the page tells."""
    return _ROW.findall(PAGE.read_text("utf-8"))
