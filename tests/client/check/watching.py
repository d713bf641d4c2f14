"""`figbox check --watch` as a process, whose lines can be waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.client.conftest import write
from tests.client.service import KEY, wait_until
from tests.support.live import ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Watching:
    """A watch as a process."""

    folder: Path
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    seen: int = 0

    def read(self) -> None:
        """Read what it prints, to its end."""
        assert self.process.stderr is not None
        self.lines.extend(self.process.stderr)

    def until(self, text: str) -> str:
        """Wait for a line with a text, after the last one that was waited for; return what came up to it."""
        found: list[str] = []

        def has_come() -> bool:
            new = self.lines[self.seen :]
            at = next((at for at, line in enumerate(new) if text in line), None)
            assert at is not None or self.process.poll() is None, "".join(self.lines)
            found[:] = new[: at + 1] if at is not None else []
            return bool(found)

        wait_until(has_come, slowed(60))  # several figures may be drawn, and explained in words
        self.seen += len(found)
        return "".join(found)

    def save(self, name: str, text: str | bytes) -> None:
        """Save a file of the project."""
        write(self.folder / name, text)

    def end(self) -> int:
        """Press Ctrl-C; return its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(slowed(30))


@contextmanager
def watching(folder: Path, url: str, *arguments: str) -> Iterator[Watching]:
    """Watch a project by a service."""
    line = [sys.executable, "-m", "figbox", "check", "--watch", *arguments]
    own = {"PYTHONPATH": str(ROOT), "FIGBOX_URL": url, "FIGBOX_API_KEY": KEY}
    # As a shell has it in the foreground: whoever runs the tests may ignore SIGINT, which processes inherit.
    process = subprocess.Popen(
        line,
        cwd=folder,
        env={**os.environ, **own},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no thread holds a lock it needs
    )
    begun = Watching(folder, process)
    reader = threading.Thread(target=begun.read)
    reader.start()
    try:
        yield begun
    finally:
        process.kill()
        process.wait()
        reader.join()
        assert process.stderr is not None
        process.stderr.close()
