"""Images as archives that are the same bytes each time.

An engine writes times and names of the moment into what it makes: into the configuration, and as the times of files
that a build's programs wrote. Here an archive of an engine is written anew: layers of the base as they are; each other
layer sorted by name, with times after the fixed one set to that (byte code names the times of its sources, which are
never later), and without names of owners; a configuration of what runs need. Contents, modes and owners stay.

What is written is both a layout of the Open Container Initiative and what `docker load` has always read: each engine
reads one of them. Nothing is compressed, so that the bytes don't depend on a compressor.

Source: OCI Image Format Specification 1.1: image layout, manifest, configuration; moby `image/tarexport/load.go`.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from bootstrap.images.archive import KEPT_RECORDS, PIECE
from bootstrap.images.context import FIXED_TIME
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: Members of a configuration that runs need: those of the specification, and Docker's own for health.
KEPT = (
    *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "WorkingDir", "StopSignal", "Healthcheck", "Shell"),
)  # fmt: skip
KEPT_OF_HISTORY = ("created_by", "comment", "empty_layer")

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
BLOBS = "blobs/sha256"

#: What a compressed layer begins with. Source: RFC 1952, 2.3.1.
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Written:
    """An image that was written.

    Attributes:
        name: Which it gets where it is loaded.
        image_id: What engines call it: the digest of its configuration.
        digest: That of its manifest.
    """

    name: str
    image_id: str
    digest: str


def rewrite(
    saved: Path, target: Path, *, name: str, labels: Mapping[str, str], time: int, base_layers: Sequence[str]
) -> Written:
    """Write an engine's archive of one image anew.

    Args:
        saved: The archive, as `docker save` writes it.
        target: The new one; a folder of the same name with `.blobs` at its end is used and removed.
        name: The image's, with its tag.
        labels: The image's.
        time: When it was made, in seconds since 1970.
        base_layers: Digests of the base's layers, which stay as they are.

    Raises:
        SetupError: The archive has other layers than it says.
    """
    blobs = target.with_name(f"{target.name}.blobs")
    blobs.mkdir()
    try:
        with tarfile.open(saved) as old:
            [entry] = json.loads(_member(old, "manifest.json").read())
            config = json.loads(_member(old, entry["Config"]).read())
            layers = [
                _keep(_member(old, layer), diff_id, blobs)
                if diff_id in base_layers
                else _settle(_member(old, layer), blobs)
                for layer, diff_id in zip(entry["Layers"], config["rootfs"]["diff_ids"], strict=True)
            ]
        kept = _config(config, labels, time, layers)
        image_id = _document(blobs, kept)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _described(blobs, image_id, CONFIG_TYPE),
            "layers": [_described(blobs, layer, LAYER_TYPE) for layer in layers],
        }
        digest = _document(blobs, manifest)
        annotations = {"org.opencontainers.image.ref.name": name.partition(":")[2], "io.containerd.image.name": name}
        index = {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [
                {
                    **_described(blobs, digest, MANIFEST_TYPE),
                    "platform": {"architecture": config["architecture"], "os": config["os"]},
                    "annotations": annotations,
                }
            ],
        }
        of_docker = [
            {"Config": _blob(image_id), "RepoTags": [name], "Layers": [_blob(layer) for layer in layers]},
        ]
        documents = {"oci-layout": {"imageLayoutVersion": "1.0.0"}, "index.json": index, "manifest.json": of_docker}
        _pack(target, blobs, {path: _encoded(value) for path, value in documents.items()}, time)
    finally:
        for blob in blobs.iterdir():
            blob.unlink()
        blobs.rmdir()
    return Written(name, image_id, digest)


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is no file")
    return found


def _keep(layer: IO[bytes], diff_id: str, blobs: Path) -> str:
    """Write a layer as it is, but for the compression of engines that keep layers as they were pulled.

    Returns:
        Its digest, which is the one that the image's configuration has.

    Raises:
        SetupError: It isn't.
    """
    is_compressed = layer.read(len(GZIP)) == GZIP
    layer.seek(0)
    plain = gzip.GzipFile(fileobj=layer) if is_compressed else layer
    with (blobs / "new").open("wb") as out:
        while piece := plain.read(PIECE):
            out.write(piece)
    digest = _named(blobs)
    if digest != diff_id:
        raise SetupError(f"The engine's archive has another layer in the place of {diff_id}.")
    return digest


def _settle(layer: IO[bytes], blobs: Path) -> str:
    """Write a layer without what is of the moment; return its digest."""
    with tarfile.open(fileobj=layer) as old, tarfile.open(blobs / "new", "w", format=tarfile.PAX_FORMAT) as new:
        # Hard links come last: what they link to must be there.
        for member in sorted(old.getmembers(), key=lambda member: (member.islnk(), member.name)):
            member.mtime = min(int(member.mtime), FIXED_TIME)
            member.uname = member.gname = ""
            member.pax_headers = {k: v for k, v in sorted(member.pax_headers.items()) if k.startswith(KEPT_RECORDS)}
            new.addfile(member, old.extractfile(member) if member.isreg() else None)
    return _named(blobs)


def _named(blobs: Path) -> str:
    """Give what was just written the name of its digest, and return that."""
    with (blobs / "new").open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    (blobs / "new").rename(blobs / digest)
    return f"sha256:{digest}"


def _config(old: dict[str, Any], labels: Mapping[str, str], time: int, layers: Sequence[str]) -> dict[str, Any]:
    created = dt.datetime.fromtimestamp(time, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = {member: value for member, value in old["config"].items() if member in KEPT and value}
    history = [
        {"created": created, **{member: entry[member] for member in KEPT_OF_HISTORY if member in entry}}
        for entry in old["history"]
    ]
    return {
        "architecture": old["architecture"],
        "os": old["os"],
        **({"variant": old["variant"]} if old.get("variant") else {}),
        "created": created,
        "config": {**config, "Labels": dict(labels)},
        "rootfs": {"type": "layers", "diff_ids": list(layers)},
        "history": history,
    }


def _encoded(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _document(blobs: Path, document: object) -> str:
    (blobs / "new").write_bytes(_encoded(document))
    return _named(blobs)


def _described(blobs: Path, digest: str, media_type: str) -> dict[str, object]:
    return {
        "mediaType": media_type,
        "digest": digest,
        "size": (blobs / digest.removeprefix("sha256:")).stat().st_size,
    }


def _blob(digest: str) -> str:
    return f"{BLOBS}/{digest.removeprefix('sha256:')}"


def _pack(target: Path, blobs: Path, documents: Mapping[str, bytes], time: int) -> None:
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as out:
        for folder in ("blobs", BLOBS):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, time
            out.addfile(entry)
        for name, document in sorted(documents.items()):
            (blobs / name).write_bytes(document)
        paths = {f"{BLOBS}/{path.name}" if path.name not in documents else path.name: path for path in blobs.iterdir()}
        for name, path in sorted(paths.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = path.stat().st_size, 0o644, time
            with path.open("rb") as content:
                out.addfile(entry, content)
