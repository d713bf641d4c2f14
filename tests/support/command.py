"""The command `figbox` of this checkout, as shells find it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.documents.pages import ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = slowed(180)


def command_folder(folder: Path) -> Path:
    """Make a folder for `PATH` whose `figbox` and `python` are those of the tests; return it."""
    folder.mkdir(exist_ok=True)
    for name, call in (("figbox", "-m figbox "), ("python", "")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" {call}"$@"\n')
        program.chmod(0o755)
    return folder


def environment(commands: Path, **variables: str) -> dict[str, str]:
    """Return an environment with that folder first in `PATH`, without the client's settings but those given."""
    kept = {name: value for name, value in os.environ.items() if name not in {"FIGBOX_URL", "FIGBOX_KEY_FILE"}}
    kept |= {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    return kept | variables


def run_shell(script: str, folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, as far as its first failing command; return what it did."""
    return subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )
