"""A count of the system calls that a container may make: `python -m tools.system_calls`.

The filter is read from the kernel as it was loaded, for a container with the engine's default profile and for one with
ours, and evaluated for every call's number. Where the result depends on an argument, both branches are followed. Needs
root on the engine's host, and a kernel with CONFIG_CHECKPOINT_RESTORE.

Source: Linux, `include/uapi/linux/{filter,bpf_common,seccomp,audit}.h`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import ctypes.util
import os
import platform
import struct
import sys
from dataclasses import dataclass
from operator import and_, eq, ge, gt
from typing import TYPE_CHECKING

import docker

from gateway.launcher.engine.docker_engine import find_engine_url
from gateway.launcher.engine.specification import Sandbox
from gateway.model.jobs import Limits
from tools.call_filter import read_call_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: More numbers than any architecture has calls.
NUMBERS = range(600)

#: `AUDIT_ARCH_` constants of supported machines.
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

#: Other programs that they run: name, architecture, and what is added to a call's number (x32 is x86-64 with a flag).
FOREIGN = {
    "x86_64": (("i386", 0x40000003, 0), ("x32", 0xC000003E, 0x40000000)),
    "aarch64": (("arm", 0x40000028, 0),),
}

#: The instructions of classic BPF that system call filters use.
LOAD_WORD, LOAD_MEMORY, STORE, AND, JUMP, RETURN = 0x20, 0x60, 0x02, 0x54, 0x05, 0x06
COMPARISONS: dict[int, Callable[[int, int], object]] = {0x15: eq, 0x25: gt, 0x35: ge, 0x45: and_}

#: Offsets in `struct seccomp_data`: number, architecture; arguments follow.
NUMBER_OFFSET, ARCHITECTURE_OFFSET = 0, 4

ALLOW = 0x7FFF0000

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Count:
    """What a filter allows, in numbers of calls.

    Attributes:
        free: Allowed whatever their arguments.
        by_argument: Allowed with some arguments only.
        foreign: How many are allowed, in some way, to other kinds of program.
    """

    free: frozenset[int]
    by_argument: frozenset[int]
    foreign: dict[str, int]

    @property
    def allowed(self) -> frozenset[int]:
        """All that are allowed in some way."""
        return self.free | self.by_argument


def answers(program: list[Instruction], number: int, architecture: int) -> set[int]:
    """Return every value that a filter can return for a call with any arguments."""
    found: set[int] = set()
    seen: set[tuple[int, int | None]] = set()
    # Position and accumulator, which is None if it depends on an argument; memory is only used for arguments.
    pending: list[tuple[int, int | None]] = [(0, 0)]
    while pending:
        state = pending.pop()
        if state in seen:
            continue
        seen.add(state)
        position, value = state
        code, if_true, if_false, constant = program[position]
        following = position + 1
        if code == RETURN:
            found.add(constant)
        elif code == LOAD_WORD:
            known = {NUMBER_OFFSET: number, ARCHITECTURE_OFFSET: architecture}
            pending.append((following, known.get(constant)))
        elif code == JUMP:
            pending.append((following + constant, value))
        elif code == AND:
            pending.append((following, None if value is None else value & constant))
        elif code in (LOAD_MEMORY, STORE):
            pending.append((following, None if code == LOAD_MEMORY else value))
        elif code in COMPARISONS:
            outcomes = (True, False) if value is None else (bool(COMPARISONS[code](value, constant)),)
            pending += [(following + (if_true if outcome else if_false), value) for outcome in outcomes]
        else:
            raise ValueError(f"an instruction that system call filters don't use: {code:#x}")
    return found


def count(program: list[Instruction], machine: str) -> Count:
    """Return what a filter allows on a machine."""
    ours = {number: answers(program, number, ARCHITECTURES[machine]) for number in NUMBERS}
    return Count(
        free=frozenset(number for number, found in ours.items() if found == {ALLOW}),
        by_argument=frozenset(number for number, found in ours.items() if ALLOW in found and found != {ALLOW}),
        foreign={
            name: sum(ALLOW in answers(program, number + added, architecture) for number in NUMBERS)
            for name, architecture, added in FOREIGN[machine]
        },
    )


@contextlib.contextmanager
def waiting_container(client: docker.APIClient, sandbox: Sandbox, *, default_profile: bool) -> Iterator[int]:
    """Run a container that waits, under our profile or the engine's; yield its process id on the host."""
    config = sandbox.container_config(59_997, ())
    config["Entrypoint"] = ["python3", "-c", "print('ready', flush=True); input()"]
    if default_profile:
        options = config["HostConfig"]["SecurityOpt"]
        options[:] = [option for option in options if not option.startswith("seccomp=")]
    container_id = client.create_container_from_config(config)["Id"]
    try:
        stream = client.attach_socket(container_id, {"stdin": 1, "stdout": 1, "stream": 1})
        # The SDK leaves the response open, which must be closed first.
        with contextlib.closing(stream), contextlib.closing(stream._response):  # noqa: SLF001
            client.start(container_id)
            stream.read(1)  # once it writes, the filter is loaded
            yield int(client.inspect_container(container_id)["State"]["Pid"])
    finally:
        client.remove_container(container_id, force=True)


