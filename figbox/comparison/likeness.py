"""How figures, axes and artists are recognized on the other side.

An artist is recognized by its label; then by its values, which tells a renamed one; then by being the most alike of its
kind; at last by being the only one left of it. So a series that is put in before others, which gives each of them
another colour, changes none of their places. Axes and figures are recognized by what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from figbox.comparison.matching import Matching
from figbox.comparison.wording import number

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from figbox.comparison.described import Artist, Axes, Box, Description, Extent, Figure, Value

#: Kinds whose text is their name.
TEXTS = frozenset({"text", "annotation"})

#: How much two must be alike: of artists in general, and of artists with different names; of axes; of figures.
LEAST_ALIKE = 0.5
LEAST_ALIKE_NAMED = 0.8
LEAST_ALIKE_AXES = 0.3
LEAST_ALIKE_FIGURES = 0.3

#: What two axes with different roles are alike, as a share of what they would be otherwise.
OTHER_ROLE = 0.6

#: Characters of a text that its likeness is judged by.
JUDGED_LIMIT = 100


def match_artists(before: Sequence[Artist], after: Sequence[Artist]) -> Matching[Artist]:
    """Return which artists of an axes are which."""
    found = Matching(before, after)
    found.by_key(lambda artist: (_name(artist), artist.kind, _values_of(artist), _look(artist)))
    found.by_key(lambda artist: (artist.label, artist.kind) if artist.label else None)
    found.by_key(lambda artist: artist.label or None)
    found.by_key(lambda artist: (artist.kind, artist.text) if artist.text else None)
    found.by_key(lambda artist: (artist.kind, _values_of(artist), _look(artist)) if _has_values(artist) else None)
    found.by_key(lambda artist: (artist.kind, _values_of(artist)) if _has_values(artist) else None)
    found.by_key(lambda artist: _values_of(artist) if _has_values(artist) else None)
    found.by_likeness(_alike_artists, LEAST_ALIKE)
    found.by_key(lambda artist: None if artist.label or artist.kind in TEXTS else (artist.kind, artist.color))
    found.by_only_key(lambda artist: None if artist.label else artist.kind)
    return found


def match_axes(before: Description, after: Description) -> Matching[Axes]:
    """Return which axes of a figure are which."""
    found = Matching(before.axes, after.axes)
    marks = {id(axes): (_axes_marks(axes), _place(axes, side)) for side in (before, after) for axes in side.axes}
    found.by_key(lambda axes: (axes.role, axes.kind, marks[id(axes)]))
    found.by_key(lambda axes: marks[id(axes)][0] or None)

    def alike(one: Axes, other: Axes) -> float:
        (one_marks, one_place), (other_marks, other_place) = marks[id(one)], marks[id(other)]
        scores = [(3.0, _shared(one_marks, other_marks)), (1.0, float(one_place == other_place))]
        alike = _mean(scores) if one_marks or other_marks else 0.0
        return alike if one.role == other.role else alike * OTHER_ROLE

    found.by_likeness(alike, LEAST_ALIKE_AXES)
    found.by_key(lambda axes: (axes.role, marks[id(axes)][1]))
    if before.axes_left_out or after.axes_left_out:
        return found  # what is left may have its partner among those
    if len(before.axes) == len(after.axes):
        found.by_key(lambda axes: axes.role)
    found.by_only_key(lambda axes: axes.role)
    return found


def match_figures(before: Sequence[Figure], after: Sequence[Figure]) -> Matching[Figure]:
    """Return which figures of two documents are which."""
    found = Matching(before, after)
    if len(before) == len(after) == 1:
        found.by_key(lambda _: 0)
        return found
    marks = {id(figure): _figure_marks(figure) for side in (before, after) for figure in side}
    found.by_key(lambda figure: (figure.label, marks[id(figure)]) if marks[id(figure)] else None)
    found.by_key(lambda figure: figure.label or None)
    found.by_key(_pixels)
    found.by_likeness(lambda one, other: _shared(marks[id(one)], marks[id(other)]), LEAST_ALIKE_FIGURES)
    found.by_key(lambda figure: figure.number)
    return found


def _name(artist: Artist) -> tuple[str, str]:
    return artist.label, artist.text


def _look(artist: Artist) -> tuple[Hashable, ...]:
    return artist.color, artist.colormap, artist.style, artist.marker, artist.arrangement


def _has_values(artist: Artist) -> bool:
    return artist.points > 0 or any((artist.x, artist.y, artist.z, artist.values, artist.parts))


def _values_of(artist: Artist) -> tuple[Hashable, ...]:
    """Return what is the same for two artists that show the same, but for what was lost in the last digits."""
    extents = tuple(_rounded_extent(each) for each in (artist.x, artist.y, artist.z, artist.values))
    return artist.points, artist.parts, *extents


def _rounded_extent(extent: Extent | None) -> tuple[str, ...] | None:
    if extent is None:
        return None
    return tuple(map(_rounded, (extent.first, extent.last, extent.least, extent.greatest)))


def _rounded(value: Value) -> str:
    return number(value) if isinstance(value, int | float) else f"{value!r}"


def _alike_artists(one: Artist, other: Artist) -> float:
    """Return how much two artists are alike, from 0 to 1."""
    if one.kind != other.kind:
        return 0.0
    scores = [
        (2.0, float(one.color == other.color)),
        (1.0, float((one.style, one.marker) == (other.style, other.marker))),
        (1.0, _ratio(one.points, other.points)),
    ]
    scores += [
        (2.0, _overlap(before, after))
        for before, after in ((one.x, other.x), (one.y, other.y), (one.z, other.z), (one.values, other.values))
        if before is not None or after is not None
    ]
    if one.parts or other.parts:
        scores.append((2.0, _shared(set(one.parts), set(other.parts))))
    if one.text or other.text:
        scores.append((4.0, _common(one.text, other.text)))
    if one.box is not None and other.box is not None:
        scores.append((1.0, _near(one.box, other.box)))
    alike = _mean(scores)
    return alike if not (one.label and other.label) or alike >= LEAST_ALIKE_NAMED else 0.0


def _mean(scores: Iterable[tuple[float, float]]) -> float:
    every = list(scores)
    return sum(weight * score for weight, score in every) / sum(weight for weight, _ in every)


def _ratio(one: int, other: int) -> float:
    return min(one, other) / max(one, other) if max(one, other) else 1.0


def _overlap(one: Extent | None, other: Extent | None) -> float:
    """Return the part that two ranges have in common; 0 if one has no numbers that the other has."""
    if one is None or other is None:
        return 0.0
    ends = (one.least, one.greatest, other.least, other.greatest)
    if not all(isinstance(end, int | float) for end in ends):
        return (float(one.least == other.least) + float(one.greatest == other.greatest)) / 2
    a, b, c, d = (float(end) for end in ends if not isinstance(end, str | None))
    whole = max(b, d) / 2 - min(a, c) / 2  # halves, since the difference of finite numbers may be infinite
    common = min(b, d) / 2 - max(a, c) / 2
    return max(0.0, common) / whole if whole > 0 else 1.0


def _common(one: str, other: str) -> float:
    """Return how much of two texts their beginnings and ends have in common."""
    one, other = one[:JUDGED_LIMIT], other[:JUDGED_LIMIT]
    most = min(len(one), len(other))
    begin = next((place for place in range(most) if one[place] != other[place]), most)
    rest = most - begin
    end = next((place for place in range(rest) if one[-1 - place] != other[-1 - place]), rest)
    return (begin + end) / max(len(one), len(other), 1)


def _near(one: Box, other: Box) -> float:
    size = one.width + other.width + one.height + other.height + 1.0
    away = abs(one.x - other.x) + abs(one.y - other.y)
    return 1.0 / (1.0 + 4 * away / size)


def _shared(one: set[Any] | frozenset[Any], other: set[Any] | frozenset[Any]) -> float:
    return len(one & other) / len(one | other) if one or other else 0.0


def _place(axes: Axes, figure: Description) -> tuple[int, ...] | None:
    """Return where an axes is, in fortieths of the picture, which a layout's small moves seldom change."""
    box, steps = axes.box, 40
    if box is None or not figure.width or not figure.height:
        return None
    shares = (box.x / figure.width, box.y / figure.height, box.width / figure.width, box.height / figure.height)
    return tuple(round(min(max(share, 0.0), 1.0) * steps) for share in shares)


def _axes_marks(axes: Axes) -> frozenset[Hashable]:
    """Return what tells an axes from others: its texts, and the names and values of its artists."""
    return frozenset(_marks_of_axes(axes))


def _marks_of_axes(axes: Axes) -> Iterator[Hashable]:
    if axes.title:
        yield "title", axes.title
    for name, axis in (("x", axes.x), ("y", axes.y), ("z", axes.z)):
        if axis is not None and axis.label:
            yield name, axis.label
    for artist in axes.artists:
        if artist.label or artist.text:
            yield "name", _name(artist)
        if _has_values(artist):
            yield "values", _values_of(artist)


def _figure_marks(figure: Figure) -> frozenset[Hashable]:
    description = figure.description
    if description is None:
        return frozenset()
    own: set[Hashable] = {("figure", description.title)} if description.title else set()
    return frozenset(own.union(*(_marks_of_axes(axes) for axes in description.axes)))


def _pixels(figure: Figure) -> str | None:
    return next((picture.pixels_sha256 for picture in figure.pictures if picture.pixels_sha256), None)
