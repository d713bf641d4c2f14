"""Lines: plain ones, steps, markers without a line, reference lines, error bars, stems and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.artists import look as looks
from explain.marks import call_of
from explain.scene import Entry, named
from explain.values import Points, as_numbers, names, reach
from explain.words import NAMES_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words
    from explain.scene import Scene

#: Vertices of a collection of lines that are looked at.
SEGMENTS_LIMIT = 100_000

ENDS = 2

#: The box of a line with more points is that of its points, which takes less time than following the line.
LONG = 1000

#: Which points of a line that is an error bar are its ends, by their number: without caps, with caps, and with gaps.
MIDDLES = {2: slice(0, 2), 6: slice(2, 4), 8: slice(3, 5)}


def line_points(line: Any) -> Points:
    """Return the points of a line, in two dimensions or three."""
    solid = getattr(line, "_verts3d", None)
    if solid is not None:
        return Points(*map(as_numbers, solid))
    vertices = line.get_xydata()
    return Points(vertices[:, 0], vertices[:, 1])


def entry_of(scene: Scene, line: Any) -> Entry:
    """Return the entry of a line that belongs to nothing else."""
    from matplotlib.lines import AxLine

    if isinstance(line, AxLine):
        return Entry("reference line", [line], _tell_endless)
    if scene.axes is not None and is_reference(scene.axes, line):
        return Entry("reference line", [line], _tell_reference)
    if str(line.get_drawstyle()).startswith("steps"):
        return Entry("step", [line], _tell_line)
    look = looks.of_line(line)
    return Entry("scatter" if look.style == "none" and look.marker else "line", [line], _tell_line)


def is_reference(axes: Any, line: Any) -> bool:
    """Return whether a line lies at one value, across the axes; as `axhline` and `axvline` make them."""
    transform = line.get_transform()
    return transform is axes.get_yaxis_transform(which="grid") or transform is axes.get_xaxis_transform(which="grid")


def _tell_line(scene: Scene, entry: Entry) -> words.Artist:
    line = entry.members[0]
    look = looks.of_line(line)
    points = line_points(line)
    count = points.length()
    points = scene.in_data(line.get_transform(), points)
    return scene.artist(entry, points, look, count=count, by_points=count > LONG and not scene.is_solid)


def _tell_reference(scene: Scene, entry: Entry) -> words.Artist:
    line = entry.members[0]
    vertices = line.get_xydata()
    level = line.get_transform() is scene.axes.get_yaxis_transform(which="grid")
    points = Points(y=vertices[:1, 1]) if level else Points(x=vertices[:1, 0])
    return scene.artist(entry, points, looks.of_line(line))


def _tell_endless(scene: Scene, entry: Entry) -> words.Artist:
    """Return a line without ends: a point on it, and its slope as its value."""
    line = entry.members[0]
    (x, y), other, slope = line._xy1, line._xy2, line._slope
    if slope is None:
        slope = (other[1] - y) / (other[0] - x) if other[0] != x else float("inf")
    return scene.artist(
        entry, Points(as_numbers([x]), as_numbers([y]), values=as_numbers([slope])), looks.of_line(line)
    )


def vertices_of(collection: Any) -> tuple[Any, int]:
    """Return the vertices of a collection's lines in one array, and how many lines it has."""
    import numpy as np

    solid = getattr(collection, "_segments3d", None)
    if solid is not None:
        segments = [np.asarray(each, float).reshape(-1, 3) for each in list(solid)[:SEGMENTS_LIMIT]]
        return (np.concatenate(segments) if segments else np.empty((0, 3))), len(solid)
    paths = collection.get_paths()
    if not len(paths):
        return np.empty((0, 2)), 0
    return np.concatenate([path.vertices for path in paths[:SEGMENTS_LIMIT]]), len(paths)


def tell_segments(scene: Scene, entry: Entry) -> words.Artist:
    """Return a collection of lines in words: its ranges, and how many lines it has; several like one."""
    import numpy as np

    vertices, counts = zip(*(vertices_of(each) for each in entry.members if hasattr(each, "get_paths")), strict=True)
    points = points_of(np.concatenate(vertices))
    first = entry.members[0]
    mapped = first.get_array() if first.get_array() is not None else None
    values = None if mapped is None else as_numbers(mapped)
    points = scene.in_data(first.get_transform(), points)
    if values is not None:
        points = points._replace(values=values)
    return scene.artist(entry, points, looks.of_collection(first, lines=True), count=sum(counts))


