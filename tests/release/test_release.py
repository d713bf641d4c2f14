"""A whole release, built twice: its files are the same bytes, can be loaded and run, and say what they are made of."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import referencing
from referencing.jsonschema import DRAFT7

from tests.fakes import PNG
from tests.release.repository import CHANGES, VERSION, git, make_repository
from tests.support.command import run
from tests.support.live import engine_client, live_gateway
from tests.support.machine import slowed
from tools.release.contents import PROGRAMS
from tools.release.images import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

LIMIT_S = slowed(3600)
NAMES = ("figbox-runner", "figbox-gateway")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Return the folders of two builds, in other folders, by users of other habits; nothing of them stays."""
    folder = tmp_path_factory.mktemp("release")
    first = make_repository(folder / "first", whole=True)
    second = folder / "elsewhere" / "second-repository"
    git(folder, "clone", "--quiet", str(first), str(second))
    with engine_client() as client:
        before = {row["Id"] for row in client.images(all=True)}
        had_base = bool(client.images(name=BASE))
        try:
            make(first, folder / "one", umask=0o022)
            make(second, folder / "two", umask=0o077, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="1")
            left = {tag for row in client.images() if row["Id"] not in before for tag in row["RepoTags"] or ()}
            assert left <= {BASE}
            yield folder / "one", folder / "two"
        finally:
            if not had_base:
                client.remove_image(BASE)
    shutil.rmtree(folder)


