"""Looks at what a failed program left without running any of its code: no properties, no ``__getattr__``, no ``dir``.

What comes from it is as hostile as the program, so every caller stands ready for exceptions of any kind.
"""

from __future__ import annotations

import builtins
import types
from itertools import islice
from typing import TYPE_CHECKING, Any

from program import is_own

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

MISSING: Any = object()

#: Frames of an exception, classes of an object, names of each, and characters of an expression.
FRAMES_LIMIT = 2000
CLASSES_LIMIT = 50
NAMES_LIMIT = 1000
EXPRESSION_LIMIT = 10_000

_dict_of_class: Any = type.__dict__["__dict__"]


def trace_of(error: BaseException) -> list[types.TracebackType]:
    """Return the entries of an exception's traceback, the outermost first."""
    entries: list[types.TracebackType] = []
    entry = error.__traceback__
    while entry is not None and len(entries) < FRAMES_LIMIT:
        entries.append(entry)
        entry = entry.tb_next
    return entries


def place_in(entries: list[types.TracebackType]) -> tuple[types.TracebackType | None, list[types.TracebackType]]:
    """Return the last entry that is the client's own, and those of libraries that it called."""
    for at in range(len(entries) - 1, -1, -1):
        if is_own(entries[at].tb_frame.f_code.co_filename):
            return entries[at], entries[at + 1 :]
    return None, []


def expression_at(entry: types.TracebackType) -> ast.expr | None:
    """Return the expression that a frame was at; None if its text isn't known.

    Source: the Python data model, "codeobject.co_positions()": an entry for each code unit of two bytes, columns in
    bytes of UTF-8.
    """
    import ast
    import linecache

    code = entry.tb_frame.f_code
    line, last, begin, end = next(islice(code.co_positions(), entry.tb_lasti // 2, None), (None,) * 4)
    if line is None or last is None or begin is None or end is None or not 0 <= last - line < EXPRESSION_LIMIT:
        return None
    lines = [linecache.getline(code.co_filename, each).encode() for each in range(line, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    text = b"".join(lines)
    if len(text) > EXPRESSION_LIMIT:
        return None
    try:
        return ast.parse(b"(" + text + b"\n)", mode="eval").body
    except SyntaxError:  # a statement
        return None


def resolve(node: ast.AST | None, frame: types.FrameType) -> Any:
    """Return what an expression of names, attributes and constant indices stands for; MISSING if that isn't plain."""
    import ast

    if isinstance(node, ast.Name):
        return named(node.id, frame)
    if isinstance(node, ast.Attribute):
        return static(resolve(node.value, frame), node.attr)
    if isinstance(node, ast.Subscript):
        return _element(resolve(node.value, frame), ast.literal_eval(node.slice))
    return MISSING


def named(name: str, frame: types.FrameType) -> Any:
    """Return what a name means in a frame, or MISSING."""
    for names in (frame.f_locals, frame.f_globals, vars(builtins)):
        if (found := names.get(name, MISSING)) is not MISSING:
            return found
    return MISSING


def _element(thing: Any, index: Any) -> Any:
    import numpy as np

    if type(thing) in (list, tuple, dict, np.ndarray):
        return thing[index]
    return MISSING


def static(thing: Any, name: str) -> Any:
    """Return an attribute of a module, class or object as it is stored, or MISSING."""
    if thing is MISSING:
        return MISSING
    for names in _namespaces(thing):
        found = names.get(name, MISSING)
        if found is not MISSING:
            return found.__func__ if type(found) in (staticmethod, classmethod) else found
    return MISSING


def names_of(thing: Any) -> Iterator[str]:
    """Yield the names of an object's attributes, its own first; no private ones, and not more than some thousands."""
    for names in _namespaces(thing):
        for name in islice(names, NAMES_LIMIT):
            if type(name) is str and not name.startswith("_"):
                yield name
    if type(thing) is types.ModuleType and type(public := static(thing, "__all__")) is list:
        yield from public[:NAMES_LIMIT]  # some are only imported when they are asked for


def _namespaces(thing: Any) -> Iterator[dict[str, Any]]:
    if not _is_class(thing):
        yield from _own_names(thing)
    for kind in classes_of(thing):
        yield _dict_of_class.__get__(kind)


def _own_names(thing: Any) -> Iterator[dict[str, Any]]:
    """Yield the namespace that an object has itself, if it is a plain one."""
    try:
        found = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return
    if type(found) is dict:
        yield found


def _is_class(thing: Any) -> bool:
    return issubclass(type(thing), type)


def classes_of(thing: Any) -> list[type]:
    """Return the classes of an object, its own first; of a class, itself and its bases."""
    return type.mro(thing if _is_class(thing) else type(thing))[:CLASSES_LIMIT]


def name_of(kind: type) -> str:
    """Return a class's name, whatever its metaclass says."""
    return str(type.__getattribute__(kind, "__name__"))


def is_a(thing: Any, module: str, name: str) -> bool:
    """Return whether an object's classes include one by its module and name, which needn't be imported."""
    for kind in type.mro(type(thing))[:CLASSES_LIMIT]:
        names = _dict_of_class.__get__(kind)
        if name_of(kind) == name and str(names.get("__module__", "")).startswith(module):
            return True
    return False
