"""Snapshots for tests: a file's fields by name, and images that keep one, made without the launcher."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import platform
import secrets
import struct
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

from gateway.launcher.engine.docker_engine import RUNTIME_FACTS
from gateway.launcher.engine.engine import EngineFacts
from gateway.launcher.engine.specification import RUNNER, SNAPSHOT
from gateway.launcher.snapshot.keeper import LABEL_KEY, LABEL_MADE, REPOSITORY, key_of
from tests.support.containers import make_sandbox, run
from tests.support.live import IMAGE
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where the fields of a snapshot's header are, in bytes from the file's start. Source: runner-image/snapshot/format.h.
FIELDS = {
    "magic": 0,
    "checksum": 8,
    "data_offset": 16,
    "data_bytes": 24,
    "segment_count": 32,
    "kernel": 56,
    "vdso": 64,
    "processor": 72,
    "stack_start": 240,
    "registers": 272,
}
REGISTERS_BYTES = {"x86_64": 64}.get(platform.machine(), 168)

CHECKSUM_START = 0x66696762
CHECKSUM_FACTOR = 0x9E3779B97F4A7C15
WORD = (1 << 64) - 1

#: Label of all images that a test makes, and of what the service makes from them.
LABEL_TEST = "figbox.test"

#: Where a runner's source says what it does in the mode `save`.
SAVING = '        case ["save"]:\n'

#: What saves a process.
SAVER = str(Path(SNAPSHOT).with_name("saver.so"))

#: A bare interpreter that saves itself to stdout.
SAVE_BARE = f"""
import ctypes
saver = ctypes.PyDLL({SAVER!r})
result = saver.figbox_save(1)
assert result >= 0, ctypes.c_char_p.in_dll(saver, "figbox_error").value
"""


def field(snapshot: bytes, name: str) -> int:
    """Return a field of the header."""
    return int(struct.unpack_from("<Q", snapshot, FIELDS[name])[0])


def with_field(snapshot: bytes, name: str, value: int) -> bytes:
    """Return a snapshot with another value in a field of its header, and the checksum that belongs to it."""
    return with_bytes(snapshot, FIELDS[name], struct.pack("<Q", value))


def with_bytes(snapshot: bytes, at: int, content: bytes) -> bytes:
    """Return a snapshot with other bytes in its header, and the checksum that belongs to them."""
    changed = bytearray(snapshot)
    changed[at : at + len(content)] = content
    tables = changed[FIELDS["data_offset"] : field(snapshot, "data_offset")]
    total = CHECKSUM_START
    for (word,) in struct.iter_unpack("<Q", tables):
        total = (total ^ word) * CHECKSUM_FACTOR & WORD
        total = (total << 31 | total >> 33) & WORD
    struct.pack_into("<Q", changed, FIELDS["checksum"], total)
    return bytes(changed)


def with_flipped_bit(snapshot: bytes, bit: int) -> bytes:
    """Return a snapshot with one bit the other way round."""
    changed = bytearray(snapshot)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def bare_snapshot(client: docker.APIClient) -> bytes:
    """Return a small snapshot: that of an interpreter that has imported nothing."""
    config = copy.deepcopy(make_sandbox(client, IMAGE, "test-snapshot").container_config(20_000, ()))
    config["Entrypoint"] = ["python3", "-I", "-S", "-c", SAVE_BARE]
    ended = run(client, config)
    size, _, snapshot = ended.stdout.partition(b"\n")
    assert len(snapshot) == int(size), ended.stderr
    return snapshot


@dataclass(frozen=True)
class RunnerImage:
    """An image of the runner's kind, unlike all others, so that no snapshot fits it but those made for it.

    Attributes:
        client: Of its engine.
        image_id: Its digest.
        token: Value of `LABEL_TEST`, which snapshots made from it inherit.
    """

    client: docker.APIClient
    image_id: str
    token: str

    @property
    def _filter(self) -> dict[str, str]:
        return {"label": f"{LABEL_TEST}={self.token}"}

    def snapshots(self) -> list[str]:
        """Return the digests of all images with a snapshot that were made from it."""
        rows = self.client.images(filters=self._filter, all=True)
        return [row["Id"] for row in rows if row["Id"] != self.image_id]

    def containers(self) -> list[str]:
        """Return the ids of all containers of it and of its snapshots, in any state."""
        return [row["Id"] for row in self.client.containers(all=True, filters=self._filter)]

    def key(self) -> str:
        """Return the key of snapshots that fit it."""
        info = self.client.info()
        facts = EngineFacts(
            *(frozenset(), (), 1, 0, info["ServerVersion"], "", ""),
            runtime_versions=json.dumps({name: info.get(name) for name in RUNTIME_FACTS}, sort_keys=True),
        )
        return key_of(make_sandbox(self.client, self.image_id, ""), facts)

    def keep(self, snapshot: bytes, *, made: float | None = None) -> str:
        """Make an image with a snapshot, as if a service had made it a moment ago; return its digest."""
        made = time.time() if made is None else made
        labels = {LABEL_KEY: self.key(), LABEL_MADE: f"{made:.0f}"}
        with created(self.client, self.image_id) as container_id:
            self.client.put_archive(container_id, "/", archive(SNAPSHOT, snapshot))
            changes = [f"LABEL {label}={value}" for label, value in labels.items()]
            return str(self.client.commit(container_id, REPOSITORY, secrets.token_hex(8), changes=changes)["Id"])

    def forget(self, image_id: str) -> None:
        """Remove an image with a snapshot."""
        self.client.remove_image(image_id, force=True, noprune=True)

    def remove(self) -> None:
        """Remove it and all that was made from it."""
        for container_id in self.containers():
            with contextlib.suppress(docker.errors.APIError):  # its removal is under way
                self.client.remove_container(container_id, force=True)
        for image_id in (*self.snapshots(), self.image_id):
            with contextlib.suppress(docker.errors.ImageNotFound):
                self.client.remove_image(image_id, force=True)


@contextlib.contextmanager
def runner_image(
    client: docker.APIClient, *, saving: str | None = None, without: str | None = None
) -> Iterator[RunnerImage]:
    """Make an image like the runner's; it and all that is made from it is removed at the end.

    Args:
        client: Of its engine.
        saving: Python statements that its runner executes in the mode `save`, in place of its own.
        without: A file that it lacks.
    """
    token = secrets.token_hex(8)
    program = f"import os; os.unlink({without!r})" if without else ""
    with created(client, IMAGE, entrypoint=["python3", "-B", "-c", program], user="0") as container_id:
        if saving is not None:
            client.put_archive(container_id, "/", archive(RUNNER[-1], _with_saving(client, container_id, saving)))
        if without:
            client.start(container_id)
            assert client.wait(container_id, timeout=slowed(60))["StatusCode"] == 0
        whole = client.inspect_image(IMAGE)["Config"]
        entrypoint = "[" + ", ".join(f'"{word}"' for word in whole["Entrypoint"]) + "]"
        changes = [f"LABEL {LABEL_TEST}={token}", f"ENTRYPOINT {entrypoint}", f"USER {whole['User']}"]
        image_id = str(client.commit(container_id, changes=changes)["Id"])
    made = RunnerImage(client, image_id, token)
    try:
        yield made
    finally:
        made.remove()


@contextlib.contextmanager
def created(client: docker.APIClient, image: str, **options: Any) -> Iterator[str]:
    """Create a container, which needs no network of the engine's, and remove it at the end."""
    host_config = {"NetworkMode": "none"}
    container_id = str(client.create_container(image, host_config=host_config, **options)["Id"])
    try:
        yield container_id
    finally:
        client.remove_container(container_id, force=True)