def make(repository: Path, target: Path, *, umask: int, **variables: str) -> None:
    """Make a release as the Makefile does."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.release", target],
        cwd=repository,
        env={
            **os.environ,
            **variables,
            "PYTHONPATH": os.pathsep.join([str(repository), os.environ.get("PYTHONPATH", "")]),
        },
        umask=umask,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def release(built: tuple[Path, Path]) -> Path:
    """Return one of the builds."""
    return built[0]


@pytest.fixture
def architecture(release: Path) -> str:
    """Return the processor's name in the files' names."""
    [archive] = release.glob("figbox-runner-*.tar")
    return archive.stem.rpartition("-")[2]


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def ids(folder: Path) -> dict[str, str]:
    """Return the ids of the images by their names, as the sums tell them."""
    lines = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines() if line.startswith("# image ")]
    return {line[2]: line[4] for line in lines}


def test_built_twice_it_is_the_same(built: tuple[Path, Path]) -> None:
    """Each file has the same bytes, from another folder, later, and with another umask, time zone and hash seed."""
    one, two = map(digests, built)
    assert one == two


def test_files_are_complete(release: Path, architecture: str) -> None:
    """All files of the page are there and of the sums; the changes are the section."""
    images = {f"{name}-{VERSION}-{architecture}{end}" for name in NAMES for end in (".tar", ".cdx.json")}
    client = {f"figbox-{VERSION}{end}" for end in ("-py3-none-any.whl", ".tar.gz", ".cdx.json")}
    others = {"images.env", f"CHANGES-{VERSION}.md", "SHA256SUMS"}
    assert {path.name for path in release.iterdir()} == images | client | others
    done = run("sha256sum", "--check", "--strict", "SHA256SUMS", folder=release)
    assert done.stdout.count(": OK") == len(images | client | others) - 1, done
    assert CHANGES in (release / f"CHANGES-{VERSION}.md").read_text()
    found = ids(release)
    settings = (
        f"FIGBOX_IMAGE={found[f'figbox-runner:{VERSION}']}\nFIGBOX_GATEWAY_IMAGE={found[f'figbox-gateway:{VERSION}']}\n"
    )
    assert (release / "images.env").read_text() == settings


def test_the_wheel_is_of_the_source(release: Path) -> None:
    """The wheel has the version; the source archive has what the wheel is made of, and belongs to nobody."""
    with zipfile.ZipFile(release / f"figbox-{VERSION}-py3-none-any.whl") as wheel:
        assert f"\nVersion: {VERSION}\n" in wheel.read(f"figbox-{VERSION}.dist-info/METADATA").decode()
        modules = {name for name in wheel.namelist() if name.endswith((".py", ".html"))}
    packed = (release / f"figbox-{VERSION}.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed)) as sdist:
        members = sdist.getmembers()
    assert {f"figbox-{VERSION}/{name}" for name in modules} <= {member.name for member in members}
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}


@pytest.mark.parametrize("name", NAMES)
def test_layouts_agree(release: Path, architecture: str, name: str) -> None:
    """The archive is what the specification says: each blob has the digest that is its name, and what refers to it."""
    with tarfile.open(release / f"{name}-{VERSION}-{architecture}.tar") as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isreg()}
        content = {path: file.read() for path, file in files.items() if file is not None}
    for path, data in content.items():
        assert not path.startswith("blobs/") or path == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    [described] = json.loads(content["index.json"])["manifests"]
    manifest = json.loads(content[blob(described)])
    config = json.loads(content[blob(manifest["config"])])
    assert [layer["digest"] for layer in manifest["layers"]] == config["rootfs"]["diff_ids"]
    assert all(layer["size"] == len(content[blob(layer)]) for layer in manifest["layers"])
    assert manifest["config"]["digest"] == ids(release)[f"{name}:{VERSION}"]
    assert config["created"] == "2026-02-03T04:05:06Z"
    assert config["config"]["Labels"]["org.opencontainers.image.version"] == VERSION
    assert json.loads(content["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def blob(described: dict[str, Any]) -> str:
    """Return the path of what is described."""
    return f"blobs/sha256/{described['digest'].removeprefix('sha256:')}"


@pytest.mark.parametrize("name", ["figbox", *NAMES])
def test_bills_are_valid_and_complete(release: Path, architecture: str, name: str) -> None:
    """By CycloneDX's own schema; with packages of Python and Debian, and the programs in C, in their versions."""
    middle = "" if name == "figbox" else f"-{architecture}"
    document = json.loads((release / f"{name}-{VERSION}{middle}.cdx.json").read_text())
    schemas = resources.files("cyclonedx.schema") / "_res"
    texts = {each: json.loads((schemas / f"{each}.SNAPSHOT.schema.json").read_text()) for each in ("spdx", "jsf-0.82")}
    registry = referencing.Registry().with_resources(
        [
            (f"http://cyclonedx.org/schema/{each}.SNAPSHOT.schema.json", DRAFT7.create_resource(text))
            for each, text in texts.items()
        ]
        + [
            (f"http://cyclonedx.org/schema/{each}.schema.json", DRAFT7.create_resource(text))
            for each, text in texts.items()
        ]
    )
    schema = json.loads((schemas / "bom-1.6.SNAPSHOT.schema.json").read_text())
    jsonschema.Draft7Validator(schema, registry=registry).validate(document)
    assert document["metadata"]["timestamp"] == "2026-02-03T04:05:06+00:00"
    versions = {part["name"]: part.get("version") for part in document["components"]}
    assert all(versions.values())
    if name == "figbox":
        assert {"click", "httpx2", "rich"} <= set(versions)
        return
    assert document["metadata"]["component"]["properties"][0]["value"] == ids(release)[f"{name}:{VERSION}"]
    assert {"libc6", "python3.13-minimal", "base-files"} <= set(versions)
    if name == "figbox-runner":
        assert {"matplotlib", "numpy", *(f"figbox-{program}" for program in PROGRAMS)} <= set(versions)
    else:
        assert {"aiohttp", "docker"} <= set(versions)
        assert not {"matplotlib", "figbox-restorer"} & set(versions)


async def test_loaded_images_run(release: Path, architecture: str, tmp_path: Path) -> None:
    """The engine calls them what the sums say; the gateway's has the version, and the runner's draws."""
    found = ids(release)
    with engine_client(timeout=LIMIT_S) as client:
        try:
            for name in NAMES:
                with (release / f"{name}-{VERSION}-{architecture}.tar").open("rb") as archive:
                    list(client.load_image(archive))
                assert client.inspect_image(f"{name}:{VERSION}")["Id"] == found[f"{name}:{VERSION}"]
            program = ["python3", "-c", "import gateway, gateway.lifecycle; print(gateway.__version__)"]
            image = found[f"figbox-gateway:{VERSION}"]
            command = ["docker", "run", "--rm", "--network=none", f"--entrypoint={program[0]}", image, *program[1:]]
            assert run(*command, limit_s=LIMIT_S).stdout == f"{VERSION}\n"
            with live_gateway(tmp_path, FIGBOX_IMAGE=found[f"figbox-runner:{VERSION}"], FIGBOX_POOL_SIZE=0) as gateway:
                picture = await gateway.render("plt.plot([1, 2])")
            assert (picture.status, picture.body[:8]) == (200, PNG[:8])
        finally:
            for name in NAMES:
                client.remove_image(f"{name}:{VERSION}", force=True)
