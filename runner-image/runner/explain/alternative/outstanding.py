"""What stands out in a chart: its largest part, its highest series, whether it rises or falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.alternative.reading import listed, plain, quoted, told
from explain.words import NAMES_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words
    from explain.words import Value

#: Which part of its range a line must have gone up or down from its first to its last point to rise or fall.
TREND = 0.2

#: Kinds of several series that are compared with each other.
COMPARED = frozenset({"line", "step", "scatter", "bar", "stacked area", "fill", "stem", "error bars"})

#: Kinds whose points follow each other along an axis.
FOLLOWING = frozenset({"line", "step", "stem", "stacked area", "error bars"})

#: Names of those that share the highest or the lowest value.
SHARING = 3

#: Histograms whose highest bins are told.
HISTOGRAMS = 3


def outstanding(kind: str, artists: Sequence[words.Artist], *, logarithmic: bool = False) -> str:
    """Return the sentence that says what stands out; empty if nothing is known to.

    Args:
        kind: What a chart mainly consists of.
        artists: The artists of this kind.
        logarithmic: Whether values of very different size are shown, so that none is next to nothing.
    """
    part = 0.0 if logarithmic else 1.0
    if kind == "pie":
        return _largest_slice(artists[0])
    if kind in ("bar", "box plot") and len(artists) == 1:
        return _extremes_of_parts(artists[0], part)
    if any(each.z is not None for each in artists):
        return ""
    if kind == "histogram":
        return _highest_bins(artists)
    if kind in FOLLOWING and len(artists) == 1:
        return _trend(artists[0], part)
    return _extremes_of_series(artists, part) if kind in COMPARED and len(artists) > 1 else ""


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
        return _spread(pie)
    most, least = max(shares)[0], min(shares)[0]
    if f"{most:.0%}" == f"{least:.0%}":
        return f"All slices have {most:.0%}."
    largest, smallest = _those_with(shares, most), _those_with(shares, least)
    return f"The largest slice is {largest} with {most:.0%}, the smallest {smallest} with {least:.0%}."


def _spread(pie: words.Artist) -> str:
    """Return how large the slices of a pie without names are."""
    if pie.values is None or not isinstance(pie.values.least, float) or not isinstance(pie.values.greatest, float):
        return ""
    return f"The largest slice has {pie.values.greatest:.0%}, the smallest {pie.values.least:.0%}."


def _those_with(parts: Sequence[tuple[float, str]], value: float) -> str:
    """Return the names of the parts with a value."""
    return listed([name for each, name in parts if each == value], SHARING)


def _extremes_of_parts(artist: words.Artist, part: float) -> str:
    """Return which bar is the highest and which the lowest, or which box has the highest and the lowest median."""
    numbers = _parts(artist)
    what = "median" if artist.kind == "box plot" else "value"
    if len(numbers) < 2:  # noqa: PLR2004 - nothing to compare
        return _reach(artist, what, part)
    most, least = max(numbers)[0], min(numbers)[0]
    if most == least:
        return f"All {what}s are {told(most)}."
    span = part * (most - least)
    return (
        f"The highest {what} is that of {_those_with(numbers, most)}, {told(most, span)}; "
        f"the lowest that of {_those_with(numbers, least)}, {told(least, span)}."
    )


def _reach(artist: words.Artist, what: str, part: float) -> str:
    """Return between what the values of very many bars are."""
    side = artist.values
    if artist.points < 2 or side is None:  # noqa: PLR2004 - one bar has no range
        return ""
    least, greatest = side.least, side.greatest
    if not isinstance(least, float) or not isinstance(greatest, float) or least == greatest:
        return ""
    span = part * (greatest - least)
    return f"The {what}s are between {told(least, span)} and {told(greatest, span)}."


def _trend(line: words.Artist, part: float) -> str:
    """Return whether a line rises or falls, and how low and high it goes; of a curve that turns back, nothing."""
    side = line.y
    numbers = [float(each) for each in side or () if isinstance(each, float | int)]
    if side is None or len(numbers) != len(side) or _turns_back(line.x):
        return ""
    first, last, least, greatest = numbers
    if greatest == least:
        return f"It stays at {told(least)}."
    span, enough = part * (greatest - least), TREND * (greatest - least)
    at, until = told(first, span), told(last, span)
    if last - first > enough:
        said = f"It rises from {at} to {until}"
    elif first - last > enough:
        said = f"It falls from {at} to {until}"
    else:
        said = f"It begins at {at} and ends at {until}"
    beyond = [
        f"{word} {told(extreme, span)}"
        for word, extreme, ends in (("a low of", least, min(first, last)), ("a high of", greatest, max(first, last)))
        if told(extreme, span) != told(ends, span)
    ]
    return f"{said}, with {listed(beyond)} between." if beyond else f"{said}."


def _turns_back(side: words.Values | None) -> bool:
    """Return whether points along the first axis don't begin at one end and end at the other."""
    if side is None:
        return False
    numbers = [each for each in side if isinstance(each, float)]
    if len(numbers) != len(side):
        return False
    first, last, least, greatest = numbers
    return {first, last} != {least, greatest}


