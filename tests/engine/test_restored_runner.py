"""Everything that must be new in each runner is new, although all are restored from one snapshot; all else is as ever.

Many runners are compared with each other and with some that import, through the service, on each kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import platform
import tarfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.specification import RESTORER, SNAPSHOT
from gateway.launcher.snapshot.saving import SAVE_CPU_S, SAVE_MEMORY_BYTES
from gateway.model.jobs import MiB
from tests.fakes import KEY
from tests.support import runtimes
from tests.support.containers import attached, make_sandbox, pick_uid, run, smaller
from tests.support.live import IMAGE, ROOT, engine_client, engine_url, live_gateway
from tests.support.machine import slowed
from tests.support.second_engine import EngineSetup, second_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

PROBE = Path(__file__).with_name("runner_probe.py").read_text()

RESTORED, IMPORTING = 8, 2

#: One container for each job, room for what importing pandas takes in gVisor, and for the threads of the probe:
#: gVisor has several of its own for each. The time limit is for the limit of processor time that follows from it:
#: gVisor counts a second for each thread that could run, so the probe's fifty threads used up that of a minute.
SETTINGS: dict[str, Any] = {
    "FIGBOX_POOL_SIZE": 0,
    "FIGBOX_RUNNING_LIMIT": 2,
    "FIGBOX_QUEUE_LIMIT": RESTORED,
    "FIGBOX_QUEUE_WAIT_S": 600,
    "FIGBOX_WALL_LIMIT_S": 600,
    "FIGBOX_MEMORY_LIMIT_MIB": 512,
    "FIGBOX_PIDS_LIMIT": 256,
}

#: What no two runners may have in common.
NEW = (
    *("random", "random.Random", "random.SystemRandom", "os.urandom", "os.getrandom", "secrets", "ssl", "arc4random"),
    *("uuid1", "uuid node", "uuid4", "temporary folder", "message id"),
    *("numpy global", "numpy global integers", "numpy state", "numpy default_rng", "numpy RandomState"),
    *("numpy SeedSequence", "pandas sample", "scipy normal"),
)

#: What every runner has, however it became warm.
SAME = (
    *("hash of text", "process and thread ids", "process name", "environment", "environment as given"),
    *("environment of libc", "arguments", "working directory", "names", "flags", "limits", "cores"),
    *("streams", "descriptors", "signals", "signals work", "umask", "time zone", "locale", "numbers"),
    *("heap", "threads", "recursion", "stack", "tracebacks", "faulthandler", "collector", "warnings", "logging"),
    *("restartable sequences", "vdso", "extensions"),
)

#: Label of containers that a test makes by itself.
INSTALLATION = "test-restored-runner"

#: Seconds by which a clock in gVisor may differ from the host's.
CLOCK_SLACK_S = 1.0

#: Saves itself with a page that belongs to one process, between others that don't; in the restored process, tells what
#: is in each.
MARKED = """
import ctypes, mmap, os, sys
sys.path.insert(0, "/opt/figbox")
import snapshot
pages = mmap.mmap(-1, 3 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
pages[:] = b"x" * len(pages)
MADV_WIPEONFORK = 18
pages.madvise(MADV_WIPEONFORK, 4096, 4096)
if snapshot.save(1) is not None:
    os.write(1, bytes(pages[at * 4096] for at in range(3)))
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Runner:
    """What the probe found in one runner.

    Attributes:
        facts: What it printed.
        pixels: Digest of the picture that it drew.
        asked: When it was asked, in seconds since 1970.
        answered: When it had answered.
    """

    facts: dict[str, Any]
    pixels: str
    asked: float
    answered: float


@dataclass(frozen=True, slots=True)
class Runners:
    """The runners on one kernel, and how much memory a light plot needs in each kind, in bytes."""

    kernel: str
    restored: list[Runner]
    importing: list[Runner]
    restored_bytes: float
    importing_bytes: float

    @property
    def all(self) -> list[Runner]:
        """All of them."""
        return self.restored + self.importing


@pytest.fixture(scope="module", params=["runc", "gvisor"])
def runners(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runners]:
    """Return what was found in runners on each kernel."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "runc":
        yield probe_all(request.param, folder)
        return
    runtimes.need_root()
    with second_engine(EngineSetup({"runtimes": {"runsc": runtimes.runsc()}}), with_image=True) as engine:
        yield probe_all(request.param, folder, docker_host=engine.url, FIGBOX_RUNTIME="runsc")


def probe_all(kernel: str, folder: Path, **settings: Any) -> Runners:
    """Run the probe in runners that are restored, and in some that import."""
    found, needed = [], []
    for warm_start, count in (("snapshot", RESTORED), ("import", IMPORTING)):
        with live_gateway(folder, **SETTINGS, **settings, FIGBOX_WARM_START=warm_start) as gateway:
            needed.append(asyncio.run(light_plot_bytes(gateway)))
            found.append(asyncio.run(probe(gateway, count)))
    return Runners(kernel, *found, *needed)


async def light_plot_bytes(gateway: LiveGateway) -> float:
    """Return the most memory that a new gateway's first job had, which draws a line."""
    await gateway.until_ready()
    assert (await gateway.render("plt.plot([1, 2])")).status == 200
    return await gateway.metric("figbox_job_memory_peak_bytes_sum")


async def probe(gateway: LiveGateway, count: int) -> list[Runner]:
    """Run the probe in several runners of a gateway."""
    await gateway.until_ready()

    async def once() -> Runner:
        asked = time.time()
        response = await gateway.render_v1(
            accept="application/json", json={"code": PROBE}, timeout_s=slowed(90) * RESTORED
        )
        assert response.status == 200, response.body[-2000:]
        (figure,) = response.json["figures"]
        (picture,) = figure["pictures"]
        return Runner(json.loads(response.json["stdout"]["text"]), picture["pixels_sha256"], asked, time.time())

    return list(await asyncio.gather(*(once() for _ in range(count))))


def test_runners_are_what_they_should_be(runners: Runners) -> None:
    """Those that should be restored are, and the others aren't; and the probe has looked at everything."""
    assert {runner.facts["exe"] for runner in runners.restored} == set(RESTORER)
    assert not {runner.facts["exe"] for runner in runners.importing} & set(RESTORER)
    for runner in runners.all:
        assert set(runner.facts["new"]) | {"ssl"} == set(NEW)
        assert set(runner.facts["same"]) == set(SAME)


@pytest.mark.parametrize("name", NEW)
def test_what_must_be_new_is_new(runners: Runners, name: str) -> None:
    """No two runners draw the same random value, make the same name, or take the same identifier."""
    drawn = [json.dumps(runner.facts["new"][name]) for runner in runners.all if name in runner.facts["new"]]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("name", SAME)
def test_all_else_is_as_where_it_was_imported(runners: Runners, name: str) -> None:
    """A restored runner shows a program nothing else than one that imports."""
    expected = runners.importing[0].facts["same"][name]
    for runner in runners.all:
        assert runner.facts["same"][name] == expected


def test_fonts_are_open_where_they_were_read(runners: Runners) -> None:
    """Letters that nobody has drawn yet look the same: fonts are read from files that were open when it was saved."""
    assert len({runner.pixels for runner in runners.all}) == 1


def test_restored_runner_needs_as_much_memory_as_documented(runners: Runners) -> None:
    """It needs less than one that imports, but in gVisor more, and no more than the documents say."""
    additional = runners.restored_bytes - runners.importing_bytes
    assert additional < (0 if runners.kernel == "runc" else 100 * MiB)


def test_clocks_go_on(runners: Runners) -> None:
    """A restored runner's clocks are the present ones, and the C library and the kernel agree on them."""
    for runner in runners.all:
        for first, kernels, last in runner.facts["clocks"].values():
            assert first - CLOCK_SLACK_S <= kernels <= last + CLOCK_SLACK_S
            assert first < last
        wall = runner.facts["clocks"]["wall"]
        assert runner.asked - CLOCK_SLACK_S <= wall[0] <= wall[-1] <= runner.answered + CLOCK_SLACK_S
    monotonic = [runner.facts["clocks"]["monotonic"] for runner in runners.restored]
    for (one, first), (other, second) in itertools.permutations(zip(runners.restored, monotonic, strict=True), 2):
        if one.answered < other.asked:
            assert first[-1] < second[0]


@contextlib.contextmanager
def restoring(client: docker.APIClient, snapshot: bytes, *arguments: str) -> Iterator[dict[str, Any]]:
    """Make an image with a snapshot, and return the create body of a container that is restored from it."""
    sandbox = make_sandbox(client, IMAGE, INSTALLATION)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(SNAPSHOT.lstrip("/"))
        entry.size, entry.mode = len(snapshot), 0o444
        tar.addfile(entry, io.BytesIO(snapshot))
    container_id = client.create_container(IMAGE)["Id"]
    try:
        client.put_archive(container_id, "/", archive.getvalue())
        image_id = client.commit(container_id)["Id"]
    finally:
        client.remove_container(container_id)
    try:
        yield replace(sandbox, snapshot_id=image_id).restorer_config(pick_uid(), (SNAPSHOT, *arguments))
    finally:
        client.remove_image(image_id, force=True)


def test_memory_of_one_process_is_not_handed_on() -> None:
    """Memory that a library has declared to be for one process is restored empty, and its neighbours as they were.

    There the C library keeps the state of its random bytes. Whether that shows depends on when the kernel last changed
    its own key, so it is shown with a page of ours.
    """
    with engine_client() as client:
        sandbox = make_sandbox(client, IMAGE, INSTALLATION)
        config = {**sandbox.container_config(pick_uid(), ()), "Entrypoint": ["python3", "-c", MARKED]}
        saved = run(client, config)
        size, _, snapshot = saved.stdout.partition(b"\n")
        assert int(size) == len(snapshot), saved.stderr
        with restoring(client, snapshot) as config:
            ended = run(client, config)
    assert (ended.stdout, ended.stderr) == (b"x\0x", b"")


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    """Return what a runner writes that saves itself."""
    with engine_client() as client:
        sandbox = make_sandbox(client, IMAGE, INSTALLATION)
        roomy = smaller(sandbox, memory_limit_bytes=SAVE_MEMORY_BYTES, wall_limit_s=SAVE_CPU_S)
        saved = run(client, roomy.saving_config(pick_uid()))
    size, _, snapshot = saved.stdout.partition(b"\n")
    assert int(size) == len(snapshot), saved.stderr
    return snapshot


def test_snapshot_tells_nothing_of_the_host(snapshot: bytes) -> None:
    """Every job can read the snapshot, and finds neither the gateway's key nor a name or a path of the host in it."""
    told = [KEY, str(ROOT), INSTALLATION, engine_url().removeprefix("unix://"), f"HOSTNAME={platform.node()}\0"]
    assert [text for text in told if text.encode() in snapshot] == []
    assert b"HOSTNAME=job\0" in snapshot  # texts of the process can be found


def test_idle_runner_is_charged_for_little(snapshot: bytes) -> None:
    """A restored runner that waits has written to few pages, so its container is charged for little memory."""
    with engine_client() as client:
        job = make_sandbox(client, IMAGE, INSTALLATION).job_config(pick_uid())
        imported = charged(client, job)
        with restoring(client, snapshot, *job["Cmd"]) as config:
            restored = charged(client, config)
    assert restored < imported / 4


def charged(client: docker.APIClient, config: dict[str, Any]) -> int:
    """Return the bytes of memory, without what can be dropped, that a waiting runner's container is charged for."""
    with attached(client, config) as (container_id, stream):
        client.start(container_id)
        assert stream.recv(1)  # it is ready
        memory = client.stats(container_id, stream=False)["memory_stats"]
        kept = memory["stats"]
        return int(kept.get("rss", kept.get("anon")))
