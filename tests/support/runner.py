"""The runner as a real process on real pipes, without a container."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "runner-image" / "runner"
HEADER = struct.Struct(">cI")
NAME = struct.Struct(">H")
DEADLINE_S = slowed(60)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: What the image sets, as far as it decides what a figure or a program looks like.
IMAGE_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "1735689600",
}


@dataclass
class Reply:
    """Everything that the runner said about one job.

    Attributes:
        frames: Kinds of frames in the order in which they came, prints left out.
        pictures: Heads and bytes of pictures.
        files: Bytes of files by their names.
        end: The end frame.
        explanations: What followed it; None if nothing did.
        stdout: What came as printed to stdout.
        stderr: What came as printed to stderr; without collecting, what the process wrote there.
    """

    frames: str = ""
    pictures: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    explanations: list[Any] | None = None
    stdout: str = ""
    stderr: str = ""

    @property
    def png(self) -> bytes | None:
        """The only picture, or None."""
        assert len(self.pictures) <= 1
        return self.pictures[0][1] if self.pictures else None


class RunnerProcess:
    """A runner; whatever is left of it is killed by `close`."""

    def __init__(self, folder: Path, config_dir: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(FOLDER / "runner.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=IMAGE_ENVIRONMENT
            | {"PATH": os.environ["PATH"], "HOME": str(config_dir), "MPLCONFIGDIR": str(config_dir)},
        )

    def read_frame(self) -> tuple[bytes, bytes]:
        """Read one frame."""
        assert self.process.stdout is not None
        head = self.process.stdout.read(HEADER.size)
        assert len(head) == HEADER.size, self.process.stderr.read().decode() if self.process.stderr else ""
        kind, length = HEADER.unpack(head)
        return kind, self.process.stdout.read(length)

    def send_frame(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one frame."""
        assert self.process.stdin is not None
        self.process.stdin.write(HEADER.pack(kind, len(payload)) + payload)
        self.process.stdin.flush()

    def send_file(self, name: str, data: bytes) -> None:
        """Send one data file."""
        self.send_frame(b"F", NAME.pack(len(name.encode())) + name.encode() + data)

    def send_job(
        self,
        code: str,
        *,
        collect: bool = False,
        seed: int | None = None,
        memory_limit_bytes: int = 1 << 30,
        output_limit_bytes: int = 16 << 20,
        pixel_limit: int = 50_000_000,
        **options: Any,
    ) -> None:
        """Send one job; options not given are what the gateway sends for none, but for a small dpi."""
        given = {
            "formats": ["png"],
            "all_figures": False,
            "dpi": 50,
            "width_in": None,
            "height_in": None,
            "bbox_inches": None,
            "transparent": False,
            "style": [],
            "rc": {},
        } | options
        limits = {
            "memory_limit_bytes": memory_limit_bytes,
            "output_limit_bytes": output_limit_bytes,
            "pixel_limit": pixel_limit,
        }
        job = {"code": code, "options": given, "seed": seed, "collect": collect, "limits": limits}
        self.send_frame(b"J", json.dumps(job).encode())

    def read_reply(self) -> Reply:
        """Read frames up to the end frame, and then the process's stderr up to its end."""
        reply = Reply()
        prints = {b"O": bytearray(), b"S": bytearray()}
        while True:
            kind, payload = self.read_frame()
            if kind in prints:
                prints[kind] += payload
                continue
            reply.frames += kind.decode()
            if kind == b"E":
                reply.end = json.loads(payload)
                break
            (length,) = NAME.unpack_from(payload)
            head, data = payload[NAME.size : NAME.size + length], payload[NAME.size + length :]
            if kind == b"P":
                reply.pictures.append((json.loads(head), data))
            else:
                assert kind == b"F"
                reply.files[head.decode()] = data
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        after = self.process.stdout.read()
        assert self.process.wait(DEADLINE_S) == 0
        if after:
            kind, length = HEADER.unpack_from(after)
            assert (kind, length) == (b"D", len(after) - HEADER.size), "nothing else follows the end"
            reply.explanations = json.loads(after[HEADER.size :])
        reply.stdout = prints[b"O"].decode(errors="replace")
        reply.stderr = (prints[b"S"] + self.process.stderr.read()).decode(errors="replace")
        return reply

    def close(self) -> None:
        """Kill it if it still runs."""
        self.process.kill()
        self.process.wait(DEADLINE_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@contextlib.contextmanager
def runner_modules(work_dir: Path) -> Iterator[Any]:
    """Import the runner's modules in this process, as for a program in `work_dir`; they are forgotten afterwards.

    Yields:
        A function that imports one by its name.
    """
    before = dict(sys.modules)
    sys.path.insert(0, str(FOLDER))
    try:
        with contextlib.chdir(work_dir):
            importlib.import_module("runner")
        yield importlib.import_module
    finally:
        sys.path.remove(str(FOLDER))
        for name in set(sys.modules) - set(before):
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
                del sys.modules[name]


def size_of(png: bytes | None) -> tuple[int, int]:
    """Return width and height that a PNG's header states."""
    assert png is not None
    assert png.startswith(PNG_SIGNATURE)
    width, height = struct.unpack(">II", png[16:24])
    return width, height
