"""Alternative texts: one to three sentences that follow from the description alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from gateway.model import explanation
from tests.support.explained import alt_text, describe_saved, load, save, words

if TYPE_CHECKING:
    from collections.abc import Callable

X = np.linspace(0.0, 10.0, 50)
reading = load("explain.alternative.reading")


def text_of(figure: Figure, level: str = "full") -> str:
    """Return the alternative text of a figure."""
    save(figure)
    return str(alt_text.alt_text(describe_saved(figure, level)))


def lines(ax: Any) -> None:
    """Draw two lines with names."""
    ax.plot(X, X, label="slow")
    ax.plot(X, X**2, label="fast")
    ax.set(title="Speed", xlabel="time in s", ylabel="way in m", xlim=(0, 10), ylim=(0, 100))


def scatter(ax: Any) -> None:
    """Draw points with colours that a bar explains."""
    dots = ax.scatter([0, 1], [0, 1], c=[3, 2000])
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.figure.colorbar(dots, ax=ax, label="depth")


CASES: dict[str, tuple[Callable[[Any], object], str, str]] = {
    "two lines": (
        lines,
        "",
        (
            'Line chart titled "Speed" with 2 lines (slow and fast). The x axis shows "time in s" from 0 to 10 and the '
            'y axis shows "way in m" from 0 to 100. "fast" reaches highest, 100; "slow" and '
            '"fast" lowest, 0.'
        ),
    ),
    "a line that rises": (
        lambda ax: (ax.plot([1, 0, 9]), ax.set(xlim=(0, 2), ylim=(0, 9), yscale="symlog")),
        "",
        (
            "Line chart. The x axis goes from 0 to 2 and the y axis goes from 0 to 9 on a symmetric logarithmic scale. "
            "It rises from 1 to 9, with a low of 0 between."
        ),
    ),
    "a line that comes back": (
        lambda ax: (ax.plot([1, 5, 1]), ax.axis("off")),
        "",
        "Line chart. It begins at 1 and ends at 1, with a high of 5 between.",
    ),
    "a level line": (lambda ax: (ax.plot([2, 2]), ax.axis("off")), "", "Line chart. It stays at 2."),
    "bars": (
        lambda ax: (ax.bar(["wind", "sun", "coal"], [12_345, 3, 7]), ax.set(ylim=(0, 20_000))),
        "",
        (
            "Bar chart with 3 bars. The x axis goes from wind to coal and the y axis goes from 0 to 20,000. "
            "The highest value is that of wind, 12,345; the lowest that of sun, 3."
        ),
    ),
    "a pie": (
        lambda ax: ax.pie([1, 3], labels=["tea", "coffee"]),
        "",
        "Pie chart with 2 slices (tea and coffee). The largest slice is coffee with 75%, the smallest tea with 25%.",
    ),
    "boxes": (
        lambda ax: (ax.boxplot([[1, 2, 3], [5, 6, 7]], tick_labels=["a", "b"]), ax.set(ylim=(0, 8))),
        "",
        (
            "Box plot with 2 boxes (a and b). The x axis goes from a to b and the y axis goes from 0 to 8. "
            "The highest median is that of b, 6; the lowest that of a, 2."
        ),
    ),
    "colours": (
        scatter,
        "",
        (
            "Scatter plot with 2 points. The x axis goes from 0 to 1, the y axis goes from 0 to 1 and "
            'colours show "depth" from 3 to 2000.'
        ),
    ),
    "dates": (
        lambda ax: (ax.plot(np.array(["2024-01-01", "2024-03-01"], "datetime64[D]"), [1, 2]), ax.margins(0)),
        "",
        (
            "Line chart. The x axis goes from 2024-01-01 to 2024-03-01 and the y axis goes from 1 to 2. "
            "It rises from 1 to 2."
        ),
    ),
    "dates with a margin": (
        lambda ax: (
            ax.plot(np.array(["2024-01-01", "2024-03-01"], "datetime64[D]"), [1, 2]),
            ax.set(ylim=(1, 2), xlim=(np.datetime64("2023-12-28T18"), np.datetime64("2024-03-04T06"))),
        ),
        "",
        (
            "Line chart. The x axis goes from 2023-12-28 to 2024-03-04 and the y axis goes from 1 to 2. "
            "It rises from 1 to 2."
        ),
    ),
    "hours": (
        lambda ax: (
            ax.plot(np.array(["2024-01-01T06", "2024-01-02T18"], "datetime64[h]"), [1, 2]),
            ax.margins(0),
        ),
        "",
        (
            "Line chart. The x axis goes from 2024-01-01T06:00:00 to 2024-01-02T18:00:00 and the y axis goes from "
            "1 to 2. It rises from 1 to 2."
        ),
    ),
    "lines that reach as high": (
        lambda ax: (ax.plot([1, 3], label="a"), ax.plot([0, 3], label="b"), ax.axis("off")),
        "",
        'Line chart with 2 lines (a and b). "a" and "b" reach highest, 3; "b" lowest, 0.',
    ),
    "bars of one height": (
        lambda ax: (ax.bar(["a", "b", "c"], [1, 3, 3]), ax.axis("off")),
        "",
        "Bar chart with 3 bars. The highest value is that of b and c, 3; the lowest that of a, 1.",
    ),
    "histograms": (
        lambda ax: (
            ax.hist([1, 2, 2, 9], bins=[0, 5, 10], label="a"),
            ax.hist([1, 9], bins=[0, 5, 10], label="b"),
            ax.axis("off"),
        ),
        "",
        'Histogram with 2 sets of bins (a and b). "a" reaches highest, 3.',
    ),
    "a surface": (
        lambda ax: (
            ax.plot_surface(*np.meshgrid([0, 1, 2], [0, 1, 2]), np.eye(3)),
            ax.set(xlim=(0, 2), ylim=(0, 2), zlim=(0, 1), zlabel="height"),
        ),
        "3d",
        'and the z axis shows "height" from',
    ),
    "a rose": (lambda ax: (ax.bar([0, 1], [1, 2]), ax.set_ylim(0, 2)), "polar", "Polar bar chart with 2 bars. "),
    "a map": (lambda ax: ax.scatter([0, 1], [0, 1]), "mollweide", "Scatter plot on a map with 2 points. "),
    "a formula": (
        lambda ax: (ax.plot([1, 2]), ax.axis("off"), ax.set_title(r"$\sigma_{x}$ and $\Delta$")),
        "",
        'Line chart titled "σ_x and Δ". It rises from 1 to 2.',  # noqa: RUF001 - a sigma is meant
    ),
    "points on a line": (
        lambda ax: (ax.plot(X, X), ax.plot([5], [5], "o"), ax.axis("off")),
        "",
        "Line chart with points. It rises from 0 to 10.",
    ),
    "nothing": (lambda ax: ax.set_title("soon"), "", 'Empty chart titled "soon".'),
    "text": (lambda ax: ax.text(0, 0, "no data"), "", "Figure with text: no data."),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_of_a_chart(case: str) -> None:
    """An alternative text names the kind, the axes with their ranges, and what stands out."""
    draw, projection, expected = CASES[case]
    figure = Figure()
    draw(figure.add_subplot(projection=projection or None))
    said = text_of(figure)
    assert said == expected or (projection and expected in said)


def test_several_charts() -> None:
    """Of several charts it says how many they are, which, and of two also what stands out."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    lines(left)
    right.bar(["a", "b"], [1, 2])
    right.set(xlabel="kind", ylabel="number")
    figure.suptitle("Both")
    assert text_of(figure) == (
        'Figure titled "Both" with 2 charts: a line chart, "Speed" and a bar chart of number against kind. '
        'In the first one, "fast" reaches highest, 100; "slow" and "fast" lowest, 0. '
        "In the second one, the highest value is that of b, 2; the lowest that of a, 1."
    )
    figure = Figure()
    for number, ax in enumerate(figure.subplots(2, 3).flat):
        ax.plot([1, 2])
        ax.set_title(f"no. {number}")
    assert text_of(figure) == 'Figure with 6 line charts: "no. 0", "no. 1", "no. 2" and 3 more.'


