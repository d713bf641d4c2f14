"""What stands out in a chart: its largest part, its highest series, whether it rises or falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.alternative.reading import listed, plain, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words

#: Which part of its range a line must have gone up or down from its first to its last point to rise or fall.
TREND = 0.2

#: Kinds of several series that are compared with each other.
COMPARED = frozenset({"line", "step", "scatter", "bar", "histogram", "stacked area", "fill", "stem", "error bars"})


def outstanding(kind: str, artists: Sequence[words.Artist]) -> str:
    """Return the sentence that says what stands out; empty if nothing is known to.

    Args:
        kind: What a chart mainly consists of.
        artists: The artists of this kind.
    """
    if kind == "pie":
        return _largest_slice(artists[0])
    if kind in ("bar", "box plot") and len(artists) == 1:
        return _extremes_of_parts(artists[0])
    if any(each.z is not None for each in artists):
        return ""
    if kind in ("line", "step") and len(artists) == 1:
        return _trend(artists[0])
    return _extremes_of_series(artists) if kind in COMPARED and len(artists) > 1 else ""


def _parts(artist: words.Artist) -> list[tuple[float, str]]:
    """Return the values of the parts of an artist with their names; none where either isn't known."""
    if artist.data is None or len(artist.data.values) != len(artist.parts):
        return []
    known = zip(artist.data.values, artist.parts, strict=True)
    return [(float(value), plain(name)) for value, name in known if isinstance(value, float | int)]


def _largest_slice(pie: words.Artist) -> str:
    """Return which slice of a pie is the largest, and which the smallest."""
    shares = _parts(pie)
    if len(shares) < 2:  # noqa: PLR2004 - one slice is the whole
        return ""
    (most, largest), (least, smallest) = max(shares, key=_first), min(shares, key=_first)
    if most == least:
        return f"All slices have {most:.0%}."
    return f"The largest slice is {largest} with {most:.0%}, the smallest {smallest} with {least:.0%}."


def _first(pair: tuple[float, str]) -> float:
    return pair[0]


def _extremes_of_parts(artist: words.Artist) -> str:
    """Return which bar is the highest and which the lowest, or which box has the highest and the lowest median."""
    numbers = _parts(artist)
    if len(numbers) < 2:  # noqa: PLR2004 - nothing to compare
        return ""
    most, least = max(numbers, key=_first)[0], min(numbers, key=_first)[0]
    what = "median" if artist.kind == "box plot" else "value"
    if most == least:
        return f"All {what}s are {told(most)}."
    highest, lowest = (listed([name for value, name in numbers if value == extreme]) for extreme in (most, least))
    return f"The highest {what} is that of {highest}, {told(most)}; the lowest that of {lowest}, {told(least)}."


def _trend(line: words.Artist) -> str:
    """Return whether a line rises or falls, and how low and high it goes."""
    side = line.y
    numbers = [float(each) for each in side or () if isinstance(each, float | int)]
    if side is None or len(numbers) != len(side):
        return ""
    first, last, least, greatest = numbers
    if least == greatest:
        return f"It stays at {told(least)}."
    if last - first > TREND * (greatest - least):
        said = f"It rises from {told(first)} to {told(last)}"
    elif first - last > TREND * (greatest - least):
        said = f"It falls from {told(first)} to {told(last)}"
    else:
        said = f"It begins at {told(first)} and ends at {told(last)}"
    beyond = [
        f"{word} {told(extreme)}"
        for word, extreme, ends in (("a low of", least, min(first, last)), ("a high of", greatest, max(first, last)))
        if told(extreme) != told(ends)
    ]
    return f"{said}, with {listed(beyond)} between." if beyond else f"{said}."


def _extremes_of_series(artists: Sequence[words.Artist]) -> str:
    """Return which of several series reaches highest and lowest."""
    horizontal = all("horizontal" in each.arrangement for each in artists)
    spans = []
    for each in artists:
        side = each.x if horizontal else each.y
        if each.label and side is not None and isinstance(side.least, float) and isinstance(side.greatest, float):
            spans.append((side.least, side.greatest, plain(each.label)))
    if len(spans) < 2:  # noqa: PLR2004 - nothing to compare
        return ""
    greatest, least = max(span[1] for span in spans), min(span[0] for span in spans)
    if "stacked" in artists[0].arrangement.split():
        return f"Together they reach {told(greatest)}."
    high = [f'"{name}"' for _, top, name in spans if top == greatest]
    low = [f'"{name}"' for bottom, _, name in spans if bottom == least]
    said = f"{listed(high)} {'reaches' if len(high) == 1 else 'reach'} highest, {told(greatest)}"
    if artists[0].kind == "histogram":
        return f"{said}."  # some bin is empty in most
    if high == low:
        return f"{said}, and lowest, {told(least)}."
    return f"{said}; {listed(low)} lowest, {told(least)}."
