"""Python's collector of cyclic garbage, paused while something large is parsed."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the collector from running within the block.

    A parser only makes what it keeps, and no cycles; but the collector looks at all of it again and again while it
    grows. A MiB of lists within lists took 0.45 s with it, and 0.06 s without.

    Blocks in several threads may overlap: the first to begin resumes it at its end.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
