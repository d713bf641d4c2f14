"""Notebooks that are text, as scripts: R Markdown, Quarto, MyST, Jupytext's Markdown, and Python with marked cells.

Every line of code stays at its line, and the prose becomes empty lines, so that a traceback's line is one of the file
that people wrote. What is run is what their tools run: the cells in Python, but for those that say that they aren't.
Cells in other languages are left out, since no figure of ours comes of them; those of a shell are refused unless they
only install packages, as shell commands in a notebook are.

This is our own reader, where `jupytext` would do for most of it: that gives cells without their lines, leaves to the
file which program reads it (`quarto`, `pandoc`), and would be needed by everybody who draws such a file. The tests
compare the two.

Source: knitr's `all_patterns` and chunk options (yihui.org/knitr/options); quarto.org, "Execution Options";
myst-nb.readthedocs.io, "Text-based notebooks"; jupytext.readthedocs.io, "Notebook formats".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from figbox.cli.batch.notebooks import INSTALLS, SKIPPED_TAG, CellStarts, as_python, is_python
from figbox.cli.exits import ScriptProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Ends of the names of R Markdown and Quarto; whether a Markdown file is a notebook, its header says.
SUFFIXES = frozenset({".rmd", ".qmd"})
MARKDOWN = frozenset({".md", ".markdown", ".myst", ".mystnb"})

#: Most characters of a cell's options; what finds them takes time in proportion to the square of that.
OPTIONS_LIMIT = 4000

# Files may be a stranger's: of each pattern, one way to match a text is enough, or a few lines would take hours.
#: Lines of a header that say that a Markdown file is a notebook.
_IS_NOTEBOOK = re.compile(r"^(?:jupyter|jupytext|kernelspec):|^file_format:\s*mystnb\b", re.MULTILINE)
_HEADER = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE)
_KERNEL = re.compile(r"^([ \t]*)kernelspec:[ \t]*\n((?:\1[ \t]+.*\n)+)", re.MULTILINE)
_MEMBER = re.compile(r"^[ \t]+(language|name):[ \t]*[\"']?([\w.-]+)", re.MULTILINE)
_NOT_RUN = re.compile(
    r"^execute:[ \t]*(?:\{[^}\n]*|\n(?:[ \t].*\n)*?[ \t]+)\b(?:eval|enabled):[ \t]*(?:false|no|off)\b",
    re.MULTILINE | re.IGNORECASE,
)

_FENCE = re.compile(r"([ \t>]*)(`{3,}|~{3,}|:{3,})(.*)")
_CHUNK = re.compile(r"\{(\w+)\b(.*)\}")
_MYST = re.compile(r"\{code-cell\}[ \t]*([\w.-]*)")
_OPTION = re.compile(r"(?<![\w.-])([\w.-]++)\s*+=\s*(\"[^\"]*\"|'[^']*'|\[[^\]]*\]|[^\s,}]+)")
_COMMENTED = re.compile(r"#\|[ \t]*([\w.-]+)[ \t]*[:=](.*)")
_REGION = re.compile(r"<!--[ \t]*#(region|markdown|md|raw)\b.*")
_MARK = re.compile(r"#[ \t]*%%")

PYTHON = frozenset({"python", "python3", "ipython", "ipython3", "py"})
SHELLS = frozenset({"bash", "sh", "zsh", "fish", "cmd", "powershell", "pwsh"})

#: Options of a cell that put other code in its place.
REPLACING = ("file", "code", "child", "ref.label")

YES = frozenset({"true", "t", "yes", "on"})
NO = frozenset({"false", "f", "no", "off"})


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook that is text.

    Attributes:
        line: Line in which its code begins, counted from 1.
        language: As it says.
        options: What else its first line says.
        code: The lines of its code, options at its top included.
    """

    line: int
    language: str
    options: str
    code: Sequence[str]


