"""Box plots, violins and pies: many artists that one call made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.artists import areas
from explain.artists import look as looks
from explain.artists.look import Look
from explain.marks import call_of
from explain.scene import Entry
from explain.values import Points, names, reach
from explain.words import NAMES_LIMIT, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words
    from explain.scene import Scene


def _parts(entry: Entry, role: str) -> list[Any]:
    """Return the artists of an entry that have a part in the call which made them."""
    found = []
    for artist in entry.members:
        call = call_of(artist)
        if call is not None and call[0].parts.get(call[1]) == role:
            found.append(artist)
    return found


def box_plot(members: Sequence[Any], container: Any | None = None) -> Entry:
    """Return the entry of a box plot.

    Args:
        members: Its artists.
        container: Where it is kept, in figures of libraries that do; otherwise the call that made it is known.
    """

    def tell(scene: Scene, entry: Entry) -> words.Artist:
        kept = {id(each) for each in members}

        def part(name: str) -> list[Any]:
            if container is None:
                return _parts(entry, name)
            return [each for each in getattr(container, name, ()) if id(each) in kept]

        return _tell_boxes(scene, entry, part("medians"), part("boxes"), [*part("whiskers"), *part("fliers")])

    return Entry("box plot", members, tell)


def _extent(scene: Scene, members: Sequence[Any]) -> Any | None:
    """Return where a box plot is on the canvas; None where that doesn't follow from its data."""
    import numpy as np

    found = [
        each.get_xydata() if hasattr(each, "get_xydata") else each.get_path().vertices
        for each in members
        if hasattr(each, "get_xydata") or hasattr(each, "get_path")
    ]
    whole = np.concatenate(found)
    return scene.on_canvas(*np.nanmin(whole, axis=0).tolist(), *np.nanmax(whole, axis=0).tolist())


def _tell_boxes(scene: Scene, entry: Entry, medians: list[Any], boxes: list[Any], others: list[Any]) -> words.Artist:
    """Return a box plot in words: its places, its medians, and the range of all that it shows."""
    import numpy as np

    centers = np.array([line.get_xydata().mean(axis=0) for line in medians], float).reshape(-1, 2)
    lines = [line.get_xydata() for line in others]
    shown = np.concatenate([centers, *lines]) if lines else centers
    upright = _are_level(medians)
    places, values = (centers[:, 0], centers[:, 1]) if upright else (centers[:, 1], centers[:, 0])
    reach = shown[:, 1] if upright else shown[:, 0]
    coordinates = scene.x if upright else scene.y
    parts = names(coordinates.name_of(place) for place in places[: NAMES_LIMIT + 1].tolist())
    places = coordinates.snapped(places)
    told = scene.artist(
        entry,
        Points(places, values, values=values) if upright else Points(values, places, values=values),
        _look_of_boxes(boxes),
        label=scene.label_of(boxes[:1]),
        parts=parts if coordinates.kind == "categories" else (),
        arrangement="" if upright else "horizontal",
        count=len(medians) or len(boxes),
        extent=_extent(scene, entry.members),
    )
    finite = reach[np.isfinite(reach)]
    side = told.y if upright else told.x
    if side is not None and len(finite):
        scale = scene.y if upright else scene.x
        side = side._replace(least=scale.tell(finite.min()), greatest=scale.tell(finite.max()))
        told = told._replace(y=side) if upright else told._replace(x=side)
    return told


def _are_level(medians: list[Any]) -> bool:
    """Return whether the lines of medians are level, so that the boxes stand upright."""
    if not medians:
        return True
    across = [line.get_xydata() for line in medians]
    return sum(abs(float(ends[0, 1] - ends[-1, 1])) for ends in across) <= sum(
        abs(float(ends[0, 0] - ends[-1, 0])) for ends in across
    )


def _look_of_boxes(boxes: list[Any]) -> Look:
    """Return the look of boxes, which are lines or patches."""
    found = {looks.of_line(box).color if hasattr(box, "get_xydata") else looks.of_patch(box).color for box in boxes}
    return Look(found.pop() if len(found) == 1 else None)


def violin_plot(bodies: Sequence[Any], members: Sequence[Any]) -> Entry:
    """Return the entry of violins.

    Args:
        bodies: Their shapes.
        members: These, and the lines that belong to them.
    """

    def tell(scene: Scene, entry: Entry) -> words.Artist:
        import numpy as np

        outlines = [areas.outline(body) for body in bodies]
        upright = bodies[0].t_direction == "y"
        at = 0 if upright else 1
        places = np.array([areas.center_of(body) for body in bodies], float)
        values = np.concatenate([each[:, 1 - at] for each in outlines])
        coordinates = scene.x if upright else scene.y
        colors = {looks.of_collection(body).color for body in bodies}
        parts: tuple[str, ...] = ()
        if coordinates.kind == "categories":
            parts = names(coordinates.name_of(place) for place in places[: NAMES_LIMIT + 1].tolist())
        points = Points(x=coordinates.snapped(places)) if upright else Points(y=coordinates.snapped(places))
        told = scene.artist(
            entry,
            points,
            Look(colors.pop() if len(colors) == 1 else None),
            label="",
            parts=parts,
            arrangement="" if upright else "horizontal",
            count=len(bodies),
        )
        side = reach(scene.y if upright else scene.x, values)
        return told._replace(y=side) if upright else told._replace(x=side)

    return Entry("violin plot", members, tell)


def bodies_of(members: Sequence[Any]) -> list[Any]:
    """Return the shapes among the artists of violins."""
    return [artist for artist in members if hasattr(artist, "t_direction")]


def pie(wedges: Sequence[Any], members: Sequence[Any]) -> Entry:
    """Return the entry of a pie: its slices' names, and their shares of the circle."""

    def tell(scene: Scene, entry: Entry) -> words.Artist:
        import numpy as np

        shares = np.array([abs(wedge.theta2 - wedge.theta1) / 360 for wedge in wedges], float)
        labels = [_name_of_slice(wedge) for wedge in wedges[: NAMES_LIMIT + 1]]
        if not any(labels):
            texts = [cut(each.get_text()) for each in members if hasattr(each, "get_text")]
            labels = texts if len(texts) == len(wedges) else []
        if not any(any(each.isalpha() for each in label) for label in labels):  # none, or shares
            named = [scene.name_by_look(wedge) for wedge in wedges[: NAMES_LIMIT + 1]]
            labels = named if all(named) else labels
        return scene.artist(entry, Points(values=shares), label="", parts=names(labels), extent=None, count=len(wedges))

    return Entry("pie", members, tell)


def _name_of_slice(wedge: Any) -> str:
    label = wedge.get_label()
    return cut(label) if isinstance(label, str) and not label.startswith("_") else ""
