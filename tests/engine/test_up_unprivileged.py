"""`figbox up` for a user who isn't root, in a clone of another's, on an engine whose socket a group may use."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import PLOT, write
from tests.support import runtimes
from tests.support.checkout import copy_checkout
from tests.support.live import ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.second_engine import SecondEngine

pytestmark = [pytest.mark.engine, pytest.mark.machine_bound]

#: A user and a group of whom this machine knows nothing.
USER, GROUP = 54_321, 54_322

#: The system's Python, since the one of the tests may be in a folder of root's.
PYTHON = Path("/usr/bin/python3")

#: What the set-up writes about a virtual environment that it has made.
IDENTITY = "import platform, sys; print(platform.python_version(), platform.machine(), sys.base_prefix)"


@dataclass(frozen=True)
class Someone:
    """A user without rights.

    Attributes:
        folder: Of their own.
        clone: One of root's, which they may read.
    """

    folder: Path
    clone: Path
    engine: SecondEngine

    def run(self, *arguments: str, groups: int = GROUP) -> subprocess.CompletedProcess[str]:
        """Run the command as this user, with one more group."""
        return subprocess.run(
            [
                *("setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={groups}", "--inh-caps=-all", "--"),
                *(str(self.clone / ".venv/bin/python"), "-m", "figbox", *arguments),
            ],
            cwd=self.folder,
            env={
                "PATH": os.defpath,
                "HOME": str(self.folder),
                "PYTHONPATH": str(self.clone),
                "DOCKER_HOST": self.engine.url,
                "FIGBOX_WARM_START": "import",
            },
            capture_output=True,
            text=True,
            timeout=slowed(180),
            check=False,
        )


@pytest.fixture(scope="module")
def someone(own_engine: SecondEngine) -> Iterator[Someone]:
    """Return a user without rights, who may use the engine's socket by a group."""
    runtimes.need_root()
    top = Path(tempfile.mkdtemp(prefix="figbox-user-", dir="/tmp"))
    try:
        top.chmod(0o755)
        folder = top / "own"
        folder.mkdir()
        os.chown(folder, USER, USER)
        found = Someone(folder, make_clone(top / "clone"), own_engine)
        os.chown(own_engine.socket, 0, GROUP)
        own_engine.socket.chmod(0o660)
        yield found
        found.run("down")
    finally:
        os.chown(own_engine.socket, 0, 0)
        shutil.rmtree(top)


def make_clone(clone: Path) -> Path:
    """Make a clone of root's, set up with the system's Python and the packages of the tests."""
    copy_checkout(clone)
    venv = clone / ".venv"
    venv.unlink()
    made = subprocess.run([PYTHON, "-m", "venv", "--without-pip", venv], capture_output=True, text=True, check=False)
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = ROOT / ".venv" / "lib" / minor / "site-packages"
    if made.returncode or not (venv / "lib" / minor).is_dir() or not can_read(packages):
        runtimes.needed(f"needs {PYTHON} of the version of the tests' own, whose packages anybody can read")
    (venv / "lib" / minor / "site-packages" / "tests.pth").write_text(f"{packages}\n")
    python = subprocess.run(
        [venv / "bin" / "python", "-c", IDENTITY], capture_output=True, text=True, check=True
    ).stdout
    stamp = {
        "python": python.strip(),
        "folder": str(venv.resolve()),
        "gateway.txt": hashlib.sha256((clone / "requirements" / "gateway.txt").read_bytes()).hexdigest(),
    }
    (venv / "figbox-stamp.json").write_text(json.dumps(stamp))
    return clone


def can_read(folder: Path) -> bool:
    """Tell whether any user can read a folder."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents))


def test_life_without_rights(someone: Someone) -> None:
    """The service starts, draws and ends; its files are the user's, and nothing in the clone is touched."""
    write(someone.folder / "a.py", PLOT)
    done = someone.run("up", "--format", "env")
    assert done.returncode == 0, done.stderr
    printed = dict(line.split("=", 1) for line in done.stdout.splitlines())
    key_file = Path(printed["FIGBOX_KEY_FILE"])
    assert key_file.is_relative_to(someone.folder)
    assert (key_file.stat().st_uid, stat.S_IMODE(key_file.stat().st_mode)) == (USER, 0o600)
    drawn = someone.run("render", "a.py", "-o", "out", "--url", printed["FIGBOX_URL"], "--key-file", str(key_file))
    assert drawn.returncode == 0, drawn.stderr
    assert someone.engine.counts()["containers"] > 0
    assert someone.run("down").returncode == 0
    assert someone.engine.counts()["containers"] == 0
    local = someone.run("render", "a.py", "-o", "local", "--local")
    assert local.returncode == 0, local.stderr
    assert (someone.folder / "local" / "a.png").read_bytes() == (someone.folder / "out" / "a.png").read_bytes()
    assert someone.engine.counts()["containers"] == 0
    assert not (someone.clone / ".figbox").exists()


def test_without_the_group(someone: Someone) -> None:
    """A user who may not use the engine's socket is told so, in one sentence."""
    for line in (["up"], ["environments", "--local"]):
        done = someone.run(*line, groups=USER)
        assert done.returncode == 3
        assert "this user may not open it" in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(someone.folder.glob(".local/state/figbox/*/*/key"))


def test_clone_that_is_not_set_up(someone: Someone) -> None:
    """In a clone of another's what is missing can't be made, which is said in one sentence."""
    stamp = someone.clone / ".venv" / "figbox-stamp.json"
    text = stamp.read_text()
    stamp.unlink()
    done = someone.run("up")
    stamp.write_text(text)
    assert done.returncode == 3
    assert "can't be" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