def is_text_notebook(name: str, text: str) -> bool:
    """Tell whether a file is such a notebook: by its name, or of Markdown by its header."""
    suffix = PurePath(name).suffix.lower()
    return suffix in SUFFIXES or (suffix in MARKDOWN and _IS_NOTEBOOK.search(_header(text)) is not None)


def code_of_text(name: str, text: str) -> str:
    """Return the script that the cells of such a notebook are.

    Raises:
        ScriptProblem: It has no Python that runs, or has what can't be run.
    """
    text = text.replace("\r\n", "\n")
    header = _header(text)
    lines = text.split("\n")
    if PurePath(name).suffix.lower() in SUFFIXES:
        cells = _chunks(lines)
        runs = _NOT_RUN.search(header) is None
    else:
        _check_kernel(header)
        cells, runs = _markdown_cells(lines), True
    script = [""] * len(lines)
    others = set()
    starts = CellStarts()
    runs_any = False
    for cell in cells:
        if cell.language not in PYTHON:
            others.add(cell.language)
            _check_shell(cell)
        elif _is_run(cell, runs=runs):
            runs_any = True
            code = as_python("\n".join(cell.code), f"the cell in line {cell.line}")
            found = [starts.next(code), *code.split("\n")]
            script[cell.line - 2 : cell.line - 2 + len(found)] = found
    if not runs_any:
        besides = f", only {', '.join(sorted(others))}"[:60] if others else ""
        raise ScriptProblem(f"is a notebook without Python that is run{besides}")
    return "\n".join(script)


def is_marked(text: str) -> bool:
    """Tell whether a script has cells with marks (`# %%`), and lines that only a notebook can run."""
    return re.search(r"^#[ \t]*%%", text, re.MULTILINE) is not None and (
        re.search(r"^[ \t]*(?:%|!)\S|^[ \t]*[\w.]+\?", text, re.MULTILINE) is not None
    )


def code_of_marked(text: str) -> str:
    """Return a script with marked cells without its magics, line by line; Python stays as it is.

    It is no notebook with figures of its own for each cell: whoever runs it has a script.

    Raises:
        ScriptProblem: It has what can't be run.
    """
    if is_python(text):
        return text
    parts: list[list[str]] = [[]]
    for line in text.split("\n"):
        if _MARK.match(line):
            parts.append([])
        parts[-1].append(line)
    found = []
    number = 1
    for part in parts:
        if part:
            mark = 1 if _MARK.match(part[0]) else 0
            code = "\n".join(part[mark:])
            found += part[:mark]
            found += as_python(code, f"the cell in line {number}").split("\n") if code.strip() else part[mark:]
        number += len(part)
    return "\n".join(found)


