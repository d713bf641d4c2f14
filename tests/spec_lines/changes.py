"""Changes of a create body: each takes one line of the container specification out, or another value in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.containers import Config

    Change = Callable[[Config], None]


def without(*names: str) -> Change:
    """Return what takes fields out, of the host's part or the container's."""

    def change(config: Config) -> None:
        for name in names:
            (config["HostConfig"] if name in config["HostConfig"] else config).pop(name)

    return change


def host(**values: Any) -> Change:
    """Return what sets fields of the host's part."""
    return lambda config: config["HostConfig"].update(values)


def field(**values: Any) -> Change:
    """Return what sets fields of the container's part."""
    return lambda config: config.update(values)


def ulimit(name: str, value: int) -> Change:
    """Return what sets a resource limit; where one is missing, the engine's own limits hold, whatever they are."""

    def change(config: Config) -> None:
        (limit,) = (limit for limit in config["HostConfig"]["Ulimits"] if limit["Name"] == name)
        limit.update(Soft=value, Hard=value)

    return change


def tmpfs(old: str, new: str) -> Change:
    """Return what exchanges an option of the working directory's file system."""

    def change(config: Config) -> None:
        mounts = config["HostConfig"]["Tmpfs"]
        options = mounts["/tmp"].split(",")
        (place,) = (number for number, option in enumerate(options) if option.partition("=")[0] == old)
        options[place] = new
        mounts["/tmp"] = ",".join(options)

    return change


def seccomp(change: Callable[[dict[str, Any]], None]) -> Change:
    """Return what changes the system call profile."""

    def change_option(config: Config) -> None:
        options = config["HostConfig"]["SecurityOpt"]
        (text,) = (option for option in options if option.startswith("seccomp="))
        profile = json.loads(text.removeprefix("seccomp="))
        change(profile)
        options[options.index(text)] = f"seccomp={json.dumps(profile)}"

    return change_option


def _without_option(beginning: str, *instead: str) -> Change:
    def change(config: Config) -> None:
        options = config["HostConfig"]["SecurityOpt"]
        options[:] = [*(option for option in options if not option.startswith(beginning)), *instead]

    return change


#: The filter of system calls is the engine's own, or missing; programs may gain privileges.
engines_own_filter = _without_option("seccomp=")
unfiltered = _without_option("seccomp=", "seccomp=unconfined")
new_privileges = _without_option("no-new-privileges")

as_root = field(User="0:0")
unmasked = host(MaskedPaths=[])


def with_foreign_calls(profile: dict[str, Any]) -> None:
    """Let in the 32-bit entry points that Docker's own profile lets in."""
    profile["archMap"][0]["subArchitectures"] = ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]


def with_any_clone(profile: dict[str, Any]) -> None:
    """Allow `clone` whatever its flags."""
    for rule in profile["syscalls"]:
        if rule["names"] == ["clone"]:
            del rule["args"]


def under_another_process(config: Config) -> None:
    """Start the program as a child of another one, which waits for every descendant."""
    parent = """
import os, subprocess, sys
subprocess.run(sys.argv[1:])
try:
    while True: os.wait()
except ChildProcessError:
    pass
"""
    config["Entrypoint"] = ["python3", "-c", parent, *config["Entrypoint"]]
