"""Noting calls changes nothing that a program sees."""

from __future__ import annotations

import gc
import inspect
import io
import pickle
import sys
import warnings
import weakref
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from mpl_toolkits.mplot3d import Axes3D

from tests.support.explained import drawn, marks, save
from tests.unit.explain.conftest import watched_methods

METHODS = [(owner, name) for owner in (Axes, Axes3D) for name in watched_methods(owner)]


def test_all_methods_exist() -> None:
    """This Matplotlib has every method that is noted."""
    assert {name for owner, name in METHODS if owner is Axes} == set(marks.FLAT_METHODS)
    assert {name for owner, name in METHODS if owner is Axes3D} == set(marks.SOLID_METHODS)


@pytest.mark.parametrize(("owner", "name"), METHODS)
def test_methods_look_as_before(owner: type, name: str) -> None:
    """Name, documentation, signature, source and pickle of a method are those of Matplotlib's own."""
    method: Any = getattr(owner, name)
    original = method.__wrapped__
    assert method.__name__ == original.__name__ == name
    assert method.__qualname__ == original.__qualname__
    assert method.__doc__ is original.__doc__
    assert method.__module__ == original.__module__
    assert inspect.signature(method) == inspect.signature(original)
    assert inspect.getsource(method) == inspect.getsource(original)
    if method.__module__.endswith("axes._axes"):  # others of Matplotlib's own can't be pickled
        assert pickle.loads(pickle.dumps(method)) is method  # noqa: S301 - our own


def draw_much(figure: Figure) -> list[Any]:
    """Call noted methods, and return what they gave as text."""
    x = np.linspace(0, 1, 20)
    flat, round_ = figure.subplots(1, 2)
    return [
        repr(flat.hist([x, x**2], bins=4)),
        sorted(flat.boxplot([x, x**2])),
        sorted(flat.violinplot([x, x**2])),
        len(flat.stackplot(x, x, x)),
        type(round_.pie([1, 2], labels=["a", "b"])),
        type(flat.hexbin(x, x, gridsize=4)),
    ]


def test_results_and_pictures_are_the_same() -> None:
    """The same calls give the same results and the same bytes whether they are noted or not."""
    noted, plain = Figure(), Figure()
    results = draw_much(noted)
    with unnoted():
        assert draw_much(plain) == results
    assert save(plain) == save(noted)


class unnoted:  # noqa: N801 - reads as a statement
    """Put Matplotlib's own methods back for a while."""

    def __enter__(self) -> None:
        self.before = [(owner, name, vars(owner)[name]) for owner, name in METHODS]
        for owner, name, method in self.before:
            setattr(owner, name, method.__wrapped__)

    def __exit__(self, *_: object) -> None:
        for owner, name, method in self.before:
            setattr(owner, name, method)


