"""Artists that belong to nothing else, by their classes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from explain.artists import areas, fields, lines, points, texts
from explain.artists.look import of_patch
from explain.axis import legend_in
from explain.scene import Entry
from explain.values import Points
from explain.words import cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain import words
    from explain.scene import Scene


def single(scene: Scene, artist: Any) -> Entry | None:
    """Return the entry of an artist by its class; None of what is told elsewhere or draws nothing."""
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation, Text

    if isinstance(artist, Line2D):
        return lines.entry_of(scene, artist)
    if isinstance(artist, Text):
        if not artist.get_text().strip() and getattr(artist, "arrow_patch", None) is None:
            return None
        return Entry("annotation" if isinstance(artist, Annotation) else "text", [artist], texts.tell_text)
    if isinstance(artist, Legend):
        is_told = scene.axes is None or artist is legend_in(scene.axes)
        return None if is_told else Entry("text", [artist], texts.tell_legend)
    for classes, name, tell in _by_class():
        if isinstance(artist, classes):
            return Entry(name, [artist], tell)
    return Entry("other", [artist], tell_other)


@functools.cache
def _by_class() -> tuple[tuple[Any, str, Callable[[Scene, Entry], words.Artist]], ...]:
    """Return what artists of a class are called and how they are told, the more special first."""
    from matplotlib import collections, image, offsetbox, quiver, table

    return (
        (quiver.Quiver, "arrows", fields.tell_arrows),
        (quiver.Barbs, "wind barbs", fields.tell_arrows),
        (quiver.QuiverKey, "annotation", tell_key),
        (collections.EventCollection, "events", lines.tell_events),
        (collections.LineCollection, "lines", lines.tell_segments),
        ((collections.QuadMesh, collections.PolyQuadMesh, collections.TriMesh), "mesh", fields.tell_mesh),
        (collections.FillBetweenPolyCollection, "fill", areas.tell_area),
        (
            (collections.PathCollection, collections.RegularPolyCollection, collections.CircleCollection),
            "scatter",
            points.tell_scatter,
        ),
        (collections.Collection, "polygons", points.tell_polygons),
        (image._ImageBase, "image", fields.tell_image),
        (table.Table, "table", texts.tell_table),
        (offsetbox.AnnotationBbox, "annotation", texts.tell_offset_box),
        (offsetbox.OffsetBox, "text", texts.tell_offset_box),
    )


def tell_key(scene: Scene, entry: Entry) -> words.Artist:
    """Return the key of arrows in words."""
    return scene.artist(entry, Points(), label="", text=cut(entry.members[0].label), count=1)


def tell_other(scene: Scene, entry: Entry) -> words.Artist:
    """Return an artist of which nothing is known but its name and its place."""
    look = of_patch(entry.members[0]) if hasattr(entry.members[0], "get_facecolor") else None
    return scene.artist(entry, Points(), look, count=len(entry.members))
