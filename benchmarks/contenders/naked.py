"""Naked: `python plot.py` in a process of its own for every request, without any sandbox."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from benchmarks.contenders.contender import SAVE, Picture, RenderFailed

if TYPE_CHECKING:
    from pathlib import Path

#: Would make every start compile the libraries anew where their byte code is missing.
SLOWING_VARIABLES = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"})


class Naked:
    """Runs programs with this very Python, its Matplotlib and its font list.

    Args:
        folder: For scripts and pictures; each client has a folder in it.
    """

    name = "naked"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A font list of its own, made by the warm-up: the first import on a machine takes seconds.
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
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            script.name,
            cwd=place,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, errors = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise RenderFailed(f"{self.name}: {errors.decode(errors='replace')}")
        return Picture(picture.read_bytes())

    async def settle(self) -> None:
        """Nothing outlives a request."""
