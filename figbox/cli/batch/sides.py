"""What `figbox compare` is given: documents that were saved, archives, or scripts that are to be rendered."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from figbox.cli.batch.data import files_beside, read_files
from figbox.cli.batch.notebooks import SUFFIX, is_notebook
from figbox.cli.batch.scripts import STDIN, Script, decoded
from figbox.cli.exits import ComparisonProblem, ScriptProblem
from figbox.cli.terminal import one_line
from figbox.errors import RenderFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from figbox.client import AsyncClient
    from figbox.options import Options

#: Largest document or archive, and largest manifest in an archive, in bytes. A service's are smaller by default.
DOCUMENT_LIMIT_BYTES = 256 * 1024 * 1024
MANIFEST_LIMIT_BYTES = 32 * 1024 * 1024

MANIFEST = "manifest.json"
ARCHIVE_MARK = b"PK\x03\x04"

#: How files of PNG, PDF, JPEG and SVG begin, and no script does.
PICTURE_MARKS = (b"\x89PNG", b"%PDF", b"\xff\xd8\xff", b"<?xml", b"<svg")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    Attributes:
        shown: Its name in messages.
        document: What was saved; None of a script.
        code: The text of a script; None of what was saved.
        files: The files that are sent with it, by name.
    """

    shown: str
    document: Any = None
    code: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataFiles:
    """Which data files are sent with scripts.

    Attributes:
        beside: Whether those beside a script are.
        named: More of them, by name.
        limit_bytes: Largest size of a script's data files together.
    """

    beside: bool
    named: Mapping[str, Path]
    limit_bytes: int


def read_side(text: str, data_files: DataFiles) -> Side:
    """Return what an argument means: by the file's first bytes, and by its name where they leave it open.

    Raises:
        click.UsageError: There is no such file.
        ComparisonProblem: It can't be read.
    """
    path = Path(text) if text != STDIN else None
    shown = text if path is not None else "<stdin>"
    if path is not None and not path.is_file():
        raise click.UsageError(f"{text} is a folder" if path.is_dir() else f"no such file: {text}")
    try:
        data = _read(path)
        if data.startswith(ARCHIVE_MARK):
            return Side(shown, document=_manifest(data))
        if _may_be_document(shown, data):
            return Side(shown, document=_parsed(data))
        return _script(Script(path, shown, PurePosixPath("side")), data, data_files)
    except OSError as error:
        raise ComparisonProblem(f"{one_line(shown)} can't be read: {error.strerror}") from error
    except ScriptProblem as problem:
        raise ComparisonProblem(f"{one_line(shown)} {one_line(str(problem))}") from problem


def _read(path: Path | None) -> bytes:
    if path is None:
        data = sys.stdin.buffer.read(DOCUMENT_LIMIT_BYTES + 1)
    else:
        with path.open("rb") as file:
            data = file.read(DOCUMENT_LIMIT_BYTES + 1)
    if len(data) > DOCUMENT_LIMIT_BYTES:
        raise ScriptProblem("is too large for a document")
    return data


async def documents(sides: Sequence[Side], client: AsyncClient, options: Options) -> list[Any]:
    """Return what is compared of each side; scripts are rendered, all at once.

    Raises:
        ComparisonProblem: A script failed.
        FigboxError: The service didn't render it.
    """
    return list(await asyncio.gather(*(_document(side, client, options) for side in sides)))


async def _document(side: Side, client: AsyncClient, options: Options) -> Any:
    if side.code is None:
        return side.document
    try:
        wanted: Options = {**options, "files": side.files} if side.files else options
        return await client.render(side.code, **wanted)
    except RenderFailed as failure:
        what = f"{failure.fault.type}: {failure.fault.message}" if failure.fault is not None else str(failure)
        place = f":{failure.fault.line}" if failure.fault is not None and failure.fault.line is not None else ""
        reason = one_line(f"{side.shown}{place}: {failure.outcome}: {what}")
        raise ComparisonProblem(reason) from failure


def _may_be_document(shown: str, data: bytes) -> bool:
    """Tell whether bytes are JSON, and no notebook; a file that is called so is."""
    if shown.lower().endswith((".py", SUFFIX)):
        return False
    if shown.lower().endswith(".json"):
        return True
    begin = data[:4096].lstrip()
    return begin.startswith((b"{", b"[")) and not is_notebook(shown, data.decode("utf-8", "replace"))


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ScriptProblem(f"is not a JSON document: {error}") from error


def _manifest(data: bytes) -> Any:
    """Return the manifest of an archive, which says all that the document does."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(MANIFEST) as file:
            manifest = file.read(MANIFEST_LIMIT_BYTES + 1)
    except KeyError as error:
        raise ScriptProblem(f"has no {MANIFEST}: is it an archive of /v1/render?") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ScriptProblem(f"is not an archive that can be read: {error}") from error
    if len(manifest) > MANIFEST_LIMIT_BYTES:
        raise ScriptProblem(f"has a {MANIFEST} that is too large")
    return _parsed(manifest)


def _script(script: Script, data: bytes, data_files: DataFiles) -> Side:
    if data.startswith(PICTURE_MARKS):
        raise ScriptProblem("is a picture, which says nothing of its parts: name the script, or its document")
    code = decoded(data, script.shown)
    beside = files_beside(script, code) if data_files.beside else {}
    return Side(script.shown, code=code, files=read_files({**beside, **data_files.named}, data_files.limit_bytes))
