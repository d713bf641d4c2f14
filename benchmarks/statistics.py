"""Medians with their spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Summary:
    """A sample's quantiles; in a small sample, the highest are little more than its maximum."""

    count: int
    p25: float
    p50: float
    p75: float
    p95: float
    p99: float


def summarize(sample: Sequence[float]) -> Summary:
    """Return the quantiles of a sample, interpolated linearly; NaN for an empty one."""
    if not sample:
        return Summary(0, *(float("nan"),) * 5)
    quantiles = np.quantile(np.asarray(sample, dtype=float), (0.25, 0.5, 0.75, 0.95, 0.99))
    return Summary(len(sample), *(round(float(value), 4) for value in quantiles))


def median(sample: Sequence[float]) -> float:
    """Return the median; NaN for an empty sample."""
    return summarize(sample).p50
