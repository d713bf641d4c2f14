"""`python -m tests.hosts.vm.guest PHASE`: what is tried inside the machine, one line for each thing.

It uses the standard library alone, and exits with 1 if anything was not as it should be. No line depends on how fast
the machine is: what is waited for has minutes, and a job that is refused because the engine is slow is sent again.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[3]
ETC = Path("/etc/figbox")
DAEMON_JSON = Path("/etc/docker/daemon.json")
GATEWAY, LAUNCHER = "figbox-gateway.service", "figbox-launcher.service"
PORT, METRICS_PORT = 5150, 5151
MiB = 1024 * 1024

#: Longest wait for a state, and for one response; a processor that is emulated needs much of it.
STATE_LIMIT_S = 1500
ANSWER_LIMIT_S = 900
POLL_S = 2

Found = TypeVar("Found")

#: Settings for an emulated processor: the limits of time that a host's slowness could exceed.
PATIENT = {
    "launcher": {
        "FIGBOX_ENGINE_TIMEOUT_S": "300",
        "FIGBOX_START_LIMIT_S": "900",
        "FIGBOX_WALL_LIMIT_S": "300",
        "FIGBOX_POOL_SIZE": "1",
        "FIGBOX_POOL_MAKERS": "1",
        "FIGBOX_RUNNING_LIMIT": "2",
        "FIGBOX_SELFTEST_PERIOD_S": "86400",
    },
    "gateway": {
        "FIGBOX_START_LIMIT_S": "900",
        "FIGBOX_WALL_LIMIT_S": "300",
        "FIGBOX_QUEUE_WAIT_S": "600",
        "FIGBOX_HEAD_TIMEOUT_S": "120",
        "FIGBOX_BODY_TIMEOUT_S": "120",
    },
}

#: What each limit is tripped by: the code, its options, the outcome, and what the rest of the answer must contain.
LIMITS: Mapping[str, tuple[str, dict[str, object], str, str]] = {
    "memory": ("x = []\nwhile True: x.append(np.ones(10**6))", {}, "memory_limit", str(1024 * MiB)),
    "memory in one piece": ("x = bytearray(3 * 10**9)", {}, "memory_limit", str(1024 * MiB)),
    "memory lowered": ("x = bytearray(400 * 10**6)", {"memory_mib": 256}, "memory_limit", str(256 * MiB)),
    "wall time": ("while True: pass", {"timeout_s": 10}, "time_limit", ""),
    "output": ("while True: print('x' * 10**6)", {}, "output_limit", ""),
    "threads": (
        "import threading, time\nfor _ in range(500): threading.Thread(target=time.sleep, args=(60,)).start()",
        *({"timeout_s": 120}, "program_error", "start new thread"),
    ),
    "processes": ("import os; os.fork()", {}, "program_error", "Error"),
    "working directory": (
        "for i in range(80): open(f'/tmp/{i}', 'wb').write(bytes(2**20))",
        *({}, "program_error", "No space left"),
    ),
    "read-only root": ("open('/opt/x', 'w')", {}, "program_error", "Read-only file system"),
    "network": ("import socket; socket.socket()", {}, "program_error", "Error"),
    "crash": ("import ctypes; ctypes.string_at(0)", {}, "killed", ""),
}
PLOT = "plt.plot([1, 3, 2])"

failures = 0
began = time.monotonic()


def say(name: str, good: bool, text: object = "") -> None:  # noqa: FBT001 - reads as a sentence
    """Print a line with the seconds since the phase began, and remember a failure."""
    global failures  # noqa: PLW0603 - this is a program
    failures += not good
    elapsed_s = time.monotonic() - began
    sys.stdout.write(f"{elapsed_s:6.0f} s {'ok  ' if good else 'FAIL'} {name}: {str(text)[:500]}\n")
    sys.stdout.flush()


def output_of(*command: str, errors: int = subprocess.DEVNULL) -> str:
    """Return what a program prints, whatever its status."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, text=True, check=False)
    return done.stdout.strip()


