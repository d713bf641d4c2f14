"""Remembers which call made an artist, where Matplotlib itself keeps nothing of it, and where texts were laid out.

A box plot leaves lines behind, a histogram rectangles, a wireframe a collection of lines; nothing tells them from those
that the program drew one by one. So the methods that make them note it: `watch` puts a function before each, which
calls it and keeps, for each artist that the axes have gained, the kind of the call. The program sees the same results
and pictures, names, signatures and documentation.

A text is laid out anew for each question about its box, which takes as long as drawing it. What drawing found is kept
for that.

A warning names the innermost line outside Matplotlib. So the functions put before its methods run under the name of the
module and of the file whose methods they stand before: by the one Matplotlib chooses under Python 3.11, by the other
later (`matplotlib._api.warn_external`).
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import inspect
import sys
import weakref
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Methods of plain axes, and the kinds of what they make. One that others call isn't here: what they make is theirs.
FLAT_METHODS = {
    "bxp": "box plot",
    "violin": "violin plot",
    "hist": "histogram",
    "pie": "pie",
    "hexbin": "hexagonal bins",
    "stackplot": "stacked area",
    "streamplot": "stream lines",
    "fill": "fill",
    "broken_barh": "bar",
    "eventplot": "events",
    "hlines": "reference line",
    "vlines": "reference line",
    "tripcolor": "mesh",
    "triplot": "lines",
    "bar_label": "annotation",
    "pie_label": "text",
}

#: Those of axes in three dimensions.
SOLID_METHODS = {
    "plot_surface": "surface",
    "plot_trisurf": "surface",
    "plot_wireframe": "wireframe",
    "bar3d": "bars in 3D",
    "voxels": "voxels",
    "quiver": "arrows",
    "fill_between": "fill",
}


#: Of texts: returns the box about its place first.
LAYOUT_METHOD = "_get_layout"


class Call:
    """One call of such a method.

    It doesn't hold the artists: they would live as long as what is kept of them.

    Attributes:
        kind: What it drew.
        method: The name of the method.
        parts: The kinds of parts of its artists, by their numbers among those that it made.
        data: What its artists don't tell: of a histogram, its counts and edges.
    """

    __slots__ = ("data", "kind", "method", "parts")

    def __init__(self, kind: str, method: str) -> None:
        self.kind = kind
        self.method = method
        self.parts: dict[int, str] = {}
        self.data: Any = None


class Notes:
    """What is noted of things, as long as they live: by which they are, not by what their classes hold for equal."""

    def __init__(self) -> None:
        self._notes: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def get(self, thing: Any) -> Any | None:
        """Return what was noted last of a thing; None if nothing was."""
        known = self._notes.get(id(thing))
        return known[1] if known is not None and known[0]() is thing else None

    def put(self, thing: Any, note: Any) -> None:
        """Note something of a thing; raise TypeError if it can't be known when it is gone."""
        self._notes[id(thing)] = (weakref.ref(thing, functools.partial(self._forget, id(thing))), note)

    def _forget(self, key: int, gone: weakref.ref[Any]) -> None:
        known = self._notes.get(key)
        if known is not None and known[0] is gone:
            del self._notes[key]


#: Calls by artists, each with the number of the artist among those of the call.
_calls = Notes()


#: The last layout of each text: at how many dots per inch, and its box about its place.
_layouts = Notes()


#: Whether layouts are noted.
_drawing = True


@contextlib.contextmanager
def layouts_kept() -> Iterator[None]:
    """Keep the layouts of the last drawing for a while: what is laid out only to measure it isn't noted."""
    global _drawing  # noqa: PLW0603 - there is one Matplotlib
    _drawing = False
    try:
        yield
    finally:
        _drawing = True


def layout_of(text: Any, dpi: float) -> Any | None:
    """Return the box of a text about its place, if it was last laid out at a resolution; None otherwise."""
    known = _layouts.get(text)
    return known[1] if known is not None and known[0] == dpi else None


def call_of(artist: Any) -> tuple[Call, int] | None:
    """Return the call that made an artist, and the artist's number in it; None if none was noted."""
    return _calls.get(artist)


def watch() -> None:
    """Note such calls, and layouts of texts, from now on; to be called before the program runs, once."""
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    setattr(Text, LAYOUT_METHOD, _watched(vars(Text)[LAYOUT_METHOD], _note_layout))
    for name, kind in FLAT_METHODS.items():
        _put_before(Axes, name, kind)
    solid = sys.modules.get("mpl_toolkits.mplot3d.axes3d")
    if solid is not None:
        for name, kind in SOLID_METHODS.items():
            _put_before(solid.Axes3D, name, kind)


def _put_before(owner: type, name: str, kind: str) -> None:
    """Note calls of one method, if there is one of that name."""
    method = vars(owner).get(name)
    if isinstance(method, FunctionType):
        setattr(owner, name, _watched(method, functools.partial(_note, kind, name)))


def _watched(method: FunctionType, note: Callable[[Any, int, Any], None]) -> FunctionType:
    """Return a function that calls a method and notes what that has made."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = len(getattr(self, "_children", ()))
        result = method(self, *args, **kwargs)
        note(self, before, result)
        return result

    watched = as_code_of(method, call)
    return functools.update_wrapper(watched, method)  # type: ignore[return-value]  # it returns what it is given


def as_code_of(method: Any, function: Any) -> FunctionType:
    """Return a function, of built-in and enclosed names alone, as code of the file whose method it stands before."""
    file = inspect.unwrap(method).__code__.co_filename
    code = function.__code__.replace(co_filename=file, co_firstlineno=method.__code__.co_firstlineno)
    names = {"__name__": method.__module__, "__builtins__": builtins}
    return FunctionType(code, names, method.__name__, None, function.__closure__)


def _note(kind: str, name: str, axes: Any, before: int, result: Any) -> None:
    """Note the artists that axes have gained; whatever hinders that costs only the note."""
    with contextlib.suppress(Exception):
        made = axes._children[before:]
        for call, artists in _calls_in(kind, name, made, result):
            for number, artist in enumerate(artists):
                _calls.put(artist, (call, number))


def _note_layout(text: Any, _: int, result: Any) -> None:
    """Note what a layout of a text has found."""
    if not _drawing:
        return
    with contextlib.suppress(Exception):
        _layouts.put(text, (text.get_figure(root=True).dpi, result[0]))


def _calls_in(kind: str, name: str, made: list[Any], result: Any) -> list[tuple[Call, list[Any]]]:
    """Return what one call made: as one thing, and a histogram of several samples as one each."""
    if name == "hist":
        return _histograms(kind, name, result)
    call = Call(kind, name)
    if name in ("bxp", "violin"):
        roles = {id(artist): role for role, artists in result.items() for artist in _listed(artists)}
        call.parts = {number: roles.get(id(artist), "") for number, artist in enumerate(made)}
    return [(call, made)]


def _histograms(kind: str, name: str, result: Any) -> list[tuple[Call, list[Any]]]:
    """Return the histograms of one call, with their counts and edges."""
    import numpy as np

    counts, edges, drawn = result
    several = np.ndim(counts) > 1
    calls = []
    for count, artists in zip(counts if several else [counts], drawn if several else [drawn], strict=True):
        call = Call(kind, name)
        call.data = (count, edges)
        calls.append((call, list(artists)))
    return calls


def _listed(artists: Any) -> list[Any]:
    """Return artists that a call named, one or several, as a list."""
    return list(artists) if isinstance(artists, list | tuple) else [artists]
