"""Compare `fig.savefig` with `plt.savefig`: `python -m benchmarks.drawing.savefig N` prints N pairs of CPU ms."""

from __future__ import annotations

import io
import json
import sys
import time
from typing import TYPE_CHECKING

import matplotlib as mpl

from benchmarks.figures import figures

mpl.use("Agg")

import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Callable


def cost_ms(save: Callable[[io.BytesIO], object]) -> float:
    """Draw the light figure; return the processor time of saving it."""
    program = figures()["light"].program(0)
    exec(compile(program, "plot.py", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own program
    began = time.process_time()
    save(io.BytesIO())
    ms = (time.process_time() - began) * 1000
    plt.close("all")
    return ms


def by_figure(target: io.BytesIO) -> None:
    """Save as the runner does."""
    plt.gcf().savefig(target, dpi=200, bbox_inches="tight")


def by_pyplot(target: io.BytesIO) -> None:
    """Save as the old way did, which draws a second time."""
    plt.savefig(target, dpi=200, bbox_inches="tight")


def main(rounds: int) -> None:
    """Warm up, then measure both in turns."""
    cost_ms(by_figure)
    sys.stdout.write(json.dumps([(cost_ms(by_figure), cost_ms(by_pyplot)) for _ in range(rounds)]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
