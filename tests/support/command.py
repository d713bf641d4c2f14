"""Commands that tests run to their end, and the command `figbox` of this checkout, as shells find it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.documents.pages import ROOT
from tests.fakes import KEY
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Mapping
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


def run(
    *command: str | Path, folder: Path = ROOT, env: Mapping[str, str] | None = None, limit_s: float = slowed(60)
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; without a given environment it has ours. Return what it did."""
    return subprocess.run(
        command,
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def run_shell(script: str, folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, as far as its first failing command; return what it did."""
    return run("sh", "-e", "-c", script, folder=folder, env=variables, limit_s=LIMIT_S)


def start_and_fail(*arguments: str, **variables: object) -> str:
    """Run Python, by default as a gateway, where it can't start; return the one sentence that it says."""
    ours = {"API_KEY": KEY, "FIGBOX_METRICS_PORT": "0", "PORT": "0"}
    env = {**os.environ, **ours, **{name: str(value) for name, value in variables.items()}}
    done = run(sys.executable, *(arguments or ("-m", "gateway")), env=env)
    assert done.returncode == 1, done.stderr
    sentences = [line for line in done.stderr.splitlines() if line.startswith("figbox: ")]
    assert "Traceback" not in done.stderr
    assert len(sentences) == 1
    return sentences[0]
