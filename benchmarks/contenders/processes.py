"""Processes that the contenders run: one for each request, or servers that stay."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.contenders.contender import RenderFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def free_port() -> int:
    """Return a port of the loopback interface that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def output_of(name: str, *command: str, stdin: bytes = b"", **options: Any) -> bytes:
    """Run a program to its end; return what it wrote to standard output.

    Args:
        name: Names it in an error.
        command: Program and arguments.
        stdin: Written to its standard input.
        options: For the process, such as `cwd`.

    Raises:
        RenderFailed: It failed.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, **options)
    try:
        output, errors = await process.communicate(stdin)
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise RenderFailed(f"{name}: {errors.decode(errors='replace')[-2000:]}")
    return output


@asynccontextmanager
async def server(
    *command: str, end: Callable[[asyncio.subprocess.Process], None], limit_s: float, **options: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a server.

    Args:
        command: Program and arguments.
        end: Asks it to end.
        limit_s: Seconds to wait for that before it is killed.
        options: For the process, such as `cwd`.
    """
    process = await asyncio.create_subprocess_exec(*command, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            end(process)
        try:
            async with asyncio.timeout(limit_s):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def end_on_sigterm() -> None:
    """Make SIGTERM clean up as Ctrl-C does, so that containers are removed."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - this runs in it
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
