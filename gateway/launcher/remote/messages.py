"""The messages between a gateway and a launcher in a process of its own, over one unix socket.

What the gateway sends first decides what a connection is for:

    nothing, its sending side closed    the launcher sends its `State`, and again whenever that changes
    a job                               the launcher runs it and sends the result; hanging up earlier cancels the job

So there is one verb, *run this job*, and nothing else to ask for. Messages are frames as on the runner's stdout
(`gateway.launcher.runner.frames`): one byte of kind, the length as 32 bits big-endian, the payload.

    J  gateway → launcher   a job's document
    A  launcher → gateway   a result's document
    F  launcher → gateway   a failure's document: one of our errors, by name
    S  launcher → gateway   a state's document
    D  either way           the bytes that belong to the document before it; always follows J and A

Documents are those of `gateway.model.codec`. A job has no field for what a container is made of: no image, mount,
capability, runtime, uid or command; a document with an additional field is refused. Lengths are checked before a byte
is kept: a frame's when its head has come, and those of the bytes when the document has.

The launcher trusts nothing that a gateway sends. The gateway trusts its launcher, but bounds it all the same.
"""

from __future__ import annotations

import asyncio
import re
import struct
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.launcher.runner.frames import FRAME_HEAD, encode_frame
from gateway.launcher.selftest.verdict import Verdict  # noqa: TC001
from gateway.launcher.sizing import Sizes  # noqa: TC001 - the codec reads the annotations
from gateway.launcher.snapshot.warm_start import WarmStart  # noqa: TC001
from gateway.model import errors
from gateway.model.codec import MalformedDocument, encode, parse, schema_of
from gateway.model.file_paths import find_clash
from gateway.model.jobs import EnvironmentFacts, Job, KiB, MiB, RcValue
from gateway.model.results import Result, Stages
from gateway.model.strict_json import InvalidJson, check_structure

if TYPE_CHECKING:
    from collections.abc import Mapping

JOB = b"J"
RESULT = b"A"
FAILURE = b"F"
STATE = b"S"
DATA = b"D"

#: Longest documents in bytes. A job's contains neither code nor files, only their lengths.
JOB_DOCUMENT_LIMIT = 256 * KiB
RESULT_DOCUMENT_LIMIT = 32 * MiB
FAILURE_DOCUMENT_LIMIT = 64 * KiB
STATE_DOCUMENT_LIMIT = 4 * MiB

#: Longest data in bytes: code and files of the largest request, and the largest output, that settings allow.
JOB_DATA_LIMIT = 80 * MiB
RESULT_DATA_LIMIT = 256 * MiB

#: Bounds of a job's values, whatever the HTTP side allows; that is stricter where it matters to clients.
CODE_LIMIT_BYTES = 16 * MiB
FILES_LIMIT = 256
FILE_NAME_LIMIT = 255
FILE_PATH_LIMIT = 255
FILE_DEPTH_LIMIT = 8
FORMATS_LIMIT = 8
STYLES_LIMIT = 16
NAME_LIMIT = 128
RC_LIMIT = 256
RC_TEXT_LIMIT = 1024
RC_ITEMS_LIMIT = 1024
RC_DEPTH_LIMIT = 4
RC_NUMBER_LIMIT = 2**53
SEED_LIMIT = 2**32
DPI_LIMIT = 10_000
INCHES_LIMIT = 1_000
WALL_LIMIT_S = 3_600
MEMORY_LIMIT_BYTES = 2**40

_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")

