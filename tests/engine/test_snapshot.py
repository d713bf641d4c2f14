"""Snapshots on a real engine: they change nothing but speed, and whatever is wrong with one, pictures are drawn.

Each test has a runner image of its own, so it shares no snapshot with other tests or services on the engine, and can
tell what is left of its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import re
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap import doctor
from bootstrap.doctor.image import TAG_LABEL
from gateway.launcher.engine.specification import LABEL_INSTALLATION, RESTORER, SNAPSHOT
from gateway.launcher.snapshot.saving import SIZE_LIMIT_BYTES
from gateway.model.jobs import Format
from tests.fakes import until
from tests.support import snapshots
from tests.support.command import start_and_fail
from tests.support.live import ROOT, engine_client, engine_url, free_port, live_gateway
from tests.support.machine import slowed
from tests.support.second_engine import EngineSetup, second_engine
from tests.support.snapshots import RunnerImage, field, runner_image, with_bytes, with_field, with_flipped_bit
from tests.support.split import live_split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    from tests.support.live import LiveGateway, LiveProcess

pytestmark = pytest.mark.engine

#: Seconds for a snapshot to be made and tried, after a minute's pause where another has failed.
DEADLINE_S = slowed(240)

#: An image whose runner says that it can't be saved.
UNABLE = 'frames.write_all(2, b"no snapshot: this one can not\\n")'

FIGURES = {
    "text": r"plt.plot([1, 3, 2], label='Größe \u6e2c'); plt.legend(); plt.title(r'$\int_0^1 \sqrt{\alpha}\,dx$')",
    "meshes": "fig, ax = plt.subplots(1, 2); fig.colorbar(ax[0].imshow(np.eye(9))); ax[1].contourf(np.eye(9))",
    "3D": "plt.figure().add_subplot(projection='3d').plot_surface(*np.meshgrid([0, 1], [0, 1]), np.eye(2))",
    "pandas and SciPy": """
        import pandas as pd
        from scipy import stats
        table = pd.DataFrame({"a": np.linspace(0, 9, 50)})
        table["b"] = stats.norm.pdf(table.a, 4)
        table.plot(x="a", y="b", kind="area")
    """,
    "random": "plt.scatter(*np.random.normal(size=(2, 200)), s=9, alpha=.4)",
    "what it is": "import sys; plt.title(f'{sys.argv} {sys.executable} {__name__}')",
}

#: A runner that begins to write a snapshot, and never ends.
NEVER_DONE = 'frames.write_all(1, b"50000000\\n" + bytes(20_000_000))\nwhile True: signal.pause()'

#: The engine's disk: room for the image while it is loaded, and what is left when a snapshot is to be stored.
DISK_BYTES, LEFT_BYTES = 3 << 30, 16 << 20

#: How often a check is made where the addresses that it needs are taken.
CHECK_TRIES = 10

#: Exit status of the restorer when it restores nothing.
NOT_RESTORED = 120

#: Data of a snapshot that has only zeroes.
EMPTY_BYTES = 256 << 20

FORMATS = [kind.value for kind in Format]
PLOT = FIGURES["text"]


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    """Return a client of the engine."""
    with engine_client(timeout=slowed(120)) as client:
        yield client


@pytest.fixture(scope="module")
def image(client: docker.APIClient) -> Iterator[RunnerImage]:
    """Return the image of the gateways that all tests share."""
    with runner_image(client) as made:
        yield made


@pytest.fixture(scope="module")
def restoring(image: RunnerImage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway whose runners are restored."""
    with live_gateway(tmp_path_factory.mktemp("restoring"), **settings(image)) as running:
        asyncio.run(until_way(running, "snapshot"))
        yield running


