"""Give freed memory back to the system.

glibc takes blocks above a threshold straight from the system, and gives them back when they are freed. But it raises
that threshold, up to 32 MiB, to the size of each such block that is freed: after one answer of 20 MiB all further ones
come from its heaps, which can only be given back from their ends. A threshold that is set stays as it is. What small
blocks leave free within the heaps goes back by `malloc_trim`, once those who used it have gone.

Python itself may keep what nobody uses: objects that refer to each other are found by its collector, which may not look
for a long time. An exception, whose traceback knows all that a request had, is enough for such a cycle.

Source: mallopt(3), M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX; malloc.h has their numbers; malloc_trim(3).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
from typing import TYPE_CHECKING

from gateway.model.jobs import KiB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.memory.byte_budget import ByteBudget

#: glibc's numbers for the parameters.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8

#: Blocks of this size and more come from the system and go back to it; so does free memory of this size at the end of
#: a heap. It is half of glibc's first value: pieces of bodies and answers are of this size.
THRESHOLD_BYTES = 64 * KiB

#: Heaps, which threads share. Each can keep what the others have freed from going back.
ARENAS = 2

#: Seconds between looks whether something was given back, and so the longest time that what is no longer used is kept.
TIDY_S = 2.0


def return_freed_memory() -> bool:
    """Set this for the whole process; to be called when everything is imported, and before there are threads.

    Returns:
        Whether the C library knows it. Others than glibc don't; musl gives memory back by itself.
    """
    gc.collect()
    gc.freeze()  # what is imported stays: the collector need not look at it each time
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    values = {M_MMAP_THRESHOLD: THRESHOLD_BYTES, M_TRIM_THRESHOLD: THRESHOLD_BYTES, M_ARENA_MAX: ARENAS}
    answers = [mallopt(parameter, value) for parameter, value in values.items()]  # each is set, whatever the others say
    return all(answer == 1 for answer in answers)


async def keep_tidy(budgets: Sequence[ByteBudget]) -> None:
    """Find what nobody uses, and give it back, after anything was given back to these budgets; until cancelled."""
    before = [budget.given_back for budget in budgets]
    while True:
        await asyncio.sleep(TIDY_S)
        now = [budget.given_back for budget in budgets]
        if now != before:
            before = now
            tidy()


def tidy() -> None:
    """Find what nobody uses, and give it back to the system."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return  # another C library
