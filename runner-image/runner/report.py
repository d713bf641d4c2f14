"""What a client reads when its program fails: the traceback of its own frames, and the place in its code."""

from __future__ import annotations

import itertools
import traceback
import types
from typing import TYPE_CHECKING, Any, NamedTuple

from cheap_import import IMAGE_PATHS
from program import PROGRAM_NAME, is_own, remember_source
from result import ERROR_LIMIT_BYTES, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeGuard

#: Frames shown of one exception: a deep recursion must not make the report endless.
OWN_FRAMES_LIMIT = 1000
MESSAGE_LIMIT = 4000
SOURCE_LIMIT = 1000

#: Bytes shown of one message, half of what is shown in all: the lines that led to it should have room, too.
MESSAGE_LIMIT_BYTES = ERROR_LIMIT_BYTES // 2


class ProgramError(NamedTuple):
    """Where and how the program failed; line and column count from 1. The hint says what helps to mend it."""

    type: str
    message: str
    line: int | None = None
    column: int | None = None
    source: str | None = None
    hint: str | None = None


#: Characters at which ``traceback`` cuts a line in two, though Python doesn't, and blanks as long in UTF-8.
BLANKS = str.maketrans(
    {**dict.fromkeys("\x0b\x0c\x1c\x1d\x1e", " "), "\x85": "\xa0", "\u2028": "\u2002", "\u2029": "\u2002"}
)


def describe(error: BaseException, lines: list[str]) -> str:
    """Return the traceback of ``error`` with the program's own frames alone; never raise."""
    try:
        remember_source([line.translate(BLANKS) for line in lines])
        own = trim_chain(error)
        report = traceback.TracebackException.from_exception(error)
        drop_empty_stacks(report)
        shorten_messages(report)
        text = "".join(report.format())
        if not own and not isinstance(error, SyntaxError):
            text = f"Not raised in a line of {PROGRAM_NAME} itself, most likely while drawing:\n{text}"
        return hide_image_paths(text)
    except BaseException:  # noqa: BLE001 - the error itself can be hostile to being shown
        return f"{class_name(error)}: (its traceback could not be formatted)"


def locate(error: BaseException, lines: list[str]) -> ProgramError:
    """Return type, message and place of ``error``; never raise.

    The place is the last line of the program itself that led to it, not one of the library it calls, nor of a module
    that came with it, whose lines the traceback shows.
    """
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        message = hide_image_paths(str(message))[:MESSAGE_LIMIT]
    except BaseException:  # noqa: BLE001 - see above
        message = ""
    try:
        line, column = place_of(error)
        source = lines[line - 1].rstrip("\r\n")[:SOURCE_LIMIT] if line and line <= len(lines) else None
    except BaseException:  # noqa: BLE001 - see above
        line = column = source = None
    return ProgramError(class_name(error), message, line, column, source)


def class_name(error: BaseException) -> str:
    """Return the name of an exception's class, whatever its metaclass says."""
    return str(type.__getattribute__(type(error), "__name__"))


def place_of(error: BaseException) -> tuple[int | None, int | None]:
    """Return the program's line and column that led to ``error``; None where none did."""
    if isinstance(error, SyntaxError) and error.filename == PROGRAM_NAME:
        return error.lineno or None, error.offset or None
    last = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == PROGRAM_NAME:
            last = trace
        trace = trace.tb_next
    return (None, None) if last is None else (last.tb_lineno, column_of(last))


def column_of(trace: types.TracebackType) -> int | None:
    """Return the column of the expression that a frame was at, in characters.

    Source: the Python data model, "codeobject.co_positions()": an entry for each code unit of two bytes, columns in
    bytes of UTF-8.
    """
    positions = trace.tb_frame.f_code.co_positions()
    line, _, begin, _ = next(itertools.islice(positions, trace.tb_lasti // 2, None), (None,) * 4)
    if line != trace.tb_lineno or begin is None:
        return None
    import linecache

    text = linecache.getline(PROGRAM_NAME, line)
    return len(text.encode("utf-8", "surrogatepass")[:begin].decode("utf-8", "replace")) + 1


def trim_chain(error: BaseException) -> bool:
    """Cut all but the program's own frames out of ``error`` and the exceptions it refers to.

    Returns:
        Whether ``error`` itself keeps any frame.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        part = pending.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        BaseException.with_traceback(part, trim_traceback(part.__traceback__))
        pending += (part.__cause__, part.__context__)
        if isinstance(part, BaseExceptionGroup):
            pending += part.exceptions
    return error.__traceback__ is not None


def trim_traceback(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Return a copy of ``trace`` with the last of the program's own frames."""
    own = []
    while trace is not None:
        if is_own(trace.tb_frame.f_code.co_filename):
            own.append(trace)
        trace = trace.tb_next
    trimmed = None
    for entry in reversed(own[-OWN_FRAMES_LIMIT:]):
        trimmed = types.TracebackType(trimmed, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return trimmed


def drop_empty_stacks(report: Any) -> None:
    """Leave out the heading "Traceback" where no frame follows, as Python does for a SyntaxError."""
    for part in parts_of(report):
        if not part.stack:
            part.stack = None


def shorten_messages(report: Any) -> None:
    """Cut what is longer than would be shown, before ``traceback`` makes four more copies of it.

    Source: Lib/traceback.py of Python 3.13, ``TracebackException`` (``_str``, ``__notes__``), ``textwrap.indent``.
    """
    for part in parts_of(report):
        if is_long(message := getattr(part, "_str", None)):
            part._str = shortened(message, MESSAGE_LIMIT_BYTES)
        if isinstance(notes := getattr(part, "__notes__", None), list):
            part.__notes__ = [shortened(note, MESSAGE_LIMIT_BYTES) if is_long(note) else note for note in notes]


def is_long(text: object) -> TypeGuard[str]:
    """Return whether a message is too long to be shown with the lines that led to it."""
    return isinstance(text, str) and len(text) > MESSAGE_LIMIT_BYTES


def parts_of(report: Any) -> Iterator[Any]:
    """Yield the reports of an exception and of those that it refers to, each once."""
    pending = [report]
    seen = set()
    while pending:
        part = pending.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        pending += (part.__cause__, part.__context__, *(part.exceptions or ()))


def hide_image_paths(text: str) -> str:
    """Shorten paths of the image to the name of the module: they tell the client nothing."""
    for folder in sorted(IMAGE_PATHS, key=len, reverse=True):
        text = text.replace(folder + "/", "")
    return text
