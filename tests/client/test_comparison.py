"""Comparison of two renders: each kind of change, in words, and what is no change."""

from __future__ import annotations

import json
import math
import operator
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import figbox
from figbox.comparison.changes import RANKS, ChangeKind, Pictures, Place, Verdict
from figbox.comparison.described import Box
from tests.client.descriptions import (
    GREEN,
    ORANGE,
    artist,
    axes,
    axis,
    box,
    description,
    document,
    extent,
    figure,
    finding,
    legend,
    line,
    rich,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.descriptions import Json


def said(before: Any, after: Any) -> list[tuple[str, str]]:
    """Return the kinds and sentences of all changes."""
    return [(change.kind.value, change.sentence) for change in figbox.compare(before, after).changes]


def setting(path: str, value: Any) -> Callable[[Json], None]:
    """Return what puts a value at a place in a figure, as `description.axes.0.title`."""

    def change(shown: Json) -> None:
        *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
        place: Any = shown
        for part in way:
            place = place[part]
        place[last] = value

    return change


def dropping(path: str) -> Callable[[Json], None]:
    """Return what removes an element of a list of a figure."""

    def change(shown: Json) -> None:
        *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
        place: Any = shown
        for part in way:
            place = place[part]
        place.pop(last)

    return change


def swapping(path: str) -> Callable[[Json], None]:
    """Return what swaps the first two elements of a list of a figure."""

    def change(shown: Json) -> None:
        place: Any = shown
        for part in path.split("."):
            place = place[int(part) if part.isdigit() else part]
        place[:2] = place[1::-1]

    return change


def without_last_point(shown: Json) -> None:
    """Take the last point from the first line."""
    first = shown["description"]["axes"][0]["artists"][0]
    y = first["data"]["y"][:-1]
    shown["description"]["axes"][0]["artists"][0] = line("signal", y)


FIRST = "description.axes.0.artists.0"
BARS = "description.axes.1.artists.0"
IMAGE = "description.axes.1.artists.1"

#: Changes of `rich()`: what is done, and the one change that is said, after the number of the axes.
CHANGES = [
    ("description.axes.0.kind", "polar", "axes-kind", "1: the axes is polar instead of cartesian."),
    ("description.axes.1.role", "inset", "axes-kind", "2: the role of the axes is inset instead of plot."),
    ("description.title", "One view", "title", "The title of the figure is 'One view' instead of 'Two views'."),
    ("description.axes.0.title", "", "title", "1: the title was removed: 'Signals'."),
    ("description.x_label", "", "axis-label", "The x label of the figure was removed: 'below'."),
    ("description.y_label", "left", "axis-label", "The y label of the figure is 'left' instead of 'beside'."),
    (
        "description.axes.0.y.label",
        "volts",
        "axis-label",
        "1: the label of the y axis is 'volts' instead of 'level'.",
    ),
    (
        "description.axes.0.legend.entries.1",
        "rest",
        "legend",
        "1: an entry of the legend is 'rest' instead of 'noise'.",
    ),
    ("description.axes.0.legend", None, "legend", "1: the legend was removed, which had 'signal' and 'noise'."),
    (
        "description.axes.1.legend",
        legend("sales"),
        "legend",
        "2: a legend was added, with 'sales'.",
    ),
    ("description.legends.0.title", "All", "legend", "A title of the legend was added: 'All'."),
    (
        "description.axes.0.legend.box",
        box(100, 60, 100, 50),
        "legend",
        "1: the legend moved 300 pixels to the left.",
    ),
    (
        "description.axes.0.artists.3.text",
        "peak of it",
        "text",
        "1: the annotation is 'peak of it' instead of 'peak'.",
    ),
    ("description.artists.0.text", "final", "text", "The text is 'final' instead of 'draft'."),
    (f"{FIRST}.kind", "step", "artist-kind", "1: the step line 'signal' was a line before."),
    (
        f"{FIRST}.label",
        "voltage",
        "artist-renamed",
        "1: the line is labelled 'voltage' instead of 'signal'.",
    ),
    (
        f"{FIRST}.label",
        "",
        "artist-renamed",
        "1: line 1 has no label any more: it was 'signal'.",
    ),
    (
        "description.axes.0.artists.3.box",
        box(340, 79, 60, 20),
        "artist-moved",
        "1: the annotation 'peak' moved 40 pixels to the right and 21 pixels up.",
    ),
    (
        f"{BARS}.box",
        None,
        "artist-moved",
        "2: the bar series 'sales' is no longer visible.",
    ),
    (f"{FIRST}.color", "#d62728", "color", "1: the line 'signal' is #d62728 instead of #1f77b4."),
    (
        f"{FIRST}.color",
        None,
        "color",
        "1: the line 'signal' has several colours instead of #1f77b4.",
    ),
    (f"{IMAGE}.colormap", "jet", "color", "2: the colour map of the image is 'jet' instead of 'viridis'."),
    (
        f"{FIRST}.style",
        "dotted",
        "style",
        "1: the line style of the line 'signal' is dotted instead of solid.",
    ),
    (f"{FIRST}.marker", "o", "style", "1: the marker of the line 'signal' is 'o' instead of none."),
    (
        f"{BARS}.arrangement",
        "stacked",
        "style",
        "2: the bar series 'sales' is stacked instead of not arranged.",
    ),
    (
        f"{BARS}.parts.2",
        "west",
        "parts",
        "2: the bar series 'sales' has 'west' and no longer has 'east'.",
    ),
    (f"{FIRST}.missing", 1, "missing", "1: the line 'signal' has 1 missing point instead of 0."),
    (f"{FIRST}.infinite", 2, "missing", "1: the line 'signal' has 2 infinite points instead of 0."),
    (f"{IMAGE}.points", 1, "points", "2: the image has 1 cell instead of 12."),
    (
        f"{IMAGE}.values.greatest",
        9.5,
        "range",
        "2: in the image, the greatest value is 9.5 instead of 8.",
    ),
    (
        f"{FIRST}.data.y.4",
        0.25,
        "values",
        "1: in the line 'signal', point 5 is at (4, 0.25) instead of (4, 6).",
    ),
    ("description.axes.0.y.scale", "log", "scale", "1: the scale of the y axis is log instead of linear."),
    (
        "description.axes.0.x.values",
        "dates",
        "scale",
        "1: the x axis has dates instead of numbers.",
    ),
    ("description.axes.0.y.end", 12.5, "limits", "1: the y axis goes to 12.5 instead of 10."),
    ("description.axes.0.y.begin", -1.0, "limits", "1: the y axis goes from -1 to 10 instead of 0 to 10."),
    (
        "description.axes.0.x.ticks",
        ["0", "10"],
        "ticks",
        "1: the ticks of the x axis are 0 and 10 instead of 0, 5 and 10.",
    ),
    ("description.axes.0.x.visible", False, "axis-visible", "1: the x axis is no longer visible."),
    (
        "description.axes.1.shares_x",
        [1],
        "axes-linked",
        "2: the axes shares its first axis with axes 1 instead of none.",
    ),
    ("description.dpi", 200.0, "size", "Its resolution is 200 instead of 100 dots per inch."),
    ("description.width_in", 8.0, "size", "The figure is 8 by 4.8 inches instead of 6.4 by 4.8."),
    ("description.layout", "tight", "layout", "The layout is 'tight' instead of 'none'."),
    ("description.axes.0.artists_left_out", 1, "left-out", "1: 1 more artist is not told of, instead of 0."),
    ("description.axes_left_out", 3, "left-out", "3 more axes are not told of, instead of 0."),
    (
        "alt_text",
        "Two lines.",
        "alt-text",
        "The alternative text is 'Two lines.' instead of 'Two lines and three bars.'.",
    ),
]


@pytest.mark.parametrize(("path", "value", "kind", "sentence"), CHANGES, ids=[f"{row[0]}-{row[2]}" for row in CHANGES])
def test_one_change_is_said_alone(path: str, value: Any, kind: str, sentence: str) -> None:
    """What changes one thing gives one sentence."""
    after = rich()
    setting(path, value)(after)
    begin, colon, rest = sentence.partition(": ")
    if begin.isdigit() and colon:
        name = {"1": "'Signals'", "2": "'Sales'"}[begin]
        sentence = (
            f"Axes {begin} ({name}): {rest}" if not path.endswith(f"{int(begin) - 1}.title") else f"Axes 1: {rest}"
        )
    assert said(rich(), after) == [(kind, sentence)]


def test_every_kind_is_tried() -> None:
    """The list above and the tests below have all kinds of changes."""
    text = Path(__file__).read_text("utf-8")
    assert [kind.value for kind in ChangeKind if f'"{kind.value}"' not in text] == []
    assert list(RANKS.values()) == list(range(1, len(ChangeKind) + 1))


def test_inverted_axis_is_said_once() -> None:
    """An inverted axis has its limits the other way round, which isn't said again."""
    after = rich()
    y = after["description"]["axes"][0]["y"]
    y.update(begin=y["end"], end=y["begin"], inverted=True)
    assert said(rich(), after) == [("limits", "Axes 1 ('Signals'): the y axis is inverted.")]
    assert said(after, rich()) == [("limits", "Axes 1 ('Signals'): the y axis is no longer inverted.")]


def test_series_come_and_go_with_their_legend_entries() -> None:
    """A series that is gone is said, and that its entry in the legend is gone is not said again."""
    after = rich()
    dropping("description.axes.0.artists.1")(after)
    dropping("description.axes.0.legend.entries.1")(after)
    assert said(rich(), after) == [("artist-removed", "Axes 1 ('Signals'): the line 'noise' was removed.")]
    assert said(after, rich()) == [("artist-added", "Axes 1 ('Signals'): the line 'noise' was added.")]
    change = figbox.compare(rich(), after).changes[0]
    assert (change.before, change.after) == (Place(1, 1, Box(100, 80, 450, 320)), Place(1, 1))


def test_entry_that_doesnt_belong_to_a_series_is_said() -> None:
    """The legend loses the entry of a series that stays."""
    after = rich()
    dropping("description.axes.0.artists.1")(after)
    dropping("description.axes.0.legend.entries.0")(after)
    assert [kind for kind, _ in said(rich(), after)] == ["legend", "artist-removed"]


def test_lost_point_is_named() -> None:
    """The issue's own example, with the point."""
    y = [float(place) for place in range(60)]
    before, after = (description(axes(line("signal", ys, xs))) for ys, xs in ((y, y), (y[:30] + y[31:],) * 2))
    assert said(before, after) == [
        ("points", "The line 'signal' has 59 points instead of 60: point 31 at (30, 30) was removed.")
    ]
    assert said(after, before) == [
        ("points", "The line 'signal' has 60 points instead of 59: point 31 at (30, 30) was added.")
    ]


def test_lost_points_are_counted() -> None:
    """Several points in a row are named together; ends that change with them are said as well."""
    y = [float(place) for place in range(60)]
    found = said(description(axes(line("a", y))), description(axes(line("a", y[:57]))))
    assert found == [
        ("points", "The line 'a' has 57 points instead of 60: points 58 to 60 were removed."),
        (
            "range",
            "In the line 'a', the greatest x is 56 instead of 59 and the greatest y is 56 instead of 59.",
        ),
    ]


def test_many_points_are_counted_not_listed() -> None:
    """More than three points that moved are a number."""
    y = [float(place * 7 % 11) for place in range(60)]
    other = [value + 0.5 if 10 <= place < 20 else value for place, value in enumerate(y)]
    found = dict(said(description(axes(line("a", y))), description(axes(line("a", other)))))
    assert found["values"] == "In the line 'a', 10 of the 60 points are elsewhere."


def test_thinned_points_are_compared_as_such() -> None:
    """Where a service thinned the points, the sentence says what was compared."""
    before, after = (line("a", [0.0, middle, 2.0]) for middle in (1.0, 1.5))
    for shown in (before, after):
        shown["points"] = shown["data"]["total"] = 9000
    assert said(description(axes(before)), description(axes(after))) == [
        ("values", "In the line 'a', 1 of the 3 of 9000 points compared is elsewhere.")
    ]


def shift(shown: Json, right: float, down: float) -> None:
    """Move an axes with all that is in it."""
    legends = [shown["legend"]] if shown["legend"] else []
    for each in (shown, *shown["artists"], *legends):
        each["box"] = each["box"] | {"x": each["box"]["x"] + right, "y": each["box"]["y"] + down}


def test_slice_is_named_with_its_share() -> None:
    """A value alone is no place; the part that has it is told by its name, too."""
    before, after = rich(), rich()
    for shown, shares in ((before, [0.45, 0.55]), (after, [0.4, 0.55])):
        shown["description"]["axes"][0]["artists"][0] |= {
            "kind": "pie",
            "parts": ["Rent", "Food"],
            "points": 2,
            "data": {"total": 2, "x": [], "y": [], "z": [], "values": shares},
        }
    assert ("values", "Axes 1 ('Signals'): in the pie 'signal', slice 1 ('Rent') is 0.4 instead of 0.45.") in said(
        before, after
    )


def test_another_kind_without_a_place_is_no_disappearance() -> None:
    """Where some kinds are is not known, so that a change of the kind says nothing of what is visible."""
    after = rich()
    after["description"]["axes"][0]["artists"][0] |= {"kind": "step", "box": None}
    assert said(rich(), after) == [("artist-kind", "Axes 1 ('Signals'): the step line 'signal' was a line before.")]


def test_axes_come_go_and_move() -> None:
    """Axes are known by what is in them, wherever they are."""
    after = rich()
    upper, lower = after["description"]["axes"]
    after["description"]["axes"] = [lower | {"number": 1}]
    shift(after["description"]["axes"][0], 0.0, -210.0)
    assert upper["box"] == after["description"]["axes"][0]["box"]
    assert said(rich(), after) == [
        ("axes-removed", "Axes 1 ('Signals'), with 'signal' and 'noise', was removed."),
        ("axes-moved", "Axes 1 ('Sales'): the axes moved 210 pixels up."),
        ("finding-appeared", "A new finding (warning, text-cut-off): The title is cut off."),
        ("finding-gone", "No longer there: the finding (warning, text-cut-off): The title is cut off."),
    ]
    assert said(after, rich())[0] == ("axes-added", "Axes 1 ('Signals'), with 'signal' and 'noise', was added.")


def test_small_moves_rank_low() -> None:
    """What a layout moves to make room for a longer label comes after what caused it."""
    after = rich()
    after["description"]["axes"][0]["y"]["label"] = "level in dB"
    after["description"]["axes"][0]["box"]["x"] += 8.0
    after["description"]["axes"][0]["box"]["width"] -= 8.0
    kinds = [kind for kind, _ in said(rich(), after)]
    assert kinds == ["axis-label", "axes-moved"]
    shift(after["description"]["axes"][0], 100.0, 0.0)
    assert [kind for kind, _ in said(rich(), after)] == ["axes-moved", "axis-label"]


def test_axes_in_another_order() -> None:
    """The same axes with other numbers, at the same places."""
    after = rich()
    swapping("description.axes")(after)
    for number, each in enumerate(after["description"]["axes"], 1):
        each["number"] = number
    after["findings"][0]["axes"] = [2]
    assert said(rich(), after) == [("axes-reordered", "The axes are in another order: axes 1 was 2 and axes 2 was 1.")]


def test_order_of_drawing() -> None:
    """Two series that only change places are reordered, not changed."""
    after = rich()
    swapping("description.axes.0.artists")(after)
    order = "the order of drawing is another one: the line 'noise' and the line 'signal'"
    assert said(rich(), after) == [("artists-reordered", f"Axes 1 ('Signals'): {order}.")]


def test_findings_come_and_go() -> None:
    """Findings are known by their code and axes."""
    after = rich()
    after["findings"] = [finding(sentence="The title is cut off on the left."), finding("empty-axes", "It is empty.")]
    assert said(rich(), after) == [
        ("finding-appeared", "A new finding (warning, empty-axes): It is empty."),
        (
            "finding-changed",
            "The finding text-cut-off says 'The title is cut off on the left.' instead of 'The title is cut off.'.",
        ),
    ]
    after["findings"] = []
    assert said(rich(), after) == [
        ("finding-gone", "No longer there: the finding (warning, text-cut-off): The title is cut off.")
    ]


def test_figures_come_go_and_change_places() -> None:
    """Figures are known by their label, by what they show, and last by their number."""
    one, two = rich(), figure(description(axes(line("c", [1.0, 2.0]))), 2, pixels="cd")
    new = figure(description(axes(line("d", [5.0, 5.0]))), 1, pixels="ef")
    after = document(new, one | {"number": 2}, two | {"number": 3})
    assert said(document(one, two), after) == [("figure-added", "Figure 1 was added.")]
    assert said(after, document(one, two)) == [("figure-removed", "Figure 1 was removed.")]
    found = said(document(one, two), document(two | {"number": 1}, one | {"number": 2}))
    assert found == [("figures-reordered", "The figures are in another order: figure 1 was 2, figure 2 was 1.")]


def test_sentences_name_the_figure_where_there_are_several() -> None:
    """A reader knows which figure is meant, by its number and its label."""
    one, two = (
        figure(description(axes(title="A")), 1, "ab"),
        figure(description(axes(title="B")), 2, "cd", label="spread"),
    )
    other = figure(description(axes(title="C")), 2, "ef", label="spread")
    assert said(document(one, two), document(one, other)) == [
        ("title", "Figure 2 ('spread'): the title is 'C' instead of 'B'.")
    ]


def test_pixels_and_descriptions_are_both_said() -> None:
    """Equal pixels with another description, and other pixels with the same one."""
    after = rich()
    after["description"]["title"] = "Other"
    found = figbox.compare(rich(), after)
    assert found.pictures is Pictures.EQUAL
    assert found.notes == ("The pictures are equal, though what is said of them differs.",)
    after = rich()
    after["pictures"][0]["pixels_sha256"] = "00"
    found = figbox.compare(rich(), after)
    assert found.pictures is Pictures.DIFFERENT
    assert said(rich(), after) == [
        ("picture", "The picture differs, though its description at the level 'data' is the same.")
    ]


def test_without_descriptions_only_pictures_are_compared() -> None:
    """What can't be said is said."""
    same = figbox.compare(document(figure(None)), document(figure(None)))
    assert (same.verdict, same.level, same.pictures) == (Verdict.SAME, None, Pictures.EQUAL)
    assert same.notes == ("Only the pictures were compared, since neither side has a description.",)
    other = figbox.compare(document(figure(None, pixels="ab")), document(figure(None, pixels="cd")))
    assert other.sentences() == [
        "The picture differs; what changed in it can't be said, since neither side has a description."
    ]
    nothing = figbox.compare(document(figure(None, pictures=[])), document(figure(None)))
    assert (nothing.verdict, nothing.unknown) == (Verdict.UNKNOWN, (1,))
    assert nothing.notes == (
        "Nothing could be compared, since neither side has a description, and no digest is of both pictures.",
    )


@pytest.mark.parametrize(("fmt", "expected"), [("svg", Pictures.DIFFERENT), ("png", Pictures.UNKNOWN)])
def test_bytes_count_where_a_format_has_no_pixels(fmt: str, expected: Pictures) -> None:
    """The same SVG gives the same bytes; a PNG may be written in several ways."""
    one, other = (
        figure(None, pictures=[{"format": fmt, "sha256": digest, "pixels_sha256": None}]) for digest in ("aa", "bb")
    )
    assert figbox.compare(one, other).pictures is expected
    assert figbox.compare(one, one).pictures is Pictures.EQUAL


def test_unit_is_that_of_the_first_picture() -> None:
    """Boxes of SVG are in points."""
    shown = description(axes(artist("text", text="a", box=box(10, 10, 5, 5))))
    moved = description(axes(artist("text", text="a", box=box(11, 10, 5, 5))))
    picture = {"format": "svg", "sha256": "aa"}
    assert said(figure(shown, pictures=[picture]), figure(moved, pictures=[picture]))[0][1].endswith(
        "the text 'a' moved 1 point to the right."[1:]
    )


def lowered(shown: Json, level: str) -> Json:
    """Return a description as a service gives it at a lower level."""
    lower = json.loads(json.dumps(shown))
    lower["level"] = level
    for each in lower["axes"]:
        for name in ("x", "y"):
            if level == "summary":
                each[name]["ticks"] = []
        for one in each["artists"]:
            one["data"] = None
            if level == "summary":
                one.update(box=None, style="", marker="", missing=0, infinite=0)
    return lower


@pytest.mark.parametrize("level", ["full", "summary"])
def test_levels_are_compared_at_the_lower_one(level: str) -> None:
    """What only the higher level has is no change, and the note says so."""
    shown = rich()["description"]
    shown["artists"] = []
    found = figbox.compare(shown, lowered(shown, level))
    assert (found.changes, found.level) == ((), level)
    assert found.notes == (
        f"Compared at the level '{level}', since the first description is at 'data' and the second at '{level}'.",
    )
    shown["axes"][0]["title"] = "Other"
    assert [kind for kind, _ in said(shown, lowered(rich()["description"] | {"artists": []}, level))] == ["title"]


@pytest.mark.parametrize(
    "prepare",
    [
        lambda shown: None,
        lambda shown: json.loads(json.dumps(shown, sort_keys=True)),
        lambda shown: scaled(shown, 1 + 1e-12),
        lambda shown: shown | {"something": "newer"},
    ],
    ids=["as it is", "keys sorted", "noise", "unknown members"],
)
def test_no_change(prepare: Callable[[Json], Json | None]) -> None:
    """Order of keys, the last digits of numbers and members of newer services change nothing."""
    after = prepare(rich()) or rich()
    found = figbox.compare(rich(), after)
    assert (found.changes, found.notes, found.verdict) == ((), (), Verdict.SAME)


def scaled(value: Any, factor: float) -> Any:
    """Return JSON whose numbers that aren't whole are multiplied."""
    if isinstance(value, dict):
        return {name: scaled(each, factor) for name, each in value.items()}
    if isinstance(value, list):
        return [scaled(each, factor) for each in value]
    return value * factor if isinstance(value, float) else value


def test_noise_around_zero_is_no_change() -> None:
    """The sine of pi is 1e-16 on one machine and 0 on another."""
    before, after = (line("a", [0.0, 1.0, tiny, -1.0]) for tiny in (0.0, math.sin(math.pi)))
    assert said(description(axes(before)), description(axes(after))) == []


def test_differences_below_six_digits_are_told_apart() -> None:
    """Two numbers that look alike never stand in one sentence as if they differed."""
    before, after = (description(axes(line("a", [0.0, top], data=None))) for top in (3.14159265, 3.14159365))
    assert dict(said(before, after))["range"] == "In the line 'a', the greatest y is 3.14159, 1e-6 more than before."
    before, after = (description(axes(line("a", [0.0, top]))) for top in (3.14159265, 3.14159365))
    assert dict(said(before, after))["values"] == "In the line 'a', point 2 at (1, 3.14159) differs in its last digits."


def test_sizes_are_said_together() -> None:
    """More dots per inch make a larger picture, whose axes are at the same place in it."""
    before, after = rich(), rich()
    shown = after["description"]
    shown.update(dpi=200.0, width=1280.0, height=960.0)

    def doubled(place: Json) -> Json:
        return {name: 2 * side for name, side in place.items()}

    for each in (*shown["axes"], *shown["artists"], *shown["legends"]):
        each["box"] = doubled(each["box"])
    for each in shown["axes"]:
        for one in each["artists"]:
            one["box"] = doubled(one["box"])
    shown["axes"][0]["legend"]["box"] = doubled(shown["axes"][0]["legend"]["box"])
    pixels = "The picture is 1280 by 960 pixels instead of 640 by 480"
    assert said(before, after) == [("size", f"{pixels}, and its resolution is 200 instead of 100 dots per inch.")]


def test_most_important_comes_first_and_the_rest_is_counted() -> None:
    """Changes are in the order of their ranks."""
    after = rich()
    for path, value, _, _ in CHANGES:
        if "legend" not in path and "kind" not in path:
            setting(path, value)(after)
    found = figbox.compare(rich(), after)
    ranks = [change.rank for change in found.changes]
    assert ranks == sorted(ranks)
    assert len(ranks) > 15
    assert found.sentences(3) == [*(change.sentence for change in found.changes[:3]), f"And {len(ranks) - 3} more."]
    assert all(change.sentence.endswith(".") and not change.sentence[0].islower() for change in found.changes)


def test_boxes_mark_both_pictures() -> None:
    """Where the artist's box is known, it is that; for what belongs to an axes, its frame."""
    after = rich()
    after["description"]["axes"][0]["artists"][0]["color"] = ORANGE
    after["description"]["axes"][0]["title"] = "Other"
    title, color = figbox.compare(rich(), after).changes
    assert title.before == title.after == Place(1, 1, Box(80, 60, 496, 160))
    assert color.before == color.after == Place(1, 1, Box(100, 80, 450, 320))
    as_json = json.loads(json.dumps(figbox.compare(rich(), after).as_json()))
    assert operator.itemgetter("verdict", "pictures", "level")(as_json) == ("changed", "equal", "data")
    assert as_json["changes"][1]["before"] == {"figure": 1, "axes": 1, "box": box(100, 80, 450, 320)}


def test_words_of_other_coordinates() -> None:
    """Polar axes have an angle and a radius, maps a longitude and a latitude."""
    for kind, words in (("polar", "radius"), ("geographic", "latitude")):
        before, after = (description(axes(line("a", [1.0, top], data=None), kind=kind)) for top in (2.0, 3.0))
        assert said(before, after)[0][1].startswith(f"In the line 'a', the greatest {words} is 3 instead of 2")


def test_dates_and_categories() -> None:
    """Dates stand as they are, and categories in quotes."""
    before, after = (
        description(
            axes(line("a", [1.0, 2.0], x=["2024-01-01", last], data=None), x=axis(begin="2024-01-01", end=last))
        )
        for last in ("2024-02-01", "2024-03-01")
    )
    found = dict(said(before, after))
    assert found["limits"] == "The x axis goes to 2024-03-01 instead of 2024-02-01."
    assert "the greatest x is 2024-03-01 instead of 2024-02-01" in found["range"]
    before, after = (description(axes(artist("bar", "a", points=1, x=extent([name])))) for name in ("north", "south"))
    assert said(before, after) == [("range", "In the bar series 'a', x is 'south' instead of 'north'.")]


def test_long_texts_show_the_part_that_differs() -> None:
    """A title of a page isn't quoted whole."""
    begin = "The level of the river as measured every day at the bridge in the middle of the town in "
    before, after = (description(axes(title=begin + year)) for year in ("2023", "2024"))
    assert said(before, after) == [("title", "The title is '…town in 2024' instead of '…town in 2023'.")]


def test_colours_of_a_scatter_and_plurals() -> None:
    """Nouns and verbs fit each other."""
    before, after = (
        description(axes(artist("arrows", "wind", points=points, color=color)))
        for points, color in ((1, GREEN), (3, ORANGE))
    )
    assert said(before, after) == [
        ("color", "The arrows 'wind' are #ff7f0e instead of #2ca02c."),
        ("points", "The arrows 'wind' have 3 arrows instead of 1."),
    ]


def test_moved_text_is_said_in_pixels() -> None:
    """Where a text is in the picture says more than its coordinates, unless the limits changed, too."""
    before, after = (
        description(axes(artist("text", text="peak", x=extent([x]), y=extent([1.0]), box=box(100 * x, 50, 30, 10))))
        for x in (1.0, 2.0)
    )
    assert said(before, after) == [("artist-moved", "The text 'peak' moved 100 pixels to the right.")]
    after["axes"][0]["x"]["end"] = 20.0
    assert said(before, after) == [
        ("range", "In the text 'peak', x is 2 instead of 1."),
        ("limits", "The x axis goes to 20 instead of 10."),
    ]


def test_wider_line_is_no_move() -> None:
    """The box of a line grows with its width and its markers, which isn't said of its place."""
    before, after = (
        description(axes(line("a", [1.0, 2.0], box=box(*sides)))) for sides in ((9, 9, 50, 50), (8, 8, 52, 52))
    )
    assert said(before, after) == []


def test_values_that_repeat_the_second_axis_are_said_once() -> None:
    """The length of a bar that stands on zero is where it ends."""

    def bars(top: float) -> Json:
        data = {"total": 2, "x": ["a", "b"], "y": [1.0, top], "z": [], "values": [1.0, top]}
        y = extent([1.0, top])
        return description(axes(artist("bar", "sold", points=2, x=extent(["a", "b"]), y=y, values=y, data=data)))

    assert said(bars(2.0), bars(3.0)) == [
        ("values", "In the bar series 'sold', bar 2 is at ('b', 3) instead of ('b', 2).")
    ]


def test_axes_without_names_are_told_by_what_is_in_them() -> None:
    """An axes that came is introduced by its artists."""
    after = rich()
    crowd = [line("", [1.0, 2.0]), line("", [3.0, 4.0]), artist("scatter"), artist("arrows"), artist("image")]
    after["description"]["axes"].append(axes(*crowd, number=3))
    assert said(rich(), after) == [
        ("axes-added", "Axes 3, with 2 lines, a scatter plot, arrows and an image, was added.")
    ]


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Yield the places of all values in JSON that aren't containers."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield from leaves(value[key], f"{path}.{key}" if path else str(key))
    if not isinstance(value, dict | list):
        yield path


def altered(value: Any) -> Any:
    """Return another value of the same type."""
    if value is None:
        return box()
    if isinstance(value, bool):
        return not value
    return value + 7 if isinstance(value, int | float) else "full" if value == "data" else f"{value} else"


#: What isn't compared, or isn't described: names of axes and figures that only others refer to, what a picture is made
#: of, boxes of findings, of what is drawn by its values, and the values where there should be none.
NOT_COMPARED = (
    r"number$|^label$|pictures|advice|findings\.0\.(box|severity)|level$",
    r"axes\.0\.artists\.[012]\.box|axes\.1\.artists\.\d\.box",
    r"color(map)?$|\.(x|y|z|values|data|box)$|legend$",
)


def test_whatever_differs_is_said() -> None:
    """Each value of a description is compared, in both directions."""
    unsaid = []
    paths = [path for path in leaves(rich()) if not re.search("|".join(NOT_COMPARED), path)]
    assert len(paths) > 200
    for path in paths:
        after = rich()
        place: Any = after
        for part in path.split("."):
            place = place[int(part) if part.isdigit() else part]
        setting(path, altered(place))(after)
        if not (said(rich(), after) and said(after, rich())):
            unsaid.append(path)
    assert unsaid == []


def test_what_a_limit_cut_off_is_not_said_to_be_gone() -> None:
    """A series that is put in before a hundred pushes the last one out of the description, not out of the figure."""
    every = [line(f"series {number}", [float(number), 0.0]) for number in range(101)]
    before = description(axes(*every[1:], artists_left_out=20))
    after = description(axes(*every[:-1], artists_left_out=21))
    assert said(before, after) == [
        ("artist-added", "The line 'series 0' was added."),
        ("left-out", "21 more artists are not told of, instead of 20."),
    ]
    assert said(after, before)[0] == ("artist-removed", "The line 'series 0' was removed.")
    places = [box(12.0 * number, 10.0, 10.0, 10.0) for number in range(51)]
    grid = [
        axes(number=number, title=f"title {number}", x=axis(), y=axis(), box=place)
        for number, place in enumerate(places)
    ]
    before, after = description(*grid[1:], axes_left_out=1), description(*grid[:-1], axes_left_out=2)
    kinds = [kind for kind, _ in said(before, after)]
    assert (kinds[0], "axes-removed" in kinds) == ("axes-added", False)
