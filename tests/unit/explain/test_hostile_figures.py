"""Figures of programs that mean harm: a description, within its bounds, or an exception that says so."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from gateway.model import explanation
from tests.support.explained import alt_text, checked, describe_saved, drawn, save, words


class Trap(Line2D):
    """A line that raises whatever it is asked, once it was drawn."""

    armed = False

    def __getattribute__(self, name: str) -> Any:
        if type(self).armed and not name.startswith("__"):
            raise RuntimeError("trap")
        return super().__getattribute__(name)


class Liar(Artist):
    """An artist whose answers are of the wrong types, or endless."""

    def draw(self, renderer: object) -> None:
        """Draw nothing."""

    def get_label(self) -> Any:
        """Return no text."""
        return 7

    def get_zorder(self) -> Any:
        """Return no number."""
        return "high"

    def get_window_extent(self, renderer: object = None) -> Any:
        """Return no box."""
        return self

    def __getattr__(self, name: str) -> Any:
        return self if not name.startswith("__") else super().__getattribute__(name)

    def __hash__(self) -> int:
        raise TypeError("no")


@pytest.fixture
def figure() -> Figure:
    """Return a figure with an honest line."""
    made = Figure()
    made.subplots().plot([1, 2, 3], label="honest")
    return made


def labels(description: Any) -> list[str]:
    """Return the labels of the artists of the first axes, which is checked on the way."""
    assert alt_text.alt_text(description)
    return [artist.label for artist in checked(description).axes[0].artists]


def test_artists_that_raise_cost_only_themselves(figure: Figure) -> None:
    """Beside artists that raise at each question, the others are told."""
    figure.axes[0].add_line(Trap([0, 1], [0, 1]))
    figure.axes[0].add_patch(Rectangle((0, 0), 1, 1, label="patch"))
    save(figure)
    Trap.armed = True
    try:
        assert sorted(labels(describe_saved(figure))) == ["honest", "patch"]
    finally:
        Trap.armed = False


def test_artists_that_lie_cost_only_themselves(figure: Figure) -> None:
    """Answers of the wrong types don't get into a description."""
    save(figure)
    figure.axes[0]._children.append(Liar())
    assert "honest" in labels(describe_saved(figure))


def test_an_axes_of_nonsense_keeps_its_number(figure: Figure) -> None:
    """What can't be told of an axes is left out, and the axes is still there."""
    save(figure)
    for name in ("xaxis", "yaxis", "_children", "title", "get_shared_x_axes", "transData"):
        vars(figure.axes[0])[name] = None
    (axes,) = checked(describe_saved(figure)).axes
    assert axes.number == 1


def test_children_in_a_circle(figure: Figure) -> None:
    """Axes that are insets of each other, and a figure within itself, end."""
    ax = figure.axes[0]
    inner = ax.inset_axes((0, 0, 0.5, 0.5))
    save(figure)
    inner.child_axes.append(ax)
    ax.child_axes.append(ax)
    figure.subfigs.append(figure)
    figure.artists.append(figure)
    assert "honest" in labels(describe_saved(figure))


def test_very_many_artists(figure: Figure) -> None:
    """A million artists are counted; those that are told are within the limit."""
    save(figure)
    ax = figure.axes[0]
    ax._children += [Line2D([0, 1], [0, 1])] * 1000
    ax._children *= 1000
    (axes,) = checked(describe_saved(figure)).axes
    assert len(axes.artists) <= explanation.ARTISTS_LIMIT
    assert axes.artists_left_out > 900_000


def test_different_artists_in_large_numbers(figure: Figure) -> None:
    """Thousands of different artists end within the time for a description, or by its end."""
    save(figure)
    figure.axes[0]._children += [Line2D([0, 1], [0, 1]) for _ in range(10_000)]
    with pytest.raises(drawn.OutOfTime):
        describe_saved(figure, seconds=0.0)
    (axes,) = checked(describe_saved(figure)).axes
    assert axes.artists_left_out > 9_000


def test_texts_of_megabytes(figure: Figure) -> None:
    """Long texts are cut, wherever they are."""
    ax = figure.axes[0]
    save(figure)
    long = "x" * 5_000_000
    ax.set(title=long, xlabel=long)
    ax.lines[0].set_label(long)
    figure.suptitle(long)
    ax.text(0, 0, long)
    description = describe_saved(figure, "summary")
    assert len(json.dumps(words.as_json(description))) < 10_000
    assert len(alt_text.alt_text(description)) <= explanation.SENTENCE_LIMIT
    assert checked(description).axes[0].title.startswith("xxx")


def test_texts_that_are_none(figure: Figure) -> None:
    """Characters that can't be written, and texts that are none, do no harm."""
    ax = figure.axes[0]
    save(figure)
    ax.title._text = "\x00\ud800\u202e"
    ax.xaxis.label._text = None
    ax.lines[0]._label = b"bytes"
    assert json.dumps(words.as_json(describe_saved(figure)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324])
def test_extreme_numbers(figure: Figure, value: float) -> None:
    """Numbers that aren't finite, or nearly so, are told as numbers or not at all."""
    save(figure)
    ax = figure.axes[0]
    with np.errstate(all="ignore"):
        ax.lines[0].set_data([value, 1, value], [value, value, 1])
        ax._children.append(Rectangle((value, 0), value, value, transform=ax.transData))
        ax.scatter([value, 1], [1, value], c=[value, 1])
        ax.text(value, value, "far")
        ax.viewLim._points[:] = value
        ax.bbox._bbox = ax.viewLim
    description = describe_saved(figure, "data")
    assert checked(description)
    assert json.dumps(words.as_json(description), allow_nan=False)


def test_wrong_arrays(figure: Figure) -> None:
    """Arrays of objects, of wrong lengths and of no dimension cost the artist that has them."""
    ax = figure.axes[0]
    dots = ax.scatter([1, 2], [1, 2], label="dots")
    image = ax.imshow([[1, 2], [3, 4]])
    save(figure)
    dots._offsets = np.array([object(), object()], dtype=object)
    image._A = np.array(None)
    description = describe_saved(figure)
    assert labels(description) == ["honest"]
    assert description.axes[0].artists_left_out == 2
