"""Makes what the page shows of each figure, with pictures as far as there is room for them."""

from __future__ import annotations

import base64
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup

from figbox.check.verdicts import Judged, Verdict
from figbox.cli.check.reports.page.differences import Difference, difference
from figbox.cli.check.reports.page.said import said_of
from figbox.cli.check.reports.page.shown import Card, Fact, Mark, Picture
from figbox.comparison import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from figbox.check.facts import Figure
    from figbox.cli.check.flow import Checked

#: Bytes of the pictures before and after on a page, and of those of differences. Base64 makes a third more of them.
PICTURES_LIMIT_BYTES = 48 << 20
DIFFERENCES_LIMIT_BYTES = 24 << 20

#: What differs is marked if it is less than this part of the picture, with some space around it.
OVERLOOKED = 16
AROUND = 0.008

#: Height of the numbers of boxes, as a part of the picture's longer side. As parts of that height: the width of a
#: character, what is beside them, and how far apart lines of them are.
TEXT_SHARE = 0.028
WIDTH, SIDES, APART = 0.62, 0.4, 1.3

#: Characters of a digest.
DIGEST_CHARACTERS = 12

#: Verdicts on figures that `figbox accept` takes, and the options that it needs for those that it removes.
ACCEPTED = {Verdict.CHANGED: "", Verdict.NEW: "", Verdict.RENDERER_CHANGED: "", Verdict.MISSING: "--prune "}

#: Stands before a name that would be an option.
NO_MORE_OPTIONS = "-- "


def anchor(judged: Judged) -> str:
    """Return the name of a figure's place on the page, which is the same on each page."""
    return "figure/" + quote(judged.name)


class Cards:
    """Makes cards one after the other: of hundreds of pictures, only those of one figure are in memory."""

    def __init__(self, checked: Checked, figures: list[Judged]) -> None:
        """Take what a check found, and the figures that are wanted, in their order."""
        self._checked = checked
        self._figures = figures
        self._differences_left = DIFFERENCES_LIMIT_BYTES
        self._with_pictures = self._chosen()
        #: Figures whose pictures would make the page too large.
        self.left_out = sum(judged.name not in self._with_pictures for judged in figures)

    def __iter__(self) -> Iterator[Card]:
        """Make them."""
        return map(self._card, self._figures)

    def _chosen(self) -> set[str]:
        """Return the names of figures whose pictures there is room for; the first ones come first."""
        found, left = set(), PICTURES_LIMIT_BYTES
        for judged in self._figures:
            size = sum(map(_size_of, self._checked.pictures[judged.name]))
            if size <= left:
                found.add(judged.name)
                left -= size
        return found

    def _card(self, judged: Judged) -> Card:
        result = self._checked.latest.get(judged.source)
        is_accepted = not self._checked.base and judged.verdict in ACCEPTED
        name = (NO_MORE_OPTIONS if judged.name.startswith("-") else "") + shlex.quote(judged.name)
        command = f"figbox accept {ACCEPTED[judged.verdict]}{name}" if is_accepted else ""
        card = Card(judged, anchor(judged), facts=_facts(judged), said=said_of(result), command=command)
        if judged.name not in self._with_pictures:
            reason = "Its pictures aren't here, since they would make this page too large: they are in .figbox-check"
            return replace(card, reason=reason)
        before, after = map(_read, self._checked.pictures[judged.name])
        if judged.verdict is Verdict.SAME:
            before = b"" if after else before
        return self._with_pictures_of(card, before, after)

    def _with_pictures_of(self, card: Card, before: bytes, after: bytes) -> Card:
        """Return a card with pictures, as far as there are any."""
        judged = card.judged
        found, reason = Difference(), ""
        if before and after and judged.before is not None and judged.after is not None:
            found = difference(before, after, (_size(judged.before), _size(judged.after)))
            reason = found.reason
            if len(found.picture) > self._differences_left:
                reason = "The picture of their difference would make this page too large"
            self._differences_left -= 0 if reason else len(found.picture)
        elif judged.before is not None and not before and judged.verdict is not Verdict.SAME:
            reason = "The picture before isn't kept, and couldn't be drawn again"
        pictures = [
            _picture(side, data, _size(figure), _alt(judged, side), _marks(judged, side, found))
            for side, data, figure in (("before", before, judged.before), ("after", after, judged.after))
            if data and figure is not None
        ]
        if found.picture and not reason and judged.after is not None:
            size = _size(judged.after)
            alt = f"Where {judged.name} differs, in red over a pale picture of it"
            pictures.append(_picture("difference", found.picture, size, alt, _region(found, size)))
        return replace(card, pictures=tuple(pictures), difference=found, reason=reason)


def _size(figure: Figure) -> tuple[int, int]:
    return figure.width_px, figure.height_px


