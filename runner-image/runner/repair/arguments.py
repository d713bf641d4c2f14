"""Keyword arguments that a function doesn't take: those that it does."""

from __future__ import annotations

import inspect
import re
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

from program import is_own

from repair import looking, replaced
from repair.near import nearest, offer

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator

    from repair.hints import Failure

UNEXPECTED = r"^([\w.<>]{1,150})\(\) got an unexpected keyword argument '(\w{1,60})'"
NO_PROPERTY = r"^'(\w{1,60})' object has no property '(\w{1,60})'"
OF_C = r"^'(\w{1,60})' is an invalid keyword argument for (\w{1,60})\(\)"

OF_NETWORKX = r"^Received invalid argument\(s\): (\w{1,60})$"
NETWORKX_PARTS = ("draw_networkx_nodes", "draw_networkx_edges", "draw_networkx_labels")

#: Names that functions have in tracebacks, and which no one calls them by.
WRAPPERS = ("wrapper", "inner", "<lambda>", "wrapped")

#: Decorations that are looked through, modules in which a function is looked for, and parameters of a function.
WRAPPED_LIMIT = 10
MODULES_LIMIT = 3000
PARAMETERS_LIMIT = 200
LIBRARIES = ("matplotlib", "mpl_toolkits", "numpy", "pandas", "scipy", "seaborn", "networkx", "cycler")


def about_arguments(failure: Failure) -> str:
    """Return which argument was probably meant, or what replaced the one that was given."""
    if isinstance(failure.error, ValueError) and (found := re.match(OF_NETWORKX, failure.text)):
        return _about_networkx(found[1], failure)
    if not isinstance(failure.error, (TypeError, AttributeError)):
        return ""
    if found := re.match(UNEXPECTED, failure.text) or re.match(NO_PROPERTY, failure.text):
        function, name = found[1], found[2]
    elif found := re.match(OF_C, failure.text):
        name, function = found[1], found[2]
    else:
        return ""
    parts = [part for part in function.split(".") if part not in ("__init__", "<locals>")]
    passed = [entry.tb_frame for entry in failure.called]
    names = [parts[-1], *(frame.f_code.co_name for frame in passed)]
    callees = list(_callees(function, failure))
    if (passed or any(map(_is_of_library, callees))) and (said := replaced.of_argument(names, name)):
        return said
    near = _near(name, passed, callees)
    return f"`{name}` is no argument of {_called(passed) or parts[-1]}(): {offer(near)}" if near else ""


def _about_networkx(name: str, failure: Failure) -> str:
    """Return the nearest argument of those that networkx passes on to what draws nodes, edges and labels."""
    passed = [entry.tb_frame for entry in failure.called]
    near = _near(name, passed, [looking.static(sys.modules["networkx"], part) for part in NETWORKX_PARTS])
    return f"`{name}` is no argument of {_called(passed)}(): {offer(near)}" if near else ""


def _called(passed: list[types.FrameType]) -> str:
    """Return the name of what the program called; empty if its frame doesn't tell."""
    for frame in passed:
        name = frame.f_code.co_name
        if name == "__init__":
            return looking.name_of(type(frame.f_locals.get("self")))
        if name not in WRAPPERS and not name.startswith("_"):
            return name.rpartition(".")[2]
    return ""


def _is_of_library(function: Any) -> bool:
    """Return whether a function is none of the program's own."""
    if not inspect.isfunction(function):
        return not issubclass(type(function), type) or function.__module__ != "__main__"
    return not is_own(function.__code__.co_filename)


def _near(name: str, passed: list[types.FrameType], callees: list[Any]) -> list[str]:
    """Return the nearest arguments: of the functions that passed it on, then of the one that refused it."""
    given = [
        each
        for frame in passed
        if frame.f_code.co_flags & inspect.CO_VARKEYWORDS
        for each in _parameters_of_code(frame.f_code)
    ]
    given += _settings_of_artist(passed)
    for each in callees:
        given += _parameters(each)
    return nearest(name, dict.fromkeys(each for each in given if each not in ("self", "cls")))


def _parameters_of_code(code: types.CodeType) -> tuple[str, ...]:
    return code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount][:PARAMETERS_LIMIT]


def _settings_of_artist(passed: list[types.FrameType]) -> list[str]:
    """Return what can be set of the artist that refused a setting, with short forms."""
    from matplotlib.artist import Artist, ArtistInspector

    artist: Any = passed[-1].f_locals.get("self") if passed and passed[-1].f_code.co_name == "_update_props" else None
    if not issubclass(type(artist), Artist):
        return []
    inspector = ArtistInspector(type(artist))
    return [*inspector.get_setters(), *(short for aliases in inspector.aliasd.values() for short in aliases)]


def _callees(function: str, failure: Failure) -> Iterator[Any]:
    """Yield the function that refused an argument: the one that is called there, or those of libraries so named."""
    import ast

    entry = failure.called[-1] if failure.called else failure.own
    if entry is None:
        return
    node = looking.expression_at(entry)
    called = looking.resolve(node.func, entry.tb_frame) if isinstance(node, ast.Call) else looking.MISSING
    if called is not looking.MISSING and called is not None:
        yield called
        return
    first, *rest = function.split(".")
    seen = set()
    for key, module in list(islice(sys.modules.items(), MODULES_LIMIT)):
        if key.partition(".")[0] not in LIBRARIES:
            continue
        thing = looking.static(module, first)
        for part in rest:
            thing = looking.static(thing, part)
        if thing is not looking.MISSING and id(thing) not in seen:
            seen.add(id(thing))
            yield thing


def _parameters(function: Any) -> tuple[str, ...]:
    """Return the names of a function's parameters, or of a class's; empty if nothing tells them."""
    if issubclass(type(function), type):
        function = looking.static(function, "__init__")
    for _ in range(WRAPPED_LIMIT):
        inner = looking.static(function, "__wrapped__")
        if inner is looking.MISSING or not callable(inner):
            break
        function = inner
    function = getattr(function, "__func__", function) if inspect.ismethod(function) else function
    if inspect.isfunction(function):
        return _parameters_of_code(function.__code__)
    try:
        return tuple(islice(inspect.signature(function).parameters, PARAMETERS_LIMIT))
    except ValueError:  # a function of C that has none; its documentation begins with it
        first = re.match(r"\s*\w+\(([^()]{1,500})\)", str(getattr(function, "__doc__", "")))
        return tuple(re.findall(r"(?:^|,)\s*(\w+)", first[1])) if first else ()
