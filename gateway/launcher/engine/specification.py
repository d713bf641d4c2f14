"""The whole specification of a runner container.

Callers choose nothing but numbers that an operator has set. Each line prevents an attack or an accident;
`tests/spec_lines/test_spec_lines.py` removes them one by one, and checks what that lets through.

Source for field names: Docker Engine API 1.41, `POST /containers/create`.
"""

from __future__ import annotations

import json
import math
import platform
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.model.jobs import START_LIMIT_S, MiB

if TYPE_CHECKING:
    from gateway.model.jobs import Limits

SECCOMP_FILE = Path(__file__).with_name("seccomp.json")

#: Labels of every container: the installation it belongs to, and the run of the launcher that made it.
LABEL_INSTALLATION = "figbox.installation"
LABEL_INSTANCE = "figbox.instance"

#: Uids for guests: below 65536, so that engines which remap user namespaces have them; above those of people and
#: daemons.
UID_FIRST = 20_000
UID_LAST = 59_999

#: Processor seconds beyond the wall limit, for start, import and clean-up, before the kernel kills a runaway.
CPU_MARGIN_S = 20

#: Seconds beyond the wall limit before the supervisor ends a container whose job the launcher should have ended.
WALL_MARGIN_S = 5

#: Docker's own masked paths, which setting the field replaces (moby `oci/defaults.go`), and more: facts about the host,
#: and channels between containers. `/dev/mqueue` would stay writable in a read-only container.
MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
    "/dev/mqueue",
    "/proc/buddyinfo",
    "/proc/cmdline",
    "/proc/config.gz",
    "/proc/consoles",
    "/proc/crypto",
    "/proc/devices",
    "/proc/diskstats",
    "/proc/dma",
    "/proc/driver",
    "/proc/execdomains",
    "/proc/fs",
    "/proc/interrupts",
    "/proc/iomem",
    "/proc/ioports",
    "/proc/irq",
    "/proc/kallsyms",
    "/proc/key-users",
    "/proc/locks",
    "/proc/misc",
    "/proc/modules",
    "/proc/pagetypeinfo",
    "/proc/partitions",
    "/proc/pressure",
    "/proc/schedstat",
    "/proc/slabinfo",
    "/proc/softirqs",
    "/proc/swaps",
    "/proc/sysvipc",
    "/proc/tty",
    "/proc/version",
    "/proc/vmallocinfo",
    "/proc/vmstat",
    "/proc/zoneinfo",
    "/sys/block",
    "/sys/bus",
    "/sys/class",
    "/sys/dev",
    "/sys/devices/virtual",
    "/sys/fs",
    "/sys/hypervisor",
    "/sys/kernel",
    "/sys/module",
    "/sys/power",
)

#: Process 1 of every container; its arguments are two limits in seconds, and what it starts and outlives.
SUPERVISOR = "/opt/figbox/supervisor"

#: What it starts: the runner, whose argument is a mode.
RUNNER = ("python3", "/opt/figbox/runner.py")

#: Or, in an image with a snapshot, what restores one, and the snapshot's file, its first argument.
RESTORER = ("/opt/figbox/restorer",)
SNAPSHOT = "/opt/figbox/snapshot"

