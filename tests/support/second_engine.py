"""An engine of the tests' own, to be stopped, hung and killed; the engine of the machine stays as it is."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import runtimes
from tests.support.live import IMAGE, engine_client
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

START_LIMIT_S = slowed(60)

#: Where hybrid set-ups mount the second version of control groups; crun refuses them while it has controllers.
UNIFIED_CGROUP = Path("/sys/fs/cgroup/unified")

#: Host ids that a remapping engine gives its containers' ids from 0, and a user that every host has.
REMAP_FIRST_ID = 300_000
REMAP_USER, REMAP_GROUP = "nobody", "nogroup"


@dataclass(frozen=True)
class EngineSetup:
    """What is special about a second engine.

    Attributes:
        configuration: Its daemon.json.
        unified_cgroup: Whether it sees version 2 of control groups beside version 1, where the host has both.
        remapped: Whether its containers have a user namespace, with ids from `REMAP_FIRST_ID` on the host.
        environment: Variables that it is given beside ours.
        disk_bytes: Size of its disk, which is memory then; None for the host's own.
        root: The root of its file system, with another release's dockerd in it; None for the host's own.
        bridge: Whether it has a network for containers, which leads nowhere; needs the program `ip`.
    """

    configuration: dict[str, Any] = field(default_factory=dict)
    unified_cgroup: bool = True
    remapped: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    disk_bytes: int | None = None
    root: Path | None = None
    bridge: bool = False

    def daemon_json(self) -> str:
        """Return the contents of its configuration file."""
        remap = {"userns-remap": f"{REMAP_USER}:{REMAP_GROUP}"} if self.remapped else {}
        return json.dumps({**self.configuration, **remap})

    def mounts(self, folder: Path) -> list[list[str]]:
        """Return the commands that prepare its mount namespace, which is its own."""
        commands = []
        if not self.unified_cgroup and UNIFIED_CGROUP.is_mount():
            commands.append(["umount", str(UNIFIED_CGROUP)])
        if self.remapped:  # two files of the host say which ids a remapping engine may use
            ids = folder / "ids"
            ids.write_text("".join(f"{name}:{REMAP_FIRST_ID}:65536\n" for name in (REMAP_USER, REMAP_GROUP)))
            commands += [["mount", "--bind", str(ids), name] for name in ("/etc/subuid", "/etc/subgid")]
        if self.disk_bytes is not None:
            (folder / "data").mkdir(exist_ok=True)
            commands.append(["mount", "-t", "tmpfs", "-o", f"size={self.disk_bytes}", "tmpfs", str(folder / "data")])
        if self.root is not None:
            commands += _new_root(self.root, folder)
        if self.bridge:  # for what is run beside it, see `inside`
            commands.append(["ip", "link", "set", "lo", "up"])
        return commands


def _new_root(root: Path, folder: Path) -> list[list[str]]:
    """Return the commands that make a tree the root, in which only a folder can be written and has its old path.

    By pivot_root and not by chroot: where a process enters a container's mount namespace, a chroot ends, and runc's own
    pivot_root fails.
    """
    inside = f"{root}{folder}"
    return [
        ["mount", "--bind", "--options", "ro", str(root), str(root)],
        *(["mount", "--rbind", f"/{name}", f"{root}/{name}"] for name in ("dev", "proc", "sys")),
        *(["mount", "-t", "tmpfs", "tmpfs", f"{root}/{name}"] for name in ("run", "tmp")),
        ["mkdir", "--parents", inside],
        ["mount", "--bind", str(folder), inside],
        ["cd", str(root)],
        ["pivot_root", ".", "mnt"],
        ["umount", "--lazy", "/mnt"],
        ["export", "PATH=/usr/sbin:/usr/bin"],
    ]


class SecondEngine:
    """A dockerd with its own data root, socket and pid file.

    Args:
        folder: Where all of it lives; short, because a socket's path may have 107 bytes.
        setup: What is special about it.
    """

    def __init__(self, folder: Path, setup: EngineSetup | None = None) -> None:
        self._folder = folder
        self._setup = setup or EngineSetup()
        self.configuration = folder / "daemon.json"
        self.socket = folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it responds."""
        if not self.configuration.exists():
            self.configuration.write_text(self._setup.daemon_json())
        # A killed dockerd takes its containerd along, but leaves the pid files of both, which would stop the next.
        (self._folder / "docker.pid").unlink(missing_ok=True)
        (self._folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)
        # It doesn't outlive the tests, even if they are killed. In a network namespace of its own: a dockerd without a
        # bridge removes the `docker0` it finds.
        prefix = ["setpriv", "--pdeathsig=TERM", "unshare", "--net"]
        if mounts := self._setup.mounts(self._folder):
            script = " && ".join(shlex.join(command) for command in mounts)
            prefix += ["--mount", "--propagation=private", "sh", "-c", f'{script} && exec "$@"', "sh"]
        with (self._folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *prefix,
                    "dockerd",
                    # The host's own configuration is not the test's.
                    f"--config-file={self.configuration}",
                    f"--host={self.url}",
                    f"--data-root={self._folder / 'data'}",
                    f"--exec-root={self._folder / 'exec'}",
                    f"--pidfile={self._folder / 'docker.pid'}",
                    *([] if self._setup.bridge else ["--bridge=none"]),
                    "--iptables=false",
                    "--ip6tables=false",
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, **self._setup.environment},
                start_new_session=True,
            )
        end = time.monotonic() + START_LIMIT_S
        while not self.answers():
            assert self._process.poll() is None, self._log_tail()
            assert time.monotonic() < end, self._log_tail()
            time.sleep(0.1)

    @property
    def process_id(self) -> int:
        """The daemon's."""
        assert self._process is not None
        return self._process.pid

    def answers(self) -> bool:
        """Tell whether it responds."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(slowed(5))
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.recv(64)
            except OSError:
                return False

    def stop(self) -> None:
        """End it in an orderly way; its containers end with it."""
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        """Kill it; its containers go on without it."""
        self._end(signal.SIGKILL)

    def lose(self) -> None:
        """Kill it with whatever it started, as the loss of its machine would."""
        self.crash()
        self._kill_own()

    def hang(self) -> None:
        """Stop it from responding, with its connections kept."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def counts(self) -> dict[str, int]:
        """Return the numbers of its containers and volumes."""
        with engine_client(self.url) as client:
            rows: Any = client.containers(all=True)
            return {"containers": len(rows), "volumes": len(client.volumes()["Volumes"] or [])}

    @contextlib.contextmanager
    def full_disk(self, left_bytes: int) -> Iterator[None]:
        """Fill its disk but for so many bytes."""
        # The disk is mounted for the daemon alone.
        ballast = Path(f"/proc/{self.process_id}/root", str(self._folder).lstrip("/"), "data", "ballast")
        with ballast.open("wb") as file:
            disk = os.fstatvfs(file.fileno())
            os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - left_bytes)
        try:
            yield
        finally:
            ballast.unlink()

    def inside(self, *command: str | Path) -> list[str]:
        """Return a command that is run in its network namespace, where what it publishes is reached."""
        return ["nsenter", f"--net=/proc/{self.process_id}/ns/net", *map(str, command)]

    def copy_image(self) -> None:
        """Load the runner image from the engine under test, without a file in between."""
        with engine_client() as origin, engine_client(self.url) as own:
            for event in own.load_image(origin.get_image(IMAGE)):
                assert "error" not in event, event

    def destroy(self) -> None:
        """End it and whatever it started, and remove its files."""
        with contextlib.suppress(Exception):
            self.wake()
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self._kill_own()
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        for mount in reversed([line.split()[1] for line in mounts if str(self._folder) in line]):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(START_LIMIT_S)

    def _kill_own(self) -> None:
        for pid in self._own_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _own_processes(self) -> Iterator[int]:
        """Yield the ids of processes that name our folder in their arguments: containerd and its shims."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if str(self._folder).encode() in (entry / "cmdline").read_bytes():
                        yield int(entry.name)

    def _log_tail(self) -> str:
        return (self._folder / "dockerd.log").read_text()[-2000:]


@contextlib.contextmanager
def second_engine(setup: EngineSetup | None = None, *, with_image: bool = False) -> Iterator[SecondEngine]:
    """Run a second engine, with the runner image or empty; nothing of it stays.

    Skips the test where that can't be, but fails it in CI.
    """
    runtimes.need_root()
    folder = Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp"))
    folder.chmod(0o711)  # a container's root may be nobody on the host, and must reach its files
    engine = SecondEngine(folder, setup)
    try:
        engine.start()
        if with_image:
            engine.copy_image()
        yield engine
    finally:
        engine.destroy()
