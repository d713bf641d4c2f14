"""What `docker compose up` and `docker run` bring up: what each container is, holds and can't do; and how it ends."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from gateway.settings import LauncherSettings
from tests.documents.pages import command
from tests.fakes import KEY, until
from tests.support.deployment import GATEWAY_IMAGE, DeployedGateway, Deployment, deployment, docker
from tests.support.live import (
    IMAGE,
    ROOT,
    LiveGateway,
    containers_of,
    engine_client,
    engine_url,
    free_port,
    remove_containers_of,
)
from tests.support.machine import slowed
from tools.settings_table import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"
GATEWAY_UID, LAUNCHER_UID, GROUP = 10001, 10002, 10001

#: Settings of the gateway that the compose file fixes, or that mean nothing in containers.
FIXED = {"HOST", "PORT", "FIGBOX_METRICS_PORT", "FIGBOX_END_WITH_STDIN"}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Return the deployment with default settings."""
    with deployment(tmp_path_factory.mktemp("compose"), FIGBOX_POOL_SIZE=1, FIGBOX_SWEEP_PERIOD_S=1) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(deployed: Deployment, tmp_path_factory: pytest.TempPathFactory) -> DeployedGateway:
    """Return its gateway."""
    return DeployedGateway(deployed, tmp_path_factory.mktemp("log") / "no.log")


def inside(deployed: Deployment, service: str, program: str) -> Any:
    """Run a Python program in a service's container, as its own user; return the JSON that it prints."""
    uid = {"gateway": GATEWAY_UID, "launcher": LAUNCHER_UID}[service]
    printed = docker("exec", "--user", f"{uid}:{GROUP}", deployed.container(service), "python3", "-c", program)
    return json.loads(printed)


def status_of(deployed: Deployment, service: str) -> dict[str, str]:
    """Return the kernel's account of a service's first process."""
    program = "import json; print(json.dumps(open('/proc/1/status').read()))"
    return dict(line.split(":\t", 1) for line in inside(deployed, service, program).splitlines() if ":\t" in line)


