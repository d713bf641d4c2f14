"""A container engine for a host without one: as root on Debian, it is installed from packages and started.

An engine that is running already is never restarted or changed. Where systemd runs, it starts the engine; elsewhere
dockerd is started directly, in a session of its own, so that it outlives the set-up and Ctrl-C doesn't reach it.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import debian, engine
from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from bootstrap.steps import Steps

START_DEADLINE_S = 60.0
POLL_S = 0.1
LOG = Path("/var/log/figbox-dockerd.log")
RUN_FOLDER = Path("/var/run")

#: Exists only where systemd is the init system. Source: sd_booted(3).
SYSTEMD = Path("/run/systemd/system")

LOG_TAIL_LINES = 6

#: Variable in the environment of a dockerd that the set-up started, by which it recognises its own.
MARK = "FIGBOX_STARTED_THIS_ENGINE"

#: The kernel's `struct ucred`: process, user and group id.
_CREDENTIALS = struct.Struct("3i")

#: For kernels without what dockerd's bridge or firewall needs: Figbox's containers don't have a network anyway.
NO_BRIDGE = ("--bridge=none", "--iptables=false", "--ip-forward=false")


@dataclass(frozen=True, slots=True)
class Daemon:
    """A dockerd to be started: where it listens, keeps its process ids and writes its log, and its arguments."""

    socket: Path = engine.DEFAULT_SOCKET
    run_folder: Path = RUN_FOLDER
    log: Path = LOG
    arguments: tuple[str, ...] = ()

    @property
    def process_files(self) -> dict[Path, str]:
        """The files with a process id that keep a new daemon from starting, and the program of each."""
        return {
            self.run_folder / "docker.pid": "dockerd",
            self.run_folder / "docker-ssd.pid": "dockerd",  # by Debian's init script
            self.run_folder / "docker" / "containerd" / "containerd.pid": "containerd",
        }


def ensure(steps: Steps, *, may_start: bool = True) -> engine.Address:
    """Return the engine that is meant; if none answers, install and start one, as root on Debian.

    Args:
        steps: Where to report.
        may_start: Whether one may be installed and started.

    Raises:
        SetupError: An engine neither answers nor can be started; says what to do.
    """
    address = engine.meant()
    try:
        engine.ping(address.socket)
    except engine.EngineSilentError as error:
        startable = error.absent and address.socket == engine.DEFAULT_SOCKET and debian.is_root_debian()
        if not (may_start and startable):
            raise SetupError(remedy(address, str(error))) from error
    else:
        _refuse_podman(address.socket)
        steps.say("engine", f"responds at {address.socket}; left as it is")
        return address
    if shutil.which("dockerd", path=administrators_path()) is None:
        debian.apt_install(steps, ["docker.io"], why="the container engine")
    if SYSTEMD.is_dir():
        steps.say("engine", "starting through systemd")
        run(["systemctl", "start", "docker"], remedy="See `journalctl -u docker`, and start again.")
        _wait(address.socket, None, LOG)
    else:
        start(steps, Daemon())
    steps.say("engine", f"responds at {address.socket}")
    return address


def _refuse_podman(path: Path) -> None:
    try:
        version = engine.ask(path, "/version")
    except engine.EngineSilentError:
        return  # it responds to a ping: whatever it is, later steps meet it
    if engine.is_podman(version):
        raise SetupError(f"Figbox can't work here: {engine.PODMAN}.")


def remedy(address: engine.Address, reason: str) -> str:
    """Return a sentence about what to do where an engine doesn't respond and we can't start one."""
    where = f"No container engine responds at {address.socket} ({reason})"
    if address.named_by:
        return f"{where}, as {address.named_by} says: start that engine, or unset it to use the default."
    if sys.platform == "darwin":
        return f"{where}: start Docker Desktop (or another Docker-compatible engine) and try again."
    if "may not open" in reason:
        return f"{where}: add yourself to its group (`sudo usermod -aG docker $USER`, then log in again)."
    return (
        f"{where}: start it (`sudo systemctl start docker`), or install Docker Engine first; "
        f"as root on Debian, `make engine` does both."
    )


def start(steps: Steps, daemon: Daemon, deadline_s: float = START_DEADLINE_S) -> subprocess.Popen[bytes] | None:
    """Start dockerd, detached, and wait until it answers; only wait if one is starting already.

    Returns:
        The process, for a caller that wants to end it; None if one was running or starting.

    Raises:
        SetupError: It ended or didn't answer; quotes its last lines.
    """
    if engine.answers(daemon.socket):
        return None
    if any(_program(path) == program == "dockerd" for path, program in daemon.process_files.items()):
        steps.say("engine", "one is starting already; waiting for it")
        _wait(daemon.socket, None, daemon.log, deadline_s)
        return None
    for path in stale(daemon):
        steps.say("engine", f"removing {path}, left behind by an engine that ended")
        path.unlink(missing_ok=True)
    process = _spawn(steps, daemon, daemon.arguments)
    if not _wait(daemon.socket, process, daemon.log, deadline_s, bridge_may_fail=True):
        process = _spawn(steps, daemon, (*daemon.arguments, *NO_BRIDGE))
        _wait(daemon.socket, process, daemon.log, deadline_s)
    return process


def _spawn(steps: Steps, daemon: Daemon, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    steps.say("engine", f"starting dockerd {' '.join(arguments)}".rstrip() + f" (log: {daemon.log})")
    daemon.log.parent.mkdir(parents=True, exist_ok=True)
    with daemon.log.open("wb") as log:
        return subprocess.Popen(
            ["dockerd", f"--host=unix://{daemon.socket}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PATH": administrators_path(), MARK: "yes"},
            cwd="/",
            start_new_session=True,
        )


def _wait(
    path: Path,
    process: subprocess.Popen[bytes] | None,
    log: Path,
    deadline_s: float = START_DEADLINE_S,
    *,
    bridge_may_fail: bool = False,
) -> bool:
    """Wait until an engine responds; return False if it ended for lack of a bridge and may be started without one."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if engine.answers(path):
            return True
        if process is not None and process.poll() is not None:
            last = _last_lines(log)
            if bridge_may_fail and any(word in last for word in ("iptables", "bridge", "network controller")):
                return False
            raise SetupError(f"{last}\ndockerd ended at once; fix what it reports in {log}, and start again.")
        time.sleep(POLL_S)
    raise SetupError(
        f"{_last_lines(log)}\nThe engine doesn't respond at {path} after {deadline_s:g} s; see its log and start again."
    )


