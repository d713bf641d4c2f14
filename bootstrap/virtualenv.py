"""The virtual environment: made from the host's Python and filled from a hash-locked list.

A stamp in it names the Python and the locks it was made from; if that is current, nothing is done. The stamp is written
last and removed first, so an interrupted installation is never mistaken for a finished one.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import debian
from bootstrap.steps import PIP_INSTALL, SetupError, run

if TYPE_CHECKING:
    from bootstrap.steps import Steps

STAMP = "figbox-stamp.json"


@dataclass(frozen=True, slots=True)
class VirtualEnvironment:
    """Where the environment is and what it is filled from.

    Attributes:
        locks: Folder with `gateway.txt` and its superset `dev.txt`, both with a hash for every file.
    """

    folder: Path
    locks: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """The file that names what a finished installation was made from."""
        return self.folder / STAMP

    def ensure(self, steps: Steps, *, dev: bool = False) -> None:
        """Make the environment, or update it to its lock, with what tests need if asked to; if it is current, leave it.

        Raises:
            SetupError: This Python can't make one, or pip failed.
        """
        name = "dev.txt" if dev else "gateway.txt"
        where = {"python": _host_version(), "folder": str(self.folder.resolve())}  # its programs name their folder
        wanted = {**where, name: _sha256(self.locks / name)}
        present = self._read_stamp()
        if self.python.exists() and wanted.items() <= present.items():
            steps.say("virtual environment", f"unchanged ({name}, Python {platform.python_version()})")
            return
        # Installing dev.txt over an unchanged gateway.txt only adds; after other changes, old packages would stay.
        gateway = {**where, "gateway.txt": _sha256(self.locks / "gateway.txt")}
        grows = dev and "dev.txt" not in present and gateway.items() <= present.items() and self.python.exists()
        if self.folder.is_file():
            # virtualenv names an environment that it makes in such a file (PEP 832): pre-commit does in its clone.
            self.folder.unlink()
        self.stamp.unlink(missing_ok=True)
        if not grows:
            self._create(steps)
        steps.say("virtual environment", f"installing {name}, every file checked against its hash")
        run(
            [self.python, *PIP_INSTALL, "-r", self.locks / name],
            remedy=f"Check that pip can reach its package index, and start again ({name}).",
        )
        done = {**gateway, **wanted}  # dev.txt includes gateway.txt
        self.stamp.write_text(json.dumps(done, indent=1) + "\n")
        steps.say("virtual environment", f"ready: {self.python}")

    def _create(self, steps: Steps) -> None:
        if importlib.util.find_spec("ensurepip") is None:
            self._install_venv_package(steps)
        steps.say("virtual environment", f"creating with Python {platform.python_version()}")
        run(
            [_host_python(), "-m", "venv", "--clear", self.folder],
            remedy="Install a complete Python >= 3.11 and start again with `make PYTHON=/path/to/python3 …`.",
        )

    @staticmethod
    def _install_venv_package(steps: Steps) -> None:
        package = f"python3.{sys.version_info.minor}-venv"
        if not (debian.is_root_debian() and Path(sys.base_prefix) == Path("/usr")):
            raise SetupError(
                f"This Python ({_host_python()}) can't make virtual environments, as it lacks ensurepip: "
                f"install {package}, or use another one with `make PYTHON=/path/to/python3 …`."
            )
        debian.apt_install(steps, [package], why="makes virtual environments")
        importlib.invalidate_caches()

    def _read_stamp(self) -> dict[str, str]:
        try:
            content = json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _host_python() -> Path:
    """Return the host's interpreter, even if we run inside the environment that is to be made."""
    if sys.prefix == sys.base_prefix:
        return Path(sys.executable)
    return Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")


def _host_version() -> str:
    return f"{platform.python_version()} {platform.machine()} {sys.base_prefix}"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SetupError(f"{path} can't be read ({error.strerror}); restore it with `git checkout`.") from error