#: The credentials of a unix socket's peer. Source: unix(7), SO_PEERCRED; `struct ucred` is pid, uid, gid.
UCRED = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class State:
    """The state of a launcher.

    Attributes:
        schema: Digest of the documents' types; a gateway with another digest can't talk to it.
        instance: Name of this run of the launcher; another run counts from zero.
        not_ready: Why a job would fail now, or None.
        verdict: Of its last self-test, or None.
        sizes: How many jobs it runs at once, and how many containers it keeps warm.
        environments: Those that jobs can name.
        warm_starts: How their runners start.
        counts: Its counters since its start, by the names of `gateway.launcher.remote.counters`.
        gauges: The values of `gateway.launcher.interface.GAUGES`.
    """

    schema: str
    instance: str
    not_ready: str | None
    verdict: Verdict | None
    sizes: Sizes
    environments: tuple[EnvironmentFacts, ...]
    warm_starts: tuple[WarmStart, ...]
    counts: Mapping[str, int]
    gauges: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """One of our own errors, on its way from the launcher to the gateway.

    Attributes:
        error: Name of its class, one of `ERRORS`.
        message: Its text, which may be shown to a client.
        retry_after_s: When to try again, of errors that say so.
        stages: Where the time went until it was raised.
    """

    error: str
    message: str
    retry_after_s: int | None
    stages: Stages = field(default_factory=Stages)


#: Every error that can cross, by name; anything else that a launcher raises is a bug, and sent as one.
ERRORS: dict[str, type[errors.GatewayError]] = {
    kind.__name__: kind
    for kind in (
        errors.GatewayError,
        errors.InvalidRequest,
        errors.QueueFull,
        errors.QueueTimeout,
        errors.ShuttingDown,
        errors.EngineError,
        errors.EngineUnavailable,
        errors.ContainerLost,
    )
}

SCHEMA = schema_of(Job, Result, Failure, State)


def encode_job(job: Job) -> list[bytes]:
    """Return the pieces of the messages that hand a job over."""
    return _message(JOB, *encode(job))


def encode_result(result: Result) -> list[bytes]:
    """Return the pieces of the messages that bring a result back; pictures and files are not copied."""
    return _message(RESULT, *encode(result))


def encode_failure(error: errors.GatewayError, stages: Stages) -> list[bytes]:
    """Return the message that brings an error back, as the nearest class that both ends know."""
    name = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in ERRORS)
    retry_after_s = error.retry_after_s if isinstance(error, errors.Busy) else None
    document, _ = encode(Failure(name, str(error), retry_after_s, stages))
    return [encode_frame(FAILURE, document)]


def encode_state(state: State) -> list[bytes]:
    """Return the message with a state."""
    document, _ = encode(state)
    return [encode_frame(STATE, document)]


def error_of(failure: Failure) -> errors.GatewayError:
    """Return the error that a failure stands for."""
    kind = ERRORS.get(failure.error, errors.GatewayError)
    if issubclass(kind, errors.Busy):
        return kind(failure.message, failure.retry_after_s if failure.retry_after_s is not None else 1)
    return kind(failure.message)


class MalformedMessage(Exception):
    """Something came that may not come here; the text quotes nothing of it."""


async def read_frame(reader: asyncio.StreamReader, limits: Mapping[bytes, int]) -> tuple[bytes, bytes] | None:
    """Return the next frame as kind and payload, or None at the end of the stream.

    Args:
        reader: Where it comes from.
        limits: The kinds that may come now, each with its longest payload in bytes.

    Raises:
        MalformedMessage: It is of another kind, too long, or cut short.
    """
    try:
        head = await reader.readexactly(FRAME_HEAD.size)
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise MalformedMessage("the stream ends within a frame") from error
    kind, length = FRAME_HEAD.unpack(head)
    if kind not in limits:
        raise MalformedMessage("an unexpected kind of frame")
    if length > limits[kind]:
        raise MalformedMessage("a frame is too long")
    try:
        return kind, await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise MalformedMessage("the stream ends within a frame") from error


async def read_data(reader: asyncio.StreamReader, length: int, limit: int) -> bytes:
    """Return the bytes that belong to a document, of the announced length.

    Raises:
        MalformedMessage: Anything else comes.
    """
    if length > limit:
        raise MalformedMessage("too many bytes are announced")
    frame = await read_frame(reader, {DATA: length})
    if frame is None or len(frame[1]) != length:
        raise MalformedMessage("the bytes are not those announced")
    return frame[1]


