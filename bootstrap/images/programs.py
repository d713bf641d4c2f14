"""The runner image's own programs in C: compiled on the host, for the engine's processor, by a compiler from a package.

The compiler is fetched as the image's packages are, checked by hash, and removed again: it takes 190 MB, the programs
a few kilobytes. So no host needs a compiler, and none gets into an image. It is fetched again only when the programs,
its options or its lock change.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.images import context
from bootstrap.images.wheels import UNFINISHED
from bootstrap.steps import run

if TYPE_CHECKING:
    from bootstrap.steps import Steps

#: Folder of the sources, with the compiler's lock.
SOURCES = "snapshot"

#: Knows the compiler's options, and fetches it; builds without the set-up use it, too.
COMPILE = "build/compile_snapshot.py"


def ensure(steps: Steps, folder: Path, architecture: str, cache: Path) -> Path | None:
    """Return a folder with the programs of an image, or None if it has none; compile those the cache doesn't have.

    Args:
        steps: Where to report.
        folder: Holds the sources, the compiler's lock and the program that knows its options.
        architecture: The engine's: x86_64 or aarch64.
        cache: Folder for the result. What earlier sources gave stays in it: it is small.

    Raises:
        SetupError: The compiler can't be fetched, or it refuses the sources.
    """
    if not any((folder / SOURCES).glob("*.c")):
        return None
    compiled = cache / f"programs-{inputs(folder, architecture)[:16]}"
    if compiled.is_dir():
        return compiled
    cache.mkdir(parents=True, exist_ok=True)
    for unfinished in cache.glob(f"{UNFINISHED}*"):  # left by a set-up that was killed
        shutil.rmtree(unfinished)
    steps.say("programs", f"compiling {SOURCES} for {architecture}; its compiler (100 MB) is fetched, checked by hash")
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=cache) as name:
        target = Path(name, "programs")
        target.mkdir()
        command: list[str | Path] = [sys.executable, "-B", folder / COMPILE, folder / SOURCES, architecture]
        run(
            [*command, target],
            remedy="If it is the compiler that can't be fetched, check pip's package index; and start again.",
        )
        target.rename(compiled)
    return compiled


def inputs(folder: Path, architecture: str) -> str:
    """Return a hash of all that decides what the programs of an image become."""
    options = hashlib.sha256((folder / COMPILE).read_bytes()).hexdigest()
    parts = [context.digest(folder / SOURCES), options, architecture]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
