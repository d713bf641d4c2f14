"""Boot the disk in QEMU, and run commands in it over ssh.

The machine has no network but the one port that leads to its ssh. Whether the processor runs it is tried: /dev/kvm may
be there, take every call, and still not get a kernel to its first line, as inside some other virtual machines. QEMU
emulates one then, thirty times as slow.

Source: qemu(1), `-netdev user`, `-accel`; ssh(1).
"""

from __future__ import annotations

import contextlib
import shlex
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.steps import Steps

CORES, MEMORY_MIB = 2, 4096

#: Security modules of the kernel, one of which is in force.
APPARMOR, SELINUX = "apparmor", "selinux"

#: Seconds for a kernel to print its first line with KVM, and for a machine to come up without.
TRIAL_LIMIT_S = 30.0
BOOT_LIMIT_S = 1200.0
POLL_S = 3.0
END_LIMIT_S = 120.0


class Machine:
    """A running virtual machine.

    Args:
        folder: With disk, kernel, key, and what its console prints.
        process: QEMU's.
        port: The one of this host that leads to its ssh.
    """

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self._folder = folder
        self._process = process
        self._ssh = ["ssh", "-F", "/dev/null", "-i", str(folder / "key"), "-p", str(port)]
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "60",
            "LogLevel": "ERROR",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "ServerAliveInterval": "30",
            "ServerAliveCountMax": "20",
        }
        self._ssh += [f"-o{name}={value}" for name, value in options.items()]

    def wait(self) -> None:
        """Wait until it takes commands.

        Raises:
            SetupError: It ended, or doesn't come up in time.
        """
        end = time.monotonic() + BOOT_LIMIT_S
        while self.run("true", limit_s=120, quiet=True) != 0:
            if self._process.poll() is not None or time.monotonic() > end:
                raise SetupError(f"The machine doesn't come up; see {self._folder / 'console.log'}.")
            time.sleep(POLL_S)

    def run(self, *command: str, limit_s: float, user: str = "root", quiet: bool = False) -> int:
        """Run a command in it and show what that prints; return its exit status, which is 255 if ssh failed."""
        words = [*self._ssh, f"{user}@127.0.0.1", shlex.join(command)]
        output = subprocess.DEVNULL if quiet else None
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=limit_s, check=False
            )
        except subprocess.TimeoutExpired:
            return 255
        return done.returncode

    def boot_id(self) -> str:
        """Return the id of its present boot; empty while it takes no commands."""
        words = [*self._ssh, "root@127.0.0.1", "cat /proc/sys/kernel/random/boot_id"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
            )
            return done.stdout.strip()
        return ""

    def reboot(self) -> None:
        """Boot it again, and wait until it takes commands."""
        before = self.boot_id()
        self.run("systemctl", "reboot", limit_s=120, quiet=True)
        end = time.monotonic() + BOOT_LIMIT_S
        while self.boot_id() in ("", before):
            if self._process.poll() is not None or time.monotonic() > end:
                raise SetupError(f"The machine doesn't come up again; see {self._folder / 'console.log'}.")
            time.sleep(POLL_S)


@contextlib.contextmanager
def running(steps: Steps, folder: Path, module: str = APPARMOR) -> Iterator[Machine]:
    """Run the machine with a security module on a copy of its disk, which is dropped, until the block ends."""
    accelerated = runs_with_kvm(folder)
    steps.say("machine", "booting with KVM" if accelerated else "booting without KVM, which takes minutes")
    port = _free_port()
    command: list[str | Path] = ["nice", "-n", "10", "qemu-system-x86_64", "-nodefaults", "-nographic"]
    command += ["-accel", "kvm", "-cpu", "host"] if accelerated else ["-accel", "tcg,thread=multi", "-cpu", "max"]
    command += ["-smp", str(CORES), "-m", str(MEMORY_MIB), "-serial", f"file:{folder / 'console.log'}"]
    command += ["-kernel", folder / "vmlinuz", "-initrd", folder / "initrd.img"]
    # An emulated processor doesn't speculate, and what a kernel does against it is dear there.
    more = [] if accelerated else ["mitigations=off"]
    command += ["-append", " ".join(["root=/dev/vda rw console=ttyS0 quiet", f"security={module}", *more])]
    command += ["-drive", f"file={folder / 'disk.ext4'},format=raw,if=virtio,snapshot=on,cache=unsafe"]
    command += ["-netdev", f"user,id=lan,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"]
    command += ["-device", "virtio-net-pci,netdev=lan", "-device", "virtio-rng-pci"]
    with (folder / "qemu.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        yield Machine(folder, process, port)
    finally:
        process.terminate()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def runs_with_kvm(folder: Path) -> bool:
    """Tell whether /dev/kvm brings the kernel to its first line."""
    if not Path("/dev/kvm").exists():
        return False
    command: list[str | Path] = ["qemu-system-x86_64", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio"]
    command += ["-accel", "kvm", "-cpu", "host", "-m", "512"]
    command += ["-kernel", folder / "vmlinuz", "-append", "console=ttyS0 panic=-1"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            printed, _ = process.communicate(timeout=TRIAL_LIMIT_S)
        except subprocess.TimeoutExpired:  # it stands still
            process.kill()
            printed, _ = process.communicate()
    return b"Linux version" in printed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
