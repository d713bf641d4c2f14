"""What a program prints, writes and draws here is what a plain run gives, except where docs/programs.md says not."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.images import environments
from tests.plain_runs import corpus
from tests.plain_runs.comparison import parts_that_differ, report
from tests.support.live import IMAGE, LiveGateway, engine_client, live_gateway
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from tests.plain_runs.corpus import Program

PLAIN = Path(__file__).with_name("plain.py")

#: Images by the names of their environments.
IMAGES = {"default": IMAGE, "science": environments.tag_of(IMAGE, "science")}

#: An ordinary container: no filter, no limits, no user of ours, and a place to write. Programs are started in it.
CONFIG = {
    "User": "0:0",
    "Entrypoint": ["python3", "-c", "import signal; signal.pause()"],
    "Cmd": [],
    "HostConfig": {"NetworkMode": "none"},
}

#: Seconds a program may take, which are enough for every one here on any machine.
WALL_LIMIT_S = 120

#: Programs in all, at least.
PROGRAMS = 300


@dataclass(frozen=True, slots=True)
class PlainContainer:
    """A container in which Python runs as anywhere; what it has compiled and listed is there for the next programs."""

    client: docker.APIClient
    name: str

    def run(self, programs: list[Program]) -> list[dict[str, Any]]:
        """Return what each program gives in a plain run."""
        wanted = json.dumps([asdict(program) for program in programs]).encode()
        self.client.put_archive(self.name, "/", _archive({"plain/plain.py": PLAIN.read_bytes(), "plain/all": wanted}))
        command = ["python3", "/plain/plain.py", "/plain/all", str(WALL_LIMIT_S)]
        started = self.client.exec_create(self.name, command, workdir="/plain")["Id"]
        stdout, stderr = self.client.exec_start(started, demux=True)
        assert not stderr, stderr[-2000:].decode()
        found: list[dict[str, Any]] = json.loads(stdout)
        return found


@contextmanager
def plain_container(client: docker.APIClient, image: str) -> Iterator[PlainContainer]:
    """Run a container; it is removed at the end, whatever happens."""
    name = client.create_container_from_config({**CONFIG, "Image": image})["Id"]
    try:
        client.start(name)
        yield PlainContainer(client, name)
    finally:
        client.remove_container(name, force=True, v=True)


@pytest.fixture(scope="module")
def plain() -> Iterator[dict[str, PlainContainer]]:
    """Return a plain container of each environment's image."""
    with (
        engine_client(timeout=slowed(600)) as client,
        plain_container(client, IMAGES["default"]) as default,
        plain_container(client, IMAGES["science"]) as science,
    ):
        yield {"default": default, "science": science}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway with ordinary settings, and `science` beside `default`."""
    folder = tmp_path_factory.mktemp("gateway")
    file = folder / "environments.toml"
    file.write_text(f'[environments.science]\nimage = "{IMAGES["science"]}"\n')
    with live_gateway(folder, FIGBOX_WALL_LIMIT_S=WALL_LIMIT_S, FIGBOX_ENVIRONMENTS_FILE=file) as running:
        yield running


def _archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


async def rendered(gateway: LiveGateway, program: Program, environment: str) -> dict[str, Any]:
    """Return what Figbox gives."""
    body = {"code": program.code, "files": program.sent, "figures": "all", "environment": environment}
    response = await gateway.render_v1(accept="application/json", json=body)
    answer = response.json
    assert "outcome" in answer, (program.name, response.status, answer)
    figures = answer["figures"] if answer["outcome"] == "ok" else []
    return {
        "outcome": answer["outcome"],
        "stdout": answer["stdout"]["text"],
        "stderr": answer["stderr"]["text"] + answer.get("error", "") * (answer["outcome"] == "program_error"),
        "pixels": [picture["pixels_sha256"] for figure in figures for picture in figure["pictures"]],
        "files": {file["name"]: file["sha256"] for file in answer.get("files", [])},
    }


async def all_rendered(gateway: LiveGateway, programs: list[Program], environment: str) -> list[dict[str, Any]]:
    """Return what Figbox gives for each program, two at a time."""
    turns = asyncio.Semaphore(2)

    async def one(program: Program) -> dict[str, Any]:
        async with turns:
            return await rendered(gateway, program, environment)

    return await asyncio.gather(*[one(program) for program in programs])


@pytest.mark.engine
@pytest.mark.parametrize("kind", corpus.KINDS)
async def test_same_as_a_plain_run(gateway: LiveGateway, plain: dict[str, PlainContainer], kind: str) -> None:
    """Programs that aren't marked give the same; those that are marked don't, so that no mark is out of date."""
    programs = corpus.read(kind)
    environment = corpus.ENVIRONMENTS.get(kind, "default")
    with ThreadPoolExecutor(1) as pool:
        running = asyncio.get_running_loop().run_in_executor(pool, plain[environment].run, programs)
        here = await all_rendered(gateway, programs, environment)
        there = await running
    unexpected = [
        report(program.name, differing, program.differs)
        for program, one, other in zip(programs, there, here, strict=True)
        if bool(differing := parts_that_differ(one, other)) != bool(program.differs)
    ]
    assert not unexpected, "\n\n".join(["", *unexpected])


def test_corpus_is_large() -> None:
    """Of programs with names of their own."""
    names = [program.name for kind in corpus.KINDS for program in corpus.read(kind)]
    assert len(names) == len(set(names)) >= PROGRAMS


def test_page_tells_every_difference() -> None:
    """And shows each by a program."""
    marked = {program.differs for kind in corpus.KINDS for program in corpus.read(kind) if program.differs}
    assert marked == set(corpus.differences())
