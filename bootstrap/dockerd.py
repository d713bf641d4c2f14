"""An engine where there is none: installed from Debian's packages and started, on root Debian only.

An engine is only ever started where none is; one that somebody else started is never restarted or changed.
Where systemd runs, it keeps the engine; elsewhere dockerd is started by hand in a session of its own, so that
it outlives the set-up and isn't reached by its Ctrl-C.
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
SYSTEMD = Path("/run/systemd/system")
"""Exists exactly where systemd is the init system. Source: sd_booted(3)."""

LOG_TAIL_LINES = 6
MARK = "FIGBOX_STARTED_THIS_ENGINE"
"""Variable in the environment of a dockerd that the set-up started by hand: how it knows its own again."""

_CREDENTIALS = struct.Struct("3i")
"""The kernel's `struct ucred`: process, user and group id."""

NO_BRIDGE = ("--bridge=none", "--iptables=false", "--ip-forward=false")
"""For kernels that can't give dockerd its bridge or firewall: Figbox's containers have no network anyway."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A dockerd to be started by hand: where it listens, keeps its process ids and writes its log."""

    socket: Path = engine.DEFAULT_SOCKET
    run_folder: Path = RUN_FOLDER
    log: Path = LOG
    arguments: tuple[str, ...] = ()
    """Further arguments; none makes it an ordinary engine with all of Docker's defaults."""

    @property
    def process_files(self) -> dict[Path, str]:
        """Files with a process id that keep a new daemon from starting, and the program each belongs to."""
        return {
            self.run_folder / "docker.pid": "dockerd",
            self.run_folder / "docker-ssd.pid": "dockerd",  # by Debian's init script
            self.run_folder / "docker" / "containerd" / "containerd.pid": "containerd",
        }


def ensure(steps: Steps) -> engine.Address:
    """Give the engine that is meant; install and start one if none answers and this is root Debian.

    Raises:
        SetupError: No engine answers and none can be had; says what to do.
    """
    address = engine.meant()
    try:
        engine.ping(address.socket)
    except engine.EngineSilentError as exc:
        startable = exc.absent and address.socket == engine.DEFAULT_SOCKET and debian.is_root_debian()
        if not startable:
            raise SetupError(remedy(address, str(exc))) from exc
    else:
        steps.say("engine", f"answers at {address.socket}; left as it is")
        return address
    if shutil.which("dockerd", path=administrators_path()) is None:
        debian.apt_install(steps, ["docker.io"], why="the container engine")
    if SYSTEMD.is_dir():
        steps.say("engine", "starting through systemd")
        run(["systemctl", "start", "docker"], remedy="Look into `journalctl -u docker`, and start again.")
        _wait(address.socket, None, LOG)
    else:
        start(steps, Daemon())
    steps.say("engine", f"answers at {address.socket}")
    return address


def remedy(address: engine.Address, reason: str) -> str:
    """Say in one sentence what to do where an engine doesn't answer and we can't start one."""
    where = f"No container engine answers at {address.socket} ({reason})"
    if address.named_by:
        return f"{where}, which {address.named_by} names: start that engine, or unset it to use the default."
    if sys.platform == "darwin":
        return f"{where}: start Docker Desktop (or another Docker-compatible engine) and try again."
    if "may not open" in reason:
        return f"{where}: add yourself to its group (`sudo usermod -aG docker $USER`, then log in again)."
    return (
        f"{where}: start it (`sudo systemctl start docker`), or install Docker Engine first; "
        f"as root on Debian, `make engine` does both."
    )


def start(steps: Steps, daemon: Daemon, deadline_s: float = START_DEADLINE_S) -> subprocess.Popen[bytes] | None:
    """Start dockerd by hand, detached, and wait until it answers; wait only, if one is on its way already.

    Args:
        steps: Where to say it.
        daemon: What to start.
        deadline_s: Seconds until an answer must have come.

    Returns:
        The process, for a caller that means to end it; None if one was there or on its way.

    Raises:
        SetupError: It ended or stayed silent; carries its last lines.
    """
    if engine.answers(daemon.socket):
        return None
    if _on_its_way(daemon):
        steps.say("engine", "one is being started already; waiting for it")
        _wait(daemon.socket, None, daemon.log, deadline_s)
        return None
    for path in stale(daemon):
        steps.say("engine", f"removing {path}, left behind by an engine that is gone")
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
    """Wait until an engine answers; False if it ended for want of a bridge and may be started without one."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if engine.answers(path):
            return True
        if process is not None and process.poll() is not None:
            last = _last_lines(log)
            if bridge_may_fail and any(word in last for word in ("iptables", "bridge", "network controller")):
                return False
            raise SetupError(f"{last}\ndockerd ended at once; repair what it says in {log}, and start again.")
        time.sleep(POLL_S)
    raise SetupError(
        f"{_last_lines(log)}\nThe engine doesn't answer at {path} after {deadline_s:g} s; "
        f"look into its log, and start again."
    )


def _last_lines(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
    except OSError:
        return ""


def _on_its_way(daemon: Daemon) -> bool:
    names = [_program(path) for path, program in daemon.process_files.items() if program == "dockerd"]
    return "dockerd" in names


def stale(daemon: Daemon) -> list[Path]:
    """Give the process-id files whose process is another program by now, or none.

    dockerd 20.10 refuses to start if the id in its file exists at all, whatever runs under it; after a reboot
    or in a container that is often so. Newer ones look themselves.
    """
    return [path for path, program in daemon.process_files.items() if path.exists() and _program(path) != program]


def own(path: Path) -> int | None:
    """Give the process id of the engine behind a socket if the set-up started it by hand; None if anybody else did.

    The kernel says which process listens, and the kernel keeps the environment it was started with: neither can be
    left behind by an engine that is gone. Needs root, as starting it did. Source: unix(7), SO_PEERCRED; proc(5).
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(engine.PING_TIMEOUT_S)
            connection.connect(str(path))
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        process_id = int(_CREDENTIALS.unpack(credentials)[0])
        program = Path(f"/proc/{process_id}/exe").readlink().name.removesuffix(" (deleted)")
        environment = Path(f"/proc/{process_id}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return process_id if program == "dockerd" and f"{MARK}=yes".encode() in environment else None


def _program(process_file: Path) -> str:
    """Give the name of the program that runs under the id in a file; empty if there is none."""
    try:
        process_id = int(process_file.read_text().strip())
        executable = Path(f"/proc/{process_id}/exe").readlink()  # its name alone could be anybody's
    except (OSError, ValueError):
        return ""
    return executable.name.removesuffix(" (deleted)")


def administrators_path() -> str:
    """Give PATH with the folders of administrators' programs, which su and cron leave out."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
