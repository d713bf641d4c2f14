"""Texts that are written over each other, and over axes that they don't belong to.

Two texts overlap if the areas of their ink do: rectangles turned with the text, from the top of its capitals to its
base line, or to the foot of a "g". Slanted labels whose upright boxes overlap don't, and neither do lines whose
spacing does. Source: S. Gottschalk, M. C. Lin and D. Manocha, "OBBTree" (SIGGRAPH 1996), for the separating axes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from explain.words import Finding

from findings.scene import (
    ANNOTATION,
    CELL,
    ERROR,
    LEGEND,
    TEXT,
    TICK,
    WARNING,
    Scene,
    Written,
    capitalised,
    count_of,
    is_watermark,
    listed,
    union,
)
from findings.series import Plot, sheltered

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of the height of a line of text, what is empty above capitals and below the base line (DejaVu Sans: an ascent of
#: 0.93 em over capitals of 0.73, a descent of 0.24), and below letters with a foot.
ABOVE, BELOW, BELOW_FEET = 0.17, 0.20, 0.04
FEET = frozenset("gjpqyQ,;()[]{}|$_@/\\")

#: Ink overlaps if it does so by this share of the lower text's height, and by a pixel.
SHARE = 0.15
PIXELS = 1.0

#: Pairs of texts that are compared.
PAIRS_LIMIT = 20_000

#: Texts whose places are nearer than this, in pixels, and that say the same were written twice.
SAME_PLACE = 2.0

#: A quarter turn, in degrees.
QUARTER = 90.0


class Ink(NamedTuple):
    """Where the letters of a text are: one corner, and two sides from there."""

    written: Written
    corners: Any
    height: float


def overlapping_ticks(scene: Scene) -> Iterator[Finding]:
    """Tick labels of one axis that run into each other: one finding for all axes in which they do."""
    found: dict[str, list[tuple[int, int, Any]]] = {}
    axes: dict[tuple[int, str], list[Written]] = {}
    for written in scene.texts:
        if written.role == TICK:
            axes.setdefault((written.number, written.axis), []).append(written)
    for (number, letter), labels in axes.items():
        if hit := overlapping_among(scene, labels):
            found.setdefault(letter, []).append((number, len(hit), union(each.extent for each in hit)))
    for letter, places in found.items():
        numbers = tuple(number for number, _, _ in places)
        count = sum(count for _, count, _ in places)
        yield Finding(
            "tick-labels-overlap",
            ERROR,
            f"{count} tick labels of the {letter} axis run into each other in {listed(numbers)}.",
            'Show fewer or shorter ones: ax.xaxis.set_major_locator(MaxNLocator(5)), ax.tick_params("x", rotation=45), '
            "horizontal bars for long names, or a wider figure."
            if letter == "x"
            else "Show fewer: ax.yaxis.set_major_locator(MaxNLocator(5)), a smaller fontsize, or a taller figure.",
            numbers,
            scene.box(places[0][2]),
        )


def overlapping_texts(scene: Scene) -> Iterator[Finding]:
    """Other texts that are written over each other: one finding for those within an axes, one for those of several."""
    within: dict[int, list[tuple[Written, Written]]] = {}
    between: list[tuple[Written, Written]] = []
    for one, other in overlapping_pairs(scene, scene.texts):
        if one.role == other.role == TICK and one.number == other.number:
            continue
        if one.role == other.role == CELL or LEGEND in (one.role, other.role):
            continue
        (within.setdefault(one.number, []) if one.number == other.number else between).append((one, other))
    for number, pairs in within.items():
        yield _texts_finding(
            scene,
            pairs,
            "Move them apart: other xytext or offset points in ax.annotate(..., textcoords='offset points'), a smaller "
            "fontsize, or fewer texts."
            if {each.role for pair in pairs for each in pair} & {TEXT, ANNOTATION}
            else 'Give them room: plt.subplots(layout="constrained"), pad= of the title, labelpad= of the label.',
            (number,) if number else (),
        )
    if between:
        numbers = tuple(sorted({each.number for pair in between for each in pair} - {0}))
        advice = 'Make room between the axes: plt.subplots(..., layout="constrained"), or fig.tight_layout().'
        yield _texts_finding(scene, between, advice, numbers)


def _texts_finding(
    scene: Scene, pairs: list[tuple[Written, Written]], advice: str, numbers: tuple[int, ...]
) -> Finding:
    one, other = pairs[0]
    others = len({id(each.artist) for pair in pairs for each in pair}) - 2
    more = f", and {count_of(others, 'text')} likewise" if others > 0 else ""
    where = f" in {listed(numbers)}" if numbers else ""
    return Finding(
        "texts-overlap",
        ERROR if one.role != other.role or others else WARNING,
        capitalised(f"{one.name} and {other.name} are written over each other{where}{more}."),
        advice,
        numbers,
        scene.box(union((one.extent, other.extent))),
    )


def texts_over_axes(scene: Scene) -> Iterator[Finding]:
    """Labels and titles that run into the data area of another axes: one finding for all of them."""
    frames = [plot for plot in scene.plots if plot.role in ("plot", "colorbar")]
    hits: list[tuple[Written, Plot]] = []
    for written in scene.texts:
        scene.drawn.check_time()
        own = scene.plot(written.number)
        if own is None or written.role in (TEXT, ANNOTATION, LEGEND, CELL) or own.role in ("inset", "secondary"):
            continue
        near = [
            plot
            for plot in frames
            if plot is not own
            and plot.is_on
            and overlap_of(written.extent, plot.frame)
            and not overlap_of(own.frame, plot.frame)
        ]
        if near:
            ink = ink_of(scene, written)
            margin = max(PIXELS, SHARE * ink.height)
            hits += [(written, plot) for plot in near if depth(ink.corners, corners_of_box(plot.frame)) > margin]
    if hits:
        written, plot = hits[0]
        numbers = tuple(sorted({number for written, plot in hits for number in (written.number, plot.number)}))
        more = f", and so with {count_of(len(hits) - 1, 'text')}" if len(hits) > 1 else ""
        yield Finding(
            "text-over-axes",
            WARNING,
            capitalised(f"{written.name} of axes {written.number} runs into axes {plot.number}{more}."),
            'Make room between the axes: plt.subplots(..., layout="constrained"), or fig.tight_layout().',
            numbers,
            scene.box(written.extent),
        )


def overlapping_among(scene: Scene, texts: list[Written]) -> list[Written]:
    """Return those of some texts that overlap others of them."""
    hit = {id(each.artist): each for pair in overlapping_pairs(scene, texts) for each in pair}
    return list(hit.values())


def overlapping_pairs(scene: Scene, texts: list[Written]) -> Iterator[tuple[Written, Written]]:
    """Yield the pairs of texts whose ink overlaps, by a sweep from the left to the right."""
    active: list[Written] = []
    pairs = 0
    for written in sorted(texts, key=lambda each: each.extent.x0):
        scene.drawn.check_time()
        active = [each for each in active if each.extent.x1 > written.extent.x0]
        for other in active:
            pairs += 1
            if pairs > PAIRS_LIMIT:
                return
            if other.extent.y1 > written.extent.y0 and other.extent.y0 < written.extent.y1:
                with sheltered():
                    if _overlap(scene, other, written):
                        yield other, written
        active.append(written)


def _overlap(scene: Scene, one: Written, other: Written) -> bool:
    if is_watermark(one.artist) or is_watermark(other.artist):
        return False
    near = abs(one.extent.x0 - other.extent.x0) < SAME_PLACE and abs(one.extent.y0 - other.extent.y0) < SAME_PLACE
    if near and one.text == other.text:
        return False
    first, second = ink_of(scene, one), ink_of(scene, other)
    return depth(first.corners, second.corners) > max(PIXELS, SHARE * min(first.height, second.height))


def ink_of(scene: Scene, written: Written) -> Ink:
    """Return the turned rectangle in which the letters of a text are."""
    import numpy as np

    artist, extent = written.artist, written.extent
    angle = float(artist.get_rotation()) % 360
    turns, rest = divmod(angle, QUARTER)
    if rest:
        _, _, (corner, (width, height)) = artist._get_layout(scene.drawn.renderer)
        place = artist.get_transform().transform(artist.get_unitless_position())
        start = np.asarray(place, float) + corner
    else:
        start = np.array(
            [
                (extent.x0, extent.y0),
                (extent.x1, extent.y0),
                (extent.x1, extent.y1),
                (extent.x0, extent.y1),
            ][int(turns)],
            float,
        )
        width, height = (extent.height, extent.width) if turns % 2 else (extent.width, extent.height)
    along = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    up = np.array([-along[1], along[0]])
    line = height / (1 + min(written.text.count("\n"), 100))
    foot = line * (BELOW_FEET if FEET.intersection(written.text[-1000:]) else BELOW)
    low, high = start + up * foot, start + up * (height - line * ABOVE)
    corners = np.array([low, low + along * width, high + along * width, high])
    return Ink(written, corners, line)


def corners_of_box(extent: Any) -> Any:
    """Return the corners of an upright box."""
    import numpy as np

    return np.array([(extent.x0, extent.y0), (extent.x1, extent.y0), (extent.x1, extent.y1), (extent.x0, extent.y1)])


def depth(one: Any, other: Any) -> float:
    """Return how far two rectangles must be moved to part, in pixels; negative is the gap between them.

    Convex shapes are apart if and only if some side of one of them separates them.
    """
    import numpy as np

    least = math.inf
    for corners in (one, other):
        for side in (corners[1] - corners[0], corners[3] - corners[0]):
            length = math.hypot(*side)
            if not length:
                return -math.inf
            first, second = np.asarray(one) @ side / length, np.asarray(other) @ side / length
            least = min(least, float(min(first.max(), second.max()) - max(first.min(), second.min())))
    return least


def overlap_of(one: Any, other: Any, margin: float = PIXELS) -> bool:
    """Tell whether two upright boxes overlap by more than a margin in both directions."""
    return bool(
        min(one.x1, other.x1) - max(one.x0, other.x0) > margin
        and min(one.y1, other.y1) - max(one.y0, other.y0) > margin
    )


CHECKS = (overlapping_ticks, overlapping_texts, texts_over_axes)
