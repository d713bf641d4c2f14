"""Comparison of any two renders: nothing differs from itself, both directions agree, and garbage is refused."""

from __future__ import annotations

import contextlib
import copy
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import figbox
from figbox.comparison.changes import Change, ChangeKind, Pictures, Verdict
from figbox.comparison.described import ARTISTS_LIMIT, ARTISTS_OF_A_DOCUMENT_LIMIT, AXES_LIMIT
from figbox.comparison.likeness import match_artists
from figbox.comparison.matching import PAIRS_LIMIT
from tests.client.descriptions import (
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

OPPOSITES = {
    ChangeKind.FIGURE_ADDED: ChangeKind.FIGURE_REMOVED,
    ChangeKind.AXES_ADDED: ChangeKind.AXES_REMOVED,
    ChangeKind.ARTIST_ADDED: ChangeKind.ARTIST_REMOVED,
    ChangeKind.FINDING_APPEARED: ChangeKind.FINDING_GONE,
}
OPPOSITES |= {other: kind for kind, other in OPPOSITES.items()}

#: Few of each, so that many are alike.
labels = st.sampled_from(["", "", "a", "b", "c"])
colors = st.sampled_from(["#1f77b4", "#ff7f0e", None])
numbers = st.sampled_from([0.0, 1.0, 2.5, -3.0, 1e300, 1e-300])
boxes = st.none() | st.builds(box, *[st.sampled_from([0.0, 10.0, 300.0])] * 4)
values = st.lists(numbers | st.sampled_from(["2024-01-01", "north"]), max_size=4).map(
    lambda found: [each for each in found if isinstance(each, type(found[0]))] if found else []
)


@st.composite
def artists(draw: st.DrawFn) -> Json:
    """Draw an artist."""
    kind = draw(st.sampled_from(["line", "bar", "text", "scatter", "newer"]))
    x, y = draw(values), draw(values)
    data = {"total": draw(st.sampled_from([len(x), 1000])), "x": x, "y": y, "z": [], "values": []}
    return artist(
        kind,
        draw(labels),
        text=draw(labels) if kind == "text" else "",
        parts=draw(st.lists(labels, max_size=3)),
        points=len(x),
        missing=draw(st.integers(0, 2)),
        color=draw(colors),
        x=extent(x),
        y=extent(y),
        box=draw(boxes),
        data=draw(st.sampled_from([None, data])),
    )


@st.composite
def descriptions(draw: st.DrawFn) -> Json:
    """Draw a figure's description."""
    found = [
        axes(
            *draw(st.lists(artists(), max_size=5)),
            number=number,
            title=draw(labels),
            kind=draw(st.sampled_from(["cartesian", "polar"])),
            role=draw(st.sampled_from(["plot", "plot", "colorbar"])),
            box=draw(boxes),
            x=axis(draw(labels), draw(numbers), draw(numbers), inverted=draw(st.booleans())),
            z=draw(st.none() | st.just(axis())),
            belongs_to=draw(st.lists(st.integers(1, 3), max_size=2)),
            legend=draw(st.none() | st.lists(labels, max_size=3).map(lambda entries: legend(*entries))),
        )
        for number in range(1, draw(st.integers(0, 3)) + 1)
    ]
    return description(
        *found,
        level=draw(st.sampled_from(["summary", "full", "data", "data"])),
        title=draw(labels),
        width=draw(st.sampled_from([0.0, 640.0, 800.0])),
        artists=draw(st.lists(artists(), max_size=2)),
        legends=draw(st.lists(labels.map(legend), max_size=2)),
    )


@st.composite
def documents(draw: st.DrawFn) -> Json:
    """Draw a render document."""
    return document(
        *[
            figure(
                draw(st.none() | descriptions()),
                number,
                draw(st.sampled_from(["ab", "cd", ""])),
                label=draw(labels),
                findings=draw(st.none() | st.lists(st.builds(finding, st.sampled_from(["one", "two"])), max_size=3)),
                alt_text=draw(st.none() | labels),
            )
            for number in range(1, draw(st.integers(0, 3)) + 1)
        ]
    )


@given(documents())
@settings(deadline=None, max_examples=60)
def test_nothing_differs_from_itself(shown: Json) -> None:
    """A document compared with its copy gives no change."""
    found = figbox.compare(shown, copy.deepcopy(shown))
    assert found.changes == ()
    assert found.verdict is (Verdict.UNKNOWN if found.unknown else Verdict.SAME)
    assert found.pictures is not Pictures.DIFFERENT


@given(documents(), documents())
@settings(deadline=None, max_examples=60)
def test_the_other_way_round_is_the_opposite(one: Json, other: Json) -> None:
    """What was added there was removed here, and everything else is said of the same things."""

    def opposite(change: Change) -> Change:
        kind = OPPOSITES.get(change.kind, change.kind)
        return Change(kind, "", 0, change.after, change.before)

    there, back = figbox.compare(one, other), figbox.compare(other, one)
    plain = Counter(Change(change.kind, "", 0, change.before, change.after) for change in back.changes)
    assert Counter(map(opposite, there.changes)) == plain
    assert (there.verdict, there.pictures, there.level) == (back.verdict, back.pictures, back.level)
    assert len(there.notes) == len(back.notes)


@given(documents(), documents())
@settings(deadline=None, max_examples=60)
def test_sentences_are_sentences(one: Json, other: Json) -> None:
    """Each is one line with a full stop, the same every time, and in the order of ranks."""
    found = figbox.compare(one, other)
    assert figbox.compare(one, other) == found
    for change in found.changes:
        assert change.sentence.endswith(".")
        assert "\n" not in change.sentence
        assert not change.sentence[0].islower()
        assert "None" not in change.sentence
    assert [change.rank for change in found.changes] == sorted(change.rank for change in found.changes)
    json.dumps(found.as_json(), allow_nan=False)


def retitle(shown: Json, _: int) -> None:
    """Give the axes another title."""
    shown["title"] = "Other"


def relabel(shown: Json, _: int) -> None:
    """Give an axis another label."""
    shown["y"]["label"] = "other"


def widen(shown: Json, _: int) -> None:
    """Give an axis another limit."""
    shown["x"]["end"] = 99.5


def recolour(shown: Json, place: int) -> None:
    """Give a series another colour."""
    shown["artists"][place]["color"] = "#ffffff"


def rename(shown: Json, place: int) -> None:
    """Give a series another label."""
    shown["artists"][place]["label"] = "another name"


def mark(shown: Json, place: int) -> None:
    """Give a series a marker."""
    shown["artists"][place]["marker"] = "s"


def remove(shown: Json, place: int) -> None:
    """Take a series away."""
    shown["artists"].pop(place)


def insert(shown: Json, place: int) -> None:
    """Put a series in; the colours go on as a cycle does."""
    label = "new" if shown["artists"][0]["label"] else ""
    shown["artists"].insert(place, line(label, [100.0, 90.0, 80.0]))
    for number, each in enumerate(shown["artists"]):
        each["color"] = f"#0000{number:02d}"


def bring_forward(shown: Json, place: int) -> None:
    """Draw another series than the first one first."""
    assume(place > 0)
    shown["artists"].insert(0, shown["artists"].pop(place))


def lose_point(shown: Json, place: int) -> None:
    """Take the third point from a series."""
    chosen = shown["artists"][place]
    ys = chosen["data"]["y"]
    shown["artists"][place] = line(chosen["label"], ys[:2] + ys[3:], color=chosen["color"])


def move_point(shown: Json, place: int) -> None:
    """Give the third point the value of the median, which no end of the values shows."""
    chosen = shown["artists"][place]
    ys = chosen["data"]["y"]
    middle = sorted(ys)[2]
    assume(ys[2] != middle)
    shown["artists"][place] = line(chosen["label"], [*ys[:2], middle, *ys[3:]], color=chosen["color"])
    assume(shown["artists"][place]["y"] == chosen["y"])


#: What is done to one thing of a figure, and the kind of change that must come first.
MUTATIONS = {
    retitle: ChangeKind.TITLE,
    relabel: ChangeKind.AXIS_LABEL,
    widen: ChangeKind.LIMITS,
    recolour: ChangeKind.COLOR,
    rename: ChangeKind.ARTIST_RENAMED,
    mark: ChangeKind.STYLE,
    remove: ChangeKind.ARTIST_REMOVED,
    insert: ChangeKind.ARTIST_ADDED,
    bring_forward: ChangeKind.ARTISTS_REORDERED,
    lose_point: ChangeKind.POINTS,
    move_point: ChangeKind.VALUES,
}


@given(
    st.lists(st.lists(st.integers(-9, 9), min_size=5, max_size=9), min_size=2, max_size=6, unique_by=tuple), st.data()
)
@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize("label", ["series {}", ""], ids=["labelled", "unlabelled"])
@settings(deadline=None, max_examples=30)
def test_a_mutation_is_named(
    label: str, mutate: Callable[[Json, int], None], series: list[list[int]], data: st.DataObject
) -> None:
    """One thing is done to a figure with several lines, with labels and without; its kind is said first."""
    lines = [
        line(label.format(number), [float(y) for y in ys], color=f"#0000{number:02d}")
        for number, ys in enumerate(series)
    ]
    before = description(axes(*lines, title="Title"))
    after = copy.deepcopy(before)
    mutate(after["axes"][0], data.draw(st.integers(0, len(lines) - 1)))
    found = figbox.compare(before, after).changes
    assert found
    assert found[0].kind is MUTATIONS[mutate], [change.sentence for change in found]
    if mutate in {insert, remove}:
        assert {change.kind for change in found} <= {MUTATIONS[mutate], ChangeKind.COLOR}


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(garbage, garbage)
@settings(deadline=None)
def test_garbage_is_refused(one: Any, other: Any) -> None:
    """What isn't a document raises one error, whatever it is."""
    for before, after in ((one, other), (one, rich()), (rich(), other)):
        with contextlib.suppress(figbox.BadDocument):
            json.dumps(figbox.compare(before, after).as_json(), allow_nan=False)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container in JSON with each of its keys."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from places(value[key])


@given(st.data())
@settings(deadline=None)
def test_garbage_in_a_document_is_refused_or_compared(data: st.DataObject) -> None:
    """Nonsense at any place of a document raises the one error, or is compared like a value."""
    after = document(rich())
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(list(places(after))))
        container[key] = data.draw(garbage)
    with contextlib.suppress(figbox.BadDocument):
        json.dumps(figbox.compare(document(rich()), after).as_json(), allow_nan=False)