def until(state: Callable[[], Found]) -> Found | None:
    """Wait until a state is there; return it, or None if it didn't come."""
    end = time.monotonic() + STATE_LIMIT_S
    while not (found := state()):
        if time.monotonic() > end:
            return None
        time.sleep(POLL_S)
    return found


def wait_for(name: str, state: Callable[[], object]) -> bool:
    """Wait until a state is there; say whether it came."""
    found = until(state)
    say(name, bool(found), found if isinstance(found, str) else "" if found else "did not come")
    return bool(found)


# The service's answers


def ask(method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Return the status and the document of a response; status 0 if there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=ANSWER_LIMIT_S)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, dict(headers or {}))
        response = connection.getresponse()
        data = response.read()
        is_json = "json" in (response.getheader("Content-Type") or "")
        return response.status, json.loads(data) if is_json else data
    except (OSError, http.client.HTTPException) as error:
        return 0, repr(error)
    finally:
        connection.close()


def is_warm() -> bool:
    """Tell whether a warm container waits and none is being made, which would compete with a job for the processor."""
    connection = http.client.HTTPConnection("127.0.0.1", METRICS_PORT, timeout=ANSWER_LIMIT_S)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    gauges = dict(line.split(" ") for line in lines if line.startswith("figbox_pool_"))
    return float(gauges.get("figbox_pool_idle", 0)) > 0 and float(gauges.get("figbox_pool_making", 1)) == 0


def render(code: str, **options: object) -> tuple[int, Any]:
    """Return the answer to a job, which is sent again while the service isn't there for it."""
    key = os.environ.get("API_KEY") or (ETC / "api-key").read_text().strip()
    headers = {"X-API-Key": key, "Content-Type": "application/json", "Accept": "application/json"}
    end = time.monotonic() + ANSWER_LIMIT_S
    while True:
        status, document = ask("POST", "/v1/render", {"code": code, **options}, headers)
        if status not in (0, 429, 503) or time.monotonic() > end:
            return status, document
        time.sleep(POLL_S)


def readiness() -> str:
    """Return what `/readyz` says if that is 200, else nothing."""
    status, document = ask("GET", "/readyz")
    return json.dumps(document) if status == 200 else ""


def check_render(name: str) -> None:
    """Draw a picture."""
    status, document = render(PLOT)
    usage = document.get("manifest", document).get("usage") if isinstance(document, dict) else document
    say(name, status == 200, f"{status}, usage {usage}")


def check_limits() -> None:
    """Trip every limit once; the answer must say which it was."""
    for name, (code, options, outcome, rest) in LIMITS.items():
        until(is_warm)
        status, document = render(code, **options)
        found = document.get("outcome") if isinstance(document, dict) else None
        good = found == outcome and rest in json.dumps(document)
        shown = document if not good else {each: document.get(each) for each in ("outcome", "error", "limit")}
        say(f"limit: {name}", good, f"{status} {shown}")
    until(is_warm)
    status, document = render(PLOT, memory_mib=256)
    say("limit: memory lowered, enough", status == 200, status)


