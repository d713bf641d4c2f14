"""Engines of other Debian releases, with all that they are linked with, as trees below this checkout.

A tree is only unpacked: no maintainer script runs in it, and an engine that has it as its root writes nothing into it.
So one is made once, and every engine of a release shares it. Packages come from the host's own mirror and are verified
by Debian's keys.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from bootstrap import debian
from bootstrap.steps import SetupError, Steps, run
from tests.support.runtimes import TOOLS, needed

#: The programs that make a tree an engine's root.
COMMON = ("base-files", "coreutils", "iproute2", "iptables", "libc-bin", "mount", "procps")

#: Each engine with its command line, and what it starts.
PACKAGES = {
    "docker": ("docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd", "runc"),
    "podman": ("podman", "conmon", "crun", "netavark", "golang-github-containers-common"),
}

#: Where the host's file systems and the old root are mounted; not all are in a package.
FOLDERS = ("dev", "mnt", "opt", "proc", "run", "sys", "tmp")

#: Releases that have no other suites than their own.
UNRELEASED = frozenset({"forky", "sid"})


def tree(release: str, engine: str = "docker") -> Path:
    """Return the tree of a release with an engine, making it if it isn't there.

    Fails the test in CI, and else skips it, where none can be made.
    """
    target = TOOLS / f"{engine}-{release}"
    if not target.is_dir():
        TOOLS.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{engine}-{release}-", dir=TOOLS))
        try:
            _unpack(release, (*COMMON, *PACKAGES[engine]), folder)
            folder.rename(target)
        except SetupError as error:
            needed(f"{engine} of Debian {release} can't be had: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return target


def command_line(tree: Path, folder: Path) -> dict[str, str]:
    """Make a folder by which a tree's Docker CLI and its plugins are found; return the variables that say so."""
    (folder / "cli-plugins").mkdir(parents=True)
    for program in (tree / "usr/libexec/docker/cli-plugins").iterdir():
        (folder / "cli-plugins" / program.name).symlink_to(program)
    (folder / "docker").symlink_to(tree / "usr/bin/docker")
    return {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def _unpack(release: str, names: tuple[str, ...], folder: Path) -> None:
    steps = Steps(output=sys.stderr)
    if shutil.which("mmdebstrap") is None:
        if not debian.is_root_debian():
            raise SetupError("mmdebstrap isn't installed.")
        debian.apt_install(steps, ["mmdebstrap"], why="unpacks another release's engine")
    sources = [
        source.line(debian.KEYRING)
        for source in debian.sources_for(release)
        if release not in UNRELEASED or source.suite == release
    ]
    if not sources:
        raise SetupError("This host's apt sources don't name a Debian mirror.")
    steps.say("packages", f"unpacking {' '.join(names)} of Debian {release}, and what they need")
    folder.chmod(0o755)
    for name in FOLDERS:
        (folder / name).mkdir()
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=extract",
        "--skip=check/empty",
        f"--include={','.join(names)}",
        '--extract-hook=/sbin/ldconfig -r "$1"',
        *(f"--aptopt={option}" for option in debian.apt_transport_options()),
        release,
        folder,
        *sources,
    ]
    run(command, remedy="Check that this host's Debian mirror can be reached, and start again.")