def _header(text: str) -> str:
    match = _HEADER.match(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    return match[1] if match is not None else ""


def _check_kernel(header: str) -> None:
    """Raise ScriptProblem if a header says that the cells are of another language."""
    match = _KERNEL.search(header + "\n")
    members = dict(_MEMBER.findall(match[2])) if match is not None else {}
    language = members.get("language") or members.get("name") or "python"
    if not language.lower().startswith(("python", "ipython", "conda", "xpython")) and (
        "language" in members or language.lower().startswith(("ir", "julia", "xeus"))
    ):
        raise ScriptProblem(f"is a notebook in another language than Python: {language[:40]}")


def _fences(lines: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Yield each fence: the line after its first, counted from 1, what that says, and the lines of its content."""
    at = 0
    while at < len(lines):
        opening = _FENCE.fullmatch(lines[at])
        at += 1
        if opening is None:
            continue
        info = opening[3].strip(" \t")
        if opening[2][0] == ":" and not info.startswith("{code-cell}"):
            continue
        begin = at
        closing = re.compile(rf"[ \t>]*{re.escape(opening[2][0])}{{{len(opening[2])},}}[ \t]*")
        while at < len(lines) and closing.fullmatch(lines[at]) is None:
            at += 1
        yield begin + 1, info, [_without(opening[1], line) for line in lines[begin:at]]
        at += 1


def _without(prefix: str, line: str) -> str:
    """Return a line without the indentation, or marks of a quotation, of the fence that it is in."""
    if line.startswith(prefix):
        return line[len(prefix) :]
    return line.lstrip(" \t") if not line[: len(prefix)].strip(" \t>") else line


def _chunks(lines: Sequence[str]) -> Iterator[Cell]:
    """Yield the cells of R Markdown and Quarto."""
    for line, info, code in _fences(lines):
        match = _CHUNK.fullmatch(info)
        if match is not None:
            yield Cell(line, match[1].lower(), match[2], code)


def _markdown_cells(lines: Sequence[str]) -> Iterator[Cell]:
    """Yield the cells of MyST, or of Jupytext's Markdown, where every fence of a language is one."""
    fences = list(_fences(_without_regions(lines)))
    directives = [(line, match[1], code) for line, info, code in fences if (match := _MYST.match(info)) is not None]
    for line, language, code in directives:
        options, count = _directive_options(code)
        yield Cell(line + count, language.lower() or "python", options, code[count:])
    for line, info, code in fences if not directives else ():
        language, _, options = info.partition(" ")
        if language.lower() in PYTHON | SHELLS:
            yield Cell(line, language.lower(), options, code)


def _without_regions(lines: Sequence[str]) -> list[str]:
    """Return lines with empty ones in place of Jupytext's regions: each is a cell with prose, fences included."""
    found = []
    end = ""
    for line in lines:
        region = _REGION.fullmatch(line) if not end else None
        end = f"#end{region[1]}" if region is not None else end
        found.append(line if not end else "")
        if end and end in line:
            end = ""
    return found


def _directive_options(code: Sequence[str]) -> tuple[str, int]:
    """Return the options of a directive, and how many lines of it they are."""
    if code and code[0].strip() == "---":
        end = next((at for at, line in enumerate(code[1:], 1) if line.strip() == "---"), 0)
        return "\n".join(code[1:end]), end + 1 if end else 0
    count = 0
    while count < len(code) and re.match(r"[ \t]*:[\w-]+:", code[count]):
        count += 1
    return "\n".join(code[:count]), count


def _is_run(cell: Cell, *, runs: bool) -> bool:
    """Tell whether a cell is run. Raises `ScriptProblem` if that can't be told."""
    if len(cell.options) > OPTIONS_LIMIT:
        raise _refusal(cell, f"more than {OPTIONS_LIMIT} characters of options")
    options = {name.lower(): value.strip("\"'") for name, value in _OPTION.findall(cell.options)}
    for line in cell.code:
        match = _COMMENTED.fullmatch(line.strip())
        if match is None:
            break
        options[match[1].lower()] = match[2].strip(" \t").removesuffix(",").rstrip(" \t").strip("\"'")
    for name in REPLACING:
        if name in options:
            raise _refusal(cell, f"the option {name}, which puts other code in its place")
    if re.search(rf"(?<![\w-]){SKIPPED_TAG}(?![\w-])", cell.options + options.get("tags", "")):
        return False
    if ".noeval" in cell.options.split() or options.get("active", "md").split(",")[0] not in ("md", "py", "Rmd"):
        return False
    said = options.get("eval", "").lower()
    if said and said not in YES | NO:
        raise _refusal(cell, f"eval={said[:20]}, which is neither true nor false")
    return said in YES if said else runs


def _check_shell(cell: Cell) -> None:
    """Raise ScriptProblem if a cell is a shell's, is run, and does more than install packages."""
    if cell.language not in SHELLS or not _is_run(cell, runs=True):
        return
    for line in cell.code:
        command = line.strip()
        if command and not command.startswith("#") and not INSTALLS.match(f"!{command}"):
            raise _refusal(cell, f"commands for {cell.language}")


def _refusal(cell: Cell, what: str) -> ScriptProblem:
    return ScriptProblem(f"can't be rendered as it is: the cell in line {cell.line} has {what}")
