"""What became of each script of a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from figbox.cli.exits import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from figbox.cli.batch.scripts import Script
    from figbox.cli.exits import ScriptProblem
    from figbox.errors import FigboxError
    from figbox.model import File, Picture, Render


class Status(StrEnum):
    """How a script ended: it failed by itself, or wasn't rendered because the service failed."""

    RENDERED = "rendered"
    FAILED = "failed"
    NOT_RENDERED = "not_rendered"


@dataclass(frozen=True, slots=True)
class WrittenPicture:
    """A picture and where it was written.

    Attributes:
        path: None for standard output.
        figure: Number of its figure.
        picture: Without its bytes, of which a run over thousands of scripts can't keep all.
    """

    path: Path | None
    figure: int
    size_bytes: int
    picture: Picture


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that the code wrote and where it was kept.

    Attributes:
        path: None if its name can't be used.
        file: Without its bytes, likewise.
    """

    path: Path | None
    size_bytes: int
    file: File


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a script.

    Attributes:
        seconds: From the first attempt to the end; 0 if nothing was sent.
        render: What the service returned if it rendered, without pictures and files; of figures those with a
            description.
        error: Why it didn't render, otherwise.
    """

    script: Script
    status: Status
    seconds: float = 0.0
    pictures: tuple[WrittenPicture, ...] = ()
    files: tuple[WrittenFile, ...] = ()
    data: tuple[str, ...] = ()
    render: Render | None = None
    error: FigboxError | ScriptProblem | None = None


def exit_status(results: Iterable[Result]) -> ExitStatus:
    """Return the exit status of a run; a failure of the service counts more than one of a script."""
    found = {result.status for result in results}
    if Status.NOT_RENDERED in found:
        return ExitStatus.SERVICE
    return ExitStatus.SCRIPT_FAILED if Status.FAILED in found else ExitStatus.RENDERED
