"""What artists look like: colour, colour map, style of lines, marker."""

from __future__ import annotations

from typing import Any, NamedTuple

from explain.words import cut

STYLES = {"-": "solid", "--": "dashed", "-.": "dashdot", ":": "dotted"}
NO_MARKERS = ("", " ", "None", "none", None)

#: Colours of an artist that are looked at to find out whether it has one.
COLORS_LIMIT = 2000


class Look(NamedTuple):
    """What an artist looks like; the fields of `words.Artist` of the same names."""

    color: str | None = None
    colormap: str | None = None
    style: str = ""
    marker: str = ""


def hex_of(color: Any) -> str | None:
    """Return a colour as `#rrggbb`; None if it can't be seen."""
    from matplotlib import colors

    red, green, blue, alpha = colors.to_rgba(color)
    return colors.to_hex((red, green, blue)) if alpha > 0 else None


def only_color(rows: Any) -> str | None:
    """Return the one colour of many RGBA rows; None if they have none or several."""
    import numpy as np

    rows = np.atleast_2d(np.asarray(rows, float))[:COLORS_LIMIT]
    if not rows.size or not (rows[:, :3] == rows[0, :3]).all():
        return None
    return hex_of(rows[0])


def of_line(line: Any) -> Look:
    """Return the look of a line."""
    marker = line.get_marker()
    style = STYLES.get(line.get_linestyle(), "none")
    color = line.get_color()
    if style == "none" and marker not in NO_MARKERS:
        color = line.get_markerfacecolor()
        if isinstance(color, str) and color.lower() == "none":
            color = line.get_markeredgecolor()
    shown = "" if marker in NO_MARKERS else cut(marker, 20) if isinstance(marker, str | int) else "custom"
    return Look(hex_of(color), style=style, marker=shown)


def of_patch(patch: Any) -> Look:
    """Return the look of a patch: the colour that fills it, otherwise that of its edge."""
    face = hex_of(patch.get_facecolor()) if patch.get_fill() else None
    return Look(face or hex_of(patch.get_edgecolor()))


def of_patches(patches: list[Any]) -> Look:
    """Return the look of several patches."""
    alike = {(patch.get_fill(), patch.get_facecolor(), patch.get_edgecolor()) for patch in patches[:COLORS_LIMIT]}
    looks = {of_patch(patches[0])} if len(alike) == 1 else {of_patch(patch) for patch in patches[:COLORS_LIMIT]}
    return looks.pop() if len(looks) == 1 else Look()


def of_collection(collection: Any, *, lines: bool = False) -> Look:
    """Return the look of a collection.

    Args:
        collection: Matplotlib's collection.
        lines: Whether it consists of lines, so that the colour of edges counts.
    """
    if collection.get_array() is not None:
        return Look(colormap=cut(collection.get_cmap().name))
    face, edge = collection.get_facecolor(), collection.get_edgecolor()
    color = only_color(edge) if lines else only_color(face) if len(face) else only_color(edge)
    if color is None and not lines and len(face) and not face[:COLORS_LIMIT, 3].any():
        color = only_color(edge)
    style = ""
    if lines:
        styles = {_style_of(each) for each in collection.get_linestyle()[:COLORS_LIMIT]}
        style = styles.pop() if len(styles) == 1 else ""
    return Look(color, style=style)


def _style_of(dashes: Any) -> str:
    """Return the name of the style of lines of a collection, which keeps patterns instead."""
    _, pattern = dashes
    if pattern is None:
        return "solid"
    if len(pattern) > 2:  # noqa: PLR2004 - dash, gap, dot, gap
        return "dashdot"
    return "dotted" if pattern[0] <= pattern[1] else "dashed"
