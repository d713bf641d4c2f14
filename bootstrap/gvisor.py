"""gVisor for an engine of ours: its program `runsc` installed, tried, and registered with the running engine.

gVisor puts a kernel in user space between guest code and the host's. How it catches the guest's system calls, its
*platform*, depends on the host: the faster one may not work there, and a virtual machine may promise the third
one, kvm, and then hang. So a platform is used because a program ran under it here, and kvm is never tried.

An engine that somebody else started isn't touched: it is said in one sentence what its owner would do.
Source: gVisor's user guide, "Docker" and "Platforms"; dockerd(8), configuration reload by SIGHUP.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import debian, dockerd, engine, packages
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from bootstrap.steps import Steps

NAME = "runsc"
"""What the engine calls the runtime; `FIGBOX_RUNTIME` takes it."""

RELEASE = "trixie"
"""The Debian release whose gVisor is taken on older ones: theirs knows ptrace only, and no kernel since 2023 well."""

OLDER_RELEASES = frozenset({"bullseye", "bookworm"})
INSTALLED = Path("/usr/local/bin/runsc")
"""Where gVisor's own instructions put it; nothing of Debian's lives there."""

PLATFORMS = ("systrap", "ptrace")
"""The ones that need no hardware, the faster first."""

FIXED_ARGUMENTS = ("--network=none",)
"""Figbox's containers have no network; so runsc needn't look at the host's, which old ones can't on new kernels."""

TRIAL = """\
import os, threading
words = []
def work(number):
    block = bytearray(8 << 20)
    block[::4096] = b"x" * 2048
    words.append(str(block.count(b"x")))
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
for _ in range(2000):
    os.stat("/")
print("held", *words)
"""
"""What must run under a platform: threads that touch memory, and many system calls."""

TRIAL_ANSWER = "held 2048 2048 2048 2048"
TRIAL_LIMIT_S = 20.0
REGISTER_LIMIT_S = 10.0
POLL_S = 0.05
DEFAULT_CONFIGURATION = Path("/etc/docker/daemon.json")


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of running a program under one platform."""

    platform: str
    seconds: float
    fault: str = ""
    """Empty if it held; else why not, in the middle of a sentence."""


def ensure(steps: Steps) -> None:
    """Register gVisor with the engine that is meant, if it is ours; install it first if need be.

    Raises:
        SetupError: No engine answers, gVisor can't be had or doesn't run here, or the engine is somebody else's.
    """
    address = engine.meant()
    try:
        known = registered(address.socket)
    except engine.EngineSilentError as exc:
        raise SetupError(f"No engine answers at {address.socket} ({exc}): run `make engine` first.") from exc
    if known is not None:
        steps.say("gVisor", f"registered already: {' '.join(command_of(known))}; left as it is")
        return
    program = find_or_install(steps)
    entry = {"path": str(program), "runtimeArgs": [*choose(steps, program), *FIXED_ARGUMENTS]}
    process_id = dockerd.own(address.socket)
    if process_id is None:
        raise SetupError(foreign(address.socket, entry))
    register(steps, address.socket, process_id, entry)
    steps.say("gVisor", f"ready: set FIGBOX_RUNTIME={NAME}")


def registered(path: Path) -> dict[str, Any] | None:
    """Give what the engine at a socket knows about the runtime; None if it doesn't know it.

    Raises:
        EngineSilentError: No answer.
    """
    runtimes = engine.ask(path, "/info").get("Runtimes") or {}
    found = runtimes.get(NAME)
    return dict(found) if found is not None else None


def command_of(entry: dict[str, Any]) -> list[str]:
    """Give a registered runtime's command line."""
    return [str(entry.get("path", "")), *(str(word) for word in entry.get("runtimeArgs") or [])]


def foreign(path: Path, entry: dict[str, Any]) -> str:
    """Say in one sentence what the owner of an engine would do."""
    line = json.dumps({"runtimes": {NAME: entry}})
    return (
        f"The engine at {path} wasn't started by this set-up, so it is left alone: to register gVisor, put "
        f"{line} into its daemon.json and reload it (`systemctl reload docker`, or SIGHUP to dockerd; no restart)."
    )


# Installing


def find_or_install(steps: Steps) -> Path:
    """Give the program; install it on root Debian if there is none.

    Raises:
        SetupError: There is none and it can't be had here.
    """
    found = shutil.which(NAME, path=dockerd.administrators_path())
    if found is not None:
        steps.say("gVisor", f"{found} is there ({version(Path(found))})")
        return Path(found)
    if not debian.is_root_debian():
        raise SetupError(
            "gVisor isn't installed, and only on Debian, as root, does this set-up know where from: install runsc by "
            "gVisor's own instructions and start again."
        )
    return install(steps)


