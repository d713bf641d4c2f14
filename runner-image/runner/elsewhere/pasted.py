r"""Code as it was pasted: out of a chat, a notebook or an interactive session.

What compiles is never touched. What doesn't is looked at again, and what isn't Python's is taken out: Markdown fences
and the text around them, prompts and the output between them, magics and commands of IPython, and line ends that
arrived as a backslash and an n. Lines keep their numbers: what is taken out leaves an empty line or a ``pass``. Each
step says what it did.

All of it is linear in the length of the code.
"""

from __future__ import annotations

import contextlib
import json
import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

#: Lines of IPython's that are named one by one.
NAMED_LIMIT = 10
SHOWN_LIMIT = 60

PYTHON = frozenset({"py", "python", "python3", "ipython", "ipython3", "pycon", "{python}", "{code-cell}", "jupyter"})

FENCE = re.compile(r"[ \t]{0,12}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$")
INLINE_FENCE = re.compile(r"\s*(`{1,3})(?:python[ \t]+)?([^`\n]+)\1\s*\Z")
PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.)(?:[ ]|$)")
FIRST_PROMPT = re.compile(r"[ \t]*>>>(?:[ ]|$)")
CELL = re.compile(r"[ \t]*In ?\[[ \d*]{0,6}\]:[ ]?")
CELL_MORE = re.compile(r"[ \t]*\.{3,}:[ ]?")
CELL_OUTPUT = re.compile(r"[ \t]*Out ?\[[ \d]{0,6}\]:")
MAGIC = re.compile(
    r"""[ \t]*(?:
        (?P<cell>%%\w+) | %pylab\b(?P<pylab>) | %time[ ]+(?P<timed>\S.*) | %[a-zA-Z_]\w* | ! | \?{1,2}[\w.]+\s*$ |
        [A-Za-z_][\w.]*\?{1,2}\s*$ | (?:\$[ ]+)?(?:python3?[ ]+-m[ ]+)?(?:pip3?|conda|mamba|uv[ ]pip)[ ]+install[ ]
    )""",
    re.VERBOSE,
)
#: Cell magics whose cell is Python that runs as usual.
PYTHON_CELLS = frozenset({"%%time", "%%timeit", "%%capture", "%%prun", "%%python", "%%python3"})

#: What matters for where strings and brackets begin and end; a backslash takes the next character with it.
MARKS = re.compile(r"\\.|'''|\"\"\"|['\"#()\[\]{}]", re.DOTALL)

ESCAPED_ENDS = frozenset({r"\n", r"\r\n"})
ENDS_AND_QUOTES = re.compile(r"\\r\\n|\\.|'''|\"\"\"|['\"#]")


class Note(NamedTuple):
    """What was done to the code, and to which line first."""

    text: str
    line: int | None


class Pasted(NamedTuple):
    """Code as it runs, its lines, and what was done to it."""

    code: CodeType
    source: str
    notes: list[Note]


class NotPython(Exception):
    """Code that doesn't compile, whatever is taken out; the cause is the compiler's error.

    Attributes:
        source: The code that the error's line belongs to.
        notes: What was taken out.
    """

    def __init__(self, source: str, notes: list[Note]) -> None:
        super().__init__()
        self.source = source
        self.notes = notes


def compiled(source: str, compile_source: Callable[[str], CodeType]) -> Pasted:
    """Compile code; if that fails, without what isn't Python's in it.

    Raises:
        NotPython: It doesn't compile either way; the cause is what the compiler says.
    """
    try:
        return Pasted(compile_source(source), source, [])
    except SyntaxError as error:
        first = error
    shown, shown_error, shown_notes = source, first, list[Note]()
    for candidate, notes in candidates(source):
        try:
            return Pasted(compile_source(candidate), candidate, notes)
        except SyntaxError as error:
            shown, shown_error, shown_notes = candidate, error, notes
    raise NotPython(shown, shown_notes) from shown_error


def candidates(source: str) -> Iterator[tuple[str, list[Note]]]:
    """Yield what the code may have been before it was pasted, likely ones first."""
    for text, notes in without_escapes(source):
        changed = list(notes)
        for step in (without_fences, without_prompts, without_cells, without_magics):
            text, note = step(text)  # noqa: PLW2901 - each step works on what the last one left
            changed += note
        if changed:
            yield text, changed


def without_escapes(source: str) -> Iterator[tuple[str, list[Note]]]:
    """Yield the code with line ends that arrived as a backslash and an n, then as it is."""
    text = source.strip()
    outside = with_ends_outside_of_strings(text) if "\n" not in text else text
    if outside != text:
        note = Note("Line ends arrived as backslash and n, and were read as line ends; lines are counted so.", None)
        with contextlib.suppress(ValueError):
            yield json.loads(f'"{text}"', strict=False), [note]  # escaped once more than it should have been
        yield outside, [note]
    yield source, []


def with_ends_outside_of_strings(text: str) -> str:
    """Return a line with its escaped line ends as line ends, but for those within strings of one line."""
    pieces: list[str] = []
    quote = ""
    position = 0
    for mark in ENDS_AND_QUOTES.finditer(text):
        found = mark[0]
        if found in ESCAPED_ENDS:
            if quote not in ("'", '"'):
                pieces += (text[position : mark.start()], "\n")
                position = mark.end()
                quote = "" if quote == "#" else quote
        elif found.startswith("\\"):
            continue
        elif not quote:
            quote = found
        elif found == quote != "#":
            quote = ""
    return "".join((*pieces, text[position:]))