def archive(path: str, content: bytes) -> bytes:
    """Return a tarball with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archived:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), 0o444
        archived.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def read_file(client: docker.APIClient, image: str, path: str) -> bytes:
    """Return the contents of a file of an image."""
    with created(client, image) as container_id:
        return _read_file(client, container_id, path)


def program(client: docker.APIClient, name: str, folder: Path) -> Path:
    """Put a program of the image that needs no library into a folder; return its path.

    Args:
        client: Of the engine that has the image.
        name: Its path in the image.
        folder: Where to put it.
    """
    copy = folder / Path(name).name
    copy.write_bytes(read_file(client, IMAGE, name))
    copy.chmod(0o755)
    return copy


def _read_file(client: docker.APIClient, container_id: str, path: str) -> bytes:
    pieces, _ = client.get_archive(container_id, path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archived:
        file = archived.extractfile(archived.getmembers()[0])
        assert file is not None
        return file.read()


def _with_saving(client: docker.APIClient, container_id: str, saving: str) -> bytes:
    source = _read_file(client, container_id, RUNNER[-1]).decode()
    assert source.count(SAVING) == 1
    lines = "".join(f"            {line}\n" for line in saving.strip().splitlines())
    return source.replace(SAVING, f"{SAVING}{lines}            return EXIT_OK\n").encode()
