"""Data that is hidden: below a legend or a box of text, or below itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.words import Finding, cut

from findings.overlaps import overlap_of
from findings.scene import ANNOTATION, NOTE, TEXT, WARNING, Scene, Written, capitalised, listed
from findings.series import BARS, LINE, SCATTER, SHOWN_LENGTH, Plot, Series, sheltered

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of a line, the share of its length below a legend; of points, their share; and the number of them.
COVERED_LENGTH, COVERED_SHARE, COVERED_POINTS = 0.04, 0.02, 2

#: Steps into which each piece of a line with few points is divided, and the number of points that is few.
STEPS, FEW = 16, 256

#: Opacity from which on a box hides what is below it.
OPAQUE = 0.5

#: Points from which on a cloud can be too dense, and the share of them that lie on others then.
CLOUD, HIDDEN_SHARE = 1000, 0.7

POINTS_PER_INCH = 72.0


def by_legend(scene: Scene) -> Iterator[Finding]:
    """Legends that lie over data, or over texts."""
    for legend, number in scene.legends:
        scene.drawn.check_time()
        extent = scene.drawn.extent(legend)
        if extent is None or not legend.get_texts():
            continue
        with sheltered():
            hidden = _hidden_by(scene, extent, legend.get_zorder(), number)
            texts = _texts_below(scene, extent)
            if hidden or texts:
                what = " and ".join([*hidden[:2], *(text.name for text in texts[:1])])
                more = len(hidden[2:]) + len(texts[1:])
                yield Finding(
                    "legend-over-data" if hidden else "legend-over-text",
                    WARNING,
                    f"The legend lies over {what}{f' and {more} more' if more else ''}.",
                    'Put it elsewhere: ax.legend(loc="best"), or beside the axes with loc="upper left", '
                    "bbox_to_anchor=(1, 1), or make room with ax.set_ylim or ncols=.",
                    (number,) if number else (),
                    scene.box(extent),
                )


def by_box(scene: Scene) -> Iterator[Finding]:
    """Texts in an opaque box that hides data."""
    for written in scene.texts:
        patch = written.artist.get_bbox_patch() if written.role in (TEXT, ANNOTATION) else None
        if patch is None or patch.get_facecolor()[3] < OPAQUE or not patch.get_fill():
            continue
        with sheltered():
            hidden = _hidden_by(scene, written.extent, written.artist.get_zorder(), written.number)
            if hidden and len(written.text) > 1:
                yield Finding(
                    "text-over-data",
                    WARNING,
                    capitalised(f"{written.name} hides {' and '.join(hidden[:2])} with its box."),
                    "Move it to an empty place, ax.annotate(..., xytext=..., arrowprops=...), or leave out its bbox.",
                    (written.number,) if written.number else (),
                    scene.box(written.extent),
                )


def _texts_below(scene: Scene, extent: Any) -> list[Written]:
    own = {id(text) for legend, _ in scene.legends for text in (*legend.get_texts(), legend.get_title())}
    return [
        written
        for written in scene.texts
        if id(written.artist) not in own and overlap_of(written.extent, extent, 0.25 * written.extent.height)
    ]


def _hidden_by(scene: Scene, extent: Any, zorder: float, number: int) -> list[str]:
    """Return what an area hides of the data of its axes and of those that lie on the same place."""
    own = scene.plot(number)
    hidden = []
    for plot in scene.plots:
        if plot.role == "colorbar" or (plot is not own and not overlap_of(plot.frame, extent)):
            continue
        if own is not None and plot is not own and plot.role == "plot":
            continue
        for series in plot.series:
            scene.drawn.check_time()
            if _zorder(series) <= zorder and (text := _hidden_of(series, plot, extent)):
                hidden.append(text)
    return hidden


def _zorder(series: Series) -> float:
    artist = series.artist.patches[0] if series.kind == BARS else series.artist
    return float(artist.get_zorder())


def _hidden_of(series: Series, plot: Plot, extent: Any) -> str:
    """Return how much of a series an area hides, in words; empty if it isn't worth a word."""
    points = _places_of(series)
    seen = points[_within(points, plot.frame)]
    below = int(_within(seen, extent).sum())
    if not below:
        return ""
    name = f'"{cut(series.label, SHOWN_LENGTH)}"' if series.label else f"a {series.kind}"
    if _is_drawn_line(series):
        share = below / len(seen)
        return f"{share:.0%} of the line {name if series.label else ''}".strip() if share >= COVERED_LENGTH else ""
    if series.kind == BARS:
        return f"{below} {'end of a bar' if below == 1 else 'ends of bars'} of {name}"
    if below < COVERED_POINTS or below / len(seen) < COVERED_SHARE:
        return ""
    return f"{below} points of {name}"


def _is_drawn_line(series: Series) -> bool:
    return series.kind == LINE and series.artist.get_linestyle() not in ("None", "", " ")


def _places_of(series: Series) -> Any:
    """Return the places of a series that must be seen: points, and those between them on a line."""
    import numpy as np

    points = series.points
    if not _is_drawn_line(series) or not 1 < len(points) <= FEW:
        return points
    steps = np.linspace(0, 1, STEPS, endpoint=False)[:, None, None]
    between = points[None, :-1] * (1 - steps) + points[None, 1:] * steps
    return between.reshape(-1, 2)


def _within(points: Any, extent: Any) -> Any:
    x, y = points[:, 0], points[:, 1]
    return (x >= extent.x0) & (x <= extent.x1) & (y >= extent.y0) & (y <= extent.y1)


def by_themselves(scene: Scene) -> Iterator[Finding]:
    """Clouds of points so dense that most points lie on others, drawn opaquely.

    Source: D. B. Carr et al., "Scatterplot Matrix Techniques for Large N" (JASA 82, 1987), who bin points instead.
    """
    import numpy as np

    for plot in scene.plots:
        for series in plot.series:
            scene.drawn.check_time()
            size = _marker_size(scene, series)
            if series.total < CLOUD or not size:
                continue
            points = series.points[np.isfinite(series.points).all(1)]
            points = points[_within(points, plot.frame)]
            if len(points) < CLOUD // 2:
                continue
            cells = len(np.unique(np.floor(points / size), axis=0))
            hidden = 1 - cells / len(points)
            if hidden >= HIDDEN_SHARE:
                yield Finding(
                    "overplotting",
                    NOTE,
                    f"About {hidden:.0%} of the {series.total} points of {series.name} lie on others in "
                    f"{listed([plot.number])}, so that it can't be seen how many there are.",
                    "Use smaller, transparent points, s=4, alpha=0.1, or show their density: ax.hexbin, ax.hist2d.",
                    (plot.number,),
                    scene.box(plot.frame),
                )
                break


def _marker_size(scene: Scene, series: Series) -> float:
    """Return the width of the markers of a cloud in pixels; 0 if it has none, or if they let others shine through."""
    import numpy as np

    scale = scene.drawn.saved.dpi / POINTS_PER_INCH
    artist = series.artist
    if series.kind == SCATTER:
        faces = artist.get_facecolor()
        if not len(faces) or float(np.min(faces[:, 3])) < OPAQUE or artist.get_array() is not None:
            return 0.0
        return float(np.sqrt(np.median(artist.get_sizes()))) * scale
    if series.kind == LINE and artist.get_linestyle() in ("None", "", " ") and (artist.get_alpha() or 1) >= OPAQUE:
        if str(artist.get_marker()) == ",":
            return 0.0
        return float(artist.get_markersize()) * scale * (0.5 if artist.get_marker() == "." else 1.0)
    return 0.0


CHECKS = (by_legend, by_box, by_themselves)