def place_of_warning(draw: Any) -> tuple[str, int]:
    """Return file and line of the first warning that a function gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        draw()
    return caught[0].filename, caught[0].lineno


def test_warnings_name_the_programs_line() -> None:
    """A warning of Matplotlib's, and one of NumPy's within, are placed as without notes."""
    ax = Figure().subplots()

    def warned_by_matplotlib() -> None:
        ax.boxplot([[1, 2], [3]], vert=True)

    def warned_by_numpy() -> None:
        ax.hist(np.array([np.inf, 1.0]) * 0 + 1, density=True, weights=[0, 0])

    for draw in (warned_by_matplotlib, warned_by_numpy):
        noted = place_of_warning(draw)
        with unnoted():
            assert place_of_warning(draw) == noted
    assert place_of_warning(warned_by_matplotlib)[0] == __file__


def test_errors_are_the_same() -> None:
    """What a method raises comes through, with a traceback in which there is no file of the runner."""
    ax = Figure().subplots()
    with pytest.raises(ValueError, match="color") as caught:
        ax.hist([1, 2], color=["red", "blue", "green"])
    files = {str(entry.path) for entry in caught.traceback}
    assert not [name for name in files if "explain" in name and name != __file__]
    with pytest.raises(TypeError) as caught_early:
        ax.hist()
    with unnoted(), pytest.raises(TypeError) as caught_plainly:
        ax.hist()
    assert str(caught_early.value) == str(caught_plainly.value)
    with pytest.raises(AttributeError):
        Axes.hist(object(), [1])


def test_notes_keep_nothing_alive() -> None:
    """Artists that the program throws away are collected, and their notes with them."""
    figure = Figure()
    ax = figure.subplots()
    artists = ax.boxplot([[1, 2, 3]])["medians"]
    assert marks.call_of(artists[0]) is not None
    dead = weakref.ref(artists[0])
    before = len(marks._calls._notes)
    del artists
    ax.clear()
    del ax, figure
    gc.collect()
    assert dead() is None
    assert len(marks._calls._notes) < before


def test_notes_are_of_the_very_artist() -> None:
    """What a class of the program holds for equal isn't mistaken for it, and is not asked."""
    asked: list[str] = []

    class Odd(Text):
        def __eq__(self, other: object) -> bool:
            asked.append("eq")
            return True

        def __hash__(self) -> int:
            asked.append("hash")
            raise SystemExit

    figure = Figure()
    short, long = Odd(0.1, 0.1, "i"), Odd(0.1, 0.5, "much longer")
    for text in (short, long):
        figure.add_artist(text)
    save(figure)
    noted = [marks.layout_of(text, figure.dpi) for text in (short, long)]
    assert all(box is not None for box in noted)
    assert noted[0].width < noted[1].width
    assert asked == []


def test_the_innermost_method_of_a_call_notes_nothing_of_its_own() -> None:
    """What a noted method makes by way of another one belongs to the outer one."""
    ax = Figure().subplots()
    pie = ax.pie([1, 2])
    labels = ax.pie_label(pie, ["a", "b"])
    calls = [marks.call_of(artist) for artist in (*pie.wedges, *labels)]
    assert [call[0].method for call in calls if call is not None] == ["pie", "pie", "pie_label", "pie_label"]


def test_names_of_the_warnings_modules() -> None:
    """The functions put before methods run as code of Matplotlib's files, which is what keeps warnings in place."""
    folder = mpl.__path__[0]
    for owner, name in METHODS:
        method = vars(owner)[name]
        file = method.__code__.co_filename
        assert file.startswith(folder) or "mpl_toolkits" in file
        assert method.__globals__["__name__"].split(".")[0] in ("matplotlib", "mpl_toolkits")
        assert method.__globals__ is not vars(sys.modules[method.__module__])


@pytest.mark.parametrize("dpi", [50.0, 100.0])
def test_texts_and_legends_are_where_matplotlib_says(dpi: float) -> None:
    """The box of each text and legend is the one that a new layout finds, whatever was saved last."""
    figure = Figure(dpi=100)
    ax = figure.subplots()
    ax.plot([1, 4, 2], label="line")
    ax.legend(title="title", loc="best")
    ax.set(title="two\nlines", xlabel="$x^2$")
    ax.text(1, 2, "turned", rotation=30, ha="right")
    ax.annotate("offset", (1, 3), (10, 20), textcoords="offset points")
    ax.annotate("arrow", (1, 3), (0.2, 0.2), arrowprops={"arrowstyle": "->"})
    figure.savefig(io.BytesIO(), format="png")
    figure.savefig(io.BytesIO(), format="png", dpi=dpi)
    width, height = figure.get_size_inches() * 100
    saved = drawn.Saved(100.0, 0.0, float(height), float(width), float(height))
    with drawn.as_saved(figure, saved):
        found = drawn.Drawn(figure, saved, 60.0)
        for artist in [*figure.findobj(Text), ax.legend_]:
            if artist.get_visible() and (artist is ax.legend_ or artist.get_text()):
                known = found.extent(artist)
                expected = artist.get_window_extent(found.renderer)
                assert known is not None
                assert np.allclose(known.extents, expected.extents), artist
