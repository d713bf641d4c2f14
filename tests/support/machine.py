"""How slow this machine is; the tests' deadlines follow from it, so that no test depends on how fast a machine is."""

from __future__ import annotations

import functools
import math
import os
import statistics
import subprocess
import sys
import time

#: Where a run keeps what it measured, for the processes it starts: while they work it can't be measured.
VARIABLE = "TESTS_SLOWNESS"

#: What is measured: a Python process that starts, imports a little and counts.
SAMPLE = "import asyncio, json\nfor number in range(50_000): json.dumps(number)"

#: How often. The median is taken.
SAMPLES = 5

#: Seconds the sample takes on the machine that the deadlines were written on: the median of nine runs, as processor
#: time, which is what it takes where nothing else runs.
REFERENCE_S = 0.28


@functools.cache
def slowness() -> float:
    """Return how many times slower this machine is than the one the deadlines were written on; at least 1."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = f"{max(1.0, statistics.median(_sample() for _ in range(SAMPLES)) / REFERENCE_S):.2f}"
    return float(os.environ[VARIABLE])


def slowed(seconds: float) -> int:
    """Return a deadline of a machine of usual speed, scaled to this one, in whole seconds."""
    return math.ceil(seconds * slowness())


def _sample() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", SAMPLE], check=True)
    return time.perf_counter() - began
