"""Puts the packages of a lock into site/ while an image is built, unless they are there already; for both images.

The set-up fetches them on the host and sends them along, so its builds need no network. Where an image is built without
it (`docker compose build`), pip fetches them here by the lock, and checks every file against its hash; that takes a
base with pip in it and a network that reaches a package index.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SITE = Path(__file__).resolve().parents[1] / "site"


def install(site: Path, lock: Path) -> None:
    """Fill `site`, and remove the lock that came with it."""
    if not any(site.glob("*.dist-info")):
        print(f"no packages beside {lock.name}: fetching them, checked by hash", flush=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "--no-cache-dir"]
        command += ["--root-user-action=ignore", "--target", str(site), "--requirement", str(lock)]
        if subprocess.run(command, check=False).returncode != 0:
            raise SystemExit(
                "The packages could not be fetched: this base has no pip, or no package index is reached from a build. "
                "`make images` fetches them on the host instead."
            )
    lock.unlink()


if __name__ == "__main__":
    install(SITE, SITE / sys.argv[1])
