"""Scattered points, polygons, patches, and what is in three dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.artists import look as looks
from explain.artists.areas import outline
from explain.artists.bars import with_bins
from explain.artists.lines import points_of
from explain.marks import call_of
from explain.values import Points, as_numbers, ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words
    from explain.scene import Entry, Scene

#: Patches whose corners are looked at.
PATCHES_LIMIT = 2000


def tell_scatter(scene: Scene, entry: Entry) -> words.Artist:
    """Return scattered points in words; colours stand for values, if they do, and otherwise sizes that differ."""
    import numpy as np

    scatter = entry.members[0]
    solid = getattr(scatter, "_offsets3d", None)
    if solid is not None:
        x, y, z = map(
            as_numbers, np.broadcast_arrays(*(np.ma.filled(np.ma.asarray(each, float), np.nan) for each in solid))
        )
    else:
        offsets = scatter.get_offsets()
        x, y, z = as_numbers(offsets[:, 0]), as_numbers(offsets[:, 1]), None
    array = scatter.get_array()
    sizes = scatter.get_sizes() if hasattr(scatter, "get_sizes") else ()
    values = None
    if array is not None:
        values = as_numbers(array)
    elif len(sizes) == len(x) > 1 and np.ptp(sizes) > 0:
        values = as_numbers(sizes)
    points = scene.in_data(scatter.get_offset_transform(), Points(x, y, z, values))
    return scene.artist(entry, points, looks.of_collection(scatter), count=len(x))


def tell_polygons(scene: Scene, entry: Entry) -> words.Artist:
    """Return polygons in words: the range of their corners, and what their colours stand for."""
    import numpy as np

    members = [each for each in entry.members if hasattr(each, "get_paths")]
    solid = getattr(members[0], "_faces", None)
    if solid is not None:
        corners = np.concatenate([_corners(each) for each in members])
        count = sum(len(each._faces) for each in members)
    else:
        corners = np.concatenate([outline(each) for each in members])
        count = sum(len(each.get_paths()) for each in members)
        if len(members[0].get_offsets()) > 1:  # one shape at many places
            offsets: Any = np.ma.filled(np.ma.asarray(members[0].get_offsets(), float), np.nan)
            corners, count = offsets, len(offsets)
    array = members[0].get_array()
    points = points_of(corners)
    if array is not None and len(members) == 1:
        points = points._replace(values=as_numbers(array))
    found = [looks.of_collection(each) for each in members[: looks.COLORS_LIMIT]]
    look = found[0] if len(set(found)) == 1 else None
    return scene.artist(entry, points, look, count=_things(entry, count))


def _things(entry: Entry, faces: int) -> int:
    """Return how many things faces make: a bar has six, and each collection of voxels is one."""
    if entry.kind == "bars in 3D":
        return faces // 6
    return len(entry.members) if entry.kind == "voxels" else faces


def tell_patches(scene: Scene, entry: Entry) -> words.Artist:
    """Return patches in words: the corners of the first ones, if they lie in the data."""
    import numpy as np

    patches: Sequence[Any] = entry.members[:PATCHES_LIMIT]
    data = None if scene.axes is None else scene.axes.transData
    look = looks.of_patches(list(patches))
    if scene.is_solid and all(hasattr(patch, "_segment3d") for patch in patches):
        corners = np.concatenate([np.asarray(patch._segment3d, float) for patch in patches])
        return scene.artist(entry, points_of(corners), look, count=len(entry.members))
    if data is None or scene.is_solid or not all(patch.get_data_transform() is data for patch in patches):
        return scene.artist(entry, Points(), look, count=len(entry.members))
    corners = np.concatenate([patch.get_patch_transform().transform(patch.get_path().vertices) for patch in patches])
    points = points_of(corners)
    told = scene.artist(entry, points, look, count=len(entry.members))
    return told._replace(missing=0, infinite=0)


def tell_filled(scene: Scene, entry: Entry) -> words.Artist:
    """Return filled polygons in words: their corners."""
    import numpy as np

    if not hasattr(entry.members[0], "get_xy"):
        return tell_polygons(scene, entry)
    corners = np.concatenate([np.asarray(polygon.get_xy(), float) for polygon in entry.members])
    return scene.artist(entry, points_of(corners), looks.of_patches(list(entry.members)))


def tell_steps(scene: Scene, entry: Entry) -> words.Artist:
    """Return steps of known edges in words, as `stairs` makes them."""
    patch = entry.members[0]
    values, edges, _ = patch.get_data()
    values, edges = as_numbers(values), as_numbers(edges)
    level = patch.orientation == "vertical"
    told = scene.artist(entry, Points(x=edges) if level else Points(y=edges), looks.of_patch(patch), count=len(values))
    side = ranges(scene.y if level else scene.x, values)
    return told._replace(y=side) if level else told._replace(x=side)


def tell_histogram_outline(scene: Scene, entry: Entry) -> words.Artist:
    """Return a histogram that was drawn as one polygon: its counts and edges are known from the call."""
    known = call_of(entry.members[0])
    counts, edges = (as_numbers(each) for each in (known[0].data if known is not None else ((), ())))
    told = scene.artist(entry, Points(x=edges), looks.of_patches(list(entry.members)), count=len(counts))
    told = told._replace(values=_range_of(scene, counts), y=_range_of(scene, counts))
    return with_bins(scene, told, edges, counts) if len(edges) == len(counts) + 1 else told


def _range_of(scene: Scene, values: Any) -> words.Values | None:
    return ranges(scene.coordinates["values"], values)


def _corners(faces: Any) -> Any:
    """Return the corners of faces in three dimensions.

    Those of faces with fewer than others are followed by whatever was in the memory.
    Source: Matplotlib 3.11, `Poly3DCollection.set_3d_properties` and `_invalid_vertices`.
    """
    import numpy as np

    corners: Any = np.ma.filled(np.ma.asarray(faces._faces, float), np.nan)
    return corners[~np.broadcast_to(faces._invalid_vertices, corners.shape[:-1])]
