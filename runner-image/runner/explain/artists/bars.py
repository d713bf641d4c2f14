"""Bars and histograms: what each container of bars holds, and how several share their places."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from explain.artists import look as looks
from explain.marks import call_of
from explain.scene import Bounds, Entry, attempt, named
from explain.values import Points, names, thinned
from explain.words import NAMES_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words
    from explain.scene import Scene

#: Bars at places that differ by this part of their width are at one place; those that are that near adjoin.
CLOSE = 0.02

#: The bars of a call that is one of a group have others between them: they are at least so many widths apart.
GROUP_REACH = 1.3

#: Bars that are compared with those of another call.
COMPARED = 200
LEAST_FOR_HISTOGRAM = 3

#: Points along each side of a bar of a polar axes, to find its box.
SAMPLES = 16


class Bars(NamedTuple):
    """The geometry of bars along the axis of their places, and along that of their values.

    Attributes:
        patches: Matplotlib's rectangles.
        lows: Where they begin, along the places.
        widths: How wide they are there.
        bottoms: Where they begin, along the values.
        heights: How far they reach from there.
        horizontal: Whether values go along the first axis.
        label: Their name.
    """

    patches: Sequence[Any]
    lows: Any
    widths: Any
    bottoms: Any
    heights: Any
    horizontal: bool
    label: str

    @property
    def centers(self) -> Any:
        """The places of the bars."""
        return self.lows + self.widths / 2


def measured(scene: Scene, patches: Sequence[Any], *, horizontal: bool, label: str) -> Bars:
    """Return the geometry of rectangles."""
    import numpy as np

    scene.drawn.check_time()
    corners = np.array([(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in patches], float)
    x, y, width, height = corners.reshape(-1, 4).T
    if horizontal:
        return Bars(patches, y, height, x, width, horizontal, label)
    return Bars(patches, x, width, y, height, horizontal, label)


def entries(scene: Scene, containers: Sequence[tuple[Any, Sequence[Any]]]) -> list[Entry]:
    """Return the entries of containers of bars, each with those of its rectangles that the axes still have.

    Containers of one bar each, as libraries make them to give each its colour, are told as one.
    """
    from matplotlib.patches import Rectangle

    found: list[Bars] = []
    for container, patches in containers:
        rectangles = [patch for patch in patches if isinstance(patch, Rectangle)]
        if rectangles and len(rectangles) == len(patches):
            horizontal = container.orientation == "horizontal"
            label = attempt(partial(named, container), "")
            if bars := attempt(partial(measured, scene, rectangles, horizontal=horizontal, label=label)):
                found.append(bars)
    found = attempt(partial(_joined, scene, found), found)
    scene.bars = found
    return [_entry(scene, bars) for bars in found]


def _joined(scene: Scene, found: list[Bars]) -> list[Bars]:
    """Return bars, those that have a category each joined."""
    import numpy as np

    single = [bars for bars in found if len(bars.patches) == 1]
    if len(single) < 2 or len({bars.horizontal for bars in single}) > 1:  # noqa: PLR2004 - several
        return found
    horizontal = single[0].horizontal
    places = scene.y if horizontal else scene.x
    if places.kind != "categories" or not all(_is_one_category(places, bars) for bars in single):
        return found
    if len({places.name_near(float(bars.centers[0])) for bars in single}) < len(single):
        return found
    lows, widths, bottoms, heights = (np.concatenate([bars[at] for bars in single]) for at in range(1, 5))
    whole = Bars([bars.patches[0] for bars in single], lows, widths, bottoms, heights, horizontal, "")
    return [whole, *(bars for bars in found if len(bars.patches) > 1)]


def _is_one_category(places: Any, bars: Bars) -> bool:
    """Return whether a bar is in the middle of a category, which its name, if it has one, repeats."""
    name = places.name_near(float(bars.centers[0]), 0.01)
    return bool(name) and bars.label in ("", name)


def _entry(scene: Scene, bars: Bars) -> Entry:
    places = scene.y if bars.horizontal else scene.x
    call = call_of(bars.patches[0])
    is_histogram = (call is not None and call[0].kind == "histogram") or (
        places.kind == "numbers"
        and scene.axes is not None
        and scene.axes.name == "rectilinear"
        and _adjoin(bars)
        and (not bars.bottoms.any() or any(_are_upon(bars, each) for each in scene.bars))
    )
    return Entry("histogram" if is_histogram else "bar", bars.patches, lambda scene, entry: _tell(scene, entry, bars))


def _adjoin(bars: Bars) -> bool:
    """Return whether bars are a histogram's: several that adjoin, none below zero, the places not their middles."""
    import numpy as np

    if len(bars.patches) < LEAST_FOR_HISTOGRAM or (bars.heights < 0).any():
        return False
    gaps = np.abs(bars.lows[1:] - (bars.lows + bars.widths)[:-1])
    if not (gaps <= 1e-6 * np.abs(bars.widths).max()).all():
        return False
    centers = bars.centers
    return not np.allclose(centers, centers.round(), rtol=0, atol=1e-9)


