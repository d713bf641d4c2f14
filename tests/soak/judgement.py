"""Tells whether a series of readings grows, in spite of noise, peaks and a warm-up.

The measure of growth is robust: the median of the slopes between all pairs of readings (Theil and Sen), times the time
that was watched, and how much higher the median of the last third is than that of the first. A series grows if both are
more than it may. So neither a peak nor a moment of trouble counts, and a step counts only if it stays and is in the
middle; a leak counts even where the noise is larger than what it adds between two readings.

Source: P. K. Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 63 (1968).
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from itertools import combinations

#: Readings that a judgement takes at least; where there are fewer, nobody knows.
FEWEST = 10

#: Readings of which slopes are taken at most, since all pairs are compared; of more, medians of neighbours are.
MOST = 400

HOUR_S = 3600.0


@dataclass(slots=True)
class Series:
    """Readings of one thing.

    Attributes:
        name: What it is.
        unit: Of the values.
        may_grow: By how much, in that unit, whatever the length of the run.
        may_grow_share: By how much as a share of the level at the beginning, if that is more.
        points: Seconds since the beginning, and values.
    """

    name: str
    unit: str
    may_grow: float
    may_grow_share: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a series after the warm-up.

    Attributes:
        first: Median of the first third.
        last: Median of the last third.
        highest: The highest reading.
        slope_per_hour: By Theil and Sen.
        allowed: By how much it may grow.
        fault: What is wrong, as a part of a sentence; empty if it is flat.
    """

    series: Series
    first: float
    last: float
    highest: float
    slope_per_hour: float
    allowed: float
    fault: str


def judge(series: Series, warm_up_s: float) -> Judgement:
    """Judge a series by its readings after a warm-up."""
    points = [point for point in series.points if point[0] >= warm_up_s]
    if len(points) < FEWEST:
        nothing = float("nan")
        fault = f"has {len(points)} readings, too few to judge"
        return Judgement(series, nothing, nothing, nothing, nothing, series.may_grow, fault)
    values = [value for _, value in points]
    third = len(values) // 3
    first, last = statistics.median(values[:third]), statistics.median(values[-third:])
    slope = theil_sen(points)
    allowed = max(series.may_grow, series.may_grow_share * first)
    growth = min(slope * (points[-1][0] - points[0][0]), last - first)
    fault = f"grew by {growth:.4g} {series.unit}, more than {allowed:.4g}" if growth > allowed else ""
    return Judgement(series, first, last, max(values), slope * HOUR_S, allowed, fault)


def theil_sen(points: list[tuple[float, float]]) -> float:
    """Return the median slope between all pairs of points, which are in order of time."""
    thinned = _thinned(points)
    return statistics.median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(thinned, 2))


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    size = -(-len(points) // MOST)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [tuple(statistics.median(column) for column in zip(*group, strict=True)) for group in groups]  # type: ignore[misc]
