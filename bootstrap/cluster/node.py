"""One node: namespaces that stand for a host, with an engine in them."""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import engine
from bootstrap.cluster.groups import NodeGroups
from bootstrap.cluster.processes import Recorded, until
from bootstrap.steps import run

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds in which an engine must respond; it may have a fraction of a core.
START_LIMIT_S = 180.0

#: The bridge's address, and that of the n-th node after it.
NETWORK = "10.213.0"
HUB_ADDRESS = f"{NETWORK}.1"
FIRST_NODE = 10

#: For the first process of namespaces: it reaps what is left to it, and says by a file that it is ready.
HOLDER = 'trap "" CHLD && touch "$0" && exec sleep infinity'


@dataclass(frozen=True)
class Node:
    """A node of a cluster.

    Attributes:
        number: From 1.
        folder: Its files: the engine's data, its `/run`, logs.
        group: The control group of the cluster.
    """

    number: int
    folder: Path
    group: str

    @property
    def name(self) -> str:
        """Its host name, which the Swarm and the balancer know it by."""
        return f"node{self.number}"

    @property
    def address(self) -> str:
        """Its address in the cluster's network."""
        return f"{NETWORK}.{FIRST_NODE + self.number}"

    @property
    def socket(self) -> Path:
        """The engine's socket, as seen from the host."""
        return self.folder / "run" / "docker.sock"

    @property
    def url(self) -> str:
        """The engine's address in the form of DOCKER_HOST."""
        return f"unix://{self.socket}"

    @property
    def log(self) -> Path:
        """The engine's log."""
        return self.folder / "dockerd.log"

    @property
    def engine_pid(self) -> int | None:
        """The process id of the engine on the host; None if it doesn't run."""
        return self._engine.process_id

    @property
    def network_namespace(self) -> Path | None:
        """The file that names its network namespace; None if the node isn't there."""
        holder = self._holder.process_id
        return None if holder is None else Path(f"/proc/{holder}/ns/net")

    @property
    def groups(self) -> NodeGroups:
        """Its control groups."""
        return NodeGroups(f"{self.group}/{self.name}")

    @property
    def is_up(self) -> bool:
        """Whether its namespaces are there."""
        return self._holder.process_id is not None

    @property
    def _holder(self) -> Recorded:
        return Recorded(self.folder / "holder.pid")

    @property
    def _engine(self) -> Recorded:
        return Recorded(self.folder / "engine.pid")

    @property
    def _entering(self) -> Recorded:
        """The parent of the engine, which ends with it."""
        return Recorded(self.folder / "nsenter.pid")

    def inside(self, *command: str | Path) -> list[str]:
        """Return a command that is run in all of its namespaces."""
        holder = self._holder.process_id
        return ["nsenter", f"--target={holder}", "--net", "--mount", "--uts", "--pid", *map(str, command)]

    def boot(self, hub: Hub) -> None:
        """Make its namespaces, with a cable to the hub, unless they are there."""
        plugged = self.folder / "plugged"
        if self.is_up and plugged.exists():
            return
        self.power_off()  # if an earlier set-up was interrupted
        plugged.unlink(missing_ok=True)
        # What was in its /run is gone after a loss of power.
        run(["rm", "--recursive", "--force", self.folder / "run"], remedy="Free the folder, and start again.")
        (self.folder / "run").mkdir(parents=True)
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        set_up = [
            ["mount", "--bind", str(self.folder / "run"), "/run"],
            ["mount", "-t", "proc", "proc", "/proc"],
            ["hostname", self.name],
            ["ip", "link", "set", "lo", "up"],
        ]
        script = " && ".join(map(shlex.join, set_up))
        unshared = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation=private"]
        started = Recorded(self.folder / "unshare.pid")
        parent = started.start([*unshared, "sh", "-c", f"{script} && {HOLDER}", str(ready)], self.folder / "holder.log")
        until(ready.exists, f"{self.name} can't be made", START_LIMIT_S, self.folder / "holder.log")
        [child] = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        self._holder.record(int(child))
        hub.plug(self.name, int(child))
        for command in (
            ["ip", "address", "add", f"{self.address}/24", "dev", "eth0"],
            ["ip", "link", "set", "eth0", "up"],
            ["ip", "route", "add", "default", "via", HUB_ADDRESS],
        ):
            run(self.inside(*command), remedy="See what `ip` says.")
        plugged.touch()

    def start_engine(self, arguments: Sequence[str] = ()) -> None:
        """Start its engine unless it responds, and wait until it does.

        Raises:
            SetupError: It doesn't; quotes its log.
        """
        what = f"{self.name} has no engine"
        # An earlier set-up that was interrupted may have started it, or it has just ended.
        until(lambda: engine.answers(self.socket) or self._entering.process_id is None, what, START_LIMIT_S, self.log)
        if not engine.answers(self.socket):
            self._start_engine(arguments)
            until(lambda: engine.answers(self.socket), what, START_LIMIT_S, self.log)
        if self.engine_pid is None:
            self._engine.record(self._on_host(int((self.folder / "run" / "docker.pid").read_text())))

    def _start_engine(self, arguments: Sequence[str]) -> None:
        (self.folder / "daemon.json").write_text("{}")  # the host's own configuration is not the node's
        run_folder = self.folder / "run"
        for left in (run_folder / "docker.pid", run_folder / "docker" / "containerd" / "containerd.pid"):
            left.unlink(missing_ok=True)  # by an engine that was killed
        enter = " && ".join(f"echo 0 > {shlex.quote(str(file))}" for file in self.groups.engine_files)
        command = [
            "dockerd",
            f"--config-file={self.folder / 'daemon.json'}",
            "--host=unix:///run/docker.sock",
            "--pidfile=/run/docker.pid",
            "--exec-root=/run/docker",
            f"--data-root={self.folder / 'data'}",
            f"--cgroup-parent={self.groups.containers}",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            # Swarm drops `no-new-privileges` of a service, so the engine gives it to every container.
            "--no-new-privileges",
            *arguments,
        ]
        self._entering.start(self.inside("sh", "-c", f'{enter} && exec "$@"', "sh", *command), self.log)

    def _on_host(self, process_id: int) -> int:
        """Return the id on the host of a process of this node. Source: proc(5), `NSpid` of `status`."""
        own = Path(f"/proc/{self._holder.process_id}/ns/pid").readlink()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, StopIteration):
                if not entry.name.isdigit() or (entry / "ns/pid").readlink() != own:
                    continue
                lines = (entry / "status").read_text().splitlines()
                ids = next(line.split()[1:] for line in lines if line.startswith("NSpid:"))
                if int(ids[-1]) == process_id:
                    return int(entry.name)
        raise ProcessLookupError(process_id)

    def stop_engine(self) -> None:
        """End the engine in an orderly way; its containers end with it."""
        self._engine.end()

    def kill_engine(self) -> None:
        """Kill the engine, as a crash would; containers go on without it."""
        self._engine.end(signal.SIGKILL)

    def cut(self, hub: Hub) -> None:
        """Pull the cable: nothing reaches the node, and nothing leaves it."""
        hub.set_cable(self.name, "down")

    def restore(self, hub: Hub) -> None:
        """Put the cable back."""
        hub.set_cable(self.name, "up")

    def power_off(self) -> None:
        """End everything in it at once, as a loss of power would."""
        self._holder.end(signal.SIGKILL)
        for name in ("unshare", "nsenter", "engine"):
            Recorded(self.folder / f"{name}.pid").end(signal.SIGKILL)


