"""Looks at the host and says what Figbox lacks there, with a remedy for each; changes nothing.

Modelled on `isolate-check-environment`. Source of the engine's fields: Docker Engine API, `GET /info`.
"""

from __future__ import annotations

import errno
import platform
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import dotenv, engine
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

GiB = 1024**3
DISK_WANTED_BYTES = 2 * GiB
"""Room for the image, its base and the wheels, twice, so that a rebuild fits beside the old one."""

LIMITS = {
    "MemoryLimit": "memory limits",
    "PidsLimit": "limits on processes",
    "CpuCfsQuota": "CPU limits",
}
DEFAULT_PORT = "5150"
PORTS = range(65536)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    good: bool
    what: str
    remedy: str = ""
    grave: bool = True
    """Whether Figbox can't work, or not safely, without it."""

    def line(self) -> str:
        """Write it as a line."""
        mark = "ok   " if self.good else "FAULT" if self.grave else "note "
        return f"{mark}  {self.what}" + ("" if self.good or not self.remedy else f"\n       -> {self.remedy}")


def examine(root: Path) -> bool:
    """Print all findings about the host for the checkout at `root`; tell whether none is grave."""
    sound = True
    for finding in (*_host(root), *_engine()):
        print(finding.line(), flush=True)
        sound = sound and (finding.good or not finding.grave)
    return sound


def _host(root: Path) -> Iterator[Finding]:
    yield Finding(good=True, what=f"Python {platform.python_version()} ({sys.executable})")
    free = shutil.disk_usage(root).free
    yield _disk(free, root)
    environment = root / ".env"
    host = dotenv.value(environment, "HOST") or "127.0.0.1"
    port = dotenv.value(environment, "PORT") or DEFAULT_PORT
    yield _port(host, port)


def _disk(free_bytes: int, where: Path) -> Finding:
    return Finding(
        good=free_bytes >= DISK_WANTED_BYTES,
        what=f"{free_bytes / GiB:.1f} GiB free at {where}",
        remedy=f"Make room: the set-up wants {DISK_WANTED_BYTES // GiB} GiB.",
    )


def _port(host: str, port: str) -> Finding:
    if not port.isdecimal() or int(port) not in PORTS:
        return Finding(good=False, what=f"PORT is {port}", remedy="Set PORT to a number up to 65535.")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        taken = exc.errno == errno.EADDRINUSE
        return Finding(
            good=False,
            grave=not taken,  # most likely the gateway itself, running
            what=f"{host}:{port} " + ("is in use" if taken else f"can't be listened on ({exc.strerror})"),
            remedy="If that isn't your gateway, choose another with PORT (and HOST), here or in .env.",
        )
    return Finding(good=True, what=f"{host}:{port} is free")


def _engine() -> Iterator[Finding]:
    try:
        address = engine.meant()
    except SetupError as exc:
        yield Finding(good=False, what="the engine", remedy=str(exc))
        return
    try:
        version = engine.ask(address.socket, "/version")
        info = engine.ask(address.socket, "/info")
    except engine.EngineSilentError as exc:
        yield Finding(
            good=False,
            what=f"no engine answers at {address.socket}: {exc}",
            remedy="Start it, or let `make engine` try.",
        )
        return
    yield Finding(
        good=True,
        what=f"engine {version.get('Version')} (API {version.get('ApiVersion')}) at {address.socket}",
    )
    yield from judge(info)


def judge(info: dict[str, Any]) -> Iterator[Finding]:
    """Judge an engine by its own description: each limit of the sandbox must be one it can enforce."""
    for field, name in LIMITS.items():
        yield Finding(
            good=info.get(field) is True,
            what=f"the engine enforces {name}",
            remedy="Use a kernel and cgroup set-up that has it (cgroup v2, or v1 with that controller); "
            "rootless engines need cgroup v2 with delegation.",
        )
    options = [str(option) for option in info.get("SecurityOptions") or []]
    yield Finding(
        good=any(option.startswith("name=seccomp") for option in options),
        what="the engine filters system calls (seccomp)",
        remedy="Use an engine and a kernel built with seccomp.",
    )
    runtimes = ", ".join(sorted(info.get("Runtimes") or {}))
    yield Finding(good=True, what=f"runtimes: {runtimes} (default: {info.get('DefaultRuntime')})")
    yield Finding(
        good="runsc" in (info.get("Runtimes") or {}),
        grave=False,
        what="gVisor (runsc) is registered",
        remedy="Optional: a kernel of its own for guest code; install runsc and set FIGBOX_RUNTIME=runsc.",
    )
    folder = Path(str(info.get("DockerRootDir") or "/"))
    if folder.is_dir():  # not on Docker Desktop, whose engine lives in a virtual machine
        yield _disk(shutil.disk_usage(folder).free, folder)
