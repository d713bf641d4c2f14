"""Tells the artists of an axes apart: which belong together, and what they are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from explain.artists import areas, bars, fields, lines, points, statistics, texts
from explain.artists.single import single, tell_other
from explain.marks import call_of
from explain.scene import Entry, attempt, named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explain import words
    from explain.scene import Scene

#: Artists of an axes that are looked at; each further one is counted as left out.
CHILDREN_LIMIT = 20_000

#: Patches that are told one by one; more that are of one class are told as one.
PATCHES_APART = 10

#: Lines of one call that are rules for the eye; more of them show data.
RULES_LIMIT = 5

#: How the artists of a call are told, by its method; of box plots, violins and pies in the module of statistics.
CALLS: dict[str, Callable[[Scene, Entry], words.Artist]] = {
    "hist": points.tell_histogram_outline,
    "hexbin": fields.tell_hexagons,
    "stackplot": areas.tell_area,
    "streamplot": fields.tell_streams,
    "fill": points.tell_filled,
    "broken_barh": points.tell_polygons,
    "eventplot": lines.tell_events,
    "hlines": lines.tell_rules,
    "vlines": lines.tell_rules,
    "tripcolor": points.tell_polygons,
    "triplot": lines.tell_triangles,
    "bar_label": texts.tell_texts,
    "pie_label": texts.tell_texts,
    "plot_surface": points.tell_polygons,
    "plot_trisurf": points.tell_polygons,
    "plot_wireframe": lines.tell_segments,
    "bar3d": points.tell_polygons,
    "voxels": points.tell_polygons,
    "quiver": fields.tell_arrows,
    "fill_between": points.tell_polygons,
}

#: Calls whose artists are each told as one, since each has a name of its own.
EACH = frozenset({"stacked area"})


class Sorting:
    """The artists of an axes while they are told apart.

    Args:
        scene: The axes.
        shown: Its artists that are visible.
    """

    def __init__(self, scene: Scene, shown: list[Any]) -> None:
        self.scene = scene
        self.left = {id(child): child for child in shown}

    def entries(self) -> list[Entry]:
        """Return all entries, in any order."""
        found: list[Entry] = []
        steps: tuple[Callable[[], list[Entry]], ...] = (
            self._from_containers,
            self._from_calls,
            self._pies,
            self._contours,
            self._violins,
            self._stacks,
            self._error_lines,
            self._patches,
            self._single,
        )
        for step in steps:  # what one can't tell for what the program made of it, a later one tells
            found += attempt(step, [])
        return [entry for entry in found if entry.members]

    def take(self, artists: Sequence[Any]) -> list[Any]:
        """Return those of some artists that are left; they are no longer."""
        return [self.left.pop(id(each)) for each in artists if id(each) in self.left]

    def those(self, kind: type | tuple[type, ...]) -> list[Any]:
        """Return the artists of a class that are left; what they say of their class doesn't count."""
        return [each for each in self.left.values() if issubclass(type(each), kind)]

    def _from_containers(self) -> list[Entry]:
        """Return what Matplotlib keeps as one: bars, error bars, stems; and seaborn's box plots."""
        from matplotlib.container import BarContainer

        found: list[Entry] = []
        bar_containers = []
        for container in list(getattr(self.scene.axes, "containers", ()))[:CHILDREN_LIMIT]:
            self.scene.drawn.check_time()
            if isinstance(container, BarContainer):
                if members := self.take(attempt(partial(getattr, container, "patches"), ())):
                    bar_containers.append((container, members))
            elif (entry := attempt(partial(self._from_container, container))) is not None:
                found.append(entry)
        told = bars.entries(self.scene, bar_containers)
        known = {id(member) for entry in told for member in entry.members}
        for _, members in bar_containers:  # rectangles of a polar axes or in space are something else by now
            left = [each for each in members if id(each) not in known]
            if left:
                found.append(Entry("bars in 3D" if self.scene.is_solid else "bar", left, points.tell_patches))
        return found + told

    def _from_container(self, container: Any) -> Entry | None:
        """Return what a container other than one of bars holds; None if nothing of it is left."""
        from matplotlib.container import ErrorbarContainer, StemContainer

        if isinstance(container, ErrorbarContainer):
            line, caps, ranges = container.lines
            members = self.take([*([line] if line is not None else []), *caps, *ranges])
            return lines.error_bars(container, members) if members else None
        if isinstance(container, StemContainer):
            members = self.take([container.stemlines, container.markerline, container.baseline])
            return lines.stem(container, members) if members else None
        if hasattr(container, "medians") and hasattr(container, "boxes"):
            members = self.take(container.get_children())
            return statistics.box_plot(members, container) if members else None
        return None

    def _from_calls(self) -> list[Entry]:
        """Return what calls made that were noted."""
        made: dict[int, tuple[Any, list[Any]]] = {}
        for child in list(self.left.values()):
            if (call := call_of(child)) is not None:
                made.setdefault(id(call[0]), (call[0], []))[1].append(child)
        found: list[Entry] = []
        for call, members in made.values():
            found += attempt(partial(self._entries_of, call, self.take(members)), [])
        return found

    def _entries_of(self, call: Any, members: list[Any]) -> list[Entry]:
        """Return the entries of what is left of one call."""
        if call.kind == "box plot":
            return [statistics.box_plot(members)]
        if call.kind == "violin plot":
            return [statistics.violin_plot(statistics.bodies_of(members), members)]
        if call.kind == "pie":
            return [self._pie(members)]
        if call.kind in EACH:
            return [Entry(call.kind, [member], CALLS[call.method]) for member in members]
        if call.kind == "reference line" and len(members[0].get_paths()) > RULES_LIMIT:
            return [Entry("lines", members, lines.tell_rules)]
        return [Entry(call.kind, members, CALLS[call.method])]

    def _pies(self) -> list[Entry]:
        """Return pies by their wedges, which lie around one point."""
        from matplotlib.patches import Wedge

        around: dict[Any, list[Any]] = {}
        for wedge in self.those(Wedge):
            around.setdefault((*map(float, wedge.center), float(wedge.r), wedge.width), []).append(wedge)
        return [self._pie(self.take(wedges)) for wedges in around.values() if len(wedges) > 1]

    def _pie(self, members: list[Any]) -> Entry:
        from matplotlib.patches import Wedge

        return statistics.pie([each for each in members if isinstance(each, Wedge)], members)

    def _contours(self) -> list[Entry]:
        """Return contours, with what is written on their lines."""
        from matplotlib.contour import ContourSet

        found = []
        for contours in self.those(ContourSet):
            members = self.take([contours, *contours.labelTexts])
            kind = "filled contour" if contours.filled else "contour"
            found.append(Entry(kind, members, fields.tell_contour))
        return found

    def _violins(self) -> list[Entry]:
        """Return violins by their shape, as seaborn draws them, those of one colour as one where a legend names it."""
        from matplotlib.collections import FillBetweenPolyCollection
        from matplotlib.lines import Line2D

        found = []
        bodies = [
            area
            for area in self.those(FillBetweenPolyCollection)
            if attempt(partial(areas.is_violin, self.scene, area), False)
        ]
        groups: dict[str, list[Any]] = {}
        for body in bodies:
            groups.setdefault(self.scene.name_by_look(body), []).append(body)
        for name, group in groups.items():
            inner = [line for line in self.those(Line2D) if any(_is_inside(line, body) for body in group)]
            members = self.take([*group, *inner])
            found.append(_labelled(statistics.violin_plot(group, members), name))
        return found

    def _stacks(self) -> list[Entry]:
        """Return areas that lie one upon the other."""
        from matplotlib.collections import FillBetweenPolyCollection

        stack = areas.find_stack(self.those(FillBetweenPolyCollection))
        return [Entry("stacked area", [area], areas.tell_area) for area in self.take(stack)]

    def _error_lines(self) -> list[Entry]:
        """Return error bars that are a line each, as seaborn draws them, at bars or at the points of another line."""
        from matplotlib.lines import Line2D

        if self.scene.axes is None or self.scene.is_solid:
            return []
        candidates = [
            line for line in self.those(Line2D) if attempt(partial(_is_error_line, self.scene.axes, line), False)
        ]
        if not candidates:
            return []
        places = {round(float(at), 6) for each in self.scene.bars for at in each.centers}
        for line in self.those(Line2D):
            if (
                not _is_error_line(self.scene.axes, line)
                and len(vertices := line.get_xydata()) <= lines.SEGMENTS_LIMIT // 100
            ):
                places |= {round(float(at), 6) for at in vertices.ravel()}
        found = [line for line in candidates if round(_place_of(line), 6) in places]
        groups: dict[Any, list[Any]] = {}
        for line in found:
            groups.setdefault(str(line.get_color()), []).append(line)
        return [Entry("error bars", self.take(group), lines.tell_error_lines) for group in groups.values()]

    def _patches(self) -> list[Entry]:
        """Return patches: spans, steps, and the rest, as one for each class if they are many."""
        from matplotlib.patches import FancyArrowPatch, Patch

        found: list[Entry] = []
        rest: dict[Any, list[Any]] = {}
        for patch in self.those(Patch):
            if entry := attempt(partial(self._span, patch)):
                found.append(entry)
            elif id(patch) in self.left:
                rest.setdefault((type(patch), attempt(partial(named, patch), "")), []).append(patch)
        for (kind, name), patches in rest.items():
            members = self.take(patches)
            together = [members] if len(members) > PATCHES_APART and not name else [[each] for each in members]
            tell = tell_other if issubclass(kind, FancyArrowPatch) else points.tell_patches
            found += [Entry("patch", each, tell) for each in together]
        return found

    def _span(self, patch: Any) -> Entry | None:
        """Return the entry of a patch that is a span or steps; take a rectangle without size, and tell nothing of it.

        Seaborn adds such rectangles as samples for a legend.
        """
        from matplotlib.patches import Rectangle, StepPatch

        if isinstance(patch, StepPatch):
            return Entry("step", self.take([patch]), points.tell_steps)
        if isinstance(patch, Rectangle):
            if patch.get_width() == patch.get_height() == 0:
                self.take([patch])
            elif areas.is_span(self.scene, patch):
                return Entry("span", self.take([patch]), areas.tell_span)
        return None

    def _single(self) -> list[Entry]:
        """Return what is left, one by one."""
        found = []
        for artist in self.take(list(self.left.values())):
            self.scene.drawn.check_time()
            entry = attempt(partial(single, self.scene, artist), Entry("other", [artist], tell_other))
            if entry is not None:
                found.append(entry)
        return found