def points_of(vertices: Any) -> Points:
    """Return an array of vertices, two or three columns, as points."""
    return Points(*(vertices[:, column] for column in range(vertices.shape[1])))


def tell_rules(scene: Scene, entry: Entry) -> words.Artist:
    """Return lines that one call drew at several values: `hlines`, `vlines`."""
    import numpy as np

    vertices, count = vertices_of(entry.members[0])
    call = call_of(entry.members[0])
    at = 1 if call is not None and call[0].method == "hlines" else 0
    values = np.asarray(vertices[::ENDS, at], float)
    points = Points(y=values) if at else Points(x=values)
    told = scene.artist(entry, points, looks.of_collection(entry.members[0], lines=True), count=count)
    along = reach(scene.x if at else scene.y, vertices[:, 1 - at])
    return told._replace(x=along) if at else told._replace(y=along)


def tell_triangles(scene: Scene, entry: Entry) -> words.Artist:
    """Return the edges of triangles in words, which Matplotlib draws as one line with gaps."""
    told = _tell_line(scene, entry)
    return told._replace(missing=0, points=told.points - told.missing)


def tell_events(scene: Scene, entry: Entry) -> words.Artist:
    """Return rows of events in words: where they are, and the places of the rows as parts."""
    import numpy as np

    rows = [row for row in entry.members if hasattr(row, "get_positions")]
    at = np.concatenate([as_numbers(row.get_positions()) for row in rows])
    offsets = np.concatenate([np.full(len(row.get_positions()), row.get_lineoffset(), float) for row in rows])
    points = Points(at, offsets) if rows[0].is_horizontal() else Points(offsets, at)
    colors = {looks.of_collection(row, lines=True) for row in rows[: looks.COLORS_LIMIT]}
    across = scene.y if rows[0].is_horizontal() else scene.x
    parts = names(across.name_of(float(row.get_lineoffset())) for row in rows[:NAMES_LIMIT]) if len(rows) > 1 else ()
    return scene.artist(entry, points, colors.pop() if len(colors) == 1 else None, parts=parts)


def error_bars(container: Any, members: Sequence[Any]) -> Entry:
    """Return the entry of a container of error bars, with those of its artists that the axes still have."""

    def tell(scene: Scene, entry: Entry) -> words.Artist:
        line, _, bars = container.lines
        points, half = Points(), None
        if bars:
            vertices, _ = vertices_of(bars[-1])
            ends = vertices[: len(vertices) // ENDS * ENDS].reshape(-1, ENDS, vertices.shape[1])
            points, half = points_of(ends.mean(axis=1)), abs(ends[:, 1] - ends[:, 0]).max(axis=1) / 2
        look = looks.of_collection(bars[0], lines=True)._replace(style="none") if bars else None
        if line is not None:
            look = looks.of_line(line)
            points = line_points(line)
        label = named(container) or scene.label_of([*([line] if line is not None else []), *members][:1])
        return scene.artist(entry, points._replace(values=half), look, label=label)

    return Entry("error bars", members, tell)


def tell_error_lines(scene: Scene, entry: Entry) -> words.Artist:
    """Return error bars that were drawn as a line each."""
    import numpy as np

    ends = np.array([line.get_xydata()[MIDDLES[len(line.get_xydata())]] for line in entry.members], float)
    half = np.abs(ends[:, 1] - ends[:, 0]).max(axis=1) / 2
    points = points_of(ends.mean(axis=1))._replace(values=half)
    return scene.artist(entry, points, looks.of_line(entry.members[0])._replace(style="none"), label="")


def stem(container: Any, members: Sequence[Any]) -> Entry:
    """Return the entry of stems."""

    def tell(scene: Scene, entry: Entry) -> words.Artist:
        line = container.markerline
        return scene.artist(
            entry, line_points(line), looks.of_line(line), label=named(container) or scene.label_of([line])
        )

    return Entry("stem", members, tell)
