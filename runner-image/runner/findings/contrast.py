"""Text that hardly differs from what is behind it, and colour maps that mislead."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from explain.words import Finding

from findings.colours import blend, contrast_ratio
from findings.scene import (
    LABEL,
    LEGEND,
    OFFSET,
    TICK,
    TITLE,
    WARNING,
    Scene,
    Written,
    capitalised,
    count_of,
    is_watermark,
    listed,
)
from findings.series import Plot, sheltered

if TYPE_CHECKING:
    from collections.abc import Iterator

#: WCAG 2.2, success criterion 1.4.3, asks for 4.5 of text and for 3 of large text; 1.4.11 for 3 of graphics.
#: Matplotlib's own red, green and orange on white are below 4.5 and read without trouble where a word is large or is
#: a label of its line; so 3 is what is asked of all text, and 4.5 of text smaller than 8 points.
LEAST_RATIO = 3.0
LEAST_RATIO_SMALL = 4.5
SMALL_POINTS = 8.0

#: Opacity of a background that is taken for solid.
SOLID = 0.99

#: Dimensions of an array whose values become colours; those of a photo have a third one.
FLAT = 2

#: Texts whose contrast is measured.
CONTRAST_LIMIT = 500

#: Patches that are looked at behind a text.
PATCHES_LIMIT = 500

#: Texts that stand around the data, though those of polar axes stand within the frame.
AROUND = (TICK, LABEL, OFFSET, TITLE)

WHITE = (1.0, 1.0, 1.0, 1.0)

#: Maps whose lightness goes up and down: their bands show edges where the data has none.
RAINBOWS = frozenset({"jet", "rainbow", "gist_rainbow", "nipy_spectral", "gist_ncar"})

#: Different values from which on an array is no set of categories.
CONTINUOUS = 16


def low_contrast(scene: Scene) -> Iterator[Finding]:
    """Texts whose contrast to what is behind them is too low to read them."""
    hits: list[tuple[float, Written]] = []
    for written in scene.texts[:CONTRAST_LIMIT]:
        scene.drawn.check_time()
        with sheltered():
            ratio = _ratio(scene, written)
            if ratio is not None:
                hits.append((ratio, written))
    if hits:
        ratio, written = min(hits, key=lambda hit: hit[0])
        least = _least(written)
        others = f", and so with {count_of(len(hits) - 1, 'text')}" if len(hits) > 1 else ""
        yield Finding(
            "low-contrast",
            WARNING,
            capitalised(
                f"{written.name} has a contrast of {ratio:.1f} to what is behind it, where at least {least:g} is asked "
                f"for{others}."
            ),
            "Use a darker color on a light ground, white on a dark one, or put a box behind it: "
            'bbox={"facecolor": "white"}.',
            tuple(sorted({each.number for _, each in hits} - {0})),
            scene.box(written.extent),
        )


def _ratio(scene: Scene, written: Written) -> float | None:
    """Return the contrast of a text if it is too low; None if it isn't, or if the background isn't known."""
    from matplotlib.colors import to_rgba

    artist = written.artist
    if artist.get_path_effects() or is_watermark(artist):
        return None
    color = to_rgba(artist.get_color(), artist.get_alpha())
    ground = _ground(scene, written)
    if ground is None:
        return None
    ratio = contrast_ratio(blend(color, ground), ground)
    return ratio if ratio < _least(written) else None


def _least(written: Written) -> float:
    """Return the contrast that a text should have."""
    return LEAST_RATIO_SMALL if written.artist.get_fontsize() < SMALL_POINTS else LEAST_RATIO


def _ground(scene: Scene, written: Written) -> Any | None:
    """Return the colour behind a text; None if it isn't known."""
    plot = scene.plot(written.number)
    figure = _over(scene.figure.patch, WHITE)
    if written.role == LEGEND:
        return _behind_legend(scene, written, figure, plot)
    patch = written.artist.get_bbox_patch()
    extent = written.extent
    x, y = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
    ground: Any = figure
    if plot is not None and _holds(plot.frame, x, y):
        if written.role in AROUND:
            ground = _over(plot.axes.patch, figure)
        else:
            ground = _behind_data(scene, plot, (x, y), written.artist.get_zorder())
    if patch is None:
        return ground
    if patch.get_facecolor()[3] >= SOLID:
        return patch.get_facecolor()
    return None if ground is None else _over(patch, ground)