@pytest.fixture(scope="module")
def importing(image: RunnerImage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway whose runners import."""
    folder = tmp_path_factory.mktemp("importing")
    with live_gateway(folder, **settings(image, FIGBOX_WARM_START="import")) as running:
        yield running


@pytest.fixture(scope="module")
def picture(importing: LiveGateway) -> bytes:
    """Return what an importing runner draws of `PLOT`."""
    return asyncio.run(importing.render(PLOT)).body


@pytest.fixture(scope="module")
def snapshot(client: docker.APIClient, restoring: LiveGateway, image: RunnerImage) -> bytes:
    """Return a good snapshot, as a service made it."""
    assert restoring.process.poll() is None
    (image_id,) = image.snapshots()
    return snapshots.read_file(client, image_id, SNAPSHOT)


@pytest.fixture(scope="module")
def small(client: docker.APIClient) -> bytes:
    """Return a good snapshot of a process that is no runner."""
    return snapshots.bare_snapshot(client)


@pytest.fixture(scope="module")
def unable(client: docker.APIClient) -> Iterator[RunnerImage]:
    """Return an image that can't be saved, so that a service has what is kept or nothing."""
    with runner_image(client, saving=UNABLE) as made:
        yield made


def settings(image: RunnerImage, **others: object) -> dict[str, Any]:
    """Return the settings of a service with that image."""
    return {"FIGBOX_IMAGE": image.image_id, "FIGBOX_WARM_START": "auto", "FIGBOX_POOL_SIZE": 1, **others}


async def warm_start(gateway: LiveGateway, environment: str = "default") -> dict[str, str]:
    """Return what readiness says of an environment's runners; nothing while it isn't ready."""
    found: dict[str, dict[str, str]] = (await gateway.get("/readyz")).json.get("warm_start", {})
    return found.get(environment, {})


async def until_said(
    gateway: LiveGateway, condition: Callable[[dict[str, str]], bool], environment: str = "default"
) -> dict[str, str]:
    """Wait until a condition holds for what readiness says of an environment's runners; return that."""
    end = time.monotonic() + DEADLINE_S
    while not condition(said := await warm_start(gateway, environment)):
        assert time.monotonic() < end, (said, gateway.log_text()[-2000:])
        await asyncio.sleep(0.1)
    return said


async def until_way(gateway: LiveGateway, way: str, environment: str = "default") -> str:
    """Wait until an environment's runners have settled on a way to start; return the reason."""
    said = await until_said(
        gateway,
        lambda said: said.get("way") == way and said.get("reason") != "a snapshot is being made",
        environment,
    )
    return said.get("reason", "")


def logged(process: LiveProcess, event: str) -> list[dict[str, Any]]:
    """Return the lines of a log with an event."""
    lines = [json.loads(line) for line in process.log_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


async def drawn(gateway: LiveGateway, code: str) -> dict[str, str]:
    """Return what code draws: each figure in each format, and what it prints."""
    body = {"code": code, "format": FORMATS, "figures": "all", "seed": 7}
    response = await gateway.render_v1(accept="application/json", json=body)
    assert response.status == 200, response.json
    (figure,) = response.json["figures"]
    return {each["format"]: each["data"] for each in figure["pictures"]}


async def assert_it_imports(gateway: LiveGateway, picture: bytes, reason: str) -> None:
    """Check that a service draws without a snapshot, and says why not with one: in readiness, and once in its log."""
    assert re.search(reason, await until_way(gateway, "import"))
    for _ in range(2):
        assert (await gateway.render(PLOT)).body == picture
    assert (await gateway.get("/healthz")).status == 200
    (line,) = logged(gateway, "no snapshot: runners import")
    assert re.search(reason, line["reason"])
    assert not logged(gateway, "runner not restored")


def assert_nothing_is_left(image: RunnerImage, gateway: LiveGateway, *kept: str) -> None:
    """Check that a service has ended well, and that all that is left are the images with a snapshot that it uses."""
    assert gateway.terminate() == 0
    assert image.containers() == []
    assert set(image.snapshots()) == set(kept)


@pytest.mark.parametrize("name", FIGURES)
async def test_pictures_are_those_of_an_import(restoring: LiveGateway, importing: LiveGateway, name: str) -> None:
    """A restored runner draws the same bytes in every format."""
    code = "\n".join(line.strip() for line in FIGURES[name].splitlines())
    pictures = await drawn(restoring, code)
    assert pictures == await drawn(importing, code)
    assert list(pictures) == FORMATS
    assert base64.b64decode(pictures["png"]).startswith(b"\x89PNG")
    assert not logged(restoring, "runner not restored")


async def test_warm_containers_are_restored(
    client: docker.APIClient, restoring: LiveGateway, importing: LiveGateway, image: RunnerImage
) -> None:
    """A warm container is of the image with the snapshot where that is in use, else of the runner image."""

    def images(gateway: LiveGateway) -> list[str]:
        rows = client.containers(filters={"label": f"{LABEL_INSTALLATION}={gateway.installation}"})
        return [row["ImageID"] for row in rows]

    await until(lambda: images(restoring) == image.snapshots(), "a restored warm container")
    await until(lambda: images(importing) == [image.image_id], "a warm container that imported")
    assert await warm_start(importing) == {"way": "import"}


def test_doctor_asks_the_gateway(
    client: docker.APIClient, restoring: LiveGateway, image: RunnerImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make doctor` tells what a running gateway says of its runners, else which snapshots the engine keeps."""

    def found(port: object) -> list[tuple[str, str]]:
        monkeypatch.setenv("PORT", str(port))
        return [(each.name, each.what) for each in doctor.examine(ROOT, tag) if each.name.startswith("snapshot")]

    tag = client.inspect_image(image.image_id)["Config"]["Labels"][TAG_LABEL]
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setenv("DOCKER_HOST", engine_url())
    monkeypatch.delenv("FIGBOX_WARM_START", raising=False)
    assert found(restoring.url.rpartition(":")[2]) == [("snapshot.default", "runners of default start from a snapshot")]
    ((name, what),) = found(free_port())
    assert name == "snapshot"
    assert re.search(r"keeps (one snapshot|\d+ snapshots) of this image$", what)


async def test_snapshot_outlives_the_service(client: docker.APIClient, picture: bytes, tmp_path: Path) -> None:
    """After a restart the same snapshot is used, and no other is made."""
    with runner_image(client) as image:
        hows = []
        for _ in range(2):
            with live_gateway(tmp_path, **settings(image)) as gateway:
                await until_way(gateway, "snapshot")
                assert (await gateway.render(PLOT)).body == picture
                (line,) = logged(gateway, "snapshot in use")
                hows.append((line["how"], line["image"]))
                assert_nothing_is_left(image, gateway, line["image"])
        assert [how for how, _ in hows] == ["made", "kept"]
        assert len({used for _, used in hows}) == 1


KEPT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "the file is no snapshot"),
    "random bytes": (lambda _: os.urandom(1 << 20), "the file is no snapshot"),
    "cut in the tables": (lambda good: good[:1000], "the file is truncated or damaged"),
    "cut in the data": (lambda good: good[:-4096], "the file is truncated or damaged"),
    "a bit of the tables": (lambda good: with_flipped_bit(good, 8 * 1000), "the file is damaged"),
    "a bit of the data": (lambda good: with_flipped_bit(good, 4 * len(good)), "the file is damaged"),
    "another kernel": (lambda good: with_field(good, "kernel", field(good, "kernel") ^ 1), "it is of another kernel"),
    "another vdso": (lambda good: with_field(good, "vdso", field(good, "vdso") ^ 1), "it is of another vdso"),
    "another processor": (
        lambda good: with_field(good, "processor", field(good, "processor") ^ 1),
        "it is of another processor",
    ),
    "nothing but zeroes": (
        lambda good: with_field(good[: field(good, "data_offset")] + bytes(EMPTY_BYTES + 8), "data_bytes", EMPTY_BYTES),
        "the file is damaged",
    ),
    "lost": (
        lambda good: with_bytes(good, snapshots.FIELDS["registers"], bytes(snapshots.REGISTERS_BYTES)),
        "a runner did not become ready",
    ),
}


async def test_kept_snapshot_is_used(unable: RunnerImage, snapshot: bytes, picture: bytes, tmp_path: Path) -> None:
    """A good one is, although it was put into its image by hand: so what the next tests find is what is wrong."""
    kept = unable.keep(snapshot)
    with live_gateway(tmp_path, **settings(unable)) as gateway:
        await until_way(gateway, "snapshot")
        assert (await gateway.render(PLOT)).body == picture
        assert_nothing_is_left(unable, gateway, kept)
    unable.forget(kept)


@pytest.mark.parametrize("name", KEPT)
async def test_bad_kept_snapshot_is_not_used(
    unable: RunnerImage, small: bytes, picture: bytes, tmp_path: Path, name: str
) -> None:
    """It is refused with the reason and removed; where no other can be made, runners import."""
    spoil, reason = KEPT[name]
    unable.keep(spoil(small))
    with live_gateway(tmp_path, **settings(unable)) as gateway:
        await assert_it_imports(gateway, picture, "this one can not")
        (line,) = logged(gateway, "kept snapshot not used")
        assert reason in line["reason"]
        assert_nothing_is_left(unable, gateway)


async def test_bad_kept_snapshot_is_replaced(
    client: docker.APIClient, small: bytes, picture: bytes, tmp_path: Path
) -> None:
    """Another is made at once, and used."""
    with runner_image(client) as image:
        bad = image.keep(with_flipped_bit(small, 8 * 1000))
        with live_gateway(tmp_path, **settings(image)) as gateway:
            await until_way(gateway, "snapshot")
            assert (await gateway.render(PLOT)).body == picture
            (used,) = image.snapshots()
            assert used != bad
            assert [line["how"] for line in logged(gateway, "snapshot in use")] == ["made"]
            assert_nothing_is_left(image, gateway, used)


@pytest.mark.parametrize(
    ("saving", "reason"),
    [
        ("pass", "^the container ended early$"),
        ('os.write(1, b"many bytes\\n")', "^its size is no number$"),
        ('frames.write_all(1, b"7" * 10**9)', "^its size is no number$"),
        (f'os.write(1, b"{SIZE_LIMIT_BYTES + 1}\\n")', "^it would be of 1024 MiB"),
        ('os.write(1, b"1000000\\n" + bytes(1000))', "^the container ended early$"),
        ('os.write(1, b"10\\n")\nwhile True: os.write(1, bytes(1000))', "^it wrote more than it had announced$"),
        ('frames.write_all(1, b"8192\\n" + bytes(8192))', "^the file is no snapshot$"),
        ('os.write(1, b"50\\n")\nx = bytes(10**10)', "MemoryError|^the container ended early$"),
        ('raise RuntimeError("x" * 50)', "^RuntimeError: x{50}$"),
        (UNABLE, "^this one can not$"),
    ],
)
async def test_nonsense_is_no_snapshot(
    client: docker.APIClient, picture: bytes, tmp_path: Path, saving: str, reason: str
) -> None:
    """Whatever a runner writes when it should save itself, others import, and nothing of it is kept."""
    with runner_image(client, saving=saving) as image, live_gateway(tmp_path, **settings(image)) as gateway:
        await assert_it_imports(gateway, picture, reason)
        assert_nothing_is_left(image, gateway)


async def test_image_without_a_saver(client: docker.APIClient, picture: bytes, tmp_path: Path) -> None:
    """An image that lacks the program that saves is used all the same."""
    with (
        runner_image(client, without=snapshots.SAVER) as image,
        live_gateway(tmp_path, **settings(image)) as gateway,
    ):
        await assert_it_imports(gateway, picture, r"saver\.so: cannot open shared object file")
        assert_nothing_is_left(image, gateway)


def test_start_is_refused_where_a_snapshot_is_demanded(unable: RunnerImage) -> None:
    """The service says in one sentence why there is none, and what to do, and ends with status 1."""
    said = start_and_fail(**settings(unable, FIGBOX_WARM_START="snapshot", DOCKER_HOST=engine_url()))
    assert "no snapshot can be used here: this one can not; set FIGBOX_WARM_START=auto" in said
    assert unable.containers() == unable.snapshots() == []


async def test_lost_image_is_made_again(client: docker.APIClient, picture: bytes, tmp_path: Path) -> None:
    """When the image with the snapshot is removed, containers import until there is another."""
    with runner_image(client) as image, live_gateway(tmp_path, **settings(image, FIGBOX_POOL_SIZE=0)) as gateway:
        await until_way(gateway, "snapshot")
        (lost,) = image.snapshots()
        await until(lambda: not image.containers(), "the trial's containers are gone")
        image.forget(lost)
        while not logged(gateway, "no snapshot: runners import"):
            assert len(logged(gateway, "runner not restored")) < 3
            assert (await gateway.render(PLOT)).body == picture
        assert (await warm_start(gateway))["way"] == "import"
        await until_way(gateway, "snapshot")
        assert (await gateway.render(PLOT)).body == picture
        (used,) = image.snapshots()
        assert used != lost
        assert len(logged(gateway, "no snapshot: runners import")) == 1
        assert_nothing_is_left(image, gateway, used)


async def test_each_environment_has_its_own(
    client: docker.APIClient, image: RunnerImage, unable: RunnerImage, restoring: LiveGateway, tmp_path: Path
) -> None:
    """Each environment's runners are restored from a snapshot of its image, or import for a reason of its own."""
    assert await warm_start(restoring) == {"way": "snapshot"}
    with runner_image(client) as second:
        file = tmp_path / "environments.toml"
        images = {"second": second.image_id, "third": unable.image_id}
        file.write_text("".join(f"[environments.{name}]\nimage = '{of}'\n" for name, of in images.items()))
        with live_gateway(tmp_path, **settings(image, FIGBOX_ENVIRONMENTS_FILE=file)) as gateway:
            assert await until_way(gateway, "import", "third") == "this one can not"
            for name in ("default", "second"):
                await until_way(gateway, "snapshot", name)
            answers = [
                await gateway.render_v1(accept="image/png", json={"code": PLOT, "environment": name, "seed": 1})
                for name in ("default", *images)
            ]
            assert [answer.status for answer in answers] == [200] * 3
            assert len({answer.body for answer in answers}) == 1
            used = {line["environment"]: line["image"] for line in logged(gateway, "snapshot in use")}
            assert used == {"default": image.snapshots()[0], "second": second.snapshots()[0]}
            assert_nothing_is_left(second, gateway, used["second"])


async def test_launcher_of_its_own(image: RunnerImage, restoring: LiveGateway, picture: bytes, tmp_path: Path) -> None:
    """The gateway says what its launcher does, which has the snapshot."""
    assert await warm_start(restoring) == {"way": "snapshot"}
    with live_split(tmp_path, **settings(image)) as split:
        await until_way(split.gateway, "snapshot")
        assert (await split.gateway.render(PLOT)).body == picture
        assert len(logged(split.launcher, "snapshot in use")) == 1
        assert not logged(split.gateway, "snapshot in use")


async def test_reason_comes_from_a_launcher_of_its_own(unable: RunnerImage, picture: bytes, tmp_path: Path) -> None:
    """Where there is no snapshot, the gateway's readiness and the launcher's log say why."""
    with live_split(tmp_path, **settings(unable)) as split:
        assert await until_way(split.gateway, "import") == "this one can not"
        assert (await split.gateway.render(PLOT)).body == picture
        assert len(logged(split.launcher, "no snapshot: runners import")) == 1


async def test_end_while_a_snapshot_is_made(client: docker.APIClient, picture: bytes, tmp_path: Path) -> None:
    """A service that ends or is killed then leaves nothing, the latter once it has started again."""
    with runner_image(client, saving=NEVER_DONE) as image:
        chosen = settings(image, FIGBOX_POOL_SIZE=0, FIGBOX_INSTALLATION="test-snapshot-end")
        with live_gateway(tmp_path, **chosen) as gateway:
            await until(lambda: len(image.containers()) == 2, "a container that saves itself, and one for the image")
            strays = set(image.containers())
            gateway.kill()
            assert set(image.containers()) == strays
        assert strays
        with live_gateway(tmp_path, **chosen) as gateway:
            await until(
                lambda: len(image.containers()) == 2 and not strays & set(image.containers()), "others in their place"
            )
            assert (await gateway.render(PLOT)).body == picture
            assert_nothing_is_left(image, gateway)


async def test_engine_without_space(tmp_path: Path) -> None:
    """An engine that can't store a snapshot is no reason not to draw; once it can, there is one."""
    with (
        second_engine(EngineSetup(disk_bytes=DISK_BYTES), with_image=True) as engine,
        engine_client(engine.url, timeout=slowed(120)) as client,
        runner_image(client) as image,
        live_gateway(tmp_path, docker_host=engine.url, **settings(image, FIGBOX_WARM_START="import")) as importing,
    ):
        expected = (await importing.render(PLOT)).body
        importing.terminate()
        with engine.full_disk(LEFT_BYTES), live_gateway(tmp_path, docker_host=engine.url, **settings(image)) as gateway:
            await assert_it_imports(gateway, expected, "^the engine failed: ")
            assert image.snapshots() == []
        with live_gateway(tmp_path, docker_host=engine.url, **settings(image)) as gateway:
            await until_way(gateway, "snapshot")


def test_every_flipped_bit_is_found(client: docker.APIClient, small: bytes, tmp_path: Path) -> None:
    """The restorer's check finds each single bit of a snapshot that is the other way round."""
    program = snapshots.program(client, RESTORER[0], tmp_path)
    file = tmp_path / "snapshot"
    file.write_bytes(small)
    assert checked(program, file) == (0, "")
    tables = 8 * field(small, "data_offset")
    bits = [bit for end in (tables, 8 * len(small)) for bit in random.sample(range(end), 500)]
    with file.open("r+b") as opened:
        for bit in bits:
            at, whole = bit // 8, small[bit // 8]
            os.pwrite(opened.fileno(), bytes([whole ^ 1 << bit % 8]), at)
            status, said = checked(program, file)
            assert (status, said.partition(":")[0]) == (NOT_RESTORED, "snapshot not restored"), f"bit {bit}"
            os.pwrite(opened.fileno(), bytes([whole]), at)
    assert checked(program, file) == (0, "")


def test_size_of_the_file_is_checked_first(client: docker.APIClient, small: bytes, tmp_path: Path) -> None:
    """A file with a terabyte of nothing is refused without reading it."""
    program = snapshots.program(client, RESTORER[0], tmp_path)
    file = tmp_path / "snapshot"
    file.write_bytes(small)
    os.truncate(file, 1 << 40)
    assert checked(program, file) == (NOT_RESTORED, "snapshot not restored: the file is truncated or damaged\n")


def checked(program: Path, file: Path) -> tuple[int, str]:
    """Return how the restorer's check of a file ended, and what it said; that an address is taken may be chance."""
    for _ in range(CHECK_TRIES):
        done = subprocess.run(
            [program, "--check", file], capture_output=True, text=True, check=False, timeout=slowed(60)
        )
        if "an address is taken" not in done.stdout:
            break
    return done.returncode, done.stdout
