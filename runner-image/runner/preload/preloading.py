"""Imports beforehand everything that programs are likely to import, and leaves the process as if it hadn't.

Meant for a process whose memory is saved and restored in others: `preload` before it is saved, `renewal.renew` after it
was restored. There may be one thread only.
"""

from __future__ import annotations

import gc
import importlib.util
import linecache
import sys
from typing import TYPE_CHECKING, NamedTuple

import cheap_import

from preload import captures, stash, units, warm_up
from preload.recording import Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence


class Report(NamedTuple):
    """What came of it.

    Attributes:
        modules: How many modules are hidden.
        failed: What went wrong, by unit; such a unit is imported when a program asks for it, as ever.
        forgotten: Modules that came to be there in a way that can't be repeated; likewise.
        warned: Warnings that came while a module was executed; they come again when it is imported.
    """

    modules: int
    failed: dict[str, str]
    forgotten: list[str]
    warned: list[str]


def preload(names: Sequence[str] = units.UNITS, *, draw: bool = True) -> Report:
    """Import the units that are installed and hide what that has brought, leaving warm what drawing needs.

    Call it after `cheap_import.import_pyplot`, in whose state it leaves the process.

    Args:
        names: What to import.
        draw: Draw figures, too, so that caches are filled.
    """
    hidden = stash.Stash(sys.modules, [entry for entry in sys.path if entry != cheap_import.WORK_DIR])
    gc.disable()  # nothing of an import is garbage
    try:
        with Recorder(hidden, captures.CAPTURES) as recorder:
            for name in names:
                if is_installed(name):
                    recorder.import_unit(name)
            if draw:
                for step in warm_up.steps():
                    recorder.call(step)
    finally:
        gc.enable()
    stash.current = hidden
    linecache.clearcache()
    # What the working directory holds is another matter in each process.
    sys.path_importer_cache.pop(cheap_import.WORK_DIR, None)
    gc.collect()
    gc.freeze()
    return Report(len(hidden.records), recorder.failed, sorted(recorder.forgotten), recorder.warned)


def is_installed(name: str) -> bool:
    """Return whether the image has the package that a module is of."""
    package = name.partition(".")[0]
    return package in sys.modules or importlib.util.find_spec(package) is not None