def check_eight() -> None:
    """Send eight jobs at once."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = collections.Counter(pool.map(lambda i: render(f"plt.plot(range({i + 2}))")[0], range(8)))
    say("eight jobs side by side", statuses == {200: 8}, dict(statuses))


# The manager's view


def shown(unit: str, name: str) -> str:
    """Return a property of a unit."""
    return output_of("systemctl", "show", "--property", name, "--value", unit)


def main_pid(unit: str) -> int:
    """Return the main process of a unit; 0 if it has none."""
    return int(shown(unit, "MainPID") or 0)


def configure(warm_start: str) -> None:
    """Write patient settings, and let the manager be as patient."""
    for name, settings in PATIENT.items():
        more = {"FIGBOX_WARM_START": warm_start} if name == "launcher" else {}
        (ETC / f"{name}.env").write_text("".join(f"{key}={value}\n" for key, value in {**settings, **more}.items()))
        folder = Path("/etc/systemd/system", f"figbox-{name}.service.d")
        folder.mkdir(exist_ok=True)
        (folder / "slow.conf").write_text("[Service]\nTimeoutStartSec=1800\n")
    output_of("systemctl", "daemon-reload")


def restart() -> None:
    """Start the services again, without waiting for them."""
    output_of("systemctl", "reset-failed", GATEWAY, LAUNCHER)
    output_of("systemctl", "restart", "--no-block", LAUNCHER, GATEWAY)


def install() -> None:
    """Install the services as the page says, and have them start now and at every boot."""
    done = subprocess.run(
        [sys.executable, "-m", "bootstrap", "install-service"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    say("install-service", done.returncode == 0, (done.stdout + done.stderr).strip().splitlines()[-1:])
    configure("import")
    output_of("systemctl", "enable", LAUNCHER, GATEWAY)
    restart()


def check_service() -> None:
    """Look at what the units promise: users, socket, network, what the manager is told."""
    wait_for("service ready", readiness)
    for unit, user in ((GATEWAY, "figbox"), (LAUNCHER, "figbox-launcher")):
        pid = main_pid(unit)
        owner = pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name
        say(f"{unit} runs as", owner == user, owner)
        wait_for(f"{unit} status", lambda unit=unit: (text := shown(unit, "StatusText")).startswith("ready") and text)
        say(f"{unit} restarts", shown(unit, "NRestarts") == "0", shown(unit, "NRestarts"))
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        confined = (status["NoNewPrivs"], status["Seccomp"], int(status["CapBnd"], 16))
        say(f"{unit} is confined", confined == ("1", "2", 0), confined)
    opens = "import socket; socket.socket(socket.AF_UNIX).connect('/run/docker.sock')"
    done = subprocess.run(
        ["runuser", "-u", "figbox", "--", sys.executable, "-c", opens], capture_output=True, text=True, check=False
    )
    say("gateway's user can't open the engine's socket", "PermissionError" in done.stderr, done.stderr[-40:])
    links = output_of("nsenter", "-t", str(main_pid(LAUNCHER)), "-n", "ip", "-brief", "link")
    say("launcher has no network", len(links.splitlines()) == 1 and links.startswith("lo"), links)
    levels = output_of("journalctl", "-u", GATEWAY, "-p", "info", "-o", "cat").splitlines()
    say("journal has the gateway's lines", any('"event": "listening"' in line for line in levels), len(levels))
    raw = [line for line in levels if line.startswith("<")]
    say("journal took the levels away", not raw, raw[:1])


def check_containers() -> None:
    """Look at the sandbox from inside and outside: AppArmor's profile, and the version of control groups."""
    look = "for each in ('attr/current', 'cgroup', 'uid_map'): print(open(f'/proc/self/{each}').read())\n"
    status, document = render(look + PLOT)
    text = json.dumps(document.get("stdout") if isinstance(document, dict) else document)
    say("a job's own view", status == 200, text)
    check_label("docker-default (enforce)")
    say(
        "control groups",
        Path("/sys/fs/cgroup/cgroup.controllers").exists(),
        output_of("stat", "-fc%T", "/sys/fs/cgroup"),
    )


def label_of(pid: int) -> str:
    """Return the label that the kernel's security module has for a process."""
    return Path(f"/proc/{pid}/attr/current").read_text().strip("\0\n")


def check_label(expected: str) -> None:
    """Look from the host's side at the label of a job's container."""
    labels = until(container_labels) or []
    say("label of a container's process", any(expected in label for label in labels), labels or "there is no container")


def container_labels() -> list[str]:
    """Return the labels of the containers that run; one may end while it is looked at."""
    running = output_of("docker", "ps", "--quiet").split()
    found = []
    for pid in output_of("docker", "inspect", "--format", "{{.State.Pid}}", *running).split() if running else ():
        with contextlib.suppress(OSError):
            found.append(label_of(int(pid)))
    return found


