"""What became of the jobs of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.scaling.model.job import End

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.scaling.model.job import Job


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Counts and times.

    Attributes:
        jobs: Requests.
        ends: How many ended in which way.
        p50_s: Median of the seconds from request to picture.
        p90_s: 90th percentile of them.
        p99_s: 99th percentile of them.
        worst_s: The longest.
    """

    jobs: int
    ends: Mapping[End, int]
    p50_s: float
    p90_s: float
    p99_s: float
    worst_s: float

    @property
    def refused(self) -> float:
        """Share of requests that gave no picture."""
        return 1 - self.ends[End.OK] / self.jobs if self.jobs else float("nan")


def count(jobs: Sequence[Job], from_s: float = 0.0, to_s: float = float("inf")) -> Outcomes:
    """Return what became of the jobs that arrived within a time."""
    counted = [job for job in jobs if from_s <= job.at_s < to_s]
    ends = Counter(job.end for job in counted if job.end is not None)
    took = [job.took_s for job in counted if job.end is End.OK]
    p50_s, p90_s, p99_s = (float(value) for value in np.quantile(took or [float("nan")], (0.5, 0.9, 0.99)))
    worst_s = max(took, default=float("nan"))
    return Outcomes(len(counted), ends, p50_s, p90_s, p99_s, worst_s)
