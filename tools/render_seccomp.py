"""Write docs/seccomp.md from docs/seccomp-calls.toml and the profile: `python -m tools.render_seccomp`."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CALLS = ROOT / "docs" / "seccomp-calls.toml"
PROFILE = ROOT / "gateway" / "launcher" / "engine" / "seccomp.json"
PAGE = ROOT / "docs" / "seccomp.md"

HEAD = """\
# System calls

Every system call that a job may make, and why. The list is `{profile}`;
a call that it doesn't name is refused with an error. `python -m tools.render_seccomp` makes this page from
`docs/seccomp-calls.toml`, where each call also has a *probe*: a piece of Python that works, and stops working when this
one call is refused. Tests run every probe both ways, so every call on the list is needed.

Measured on x86-64 beside the default profile of Docker {engine}, for a container without capabilities:

| | Figbox | Docker's default |
| --- | --- | --- |
{counts}

This prints the table, on any engine:

```sh
.venv/bin/python -m tools.system_calls
```

The command neither reads the list nor tries calls. It takes the filter out of the kernel as the engine loaded it for a
running container, once with our profile and once with the engine's own, and follows it for each call's number;
`--names` lists what only the default allows. It must run as root, on the engine's host.

What is missing from the list matters more than its length: sockets of any family, a second process, `splice` and
`vmsplice`, `io_uring`, memory files, keys, tracing, namespaces and mounts, `bpf`, `userfaultfd`, message queues and
shared memory, changes of modes, owners or links. The entry points for 32-bit programs are closed altogether: a program
that uses one is killed.
"""

CONDITIONS = """
## Allowed by argument

| Call | Only with |
| --- | --- |
| `clone` | `CLONE_THREAD` set; or `SIGCHLD` and nothing else |
| `ioctl` | `TCGETS`, `FIONBIO`, `FIOCLEX`, `FIONCLEX`; each compares the whole argument |
| `prctl` | `PR_SET_NAME`, `PR_SET_DUMPABLE`, `PR_SET_SECCOMP` |

## Closed by the supervisor

Process 1 of a container starts the runner as its child, which is what the child, the filter and `wait4` are allowed
for ([architecture.md](architecture.md#the-supervisor)). Before that child becomes the runner it installs a
filter of its own, which no later one can loosen. It refuses `fork`, `vfork`, every `clone` without `CLONE_THREAD`,
`seccomp`, `wait4`, `ptrace`, `process_vm_writev`, these two values of `prctl`, and SIGSTOP in every call that sends
signals. In gVisor, where the list above is off, it is the only filter.
"""

UNKNOWN = """
## Refused as "not implemented"

These get the error that an older kernel gives, because their callers then fall back to another call, and with "not
permitted" some of them don't: {names}.

`clone3` is the one that matters. Its flags are in memory, where a filter can't see them; the C library falls back to
`clone`, whose flags are in an argument. Docker 20.10 ignores a profile's `defaultErrnoRet`, so each name is listed.
"""


def allowed(profile: dict[str, Any]) -> set[str]:
    """Return the calls that a profile allows; a call allowed by its argument is named once for each value."""
    names = set()
    for rule in profile["syscalls"]:
        if rule["action"] == "SCMP_ACT_ALLOW":
            value = rule["comment"].partition(":")[0].partition(" ")[0]
            names |= {f"{name}-{value}" if rule.get("args") else name for name in rule["names"]}
    return names


def render() -> str:
    """Return the page."""
    groups = tomllib.loads(CALLS.read_text("utf-8"))
    counted = groups.pop("counted")
    words = {
        "allowed": "Allowed",
        "by_argument": "Of these, by their arguments alone",
        "i386": "Allowed to i386 programs",
        "x32": "Allowed to x32 programs",
    }
    counts = "\n".join(f"| {text} | {counted[name][0]} | {counted[name][1]} |" for name, text in words.items())
    profile = PROFILE.relative_to(ROOT)
    parts = [HEAD.format(engine=counted["engine"], counts=counts, profile=profile)]
    for group in groups.values():
        parts.append(f"\n## {group['title']}\n\n| Call | x86-64 | ARM | Why |\n| --- | --- | --- | --- |\n")
        for name, call in group["calls"].items():
            numbers = " | ".join(str(number) if number >= 0 else "none" for number in call["numbers"])
            parts.append(f"| `{name.replace('-', '` `')}` | {numbers} | {call['why']} |\n")
    parts.append(CONDITIONS)
    rules = json.loads(PROFILE.read_text("utf-8"))["syscalls"]
    (unknown,) = (rule for rule in rules if rule["action"] == "SCMP_ACT_ERRNO")
    parts.append(UNKNOWN.format(names=", ".join(f"`{name}`" for name in unknown["names"])))
    return "".join(parts)


def main() -> int:
    """Write the page; return the exit status."""
    PAGE.write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
