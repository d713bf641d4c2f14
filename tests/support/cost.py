"""What work on hostile bytes costs: in proportion to their number, and not more than a bound for each of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from gateway.model.jobs import MiB
from tests.support.machine import slowness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    #: Makes bytes of one shape, about so many.
    Shape = Callable[[int], bytes]

#: How often the shorter of two inputs doubles in the longer, and how many times as much each doubling may cost. Many,
#: since what no longer fits into the processor's caches costs up to three times as much for each byte, and more with
#: others beside it: 256 times where cost grows with the length, 65,536 where it grows with its square, and 1,526 are
#: allowed.
DOUBLINGS = 8
GROWTH_LIMIT = 2.5

#: Processor seconds that a shorter input is measured for at least, again and again, and how often a ratio is taken
#: before it counts.
NOISE_S = 0.005
TRIES = 3

#: How many times its bound an input may take: with others beside it, or measured for coverage, a thread needs up to
#: four times as long.
LENIENCE = 6


def cpu_s(work: Callable[[], object]) -> float:
    """Return the processor seconds of this thread that something takes."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def grows_no_faster(
    measure: Callable[[int], float], size: int, *, least: float = NOISE_S, doublings: int = DOUBLINGS
) -> None:
    """Check that what is measured is in proportion to a size, or grows less.

    Args:
        measure: Measures something of a size.
        size: The larger one.
        least: What the smaller one is measured for at least, or as often as it goes into the larger one.
        doublings: How often the smaller one doubles in it.
    """

    def shorter() -> float:
        found = [measure(size >> doublings)]
        while sum(found) < least and len(found) < 1 << doublings:
            found.append(measure(size >> doublings))
        return max(sum(found), least) / len(found)

    ratios = []
    for _ in range(TRIES):
        ratios.append(measure(size) / shorter())
        if ratios[-1] <= GROWTH_LIMIT**doublings:
            return
    pytest.fail(f"{1 << doublings} times the size costs {min(ratios):.1f} times as much at least")


def costs_no_more(
    measure: Callable[[int], float],
    size: int,
    s_per_mib: float,
    *,
    least: float = NOISE_S,
    doublings: int = DOUBLINGS,
) -> None:
    """Check that what an input takes is in proportion to its size, and not far beyond a bound.

    Args:
        measure: Returns the processor seconds of an input of a size.
        size: Of the longest.
        s_per_mib: The bound for each MiB, on a machine of usual speed that does nothing else.
        least: What is always allowed.
        doublings: How often the shortest one doubles in it.
    """
    found: list[float] = []

    def measured(wanted: int) -> float:
        took = measure(wanted)
        if wanted == size:
            found.append(took)
        return took

    grows_no_faster(measured, size, least=least, doublings=doublings)
    bound = (least + s_per_mib * size / MiB) * slowness() * LENIENCE
    for _ in range(TRIES):
        if min(found) <= bound:
            return
        found.append(measure(size))
    pytest.fail(f"it costs {min(found):.3f} s at least, and may cost {bound:.3f} s")


def again_and_again(begin: bytes, piece: bytes, end: bytes = b"") -> Shape:
    """Return what makes bytes of one piece again and again."""
    return lambda length: begin + piece * (length // len(piece)) + end


def numbered(begin: bytes, piece: bytes, end: bytes = b"") -> Shape:
    """Return what makes bytes of a piece with a number in it, which differs each time."""
    return lambda length: begin + b"".join(piece % number for number in range(length // (len(piece) + 4))) + end


def shown(shapes: Iterable[str], always: Iterable[str]) -> list[object]:
    """Return the names of shapes as parameters of a test; all but some are left to `make test-all`."""
    first = set(always)
    return [shape if shape in first else pytest.param(shape, marks=pytest.mark.variant) for shape in shapes]