def _last_lines(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
    except OSError:
        return ""


def stale(daemon: Daemon) -> list[Path]:
    """Return the process-id files whose process has ended or is another program by now.

    dockerd 20.10 refuses to start if the id in its file exists, whatever program has it, as is common after a reboot
    or in a container. Newer ones check the program themselves.
    """
    return [path for path, program in daemon.process_files.items() if path.exists() and _program(path) != program]


def own(path: Path) -> int | None:
    """Return the process id of the engine behind a socket if the set-up started it itself, else None.

    The kernel says which process listens and what environment it was started with; neither can be left behind by an
    engine that ended. Needs root, as starting it did. Source: unix(7), SO_PEERCRED; proc(5).
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(engine.TIMEOUT_S)
            connection.connect(str(path))
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        process_id = int(_CREDENTIALS.unpack(credentials)[0])
        program = _program_of(process_id)
        environment = Path(f"/proc/{process_id}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return process_id if program == "dockerd" and f"{MARK}=yes".encode() in environment else None


def _program(process_file: Path) -> str:
    """Return the name of the program that has the process id in a file, or an empty string."""
    try:
        return _program_of(int(process_file.read_text().strip()))
    except (OSError, ValueError):
        return ""


def _program_of(process_id: int) -> str:
    # Not by its name, which a process can choose.
    return Path(f"/proc/{process_id}/exe").readlink().name.removesuffix(" (deleted)")


def administrators_path() -> str:
    """Return PATH with the folders of administrators' programs, which su and cron leave out of it."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
