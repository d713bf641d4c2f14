"""Imports Matplotlib as cheaply as it can be done without changing what a program sees.

Each saving can be left out, so that benchmarks/import_steps.py can show what it is worth. Two more are the image's:
OPENBLAS_NUM_THREADS=1 in its environment (OpenBLAS otherwise starts a thread per core), and byte code compiled
beforehand (a read-only root keeps Python from writing any). To save time, nothing here imports pathlib.

Python runs without -O or -OO: with them, asserts of libraries and of files that came with a job would be skipped, and
code that reads or extends documentation would fail.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import descriptions
from stand_ins import font_fallback, one_process, own_user

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = os.path.dirname(os.path.abspath(__file__))

#: Where the modules are that a job's runner has imported itself.
OWN_PACKAGES = (
    *("captions", "collect", "elsewhere", "explain", "explain/alternative", "explain/artists", "findings"),
    *("moving", "preload", "repair", "stand_ins"),
)
OWN_FOLDERS = (HERE, *(os.path.join(HERE, package) for package in OWN_PACKAGES))

#: What build.py baked: the list of the image's fonts.
BAKED_CONFIG_DIR = os.path.join(HERE, "mplconfig")

FONT_LIST = "font-list"
COLLECTOR = "collector"
DESCRIPTIONS = "descriptions"
ALL_SAVINGS = (FONT_LIST, COLLECTOR, DESCRIPTIONS)

WORK_DIR = os.getcwd()
IMAGE_PATHS = tuple(folder for folder in {HERE, *sys.path} if folder not in ("", WORK_DIR))


def import_pyplot(savings: Sequence[str] = ALL_SAVINGS) -> None:
    """Import everything that drawing a usual figure needs, then make imports look as in a direct run.

    Args:
        savings: Names of the savings to make; an unknown one is an error.
    """
    if unknown := set(savings) - set(ALL_SAVINGS):
        raise ValueError(f"unknown savings: {sorted(unknown)}")
    if FONT_LIST in savings:
        lay_out_font_list()
    if COLLECTOR in savings:
        # Nothing of an import is garbage: collecting while it runs only walks ever more live objects.
        gc.disable()
    recorded = descriptions.read() if DESCRIPTIONS in savings else None
    with descriptions.recited(recorded) if recorded else contextlib.nullcontext():
        import_modules()
    font_fallback.install()
    one_process.install()
    own_user.install()
    install_films()
    if COLLECTOR in savings:
        gc.freeze()
        gc.enable()
    # The runner's modules are not the program's; its own folder comes first, as in a direct run.
    hide_own_modules()
    sys.path[0] = WORK_DIR


def hide_own_modules() -> None:
    """Let later imports not find the runner's modules."""
    for name, module in list(sys.modules.items()):
        if name != "__main__" and os.path.dirname(getattr(module, "__file__", None) or "") in OWN_FOLDERS:
            del sys.modules[name]


@contextlib.contextmanager
def own_modules() -> Iterator[None]:
    """Let imports find the runner's modules for a while, before or after Matplotlib was imported."""
    sys.path.insert(0, HERE)
    try:
        yield
    finally:
        sys.path.remove(HERE)
        hide_own_modules()


def install_films() -> None:
    """Let Matplotlib save films, in an image that can; only there is its module for animations imported beforehand."""
    if find_spec("av") is not None:
        from stand_ins import film_writer

        film_writer.install()


def import_modules() -> None:
    """Import what a first figure would otherwise load while its client waits."""
    for name in ("matplotlib.pyplot", "matplotlib.backends.backend_agg", "numpy.random", "PIL.PngImagePlugin"):
        import_module(name)


def lay_out_font_list() -> None:
    """Copy the baked font list to where Matplotlib looks for it.

    Matplotlib doesn't even read from a configuration directory that it can't write to, and then scans every font
    file: 66 ms.

    Source: matplotlib#32246.
    """
    target = os.environ.get("MPLCONFIGDIR")
    if not target or not os.path.isdir(BAKED_CONFIG_DIR):
        return
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(BAKED_CONFIG_DIR):
        shutil.copyfile(os.path.join(BAKED_CONFIG_DIR, name), os.path.join(target, name))
