"""When requests come, whose they are, and what they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.scaling.model.job import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random


@dataclass(frozen=True, slots=True)
class Bursts:
    """Busy times and quiet ones in turn, each of a random length.

    Attributes:
        busy: How many times the mean rate requests come in busy times; at most 2, since quiet times have what is left.
        mean_s: Mean length of either, in seconds.
    """

    busy: float
    mean_s: float


@dataclass(frozen=True, slots=True)
class Stream:
    """The requests of one key.

    Attributes:
        rate: Mean requests a second.
        draw_s: Returns the processor seconds of one drawing.
        bursts: None for requests that know nothing of each other.
        from_s, to_s: When they begin and end.
    """

    key: str
    rate: float
    draw_s: Callable[[Random], float]
    bursts: Bursts | None = None
    from_s: float = 0.0
    to_s: float = float("inf")

    def jobs(self, random: Random, seconds: float) -> Iterator[Job]:
        """Yield the jobs of so many seconds in the order of their arrival."""
        for begin_s, end_s, rate in self._phases(random, min(seconds, self.to_s)):
            now = begin_s
            while rate > 0 and (now := now + random.expovariate(rate)) < end_s:
                yield Job(now, self.key, self.draw_s(random))

    def _phases(self, random: Random, end_s: float) -> Iterator[tuple[float, float, float]]:
        if self.bursts is None:
            yield self.from_s, end_s, self.rate
            return
        now, factor = self.from_s, self.bursts.busy
        while now < end_s:
            length_s = random.expovariate(1 / self.bursts.mean_s)
            yield now, min(now + length_s, end_s), self.rate * factor
            now += length_s
            factor = 2 - factor


def merge(streams: Sequence[Stream], random: Random, seconds: float) -> list[Job]:
    """Return the jobs of several keys in the order of their arrival."""
    jobs = [job for stream in streams for job in stream.jobs(random, seconds)]
    return sorted(jobs, key=lambda job: job.at_s)
