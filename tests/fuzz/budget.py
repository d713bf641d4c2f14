"""The processor time that an input may take: using more is a finding, however much the machine has to do beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.support.machine import slowness

if TYPE_CHECKING:
    from collections.abc import Callable

#: Processor seconds that any input may take on a machine of usual speed, and those for each KiB of it. The dearest seed
#: takes 5 ms; the fuzzer watches every branch, which makes that several times as much.
BASE_S = 0.1
S_PER_KIB = 0.05

#: How often an input that took too long is tried again before it counts.
TRIES = 3


class TooExpensive(Exception):
    """An input takes more processor time than its length allows."""


def budgeted(run: Callable[[bytes], None], base_s: float = BASE_S) -> Callable[[bytes], None]:
    """Return a target that also fails if an input takes too much processor time again and again.

    Args:
        run: The target.
        base_s: What any input may take.
    """
    factor = slowness()

    def run_within_budget(data: bytes) -> None:
        limit_s = factor * (base_s + S_PER_KIB * len(data) / 1024)
        for _ in range(1 + TRIES):
            began = time.process_time()
            run(data)
            spent_s = time.process_time() - began
            if spent_s <= limit_s:
                return
        raise TooExpensive(f"{len(data)} bytes take {spent_s:.2f} s of processor time, and may take {limit_s:.2f} s")

    return run_within_budget
