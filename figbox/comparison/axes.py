"""What changed in the axes of a figure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from figbox.comparison.artists import PLACE_TOLERANCE, Frame, close, compare_artists
from figbox.comparison.changes import Change, ChangeKind
from figbox.comparison.points import same, scale_of
from figbox.comparison.scope import axes_name
from figbox.comparison.texts import compare_legends, compare_text
from figbox.comparison.wording import (
    LISTED_LIMIT,
    distance,
    instead,
    left_out,
    listed,
    moved,
    noun_of,
    quote,
    range_instead,
    shown,
    some,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from figbox.comparison.described import Axes, Axis, Box, Description, Value
    from figbox.comparison.matching import Matching, Pair
    from figbox.comparison.scope import Scope

#: What the axes are called, by the kind of coordinates.
WORDS = {"polar": ("angle", "radius", "z"), "geographic": ("longitude", "latitude", "z")}
CARTESIAN = ("x", "y", "z")

#: A move or a growth of an axes by less than this share of the picture is what a layout does to make room for a label.
LAYOUT_SHARE = 0.05

LINKS = {
    "belongs_to": "belongs to",
    "shares_x": "shares its first axis with",
    "shares_y": "shares its second axis with",
}


def compare_axes(
    matching: Matching[Axes], before: Description, after: Description, scope: Scope
) -> tuple[list[Change], Counter[str]]:
    """Return what changed in all axes of a figure, and by how much each label occurs more often than before."""
    named = len(before.axes) > 1 or len(after.axes) > 1
    changes: list[Change] = []
    labels: Counter[str] = Counter()
    for j in matching.came(cut=before.axes_left_out > 0):
        axes = after.axes[j]
        where = scope.of_axes(None, axes, named=False)
        changes.append(where.appeared(ChangeKind.AXES_ADDED, f"{_introduced(axes)} added", axes.box))
        labels.update(artist.label for artist in axes.artists if artist.label)
    for i in matching.went(cut=after.axes_left_out > 0):
        axes = before.axes[i]
        where = scope.of_axes(axes, None, named=False)
        changes.append(where.went(ChangeKind.AXES_REMOVED, f"{_introduced(axes)} removed", axes.box))
        labels.subtract(artist.label for artist in axes.artists if artist.label)
    numbers = {pair.before.number: pair.after.number for pair in matching.pairs}
    sizes = (before.width, before.height), (after.width, after.height)
    for pair in matching.pairs:
        where = scope.of_axes(pair.before, pair.after, named=named)
        found, more = _one(pair, where, sizes)
        changes += found
        changes += _links(pair, where, numbers)
        labels.update(more)
    if matching.reordered:
        changes.append(_reordered(matching.pairs, scope))
    return changes, labels


def _introduced(axes: Axes) -> str:
    """Return an axes with the first names of what is in it, and the verb."""
    names = [quote(artist.label) for artist in axes.artists if artist.label]
    if not names:
        counts = Counter(noun_of(artist.kind) for artist in axes.artists)
        names = [some(count, noun) for noun, count in counts.items()]
    return f"{axes_name(axes)}{f', with {listed(names)},' if names else ''} was"


def _one(
    pair: Pair[Axes], scope: Scope, sizes: tuple[tuple[float, float], tuple[float, float]]
) -> tuple[list[Change], Counter[str]]:
    before, after = pair.before, pair.after
    words = WORDS.get(after.kind, CARTESIAN)
    changes = list(_kind_and_place(before, after, scope, sizes))
    changes += compare_text(scope, ChangeKind.TITLE, "title", before.title, after.title)
    limits: list[Change] = []
    for name, old, new in zip(words, (before.x, before.y, before.z), (after.x, after.y, after.z), strict=True):
        if old is not None and new is not None:
            changes += _axis(name, old, new, scope)
            limits += _limits(name, old, new, scope)
    frame = Frame(before.box, after.box) if not limits and before.kind == after.kind else Frame(None, None)
    cut = before.artists_left_out, after.artists_left_out
    found, labels = compare_artists(before.artists, after.artists, scope, frame=frame, words=words, left_out=cut)
    legends = [[axes.legend] if axes.legend is not None else [] for axes in (before, after)]
    changes += compare_legends(legends[0], legends[1], labels, scope, Frame(before.box, after.box))
    changes += found
    changes += limits
    if before.artists_left_out != after.artists_left_out:
        text = left_out("artist", before.artists_left_out, after.artists_left_out)
        changes.append(scope.change(ChangeKind.LEFT_OUT, text))
    return changes, labels


def _kind_and_place(
    before: Axes, after: Axes, scope: Scope, sizes: tuple[tuple[float, float], tuple[float, float]]
) -> Iterator[Change]:
    boxes = before.box, after.box
    if before.kind != after.kind:
        text = f"the axes is {word(after.kind)} instead of {word(before.kind)}"
        yield scope.change(ChangeKind.AXES_KIND, text, *boxes)
    if before.role != after.role:
        text = f"the role of the axes is {word(after.role)} instead of {word(before.role)}"
        yield scope.change(ChangeKind.AXES_KIND, text, *boxes)
    if before.box is None or after.box is None:
        if before.box != after.box:
            text = "the axes is in the picture now" if before.box is None else "the axes is no longer in the picture"
            yield scope.change(ChangeKind.AXES_MOVED, text, *boxes)
        return
    old, new = (_in_shares(box, size) for box, size in zip((before.box, after.box), sizes, strict=True))
    tolerance = PLACE_TOLERANCE / max(*sizes[0], *sizes[1], 1.0)
    if sizes[0] == sizes[1]:
        if close(before.box, after.box, PLACE_TOLERANCE):
            return
    elif close(old, new, max(tolerance, LAYOUT_SHARE)):
        return  # the picture has another size, which is said
    rank_of = ChangeKind.SIZE if close(old, new, LAYOUT_SHARE) else None
    yield scope.change(
        ChangeKind.AXES_MOVED,
        _moved(before.box, after.box, scope, same_size=sizes[0] == sizes[1]),
        *boxes,
        rank_of=rank_of,
    )


def _in_shares(box: Box, size: tuple[float, float]) -> Box:
    width, height = size[0] or 1.0, size[1] or 1.0
    return type(box)(box.x / width, box.y / height, box.width / width, box.height / height)


def _moved(before: Box, after: Box, scope: Scope, *, same_size: bool) -> str:
    if not same_size:
        return "the axes has another place in the picture"
    away = moved(before, after, scope.unit)
    clauses = [f"moved {away}"] if away else []
    old, new = (_extent(box, scope.unit) for box in (before, after))
    if old != new:
        clauses.append(f"is {new} instead of {old.rpartition(' ')[0]}")
    return f"the axes {' and '.join(clauses) if clauses else 'moved'}"


def _extent(box: Box, unit: str) -> str:
    return f"{distance(box.width, unit).partition(' ')[0]} by {distance(box.height, unit)}"


def _axis(which: str, before: Axis, after: Axis, scope: Scope) -> Iterator[Change]:
    """Yield what changed in an axis but for its limits."""
    name = f"{which} axis"
    yield from compare_text(scope, ChangeKind.AXIS_LABEL, f"label of the {name}", before.label, after.label)
    if before.scale != after.scale:
        text = f"the scale of the {name} is {word(after.scale)} instead of {word(before.scale)}"
        yield scope.change(ChangeKind.SCALE, text)
    if before.values != after.values:
        text = f"the {name} has {word(after.values)} instead of {word(before.values)}"
        yield scope.change(ChangeKind.SCALE, text)
    if before.inverted != after.inverted:
        text = f"the {name} is inverted" if after.inverted else f"the {name} is no longer inverted"
        yield scope.change(ChangeKind.LIMITS, text)
    if before.visible != after.visible:
        text = f"the {name} is visible now" if after.visible else f"the {name} is no longer visible"
        yield scope.change(ChangeKind.AXIS_VISIBLE, text)
    if before.ticks != after.ticks:
        old, new = (_written(axis.ticks) for axis in (before, after))
        if old == new:
            old, new = (f"{len(axis.ticks)} with other texts" for axis in (before, after))
        yield scope.change(ChangeKind.TICKS, f"the ticks of the {name} are {new} instead of {old}")


def _written(ticks: Sequence[str]) -> str:
    texts = [quote(tick)[1:-1] or "''" for tick in ticks]
    return listed(texts) if len(texts) <= LISTED_LIMIT else f"{len(texts)} from {texts[0]} to {texts[-1]}"


def _limits(which: str, before: Axis, after: Axis, scope: Scope) -> Iterator[Change]:
    """Yield that the limits changed, unless they only changed places."""
    old, new = (before.begin, before.end), (after.begin, after.end)
    scale = scale_of(*old, *new)
    swapped = old[::-1] if before.inverted != after.inverted else old
    if all(same(one, other, scale) for one, other in zip(swapped, new, strict=True)):
        return
    yield scope.change(ChangeKind.LIMITS, f"the {which} axis goes {_range(old, new)}")


def _range(before: tuple[Value, Value], after: tuple[Value, Value]) -> str:
    if shown(before[0]) == shown(after[0]) and before[1] != after[1]:
        return (
            f"to {instead(before[1], after[1])}"
            if shown(before[1]) != shown(after[1])
            else range_instead(before, after)
        )
    return range_instead(before, after)


def _links(pair: Pair[Axes], scope: Scope, numbers: Mapping[int, int]) -> Iterator[Change]:
    """Yield that an axes belongs to others, or shares an axis with others.

    Only those count that both sides have; `numbers` are the new ones by the old.
    """
    for name, verb in LINKS.items():
        old, new = getattr(pair.before, name), getattr(pair.after, name)
        if {numbers[number] for number in old if number in numbers} != set(new) & set(numbers.values()):
            before, after = (
                f"axes {listed([str(number) for number in each])}" if each else "none" for each in (old, new)
            )
            text = f"the axes {verb} {after} instead of {before}"
            yield scope.change(ChangeKind.AXES_LINKED, text, pair.before.box, pair.after.box)


def _reordered(pairs: Sequence[Pair[Axes]], scope: Scope) -> Change:
    order = listed([f"axes {pair.after.number} was {pair.before.number}" for pair in pairs if pair.i != pair.j])
    return scope.change(ChangeKind.AXES_REORDERED, f"the axes are in another order: {order}")
