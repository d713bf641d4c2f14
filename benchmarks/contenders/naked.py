"""Naked: `python plot.py` in a new process for every request, without a sandbox."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from benchmarks.contenders.contender import SAVE, Contender, Picture
from benchmarks.contenders.processes import output_of

if TYPE_CHECKING:
    from pathlib import Path

#: With these, every start would compile the libraries again.
SLOWING_VARIABLES = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"})


class Naked(Contender):
    """Runs programs with this Python and its Matplotlib, in a folder for each client."""

    name = "naked"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The warm-up makes a font list, since the first import on a machine takes seconds.
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in SLOWING_VARIABLES},
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": str(folder / "mplconfig"),
        }

    async def render(self, code: str, client: int = 0) -> Picture:
        """Write the script, run it, read its picture."""
        place = self._folder / str(client)
        place.mkdir(exist_ok=True)
        script, picture = place / "plot.py", place / "plot.png"
        script.write_text(code + SAVE.format(figure="plt.gcf()", target=picture.name), "utf-8")
        await output_of(self.name, sys.executable, script.name, cwd=place, env=self._environment)
        return Picture(picture.read_bytes())