def measure(client: docker.APIClient, image: str) -> dict[str, Count]:
    """Return the counts of our profile and of the engine's default one."""
    image_id = client.inspect_image(image)["Id"]
    sandbox = Sandbox(image_id, Limits(), None, "system-calls", "count", idle_limit_s=60)
    counts = {}
    for name, default_profile in (("ours", False), ("default", True)):
        with waiting_container(client, sandbox, default_profile=default_profile) as pid:
            counts[name] = count(list(struct.iter_unpack("=HBBI", read_call_filter(pid))), platform.machine())
    return counts


def names_of(numbers: frozenset[int], machine: str) -> list[str]:
    """Return the calls' names from libseccomp, or their numbers if that isn't installed."""
    found = ctypes.util.find_library("seccomp")
    if found is None:
        return [str(number) for number in sorted(numbers)]
    library = ctypes.CDLL(found)
    library.seccomp_syscall_resolve_num_arch.restype = ctypes.c_char_p
    resolved = {
        number: library.seccomp_syscall_resolve_num_arch(ctypes.c_uint32(ARCHITECTURES[machine]), number)
        for number in numbers
    }
    return sorted(name.decode() if name else str(number) for number, name in resolved.items())


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.system_calls", description=__doc__)
    parser.add_argument("--image", default=os.environ.get("FIGBOX_IMAGE") or "figbox-runner:latest")
    parser.add_argument("--names", action="store_true", help="also list the calls that only the default profile allows")
    options = parser.parse_args()
    machine = platform.machine()
    with contextlib.closing(docker.APIClient(base_url=find_engine_url(None), version="auto")) as client:
        try:
            counts = measure(client, options.image)
        except OSError as error:
            print(f"the filter can't be read ({error.strerror}): run as root on the engine's host", file=sys.stderr)
            return 1
        version = client.version()["Version"]
    ours, default = counts["ours"], counts["default"]
    print(f"System calls on {machine}, engine {version}\n")
    rows = [
        ("", "Figbox", "engine default"),
        ("allowed", len(ours.allowed), len(default.allowed)),
        ("of these only with some arguments", len(ours.by_argument), len(default.by_argument)),
        *((f"allowed to {name} programs", ours.foreign[name], default.foreign[name]) for name in ours.foreign),
    ]
    for text, here, there in rows:
        print(f"{text:<36}{here:>8}{there:>16}")
    print(f"\nAllowed here but not by the engine's default: {len(ours.allowed - default.allowed)}")
    if options.names:
        print("Only allowed by the engine's default:", *names_of(default.allowed - ours.allowed, machine))
    return 0


if __name__ == "__main__":
    sys.exit(main())
