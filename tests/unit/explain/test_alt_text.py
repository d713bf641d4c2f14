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
            'y axis shows "way in m" from 0 to 100. "fast" reaches highest, 100; all reach down to 0.'
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
        "Line chart with a point. It rises from 0 to 10.",
    ),
    "a curve that turns back": (
        lambda ax: (ax.plot(np.sin(X), np.cos(3 * X)), ax.axis("off"), ax.set_title("Knot")),
        "",
        'Line chart titled "Knot".',
    ),
    "bars alike": (
        lambda ax: (ax.bar(["a", "b", "c"], [5, 2, 5]), ax.set_axis_off()),
        "",
        "Bar chart with 3 bars. The highest value is that of a and c, 5; the lowest that of b, 2.",
    ),
    "series alike": (
        lambda ax: (ax.plot([1, 5], label="a"), ax.plot([5, 2], label="b"), ax.set_axis_off()),
        "",
        'Line chart with 2 lines (a and b). All reach up to 5; "a" lowest, 1.',
    ),
    "next to nothing": (
        lambda ax: (ax.plot([1e-12, 1, 0.5]), ax.set_axis_off()),
        "",
        "Line chart. It rises from 0 to 0.5, with a high of 1 between.",
    ),
    "very small on a logarithmic scale": (
        lambda ax: (ax.plot([1e-12, 1, 0.5]), ax.set_yscale("log"), ax.set_axis_off()),
        "",
        "Line chart. It rises from 1\N{MULTIPLICATION SIGN}10^-12 to 0.5, with a high of 1 between.",
    ),
    "years": (
        lambda ax: (ax.plot([2019, 2022], [3, 4]), ax.set(xlim=(2018.75, 2022.25), ylim=(0, 5))),
        "",
        "Line chart. The x axis goes from 2018.8 to 2022.2 and the y axis goes from 0 to 5. It rises from 3 to 4.",
    ),
    "times of different days": (
        lambda ax: (
            ax.plot(np.array(["2024-01-01T06:00", "2024-03-01T07:30"], "datetime64[m]"), [1, 1]),
            ax.margins(0),
            ax.yaxis.set_visible(False),
        ),
        "",
        "Line chart. The x axis goes from 2024-01-01 to 2024-03-01. It stays at 1.",
    ),
    "bins": (
        lambda ax: (ax.hist([1, 1, 1, 3, 4], bins=[0, 2, 4, 6]), ax.set(xlim=(0, 6), ylim=(0, 4))),
        "",
        (
            "Histogram with 3 bins. The x axis goes from 0 to 6 and the y axis goes from 0 to 4. "
            "The highest bin is that from 0 to 2, with 3."
        ),
    ),
    "bins of several": (
        lambda ax: (ax.hist([[1, 1], [3, 5, 5]], bins=[0, 2, 4, 6], label=["a", "b"]), ax.set_axis_off()),
        "",
        'Grouped histogram with 2 series (a and b). "a" is highest from 0 to 2, with 2; "b" from 4 to 6, with 2.',
    ),
    "a pie named by its legend": (
        lambda ax: ax.legend(ax.pie([1, 3], autopct="%d")[0], ["tea", "coffee"]),
        "",
        "Pie chart with 2 slices (tea and coffee). The largest slice is coffee with 75%, the smallest tea with 25%.",
    ),
    "months around a circle": (
        lambda ax: (
            ax.set_xticks(np.arange(4) * np.pi / 2, ["Jan", "Apr", "Jul", "Oct"]),
            ax.bar(np.arange(4) * np.pi / 2, [4, 1, 3, 2]),
        ),
        "polar",
        "The highest value is that of Jan, 4; the lowest that of Apr, 1.",
    ),
    "very many bars": (
        lambda ax: (ax.bar(np.arange(60), np.arange(60) % 7 + 1), ax.set_axis_off()),
        "",
        "Bar chart with 60 bars. The values are between 1 and 7.",
    ),
    "a network": (
        lambda ax: (
            ax.plot([0, 1], [0, 2]),
            ax.plot([1, 2], [2, 1]),
            ax.plot([2, 0], [1, 0]),
            ax.scatter([0, 1, 2], [0, 2, 1]),
            ax.set_axis_off(),
        ),
        "",
        "Network with 3 nodes and 3 edges.",
    ),
    "lines at points": (
        lambda ax: (ax.vlines(range(6), 0, range(6)), ax.scatter(range(6), range(6)), ax.set_axis_off()),
        "",
        "Scatter plot with 6 points and line segments.",
    ),
    "what else is drawn": (
        lambda ax: (
            ax.scatter(X, X, label="measured"),
            ax.plot([0, 9], [0, 9], label="fit"),
            ax.axhline(2),
            ax.axhline(3),
            ax.annotate("peak", (5, 5)),
            ax.set_axis_off(),
        ),
        "",
        'Scatter plot with 50 points (measured), a line (fit) and 2 reference lines, annotated "peak".',
    ),
    "names of colours": (
        lambda ax: (
            ax.legend(*ax.scatter([0, 1, 2], [0, 1, 2], c=[1, 2, 2]).legend_elements(), title="kind"),
            ax.set_axis_off(),
        ),
        "",
        "Scatter plot with 3 points and a legend of kind (1 and 2). Colours show values from 1 to 2.",
    ),
    "names of a bar each": (
        lambda ax: (ax.bar(["a", "b", "c"], [1, 2, 3], label=["red", "blue", "_red"]), ax.legend(), ax.set_axis_off()),
        "",
        (
            "Bar chart with 3 bars and a legend (red and blue). "
            "The highest value is that of c, 3; the lowest that of a, 1."
        ),
    ),
    "points one by one": (
        lambda ax: ([ax.plot([each], [each], "o") for each in range(4)], ax.set_axis_off()),
        "",
        "Scatter plot with 4 points.",
    ),
    "more lines than are told": (
        lambda ax: ([ax.plot([each, 200]) for each in range(110)], ax.set_axis_off()),
        "",
        "Line chart with at least 100 lines.",
    ),
    "spans": (
        lambda ax: (ax.axvspan(0, 1), ax.axvspan(2, 3), ax.set_axis_off()),
        "",
        "Chart of spans with 2 spans.",
    ),
    "rows of events": (
        lambda ax: (ax.eventplot([[1, 2], [3]]), ax.set_axis_off()),
        "",
        "Event plot with 3 events in 2 rows.",
    ),
    "a table of categories": (
        lambda ax: (ax.imshow(np.eye(2)), ax.set_xticks([0, 1], ["a", "b"]), ax.set_yticks([0, 1], ["c", "d"])),
        "",
        "Heat map. The x axis goes from a to b, the y axis goes from d to c and colours show values from 0 to 1.",
    ),
    "a box a call": (
        lambda ax: (
            ax.boxplot([[1, 2]], positions=[0], tick_labels=["a"]),
            ax.boxplot([[3, 4]], positions=[1], tick_labels=["b"]),
            ax.set_xticks([0, 1], ["a", "b"]),
            ax.yaxis.set_visible(False),
        ),
        "",
        "Box plot with 2 boxes (a and b). The x axis goes from a to b.",
    ),
    "nothing": (lambda ax: ax.set_title("soon"), "", 'Empty chart titled "soon".'),
    "text": (lambda ax: ax.text(0, 0, "no data"), "", 'Figure with the text "no data".'),
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
        'Figure titled "Both" with 2 charts: a line chart, "Speed" (way in m against time in s) with 2 lines (slow '
        "and fast); a bar chart of number against kind with 2 bars. "
        'In the first one, "fast" reaches highest, 100; all reach down to 0. '
        "In the second one, the highest value is that of b, 2; the lowest that of a, 1."
    )
    figure = Figure()
    for number, ax in enumerate(figure.subplots(2, 3).flat):
        ax.plot([1, 2])
        ax.set_title(f"no. {number}")
    assert text_of(figure) == 'Figure with 6 line charts: "no. 0", "no. 1", "no. 2" and 3 more.'


