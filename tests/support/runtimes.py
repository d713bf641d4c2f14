"""OCI runtimes for second engines, taken out of Debian's packages into this checkout; the host stays as it is."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from bootstrap import gvisor, packages
from bootstrap.commands import TRUE_WORDS
from bootstrap.steps import SetupError, Steps

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".figbox" / "tools"
RELEASE = "trixie"

#: crun and the libraries it is linked with: it asks for a newer C library than older hosts have.
CRUN_PACKAGES = ("crun", "libc6", "libcap2", "libseccomp2", "libsystemd0", "libyajl2")


def needed(reason: str) -> None:
    """Skip the test because this host lacks something, or fail it where that must not be: in CI."""
    if os.environ.get("CI", "").lower() in TRUE_WORDS:
        pytest.fail(reason)
    pytest.skip(reason)


def need_root() -> None:
    """Only root can start a second engine, and only where dockerd is installed."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        needed("a second engine needs root and dockerd")


def runsc() -> dict[str, Any]:
    """Return gVisor's entry for daemon.json, with the platform that works here."""
    program = tool("runsc", ("runsc",)) / "usr/bin/runsc"
    steps = Steps(output=sys.stderr)
    return {"path": str(program), "runtimeArgs": [*gvisor.choose(steps, program), *gvisor.FIXED_ARGUMENTS]}


def crun() -> dict[str, Any]:
    """Return crun's entry for daemon.json: a script that starts it with the C library it was built for."""
    folder = tool("crun", CRUN_PACKAGES)
    (loader,) = folder.glob("usr/lib/*/ld-linux-*.so.*")
    script = folder / "crun"
    script.write_text(f'#!/bin/sh\nexec {loader} --library-path {loader.parent} {folder}/usr/bin/crun "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"path": str(script)}


def tool(name: str, names: tuple[str, ...], release: str = RELEASE) -> Path:
    """Return the folder with a tool's packages of a release, unpacked; fetch them once.

    Fails the test in CI, and else skips it, where they can't be had.
    """
    target = TOOLS / f"{name}-{release}"
    if not target.is_dir():
        TOOLS.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=TOOLS))
        try:
            packages.unpack(Steps(output=sys.stderr), release, names, folder)
        except SetupError as error:
            shutil.rmtree(folder)
            needed(f"{name} can't be had: {error}")
        folder.rename(target)
    return target
