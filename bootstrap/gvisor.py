"""gVisor for an engine that the set-up started: `runsc` is installed, tried, and registered with the running engine.

gVisor puts a kernel in user space between guest code and the host's kernel. How it intercepts system calls, its
*platform*, depends on the host: the faster platform doesn't work everywhere, and a virtual machine may offer a third,
kvm, and then hang. So a platform is only used after a program ran under it here, and kvm is never tried.

Any other engine isn't touched; a sentence tells its owner what to do.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import debian, dockerd, engine, packages
from bootstrap.steps import SetupError, version

if TYPE_CHECKING:
    from bootstrap.steps import Steps

#: The engine's name for the runtime, for `FIGBOX_RUNTIME`.
NAME = "runsc"

#: The Debian release whose gVisor is used on older ones: theirs only has ptrace and has trouble with newer kernels.
RELEASE = "trixie"

OLDER_RELEASES = frozenset({"bullseye", "bookworm"})

#: Where gVisor's own instructions put it; Debian's packages don't use that folder.
INSTALLED = Path("/usr/local/bin/runsc")

#: Those that don't need hardware support, the faster first.
PLATFORMS = ("systrap", "ptrace")

#: Figbox's containers don't have a network, and an old runsc can't read the host's on a new kernel.
FIXED_ARGUMENTS = ("--network=none",)

#: What must run under a platform: threads that use memory, and many system calls.
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

TRIAL_ANSWER = "held 2048 2048 2048 2048"
TRIAL_LIMIT_S = 20.0
REGISTER_LIMIT_S = 10.0
POLL_S = 0.05
DEFAULT_CONFIGURATION = Path("/etc/docker/daemon.json")


def ensure(steps: Steps) -> None:
    """Register gVisor with the engine that is meant, if the set-up started that; install it first if need be.

    Raises:
        SetupError: The engine doesn't respond or isn't the set-up's, or gVisor can't be installed or doesn't run here.
    """
    address = engine.meant()
    try:
        known = registered(address.socket)
    except engine.EngineSilentError as error:
        raise SetupError(f"No engine responds at {address.socket} ({error}): run `make engine` first.") from error
    if known is not None:
        steps.say("gVisor", f"registered already: {' '.join(command_of(known))}; left as it is")
        return
    program = find_or_install(steps)
    entry = {"path": str(program), "runtimeArgs": [*choose(steps, program), *FIXED_ARGUMENTS]}
    process_id = dockerd.own(address.socket)
    if process_id is None:
        raise SetupError(instructions(address.socket, entry))
    register(steps, address.socket, process_id, entry)
    steps.say("gVisor", f"ready: set FIGBOX_RUNTIME={NAME}")


def registered(path: Path) -> dict[str, Any] | None:
    """Return the engine's entry of the runtime, or None; raise EngineSilentError if it doesn't respond."""
    entry: dict[str, Any] | None = (engine.ask(path, "/info").get("Runtimes") or {}).get(NAME)
    return entry


def command_of(entry: dict[str, Any]) -> list[str]:
    """Return a registered runtime's command line."""
    return [str(entry.get("path", "")), *(str(word) for word in entry.get("runtimeArgs") or [])]


def instructions(path: Path, entry: dict[str, Any]) -> str:
    """Return a sentence about how the owner of an engine can register the runtime."""
    line = json.dumps({"runtimes": {NAME: entry}})
    return (
        f"The engine at {path} wasn't started by this set-up, so it is left alone: to register gVisor, put {line} into "
        f"its daemon.json and reload it (`systemctl reload docker`, or SIGHUP to dockerd; a restart isn't needed)."
    )


# Installing


def find_or_install(steps: Steps) -> Path:
    """Return the program; if it is missing, install it, as root on Debian.

    Raises:
        SetupError: It is missing and can't be installed here.
    """
    found = shutil.which(NAME, path=dockerd.administrators_path())
    if found is not None:
        steps.say("gVisor", f"found {found} ({version(found)})")
        return Path(found)
    if not debian.is_root_debian():
        raise SetupError(
            "gVisor isn't installed, and the set-up can only install it as root on Debian: install runsc by "
            "gVisor's own instructions and start again."
        )
    return install(steps)