def _size_of(path: Path | None) -> int:
    """Return the bytes of a file; 0 if there is none."""
    try:
        return path.stat().st_size if path is not None else 0
    except OSError:
        return 0


def _read(path: Path | None) -> bytes:
    """Return the content of a file; nothing if there is none."""
    try:
        return path.read_bytes() if path is not None else b""
    except OSError:
        return b""


def _picture(side: str, data: bytes, size: tuple[int, int], alt: str, marks: tuple[Mark, ...]) -> Picture:
    uri = Markup("data:image/png;base64," + base64.b64encode(data).decode("ascii"))  # noqa: S704 - of its alphabet
    text_size = round(max(size) * TEXT_SHARE, 1)
    inside = _merged(filter(None, (_inside(mark, size) for mark in marks)))
    return Picture(side, *size, alt, uri, _labelled(inside, text_size), text_size)


def _alt(judged: Judged, side: str) -> str:
    if side == "after" and judged.alt_text:
        return judged.alt_text
    return f"{judged.name}, {'as it was' if side == 'before' else 'as it is now'}"


def _marks(judged: Judged, side: str, found: Difference) -> tuple[Mark, ...]:
    """Return the boxes over one side's picture."""
    boxes = [boxes.before if side == "before" else boxes.after for boxes in judged.boxes]
    marks = [Mark("change", box, (str(number),)) for number, box in enumerate(boxes, 1) if box is not None]
    if side == "after":
        marks += [
            Mark("finding", finding.box, (letter(number),))
            for number, finding in enumerate(judged.findings)
            if finding.box is not None
        ]
    figure = judged.after
    return (*marks, *(_region(found, _size(figure)) if figure is not None else ()))


def _merged(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return marks of which no two are the same box: several sentences may be about one axes."""
    found: dict[tuple[str, Box], Mark] = {}
    for mark in marks:
        before = found.get((mark.kind, mark.box))
        numbers = (*before.numbers, *mark.numbers) if before is not None else mark.numbers
        found[mark.kind, mark.box] = Mark(mark.kind, mark.box, numbers)
    return tuple(found.values())


def letter(number: int) -> str:
    """Return what a finding is called: A to Z, then A2 and so on."""
    turn, place = divmod(number, 26)
    return chr(ord("A") + place) + (str(turn + 1) if turn else "")


def _labelled(marks: Iterable[Mark], text_size: float) -> tuple[Mark, ...]:
    """Return marks with places for their numbers, of which none covers another: each is right of those in its way."""
    found: list[Mark] = []
    for mark in marks:
        x, y = mark.box.x, mark.box.y
        for other in sorted(found, key=lambda each: each.at):
            end = other.at[0] + text_size * (SIDES + WIDTH * len(other.label))
            if other.numbers and abs(other.at[1] - y) < text_size * APART and other.at[0] - text_size < x < end:
                x = round(end, 1)
        found.append(replace(mark, at=(x, y)))
    return tuple(found)


def _region(found: Difference, size: tuple[int, int]) -> tuple[Mark, ...]:
    """Return the box around what differs where that is so small that it could be overlooked."""
    box = found.box
    if box is None or box.width * box.height * OVERLOOKED > size[0] * size[1]:
        return ()
    space = AROUND * max(size)
    return (Mark("region", Box(box.x - space, box.y - space, box.width + 2 * space, box.height + 2 * space)),)


def _inside(mark: Mark, size: tuple[int, int]) -> Mark | None:
    """Return the part of a box that is in a picture; None if there is none. Code can claim any box."""
    left, upper = max(mark.box.x, 0.0), max(mark.box.y, 0.0)
    right, lower = min(mark.box.x + mark.box.width, size[0]), min(mark.box.y + mark.box.height, size[1])
    if right <= left or lower <= upper:
        return None
    rounded = (round(value, 1) for value in (left, upper, right - left, lower - upper))
    return Mark(mark.kind, Box(*rounded), mark.numbers)


def _facts(judged: Judged) -> tuple[Fact, ...]:
    """Return what a figure is made of, on both sides; nothing if no side was drawn."""
    if judged.before is None and judged.after is None:
        return ()
    before, after = map(_in_words, (judged.before, judged.after))
    return tuple(Fact(name, before.get(name, ""), after.get(name, "")) for name in before or after)


def _in_words(figure: Figure | None) -> dict[str, str]:
    if figure is None:
        return {}
    return {
        "code": _short(figure.inputs.code),
        "data": _short(figure.inputs.data) or "none",
        "options": figure.inputs.options or "none",
        "image": _short(figure.image),
        "size": f"{figure.width_px}x{figure.height_px} px",
        "picture": _short(figure.picture),
    }


def _short(digest: str) -> str:
    algorithm, colon, digits = digest.rpartition(":")
    return f"{algorithm}{colon}{digits[:DIGEST_CHARACTERS]}"
