"""Filled areas: bands, stacks of them, and the shapes of violins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.artists import look as looks
from explain.values import Points

if TYPE_CHECKING:
    from explain import words
    from explain.scene import Entry, Scene

#: Points along the height of a violin; what has fewer is something else.
LEAST_OF_VIOLIN = 10

#: What is left of a width where a violin ends.
EQUAL = 1e-6


def outline(area: Any) -> Any:
    """Return all vertices of an area, one after another."""
    import numpy as np

    paths = area.get_paths()
    return np.concatenate([path.vertices for path in paths]) if len(paths) else np.empty((0, 2))


def edges(area: Any) -> tuple[Any, Any, Any] | None:
    """Return where an area between two curves goes: places, and both curves there; None if it isn't made that way."""
    import numpy as np

    at = 0 if getattr(area, "t_direction", "x") == "x" else 1
    pieces = []
    for path in area.get_paths():
        vertices = path.vertices
        count = (len(vertices) - 3) // 2
        first, second = vertices[1 : count + 1], vertices[count + 2 : 2 * count + 2][::-1]
        if len(vertices) % 2 == 0 or not np.array_equal(first[:, at], second[:, at], equal_nan=True):
            return None
        pieces.append(np.column_stack([first[:, at], first[:, 1 - at], second[:, 1 - at]]))
    if not pieces:
        return None
    whole = np.concatenate(pieces)
    return whole[:, 0], whole[:, 1], whole[:, 2]


def tell_area(scene: Scene, entry: Entry) -> words.Artist:
    """Return an area between two curves in words: the greater of both, and how far apart they are as values."""
    import numpy as np

    area = entry.members[0]
    look = looks.of_collection(area)
    found = edges(area)
    arrangement = "stacked" if entry.kind == "stacked area" else ""
    if found is None or scene.axes is None or not area.get_transform().contains_branch(scene.axes.transData):
        vertices = outline(area)
        points = scene.in_data(area.get_transform(), Points(vertices[:, 0], vertices[:, 1]))
        return scene.artist(entry, points, look, arrangement=arrangement, count=len(vertices))
    at, first, second = found
    upper = np.maximum(first, second)
    level = area.t_direction == "x"
    apart = np.abs(first - second)
    points = Points(at, upper, values=apart) if level else Points(upper, at, values=apart)
    told = scene.artist(entry, points, look, arrangement=arrangement)
    lower = np.minimum(first, second)
    finite = lower[np.isfinite(lower)]
    side = told.y if level else told.x
    if side is None or not len(finite):
        return told
    side = side._replace(least=(scene.y if level else scene.x).tell(finite.min()))
    return told._replace(y=side) if level else told._replace(x=side)


def center_of(area: Any) -> float:
    """Return the middle of a violin: half of one has it at its straight side."""
    found = edges(area)
    if found is None:
        return float("nan")
    _, first, second = found
    for side in (first, second):
        if side.max() - side.min() <= EQUAL * abs(first - second).max():
            return float(side[0])
    return float((first[0] + second[0]) / 2)


def is_violin(scene: Scene, area: Any) -> bool:
    """Return whether an area looks like a violin.

    It widens and narrows about a straight middle, on both sides or on one. So does the band about a constant; but where
    its middle is a category, an area across the axis of categories is a violin.
    """
    found = edges(area)
    if found is None or len(found[0]) < LEAST_OF_VIOLIN:
        return False
    coordinates = scene.x if area.t_direction == "y" else scene.y
    _, first, second = found
    widths = abs(first - second)
    slack = EQUAL * max(float(widths.max()), 1e-300)
    if widths.max() - widths.min() <= slack or coordinates.kind != "categories":
        return False
    middles = first + second
    both = middles.max() - middles.min() <= slack
    one = any(side.max() - side.min() <= slack for side in (first, second))
    return (both or one) and bool(coordinates.name_near(center_of(area)))


def find_stack(areas: list[Any]) -> list[Any]:
    """Return those areas that lie one upon the other, the lowest one on a straight line."""
    import numpy as np

    found: list[Any] = []
    before = None
    for area in areas:
        now = edges(area) if area.t_direction == "x" else None
        if now is not None and before is not None:
            (at, first, _), (at_before, first_before, second_before) = now, before[1]
            area_before = before[0]
            same = len(at) == len(at_before) and np.array_equal(at, at_before)
            begins = any(area_before is known for known in found) or np.ptp(first_before) == 0
            if same and begins and np.ptp(second_before) > 0 and np.allclose(first, second_before, equal_nan=True):
                found += [each for each in (before[0], area) if not any(each is known for known in found)]
        before = (area, now) if now is not None else None
    return found


def tell_span(scene: Scene, entry: Entry) -> words.Artist:
    """Return a span across the axes in words: where it begins and ends."""
    import numpy as np

    patch = entry.members[0]
    x, y, width, height = patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()
    if is_level(scene, patch):
        points = Points(y=np.array([y, y + height], float))
    else:
        points = Points(x=np.array([x, x + width], float))
    return scene.artist(entry, points, looks.of_patch(patch), count=1)


def is_level(scene: Scene, patch: Any) -> bool:
    """Return whether a span lies across the axes from left to right."""
    return patch.get_data_transform() is scene.axes.get_yaxis_transform(which="grid")


def is_span(scene: Scene, patch: Any) -> bool:
    """Return whether a rectangle is a span, as `axhspan` and `axvspan` make them."""
    transform = patch.get_data_transform()
    axes = scene.axes
    return transform is axes.get_yaxis_transform(which="grid") or transform is axes.get_xaxis_transform(which="grid")