def test_charts_that_share_a_place() -> None:
    """Axes with two scales are one chart, and so is one with another set into it."""
    figure = Figure()
    ax = figure.subplots()
    ax.bar(["a", "b"], [1, 2])
    ax.set(ylabel="count", title="Faults")
    twin = ax.twinx()
    twin.plot(["a", "b"], [30, 90])
    twin.set_ylabel("percent")
    assert text_of(figure) == (
        'Chart titled "Faults" with two scales: a bar chart of count with 2 bars; a line chart of percent. '
        "In the first one, the highest value is that of b, 2; the lowest that of a, 1. "
        "In the second one, it rises from 30 to 90."
    )
    figure = Figure()
    ax = figure.subplots()
    ax.plot(X, X)
    ax.set(xlabel="time", ylabel="way")
    inset = ax.inset_axes((0.1, 0.6, 0.3, 0.3))
    inset.hist([1, 1, 2], bins=[0, 1.5, 3])
    assert text_of(figure) == (
        "Line chart of way against time; a histogram with 2 bins is set into it. In the first one, it rises from 0 to "
        "10. In the second one, the highest bin is that from 0 to 1.5, with 2."
    )


def test_many_charts_of_few_kinds() -> None:
    """Charts of which the same would be said are counted."""
    figure = Figure()
    for number, ax in enumerate(figure.subplots(3, 3).flat):
        if number % 4:
            ax.scatter(X, X)
        else:
            ax.hist(X)
    assert text_of(figure) == "Figure with 9 charts: 3 histograms and 6 scatter plots."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$\sigma = 0.6$", "σ = 0.6"),  # noqa: RUF001 - a sigma is meant
        (r"growth ($\Delta \approx 8\,\%$)", "growth (Δ ≈ 8 %)"),
        (r"$\dot\theta$ in $\frac{m}{s}$", "\N{GREEK SMALL LETTER THETA}\N{COMBINING DOT ABOVE} in m/s"),
        (r"$\frac{a+b}{2} \leq \sqrt{n}$", "(a+b)/2 ≤ √n"),
        (r"$\sqrt[3]{x}=2$", "3√x=2"),
        (r"$10\times\mathrm{kg}$", "10\N{MULTIPLICATION SIGN}kg"),
        (r"$\frac{\frac{1}{2}", "frac1/2"),
        ("10 \\% of 5 $", "10 % of 5"),
    ],
)
def test_formulas_as_they_are_read(text: str, expected: str) -> None:
    """Commands become what they stand for, and what isn't a formula loses its signs at most."""
    assert reading.plain(text) == expected


def test_figures_without_charts() -> None:
    """An empty figure, one of text, and one of empty axes are told as such."""
    figure = Figure()
    assert text_of(figure) == "Empty figure."
    figure.text(0.5, 0.5, "To be done")
    assert text_of(figure) == 'Figure with the text "To be done".'
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
        (0.123456, "0.123"),
        (1e9, "1\N{MULTIPLICATION SIGN}10^9"),
        (-20_000.0, "-20,000"),
        (None, ""),
        ("May", "May"),
    ],
)
def test_values_as_they_are_read(value: Any, expected: str) -> None:
    """Numbers have three digits, from a thousand on none behind the point; what isn't a number stays."""
    assert reading.told(value) == expected
