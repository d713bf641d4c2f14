"""Values over an area: images, meshes, contours, hexagonal bins, arrows, wind barbs and stream lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.artists import look as looks
from explain.artists.lines import points_of, vertices_of
from explain.artists.look import Look
from explain.values import Points, as_numbers, finite, names, ranges
from explain.words import Values, cut

if TYPE_CHECKING:
    from explain import words
    from explain.scene import Entry, Scene

#: Channels of an image that has colours instead of values.
COLORS_LIMIT = 4
GRID = 2


def tell_image(scene: Scene, entry: Entry) -> words.Artist:
    """Return an image in words: its extent, and its values if colours stand for some."""
    import numpy as np

    image = entry.members[0]
    array = image.get_array()
    left, right, lower, upper = map(float, image.get_extent())
    x, y = (np.array(ends) for ends in ((left, right), (lower, upper)))
    points = scene.in_data(image.get_transform(), Points(x, y))
    if array.ndim != GRID:
        return scene.artist(entry, points, count=int(array.shape[0] * array.shape[1]))
    look = Look(colormap=cut(image.get_cmap().name))
    return _with_grid(scene, entry, points, array, look)


def tell_mesh(scene: Scene, entry: Entry) -> words.Artist:
    """Return a mesh in words: its extent, and the values that its colours stand for."""
    import numpy as np

    mesh = entry.members[0]
    array = mesh.get_array()
    grid = getattr(mesh, "_coordinates", None)
    if grid is None:
        grid = np.concatenate([path.vertices for path in mesh.get_paths()])
    corners = np.asarray(np.ma.filled(grid, np.nan), float).reshape(-1, 2)
    ends = corners[[0, -1]]
    known = [finite(corners[:, at]) for at in (0, 1)]
    x, y = (np.array([ends[0, at], known[at].least, known[at].greatest, ends[1, at]], float) for at in (0, 1))
    if array is None or (array.ndim == GRID + 1):
        return scene.artist(entry, Points(x, y), looks.of_collection(mesh), count=len(corners))
    return _with_grid(scene, entry, Points(x, y), array, Look(colormap=cut(mesh.get_cmap().name)))


def _with_grid(scene: Scene, entry: Entry, corners: Points, array: Any, look: Look) -> words.Artist:
    """Return a grid of values in words; those that are missing are values, not corners."""
    values = as_numbers(array)
    told = scene.artist(entry, Points(values=values), look)
    return told._replace(x=ranges(scene.x, corners.x), y=ranges(scene.y, corners.y))


def tell_contour(scene: Scene, entry: Entry) -> words.Artist:
    """Return contours in words: their levels as values, and the range of what they were made of."""
    import numpy as np

    contours = entry.members[0]
    levels = as_numbers(contours.levels)
    kind = "filled contour" if contours.filled else "contour"
    low, high = (np.asarray(each, float) for each in (contours._mins, contours._maxs))
    spans = [np.array([low[at], high[at]]) for at in (0, 1)]
    has_map = contours.colors is None
    look = (
        Look(colormap=cut(contours.get_cmap().name))
        if has_map
        else Look(looks.only_color(contours.get_facecolor() if contours.filled else contours.get_edgecolor()))
    )
    told = scene.artist(
        entry, Points(values=levels), look, kind=kind, parts=names(_labels(contours)), count=len(levels)
    )
    told = told._replace(x=ranges(scene.x, spans[0]), y=ranges(scene.y, spans[1]), missing=0, infinite=0)
    least, greatest = getattr(contours, "zmin", None), getattr(contours, "zmax", None)
    if told.values is None or least is None or greatest is None:
        return told
    tell = scene.coordinates["values"].tell
    return told._replace(values=Values(told.values.first, told.values.last, tell(least), tell(greatest)))


def _labels(contours: Any) -> list[str]:
    """Return what is written on contours, each text once."""
    return list(dict.fromkeys(text.get_text() for text in contours.labelTexts))


def tell_hexagons(scene: Scene, entry: Entry) -> words.Artist:
    """Return hexagonal bins in words: where they are, and what their colours stand for."""
    hexagons = entry.members[0]
    offsets = hexagons.get_offsets()
    values = None if hexagons.get_array() is None else as_numbers(hexagons.get_array())
    points = Points(as_numbers(offsets[:, 0]), as_numbers(offsets[:, 1]), values=values)
    return scene.artist(entry, points, looks.of_collection(hexagons))


def tell_arrows(scene: Scene, entry: Entry) -> words.Artist:
    """Return arrows or wind barbs in words: where they are, and their lengths as values."""
    import numpy as np

    arrows = entry.members[0]
    if hasattr(arrows, "X"):
        x, y, u, v = arrows.X, arrows.Y, arrows.U, arrows.V
    elif hasattr(arrows, "u"):
        x, y, u, v = arrows.x, arrows.y, arrows.u, arrows.v
    else:
        return _tell_solid_arrows(scene, entry)
    x, y = as_numbers(x), as_numbers(y)
    lengths = np.hypot(as_numbers(u), as_numbers(v))
    if len({len(x), len(y), len(lengths)}) > 1:
        return scene.artist(entry, Points(x, y), looks.of_collection(arrows))
    return scene.artist(entry, Points(x, y, values=lengths), looks.of_collection(arrows))


def _tell_solid_arrows(scene: Scene, entry: Entry) -> words.Artist:
    """Return arrows in three dimensions in words; each is three lines, the first its shaft."""
    arrows = entry.members[0]
    vertices, count = vertices_of(arrows)
    return scene.artist(entry, points_of(vertices), looks.of_collection(arrows, lines=True), count=count // 3)


def tell_streams(scene: Scene, entry: Entry) -> words.Artist:
    """Return stream lines in words: the range they cover, and what their colours stand for."""
    lines = next(each for each in entry.members if hasattr(each, "get_segments"))
    vertices, _ = vertices_of(lines)
    values = None if lines.get_array() is None else as_numbers(lines.get_array())
    told = scene.artist(
        entry,
        points_of(vertices),
        looks.of_collection(lines, lines=True),
        label=scene.label_of([lines]),
        count=len(entry.members) - 1,
        extent=scene.drawn.extent(lines),
    )
    return told if values is None else told._replace(values=ranges(scene.coordinates["values"], values))