@dataclass(frozen=True)
class Hub:
    """A network namespace with a bridge, at which the nodes' cables end."""

    folder: Path

    @property
    def _holder(self) -> Recorded:
        return Recorded(self.folder / "holder.pid")

    def boot(self) -> None:
        """Make it unless it is there."""
        ready = self.folder / "ready"
        if self._holder.process_id is not None and ready.exists():
            return
        self.end()
        self.folder.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
        set_up = [
            ["ip", "link", "set", "lo", "up"],
            ["ip", "link", "add", "br0", "type", "bridge"],
            ["ip", "address", "add", f"{HUB_ADDRESS}/24", "dev", "br0"],
            ["ip", "link", "set", "br0", "up"],
        ]
        script = " && ".join(map(shlex.join, set_up))
        log = self.folder / "holder.log"
        self._holder.start(["unshare", "--net", "sh", "-c", f"{script} && {HOLDER}", str(ready)], log)
        until(ready.exists, "the bridge can't be made", START_LIMIT_S, log)

    def inside(self, *command: str | Path) -> list[str]:
        """Return a command that is run in its network."""
        return ["nsenter", f"--net=/proc/{self._holder.process_id}/ns/net", *map(str, command)]

    def plug(self, name: str, process_id: int) -> None:
        """Lay a cable to the network of a process, where its end is `eth0`."""
        ends = ["type", "veth", "peer", "name", "eth0", "netns", f"/proc/{process_id}/ns/net"]
        subprocess.run(self.inside("ip", "link", "delete", name), capture_output=True, check=False)
        for command in (
            ["ip", "link", "add", name, *ends],
            ["ip", "link", "set", name, "master", "br0"],
            ["ip", "link", "set", name, "up"],
        ):
            run(self.inside(*command), remedy="See what `ip` says.")

    def set_cable(self, name: str, state: str) -> None:
        """Set a cable `up` or `down`."""
        run(self.inside("ip", "link", "set", name, state), remedy="See what `ip` says.")

    def end(self) -> None:
        """Remove it, with all cables."""
        self._holder.end(signal.SIGKILL)
