"""What changed in the artists of an axes, or in those of a figure itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from figbox.comparison.changes import Change, ChangeKind
from figbox.comparison.described import Box
from figbox.comparison.likeness import TEXTS, match_artists
from figbox.comparison.points import compare_points
from figbox.comparison.scope import Subject, subject_of
from figbox.comparison.wording import instead, listed, moved, noun_of, quote, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from figbox.comparison.described import Artist
    from figbox.comparison.matching import Pair
    from figbox.comparison.scope import Scope

#: Places of boxes that differ by less than this, in pixels or points, are the same; boxes are rounded to a tenth.
PLACE_TOLERANCE = 0.15

#: The same where the frame around them changed, in shares of it.
SHARE_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Frame:
    """What the boxes of artists are compared by.

    Attributes:
        before: The frame of the axes, or the picture, on the first side; None if artists can't be compared by place.
        after: The same on the second.
    """

    before: Box | None
    after: Box | None

    def same(self, before: Box, after: Box) -> bool:
        """Tell whether a box is at the same place in the frame."""
        if self.before is None or self.after is None:
            return True
        if self.before == self.after:
            return close(before, after, PLACE_TOLERANCE)
        return close(_within(before, self.before), _within(after, self.after), SHARE_TOLERANCE)


def compare_artists(
    before: Sequence[Artist],
    after: Sequence[Artist],
    scope: Scope,
    *,
    frame: Frame,
    words: Sequence[str],
    left_out: tuple[int, int],
) -> tuple[list[Change], Counter[str]]:
    """Return what changed, and by how much each label occurs more often than before.

    Args:
        before: The artists on the first side.
        after: Those on the second.
        scope: Their axes.
        frame: See `Frame`.
        words: What the values along the three axes are called.
        left_out: How many more artists there are on both sides.
    """
    matching = match_artists(before, after)
    changes = []
    for j in matching.came(cut=left_out[0] > 0):
        text = subject_of(after[j], j, after).verb("was added", "were added")
        changes.append(scope.appeared(ChangeKind.ARTIST_ADDED, text, after[j].box))
    for i in matching.went(cut=left_out[1] > 0):
        text = subject_of(before[i], i, before).verb("was removed", "were removed")
        changes.append(scope.went(ChangeKind.ARTIST_REMOVED, text, before[i].box))
    for pair in matching.pairs:
        subject = subject_of(pair.after, pair.j, after)
        changes += _identity(subject, pair, scope)
        changes += _look(subject, pair.before, pair.after, scope)
        if not _is_moved_text(frame, pair.before, pair.after):
            changes += compare_points(subject, pair.before, pair.after, scope, words)
        changes += _place(subject, pair.before, pair.after, scope, frame)
    if matching.reordered:
        changes.append(_reordered(matching.pairs, after, scope))
    labels = Counter(artist.label for artist in after if artist.label)
    labels.subtract(artist.label for artist in before if artist.label)
    return changes, labels


def _identity(subject: Subject, pair: Pair[Artist], scope: Scope) -> Iterator[Change]:
    """Yield changes of kind, name and text."""
    before, after = pair.before, pair.after
    boxes = before.box, after.box
    if before.kind != after.kind:
        text = f"{subject.verb('was', 'were')} a {noun_of(before.kind).name} before"
        if noun_of(before.kind).plural:
            text = text.replace(" a ", " ", 1)
        if noun_of(before.kind) == noun_of(after.kind):  # of kinds that this client doesn't know
            text = f"{subject.verb('is', 'are')} of another kind"
        yield scope.change(ChangeKind.ARTIST_KIND, text, *boxes)
    if before.label != after.label:
        yield scope.change(ChangeKind.ARTIST_RENAMED, _renamed(subject, before, after), *boxes)
    if before.text != after.text:
        noun = noun_of(after.kind)
        text = f"the {noun.name} is {instead(before.text, after.text)}"
        if after.kind not in TEXTS:
            text = f"the text of {subject.name} is {instead(before.text, after.text)}"
        yield scope.change(ChangeKind.TEXT, text, *boxes)
    if before.parts != after.parts:
        yield scope.change(ChangeKind.PARTS, _parts(subject, before, after), *boxes)


def _renamed(subject: Subject, before: Artist, after: Artist) -> str:
    if not before.label:
        return f"{subject.verb('has', 'have')} a label now: {quote(after.label)}"
    if not after.label:
        return f"{subject.verb('has', 'have')} no label any more: it was {quote(before.label)}"
    noun = noun_of(after.kind)
    return f"the {noun.name} {'are' if noun.plural else 'is'} labelled {instead(before.label, after.label)}"


def _parts(subject: Subject, before: Artist, after: Artist) -> str:
    """Return how the names of parts changed."""
    old, new = Counter(before.parts), Counter(after.parts)
    gone, come = list((old - new).elements()), list((new - old).elements())
    if not gone and not come:
        return f"the parts of {subject.name} are in another order: {_names(after.parts)}"
    clauses = [f"has {_names(come)}"] if come else []
    clauses += [f"no longer has {_names(gone)}"] if gone else []
    text = " and ".join(clauses)
    return f"{subject.name} {text.replace('has ', 'have ') if subject.plural else text}"


def _names(names: Sequence[str]) -> str:
    return listed([quote(name) for name in names])


def _look(subject: Subject, before: Artist, after: Artist, scope: Scope) -> Iterator[Change]:
    """Yield changes of colour and style."""
    boxes = before.box, after.box
    be = subject.verb("is", "are")
    have = subject.verb("has", "have")
    if _folded(before.color) != _folded(after.color):
        old, new = before.color or "several colours", after.color or "several colours"
        yield scope.change(ChangeKind.COLOR, f"{be if after.color else have} {_plain(old, new)}", *boxes)
    if before.colormap != after.colormap:
        old, new = (quote(name) if name else "none" for name in (before.colormap, after.colormap))
        yield scope.change(ChangeKind.COLOR, f"the colour map of {subject.name} is {new} instead of {old}", *boxes)
    if before.style != after.style:
        text = f"the line style of {subject.name} is {_plain(before.style or 'none', after.style or 'none')}"
        yield scope.change(ChangeKind.STYLE, text, *boxes)
    if before.marker != after.marker:
        old, new = (quote(marker) if marker else "none" for marker in (before.marker, after.marker))
        yield scope.change(ChangeKind.STYLE, f"the marker of {subject.name} is {new} instead of {old}", *boxes)
    if before.arrangement != after.arrangement:
        text = f"{be} {_plain(before.arrangement or 'not arranged', after.arrangement or 'not arranged')}"
        yield scope.change(ChangeKind.STYLE, text, *boxes)


def _folded(color: str | None) -> str | None:
    return color.lower() if color is not None else None


def _plain(before: str, after: str) -> str:
    """Return "AFTER instead of BEFORE" for words of Matplotlib, which aren't quoted if they look like words."""
    return f"{word(after)} instead of {word(before)}"


