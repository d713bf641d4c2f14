"""The container specification line by line, each with what shows that it holds: a probe, and the line's removal.

A probe is a program of ours that is run twice: under the full specification, and under one that lacks this one line
and nothing else. It must fail in the one and succeed in the other, or it proves nothing. Where another line would hide
what this one does (a user without privileges can't write to a file system that could be written), that other line is
taken out on *both* sides, so that this one stands alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.jobs import MiB
from tests.spec_lines import probes, watches
from tests.spec_lines.changes import (
    as_root,
    engines_own_filter,
    field,
    host,
    new_privileges,
    seccomp,
    tmpfs,
    ulimit,
    under_another_process,
    unfiltered,
    unmasked,
    with_any_clone,
    with_foreign_calls,
    without,
)
from tests.support.containers import run, unsupervised

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from tests.spec_lines.changes import Change
    from tests.support.containers import Config

#: A uid beyond the guests' range, for what must have one that no live container shares by chance.
LONE_UID = "60007:60007"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the specification, and its proof.

    Attributes:
        name: What it is there for.
        covers: The leaf of the create body, as `leaves` names it; None for a line that is a field left unset.
        take_out: Removes this line alone.
        probe: Assigns what it finds to `answer`; see `containers.HARNESS`.
        held: The answer under the full specification, or what recognises such an answer.
        open: The answer without this line, or what recognises such an answer.
        both: Changes on both sides: other lines that would hide this one, or a smaller number for a quick end.
        watch: Runs a container and gives the answer; for what is seen from outside.
        machine: Where the probe is for one kind of processor.
    """

    name: str
    covers: str | None
    take_out: Change
    probe: str
    held: object
    open: object
    both: tuple[Change, ...] = ()
    watch: Callable[[docker.APIClient, Config], object] = lambda client, config: run(client, config).answer
    machine: str | None = None


def is_as(answer: object, expected: object) -> bool:
    """Tell whether an answer is the expected one, or one that the expectation recognises."""
    return bool(expected(answer)) if callable(expected) else answer == expected


#: Leaves that restrict nothing, with the reason why they are there.
IDENTITY = {
    "Image": "which image, by digest: `test_image_is_named_by_digest`",
    "Cmd": "what our runner is told to do",
    "WorkingDir": "a constant, never a request's; the image says the same",
    "Labels": "whose container it is, for the sweep",
    "AttachStdin": "how the job comes in",
    "AttachStdout": "how the reply comes out",
    "AttachStderr": "how prints come out",
    "OpenStdin": "how the job comes in",
    "Tmpfs.rw": "the working directory can be written",
    "Tmpfs.mode": "by the job's uid, whichever it is",
    "AutoRemove": "off, so that the exit status can be read before we remove",
    "Runtime": "the operator's choice; the self-test at the start looks at what it does",
}


def leaves(config: Config) -> set[str]:
    """Return the names of all that a create body says, down to the single option."""
    options = config["HostConfig"]
    names = (set(config) | set(options)) - {"HostConfig", "Ulimits", "Tmpfs", "SecurityOpt"}
    names |= {f"Ulimits.{limit['Name']}" for limit in options["Ulimits"]}
    for mount in options["Tmpfs"].values():
        names |= {f"Tmpfs.{option.partition('=')[0]}" for option in mount.split(",")}
    for option in options["SecurityOpt"]:
        kind, _, value = option.partition("=")
        names |= {f"seccomp.{key}" for key in json.loads(value)} if kind == "seccomp" else {kind}
    return names


