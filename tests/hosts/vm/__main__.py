"""`python -m tests.hosts.vm [PHASE…]`: build the machine's disk, boot it, and try Figbox in it as a service.

With a processor that runs it, this takes some minutes; with one that is emulated, an hour or two. It needs root,
mmdebstrap, mke2fs, QEMU, ssh, dockerd, and an engine with the runner image. The last line is a row for the page on
hosts. Every phase has a longest time, and nothing of the machine stays but its disk, in .figbox/vm.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from typing import NoReturn

from bootstrap import debian
from bootstrap.steps import SetupError, Steps
from tests.hosts.vm import disk, machine

FOLDER = disk.ROOT / ".figbox/vm"

#: Programs and the packages that have them on Debian.
TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
}


@dataclass(frozen=True)
class Phase:
    """How a phase is run.

    Attributes:
        limit_s: Its longest time.
        booted: Whether the machine is booted again before it.
        module: The kernel's security module; each has a machine of its own, which begins with the disk as it was made.
    """

    limit_s: float
    booted: bool = False
    module: str = machine.APPARMOR


#: In their order.
PHASES = {
    "service": Phase(3600),
    "limits": Phase(3600),
    "crashes": Phase(5400),
    "booted": Phase(2400, booted=True),
    "single": Phase(2400),
    "snapshot": Phase(5400),
    "remap": Phase(5400),
    "rootless": Phase(5400),
    "selinux": Phase(7200, module=machine.SELINUX),
}


def main() -> int:
    """Run the phases; return 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.hosts.vm")
    parser.add_argument(
        "phases", nargs="*", metavar="PHASE", help=f"of {', '.join(PHASES)}; all with AppArmor by default"
    )
    usual = [name for name, phase in PHASES.items() if phase.module == machine.APPARMOR]
    wanted = parser.parse_args().phases or usual  # SELinux's isn't expected to hold, see the page
    if unknown := set(wanted) - set(PHASES):
        parser.error(f"there is no phase {unknown.pop()!r}")
    signal.signal(signal.SIGTERM, _end_at_once)
    steps = Steps()
    try:
        _need_tools(steps)
        disk.make(steps, FOLDER)
        results = _run(steps, wanted)
    except SetupError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    word = {True: "holds", False: "**fails**"}
    row = ", ".join(f"{name} {word[good]}" for name, good in results.items())
    sys.stdout.write(f"\n| Debian 13 with systemd, cgroup v2, AppArmor, Docker 26.1, in a virtual machine | {row} |\n")
    return 0 if all(results.values()) else 1


def _run(steps: Steps, wanted: list[str]) -> dict[str, bool]:
    """Boot the machine and run phases in it; return which of them passed."""
    results = {}
    for module in (machine.APPARMOR, machine.SELINUX):
        names = [name for name in wanted if PHASES[name].module == module]
        if not names:
            continue
        with machine.running(steps, FOLDER, module) as vm:
            vm.wait()
            for name in names:
                if PHASES[name].booted:
                    steps.say(name, "booting again")
                    vm.reboot()
                steps.say(name, "begins")
                results[name] = _phase(vm, name, PHASES[name].limit_s) == 0
                steps.say(name, "holds" if results[name] else "FAILED")
                if not results[name]:
                    vm.run("journalctl", "--no-pager", "-n", "60", "-u", "figbox-*", "-u", "docker", limit_s=300)
    return results


def _phase(vm: machine.Machine, name: str, limit_s: float) -> int:
    """Run a phase in the machine; return its exit status."""
    user = disk.USER if name == "rootless" else "root"
    python = f"/{disk.CLONE}/.venv/bin/python"
    command = ("env", "-C", f"/{disk.CLONE}", python, "-m", "tests.hosts.vm.guest", name)
    return vm.run(*command, limit_s=limit_s, user=user)


def _need_tools(steps: Steps) -> None:
    if os.geteuid() != 0:
        raise SetupError("The machine's disk has files of many users: run this as root.")
    missing = [package for program, package in TOOLS.items() if shutil.which(program) is None]
    if missing and not debian.is_root_debian():
        raise SetupError(f"Install {', '.join(missing)} first.")
    if missing:
        debian.apt_install(steps, missing, why="for a virtual machine")
    if shutil.which("dockerd") is None:
        raise SetupError("The images on the disk are loaded by dockerd, which isn't installed here.")


def _end_at_once(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # an exception, so that the machine ends on the way out


if __name__ == "__main__":
    sys.exit(main())
