"""Write docs/seccomp.md from docs/seccomp-calls.toml and the profile: `python -m tools.render_seccomp`."""

from __future__ import annotations

import errno
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

What is missing from the list matters more than its length: sockets that reach anything, descriptors sent over sockets,
a second process, `splice` and `vmsplice`, `io_uring`, memory files, keys, tracing, namespaces and mounts, `bpf`,
`userfaultfd`, message queues and shared memory, set-id bits, changes of owners or links. The entry points for 32-bit
programs are closed altogether: a program that uses one is killed.
"""

CONDITIONS = """
## Allowed by argument

| Call | Only with |
| --- | --- |
| `chmod`, `fchmod`, `fchmodat` | A mode without set-user-id and set-group-id |
| `clone` | `CLONE_THREAD` set; or `SIGCHLD` and nothing else |
| `ioctl` | `TCGETS`, `FIONBIO`, `FIOCLEX`, `FIONCLEX`; each compares the whole argument |
| `prctl` | `PR_SET_NAME`, `PR_SET_DUMPABLE`, `PR_SET_SECCOMP` |
| `sendto`, `recvfrom` | No flags, no address |
| `socketpair` | `AF_UNIX`, `SOCK_STREAM` with `SOCK_CLOEXEC`, protocol 0; each compares the whole argument |

## The pair of sockets

An event loop, as `asyncio` makes it, has a pair of connected sockets, by which a thread or a signal wakes it while it
waits. What a guest can do with such pairs, and why not more:

- They reach nothing. `socket`, `connect`, `bind`, `listen` and `accept` are off the list, so a socket is one end of a
  pair that the guest made itself, and has no name.
- They carry bytes alone. Descriptors and credentials travel in `sendmsg`, which is off the list with `sendmmsg`,
  `recvmsg` and `recvmmsg`; nothing opened elsewhere comes in, and nothing goes out. So no descriptor is ever *in
  flight*, of which the kernel counts how many each user has across containers, and whose collection has had its holes.
  Each live container has a user id of its own all the same.
- No flags: bytes out of band (`MSG_OOB`), code of the kernel that sandboxes were left by (CVE-2025-38236), can't be
  sent, asked for or peeked at. Nor can options be set: buffers stay as large as the kernel makes them.
- Bytes that nobody reads are memory of the kernel. It is charged to the container's own memory limit
  (`GFP_KERNEL_ACCOUNT` in Linux, `net/unix/af_unix.c`), and there are at most as many sockets as descriptors, 256. An
  attack fills them all; a test reads what the container is charged.
- In gVisor, where the list is off, sockets are those of its own kernel, as they were.

The modes of one's own files can be changed, but for the set-id bits. Those would be without effect: the working
directory is mounted `nosuid`, nothing can gain privileges (`no_new_privs`), and all files there are the guest's.

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

## Refused as "not supported"

{unsupported}: the answer of a file system without extended attributes, which `shutil.copy2` and `copytree` take for
one; with "not permitted" they fail.
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
    names = {
        rule["errnoRet"]: ", ".join(f"`{name}`" for name in rule["names"])
        for rule in rules
        if rule["action"] == "SCMP_ACT_ERRNO"
    }
    parts.append(UNKNOWN.format(names=names[errno.ENOSYS], unsupported=names[errno.ENOTSUP]))
    return "".join(parts)


def main() -> int:
    """Write the page; return the exit status."""
    PAGE.write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