def check_doctor() -> None:
    """Run the doctor."""
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "bootstrap", "--json", "doctor"],
        cwd=ROOT,
        env={**os.environ, **PATIENT["launcher"]},
        capture_output=True,
        text=True,
        check=False,
    )
    findings = json.loads(done.stdout)["findings"] if done.stdout.startswith("{") else []
    odd = [f"{each['level']} {each['what']}" for each in findings if each["level"] != "ok"]
    say("doctor", done.returncode == 0, f"exit {done.returncode}; {'; '.join(odd) or 'nothing to say'}")


def check_crashes() -> None:
    """Kill the gateway, the launcher and the engine; each time the service must come back."""
    for unit in (GATEWAY, LAUNCHER):
        before = main_pid(unit)
        os.kill(before, signal.SIGKILL)
        wait_for(f"{unit} is started again after SIGKILL", lambda b=before, u=unit: main_pid(u) not in (0, b))
        wait_for("service ready after it", readiness)
        check_render("render after it")
    os.kill(main_pid("docker.service"), signal.SIGKILL)
    wait_for("loss of the engine is noticed", lambda: not readiness())
    wait_for("service ready after the engine's SIGKILL", readiness)
    check_render("render after it")
    say("services stayed", main_pid(GATEWAY) != 0 and main_pid(LAUNCHER) != 0)


def check_watchdog() -> None:
    """Hang the gateway: the manager must end it, keep where it hung, and start it again."""
    before = main_pid(GATEWAY)
    os.kill(before, signal.SIGSTOP)  # the manager wakes it along with SIGABRT, systemd.kill(5)
    wait_for("watchdog bites", lambda: "timeout" in output_of("journalctl", "-u", GATEWAY, "-g", "[Ww]atchdog timeout"))
    wait_for("gateway is started again after a hang", lambda: main_pid(GATEWAY) not in (0, before))
    stacks = output_of("journalctl", "-u", GATEWAY, "-o", "cat", "-g", "Fatal Python error: Aborted")
    say("journal has where it hung", bool(stacks), stacks[:60])
    wait_for("service ready after it", readiness)


def check_single() -> None:
    """Run one process, by the drop-in of the page; then both again."""
    folder = Path("/etc/systemd/system", f"{GATEWAY}.d")
    both = (ETC / "gateway.env").read_text()
    (ETC / "gateway.env").write_text(both + (ETC / "launcher.env").read_text())
    shutil.copy(ROOT / "deploy/systemd/single-process.conf", folder / "single.conf")
    output_of("systemctl", "daemon-reload")
    output_of("systemctl", "stop", LAUNCHER, GATEWAY)
    output_of("systemctl", "start", "--no-block", GATEWAY)
    wait_for("one process is ready", readiness)
    say("launcher isn't started along with it", main_pid(LAUNCHER) == 0, shown(LAUNCHER, "ActiveState"))
    check_render("render by one process")
    (folder / "single.conf").unlink()
    (ETC / "gateway.env").write_text(both)
    output_of("systemctl", "daemon-reload")


def check_snapshot() -> None:
    """Start from snapshots: one is made, and a render comes from it."""
    configure("snapshot")
    restart()
    wait_for("snapshot in use", lambda: '"way": "snapshot"' in (text := readiness()) and text)
    check_render("render from a snapshot")
    check_eight()


def check_remap() -> None:
    """Let the engine remap users; then limits hold as before."""
    DAEMON_JSON.parent.mkdir(exist_ok=True)
    DAEMON_JSON.write_text(json.dumps({"userns-remap": "nobody:nogroup"}))
    configure("import")
    output_of("systemctl", "restart", "docker")
    restart()
    if wait_for("service ready with userns-remap", readiness):
        status, document = render(f"print(open('/proc/self/uid_map').read())\n{PLOT}")
        say("ids are remapped", status == 200 and "300000" in json.dumps(document), json.dumps(document)[:200])
        check_doctor()
        check_limits()
    output_of("systemctl", "stop", GATEWAY, LAUNCHER)  # whose port the rootless one wants
    DAEMON_JSON.unlink()


