"""Images for several processors: what may be ordered, what a builder must have, and the base that needs no registry."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shlex
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.images import base, layout, platforms
from bootstrap.steps import SetupError, Steps
from tests.documents.pages import DEPLOYMENT, ROOT, commands

if TYPE_CHECKING:
    from pathlib import Path

BOTH = tuple(platforms.ARCHITECTURES)

STORE = '[["driver-type","io.containerd.snapshotter.v1"]]'

#: A stand-in for Docker's command line, on hosts that a test can't have.
DOCKER = """#!/bin/sh
case "$*" in
"buildx version") exit {missing} ;;
"buildx inspect --bootstrap") echo 'Name:   {name}
Driver: {driver}
Nodes:
Platforms: {platforms}' ;;
"info --format"*) echo '{store}' ;;
*) exit 9 ;;
esac
"""


@pytest.mark.parametrize("words", ["", "linux", "linux/amd64,linux/s390x", "linux/amd64 linux/arm64"])
def test_only_platforms_that_there_are_images_for(words: str, tmp_path: Path) -> None:
    """What is ordered is one or both of two platforms."""
    with pytest.raises(SetupError, match="PLATFORMS"):
        platforms.order(words, "", "", tmp_path)


@pytest.mark.parametrize("registry", ["-o", "https://a.example/b", "a.example/B", "a.example/b:1", "a.example/b,c=d"])
def test_registry_is_a_name(registry: str, tmp_path: Path) -> None:
    """Nothing else gets into the builder's options."""
    with pytest.raises(SetupError, match="REGISTRY"):
        platforms.order("linux/amd64", registry, "", tmp_path)


@pytest.mark.parametrize("tag", ["-x", "a b", "a,b", "a/b", "x" * 129])
def test_tag_is_a_tag(tag: str, tmp_path: Path) -> None:
    """Nothing else gets into the builder's options."""
    with pytest.raises(SetupError, match="TAG"):
        platforms.order("linux/amd64", "", tag, tmp_path)


def test_order_by_default(tmp_path: Path) -> None:
    """Each platform once, in their order, with the tag `latest`."""
    found = platforms.order("linux/arm64, linux/amd64,linux/arm64", "127.0.0.1:5000/figbox", "", tmp_path)
    assert found == platforms.Order(("linux/arm64", "linux/amd64"), "127.0.0.1:5000/figbox", "latest", tmp_path)


def docker(folder: Path, monkeypatch: pytest.MonkeyPatch, **said: Any) -> None:
    """Put a stand-in for Docker's command line where it is found, alone."""
    defaults = {"missing": 0, "name": "default", "driver": "docker", "platforms": "linux/amd64", "store": STORE}
    program = folder / "docker"
    program.write_text(DOCKER.format(**{**defaults, **said}))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"missing": 1}, "`docker buildx` isn't here.*docker-buildx"),
        ({"store": '[["Backing Filesystem","extfs"]]'}, "'default' is the engine's own.*image store"),
        ({"name": "mine", "driver": "remote", "store": ""}, "'mine' can't run programs of linux/arm64: .*qemu"),
    ],
)
def test_what_is_missing_is_one_sentence(
    said: dict[str, Any], fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plugin, a builder that can write no archives, and one without the other processor."""
    docker(tmp_path, monkeypatch, **said)
    with pytest.raises(SetupError, match=fault) as caught:
        platforms.need_builder(BOTH)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "said", [{}, {"driver": "docker-container", "store": ""}, {"platforms": "linux/amd64*, linux/386, linux/arm64*"}]
)
def test_builders_that_do(said: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine with containerd's store, any other driver, and platforms that an operator has set."""
    docker(tmp_path, monkeypatch, **said)
    platforms.need_builder(BOTH if "arm64" in said.get("platforms", "") else BOTH[:1])


def tarball(path: Path) -> None:
    """Write a tarball with one file."""
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("etc/figbox")
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"hello"))


def test_layout_is_whole(tmp_path: Path) -> None:
    """Every descriptor has the digest and the length of its blob; the layer is the tarball, for that processor."""
    tarball(tmp_path / "files.tar")
    made = tmp_path / "layout"
    layout.write(made, tmp_path / "files.tar", "arm64")

    def blob(descriptor: dict[str, Any]) -> bytes:
        kind, _, digest = descriptor["digest"].partition(":")
        data = (made / "blobs" / kind / digest).read_bytes()
        assert (hashlib.new(kind, data).hexdigest(), len(data)) == (digest, descriptor["size"])
        return data

    assert json.loads((made / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (top,) = json.loads((made / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(top))
    config = json.loads(blob(manifest["config"]))
    (layer,) = manifest["layers"]
    files = gzip.decompress(blob(layer))
    assert files == (tmp_path / "files.tar").read_bytes()
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(files).hexdigest()}"]
    assert (config["architecture"], config["os"]) == ("arm64", "linux")
    assert "LANG=C.UTF-8" in config["config"]["Env"]
    assert len(list((made / "blobs" / "sha256").iterdir())) == 3


def test_layout_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the cache is used again, and equal files give an equal image."""
    made = []

    def make(_steps: Steps, target: Path, architecture: str) -> None:
        made.append(architecture)
        tarball(target)

    monkeypatch.setattr(base, "make_files", make)
    first = layout.ensure(Steps(), "x86_64", tmp_path / "a")
    assert layout.ensure(Steps(), "x86_64", tmp_path / "a") == first
    assert layout.ensure(Steps(), "x86_64", tmp_path / "b")[1] == first[1]
    assert made == ["x86_64", "x86_64"]


def test_make_passes_the_order_on() -> None:
    """The commands of docs/deployment.md: only with PLATFORMS on the command line buildx is used."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of a `make test`
    environment = {**outside, "PLATFORMS": "linux/386"}
    plain, archives, pushed = (
        subprocess.run(
            [*shlex.split(line), "--dry-run"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for line in commands(DEPLOYMENT)
        if line.startswith("make images")
    )
    assert "platform" not in plain
    assert plain.endswith(" venv engine image gateway-image\n")
    both = '"--platforms=linux/amd64,linux/arm64"'
    assert archives.endswith(f' {both} "--registry=" "--tag=" venv platform-images\n')
    assert pushed.endswith(f' {both} "--registry=registry.example/figbox" "--tag=1.0" venv platform-images\n')
