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

#: How often the shorter of two inputs doubles in the longer, and how many times as much each doubling may cost.
#: Several, since what shares the processor's caches can make one of them look worse: a cost that grows with the square
#: is 64 times as much, where 15.6 are allowed.
DOUBLINGS = 3
GROWTH_LIMIT = 2.5

#: Processor seconds below which a ratio says nothing, and how often one is measured before it counts.
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


def grows_no_faster(measure: Callable[[int], float], size: int, *, least: float = NOISE_S) -> None:
    """Check that what is measured is in proportion to a size, or grows less.

    Args:
        measure: Measures something of a size.
        size: The larger one.
        least: What the smaller one counts for at least.
    """
    ratios = []
    for _ in range(TRIES):
        ratios.append(measure(size) / max(measure(size >> DOUBLINGS), least))
        if ratios[-1] <= GROWTH_LIMIT**DOUBLINGS:
            return
    pytest.fail(f"{1 << DOUBLINGS} times the size costs {min(ratios):.1f} times as much at least")


def costs_no_more(measure: Callable[[int], float], size: int, s_per_mib: float, *, least: float = NOISE_S) -> None:
    """Check that what an input takes is in proportion to its size, and not far beyond a bound.

    Args:
        measure: Returns the processor seconds of an input of a size.
        size: Of the longest.
        s_per_mib: The bound for each MiB, on a machine of usual speed that does nothing else.
        least: What is always allowed.
    """
    found: list[float] = []

    def measured(wanted: int) -> float:
        found.append(measure(wanted))
        return found[-1]

    grows_no_faster(measured, size, least=least)
    bound = (least + s_per_mib * size / MiB) * slowness() * LENIENCE
    for _ in range(TRIES):
        if min(found[::2]) <= bound:
            return
        found += (measure(size), 0)
    pytest.fail(f"it costs {min(found[::2]):.3f} s at least, and may cost {bound:.3f} s")


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
