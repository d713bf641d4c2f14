"""Texts, annotations and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.artists.look import Look, hex_of
from explain.axis import text_of_mark
from explain.values import Points
from explain.words import NAMES_LIMIT, TEXT_LIMIT, Values, cut

if TYPE_CHECKING:
    from explain import words
    from explain.scene import Entry, Scene

SEPARATOR = " | "


def tell_text(scene: Scene, entry: Entry) -> words.Artist:
    """Return a text in words: what it says, and which values it stands at; an annotation, at which it points."""
    text = entry.members[0]
    told = scene.artist(entry, Points(), Look(hex_of(text.get_color())), label="", text=cut(text.get_text()), count=1)
    if scene.is_solid and hasattr(text, "get_position_3d"):
        return told._replace(box=None)  # where that is in the picture, Matplotlib doesn't tell
    if scene.axes is None:
        return told
    if entry.kind == "annotation":
        return _placed(scene, told, text.xy) if text.xycoords == "data" else told
    if text.get_transform() is scene.axes.transData:
        return _placed(scene, told, text.get_unitless_position())
    return told


def _placed(scene: Scene, told: words.Artist, place: Any) -> words.Artist:
    """Return a text in words with its place in data."""
    x = scene.x.tell(scene.axes.convert_xunits(place[0]))
    y = scene.y.tell(scene.axes.convert_yunits(place[1]))
    return told._replace(x=Values(x, x, x, x), y=Values(y, y, y, y))


def tell_texts(scene: Scene, entry: Entry) -> words.Artist:
    """Return texts that one call wrote, as one."""
    texts = [each for each in entry.members if hasattr(each, "get_text")]
    colors = {hex_of(text.get_color()) for text in texts[:NAMES_LIMIT]}
    whole = SEPARATOR.join(cut(text.get_text()) for text in texts[:TEXT_LIMIT])
    color = colors.pop() if len(colors) == 1 else None
    return scene.artist(entry, Points(), Look(color), label="", text=cut(whole), count=len(texts))


def tell_table(scene: Scene, entry: Entry) -> words.Artist:
    """Return a table in words: the texts of its cells, row by row."""
    from itertools import islice

    cells = entry.members[0].get_celld()
    first = sorted(islice(cells.items(), TEXT_LIMIT))
    whole = SEPARATOR.join(cut(cell.get_text().get_text()) for _, cell in first)
    return scene.artist(entry, Points(), label="", text=cut(whole), count=len(cells))


def tell_legend(scene: Scene, entry: Entry) -> words.Artist:
    """Return a legend beside the one that the axes is told with: its title and its entries."""
    legend = entry.members[0]
    entries = [text_of_mark(text.get_text()) for text in legend.get_texts()[:NAMES_LIMIT]]
    title = legend.get_title()
    whole = SEPARATOR.join(entries)
    if title.get_visible() and title.get_text():
        whole = f"{cut(title.get_text())}: {whole}"
    return scene.artist(entry, Points(), label="", text=cut(whole), count=len(entries))


def tell_offset_box(scene: Scene, entry: Entry) -> words.Artist:
    """Return a box of texts or pictures at a place in words: what is written in it, if that is one text."""
    box = entry.members[0]
    inner: Any = getattr(box, "txt", None) or getattr(box, "offsetbox", None)
    text = inner.get_text() if hasattr(inner, "get_text") else ""
    return scene.artist(entry, Points(), label="", text=cut(text), count=1)
