"""What guest code may import: wheels for the base image's Python and the engine's processor.

Wheels are fetched on the host, and the image is built without network. That works behind private mirrors and
certificates, where pip inside a build fails, and only what the hash-locked list names can get into the image.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.steps import PIP_INSTALL, SetupError, run

if TYPE_CHECKING:
    from bootstrap.steps import Steps

PYTHON_VERSION = "3.13"

#: Debian trixie, which both base images are made of, has glibc 2.41; wheels for a newer one don't run there.
GLIBC_MINOR = 41

OLDEST_GLIBC_MINOR = {"x86_64": 5, "aarch64": 17}

#: Source: PEP 600 for `manylinux_2_X`, and the older names of 2_17, 2_12 and 2_5.
LEGACY_TAGS = {
    "x86_64": ("manylinux2014", "manylinux2010", "manylinux1"),
    "aarch64": ("manylinux2014",),
}

UNFINISHED = "unfinished-"

#: Raise it when this module makes something else of the same lock.
VERSION = 1


def platform_tags(architecture: str) -> list[str]:
    """Return every wheel platform that the base image supports; pip doesn't derive the older ones from the newest."""
    minors = range(GLIBC_MINOR, OLDEST_GLIBC_MINOR[architecture] - 1, -1)
    tags = [f"manylinux_2_{minor}" for minor in minors] + list(LEGACY_TAGS[architecture])
    return [f"{tag}_{architecture}" for tag in tags]


def of_the_image(architecture: str) -> list[str]:
    """Return pip's options for wheels that fit the base image's Python and the engine's processor."""
    words = ["--python-version", PYTHON_VERSION, "--implementation", "cp", "--abi", "cp313", "--abi", "abi3"]
    words += ["--abi", "none"]
    return words + [word for tag in platform_tags(architecture) for word in ("--platform", tag)]


def ensure(steps: Steps, lock: Path, architecture: str, cache: Path, *, present: Path | None = None) -> Path:
    """Return a folder with the installed wheels of a lock; fetch them if the cache doesn't have it.

    Args:
        steps: Where to report.
        lock: Requirements with a hash for every file.
        architecture: The engine's: x86_64 or aarch64.
        cache: Folder for the result; results of other locks in it are removed.
        present: Lock of packages to leave out, because they are installed already.

    Raises:
        SetupError: pip failed, or the locks contradict each other.
    """
    wanted = lock.read_text("utf-8")
    if present is not None:
        wanted = without(wanted, present.read_text("utf-8"), lock.name)
    recipe = f"{VERSION} {PYTHON_VERSION} {architecture} {wanted}".encode()
    site = cache / f"site-{hashlib.sha256(recipe).hexdigest()[:16]}"
    if site.is_dir():
        return site
    steps.say("packages", f"fetching wheels for Python {PYTHON_VERSION} on {architecture}, checked by hash")
    cache.mkdir(parents=True, exist_ok=True)
    for unfinished in cache.glob(f"{UNFINISHED}*"):  # left by a set-up that was killed
        shutil.rmtree(unfinished)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=cache) as folder:
        target = Path(folder, "site")
        target.mkdir()
        requirements = Path(folder, lock.name)
        requirements.write_text(wanted, "utf-8")
        command: list[str | Path] = [sys.executable, *PIP_INSTALL, "--target", target, "--no-deps"]
        command += ["--no-compile", *of_the_image(architecture)]
        remedy = f"Check that pip can reach its package index, and start again ({lock.name})."
        run([*command, "-r", requirements], remedy=remedy)
        trim(target)
        for old in cache.glob("site-*"):
            shutil.rmtree(old)
        target.rename(site)
    return site


def without(lock: str, present: str, name: str) -> str:
    """Return a lock without the packages of another one.

    Raises:
        SetupError: Both have a package, in different versions.
    """
    there, wanted = _entries(present), _entries(lock)
    for package in wanted.keys() & there.keys():
        version, other = (text.split("==", 1)[1].split()[0] for text in (wanted[package], there[package]))
        if version != other:
            raise SetupError(f"{name} has {package} {version}, the runner image {other}: run `make lock`.")
    return "".join(text for package, text in wanted.items() if package not in there)


def _entries(lock: str) -> dict[str, str]:
    """Return the lines of each package in a lock, by the package's name."""
    found: dict[str, str] = {}
    package = ""
    for line in lock.splitlines(keepends=True):
        if line[0].isalnum():
            package = line.partition("==")[0].strip()
        if package and not line.lstrip().startswith("#"):
            found[package] = found.get(package, "") + line
    return found


def trim(site: Path) -> None:
    """Remove what plots don't need: the packages' tests (45 MB) and programs, which name this host's Python."""
    shutil.rmtree(site / "bin", ignore_errors=True)
    for folder, folders, _ in os.walk(site):
        if "tests" in folders:
            shutil.rmtree(Path(folder, "tests"))
            folders.remove("tests")
    for record in site.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        kept = [line for line in lines if "/tests/" not in line and not line.startswith("../")]
        record.write_text("".join(kept))
