"""The virtual environment: made from the host's Python, filled from a hash-locked list, skipped when current.

A stamp inside it holds the Python and the locks it was filled from. It is written last and taken away first,
so an interrupted installation is never mistaken for a finished one.
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
from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from bootstrap.steps import Steps

STAMP = "figbox-stamp.json"


@dataclass(frozen=True, slots=True)
class VirtualEnvironment:
    """Where the environment is and what it is filled from."""

    folder: Path
    locks: Path
    """Folder with `gateway.txt` and its superset `dev.txt`, both with a hash for every file."""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """The file that says what a finished installation was made from."""
        return self.folder / STAMP

    def ensure(self, steps: Steps, *, dev: bool = False) -> None:
        """Make the environment or bring it up to its lock; do nothing if it is there.

        Args:
            steps: Where to say it.
            dev: Also what tests and checks need.

        Raises:
            SetupError: This Python can't make one, or pip failed.
        """
        name = "dev.txt" if dev else "gateway.txt"
        wanted = {"python": _host_version(), name: _sha256(self.locks / name)}
        present = self._read_stamp()
        if self.python.exists() and wanted.items() <= present.items():
            steps.say("virtual environment", f"unchanged ({name}, Python {platform.python_version()})")
            return
        # dev.txt on top of an unchanged gateway.txt only adds; after other changes old packages would stay.
        gateway = {"python": _host_version(), "gateway.txt": _sha256(self.locks / "gateway.txt")}
        grows = dev and "dev.txt" not in present and gateway.items() <= present.items() and self.python.exists()
        self.stamp.unlink(missing_ok=True)
        if not grows:
            self._create(steps)
        steps.say("virtual environment", f"installing {name}, every file checked against its hash")
        command: list[str | Path] = [
            self.python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
        ]
        command += ["--require-hashes", "--only-binary=:all:", "-r", self.locks / name]
        run(command, remedy=f"Check that pip reaches its package index from here, and start again ({name}).")
        done = {**gateway, **wanted}  # what dev.txt installs satisfies gateway.txt too
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
                f"This Python ({_host_python()}) can't make virtual environments, for it lacks ensurepip: "
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
    """Give the interpreter behind us, even if we run inside the environment that is to be made."""
    if sys.prefix == sys.base_prefix:
        return Path(sys.executable)
    return Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")


def _host_version() -> str:
    return f"{platform.python_version()} {platform.machine()} {sys.base_prefix}"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise SetupError(f"{path} can't be read ({exc.strerror}); restore it with `git checkout`.") from exc
