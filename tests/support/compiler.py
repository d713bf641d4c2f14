"""The module that compiles the runner image's programs, for tests; its folder is no package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "runner-image"


def compile_snapshot() -> Any:
    """Return a fresh copy of the module `runner-image/build/compile_snapshot.py`."""
    spec = importlib.util.spec_from_file_location("compile_snapshot", FOLDER / "build" / "compile_snapshot.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