def install(steps: Steps, target: Path = INSTALLED) -> Path:
    """Install the newest runsc that Debian has for this host; give where it is.

    On an older Debian that of a newer release, whose program needs no library, and only if that can't be had its own.
    """
    if platform.freedesktop_os_release().get("VERSION_CODENAME") in OLDER_RELEASES:
        try:
            with tempfile.TemporaryDirectory(prefix="figbox-runsc-") as folder:
                packages.unpack(steps, RELEASE, [NAME], Path(folder))
                _put(Path(folder, "usr/bin", NAME), target)
        except SetupError as exc:
            steps.say("gVisor", f"Debian {RELEASE}'s can't be had, taking this release's ({str(exc).splitlines()[-1]})")
        else:
            steps.say("gVisor", f"{target} installed ({version(target)})")
            return target
    debian.apt_install(steps, [NAME], why="gVisor")
    found = shutil.which(NAME, path=dockerd.administrators_path())
    if found is None:
        raise SetupError("The package runsc holds no program of that name; install gVisor by its own instructions.")
    return Path(found)


def _put(source: Path, target: Path) -> None:
    """Copy a program to its place in one step, so that nobody ever runs half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        shutil.copyfile(source, unfinished)
        unfinished.chmod(0o755)
        unfinished.replace(target)
    except OSError as exc:
        raise SetupError(f"{target} can't be written ({exc.strerror}).") from exc
    finally:
        unfinished.unlink(missing_ok=True)


def version(program: Path) -> str:
    """Give the version a runsc says it has; empty if it says none."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = done.stdout.split()
    return words[2] if words[:2] == ["runsc", "version"] else ""


# Choosing the platform


def choose(steps: Steps, program: Path) -> list[str]:
    """Give the platform's argument for runsc: the first of `PLATFORMS` under which a program really ran here.

    Raises:
        SetupError: None of them works.
    """
    trials = [trial(program, name) for name in PLATFORMS]
    for tried in trials:
        steps.say("gVisor", f"platform {tried.platform}: {tried.fault or 'works'} ({tried.seconds:.2f} s)")
    for tried in trials:
        if not tried.fault:
            return [f"--platform={tried.platform}"]
    raise SetupError("gVisor runs no program on this host, neither by systrap nor by ptrace; use another runtime.")


def trial(program: Path, name: str, limit_s: float = TRIAL_LIMIT_S) -> Trial:
    """Run a program under a platform, in a sandbox over this host's own files, read-only and without network.

    Args:
        program: runsc.
        name: The platform.
        limit_s: Seconds it may take; one that hangs is as good as none.
    """
    command: list[str | Path] = [program, f"--platform={name}", *FIXED_ARGUMENTS, "--ignore-cgroups"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="figbox-runsc-") as state:
        # `-E` and `-I`: the host's Python as it is, without whatever this process was told by its environment.
        command += [f"--root={state}", "do", Path(sys.executable).resolve(), "-I", "-S", "-c", TRIAL]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its sandbox is in its session, and would go on
            process.communicate()
            return Trial(name, time.monotonic() - began, f"no answer within {limit_s:g} s")
    seconds = time.monotonic() - began
    if process.returncode == 0 and output.strip() == TRIAL_ANSWER:
        return Trial(name, seconds)
    last = (errors.strip().splitlines() or output.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
    return Trial(name, seconds, f"doesn't work here ({last[:160]})")


# Registering


def register(steps: Steps, path: Path, process_id: int, entry: dict[str, Any]) -> None:
    """Write the runtime into the engine's configuration, which keeps all else, and have the engine read it again.

    Args:
        steps: Where to say it.
        path: The engine's socket.
        process_id: The engine's.
        entry: The runtime, as daemon.json takes it.

    Raises:
        SetupError: The configuration can't be read or written, or the engine doesn't take it.
    """
    configuration = configuration_of(process_id)
    merge(configuration, entry)
    os.kill(process_id, signal.SIGHUP)
    deadline = time.monotonic() + REGISTER_LIMIT_S
    while registered(path) is None:
        if time.monotonic() > deadline:
            raise SetupError(f"The engine doesn't take what {configuration} says; look into its log.")
        time.sleep(POLL_S)
    steps.say("gVisor", f"registered in {configuration} as {' '.join(command_of(entry))}; engine told to read it again")


def configuration_of(process_id: int) -> Path:
    """Give the configuration file of a running dockerd: the one its command line names, or the default."""
    words = Path(f"/proc/{process_id}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--config-file":
            return Path(following)
        if word.startswith("--config-file="):
            return Path(word.partition("=")[2])
    return DEFAULT_CONFIGURATION


def merge(configuration: Path, entry: dict[str, Any]) -> None:
    """Add the runtime to a daemon.json, or make one; in one step, with the mode it had.

    Raises:
        SetupError: What is there isn't a configuration, or can't be written.
    """
    try:
        content = json.loads(configuration.read_text()) if configuration.exists() else {}
        runtimes = content.setdefault("runtimes", {})
        runtimes[NAME] = entry
    except (ValueError, AttributeError, TypeError) as exc:
        raise SetupError(f"{configuration} isn't a dockerd configuration; repair it and start again.") from exc
    except OSError as exc:
        raise SetupError(f"{configuration} can't be read ({exc.strerror}).") from exc
    unfinished = configuration.with_name(f".{configuration.name}-{os.getpid()}")
    try:
        configuration.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(content, indent=4) + "\n")
        unfinished.chmod(configuration.stat().st_mode & 0o777 if configuration.exists() else 0o644)
        unfinished.replace(configuration)
    except OSError as exc:
        raise SetupError(f"{configuration} can't be written ({exc.strerror}).") from exc
    finally:
        unfinished.unlink(missing_ok=True)
