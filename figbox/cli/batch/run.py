"""Renders many scripts at once: reads, sends, waits where the service is busy, writes, and goes on after failures."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from figbox.cli.batch.data import files_beside, largest, read_files
from figbox.cli.batch.outputs import file_name, picture_name
from figbox.cli.batch.results import Result, Status, WrittenFile, WrittenPicture
from figbox.cli.batch.scripts import read_script
from figbox.cli.batch.throttle import Stopped, Throttle
from figbox.cli.exits import ScriptProblem
from figbox.errors import BadAnswer, Busy, FigboxError, Refused, RenderFailed, Unauthorized, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path, PurePosixPath

    from figbox.cli.batch.scripts import Script
    from figbox.client import AsyncClient
    from figbox.model import Render
    from figbox.options import Options
    from figbox.retries import Patience, Retries

#: Options whose refusal is about one script; any other one would be refused for every script.
OF_A_SCRIPT = frozenset({"code", "files"})

#: Refusals about one script that name no option: too large, or too slow to arrive.
STATUSES_OF_A_SCRIPT = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT)


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, script: Script, name: PurePosixPath, data: bytes) -> Path | None:
        """Keep bytes under a name; return the path, None where there is none. Raises `ScriptProblem`."""


class Watcher(Protocol):
    """Who is told how it goes."""

    def finished(self, result: Result) -> None:
        """Hear what became of a script."""

    def waiting(self, reason: str, pause_s: float) -> None:
        """Hear that nothing is sent for some seconds."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of every script.

    Attributes:
        options: For the service.
        formats: The same formats as in `options`, at least one.
        keep_files: Whether files that the code wrote are kept.
        beside: Whether data files beside a script go along.
        named: Further data files, by name.
        data_limit_bytes: What the data files of one script may come to.
    """

    options: Options
    formats: tuple[str, ...]
    keep_files: bool
    beside: bool
    named: Mapping[str, Path]
    data_limit_bytes: int


class Batch:
    """One run over many scripts."""

    def __init__(
        self,
        client: AsyncClient,
        wishes: Wishes,
        sink: Sink,
        watcher: Watcher,
        *,
        retries: Retries,
        jobs: int | None = None,
    ) -> None:
        """Take what the run needs.

        Args:
            client: One that doesn't retry by itself: here all scripts wait together.
            wishes: For every script.
            sink: For pictures and files.
            watcher: Is told of each script.
            retries: How patient to be with each script.
            jobs: See `Throttle`.
        """
        self._client = client
        self._wishes = wishes
        self._sink = sink
        self._watcher = watcher
        self._retries = retries
        self._jobs = jobs
        self._end: FigboxError | ScriptProblem | None = None

    async def run(self, scripts: Sequence[Script]) -> list[Result]:
        """Render all scripts; return what became of each, in their order."""
        throttle = Throttle(self._jobs)
        room = asyncio.Semaphore(throttle.most)  # tasks beyond the places would only wait for one
        begun = []
        async with asyncio.TaskGroup() as tasks:
            for script in scripts:
                await room.acquire()
                task = tasks.create_task(self._one(script, throttle))
                task.add_done_callback(lambda _: room.release())
                begun.append(task)
        return [task.result() for task in begun]

    async def _one(self, script: Script, throttle: Throttle) -> Result:
        began = time.monotonic()
        data: tuple[str, ...] = ()
        try:
            async with throttle.place() as first:
                began = time.monotonic()
                code, files = self._read(script)
                data = tuple(files)
                patience = self._retries.begin()
                render = await self._attempt(code, files, throttle, first, patience)
            while render is None:
                async with throttle.place() as again:
                    render = await self._attempt(code, files, throttle, again, patience)
            pictures, kept = self._write(script, render)
        except Stopped:
            result = Result(script, Status.NOT_RENDERED, error=self._end, data=data)
        except (FigboxError, ScriptProblem) as error:
            if _ends_the_run(error):
                self._end = self._end or error
                await throttle.stop()
            status = Status.FAILED if _is_of_the_script(error) else Status.NOT_RENDERED
            result = Result(script, status, time.monotonic() - began, error=error, data=data)
        else:
            said = replace(render, figures=(), files=())
            result = Result(script, Status.RENDERED, time.monotonic() - began, pictures, kept, data, said)
        self._watcher.finished(result)
        return result

    def _read(self, script: Script) -> tuple[str, dict[str, bytes]]:
        code = read_script(script)
        try:
            beside = files_beside(script, code) if self._wishes.beside else {}
        except OSError as error:
            raise ScriptProblem(f"the files beside it can't be read: {error.strerror}") from error
        return code, read_files({**beside, **self._wishes.named}, self._wishes.data_limit_bytes)

    async def _attempt(
        self, code: str, files: Mapping[str, bytes], throttle: Throttle, began: int, patience: Patience
    ) -> Render | None:
        """Send once; None means that it is to be sent again."""
        options: Options = {**self._wishes.options, "files": files} if files else self._wishes.options
        try:
            render = await self._client.render(code, **options)
        except (Busy, Unreachable) as failure:
            pause_s = patience.pause_after(failure)
            if pause_s is None:
                raise
            self._watcher.waiting(str(failure), pause_s)
            await throttle.refused(began, pause_s)
            return None
        except FigboxError as error:
            throttle.answered()
            if files and isinstance(error, Refused) and error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                message = f"{error}; the largest of its data files is {largest(files)}"
                raise Refused(message, status=error.status, request_id=error.request_id) from error
            raise
        throttle.answered()
        return render

    def _write(self, script: Script, render: Render) -> tuple[tuple[WrittenPicture, ...], tuple[WrittenFile, ...]]:
        if not render.figures:
            raise BadAnswer("the service says all went well and sent no figure", request_id=render.request_id)
        pictures = []
        for position, figure in enumerate(render.figures, 1):
            for wanted in self._wishes.formats:
                try:
                    picture = figure.picture(wanted)
                except KeyError:
                    message = f"the service sent no {wanted} of figure {figure.number}"
                    raise BadAnswer(message, request_id=render.request_id) from None
                path = self._sink.write(script, picture_name(script.stem, position, wanted), picture.data)
                facts = replace(picture, data=b"")
                pictures.append(WrittenPicture(path, figure.number, len(picture.data), facts))
        files = []
        for file in render.files if self._wishes.keep_files else ():
            name = file_name(script.stem, file.name)
            kept = self._sink.write(script, name, file.data) if name is not None else None
            files.append(WrittenFile(kept, len(file.data), replace(file, data=b"")))
        return tuple(pictures), tuple(files)


def _is_of_the_script(error: FigboxError | ScriptProblem) -> bool:
    """Tell whether another script might fare better."""
    if isinstance(error, RenderFailed | ScriptProblem):
        return True
    if not isinstance(error, Refused) or isinstance(error, Unauthorized):
        return False
    if error.errors:
        # A fault of one file may be named `files.data.csv`.
        return all(fault.option.partition(".")[0] in OF_A_SCRIPT for fault in error.errors)
    return error.status in STATUSES_OF_A_SCRIPT


def _ends_the_run(error: FigboxError | ScriptProblem) -> bool:
    """Tell whether the other scripts would meet the same; what they met already is theirs to tell."""
    if isinstance(error, Unreachable):
        return not error.timed_out
    return isinstance(error, Busy) or (isinstance(error, Refused) and not _is_of_the_script(error))