def _behind_legend(scene: Scene, written: Written, figure: Any, plot: Plot | None) -> Any | None:
    legend = next((each for each, _ in scene.legends if any(text is written.artist for text in each.get_texts())), None)
    if legend is None:
        return None
    frame = legend.get_frame()
    inside = plot is not None and plot.frame.overlaps(written.extent)
    if legend.get_frame_on():
        return _over(frame, plot.axes.patch.get_facecolor() if inside and plot is not None else figure)
    return None if inside else figure


def _behind_data(scene: Scene, plot: Plot, place: tuple[float, float], zorder: float) -> Any | None:
    """Return the colour of an axes at a place, below what has a certain zorder; None where it isn't known."""
    axes, (x, y) = plot.axes, place
    ground = _over(axes.patch, _over(scene.figure.patch, WHITE))
    if len(axes.patches) > PATCHES_LIMIT or any(each.get_zorder() <= zorder for each in axes.collections):
        return None
    for image in itertools.islice(axes.images, PATCHES_LIMIT):
        extent = scene.drawn.extent(image)
        if extent is not None and _holds(extent, x, y):
            ground = _image_colour(image, extent, x, y)
            if ground is None:
                return None
    for shape in plot.shapes:
        if shape.zorder <= zorder and shape.holds(x, y):
            ground = blend(shape.colour, ground)
    return ground


def _image_colour(image: Any, extent: Any, x: float, y: float) -> Any | None:
    """Return the colour of an image at a place; None if it is a photo or lets something through."""
    values = image.get_array()
    if values is None or values.ndim != FLAT or image.get_alpha() is not None:
        return None
    begin, end = (extent.y0, extent.y1) if image.origin == "lower" else (extent.y1, extent.y0)
    across = int((x - extent.x0) / (extent.x1 - extent.x0) * values.shape[1])
    down = int((y - begin) / (end - begin) * values.shape[0])
    if not (0 <= across < values.shape[1] and 0 <= down < values.shape[0]):
        return None
    color = image.cmap(image.norm(values[down, across]))
    return tuple(float(part) for part in color) if color[3] >= SOLID else None


def _holds(extent: Any, x: float, y: float) -> bool:
    low_x, high_x = sorted((extent.x0, extent.x1))
    low_y, high_y = sorted((extent.y0, extent.y1))
    return bool(low_x <= x <= high_x and low_y <= y <= high_y)


def _over(patch: Any, ground: Any) -> Any:
    """Return the colour of a patch over a ground."""
    return blend(patch.get_facecolor(), ground) if patch.get_visible() else ground


def rainbow(scene: Scene) -> Iterator[Finding]:
    """Continuous values in the colours of a rainbow.

    Source: D. Borland and R. M. Taylor, "Rainbow Color Map (Still) Considered Harmful" (IEEE CG&A 27, 2007);
    F. Crameri, G. E. Shephard and P. J. Heron, "The misuse of colour in science communication" (Nature Communications
    11, 2020).
    """
    hits = []
    for plot in scene.plots:
        if plot.role == "colorbar":
            continue
        artists = itertools.islice(itertools.chain(plot.axes.images, plot.axes.collections), PATCHES_LIMIT)
        names = [name for artist in artists if (name := _rainbow_of(artist))]
        if names:
            hits.append((plot, names[0]))
    if hits:
        plot, name = hits[0]
        yield Finding(
            "rainbow-colormap",
            WARNING,
            f'The colour map "{name}" in {listed(plot.number for plot, _ in hits)} shows edges where the data has '
            "none, and its order can't be seen by the colour-blind or in grey.",
            'Use cmap="viridis", "cividis" or another perceptually uniform map; "RdBu" or "coolwarm" around a middle.',
            tuple(plot.number for plot, _ in hits),
            scene.box(plot.frame),
        )


def _rainbow_of(artist: Any) -> str:
    """Return the name of the rainbow that stands for the values of an artist; empty if none does."""
    import numpy as np

    name = ""
    with sheltered():
        values: Any = artist.get_array() if artist.get_visible() else None
        cmap = str(artist.get_cmap().name).removesuffix("_r") if values is not None else ""
        flat = np.ma.getdata(values).reshape(-1) if cmap in RAINBOWS and values.ndim <= FLAT else np.zeros(0)
        if len(np.unique(flat[:: max(1, len(flat) // 2000)])) >= CONTINUOUS:
            name = cmap
    return name


CHECKS = (low_contrast, rainbow)
