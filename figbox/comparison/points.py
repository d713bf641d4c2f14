"""What changed in the values of an artist."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from figbox.comparison.changes import Change, ChangeKind
from figbox.comparison.wording import counted, instead, listed, quote, range_instead, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from figbox.comparison.described import Artist, Data, Extent, Value
    from figbox.comparison.scope import Scope, Subject

#: Numbers that differ by less than this share of the greater one, or of the greatest of their kind, are the same: the
#: last digits of sums depend on the machine.
TOLERANCE = 1e-9

#: Points that are named one by one.
NAMED_POINTS_LIMIT = 3

Point = tuple["Value", ...]


def same(before: Value, after: Value, scale: float = 0.0) -> bool:
    """Tell whether two values are the same but for the last digits; `scale` is the size of values of their kind."""
    if isinstance(before, int | float) and isinstance(after, int | float):
        return math.isclose(before, after, rel_tol=TOLERANCE, abs_tol=TOLERANCE * scale)
    return before == after


def scale_of(*values: Value) -> float:
    """Return the size of values: the greatest distance from zero."""
    return max((abs(value) for value in values if isinstance(value, int | float)), default=0.0)


def compare_points(
    subject: Subject, before: Artist, after: Artist, scope: Scope, words: Sequence[str]
) -> Iterator[Change]:
    """Yield what changed in number, ranges and values of the points.

    Args:
        subject: What the artist is called.
        before: The artist on the first side.
        after: The artist on the second side.
        scope: Its axes.
        words: What the values along the three axes are called.
    """
    boxes = before.box, after.box
    before, after = _without_doubles(before, after)
    named = ""
    if before.points != after.points:
        text = f"{subject.verb('has', 'have')} {counted(after.points, subject.part)} instead of {before.points}"
        where = _where_points_went(before.data, after.data, subject.part)
        named = where if abs(after.points - before.points) == 1 else ""
        yield scope.change(ChangeKind.POINTS, text + where, *boxes)
    for kind, old, new in (
        ("missing", before.missing, after.missing),
        ("infinite", before.infinite, after.infinite),
    ):
        if old != new:
            text = f"{subject.verb('has', 'have')} {new} {kind} {_plural(subject.part, new)} instead of {old}"
            yield scope.change(ChangeKind.MISSING, text, *boxes)
    values = ""
    if before.data is not None and after.data is not None and before.points == after.points:
        if moved := _moved_points(before.data, after.data):
            parts = after.parts if before.parts == after.parts else ()
            named = _named_points(moved, before.data, subject.part, parts)
            values = f"in {subject.name}, {named or _counted_points(moved, before.data, subject.part)}"
        elif (lists := _lists(before.data, after.data, words)) is not None:
            values = f"{subject.verb('has', 'have')} {lists}"
    clauses = [] if named else list(_extents(before, after, words))  # points that are named say it all
    if clauses:
        yield scope.change(ChangeKind.RANGE, f"in {subject.name}, {listed(clauses)}", *boxes)
    if values:
        yield scope.change(ChangeKind.VALUES, values, *boxes)


def _without_doubles(before: Artist, after: Artist) -> tuple[Artist, Artist]:
    """Return both without values that are the same as those along the second axis, as those of bars often are."""
    if any(artist.values is None or artist.values != artist.y for artist in (before, after)):
        return before, after
    if any(artist.data is not None and artist.data.values != artist.data.y for artist in (before, after)):
        return before, after
    plain = [
        replace(artist, values=None, data=replace(artist.data, values=()) if artist.data is not None else None)
        for artist in (before, after)
    ]
    return plain[0], plain[1]


def _plural(noun: str, count: int) -> str:
    return counted(count, noun).partition(" ")[2]


def _extents(before: Artist, after: Artist, words: Sequence[str]) -> Iterator[str]:
    """Yield a clause for each coordinate whose ends changed."""
    pairs = ((before.x, after.x), (before.y, after.y), (before.z, after.z), (before.values, after.values))
    for word, (old, new) in zip((*words, ""), pairs, strict=True):
        if old is None or new is None:
            if new is not None:
                yield f"there are {word} values now, from {shown(new.least)} to {shown(new.greatest)}".replace(
                    "  ", " "
                )
            elif old is not None:
                yield f"there are no {word} values any more".replace("  ", " ")
        else:
            yield from _ends(word or "value", old, new)


def _ends(word: str, before: Extent, after: Extent) -> Iterator[str]:
    ends = (before.least, before.greatest, after.least, after.greatest)
    scale = scale_of(*ends, before.first, before.last, after.first, after.last)
    changed = [
        name
        for name in ("least", "greatest", "first", "last")
        if not same(getattr(before, name), getattr(after, name), scale)
    ]
    if before.least == before.greatest and after.least == after.greatest and changed:
        yield f"{word} is {instead(before.least, after.least)}"
        return
    if changed[:2] == ["least", "greatest"]:
        yield f"{word} ranges {range_instead(ends[:2], ends[2:])}"
        return  # the first and the last are mostly these two
    for name, end in (("first", "least"), ("last", "greatest"), ("first", "greatest"), ("last", "least")):
        both = all(getattr(extent, name) == getattr(extent, end) for extent in (before, after))
        if both and name in changed and end in changed:
            changed.remove(name)
    for name in changed:
        yield f"the {name} {word} is {instead(getattr(before, name), getattr(after, name))}"


def _where_points_went(before: Data | None, after: Data | None, part: str) -> str:
    """Return which points were added or removed, if the others are all the same; else nothing."""
    if before is None or after is None:
        return ""
    old, new = before.points, after.points
    if len(old) != before.total or len(new) != after.total or len(old) == len(new):
        return ""
    scales = _scales(before, after)
    few, many = (old, new) if len(old) < len(new) else (new, old)
    begin = 0
    while begin < len(few) and _same_point(few[begin], many[begin], scales):
        begin += 1
    end = 0
    while end < len(few) - begin and _same_point(few[-1 - end], many[-1 - end], scales):
        end += 1
    if begin + end < len(few):
        return ""
    first, count = begin, len(many) - len(few)
    done = "added" if many is new else "removed"
    if count == 1:
        return f": {part} {first + 1} at {_point(many[first])} was {done}"
    return f": {_plural(part, count)} {first + 1} to {first + count} were {done}"


def _moved_points(before: Data, after: Data) -> list[tuple[int, Point, Point]]:
    """Return which points are elsewhere, counted from 1 in the lists; none if the lists can't be compared."""
    old, new = before.points, after.points
    if len(old) != len(new) or before.total != after.total:
        return []
    scales = _scales(before, after)
    return [
        (place, *pair) for place, pair in enumerate(zip(old, new, strict=True), 1) if not _same_point(*pair, scales)
    ]