@pytest.mark.parametrize(
    "side",
    [
        None, 1, "", "text", b"bytes", {}, {"figures": 1}, [1], {"figures": [1]}, {"description": "x"},
        {"level": "data", "axes": {}}, {"level": "none", "axes": []}, {"axes": [], "level": 3}, 1j,
        {"figures": [{"description": {"level": "data", "width": float("nan")}}]},
        {"figures": [{"description": {"level": "data", "width": 10**400}}]},
        {"figures": [{"number": -1}]}, {"figures": [{"number": 2**60}]}, {"figures": [{"number": True}]},
    ],
    ids=lambda side: repr(side)[:60],
)  # fmt: skip
def test_what_is_refused(side: Any) -> None:
    """The error is in the tree of the client, and names the side."""
    with pytest.raises(figbox.FigboxError, match="the second document") as refused:
        figbox.compare([], side)
    assert isinstance(refused.value, figbox.BadDocument)


def hostile(count: int, first: float) -> Json:
    """Return a figure with so many axes and artists that are all alike, but not the same."""
    crowd = [line("", [first + place, first - place], [0.0, 1.0]) for place in range(ARTISTS_LIMIT + 20)]
    return figure(description(*[axes(*crowd, number=number) for number in range(1, count + 1)]), pixels=str(first))


def test_hostile_sizes_are_cut() -> None:
    """More axes and artists than a service describes are left out, which is said; what is matched is bounded."""
    one, other = (document(*[hostile(AXES_LIMIT + 5, first)] * 3) for first in (0.0, 0.5))
    found = figbox.compare(one, other)
    assert "What goes beyond the limits of a description was not compared." in found.notes
    assert len(found.changes) == 1000
    assert found.changes_left_out > 0
    assert figbox.compare(one, one).changes == ()
    assert ARTISTS_OF_A_DOCUMENT_LIMIT < 2 * 3 * AXES_LIMIT * ARTISTS_LIMIT


def test_crowds_are_matched_by_their_order() -> None:
    """Where there would be too many pairs to judge, the order decides."""
    assert ARTISTS_LIMIT**2 > PAIRS_LIMIT
    before, after = (
        description(axes(*[line("", [first + place, 0.0]) for place in range(ARTISTS_LIMIT)])) for first in (0.0, 0.25)
    )
    kinds = {change.kind for change in figbox.compare(before, after).changes}
    assert kinds == {ChangeKind.VALUES}


def test_matching_of_nothing() -> None:
    """Nothing is matched with nothing."""
    assert match_artists((), ()).pairs == []
