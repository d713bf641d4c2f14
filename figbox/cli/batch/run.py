"""A run over many scripts: each is read, sent, sent again if the service is busy, and its pictures are written."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from figbox.cli.batch.data import largest
from figbox.cli.batch.outputs import document_name, file_name, picture_name
from figbox.cli.batch.results import Result, Status, WrittenFile, WrittenPicture
from figbox.cli.batch.throttle import Stopped, Throttle
from figbox.cli.exits import ScriptProblem
from figbox.comparison import as_document
from figbox.errors import BadResponse, Busy, FigboxError, Refused, RenderFailed, Unauthorized, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path, PurePosixPath

    from figbox.cli.batch.scripts import Script
    from figbox.cli.batch.sent import Sent, Wanted
    from figbox.client import AsyncClient
    from figbox.model import File, Render
    from figbox.options import Options
    from figbox.retries import Patience, Retries

#: Seconds that a script may wait for a busy service, if the user doesn't set it.
PATIENCE_S = 120.0

#: Options whose refusal concerns one script; any other would be refused for every script.
OF_A_SCRIPT = frozenset({"code", "files"})

#: Refusals of one script that don't name an option: too large, or too slow to arrive.
STATUSES_OF_A_SCRIPT = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT)


class Sink(Protocol):
    """Where pictures and files go."""

    def write(self, script: Script, name: PurePosixPath, data: bytes) -> Path | None:
        """Write a file; return its path, or None for standard output. Raises `ScriptProblem`."""


class Watcher(Protocol):
    """What is told about progress."""

    def finished(self, result: Result) -> None:
        """Take the result of a script."""

    def waiting(self, reason: str, pause_s: float) -> None:
        """Take note that requests pause for some seconds."""


@dataclass(slots=True)
class Batch:
    """One run over many scripts.

    Attributes:
        client: One that doesn't retry, since here all scripts wait together.
        retries: How long each script may wait.
        jobs: See `Throttle`.
    """

    client: AsyncClient
    wanted: Wanted
    sink: Sink
    watcher: Watcher
    retries: Retries
    jobs: int | None = None
    _end: FigboxError | ScriptProblem | None = None

    async def run(self, scripts: Sequence[Script]) -> list[Result]:
        """Render all scripts; return their results in order."""
        throttle = Throttle(self.jobs)
        room = asyncio.Semaphore(throttle.most)  # more tasks than places would only wait
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
                sent = self.wanted.sent(script)
                data = tuple(sent.files)
                patience = self.retries.begin()
                render = await self._attempt(sent, throttle, first, patience)
            while render is None:
                async with throttle.place() as again:
                    render = await self._attempt(sent, throttle, again, patience)
            pictures, kept = self._write(script, render)
        except Stopped:
            result = Result(script, Status.NOT_RENDERED, error=self._end, data=data)
        except (FigboxError, ScriptProblem) as error:
            if _ends_the_run(error):
                self._end = self._end or error
                await throttle.stop()
            status = Status.FAILED if _is_of_the_script(error) else Status.NOT_RENDERED
            kept = ()
            if isinstance(error, RenderFailed):
                try:
                    kept = self._keep(script, error.files)
                except ScriptProblem as problem:
                    error = ScriptProblem(f"{problem}; and the code failed: {error}")
                else:  # a run over thousands of scripts can't keep the bytes of all
                    error.files = tuple(replace(file, data=b"") for file in error.files)
            result = Result(script, status, time.monotonic() - began, files=kept, error=error, data=data)
        else:
            described = (figure for figure in render.figures if figure.description is not None)
            said = replace(render, figures=tuple(replace(each, pictures=()) for each in described), files=())
            result = Result(script, Status.RENDERED, time.monotonic() - began, pictures, kept, data, said)
        self.watcher.finished(result)
        return result

    async def _attempt(self, sent: Sent, throttle: Throttle, began: int, patience: Patience) -> Render | None:
        """Send once; return None if it is to be sent again."""
        files = sent.files
        options: Options = {**sent.options, "files": files} if files else sent.options
        try:
            render = await self.client.render(sent.code, **options)
        except (Busy, Unreachable) as failure:
            pause_s = patience.pause_after(failure)
            if pause_s is None:
                raise
            self.watcher.waiting(str(failure), pause_s)
            await throttle.refused(began, pause_s)
            return None
        except FigboxError as error:
            throttle.succeeded()
            if files and isinstance(error, Refused) and error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                message = f"{error}; the largest of its data files is {largest(files)}"
                raise Refused(message, status=error.status, request_id=error.request_id) from error
            raise
        throttle.succeeded()
        return render

    def _write(self, script: Script, render: Render) -> tuple[tuple[WrittenPicture, ...], tuple[WrittenFile, ...]]:
        if not render.figures:
            raise BadResponse("the service reports success but sent no figure", request_id=render.request_id)
        pictures = []
        for position, figure in enumerate(render.figures, 1):
            for wanted in self.wanted.formats:
                try:
                    picture = figure.picture(wanted)
                except KeyError:
                    message = f"the service sent no {wanted} of figure {figure.number}"
                    raise BadResponse(message, request_id=render.request_id) from None
                path = self.sink.write(script, picture_name(script.stem, position, wanted), picture.data)
                facts = replace(picture, data=b"")
                pictures.append(WrittenPicture(path, figure.number, len(picture.data), facts))
        if self.wanted.document:
            document = json.dumps(as_document(render), indent=1) + "\n"
            self.sink.write(script, document_name(script.stem), document.encode())
        return tuple(pictures), self._keep(script, render.files)

    def _keep(self, script: Script, files: Sequence[File]) -> tuple[WrittenFile, ...]:
        """Write the files that the code wrote, if they are wanted."""
        written = []
        for file in files if self.wanted.keep_files else ():
            name = file_name(script.stem, file.name)
            kept = self.sink.write(script, name, file.data) if name is not None else None
            written.append(WrittenFile(kept, len(file.data), replace(file, data=b"")))
        return tuple(written)


def _is_of_the_script(error: FigboxError | ScriptProblem) -> bool:
    """Tell whether an error concerns one script only."""
    if isinstance(error, RenderFailed | ScriptProblem):
        return True
    if not isinstance(error, Refused) or isinstance(error, Unauthorized):
        return False
    if error.errors:
        # An error in a file can be that of `files.data.csv`.
        return all(wrong.option.partition(".")[0] in OF_A_SCRIPT for wrong in error.errors)
    return error.status in STATUSES_OF_A_SCRIPT


def _ends_the_run(error: FigboxError | ScriptProblem) -> bool:
    """Tell whether an error would meet the other scripts, too."""
    if isinstance(error, Unreachable):
        return not error.timed_out
    return isinstance(error, Busy) or (isinstance(error, Refused) and not _is_of_the_script(error))