def check_rootless() -> None:
    """Run as a user, with an engine of its own: limits hold, or the start is refused with the reason."""
    home = f"/run/user/{os.getuid()}"
    os.environ |= {"XDG_RUNTIME_DIR": home, "PATH": "/usr/share/docker.io/contrib:/usr/sbin:/usr/bin:/sbin:/bin"}
    setup = output_of("dockerd-rootless-setuptool.sh", "install", "--skip-iptables", errors=subprocess.STDOUT)
    output_of("systemctl", "--user", "start", "docker")
    os.environ["DOCKER_HOST"] = f"unix://{home}/docker.sock"
    if not wait_for("rootless engine answers", lambda: output_of("docker", "info", "--format", "{{.ServerVersion}}")):
        say("setup", good=False, text=setup[-400:])
        return
    os.environ |= {"API_KEY": "k" * 24, "FIGBOX_WARM_START": "import"}
    os.environ |= {"FIGBOX_INSTALLATION": "rootless", **PATIENT["launcher"], **PATIENT["gateway"]}
    controllers = output_of(
        "docker", "info", "--format", "{{.CgroupVersion}} {{.CPUCfsQuota}} {{.MemoryLimit}} {{.PidsLimit}}"
    )
    with (Path.home() / "gateway.log").open("wb") as log:
        gateway = subprocess.Popen(
            [ROOT / ".venv/bin/python", "-m", "gateway"],
            cwd=Path.home(),
            stderr=log,
            stdout=log,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    try:
        wait_for("gateway is ready, or has ended", lambda: readiness() or gateway.poll() is not None)
        if gateway.poll() is not None:
            reason = (Path.home() / "gateway.log").read_text().strip().splitlines()[-1:]
            say("start refused with the reason", gateway.returncode == 1 and "figbox:" in str(reason), reason)
            return
        say("engine's limits (groups, cpu, memory, pids)", good=True, text=controllers)
        check_doctor()
        check_render("render")
        check_limits()
    finally:
        if gateway.poll() is None:
            gateway.terminate()
        say("gateway ends", gateway.wait(300) in (0, 1), gateway.returncode)


def check_selinux() -> None:
    """Let SELinux enforce, and the engine give labels; then the services hold their limits as before."""
    say("SELinux has a policy", output_of("getenforce") == "Permissive", output_of("sestatus"))
    output_of("setenforce", "1")
    say("SELinux enforces", output_of("getenforce") == "Enforcing", output_of("id", "-Z"))
    DAEMON_JSON.parent.mkdir(exist_ok=True)
    DAEMON_JSON.write_text(json.dumps({"selinux-enabled": True}))
    output_of("systemctl", "restart", "docker")
    options = output_of("docker", "info", "--format", "{{.SecurityOptions}}")
    say("engine gives labels", "name=selinux" in options, options)
    install()
    if wait_for("service ready", readiness):
        labels = {name: label_of(main_pid(name)) for name in ("docker.service", LAUNCHER, GATEWAY)}
        say("labels of the services", good=True, text=labels)
        until(is_warm)
        check_label("container_t:s0:c")
        check_render("render")
        check_doctor()
        check_limits()
    denied = [line for line in output_of("dmesg").splitlines() if "avc:  denied" in line and "permissive=0" in line]
    say("what SELinux denied", good=True, text=f"{len(denied)} {denied[-3:]}")


PHASES: Mapping[str, tuple[Callable[[], None], ...]] = {
    "service": (install, check_service, check_containers, check_doctor, lambda: check_render("render, by import")),
    "limits": (check_limits, check_eight),
    "crashes": (check_crashes, check_watchdog),
    "booted": (check_service, lambda: check_render("render after a reboot")),
    "snapshot": (check_snapshot,),
    "single": (check_single,),
    "remap": (check_remap,),
    "rootless": (check_rootless,),
    "selinux": (check_selinux,),
}


def main() -> int:
    """Run one phase; return 1 if anything failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("phase", choices=PHASES)
    for step in PHASES[parser.parse_args().phase]:
        step()
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