@pytest.mark.parametrize("service", ["gateway", "launcher"])
def test_what_both_containers_are(deployed: Deployment, service: str) -> None:
    """Neither container has a capability, a way to gain one, a writable file system, or an unset limit."""
    record = deployed.inspect(service)
    host = record["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["Privileged"]
    assert host["PidMode"] == host["UTSMode"] == ""
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert host["LogConfig"]["Config"]["max-size"]
    status = status_of(deployed, service)
    uid = {"gateway": GATEWAY_UID, "launcher": LAUNCHER_UID}[service]
    assert status["Uid"].split() == [str(uid)] * 4
    assert status["Gid"].split() == [str(GROUP)] * 4
    for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_the_gateway_has_no_engine(deployed: Deployment) -> None:
    """No engine's socket is in the gateway's container, no capability can come to it, and its groups are its own."""
    record = deployed.inspect("gateway")
    assert [(mount["Type"], mount["Destination"], mount["RW"]) for mount in record["Mounts"]] == [
        ("volume", "/run/figbox", False)
    ]
    assert record["HostConfig"]["CapAdd"] in (None, [])
    assert int(status_of(deployed, "gateway")["CapBnd"], 16) == 0
    assert status_of(deployed, "gateway")["Groups"].split() in ([], [str(GROUP)])
    found = (
        "import json, os, stat; folders = ('/run', '/var/run', '/tmp', '/')\n"
        "paths = [os.path.join(folder, name) for folder in folders for name in os.listdir(folder)]\n"
        "print(json.dumps([path for path in paths if stat.S_ISSOCK(os.lstat(path).st_mode)]))"
    )
    assert inside(deployed, "gateway", found) == []
    assert not [value for value in record["Config"]["Env"] if value.startswith("DOCKER_HOST=")]


@pytest.mark.parametrize("service", ["gateway", "launcher"])
def test_hashes_cannot_be_guessed(deployed: Deployment, service: str) -> None:
    """Nothing of a build's environment fixes the order of hashes, or a client could make texts that collide."""
    fixed = inside(
        deployed, service, "import json, sys; print(json.dumps([sys.flags.hash_randomization, hash('a text')]))"
    )
    again = inside(deployed, service, "import json; print(json.dumps(hash('a text')))")
    assert fixed[0] == 1
    assert fixed[1] != again


def test_the_gateway_publishes_its_port_alone(deployed: Deployment) -> None:
    """Only the public port leads in; metrics stay in the network."""
    published = {port for port, bound in deployed.inspect("gateway")["NetworkSettings"]["Ports"].items() if bound}
    assert published == {"5150/tcp"}


def test_the_launcher_has_no_network_and_no_key(deployed: Deployment) -> None:
    """The launcher sees a loopback interface, no key, and the engine's folder read-only."""
    record = deployed.inspect("launcher")
    assert record["HostConfig"]["NetworkMode"] == "none"
    assert inside(
        deployed, "launcher", "import json, socket; print(json.dumps([n for _, n in socket.if_nameindex()]))"
    ) == ["lo"]
    assert not [value for value in record["Config"]["Env"] if KEY in value]
    assert {mount["Destination"]: mount["RW"] for mount in record["Mounts"]} == {
        "/run/figbox": True,
        "/run/engine": False,
        "/sys/fs/cgroup": False,
    }


def test_the_socket_between_them(deployed: Deployment) -> None:
    """The socket lies in a folder that the launcher alone can write, and the gateway's group may open it."""
    program = (
        "import json, os; s, f = os.stat('/run/figbox/launcher.sock'), os.stat('/run/figbox')\n"
        "print(json.dumps([oct(s.st_mode), s.st_uid, s.st_gid, oct(f.st_mode), f.st_uid, f.st_gid]))"
    )
    expected = ["0o140660", LAUNCHER_UID, GROUP, "0o42750", LAUNCHER_UID, GROUP]
    assert inside(deployed, "gateway", program) == expected
    write = "import json\ntry: open('/run/figbox/x', 'w')\nexcept OSError as e: print(json.dumps(type(e).__name__))"
    assert inside(deployed, "gateway", write) in {"PermissionError", "OSError"}


async def test_it_renders_and_tells_what_was_used(deployed: Deployment, gateway: DeployedGateway) -> None:
    """A picture comes; the launcher in its container sees what jobs use; metrics are there for the network."""
    assert (await gateway.render(PLOT)).status == 200
    await until(lambda: '"job finished"' in gateway.log_text(), "the engine has written down what was logged")
    lines = [json.loads(line) for line in gateway.log_text().splitlines() if '"job finished"' in line]
    assert lines[-1]["cpu_s"] > 0
    assert lines[-1]["memory_peak_bytes"] > 2**24
    await gateway.until_metric("figbox_pool_idle", 1)
    await until(lambda: len(containers_of(deployed.project, engine_url())) == 1, "the warm container alone is left")


async def test_its_status_can_be_shown(deployed: Deployment, gateway: DeployedGateway) -> None:
    """The command of docs/monitoring.md shows how the gateway in its container is, whose metrics aren't published."""
    assert (await gateway.render(PLOT)).status == 200
    words = command("docker compose exec gateway").split()[3:]
    printed = await asyncio.to_thread(deployed.run, "exec", "-T", *words, "--interval", "0")
    assert printed.splitlines()[1] == "ready"
    assert re.search(r"^  ok +[1-9]", printed, re.MULTILINE)


async def test_the_launcher_may_be_restarted(deployed: Deployment, gateway: DeployedGateway) -> None:
    """After a kill of the launcher the engine starts it again, and the gateway finds it by itself."""
    assert (await gateway.render(PLOT)).status == 200
    await asyncio.to_thread(deployed.run, "kill", "launcher")
    assert (await gateway.render(PLOT)).status == 503
    await asyncio.to_thread(deployed.run, "start", "launcher")
    await gateway.until_rendered(PLOT)


def test_every_setting_is_passed_on(deployed: Deployment) -> None:
    """Every documented setting can be set in `.env`: the compose file gives it to the container that it concerns."""
    document = json.loads(deployed.run("config", "--format", "json"))
    given = {name: set(service.get("environment", {})) for name, service in document["services"].items()}
    launchers = {str(field.alias) for field in LauncherSettings.model_fields.values()}
    launchers |= {"FIGBOX_LAUNCHER_SOCKET", "FIGBOX_LAUNCHER_PEERS"}
    assert given["launcher"] == launchers
    gateways = {str(field.alias) for field in FIELDS.values()} - launchers
    assert gateways - FIXED <= given["gateway"]
    assert given["gateway"] - gateways <= launchers


def test_no_key_no_start(deployed: Deployment) -> None:
    """Without `API_KEY` Compose says what to do, and starts nothing."""
    without = {name: value for name, value in deployed.environment.items() if name != "API_KEY"}
    said = Deployment(deployed.project, deployed.command, without).run("config", check=False)
    if not (ROOT / ".env").exists() or "API_KEY" not in (ROOT / ".env").read_text():
        assert "put a line API_KEY=... into .env" in said


def test_stack_deploy_reads_the_same_file() -> None:
    """`docker stack deploy` takes the file as it is."""
    printed = docker("stack", "config", "--compose-file", str(ROOT / "docker-compose.yml"))
    assert "gateway:" in printed


# The image


def test_the_image_has_no_tools(deployed: Deployment) -> None:
    """No package installer, compiler or setuid file is in the image, and any user can load all of it."""
    program = """
import json, os, shutil, stat
found = [n for n in ("pip", "pip3", "gcc", "cc", "make", "ld") if shutil.which(n)]
for folder, _, names in os.walk("/", followlinks=False):
    if folder.startswith(("/proc", "/sys", "/run")):
        continue
    for name in names:
        mode = os.lstat(os.path.join(folder, name)).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            found.append(os.path.join(folder, name))
try:
    import pip
    found.append("pip module")
except ImportError:
    pass
print(json.dumps(found))
"""
    assert inside(deployed, "gateway", program) == []


@pytest.mark.parametrize("service", ["gateway", "launcher"])
def test_the_health_check_is_a_program(deployed: Deployment, service: str) -> None:
    """The health check runs Python, without a shell, and reports healthy."""
    record = deployed.inspect(service)
    assert record["Config"]["Healthcheck"]["Test"] == ["CMD", "python3", "/opt/figbox/entrypoint.py", "health"]
    end = time.monotonic() + slowed(60)
    while deployed.inspect(service)["State"]["Health"]["Status"] != "healthy":  # it may have been restarted
        assert time.monotonic() < end
        time.sleep(0.5)


@pytest.fixture
def network() -> Iterator[str]:
    """Return a network with a bridge, whatever has become of the engine's own."""
    name = f"figbox-test-{secrets.token_hex(4)}"
    docker("network", "create", name)
    yield name
    docker("network", "rm", name)


async def test_docker_run_is_enough(network: str, tmp_path: Path) -> None:
    """One container with the engine's socket serves as the old application did, without root, and ends cleanly."""
    name, port = f"figbox-test-{secrets.token_hex(4)}", free_port()
    socket = engine_url().removeprefix("unix://")
    words = ["run", "--detach", "--name", name, "--network", network, "--hostname", name, "-p", f"{port}:5150"]
    words += ["-e", f"API_KEY={KEY}", "-e", f"FIGBOX_IMAGE={IMAGE}", "-v", f"{socket}:/var/run/docker.sock"]
    found: re.Match[str] | None = None
    docker(*words, GATEWAY_IMAGE)
    try:
        gateway = LiveGateway(None, "", engine_url(), tmp_path / "no", f"http://127.0.0.1:{port}", "")  # type: ignore[arg-type]
        await gateway.until_rendered(PLOT)
        uids = docker("top", name, "-o", "pid,uid").split()[3::2]
        assert set(uids) == {str(GATEWAY_UID)}
        with engine_client() as client:  # which, other than the command, reads both streams
            found = re.search(r'"installation": "([0-9a-f]+)"', client.logs(name).decode())
        assert found is not None
        assert containers_of(found[1], engine_url())
        docker("stop", "--time", str(slowed(60)), name)
        assert containers_of(found[1], engine_url()) == []
        assert docker("inspect", "--format", "{{.State.ExitCode}}", name).strip() == "0"
    finally:
        docker("rm", "--force", name)
        remove_containers_of(found[1] if found else name, engine_url())


def test_a_container_without_the_way_down_from_root_says_so() -> None:
    """A container that can't give up root doesn't start."""
    name = f"figbox-test-{secrets.token_hex(4)}"
    words = ["run", "--name", name, "--network", "none", "--cap-drop", "ALL", "-e", f"API_KEY={KEY}", GATEWAY_IMAGE]
    with pytest.raises(AssertionError, match="root can't be dropped"):
        docker(*words)
    docker("rm", name)


def test_an_unknown_role_is_refused() -> None:
    """No command but the two roles is run."""
    with pytest.raises(AssertionError, match="there is no role 'sh'"):
        docker("run", "--rm", "--network", "none", GATEWAY_IMAGE, "sh")
