"""What a process frees goes back to the system."""

from __future__ import annotations

import asyncio
import gc
import platform
import subprocess
import sys
import weakref

import pytest

from gateway.memory import malloc
from gateway.memory.byte_budget import ByteBudget
from gateway.settings import ROOT
from tests.fakes import until

#: Frees a block of 20 MiB, then keeps small blocks between large ones, which are freed: glibc by itself keeps some
#: hundred MiB of that. Prints how many are resident in the end.
PROGRAM = """
import sys
from gateway.memory.malloc import return_freed_memory
if sys.argv[1] == "set":
    assert return_freed_memory()
del_me = bytearray(20 << 20); del del_me
blocks = [bytearray(size) for size in [1 << 20, 2000] * 200]
kept = blocks[1::2]
del blocks
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""


def _resident_mib(*arguments: str) -> int:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is freed")
def test_large_blocks_go_back_at_once() -> None:
    """With the thresholds set, large blocks between small ones go back when they are freed; without, they stay."""
    assert _resident_mib("set") < 100 < _resident_mib("not")


class Cycle:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


async def test_cycles_are_found_after_bytes_were_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only refers to itself is gone soon after a request, and nobody looks while nothing happens."""
    monkeypatch.setattr(malloc, "TIDY_S", 0.02)
    budget = ByteBudget(10)
    tidying = asyncio.create_task(malloc.keep_tidy([budget]))
    gc.disable()
    try:
        left = weakref.ref(Cycle())
        await asyncio.sleep(0.1)
        assert left() is not None
        with budget.hold("a") as hold:
            assert hold.try_grow(1)
        await until(lambda: left() is None)
    finally:
        gc.enable()
        tidying.cancel()
