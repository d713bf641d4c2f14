"""What of an axes is one thing: first what calls and containers tell, then what the artists' structure does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from explain.artists.sorting import CHILDREN_LIMIT, Sorting
from explain.scene import attempt
from explain.words import ARTISTS_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words
    from explain.scene import Entry, Scene

#: Left out first where there are more entries than may be told: what explains rather than shows.
MINOR = frozenset({"text", "annotation", "patch", "other"})


def tell_all(scene: Scene, children: Sequence[Any]) -> tuple[tuple[words.Artist, ...], int]:
    """Return the artists of an axes in words, in the order of drawing, and how many are left out.

    Args:
        scene: The axes.
        children: Its artists as Matplotlib has them.
    """
    shown = []
    for child in children[:CHILDREN_LIMIT]:
        scene.drawn.check_time()
        if attempt(partial(_is_shown, child), False):
            shown.append(child)
    place = {id(child): (attempt(partial(_height, child), 0.0), number) for number, child in enumerate(shown)}
    found = sorted(Sorting(scene, shown).entries(), key=lambda entry: min(place[id(each)] for each in entry.members))
    chosen = _chosen(found)
    told = []
    for entry in chosen:
        scene.drawn.check_time()
        told.append(attempt(partial(entry.tell, scene, entry)))
    failed = told.count(None)
    told = [artist for artist in told if artist is not None]
    names = {artist.label for artist in told if artist.points}
    told = [each for each in told if each.points or (each.label and each.label not in names)]
    return tuple(told), len(found) - len(chosen) + failed + max(len(children) - CHILDREN_LIMIT, 0)


def _chosen(found: list[Entry]) -> list[Entry]:
    """Return as many entries as may be told, those that show data first."""
    if len(found) <= ARTISTS_LIMIT:
        return found
    order = sorted(range(len(found)), key=lambda number: (found[number].kind in MINOR, number))
    return [found[number] for number in sorted(order[:ARTISTS_LIMIT])]


def _is_shown(child: Any) -> bool:
    return bool(child.get_visible())


def _height(child: Any) -> float:
    """Return what decides when an artist is drawn; the lowest come first."""
    return float(child.get_zorder())