# A table: a name, the leaf and its removal; below them the probe, and what it finds with the line and without it.
# fmt: off
def make_lines(masked_paths: tuple[str, ...]) -> tuple[Line, ...]:
    """Return the table.

    Args:
        masked_paths: Of the specification; each is looked at by itself.
    """
    executable = (as_root, without("CapDrop"), unfiltered, tmpfs("noexec", "exec"))
    return (
        Line("a uid of its own: no share in another job's quotas", "User", field(User=LONE_UID),
             watches.PIPE_SIZE, 65536, lambda size: size < 65536, watch=watches.beside_a_neighbour(LONE_UID)),
        Line("host name", "Hostname", without("Hostname"),
             "answer = os.uname().nodename", "job", lambda name: len(name) == 12),  # the container's id
        Line("the guest is not the first process", "Entrypoint", unsupervised,
             probes.STAY, "ended", "went on", watch=watches.go_away),
        Line("no process beside the guest", None, unsupervised,
             probes.CLONE, "EPERM", "ok"),
        Line("no terminal", "Tty", field(Tty=True),
             "answer = os.isatty(0)", False, True, (unsupervised,)),
        Line("stdin ends with its writer", "StdinOnce", field(StdinOnce=False),
             watches.ECHO, "ended", "more", watch=watches.come_back_to_stdin),
        Line("no command of the image's is executed as a health check", "Healthcheck", without("Healthcheck"),
             watches.ECHO, "no check", "checked", watch=watches.look_for_a_health_check),
        Line("a stop does not ask", "StopSignal", without("StopSignal"),
             watches.LISTEN, "killed", "asked", (unsupervised,), watches.stop),
        Line("no network, were it not disabled", "NetworkMode", host(NetworkMode="host"),
             probes.NETWORK, ["lo"], lambda found: len(found) > 1, (field(NetworkDisabled=False),)),
        Line("no network, were the mode forgotten", "NetworkDisabled", field(NetworkDisabled=False),
             probes.NETWORK, ["lo"], "connected", (without("NetworkMode"),), watches.run_unless_it_connects),
        Line("read-only root", "ReadonlyRootfs", host(ReadonlyRootfs=False),
             probes.write("/var/tmp/x"), "EROFS", "ok"),
        Line("size of the working directory", "Tmpfs.size", tmpfs("size", "size=1g"),
             probes.FILES, "ENOSPC", "ok"),
        Line("files of the working directory", "Tmpfs.nr_inodes", tmpfs("nr_inodes", "nr_inodes=0"),
             probes.INODES, "ENOSPC", "ok"),
        Line("nothing executable in the working directory", "Tmpfs.noexec", tmpfs("noexec", "exec"),
             probes.EXECUTABLE, "EPERM", "ok"),
        Line("no setuid program in the working directory", "Tmpfs.nosuid", tmpfs("nosuid", "suid"),
             probes.SETUID, "1000", "0", (*executable, new_privileges, unsupervised)),
        Line("no device in the working directory", "Tmpfs.nodev", tmpfs("nodev", "dev"),
             probes.DEVICE, "EACCES", "ok", (as_root, without("CapDrop"), unfiltered)),
        Line("no capability, not even for root", "CapDrop", without("CapDrop"),
             "open('/tmp/x', 'w'); answer = fails(os.chown, '/tmp/x', 1, 1)", "EPERM", "ok", (as_root, unfiltered)),
        Line("no capability to be gained", None, without("CapDrop"),
             "answer = int(read('/proc/self/status').partition('CapBnd:')[2].split()[0], 16)",
             0, lambda mask: mask != 0),
        Line("no new privileges", "no-new-privileges", new_privileges,
             probes.SETUID, "1000", "0", (*executable, tmpfs("nosuid", "suid"), unsupervised)),
        Line("system calls that no plot needs", "seccomp.defaultAction", engines_own_filter,
             probes.CALLS,
             {"socket": "EPERM", "memfd_create": "ENOSYS", "chmod": "", "symlink": "EPERM", "splice": "EPERM"},
             lambda found: {found[name] for name in ("socket", "memfd_create", "symlink")} == {"ok"}),
        Line("no process beside the first", "seccomp.syscalls", seccomp(with_any_clone),
             "def fork():\n    if os.fork() == 0: os._exit(0)\nanswer = fails(fork)", "EPERM", "ok",
             (unsupervised,)),
        Line("no 32-bit entry to the kernel", "seccomp.archMap", seccomp(with_foreign_calls),
             probes.INT80, "exit 159", 1, (unsupervised,), machine="x86_64"),  # killed by SIGSYS
        Line("facts about host and neighbours are masked", "MaskedPaths", unmasked,
             probes.MASKS % (masked_paths,), [], lambda visible: len(visible) >= 10),
        Line("no queue in /dev/mqueue, by its mask", None, unmasked,
             probes.write("/dev/mqueue/x"), "EROFS", "ok", (ulimit("msgqueue", 819200),)),
        Line("no setting of the kernel can be changed", "ReadonlyPaths", host(ReadonlyPaths=[]),
             "answer = fails(open, '/proc/sys/kernel/msgmax', 'r+')", "EROFS", "ok", (as_root,)),  # never written
        Line("no shared memory", "IpcMode", host(IpcMode="private"),
             "answer = fails(open, '/dev/shm/x', 'w') != 'ok'", True, False),
        Line("a control group tree of its own", "CgroupnsMode", host(CgroupnsMode="host"),
             "answer = any(len(line.split(':')[2]) > 64 for line in read('/proc/self/cgroup').splitlines())",
             False, True),
        Line("threads and processes", "PidsLimit", without("PidsLimit"),
             probes.THREADS, "can't start new thread", "ok"),
        Line("memory", "Memory", without("Memory", "MemorySwap"),
             "answer = len(b'x' * (128 << 20)) >> 20", "exit 137", 128),
        Line("no swap", "MemorySwap", without("MemorySwap"),
             probes.SWAP, "none", "some", (unmasked,)),
        Line("processor time", "NanoCpus", without("NanoCpus"),
             probes.CPU_LIMIT, 1.0, "none", (unmasked,)),
        Line("less weight than the gateway and the engine", "CpuShares", without("CpuShares"),
             probes.CPU_WEIGHT, "low", "usual", (unmasked,)),
        Line("first to go when the host's memory is over", "OomScoreAdj", without("OomScoreAdj"),
             "answer = int(read('/proc/self/oom_score_adj'))", 500, lambda score: score < 500),
        Line("no core file", "Ulimits.core", ulimit("core", 1 << 20),
             probes.limit("CORE"), 0, 1 << 20),
        Line("processor time, were the gateway not there to kill", "Ulimits.cpu", ulimit("cpu", 3600),
             probes.SPIN, "exit 137", "went on", (ulimit("cpu", 1),)),
        Line("size of a file", "Ulimits.fsize", ulimit("fsize", 1 << 50),
             "open('/tmp/x', 'w'); answer = fails(os.truncate, '/tmp/x', 1 << 40)",
             "EFBIG", "ok", (unfiltered,)),  # `truncate` by name; ours allows it by descriptor
        Line("no locked memory", "Ulimits.memlock", ulimit("memlock", 1 << 20),
             probes.LOCKED, "EPERM", "ok", (unfiltered,)),
        Line("no queue in /dev/mqueue, by its quota", "Ulimits.msgqueue", ulimit("msgqueue", 819200),
             probes.write("/dev/mqueue/x"), "EMFILE", "ok", (unmasked,)),
        Line("no better priority", "Ulimits.nice", ulimit("nice", 40),
             "answer = fails(os.setpriority, os.PRIO_PROCESS, 0, -1)", "EACCES", "ok", (unfiltered,)),
        Line("open files", "Ulimits.nofile", ulimit("nofile", 1024),
             probes.DESCRIPTORS, "EMFILE", "ok"),
        Line("no real-time priority", "Ulimits.rtprio", ulimit("rtprio", 10),
             probes.limit("RTPRIO"), 0, 10),
        Line("waiting signals", "Ulimits.sigpending", ulimit("sigpending", 4096),
             probes.SIGNALS, "EAGAIN", "ok", (unfiltered,)),
        Line("size of the stack", "Ulimits.stack", ulimit("stack", 64 * MiB),
             probes.STACK, "exit 139", "grew"),
        Line("no log file on the host", "LogConfig", host(LogConfig={"Type": "json-file"}),
             "answer = 'said'", "nothing", "said", watch=watches.read_the_log),
        Line("ended is ended", "RestartPolicy", host(RestartPolicy={"Name": "always"}),
             "answer = 'done'", "ended", "started again", watch=watches.see_how_it_goes_on),
        Line("not privileged: no device of the host", "Privileged", host(Privileged=True),
             "answer = os.path.exists('/dev/kmsg')", False, True),
        Line("processes of its own alone", None, host(PidMode="host"),
             f"answer = {probes.PARENT}", 1, lambda pid: pid != 1),
        Line("the first process's death ends all", None, under_another_process,
             probes.ORPHAN, "exit 0", "outlived", (unfiltered, unsupervised)),
        Line("host and domain name of its own", None, host(UTSMode="host"),
             "answer = os.uname().nodename", lambda name: len(name) == 12, lambda name: len(name) != 12,
             (without("Hostname"),)),  # the engine refuses the two together
        Line("no secret in the environment", None, field(Env=["SECRET=x"]),
             "answer = 'SECRET' in os.environ", False, True),
        Line("no folder of the host", None, host(Binds=["/proc/self/cwd:/mnt:ro"]),
             "answer = os.path.ismount('/mnt')", False, True),
    )
# fmt: on