def _place(subject: Subject, before: Artist, after: Artist, scope: Scope, frame: Frame) -> Iterator[Change]:
    """Yield that an artist is elsewhere, where nothing else explains that."""
    old, new = before.box, after.box
    if old is None or new is None:
        if (old is None) != (new is None) and before.kind == after.kind:  # where some kinds are isn't known
            text = subject.verb("is", "are") + (" visible in the picture now" if old is None else " no longer visible")
            yield scope.change(ChangeKind.ARTIST_MOVED, text, old, new)
        return
    if before.kind not in TEXTS or before.text != after.text:
        values = (before.x, before.y, before.z, before.values, before.points, before.text, before.parts)
        if values != (after.x, after.y, after.z, after.values, after.points, after.text, after.parts):
            return
        if _near(old, new):
            return  # a wider line or another marker is larger, and is no move
    if not frame.same(old, new):
        distance = moved(old, new, scope.unit)
        text = f"{subject.name} moved {distance}" if distance else f"{subject.verb('has', 'have')} another size"
        yield scope.change(ChangeKind.ARTIST_MOVED, text, old, new)


def _is_moved_text(frame: Frame, before: Artist, after: Artist) -> bool:
    """Tell whether an artist is a text that moved in the picture, which says more than its coordinates do."""
    if before.kind not in TEXTS or after.kind not in TEXTS or before.text != after.text:
        return False
    return before.box is not None and after.box is not None and not frame.same(before.box, after.box)


def _near(one: Box, other: Box) -> bool:
    """Tell whether the middle of a box has stayed where it was, but for a pixel."""
    across = one.x + one.width / 2 - other.x - other.width / 2
    down = one.y + one.height / 2 - other.y - other.height / 2
    return abs(across) < 1 and abs(down) < 1


def _reordered(pairs: Sequence[Pair[Artist]], after: Sequence[Artist], scope: Scope) -> Change:
    """Return that artists are drawn in another order, from the first that isn't at its place."""
    places = sorted(pair.i for pair in pairs)
    order = [pair for pair, i in zip(pairs, places, strict=True) if pair.i != i]
    names = [subject_of(pair.after, pair.j, after).name for pair in order]
    return scope.change(ChangeKind.ARTISTS_REORDERED, f"the order of drawing is another one: {listed(names)}")


def close(one: Box, other: Box, tolerance: float) -> bool:
    """Tell whether no side of two boxes differs by more."""
    sides = ((one.x, other.x), (one.y, other.y), (one.width, other.width), (one.height, other.height))
    return all(abs(a - b) <= tolerance for a, b in sides)


def _within(box: Box, frame: Box) -> Box:
    """Return a box in shares of a frame."""
    width, height = frame.width or 1.0, frame.height or 1.0
    return Box((box.x - frame.x) / width, (box.y - frame.y) / height, box.width / width, box.height / height)