def parse_job(document: bytes) -> Any:
    """Return what a job's document says, before it is known to be one.

    Raises:
        MalformedDocument: It isn't JSON, or has more members and items than the job of any request.
    """
    try:
        check_structure(document, times=2)  # a request's own, and those of the fields
    except InvalidJson as error:
        raise MalformedDocument(f"it {error}") from error
    return parse(document)


def check_job(job: Job) -> None:
    """Check every value of a job that came from a gateway; its types have been checked.

    Raises:
        MalformedDocument: A value is out of bounds; the text names its field.
    """
    options = job.options
    _need("code", len(job.code.encode()) <= CODE_LIMIT_BYTES and "\0" not in job.code)
    _need("environment", _ENVIRONMENT.fullmatch(job.environment))
    _need("wall_limit_s", job.wall_limit_s is None or 0 < job.wall_limit_s <= WALL_LIMIT_S)
    _need("memory_limit_bytes", job.memory_limit_bytes is None or 0 < job.memory_limit_bytes <= MEMORY_LIMIT_BYTES)
    _need("seed", job.seed is None or 0 <= job.seed < SEED_LIMIT)
    _need("files", len(job.files) <= FILES_LIMIT)
    names = [file.name for file in job.files]
    _need("files", all(map(is_file_path, names)) and find_clash(names) is None)
    _need("formats", 0 < len(options.formats) <= FORMATS_LIMIT and len(set(options.formats)) == len(options.formats))
    _need("dpi", options.dpi is None or 0 < options.dpi <= DPI_LIMIT)
    _need("width_in", options.width_in is None or 0 < options.width_in <= INCHES_LIMIT)
    _need("height_in", options.height_in is None or 0 < options.height_in <= INCHES_LIMIT)
    _need("bbox_inches", options.bbox_inches in (None, "tight"))
    _need("style", len(options.style) <= STYLES_LIMIT and all(map(_is_style, options.style)))
    _need("rc", len(options.rc) <= RC_LIMIT and all(map(_PLAIN_NAME.fullmatch, options.rc)))
    _need("rc", all(_is_bounded(value, RC_DEPTH_LIMIT) for value in options.rc.values()))


def is_file_path(name: str) -> bool:
    """Tell whether a name is a path below the working directory, of plain file names."""
    parts = name.split("/", FILE_DEPTH_LIMIT)
    return len(name) <= FILE_PATH_LIMIT and len(parts) <= FILE_DEPTH_LIMIT and all(map(is_plain_file_name, parts))


def is_plain_file_name(name: str) -> bool:
    """Tell whether a name is a plain file name: neither a path nor hidden, and without control characters."""
    return (
        0 < len(name) <= FILE_NAME_LIMIT
        and len(name.encode("utf-8", "surrogatepass")) <= FILE_NAME_LIMIT
        and not name.startswith(".")
        and not set(name) & {"/", "\\"}
        and not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name)
    )


def _is_style(name: str) -> bool:
    return 0 < len(name) <= NAME_LIMIT and name.isprintable() and not set(name) & {"/", "\\", ":"} and name[0] != "."


def _is_bounded(value: RcValue, depth: int) -> bool:
    if isinstance(value, str):
        return len(value) <= RC_TEXT_LIMIT
    if isinstance(value, tuple):
        return depth > 0 and len(value) <= RC_ITEMS_LIMIT and all(_is_bounded(item, depth - 1) for item in value)
    return abs(value) <= RC_NUMBER_LIMIT  # neither NaN nor infinity is; `isfinite` fails on an integer of 400 digits


def _need(name: str, holds: object) -> None:
    if not holds:
        raise MalformedDocument(f"{name} is out of bounds")


def _message(kind: bytes, document: bytes, data: list[bytes]) -> list[bytes]:
    length = sum(map(len, data))
    return [encode_frame(kind, document), FRAME_HEAD.pack(DATA, length), *data]
