"""What a suite imports besides the image's packages: resolved and fetched on the host, for the image's Python.

pip resolves with the image's versions as constraints, so the renderer stays the one that is pinned; what can't be had
with these is an error of pip's. Only what the image lacks is then installed, every file checked against the hash that
pip was told. The result is kept by what was asked for, so the next run needs no network.

A folder is the project itself, or another: a wheel is built of it, for its metadata and its dependencies.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.images import wheels
from bootstrap.steps import PIP_INSTALL, SetupError, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootstrap.steps import Steps

#: In a project's folder, and yet without its modules: -P.
PIP = (sys.executable, "-P", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")

#: Files of a folder that say what it depends on and how it is built.
OF_A_FOLDER = ("pyproject.toml", "setup.cfg", "setup.py")

#: Raise it when this module makes something else of the same wishes.
VERSION = 1

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_NESTED = re.compile(r"^(?:-r|-c|--requirement|--constraint)[ =]*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cache:
    """Where packages of suites are kept.

    Attributes:
        folder: Holds a folder for each wish.
        locks: Of the packages that the image has.
        architecture: The engine's: x86_64 or aarch64.
    """

    folder: Path
    locks: Sequence[Path]
    architecture: str

    def ensure(self, steps: Steps, wanted: Sequence[str], folder: Path) -> Path | None:
        """Return a folder with packages; fetch them if they aren't here. None if none are wanted.

        Args:
            steps: Where to report.
            wanted: Requirements as pip takes them, and files of requirements.
            folder: What relative paths in them are relative to.

        Raises:
            SetupError: pip failed.
        """
        if not wanted:
            return None
        pins = dict(_PINNED.findall("\n".join(lock.read_text("utf-8") for lock in self.locks)))
        site = self._site(wanted, folder, pins)
        if site.is_dir():
            return site
        steps.say("packages", f"fetching {', '.join(wanted)} for the image's Python {wheels.PYTHON_VERSION}")
        self.folder.mkdir(parents=True, exist_ok=True)
        for unfinished in self.folder.glob(f"{wheels.UNFINISHED}*"):  # left by a run that was killed
            shutil.rmtree(unfinished)
        with tempfile.TemporaryDirectory(prefix=wheels.UNFINISHED, dir=self.folder) as name:
            target = Path(name, "site")
            target.mkdir()
            platform = wheels.of_the_image(self.architecture)
            found = _resolved(wanted, folder, platform, pins, Path(name))
            _install([entry for entry in found if _key(entry) not in map(_normal, pins)], target, platform)
            target.rename(site)
        return site

    def _site(self, wanted: Sequence[str], folder: Path, pins: dict[str, str]) -> Path:
        said = [
            VERSION,
            wheels.PYTHON_VERSION,
            self.architecture,
            sorted(pins.items()),
            list(_contents(wanted, folder)),
        ]
        return self.folder / f"site-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]}"


def _contents(wanted: Sequence[str], folder: Path) -> Iterator[str]:
    """Yield all that decides what comes of wishes: the texts, and what is in files and folders that they name."""
    for text in wanted:
        yield text
        path = folder / text.partition("[")[0]
        if path.is_file():
            content = path.read_text("utf-8")
            yield content
            yield from _contents(_NESTED.findall(content), path.parent)
        elif path.is_dir():
            yield from ((path / name).read_text("utf-8") for name in OF_A_FOLDER if (path / name).is_file())


def _resolved(
    wanted: Sequence[str], folder: Path, platform: Sequence[str], pins: dict[str, str], scratch: Path
) -> list[dict[str, Any]]:
    """Return what pip would install, as its report has it."""
    constraints, report = scratch / "constraints.txt", scratch / "report.json"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), "utf-8")
    command: list[str | Path] = [*PIP, "--dry-run", "--ignore-installed", "--report", report, "-c", constraints]
    command += ["--only-binary=:all:", "--target", scratch / "site", *platform]
    for text in wanted:
        command += ["-r", folder / text] if (folder / text).is_file() else [text]
    remedy = (
        "The suite's packages can't be had as wheels beside the versions that the image has; what has no wheel for "
        "it, or wants another Matplotlib, can't be used."
    )
    run(command, remedy=remedy, folder=folder)
    found: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))["install"]
    return found


def _install(found: Sequence[dict[str, Any]], target: Path, platform: Sequence[str]) -> None:
    fetched, built = [], []
    for entry in found:
        info = entry["download_info"]
        digest = info.get("archive_info", {}).get("hashes", {}).get("sha256")
        if digest is not None:
            name, version = entry["metadata"]["name"], entry["metadata"]["version"]
            fetched.append(f"{name}=={version} --hash=sha256:{digest}\n")
        elif "dir_info" in info:
            built.append(info["url"])
        else:
            raise SetupError(f"{info['url']} has no digest: name a released version, or a folder.")
    options: list[str | Path] = ["--no-deps", "--no-compile", "--target", target, *platform]
    if fetched:
        requirements = target.parent / "requirements.txt"
        requirements.write_text("".join(fetched), "utf-8")
        run([sys.executable, *PIP_INSTALL, *options, "-r", requirements], remedy="Start again.")
    for url in built:
        run([*PIP, "--upgrade", *options, url], remedy="It can't be built.")


def _key(entry: dict[str, Any]) -> str:
    return _normal(entry["metadata"]["name"])


def _normal(name: str) -> str:
    """Return a package's name in one spelling. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