#: Docker's own, unchanged.
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What all containers of one environment have in common.

    Attributes:
        image_id: The image by digest (`sha256:…`): a tag that moves would be code execution.
        limits: What a container may use.
        runtime: OCI runtime, or None for the engine's default.
        installation: Value of the label that marks this installation's containers.
        instance: Value of the label that marks this run of the launcher.
        idle_limit_s: Seconds after which a container ends that nothing was sent to.
        start_limit_s: Seconds from a container's start until its runner is ready, at most; a container of our own gets
            as many to its end.
        lowers_memory: Whether the memory limit of a running container can be lowered, and then holds.
        snapshot_id: Digest of an image with a snapshot that runners are restored from; None if they import.
    """

    image_id: str
    limits: Limits
    runtime: str | None
    installation: str
    instance: str
    idle_limit_s: float
    start_limit_s: float = START_LIMIT_S
    lowers_memory: bool = True
    snapshot_id: str | None = None

    def with_memory(self, memory_limit_bytes: int | None) -> Sandbox:
        """Return the same sandbox with another memory limit; None keeps the limit."""
        if memory_limit_bytes is None:
            return self
        return replace(self, limits=replace(self.limits, memory_limit_bytes=memory_limit_bytes))

    def container_config(self, uid: int, command: tuple[str, ...]) -> dict[str, Any]:
        """Return the body of the create call for one container.

        Args:
            uid: One that no other live container has: the kernel keeps quotas (pipe pages, signals, queues) per uid,
                across containers.
            command: Arguments of the runner.
        """
        return {
            "Image": self.image_id,
            "Entrypoint": self._supervised(RUNNER),
            "Cmd": list(command),
            "User": f"{uid}:{uid}",
            "WorkingDir": "/tmp",  # noqa: S108 - the container's own
            "Hostname": "job",
            "Labels": {LABEL_INSTALLATION: self.installation, LABEL_INSTANCE: self.instance},
            # A terminal would mix the streams and give the guest a device. StdinOnce: stdin ends when we disconnect.
            "Tty": False,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "OpenStdin": True,
            "StdinOnce": True,
            # In addition to the network mode, since `none` alone still costs the engine a hook process per container.
            "NetworkDisabled": True,
            "Healthcheck": {"Test": ["NONE"]},
            "StopSignal": "SIGKILL",
            "HostConfig": self._host_config(),
        }

    def job_config(self, uid: int) -> dict[str, Any]:
        """Return the create body of a container that waits for one job."""
        if self.snapshot_id is None:
            return self.container_config(uid, ("job",))
        return self.restorer_config(uid, (SNAPSHOT, "job"))

    def saving_config(self, uid: int) -> dict[str, Any]:
        """Return the create body of a container that writes a snapshot of itself to stdout."""
        return self.container_config(uid, ("save",))

    def restorer_config(self, uid: int, command: tuple[str, ...]) -> dict[str, Any]:
        """Return the create body of a container of the image with the snapshot, for arguments of the restorer.

        Only image and entry point differ from those of other containers.
        """
        restored = {"Image": self.snapshot_id, "Entrypoint": self._supervised(RESTORER)}
        return {**self.container_config(uid, command), **restored}

    def _supervised(self, program: tuple[str, ...]) -> list[str]:
        """Return the entry point that starts a program as a child of the supervisor."""
        wall_limit_s = self.limits.wall_limit_s + WALL_MARGIN_S
        return [SUPERVISOR, str(math.ceil(self.idle_limit_s)), str(math.ceil(wall_limit_s)), *program]

    def _host_config(self) -> dict[str, Any]:
        limits = self.limits
        tmpfs = f"rw,noexec,nosuid,nodev,mode=1777,size={limits.tmpfs_limit_bytes},nr_inodes={limits.tmpfs_inodes}"
        config: dict[str, Any] = {
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": tmpfs},  # noqa: S108 - the container's own
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges", f"seccomp={seccomp_profile()}"],
            "MaskedPaths": list(MASKED_PATHS),
            "ReadonlyPaths": list(READONLY_PATHS),
            "IpcMode": "none",
            "CgroupnsMode": "private",
            "PidsLimit": limits.pids_limit,
            "Memory": limits.memory_limit_bytes,
            # Equal: no swap. Unset would be twice the memory.
            "MemorySwap": limits.memory_limit_bytes,
            "NanoCpus": round(limits.cpus * 1_000_000_000),
            # An eighth of the usual weight, so that as many busy jobs as cores don't starve engine and gateway.
            "CpuShares": 128,
            "OomScoreAdj": 500,
            "Ulimits": [{"Name": name, "Soft": value, "Hard": value} for name, value in self._ulimits().items()],
            # A log file would put every byte of a flood onto the host's disk.
            "LogConfig": {"Type": "none"},
            "RestartPolicy": {"Name": "no"},
            # We remove it ourselves: automatic removal would discard the exit status before we read it.
            "AutoRemove": False,
            "Privileged": False,
        }
        if self.runtime is not None:
            config["Runtime"] = self.runtime
        return config

    def _ulimits(self) -> dict[str, int]:
        """Return resource limits; not `nproc`, which the kernel counts per uid across containers."""
        limits = self.limits
        return {
            "core": 0,
            # The kernel's own end of a runaway: needs neither launcher nor supervisor, nor the clock of the latter.
            "cpu": math.ceil(limits.wall_limit_s * limits.cpus) + CPU_MARGIN_S,
            "fsize": limits.tmpfs_limit_bytes,
            "memlock": 0,
            "msgqueue": 0,
            "nice": 0,
            "nofile": 256,
            "rtprio": 0,
            "sigpending": 256,
            "stack": 8 * MiB,
        }


@cache
def seccomp_profile() -> str:
    """Return the system call allowlist as the engine takes it: inline JSON, for this machine's architecture only.

    It is compiled at every start, which takes half the time for one architecture as for two.
    """
    profile = json.loads(SECCOMP_FILE.read_text("utf-8"))
    wanted = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64", "arm64": "SCMP_ARCH_AARCH64"}.get(
        platform.machine()
    )
    if wanted is not None:
        profile["archMap"] = [entry for entry in profile["archMap"] if entry["architecture"] == wanted]
    return json.dumps(profile, separators=(",", ":"))