def install(steps: Steps, target: Path = INSTALLED) -> Path:
    """Install the newest runsc that Debian has for this host; return its path.

    On an older Debian this is the program of a newer release, which doesn't need libraries, or else its own package.
    """
    if platform.freedesktop_os_release().get("VERSION_CODENAME") in OLDER_RELEASES:
        try:
            with tempfile.TemporaryDirectory(prefix="figbox-runsc-") as folder:
                packages.unpack(steps, RELEASE, [NAME], Path(folder))
                _write(target, Path(folder, "usr/bin", NAME).read_bytes(), 0o755)
        except SetupError as error:
            last = str(error).splitlines()[-1]
            steps.say("gVisor", f"Debian {RELEASE}'s can't be fetched ({last}); taking this release's")
        else:
            steps.say("gVisor", f"{target} installed ({version(str(target))})")
            return target
    debian.apt_install(steps, [NAME], why="gVisor")
    found = shutil.which(NAME, path=dockerd.administrators_path())
    if found is None:
        raise SetupError("The package runsc lacks the program runsc; install gVisor by its own instructions.")
    return Path(found)


def _write(target: Path, content: bytes, mode: int) -> None:
    """Write a file in one step, so that half of it can never be read or run."""
    unfinished = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.chmod(mode)
        unfinished.replace(target)
    except OSError as error:
        raise SetupError(f"{target} can't be written ({error.strerror}).") from error
    finally:
        unfinished.unlink(missing_ok=True)


# Choosing the platform


def choose(steps: Steps, program: Path) -> list[str]:
    """Return runsc's argument for the first of `PLATFORMS` under which a program ran here.

    Raises:
        SetupError: None of them works.
    """
    working = []
    for name in PLATFORMS:
        began = time.monotonic()
        failure = trial(program, name)
        steps.say("gVisor", f"platform {name}: {failure or 'works'} ({time.monotonic() - began:.2f} s)")
        working += [] if failure else [f"--platform={name}"]
    if working:
        return working[:1]
    raise SetupError("gVisor doesn't work on this host, neither with systrap nor with ptrace; use another runtime.")


def trial(runsc: Path, name: str, limit_s: float = TRIAL_LIMIT_S) -> str:
    """Run a program under a platform, in a sandbox over this host's files, read-only and without network.

    Returns:
        Why it didn't run, in a form that fits into a sentence; empty if it did.
    """
    command: list[str | Path] = [runsc, f"--platform={name}", *FIXED_ARGUMENTS, "--ignore-cgroups"]
    with tempfile.TemporaryDirectory(prefix="figbox-runsc-") as state:
        # `-I` and `-S`: the host's plain Python, whatever this process's environment says.
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
                os.killpg(process.pid, signal.SIGKILL)  # with its sandbox, which is in its session
            process.communicate()
            return f"no answer within {limit_s:g} s"
    if process.returncode == 0 and output.strip() == TRIAL_ANSWER:
        return ""
    last = (errors.strip().splitlines() or output.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
    return f"doesn't work here ({last[:160]})"


# Registering


def register(steps: Steps, path: Path, process_id: int, entry: dict[str, Any]) -> None:
    """Add the runtime to the configuration of the engine behind a socket, and make the engine read that again.

    Raises:
        SetupError: The configuration can't be read or written, or the engine doesn't accept it.
    """
    configuration = configuration_of(process_id)
    merge(configuration, entry)
    os.kill(process_id, signal.SIGHUP)
    deadline = time.monotonic() + REGISTER_LIMIT_S
    while registered(path) is None:
        if time.monotonic() > deadline:
            raise SetupError(f"The engine doesn't accept {configuration}; see its log.")
        time.sleep(POLL_S)
    steps.say("gVisor", f"registered in {configuration} as {' '.join(command_of(entry))}; the engine has read it again")


def configuration_of(process_id: int) -> Path:
    """Return the configuration file of a running dockerd: the one on its command line, or the default."""
    words = Path(f"/proc/{process_id}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--config-file":
            return Path(following)
        if word.startswith("--config-file="):
            return Path(word.partition("=")[2])
    return DEFAULT_CONFIGURATION


def merge(configuration: Path, entry: dict[str, Any]) -> None:
    """Add the runtime to a daemon.json, or make one, in one step; an existing file keeps its mode.

    Raises:
        SetupError: The file isn't a configuration, or can't be written.
    """
    try:
        content = json.loads(configuration.read_text()) if configuration.exists() else {}
        content.setdefault("runtimes", {})[NAME] = entry
    except (ValueError, AttributeError, TypeError) as error:
        raise SetupError(f"{configuration} isn't a dockerd configuration; fix it and start again.") from error
    except OSError as error:
        raise SetupError(f"{configuration} can't be read ({error.strerror}).") from error
    mode = configuration.stat().st_mode & 0o777 if configuration.exists() else 0o644
    _write(configuration, (json.dumps(content, indent=4) + "\n").encode(), mode)
