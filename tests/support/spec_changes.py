"""Changes of a create body: each takes one line of the container specification out, or another value in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.containers import Config

    Change = Callable[[Config], None]


def without(*names: str) -> Change:
    """Return what takes fields out of the host's part."""

    def change(config: Config) -> None:
        for name in names:
            del config["HostConfig"][name]

    return change


def with_host(**values: Any) -> Change:
    """Return what sets fields of the host's part."""
    return lambda config: config["HostConfig"].update(values)


def with_field(**values: Any) -> Change:
    """Return what sets fields of the container's part."""
    return lambda config: config.update(values)


def without_field(name: str) -> Change:
    """Return what takes a field out of the container's part."""
    return lambda config: config.pop(name)


def with_ulimit(name: str, value: int) -> Change:
    """Return what sets a resource limit; where one is missing, the engine's own limits hold, whatever they are."""

    def change(config: Config) -> None:
        (limit,) = (limit for limit in config["HostConfig"]["Ulimits"] if limit["Name"] == name)
        limit.update(Soft=value, Hard=value)

    return change


def with_tmpfs(old: str, new: str) -> Change:
    """Return what exchanges an option of the working directory's file system."""

    def change(config: Config) -> None:
        mounts = config["HostConfig"]["Tmpfs"]
        options = mounts["/tmp"].split(",")
        (found,) = (option for option in options if option.partition("=")[0] == old)
        mounts["/tmp"] = ",".join(new if option == found else option for option in options)

    return change


def with_seccomp(change: Callable[[dict[str, Any]], None]) -> Change:
    """Return what changes the system call profile."""

    def change_option(config: Config) -> None:
        options = config["HostConfig"]["SecurityOpt"]
        (text,) = (option for option in options if option.startswith("seccomp="))
        profile = json.loads(text.removeprefix("seccomp="))
        change(profile)
        options[options.index(text)] = f"seccomp={json.dumps(profile)}"

    return change_option


def _without_option(config: Config, beginning: str) -> None:
    options = config["HostConfig"]["SecurityOpt"]
    options[:] = [option for option in options if not option.startswith(beginning)]


def engines_own_filter(config: Config) -> None:
    """Leave the filter to the engine."""
    _without_option(config, "seccomp=")


def unfiltered(config: Config) -> None:
    """Allow every system call."""
    _without_option(config, "seccomp=")
    config["HostConfig"]["SecurityOpt"].append("seccomp=unconfined")


def new_privileges(config: Config) -> None:
    """Let programs gain privileges."""
    _without_option(config, "no-new-privileges")


def as_root(config: Config) -> None:
    """Run as root."""
    config["User"] = "0:0"


def unmasked(config: Config) -> None:
    """Mask nothing."""
    config["HostConfig"]["MaskedPaths"] = []


def with_foreign_calls(profile: dict[str, Any]) -> None:
    """Let in the 32-bit entry points that Docker's own profile lets in."""
    profile["archMap"][0]["subArchitectures"] = ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]


def with_any_clone(profile: dict[str, Any]) -> None:
    """Allow `clone` whatever its flags."""
    (rule,) = (rule for rule in profile["syscalls"] if rule["names"] == ["clone"])
    del rule["args"]


def under_a_supervisor(config: Config) -> None:
    """Start the program as a child of another one, which waits for every descendant."""
    supervisor = """
import os, subprocess, sys
subprocess.run(sys.argv[1:])
try:
    while True: os.wait()
except ChildProcessError:
    pass
"""
    config["Entrypoint"] = ["python3", "-c", supervisor, *config["Entrypoint"]]
