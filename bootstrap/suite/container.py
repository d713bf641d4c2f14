"""The command that runs a suite in a container.

Source: Docker CLI reference, `docker run`; Docker Engine API, `GET /info` (`SecurityOptions`).
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import engine
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Variables that pytest and its terminal look at.
PASSED = (
    *("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "LINES"),
    *("CI", "BUILD_NUMBER", "GITHUB_ACTIONS", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_THEME"),
)

#: Home and caches, a tmpfs; and where the packages of `--with` are.
HOME = "/run/figbox"
PACKAGES = "/opt/figbox/suite"

#: Processes and threads; a suite on many cores needs some hundred.
PIDS_LIMIT = 4096

LABEL = "figbox.suite"

#: What root can do with files that belong to others.
AS_ROOT = "--cap-add=DAC_OVERRIDE"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a suite is to be run.

    Attributes:
        image: The image's name.
        folder: The working directory.
        mounts: Folders that the suite sees and can write, at their own paths; the project first.
        packages: A folder with packages besides those of the image; None without.
        variables: `NAME=VALUE`, or `NAME` for this process's value.
        network: Whether it has one.
        memory_mib: Its limit of memory in MiB.
    """

    image: str
    folder: Path
    mounts: Sequence[Path]
    packages: Path | None
    variables: Sequence[str]
    network: bool
    memory_mib: int


def who(socket: Path) -> list[str]:
    """Return the options by which the suite runs as the user who calls, so that files have the right owner.

    In an engine without root, the container's root is that user. Root may read and write what belongs to others, as it
    may outside.

    Raises:
        SetupError: The engine doesn't respond.
    """
    try:
        said = engine.ask(socket, "/info").get("SecurityOptions") or []
    except engine.EngineSilentError as error:
        raise SetupError(f"The engine doesn't say how it runs containers: {error}.") from error
    kinds = {option.partition(",")[0] for option in said}
    if "name=rootless" in kinds:
        return ["--user=0:0", AS_ROOT]
    user = [f"--user={os.getuid()}:{os.getgid()}", *([AS_ROOT] if os.getuid() == 0 else [])]
    return [*user, "--userns=host"] if "name=userns" in kinds else user


def command(wanted: Wanted, user: Sequence[str]) -> list[str]:
    """Return the command, to which pytest's arguments are to be added.

    Raises:
        SetupError: Docker's command line isn't installed.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise SetupError("The command `docker` isn't here: install Docker's command line (docker-cli), and try again.")
    words = [docker, "run", "--rm", "--pull=never", f"--label={LABEL}", "--log-driver=none"]
    words += ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--security-opt=label=disable"]
    words += [f"--network={'bridge' if wanted.network else 'none'}", f"--pids-limit={PIDS_LIMIT}"]
    words += [f"--memory={wanted.memory_mib}m", f"--memory-swap={wanted.memory_mib}m", "--shm-size=256m", *user]
    words += [f"--tmpfs={folder}:rw,exec,nosuid,nodev,mode=1777" for folder in _tmpfs(wanted)]
    words += [_mount(path, str(path)) for path in wanted.mounts]
    words += [_mount(wanted.packages, PACKAGES, ",readonly")] if wanted.packages is not None else []
    words += [f"--workdir={wanted.folder.resolve()}", *_terminal(), *_variables(wanted), wanted.image, "pytest"]
    return words


def _tmpfs(wanted: Wanted) -> list[str]:
    """Return the folders that are in memory; a folder of the host can be in place of /tmp."""
    return [folder for folder in (HOME, "/tmp") if Path(folder) not in wanted.mounts]  # noqa: S108 - the container's


def _mount(source: Path, target: str, options: str = "") -> str:
    """Return an option that mounts a folder, whose name may have a comma."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["type=bind", f"source={source}", f"target={target}"])
    return f"--mount={text.getvalue()}{options}"


def _terminal() -> list[str]:
    """Return the options by which the suite has a terminal where we have one."""
    if not sys.__stdout__ or not sys.__stdout__.isatty():
        return []
    return ["--tty", "--interactive"] if sys.stdin is not None and sys.stdin.isatty() else ["--tty"]


def _variables(wanted: Wanted) -> list[str]:
    """Return the suite's environment, besides what the image sets."""
    project, *_, temporary = wanted.mounts
    source = project / "src"
    paths = [source] if source.is_dir() and not (source / "__init__.py").exists() else []
    paths += [project, *([Path(PACKAGES)] if wanted.packages is not None else [])]
    found = [name for name in PASSED if name in os.environ]
    found += [f"TMPDIR={temporary}", f"FIGBOX_SUITE_PATH={os.pathsep.join(map(str, paths))}", *wanted.variables]
    return [f"--env={text}" for text in found]