def test_figures_without_charts() -> None:
    """An empty figure, one of text, and one of empty axes are told as such."""
    figure = Figure()
    assert text_of(figure) == "Empty figure."
    figure.text(0.5, 0.5, "To be done")
    assert text_of(figure) == "Figure with text: To be done."
    figure = Figure()
    figure.subplots(1, 2)
    figure.suptitle("Two")
    assert text_of(figure) == 'Figure titled "Two" with 2 empty charts.'


def test_the_level_makes_no_difference() -> None:
    """What an alternative text needs is in descriptions of all levels."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    lines(left)
    right.pie([1, 2], labels=["a", "b"])
    assert text_of(figure, "summary") == text_of(figure, "full") == text_of(figure, "data")


def test_it_is_bounded() -> None:
    """Many long names don't make a text longer than its limit."""
    figure = Figure()
    for ax in figure.subplots(2, 2).flat:
        for number in range(9):
            ax.plot([number], [1], label=f"{number}" * 250)
        ax.set(title="t" * 250, xlabel="x" * 250, ylabel="y" * 250)
    said = text_of(figure)
    assert 100 < len(said) <= explanation.SENTENCE_LIMIT


def test_any_description_has_a_text() -> None:
    """Each kind of artist and axes, with values of all sorts or none, gives sentences."""
    for kind in explanation.ArtistKind:
        for axes_kind in explanation.AxesKind:
            for side in (None, words.Values(), words.Values("a", "b", "a", "b"), words.Values(1, 2, 1, 2)):
                artist = words.Artist(str(kind), "name", "text", ("a",), "stacked", 3, x=side, y=side, values=side)
                axes = words.Axes(1, str(axes_kind), "plot", artists=(artist, artist))
                said = alt_text.alt_text(words.Description("full", 1, 1, 1, 1, 1, axes=(axes, axes._replace(number=2))))
                assert said.endswith((".", "\N{HORIZONTAL ELLIPSIS}"))
                assert said == alt_text.alt_text(words.Description("full", 1, 1, 1, 1, 1, axes=(axes, axes)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (1234.5, "1234"),
        (1999.0, "1999"),
        (9999.7, "10,000"),
        (12_345.0, "12,345"),
        (0.123456, "0.123"),
        (1e9, "1e+09"),
        (-2000.0, "-2000"),
        (None, ""),
        ("May", "May"),
    ],
)
def test_values_as_they_are_read(value: Any, expected: str) -> None:
    """Numbers have three digits, from a thousand on none behind the point; what isn't a number stays."""
    assert reading.told(value) == expected
