"""A fresh clone, as far as a test needs one."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.documents.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def copy_checkout(folder: Path) -> Path:
    """Copy what git tracks into a folder, beside the virtual environment that is here already; return the folder."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder
