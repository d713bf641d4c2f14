"""The fuzzer as a runner, an engine, or a compromised gateway: what comes over pipes and sockets."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.launcher.remote.messages import check_job
from gateway.launcher.runner.frames import (
    END,
    FILE,
    PICTURE,
    READY,
    STDERR,
    STDOUT,
    Demultiplexer,
    FrameReader,
    MalformedReply,
    Stream,
    encode_frame,
    with_head,
)
from gateway.launcher.runner.reply import Reply, ReplyReader
from gateway.model.codec import MalformedDocument, build, encode, length_of_data, parse
from gateway.model.jobs import Format, Job, NamedFile, SaveOptions
from gateway.model.results import Outcome
from tests.fakes import PNG, block

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longest payloads that the target takes, short enough for the fuzzer to find the limit.
OUTPUT_LIMIT = 300
FRAME_LIMITS = {READY: 0, PICTURE: OUTPUT_LIMIT, END: 64}

JOBS = (
    Job("x"),
    Job("x", SaveOptions(formats=(Format.PNG, Format.SVG), all_figures=True), collect=True),
)


def fuzz_frames(data: bytes) -> None:
    """Check that a stream reads the same however it is split: equal pieces, frames and reply, or the same refusal."""
    if not data:
        return
    step, job, stream = data[0] % 16 + 1, JOBS[data[0] // 16 % len(JOBS)], data[1:]
    cut = [stream[start : start + step] for start in range(0, len(stream), step)]
    assert _demultiplex([stream]) == _demultiplex(cut)
    assert _frames([stream]) == _frames(cut)
    assert _reply(job, [stream]) == _reply(job, cut)
    stdout = _demultiplex([stream])[Stream.STDOUT]
    assert _reply(job, [stdout]) == _reply(job, [bytes([byte]) for byte in stdout])


def _demultiplex(pieces: Iterable[bytes]) -> dict[Stream, bytes]:
    demultiplexer = Demultiplexer()
    found = {Stream.STDOUT: bytearray(), Stream.STDERR: bytearray()}
    with suppress(MalformedReply):
        for piece in pieces:
            for stream, payload in demultiplexer.feed(piece):
                assert payload
                found[stream] += payload
    return {stream: bytes(payload) for stream, payload in found.items()}


def _frames(pieces: Iterable[bytes]) -> list[object]:
    reader = FrameReader(FRAME_LIMITS)
    found: list[object] = []
    try:
        for piece in pieces:
            for kind, payload in reader.feed(piece):
                assert len(payload) <= FRAME_LIMITS[kind]
                found.append((kind, payload))
    except MalformedReply as error:
        found.append(type(error))
    return found


def _reply(job: Job, pieces: Iterable[bytes]) -> tuple[object, ...]:
    reader = ReplyReader(job, OUTPUT_LIMIT)
    reply: Reply | type[MalformedReply] | None = None
    try:
        for piece in pieces:
            reply = reader.feed(piece)
            if reply is not None:
                assert (reply.outcome is Outcome.OK) == bool(reply.pictures)
                assert job.collect or not reply.files
                break
    except MalformedReply as error:
        reply = type(error)
    for text in (reader.stdout, reader.stderr):
        text.text.encode()
    return reply, reader.stdout, reader.stderr


def fuzz_messages(data: bytes) -> None:
    """Check that a document and the bytes beside it are a job that is written back the same, or are refused."""
    document, _, beside = data.partition(b"\0")
    try:
        parsed = parse(document)
        length = length_of_data(Job, parsed)
        assert length >= 0
        job = build(Job, parsed, beside)
    except MalformedDocument as error:
        assert str(error).isprintable()
        return
    assert length == len(beside)
    again, pieces = encode(job)
    assert build(Job, parse(again), b"".join(pieces)) == job
    with suppress(MalformedDocument):
        check_job(job)
        assert job.wall_limit_s is None or job.wall_limit_s > 0
        parts = [part for file in job.files for part in file.name.split("/")]
        assert not set(parts) & {"", ".", ".."}


def _end(**claim: object) -> bytes:
    return encode_frame(END, json.dumps(claim).encode())


def _picture(number: int = 1, kind: str = "png", data: bytes = PNG) -> bytes:
    head = {"figure": number, "label": "a", "format": kind, "pixels_sha256": None}
    return encode_frame(PICTURE, with_head(json.dumps(head).encode(), data))


def _framed(job: Job) -> bytes:
    document, beside = encode(job)
    return document + b"\0" + b"".join(beside)


_ANSWER = _picture() + _end(outcome="ok")
_FILE = encode_frame(FILE, with_head(b"a/b.csv", b"1"))
_NOTICE = {"category": "UserWarning", "message": "m", "line": 1}
_FAULT = {"type": "E", "message": "m", "line": 1, "column": 2, "source": "s", "hint": "h"}

FRAME_SEEDS = (
    b"\x00" + _ANSWER,
    b"\x03" + block(1, _ANSWER[:20]) + block(2, b"noise") + block(1, _ANSWER[20:]),
    b"\x00" + encode_frame(READY) + _end(outcome="program_error", error="Traceback", fault=_FAULT),
    b"\x05" + block(1, _end(outcome="no_figure", figures_drawn=2, notices=[_NOTICE])),
    b"\x10"
    + _picture()
    + _picture(kind="svg", data=b"<svg/>")
    + encode_frame(FILE, with_head(b"a/b.csv", b"1"))
    + _end(outcome="ok", files_left_out=True),
    b"\x12"
    + encode_frame(STDOUT, b"out")
    + encode_frame(STDERR, b"\xff\xc3")
    + encode_frame(STDOUT, b"\xa9")
    + _ANSWER,
    b"\x01" + block(1, encode_frame(PICTURE, b"x" * OUTPUT_LIMIT)),
    b"\x00" + block(0, b""),
)

MESSAGE_SEEDS = (
    _framed(Job("plt.plot([1])")),
    _framed(
        Job(
            "é",
            SaveOptions(
                formats=(Format.PNG, Format.PDF),
                all_figures=True,
                dpi=80.5,
                width_in=4.0,
                style=("ggplot",),
                rc={"lines.linewidth": 2, "axes.prop_cycle": ("r", 1.5, True)},
            ),
            (NamedFile("data/a.csv", b"1,2\n"),),
            "default",
            2.5,
            256 * 1024 * 1024,
            7,
            collect=True,
        )
    ),
)
