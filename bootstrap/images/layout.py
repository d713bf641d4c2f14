"""The base image as files that BuildKit takes: an image layout, which needs neither an engine nor a registry.

Source: OCI Image Format Specification 1.1, image-layout.md, manifest.md and config.md.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.images import base
from bootstrap.images.wheels import UNFINISHED

if TYPE_CHECKING:
    from bootstrap.steps import Steps

TYPES = "application/vnd.oci.image"

#: Raise it when this module makes something else of the same base.
VERSION = 1

PIECE = 1 << 20


def ensure(steps: Steps, architecture: str, cache: Path) -> tuple[Path, str]:
    """Return a layout with the base image of a processor, and its manifest's digest; make it unless the cache has it.

    Args:
        steps: Where to report.
        architecture: x86_64 or aarch64.
        cache: Folder for the result.

    Raises:
        SetupError: This host can't make one, or a tool failed.
    """
    layout = cache / f"base-{base.recipe_hash(architecture)[:16]}-{VERSION}"
    if not layout.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=cache) as name:
            files, made = Path(name, "files.tar"), Path(name, "layout")
            base.make_files(steps, files, architecture)
            write(made, files, base.DEBIAN_ARCHITECTURES[architecture])
            made.rename(layout)
    index = json.loads((layout / "index.json").read_text("utf-8"))
    return layout, str(index["manifests"][0]["digest"])


def write(layout: Path, files: Path, processor: str) -> None:
    """Write an image of one layer.

    Args:
        layout: The folder to make.
        files: The layer, as a tarball.
        processor: As images name it: amd64 or arm64.
    """
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    compressed = layout / "compressed"
    whole = hashlib.sha256()
    with (
        files.open("rb") as source,
        compressed.open("wb") as target,
        # Without a name and a time, equal files become equal bytes.
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=target, mtime=0) as squeezed,
    ):
        while piece := source.read(PIECE):
            whole.update(piece)
            squeezed.write(piece)
    with compressed.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    layer = _described("layer.v1.tar+gzip", digest, compressed.stat().st_size)
    compressed.rename(blobs / digest)
    settings = [change.partition(" ")[2] for change in base.CHANGES if change.startswith("ENV ")]
    config = {
        "architecture": processor,
        "os": "linux",
        "config": {"Env": settings, "Cmd": ["python3"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{whole.hexdigest()}"]},
        "history": [{"created_by": f"mmdebstrap {base.RELEASE}"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{TYPES}.manifest.v1+json",
        "config": _added(blobs, "config.v1+json", config),
        "layers": [layer],
    }
    described = _added(blobs, "manifest.v1+json", manifest)
    index = {"schemaVersion": 2, "mediaType": f"{TYPES}.index.v1+json", "manifests": [described]}
    (layout / "index.json").write_text(json.dumps(index), "utf-8")
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}), "utf-8")


def _added(blobs: Path, kind: str, document: object) -> dict[str, object]:
    """Add a document to an image's blobs; return its descriptor."""
    data = json.dumps(document).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return _described(kind, digest, len(data))


def _described(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": f"{TYPES}.{kind}", "digest": f"sha256:{digest}", "size": size}
