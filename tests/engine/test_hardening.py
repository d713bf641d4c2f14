"""The container specification, seen from inside by guest code: each line is tried, none is taken on trust."""

from __future__ import annotations

import ast
import contextlib
import textwrap
from typing import TYPE_CHECKING, Any

import docker
import pytest

from gateway.launcher.engine.specification import UID_FIRST, UID_LAST
from tests.fakes import until
from tests.support.containers import HARNESS
from tests.support.live import WARM_STARTS, LiveGateway, engine_client, live_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.engine, pytest.mark.core]


@pytest.fixture(scope="module", params=WARM_STARTS)
def gateway(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[LiveGateway]:
    """Return a gateway with default settings; runners are confined however they become warm."""
    with live_gateway(tmp_path_factory.mktemp("gateway"), FIGBOX_WARM_START=request.param) as running:
        yield running


async def inside(gateway: LiveGateway, expression: str, setup: str = "") -> Any:
    """Return the value of an expression evaluated by guest code, brought out as its own exception's text."""
    code = f"{textwrap.dedent(setup)}\nraise SystemExit('<<' + repr({expression}) + '>>')\n"
    answer = await gateway.render(code)
    error = answer.json["error"]
    assert "<<" in error, error
    return ast.literal_eval(error[error.rindex("<<") + 2 : error.rindex(">>")])


async def test_no_network_but_loopback(gateway: LiveGateway) -> None:
    """The only interface is `lo`, and no socket of any family can be made."""
    lines = await inside(gateway, "open('/proc/net/dev').read().splitlines()[2:]")
    assert [line.split(":")[0].strip() for line in lines] == ["lo"]
    setup = HARNESS + "import socket"
    families = "[socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, 38, 40]"
    made = f"{{fails(socket.socket, family, socket.SOCK_STREAM) for family in {families}}}"
    assert await inside(gateway, made, setup) == {"EPERM"}


async def test_no_privileges(gateway: LiveGateway) -> None:
    """No capability in any set, no way to gain one, a system call filter, an own uid without other groups."""
    status = await inside(
        gateway, "dict(line.split(':\\t') for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)"
    )
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    uids = {int(uid) for uid in status["Uid"].split()}
    assert len(uids) == 1
    assert UID_FIRST <= uids.pop() <= UID_LAST
    assert set(status["Groups"].split()) <= set(status["Gid"].split())


async def test_root_file_system_cannot_be_written(gateway: LiveGateway) -> None:
    """Nothing outside the working directory can be written, image files and devices included."""
    places = ["", "/etc", "/opt/figbox", "/opt/figbox/site", "/usr", "/var", "/home", "/root", "/run", "/dev"]
    places += ["/dev/shm", "/dev/mqueue", "/sys/fs/cgroup", "/proc/sys/kernel"]
    found = await inside(gateway, f"{{p: fails(open, p + '/x', 'w') for p in {places}}}", HARNESS)
    refused = {"EROFS", "EACCES", "ENOENT", "EPERM", "ENOTDIR"}
    assert {place: error for place, error in found.items() if error not in refused} == {}


async def test_working_directory_is_bounded_and_inert(gateway: LiveGateway) -> None:
    """The working directory is a tmpfs with size and inode caps, without execution, setuid and devices."""
    mount = await inside(gateway, "[l for l in open('/proc/self/mounts').read().splitlines() if ' /tmp ' in l][0]")
    options = set(mount.split()[3].split(","))
    assert mount.split()[2] == "tmpfs"
    assert {"rw", "noexec", "nosuid", "nodev"} <= options
    assert any(option.startswith("size=") for option in options)
    assert any(option.startswith("nr_inodes=") for option in options)
    setup = HARNESS + "open('/tmp/prog', 'w').write('#!/bin/true')"
    assert await inside(gateway, "fails(os.execv, '/tmp/prog', ['prog'])", setup) == "EACCES"


#: x86_64 numbers of calls that reach parts of the kernel no plot needs.
#: Source: Linux, arch/x86/entry/syscalls/syscall_64.tbl.
CLOSED_CALLS = {
    "ptrace": 101, "setuid": 105, "personality": 135, "chroot": 161, "mount": 165, "keyctl": 250, "unshare": 272,
    "splice": 275, "perf_event_open": 298, "setns": 308, "process_vm_readv": 310, "seccomp": 317, "bpf": 321,
    "memfd_create": 319, "userfaultfd": 323, "io_uring_setup": 425, "open_tree": 428, "fsopen": 430,
    "pidfd_open": 434, "clone3": 435, "landlock_create_ruleset": 444, "memfd_secret": 447,
}  # fmt: skip


async def test_system_calls_are_closed(gateway: LiveGateway) -> None:
    """Calls that reach parts of the kernel no plot needs are refused by the filter."""
    machine, found = await inside(
        gateway,
        f"(os.uname().machine, {{name: syscall(number, 0, 0, 0, 0, 0) for name, number in {CLOSED_CALLS}.items()}})",
        HARNESS,
    )
    assert machine == "x86_64", "these numbers are x86_64's: add those of this machine"
    assert {name: error for name, error in found.items() if error not in {"EPERM", "ENOSYS"}} == {}


async def test_no_second_process(gateway: LiveGateway) -> None:
    """Neither fork nor vfork nor a spawned command works; threads do."""
    assert await inside(gateway, "fails(os.fork)", HARNESS) == "EPERM"
    spawn = "fails(subprocess.run, ['/usr/bin/python3', '-c', ''])"
    assert await inside(gateway, spawn, HARNESS + "import subprocess") == "EPERM"
    thread = "import threading; r = []; t = threading.Thread(target=r.append, args=(7,)); t.start(); t.join()"
    assert await inside(gateway, "r", thread) == [7]


async def test_host_facts_are_hidden(gateway: LiveGateway) -> None:
    """Kernel and host tables read as empty or not at all."""
    reading = "\n    def read(p):\n        try: return len(open(p).read(100))\n        except OSError: return 0\n"
    tables = [f"/proc/{name}" for name in ("kallsyms", "modules", "cmdline", "interrupts", "keys", "kcore", "locks")]
    assert await inside(gateway, f"[p for p in {tables} if read(p)]", reading) == []
    assert await inside(gateway, "os.listdir('/sys/kernel') + os.listdir('/sys/class')", "import os") == []
    assert await inside(gateway, "open('/proc/self/cgroup').read().count('docker')") == 0


async def test_resource_limits(gateway: LiveGateway) -> None:
    """No core files, no locked memory, no queues; and the processor time ends even without a gateway."""
    limits = await inside(
        gateway,
        "{n: resource.getrlimit(getattr(resource, 'RLIMIT_' + n)) for n in "
        "('CORE', 'MEMLOCK', 'MSGQUEUE', 'NOFILE', 'CPU', 'FSIZE', 'RTPRIO', 'SIGPENDING')}",
        "import resource",
    )
    assert limits["CORE"] == limits["MEMLOCK"] == limits["MSGQUEUE"] == limits["RTPRIO"] == (0, 0)
    assert limits["NOFILE"] == limits["SIGPENDING"] == (256, 256)
    assert limits["CPU"][1] == 50
    assert limits["FSIZE"] == (64 << 20, 64 << 20)


async def test_no_secret_in_the_environment(gateway: LiveGateway) -> None:
    """Environment, host name and arguments tell nothing of the gateway."""
    environment = await inside(gateway, "dict(os.environ)", "import os")
    assert not any("key" in (name + value).lower() for name, value in environment.items())
    assert await inside(gateway, "platform.node()", "import platform") == "job"


async def live_containers(gateway: LiveGateway, least: int) -> list[dict[str, Any]]:
    """Return the engine's records of the containers that are there; those of finished jobs go at any moment."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        found.clear()
        for name in gateway.containers():
            with contextlib.suppress(docker.errors.NotFound):
                found.append(client.inspect_container(name))
        return len(found) >= least

    with engine_client(gateway.docker_host) as client:
        await until(look, f"{least} containers are there")
    return found


async def test_engine_was_told_every_line(gateway: LiveGateway) -> None:
    """What can't be seen from inside stands in the engine's own record of a live container."""
    record = (await live_containers(gateway, 1))[0]
    host = record["HostConfig"]
    expected = {
        "NetworkMode": "none", "ReadonlyRootfs": True, "CapDrop": ["ALL"], "IpcMode": "none", "PidsLimit": 64,
        "Memory": 1024 << 20, "MemorySwap": 1024 << 20, "NanoCpus": 1_000_000_000, "CgroupnsMode": "private",
        "OomScoreAdj": 500, "PidMode": "", "UTSMode": "", "Privileged": False,
    }  # fmt: skip
    assert {name: host[name] for name in expected} == expected
    assert (host["LogConfig"]["Type"], host["RestartPolicy"]["Name"]) == ("none", "no")
    for empty in ("CapAdd", "Binds", "Mounts", "Devices", "VolumesFrom", "PortBindings", "DeviceRequests"):
        assert not host.get(empty), empty
    assert record["Mounts"] == []
    assert (record["Config"]["NetworkDisabled"], record["Config"]["Tty"]) == (True, False)
    assert record["Image"].startswith("sha256:")


async def test_live_containers_have_different_uids(gateway: LiveGateway) -> None:
    """No two live containers share a uid: the kernel's quotas per uid would tie them together."""
    users = [record["Config"]["User"] for record in await live_containers(gateway, 2)]
    assert len(users) == len(set(users))