def _tell(scene: Scene, entry: Entry, bars: Bars) -> words.Artist:
    """Return bars in words."""
    import numpy as np

    ends = bars.bottoms + bars.heights
    places = bars.centers
    if entry.kind == "histogram":
        places = np.append(bars.lows, bars.lows[-1] + bars.widths[-1])
        call = call_of(bars.patches[0])
        if call is not None and call[0].data is not None:
            places = np.asarray(call[0].data[1], float)
    coordinates = scene.y if bars.horizontal else scene.x
    parts: tuple[str, ...] = ()
    if entry.kind == "bar" and len(places) <= NAMES_LIMIT:
        parts = names(coordinates.name_of(place) for place in places.tolist())
    places = coordinates.snapped(places)
    points = Points(ends, places, values=bars.heights) if bars.horizontal else Points(places, ends, values=bars.heights)
    low, high = bars.lows.min(), (bars.lows + bars.widths).max()
    least, most = min(bars.bottoms.min(), ends.min()), max(bars.bottoms.max(), ends.max())
    corners = (least, low, most, high) if bars.horizontal else (low, least, high, most)
    told = scene.artist(
        entry,
        points,
        looks.of_patches(list(bars.patches)),
        label=bars.label or _shared_label(scene, bars),
        parts=parts,
        arrangement=_arrangement(scene, bars),
        count=len(bars.patches),
        extent=scene.on_canvas(*map(float, corners)) or _around(scene, bars),
    )
    if entry.kind == "histogram":
        return with_bins(scene, told, places, bars.heights, horizontal=bars.horizontal)
    return told


def _shared_label(scene: Scene, bars: Bars) -> str:
    """Return the name of the bars of a container; empty if the call gave them several."""
    labels = {label for patch in bars.patches if (label := named(patch))}
    return scene.label_of(bars.patches[:1]) if len(labels) <= 1 else ""


def with_bins(scene: Scene, told: words.Artist, edges: Any, counts: Any, *, horizontal: bool = False) -> words.Artist:
    """Return a histogram with its edges and counts, at each level, if its bins aren't very many."""
    if len(counts) > NAMES_LIMIT or (told.data is not None and told.data.values):
        return told
    points = Points(y=edges, values=counts) if horizontal else Points(x=edges, values=counts)
    return told._replace(data=thinned(scene.coordinates, points))


def _around(scene: Scene, bars: Bars) -> Bounds | None:
    """Return where bars of a polar axes are on the canvas, whose sides are bent: by points along them."""
    import numpy as np

    if scene.axes is None or bars.horizontal:
        return None
    along = np.linspace(0, 1, SAMPLES)
    places = bars.lows[:, None] + bars.widths[:, None] * along
    sides = [np.broadcast_to(each[:, None], places.shape) for each in (bars.bottoms, bars.bottoms + bars.heights)]
    points = np.concatenate([np.column_stack([places.ravel(), side.ravel()]) for side in sides])
    found = scene.axes.transData.transform(points)
    return Bounds(*found.min(axis=0).tolist(), *found.max(axis=0).tolist()) if np.isfinite(found).all() else None


def _arrangement(scene: Scene, bars: Bars) -> str:
    """Return how bars share their places with other bars, and whether they are horizontal."""
    others = [each for each in scene.bars if each is not bars and each.horizontal == bars.horizontal]
    said = [word for word in ("stacked", "grouped") if any(_SHARING[word](bars, each) for each in others)][:1]
    return " ".join([*said, *(["horizontal"] if bars.horizontal else [])])


def _are_stacked(bars: Bars, other: Bars) -> bool:
    """Return whether one begins where the other ends, at all places that they share."""
    import numpy as np

    if len(bars.lows) != len(other.lows) or not np.allclose(bars.centers, other.centers, atol=_slack(bars)):
        return False
    size = np.nanmax(np.abs([*bars.heights, *other.heights])) * 1e-6
    rests = [
        np.abs(upper.bottoms - lower.bottoms - lower.heights) <= size for upper, lower in ((bars, other), (other, bars))
    ]
    return bool((rests[0] | rests[1]).all() and not (bars.bottoms == other.bottoms).all()) or _is_between(bars, other)


def _are_upon(bars: Bars, other: Bars) -> bool:
    """Return whether bars stand upon others that begin at zero."""
    return other is not bars and not other.bottoms.any() and _are_stacked(bars, other)


def _is_between(bars: Bars, other: Bars) -> bool:
    """Return whether, at places shared, no bar lies in the other's way though they begin at different heights."""
    import numpy as np

    if np.allclose(bars.bottoms, other.bottoms):
        return False
    lows = [np.minimum(each.bottoms, each.bottoms + each.heights) for each in (bars, other)]
    tops = [np.maximum(each.bottoms, each.bottoms + each.heights) for each in (bars, other)]
    slack = 1e-6 * max(float(np.nanmax(np.abs(tops))), 1e-300)
    return bool(((tops[0] <= lows[1] + slack) | (tops[1] <= lows[0] + slack)).all())


def _are_grouped(bars: Bars, other: Bars) -> bool:
    """Return whether the bars of one stand beside those of the other, in groups."""
    import numpy as np

    width = float(np.abs(bars.widths).max())
    nearest = np.abs(bars.centers[:COMPARED, None] - other.centers[None, :COMPARED]).min(axis=1)
    distance = float(np.median(nearest))
    apart = np.diff(np.sort(bars.centers))
    reach = float(apart.min()) / 2 * (1 + CLOSE) if len(apart) else GROUP_REACH * width
    return bool((apart > GROUP_REACH * width).all()) and CLOSE * width < distance <= reach


def _slack(bars: Bars) -> float:
    """Return how far apart the places of bars may be and still be the same."""
    import numpy as np

    return CLOSE * float(np.abs(bars.widths).max())


_SHARING = {"stacked": _are_stacked, "grouped": _are_grouped}