def _highest_bins(histograms: Sequence[words.Artist]) -> str:
    """Return where histograms are highest."""
    found = []
    for each in histograms:
        data = each.data
        edges = () if data is None else data.y if "horizontal" in each.arrangement else data.x
        if data is None or each.points > NAMES_LIMIT or len(edges) != len(data.values) + 1:
            continue
        numbers = [value if isinstance(value, float) else float("-inf") for value in data.values]
        place = max(range(len(numbers)), key=numbers.__getitem__)
        begin, end = _between(edges, place)
        found.append((plain(each.label), f"from {begin} to {end}, with {told(numbers[place])}"))
    if len(found) != len(histograms) or len(found) > HISTOGRAMS:
        return ""
    if len(found) == 1:
        return f"The highest bin is that {found[0][1]}."
    if not all(label for label, _ in found):
        return ""
    (first, where), *others = found
    said = [f'"{first}" is highest {where}', *(f'"{label}" {where}' for label, where in others)]
    return "; ".join(said) + "."


def _between(edges: Sequence[Value], place: int) -> tuple[str, str]:
    """Return the edges of a bin, with as many digits as tell them apart."""
    begin, end = edges[place], edges[place + 1]
    if not isinstance(begin, float) or not isinstance(end, float):
        return told(begin), told(end)
    return told(begin, 10 * abs(end - begin)), told(end, 10 * abs(end - begin))


def _extremes_of_series(artists: Sequence[words.Artist], part: float) -> str:
    """Return which of several series reaches highest and lowest."""
    horizontal = all("horizontal" in each.arrangement for each in artists)
    spans = []
    for each in artists:
        side = each.x if horizontal else each.y
        if each.label and side is not None and isinstance(side.least, float) and isinstance(side.greatest, float):
            spans.append((side.least, side.greatest, plain(each.label)))
    if len(spans) < 2:  # noqa: PLR2004 - nothing to compare
        return ""
    high, low = max(each[1] for each in spans), min(each[0] for each in spans)
    span = part * (high - low)
    top, bottom = told(high, span), told(low, span)
    if "stacked" in artists[0].arrangement.split():
        return f"Together they reach {top}."
    highest = [label for _, greatest, label in spans if greatest == high]
    lowest = [label for least, _, label in spans if least == low]
    if len(highest) == len(lowest) == len(spans):
        return f"All reach from {bottom} to {top}."
    said = f"All reach up to {top}" if len(highest) == len(spans) else f"{_that_reach(highest)} highest, {top}"
    if highest == lowest:
        return f"{said}, and lowest, {bottom}."
    if len(lowest) == len(spans):
        return f"{said}; all reach down to {bottom}."
    return f"{said}; {listed(quoted(lowest), SHARING)} lowest, {bottom}."


def _that_reach(labels: Sequence[str]) -> str:
    return f"{listed(quoted(labels), SHARING)} {'reaches' if len(labels) == 1 else 'reach'}"
