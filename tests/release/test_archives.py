"""An engine's archive is written anew without what is of the moment, and with all else."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.images.context import FIXED_TIME
from bootstrap.steps import SetupError
from tools.release.archives import rewrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "figbox-x:1.2.3"
LABELS = {"b": "2", "a": "1"}
MADE = 1_770_000_000

#: A file's name, how it is told from others of one name, its mode and owner, and what it has or links to.
BASE = [
    ("usr", tarfile.DIRTYPE, 0o755, 0, ""),
    ("usr/z", tarfile.REGTYPE, 0o644, 0, "z"),
    ("a", tarfile.REGTYPE, 0o600, 0, "a"),
]
OWN = [
    ("opt", tarfile.DIRTYPE, 0o755, 0, ""),
    ("opt/b", tarfile.REGTYPE, 0o640, 5, "content"),
    ("opt/a", tarfile.LNKTYPE, 0o640, 5, "opt/b"),
    ("opt/.wh.gone", tarfile.REGTYPE, 0o644, 0, ""),
    ("opt/link", tarfile.SYMTYPE, 0o777, 0, "b"),
]


def layer(members: list[tuple[str, bytes, int, int, str]], time: float, user: str) -> bytes:
    """Return a layer as an engine writes it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, mode, owner, what in members:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.mtime, entry.uname = kind, mode, owner, time, user
            entry.pax_headers = {"SCHILY.xattr.user.x": "y", "atime": str(time)} if name == "opt/b" else {}
            content = what.encode() if kind == tarfile.REGTYPE else b""
            entry.size, entry.linkname = len(content), "" if content else what
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def saved(folder: Path, moment: str, time: float, base: Callable[[bytes], bytes] = bytes) -> tuple[Path, str]:
    """Write what an engine saves at a moment; return its path, and the digest of the base's layer.

    Args:
        folder: For the file.
        moment: Its name.
        time: The moment.
        base: What the engine makes of the base's layer.
    """
    parts = [layer(BASE, 1.5, "root"), layer(OWN if moment == "one" else [OWN[0], OWN[4], *OWN[1:4]], time, moment)]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": moment,
        "container": moment,
        "container_config": {"Hostname": moment},
        "config": {"Hostname": moment, "Env": ["A=1"], "Cmd": ["x"], "Volumes": None, "Labels": {"of": moment}},
        "history": [{"created": moment, "comment": "base"}, {"created": moment, "created_by": "RUN x"}],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(part).hexdigest()}" for part in parts]},
    }
    manifest = [{"Config": "c.json", "RepoTags": [moment], "Layers": ["0/layer.tar", "1/layer.tar"]}]
    files = {"c.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    files |= {"0/layer.tar": base(parts[0]), "1/layer.tar": parts[1]}
    path = folder / f"{moment}.saved"
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path, config["rootfs"]["diff_ids"][0]


@pytest.fixture
def archives(tmp_path: Path) -> list[bytes]:
    """Return the same image, built twice and written anew."""
    found = []
    for moment, time in (("one", FIXED_TIME + 1000.25), ("two", FIXED_TIME + 5_000_000.5)):
        path, base = saved(tmp_path, moment, time)
        target = tmp_path / f"{moment}.tar"
        rewrite(path, target, name=NAME, labels=LABELS, time=MADE, base_layers=[base])
        found.append(target.read_bytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.saved", "one.tar", "two.saved", "two.tar"]
    return found


def content(archive: bytes) -> dict[str, bytes]:
    """Return the files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]


def test_two_moments_give_the_same_bytes(archives: list[bytes]) -> None:
    """Times, names of users and of containers differed."""
    assert archives[0] == archives[1]


def test_an_engine_that_compresses_gives_the_same_bytes(archives: list[bytes], tmp_path: Path) -> None:
    """Engines that keep images as they were pulled save layers so; one that has become another is noticed."""
    time = FIXED_TIME + 1000.25
    path, base = saved(tmp_path, "packed", time, gzip.compress)
    rewrite(path, tmp_path / "packed.tar", name=NAME, labels=LABELS, time=MADE, base_layers=[base])
    assert (tmp_path / "packed.tar").read_bytes() == archives[0]
    path, base = saved(tmp_path, "other", time, lambda layer: layer + bytes(512))
    with pytest.raises(SetupError, match=base):
        rewrite(path, tmp_path / "other.tar", name=NAME, labels=LABELS, time=MADE, base_layers=[base])


def test_layers_keep_what_files_are(archives: list[bytes]) -> None:
    """The base's is as it was; in ours modes, owners, links and attributes stay, and hard links come last."""
    files = content(archives[0])
    [entry] = json.loads(files["manifest.json"])
    base, own = (files[name] for name in entry["Layers"])
    assert base == layer(BASE, 1.5, "root")
    with tarfile.open(fileobj=io.BytesIO(own)) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == ["opt", "opt/.wh.gone", "opt/b", "opt/link", "opt/a"]
    found: dict[str, Any] = {member.name: member for member in members}
    assert (found["opt/b"].mode, found["opt/b"].uid, found["opt/b"].uname) == (0o640, 5, "")
    assert found["opt/b"].pax_headers == {"SCHILY.xattr.user.x": "y"}
    assert (found["opt/a"].linkname, found["opt/link"].linkname) == ("opt/b", "b")
    assert {member.mtime for member in members} == {FIXED_TIME}


def test_the_configuration_is_what_runs_need(archives: list[bytes]) -> None:
    """Nothing of the container that it was made from is in it."""
    files = content(archives[0])
    [entry] = json.loads(files["manifest.json"])
    assert entry["RepoTags"] == [NAME]
    config = json.loads(files[entry["Config"]])
    assert config.pop("rootfs")["diff_ids"] == [f"sha256:{name.rpartition('/')[2]}" for name in entry["Layers"]]
    assert config == {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-02-02T02:40:00Z",
        "config": {"Env": ["A=1"], "Cmd": ["x"], "Labels": LABELS},
        "history": [
            {"created": "2026-02-02T02:40:00Z", "comment": "base"},
            {"created": "2026-02-02T02:40:00Z", "created_by": "RUN x"},
        ],
    }
