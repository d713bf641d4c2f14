"""Makes a description shorter, step by step, so that it fits into what may be claimed of all figures of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.artists.entries import MINOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain import words


def shortened(description: words.Description) -> words.Description | None:
    """Return a description with less: without values, or else with half as many artists in the fullest axes.

    Those that show data stay longest. What is left out is counted.

    Returns:
        None if there is nothing left to leave out.
    """
    if any(artist.data is not None for artist in _all_artists(description)):
        return _without_data(description)
    most = max(map(len, (description.artists, *(axes.artists for axes in description.axes))))
    if not most:
        return None
    axes = tuple(_with_fewer(each, most // 2) for each in description.axes)
    short: words.Description = _with_fewer(description, most // 2)._replace(axes=axes)
    return short


def _all_artists(description: words.Description) -> Iterator[words.Artist]:
    yield from description.artists
    for axes in description.axes:
        yield from axes.artists


def _without_data(description: words.Description) -> words.Description:
    def bare(artists: Sequence[words.Artist]) -> tuple[words.Artist, ...]:
        return tuple(artist._replace(data=None) for artist in artists)

    axes = tuple(each._replace(artists=bare(each.artists)) for each in description.axes)
    return description._replace(level="full", artists=bare(description.artists), axes=axes)


def _with_fewer(part: Any, most: int) -> Any:
    """Return a figure or an axes with no more artists than so many."""
    order = sorted(range(len(part.artists)), key=lambda place: (part.artists[place].kind in MINOR, place))
    kept = sorted(order[:most])
    left_out = part.artists_left_out + len(part.artists) - len(kept)
    return part._replace(artists=tuple(part.artists[place] for place in kept), artists_left_out=left_out)