def _labelled(entry: Entry, name: str) -> Entry:
    """Return an entry that is told with a name."""
    tell = entry.tell
    return entry._replace(tell=lambda scene, entry: tell(scene, entry)._replace(label=name))


def _is_inside(line: Any, body: Any) -> bool:
    """Return whether an unnamed line lies along the middle of a violin, or between its sides."""
    vertices = line.get_xydata()
    if named(line) or not len(vertices):
        return False
    at = 0 if body.t_direction == "y" else 1
    area = areas.outline(body)
    return bool(
        vertices[:, at].min() >= area[:, at].min() - areas.EQUAL
        and vertices[:, at].max() <= area[:, at].max() + areas.EQUAL
        and abs(vertices[:, at].mean() - areas.center_of(body)) <= abs(area[:, at].max() - area[:, at].min()) / 2
    )


def _is_error_line(axes: Any, line: Any) -> bool:
    """Return whether a line is unnamed, straight, and along one of the axes, with or without caps."""
    if line.get_transform() is not axes.transData:
        return False
    vertices = line.get_xydata()
    if len(vertices) not in lines.MIDDLES or named(line) or line.get_marker() not in ("", "None", "none", None):
        return False
    across = vertices[lines.MIDDLES[len(vertices)]]
    return bool((across[0] == across[1]).sum() == 1)


def _place_of(line: Any) -> float:
    """Return where along its axis an error bar stands."""
    vertices = line.get_xydata()
    across = vertices[lines.MIDDLES[len(vertices)]]
    same = across[0] == across[1]
    return float(across[0][same][0])