def _named_points(moved: Sequence[tuple[int, Point, Point]], data: Data, part: str, parts: Sequence[str]) -> str:
    """Return where each point was and is; empty if there are too many of them, or their numbers aren't known."""
    if len(moved) > NAMED_POINTS_LIMIT or len(data.points) != data.total:
        return ""
    names = [f" ({quote(name)})" if name and len(data.points[0]) == 1 else "" for name in parts]
    named = names if len(names) == data.total else [""] * data.total
    return listed([f"{part} {place}{named[place - 1]} {_point_instead(old, new)}" for place, old, new in moved])


def _point_instead(before: Point, after: Point) -> str:
    old, new = _point(before), _point(after)
    at = "at " if len(after) > 1 else ""  # a value alone, as the share of a slice, is no place
    return f"is {at}{new} instead of {old}" if new != old else f"at {new} differs in its last digits"


def _counted_points(moved: Sequence[tuple[int, Point, Point]], data: Data, part: str) -> str:
    """Return how many points are elsewhere."""
    listed_points = len(data.points)
    thinned = listed_points != data.total
    verb = "is" if len(moved) == 1 else "are"
    of = (
        f"{listed_points} of {data.total} {_plural(part, data.total)} compared"
        if thinned
        else counted(data.total, part)
    )
    return f"{len(moved)} of the {of} {verb} elsewhere"


def _lists(before: Data, after: Data, words: Sequence[str]) -> str | None:
    """Return what is said where the lists of values differ in length alone."""
    for word, name in zip((*words, ""), ("x", "y", "z", "values"), strict=True):
        old, new = len(getattr(before, name)), len(getattr(after, name))
        if old != new:
            return f"{counted(new, f'{word} value'.strip())} described instead of {old}"
    if before.total != after.total:
        return f"{after.total} values instead of {before.total}"
    return None


def _scales(before: Data, after: Data) -> tuple[float, ...]:
    """Return the size of the values of each coordinate that points have, in their order."""
    pairs = ((before.x, after.x), (before.y, after.y), (before.z, after.z), (before.values, after.values))
    return tuple(scale_of(*old, *new) for old, new in pairs if old or new)


def _same_point(before: Point, after: Point, scales: Sequence[float]) -> bool:
    if len(before) != len(after):
        return False
    return all(same(old, new, scale) for old, new, scale in zip(before, after, scales, strict=False))


def _point(point: Point) -> str:
    told = ["missing" if value is None else shown(value) for value in point]
    return told[0] if len(told) == 1 else f"({', '.join(told)})"
