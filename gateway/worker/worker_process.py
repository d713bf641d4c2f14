"""One worker, as its owner sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.model.codec import MalformedDocument, parse
from gateway.model.codec import build as build_from
from gateway.model.jobs import KiB
from gateway.worker.exchange import FAILURE_LIMIT, HEAD, Failure, Said
from gateway.worker.task import WorkFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Bytes handed to the pipe at once, so that a body isn't copied as a whole once more.
PIECE_BYTES = 256 * KiB

#: Bytes kept of what a worker writes to standard error: the end of it. The rest is read and dropped.
LAST_WORDS_BYTES = 2 * KiB

#: Memory blocks from this size on go back to the system when they are freed. glibc raises the bound with each large
#: block otherwise, so a worker would keep the memory of its largest question.
#: Source: mallopt(3), M_MMAP_THRESHOLD.
LARGE_BLOCK_BYTES = 128 * KiB


class WorkerLost(Exception):
    """A worker ended in the middle of a question, or said something that it must not say."""


class NoMemory(Exception):
    """A question needed more memory than a worker has."""


class WorkerProcess:
    """A worker that is ready, and answers one question at a time.

    Attributes:
        start_cpu_s: Processor seconds that starting it took, as it says.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._pidfd = _pidfd_of(process.pid)
        self._last_words = bytearray()
        self._listening = asyncio.create_task(self._listen())
        self.start_cpu_s = 0.0

    @classmethod
    async def start(cls, modules: Sequence[str], memory_bytes: int) -> WorkerProcess:
        """Start a worker and wait until it is ready; a cancelled start leaves none.

        Args:
            modules: Those of its tasks, in their order.
            memory_bytes: See `confine`.

        Raises:
            OSError: No process can be made.
            WorkerLost: It ended before it was ready.
        """
        worker = cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-B", "-X", "faulthandler", "-m", "gateway.worker", str(memory_bytes), *modules),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        )
        try:
            worker.start_cpu_s = await worker._hear_ready()
        except WorkerLost as error:
            await worker.end()
            raise WorkerLost(f"status {worker.exit_code}: {worker.last_words}") from error
        except BaseException:
            await worker.end()
            raise
        return worker

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs, as far as is known."""
        out = self._process.stdout
        return self._process.returncode is None and out is not None and not out.at_eof()

    @property
    def exit_code(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return bytes(self._last_words).decode("utf-8", "replace").strip()

    async def ask(
        self, number: int, limit_s: float, document: bytes, data: Sequence[bytes], answer_limit: int
    ) -> tuple[float, bytes, bytes]:
        """Ask it something.

        Args:
            number: That of the task.
            limit_s: Processor seconds the answer may take; enforced by the kernel, and late.
            document: The question's document.
            data: The bytes beside it.
            answer_limit: Longest document of an answer, and most bytes beside it.

        Returns:
            The processor seconds it took, and the answer's document and bytes.

        Raises:
            WorkerLost: It ended, or said something else than an answer; end it.
            NoMemory: The question takes too much memory; end it.
            WorkFailed: The task has a bug.
        """
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - it was made with one
        try:
            pipe.write(HEAD.pack(number, limit_s, len(document), sum(map(len, data))) + document)
            for whole in data:
                view = memoryview(whole)
                for start in range(0, len(view), PIECE_BYTES):
                    pipe.write(view[start : start + PIECE_BYTES])
                    await pipe.drain()
        except OSError as error:
            raise WorkerLost from error
        said, cpu_s, answer, beside = await self._hear(answer_limit, answer_limit)
        if said is Said.TOO_MUCH_MEMORY:
            raise NoMemory
        if said is Said.FAILED:
            raise WorkFailed(_describe(answer))
        if said is not Said.ANSWER:
            raise WorkerLost
        return cpu_s, answer, beside

    async def end(self) -> None:
        """Kill it, and wait until nothing of it is left."""
        self._kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
        await self._listening
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _kill(self) -> None:
        # Not `Process.kill`: it looks first whether the process has ended, and buries it if so, which asyncio then
        # misses.
        with contextlib.suppress(ProcessLookupError):
            if self._pidfd is None:
                self._process.kill()
            else:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def _hear_ready(self) -> float:
        said, cpu_s, _, _ = await self._hear(0, 0)
        if said is not Said.READY:
            raise WorkerLost
        return cpu_s

    async def _hear(self, document_limit: int, data_limit: int) -> tuple[Said, float, bytes, bytes]:
        """Return the next thing it says.

        Raises:
            WorkerLost: It ended, or what it says is too long or isn't one of those things.
        """
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - it was made with one
        try:
            kind, cpu_s, document_length, data_length = HEAD.unpack(await pipe.readexactly(HEAD.size))
            said = Said(kind)
            if document_length > max(document_limit, FAILURE_LIMIT) or data_length > data_limit or not cpu_s >= 0:
                raise WorkerLost
            return said, cpu_s, await pipe.readexactly(document_length), await pipe.readexactly(data_length)
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise WorkerLost from error

    async def _listen(self) -> None:
        """Read what it writes to standard error until its end."""
        pipe = self._process.stderr
        assert pipe is not None  # noqa: S101 - it was made with one
        while said := await pipe.read(PIECE_BYTES):
            self._last_words += said
            del self._last_words[:-LAST_WORDS_BYTES]


def _pidfd_of(pid: int) -> int | None:
    """Return a descriptor that stands for a process, or None where there is none: before Linux 5.3, on macOS."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _environment() -> dict[str, str]:
    """Return all that a worker's environment has: where our code is, and what keeps its memory small."""
    folders = [str(Path(entry).absolute()) for entry in sys.path]
    return {"PYTHONPATH": os.pathsep.join(folders), "MALLOC_MMAP_THRESHOLD_": str(LARGE_BLOCK_BYTES)}


def _describe(document: bytes) -> str:
    """Return what a failure says.

    Raises:
        WorkerLost: It is none.
    """
    try:
        failure = build_from(Failure, parse(document), b"")
    except MalformedDocument as error:
        raise WorkerLost from error
    return f"{failure.error} at {' < '.join(reversed(failure.places))}"
