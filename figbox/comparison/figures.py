"""What changed between two documents, figure by figure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from figbox.comparison.artists import Frame, compare_artists
from figbox.comparison.axes import CARTESIAN, compare_axes
from figbox.comparison.changes import Change, ChangeKind, Comparison, Pictures
from figbox.comparison.described import LEVELS, Box
from figbox.comparison.likeness import match_axes, match_figures
from figbox.comparison.points import same
from figbox.comparison.reading import read
from figbox.comparison.scope import Scope
from figbox.comparison.texts import compare_findings, compare_legends, compare_text
from figbox.comparison.wording import capital, instead, left_out, number, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from figbox.comparison.described import Artist, Axes, Description, Figure
    from figbox.comparison.matching import Matching, Pair

#: Formats of which a document has no digest of the pixels; the same figure gives the same bytes.
VECTORS = frozenset({"svg", "pdf"})


NAMES = ("the first document", "the second document")

#: Changes that are kept; further ones are counted.
CHANGES_LIMIT = 1000


def compare(before: object, after: object, *, names: tuple[str, str] = NAMES) -> Comparison:
    """Return what changed between two documents, in words and in the order of what matters.

    Each side is a render document (the JSON of `POST /v1/render`), the manifest of an archive, a list of figures, a
    figure, a description, or a `Render`. Figures are compared at the lower of their levels of description. Numbers that
    differ by a billionth are the same.

    Args:
        before: The first side.
        after: The second side, which sentences speak of.
        names: What errors call the sides.

    Raises:
        BadDocument: A side is none of these.
    """
    old, new = read(before, names[0]), read(after, names[1])
    matching = match_figures(old.figures, new.figures)
    several = len(old.figures) > 1 or len(new.figures) > 1
    found = _Found()
    for j in matching.added:
        figure = new.figures[j]
        text = f"{_figure_name(figure)} was added"
        found.changes.append(Scope((None, figure.number)).change(ChangeKind.FIGURE_ADDED, text))
    for i in matching.removed:
        figure = old.figures[i]
        text = f"{_figure_name(figure)} was removed"
        found.changes.append(Scope((figure.number, None)).change(ChangeKind.FIGURE_REMOVED, text))
    for pair in matching.pairs:
        found.add(pair, several=several)
    if matching.reordered:
        order = ", ".join(f"{_figure_name(pair.after)} was {pair.before.number}" for pair in matching.pairs)
        found.changes.append(
            Scope((None, None)).change(ChangeKind.FIGURES_REORDERED, f"the figures are in another order: {order}")
        )
    if old.left_out or new.left_out:
        found.notes.append("What goes beyond the limits of a description was not compared.")
    return found.comparison()


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pictures: set[Pictures] = field(default_factory=set)
    levels: set[str] = field(default_factory=set)
    unknown: list[int] = field(default_factory=list)

    def add(self, pair: Pair[Figure], *, several: bool) -> None:
        """Compare a figure that both sides have."""
        begin = capital(_figure_name(pair.after)) if several else ""
        scope = Scope((pair.before.number, pair.after.number), begin=begin, unit=pair.after.unit)
        pictures = compare_pictures(pair.before, pair.after)
        self.pictures.add(pictures)
        before, after, level = self._at_one_level(pair, begin)
        changes = compare_figures(before, after, scope)
        if level is not None:
            self.levels.add(level)
        if pictures is Pictures.EQUAL and changes:
            self._note(begin, "the pictures are equal, though what is said of them differs")
        elif pictures is Pictures.DIFFERENT and not changes:
            text = f"the picture differs, though its description at the level '{level}' is the same"
            if level is None:
                text = f"the picture differs; what changed in it can't be said, since {_lacking(pair)}"
            changes.append(scope.change(ChangeKind.PICTURE, text))
        elif level is None and pictures is Pictures.UNKNOWN and not changes:
            self.unknown.append(pair.after.number)
            self._note(begin, f"nothing could be compared, since {_lacking(pair)}, and no digest is of both pictures")
        elif level is None:
            self._note(begin, f"only the pictures were compared, since {_lacking(pair)}")
        self.changes += changes

    def _at_one_level(self, pair: Pair[Figure], begin: str) -> tuple[Figure, Figure, str | None]:
        old, new = pair.before.description, pair.after.description
        if old is None or new is None:
            return pair.before, pair.after, None
        level = min(old.level, new.level, key=LEVELS.index)
        if old.level == new.level:
            return pair.before, pair.after, level
        self._note(
            begin,
            f"compared at the level '{level}', since the first description is at '{old.level}' and the second at "
            f"'{new.level}'",
        )
        lowered = (replace(figure, description=_lowered(figure.description, level)) for figure in pair[2:])
        return next(lowered), next(lowered), level

    def _note(self, begin: str, text: str) -> None:
        self.notes.append(f"{begin}: {text}." if begin else f"{capital(text)}.")

    def comparison(self) -> Comparison:
        """Return all of it."""
        ordered = sorted(self.changes, key=lambda change: change.rank)
        pictures = Pictures.UNKNOWN
        if Pictures.DIFFERENT in self.pictures:
            pictures = Pictures.DIFFERENT
        elif self.pictures == {Pictures.EQUAL}:
            pictures = Pictures.EQUAL
        return Comparison(
            changes=tuple(ordered[:CHANGES_LIMIT]),
            changes_left_out=max(0, len(ordered) - CHANGES_LIMIT),
            notes=tuple(self.notes),
            pictures=pictures,
            level=min(self.levels, key=LEVELS.index, default=None),
            unknown=tuple(self.unknown),
        )


def _figure_name(figure: Figure) -> str:
    return f"figure {figure.number}{f' ({quote(figure.label)})' if figure.label else ''}"


def _lacking(pair: Pair[Figure]) -> str:
    """Return which side has no description."""
    if pair.before.description is None and pair.after.description is None:
        return "neither side has a description"
    return f"the {'first' if pair.before.description is None else 'second'} side has no description"


def _lowered(description: Description | None, level: str) -> Description | None:
    """Return a description without what a lower level leaves out."""
    if description is None or level == description.level:
        return description
    axes = tuple(_lowered_axes(each, level) for each in description.axes)
    artists = tuple(_lowered_artist(artist, level) for artist in description.artists)
    return replace(description, level=level, axes=axes, artists=artists)


def _lowered_axes(axes: Axes, level: str) -> Axes:
    artists = tuple(_lowered_artist(artist, level) for artist in axes.artists)
    if level == "full":
        return replace(axes, artists=artists)
    z = replace(axes.z, ticks=()) if axes.z is not None else None
    return replace(axes, artists=artists, x=replace(axes.x, ticks=()), y=replace(axes.y, ticks=()), z=z)


def _lowered_artist(artist: Artist, level: str) -> Artist:
    if level == "full":
        return replace(artist, data=None)
    return replace(artist, data=None, box=None, style="", marker="", missing=0, infinite=0)


def compare_figures(before: Figure, after: Figure, scope: Scope) -> list[Change]:
    """Return what changed between two figures, whose descriptions have one level."""
    changes: list[Change] = []
    if before.description is not None and after.description is not None:
        matching = match_axes(before.description, after.description)
        changes += _described(before.description, after.description, matching, scope)
        changes += compare_findings(before.findings, after.findings, _meanings(matching), scope)
        if before.findings_left_out != after.findings_left_out:
            text = left_out("finding", before.findings_left_out, after.findings_left_out)
            changes.append(scope.change(ChangeKind.LEFT_OUT, text))
    if before.alt_text is not None and after.alt_text is not None and before.alt_text != after.alt_text:
        text = f"the alternative text is {instead(before.alt_text, after.alt_text)}"
        changes.append(scope.change(ChangeKind.ALT_TEXT, text))
    return changes


def _meanings(matching: Matching[Axes]) -> tuple[dict[int, str], dict[int, str]]:
    """Return what the numbers of axes mean on both sides: the same text for the same axes."""
    before = {matching.before[i].number: f"removed {i}" for i in matching.removed}
    after = {matching.after[j].number: f"added {j}" for j in matching.added}
    for pair in matching.pairs:
        before[pair.before.number] = after[pair.after.number] = f"{pair.before.number} and {pair.after.number}"
    return before, after


def compare_pictures(before: Figure, after: Figure) -> Pictures:
    """Return what the digests say of the formats that both figures have."""
    others = {picture.format: picture for picture in after.pictures}
    verdicts = set()
    for picture in before.pictures:
        other = others.get(picture.format)
        if other is None:
            continue
        if picture.pixels_sha256 and other.pixels_sha256:
            verdicts.add(picture.pixels_sha256 == other.pixels_sha256)
        elif picture.sha256 and other.sha256 and (picture.sha256 == other.sha256 or picture.format in VECTORS):
            verdicts.add(picture.sha256 == other.sha256)
    if not verdicts:
        return Pictures.UNKNOWN
    return Pictures.EQUAL if verdicts == {True} else Pictures.DIFFERENT


def _described(before: Description, after: Description, matching: Matching[Axes], scope: Scope) -> Iterator[Change]:
    yield from _texts(before, after, scope)
    changes, labels = compare_axes(matching, before, after, scope)
    yield from changes
    frame = Frame(Box(0.0, 0.0, before.width, before.height), Box(0.0, 0.0, after.width, after.height))
    cut = before.artists_left_out, after.artists_left_out
    changes, more = compare_artists(before.artists, after.artists, scope, frame=frame, words=CARTESIAN, left_out=cut)
    yield from changes
    labels.update(more)
    yield from compare_legends(before.legends, after.legends, labels, scope, frame)
    yield from _size(before, after, scope)
    if before.layout != after.layout:
        yield scope.change(ChangeKind.LAYOUT, f"the layout is {instead(before.layout, after.layout)}")
    for noun, old, new in (
        ("axes", before.axes_left_out, after.axes_left_out),
        ("artist", before.artists_left_out, after.artists_left_out),
    ):
        if old != new:
            yield scope.change(ChangeKind.LEFT_OUT, left_out(noun, old, new))


def _texts(before: Description, after: Description, scope: Scope) -> Iterator[Change]:
    yield from compare_text(scope, ChangeKind.TITLE, "title of the figure", before.title, after.title)
    for noun, old, new in (
        ("x label of the figure", before.x_label, after.x_label),
        ("y label of the figure", before.y_label, after.y_label),
    ):
        yield from compare_text(scope, ChangeKind.AXIS_LABEL, noun, old, new)


def _size(before: Description, after: Description, scope: Scope) -> Iterator[Change]:
    clauses = []
    for old, new, unit in (
        ((before.width, before.height), (after.width, after.height), f"{scope.unit}s"),
        ((before.width_in, before.height_in), (after.width_in, after.height_in), "inches"),
    ):
        if not all(map(same, old, new)):
            name = "the figure" if unit == "inches" else "the picture"
            clauses.append(f"{name} is {_times(new)} {unit} instead of {_times(old)}")
    if not same(before.dpi, after.dpi):
        clauses.append(f"its resolution is {instead(before.dpi, after.dpi)} dots per inch")
    if clauses:
        yield scope.change(ChangeKind.SIZE, ", and ".join(clauses))


def _times(size: tuple[float, float]) -> str:
    return " by ".join(map(number, size))
