"""Finishes /opt/figbox while the image is built: checks that it imports, compiles it, and lets every user read it."""

from __future__ import annotations

import compileall
import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Imported here, so that a missing package fails the build and not the start.
MODULES = (
    "gateway.__main__",
    "gateway.launcher.__main__",
    "gateway.launcher.launcher",
    "gateway.observability.trace_export",
    "gateway.status.__main__",
    "entrypoint",
)


def finish() -> None:
    """Do all of it."""
    sys.path[:0] = [str(ROOT / "site"), str(ROOT)]
    for module in MODULES:
        importlib.import_module(module)
    if not compileall.compile_dir(ROOT, quiet=1, workers=0):
        raise SystemExit("some of it does not compile")
    for path in (ROOT, *ROOT.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    finish()
