"""A node for a measurement: an engine and gateways of its own, with a fixed share of the processor.

The machine's own engine may be in use, and serves only to hand over the runner image. All that works for a job is in
one control group: the gateway, the engine with its helpers, and the containers. So what a job costs is counted exactly,
whatever else runs on the machine.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker

from benchmarks import engine_view
from benchmarks.contenders.figbox import Figbox, run_figbox
from benchmarks.scaling.live.groups import ControlGroup

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Seconds that the engine may take to start, and to end.
ENGINE_LIMIT_S = 60.0

PARTS = ("engine", "gateway", "containers")


@dataclass(frozen=True, slots=True)
class Used:
    """Processor seconds used so far, by who used them."""

    engine: float
    gateway: float
    containers: float

    def since(self, before: Used) -> Used:
        """Return what was used after an earlier reading."""
        return Used(self.engine - before.engine, self.gateway - before.gateway, self.containers - before.containers)

    @property
    def all(self) -> float:
        """The sum."""
        return self.engine + self.gateway + self.containers


@dataclass(slots=True)
class Host:
    """A running node without gateways.

    Attributes:
        cores: Its share of the processor.
    """

    cores: float
    image: str
    folder: Path
    url: str
    groups: dict[str, ControlGroup]
    top: ControlGroup

    def limit(self, cores: float) -> None:
        """Give it another share of the processor from now on."""
        self.top.limit(cores)
        self.cores = cores

    def used(self) -> Used:
        """Read the clocks of all parts."""
        return Used(**{name: self.groups[name].used_s() for name in PARTS})

    @asynccontextmanager
    async def gateway(self, name: str, settings: dict[str, str]) -> AsyncIterator[Figbox]:
        """Run a gateway in the node, with settings."""
        settings = {**settings, "DOCKER_HOST": self.url}
        async with AsyncExitStack() as stack:
            with self.groups["gateway"].entered():
                figbox = await stack.enter_async_context(run_figbox(name, self.image, self.folder / name, settings))
            yield figbox


@asynccontextmanager
async def open_host(image: str, cores: float) -> AsyncIterator[Host]:
    """Run a node with a share of the processor; nothing of it stays.

    Raises:
        Unsuitable: The machine doesn't allow it.
    """
    async with AsyncExitStack() as stack:
        top = ControlGroup(f"figbox-node-{secrets.token_hex(4)}")
        top.create()
        stack.callback(top.remove)
        groups = {name: ControlGroup(f"{top.path}/{name}") for name in PARTS}
        for group in groups.values():
            group.create()
        top.limit(cores)
        folder = _make_folder()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with groups["engine"].entered():
            engine = _start_engine(folder, groups["containers"].path)
        stack.callback(_end_engine, engine, folder)
        url = f"unix://{folder / 'docker.sock'}"
        await _until_it_responds(engine, url, folder)
        await asyncio.to_thread(_copy_image, image, url)
        yield Host(cores, image, folder, url, groups, top)


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="figbox-node-"))
    folder.chmod(0o711)  # a container's root may be nobody on the host, and must reach its files
    return folder


def _start_engine(folder: Path, parent: str) -> subprocess.Popen[bytes]:
    """Start dockerd with everything in a folder, and its containers below a control group."""
    (folder / "daemon.json").write_text("{}")
    with (folder / "dockerd.log").open("wb") as log:
        return subprocess.Popen(
            [
                # It doesn't outlive the measurement. In a network of its own: a dockerd without a bridge removes the
                # one it finds.
                *("setpriv", "--pdeathsig=TERM", "unshare", "--net"),
                "dockerd",
                f"--config-file={folder / 'daemon.json'}",
                f"--host=unix://{folder / 'docker.sock'}",
                f"--data-root={folder / 'data'}",
                f"--exec-root={folder / 'exec'}",
                f"--pidfile={folder / 'docker.pid'}",
                f"--cgroup-parent=/{parent}",
                *("--bridge=none", "--iptables=false", "--ip6tables=false"),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _end_engine(engine: subprocess.Popen[bytes], folder: Path) -> None:
    engine.send_signal(signal.SIGTERM)
    try:
        engine.wait(ENGINE_LIMIT_S)
    except subprocess.TimeoutExpired:
        engine.kill()
        engine.wait()
    for line in reversed(Path("/proc/self/mounts").read_text("utf-8").splitlines()):
        if str(folder) in line:
            subprocess.run(["umount", "--lazy", line.split()[1]], check=False)


async def _until_it_responds(engine: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    async with asyncio.timeout(ENGINE_LIMIT_S):
        while True:
            try:
                await asyncio.to_thread(_ping, url)
            except (docker.errors.DockerException, OSError):
                if engine.poll() is not None:
                    raise RuntimeError((folder / "dockerd.log").read_text("utf-8")[-2000:]) from None
                await asyncio.sleep(0.1)
            else:
                return


def _ping(url: str) -> None:
    client = docker.APIClient(base_url=url, version="auto", timeout=5)
    client.close()


def _copy_image(image: str, url: str) -> None:
    """Load an image from the machine's engine, without a file in between."""
    origin = engine_view.connect(os.environ.get("DOCKER_HOST"))
    own = docker.APIClient(base_url=url, version="auto", timeout=300)
    try:
        for event in own.load_image(origin.get_image(image)):
            if "error" in event:
                raise RuntimeError(event["error"])
    finally:
        own.close()
        origin.close()