def without_fences(source: str) -> tuple[str, list[Note]]:
    """Return what is between Markdown fences; where several are, what is marked as Python, if anything is."""
    inline = INLINE_FENCE.match(source)
    if inline:
        before = "\n" * source[: inline.start(2)].count("\n")
        return before + inline[2], [Note("Backquotes around the code were passed over.", None)]
    lines = source.split("\n")
    blocks: list[tuple[str, int, int]] = []
    opened: tuple[str, str, int] | None = None
    first = None
    for (number, line), within in zip(enumerate(lines), inside_strings(lines), strict=True):
        fence = None if within else FENCE.match(line)
        if fence is None:
            continue
        first = number if first is None else first
        if opened is None:
            opened = fence[1], fence[2].lower(), number + 1
        elif not fence[2] and fence[1].startswith(opened[0]):
            blocks.append((opened[1], opened[2], number))
            opened = None
    if first is None:
        return source, []
    if opened is not None:
        if not opened[1] and not any(line.strip() for line in lines[opened[2] :]) and not blocks:
            blocks.append(("", 0, opened[2] - 1))  # the opening one was left out
        else:
            blocks.append((opened[1], opened[2], len(lines)))
    chosen = [block for block in blocks if block[0] in PYTHON] or [block for block in blocks if not block[0]] or blocks
    kept = [""] * len(lines)
    for _, begin, end in chosen:
        kept[begin:end] = textwrap.dedent("\n".join(lines[begin:end])).split("\n") if end > begin else []
    return "\n".join(kept), [Note("Markdown fences and the text around them were passed over.", first + 1)]


def without_prompts(source: str) -> tuple[str, list[Note]]:
    """Return what follows the prompts of an interactive session, if the code begins with one."""
    lines = source.split("\n")
    first = first_statement(lines)
    if first is None or not FIRST_PROMPT.match(lines[first]):
        return source, []
    kept = [line[found.end() :] if (found := PROMPT.match(line)) else "" for line in lines]
    return "\n".join(kept), [Note("Prompts (>>>) and the output between them were passed over.", first + 1)]


def without_cells(source: str) -> tuple[str, list[Note]]:
    """Return what follows IPython's numbered prompts, if the code begins with one."""
    lines = source.split("\n")
    first = first_statement(lines)
    if first is None or not CELL.match(lines[first]):
        return source, []
    kept = []
    is_code = False  # whether lines without a prompt belong to the cell
    for line in lines:
        if found := CELL.match(line):
            kept.append(line[found.end() :])
            is_code = not kept[-1].strip()
        elif found := CELL_MORE.match(line):
            kept.append(line[found.end() :])
        else:
            is_code = is_code and not CELL_OUTPUT.match(line)
            kept.append(line if is_code else "")
    return "\n".join(kept), [Note("IPython's prompts and the output between them were passed over.", first + 1)]


def without_magics(source: str) -> tuple[str, list[Note]]:
    """Return code without IPython's magics and commands; what they give isn't there."""
    lines = source.split("\n")
    notes: list[Note] = []
    count = 0
    within = inside_strings(lines, skip=MAGIC)
    for number, line in enumerate(lines):
        found = None if next(within) else MAGIC.match(line)
        if found is None or (found["cell"] and found["cell"] not in PYTHON_CELLS):
            continue
        indent = line[: len(line) - len(line.lstrip())]
        instead = found["timed"] or ("from pylab import *" if found["pylab"] is not None else "pass")
        lines[number] = indent + instead
        count += 1
        if count <= NAMED_LIMIT:
            is_install = " install " in line
            end = "; nothing can be installed here." if is_install else "."
            shown = line.strip()[:SHOWN_LIMIT]
            notes.append(Note(f"{shown} is IPython's or a shell's, and was passed over{end}", number + 1))
    if count > NAMED_LIMIT:
        notes.append(Note(f"{count - NAMED_LIMIT} more lines of IPython's were passed over.", None))
    return "\n".join(lines), notes


def first_statement(lines: list[str]) -> int | None:
    """Return the index of the first line that is neither empty nor a comment."""
    return next((n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)


def inside_strings(lines: list[str], skip: re.Pattern[str] | None = None) -> Iterator[bool]:
    """Yield for each line whether it begins within a string of several lines; with ``skip`` also within brackets.

    Args:
        lines: Of the code.
        skip: Lines that match this, and begin outside, aren't Python: nothing begins in them.
    """
    quote = ""
    depth = 0
    for line in lines:
        within = bool(quote) or (skip is not None and depth > 0)
        yield within
        if not within and skip is not None and skip.match(line):
            continue
        for found in MARKS.findall(line):
            if quote:
                quote = "" if found == quote else quote
            elif found == "#":
                break
            elif found[0] in "'\"":
                quote = found
            elif found in "([{":
                depth += 1
            elif found in ")]}":
                depth = max(0, depth - 1)
        if len(quote) == 1 and not line.endswith("\\"):
            quote = ""
