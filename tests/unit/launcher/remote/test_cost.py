"""Whatever the other end of the launcher's socket sends, reading it costs time in proportion to its length."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.remote.messages import (
    JOB,
    JOB_DOCUMENT_LIMIT,
    RESULT,
    MalformedMessage,
    State,
    check_job,
    parse_job,
    read_frame,
)
from gateway.launcher.runner.frames import FRAME_HEAD
from gateway.model.codec import MalformedDocument, build, encode, length_of_data, parse
from gateway.model.jobs import Job, KiB, MiB
from gateway.model.results import Result
from tests.fakes import picture_result
from tests.support.cost import again_and_again, costs_no_more, cpu_s, numbered, shown

if TYPE_CHECKING:
    from tests.support.cost import Shape

#: What a MiB may take on the event loop. A job's document, the only one of which the sender isn't trusted, may have a
#: quarter of one.
S_PER_MIB = 0.5

#: Length of the longest of the others that is tried.
LONGEST = 4 * MiB

_JOB, _ = encode(Job(""))


def _with(name: str, value: bytes) -> tuple[bytes, bytes]:
    """Return a job's document in two pieces, between which one field has a hole."""
    document = json.loads(_JOB)
    place = document if name in document else document["options"]
    place[name] = "HERE"
    begin, _, end = json.dumps(document).encode().partition(b'"HERE"')
    first, _, last = value.partition(b"|")
    return begin + first, last + end


def _many(name: str, value: bytes, piece: bytes) -> Shape:
    begin, end = _with(name, value)
    return again_and_again(begin, piece, end)


def _distinct(name: str, value: bytes, piece: bytes) -> Shape:
    begin, end = _with(name, value)
    return numbered(begin, piece, end)


#: Documents that are no job.
DOCUMENTS: dict[str, Shape] = {
    "lists within lists": again_and_again(b"", b"["),
    "objects within objects": again_and_again(b"", b'{"":'),
    "empty lists": again_and_again(b"[", b"[],", b"0]"),
    "lists of lists": again_and_again(b"[", b"[[[[[[]]]]]],", b"0]"),
    "digits": again_and_again(b"", b"9"),
    "numbers": again_and_again(b"[", b"1,", b"0]"),
    "numbers of many digits": again_and_again(b"[", b"9" * 4300 + b",", b"0]"),
    "floats": again_and_again(b"[", b"0.1,", b"0]"),
    "a list of objects": again_and_again(b"[", b"{},", b"0]"),
    "members": numbered(b"{", b'"a%d":0,', b'"":0}'),
    "members of one name": again_and_again(b"{", b'"a":0,', b'"":0}'),
    "escapes": again_and_again(b'"', b"\\u0041", b'"'),
    "backslashes": again_and_again(b'"', b"\\"),
    "spaces": again_and_again(b"", b" "),
    "zeros": again_and_again(b"", b"\0"),
    "letters that aren't ASCII": again_and_again(b'"', b"\xc3\xa9", b'"'),
}

#: Documents that almost are one.
JOBS: dict[str, Shape] = {
    "files": _distinct("files", b"[|{}]", b'{"name":"a%d","data":0},'),
    "files of one name": _many("files", b'[|{"name":"a","data":0}]', b'{"name":"a","data":0},'),
    "a file of a long name": _many("files", b'[{"name":"|","data":0}]', b"a"),
    "files that say they are large": _many("files", b'[|{"name":"a","data":0}]', b'{"name":"a","data":99999999999},'),
    "formats": _many("formats", b'[|"png"]', b'"png",'),
    "styles": _many("style", b'[|"a"]', b'"a",'),
    "a long style": _many("style", b'["|"]', b"a"),
    "parameters": _distinct("rc", b'{|"a":1}', b'"a%d":1,'),
    "a parameter of lists": _many("rc", b'{"a":[|[]]}', b"[],"),
    "a parameter of deep lists": _many("rc", b'{"a":|0}', b"["),
    "a parameter of lists of lists": _many("rc", b'{"a":[|[]]}', b"[[[]]],"),
    "a parameter of numbers": _many("rc", b'{"a":[|1]}', b"1,"),
    "a parameter of text": _many("rc", b'{"a":"|"}', b"a"),
    "a long environment": _many("environment", b'"|"', b"a-"),
}

#: Documents of results and states, which come from a launcher.
ANSWERS: dict[str, tuple[type, Shape]] = {
    **{f"result, {name}": (Result, shape) for name, shape in DOCUMENTS.items()},
    "state, members": (State, DOCUMENTS["members"]),
    "state, a list of objects": (State, DOCUMENTS["a list of objects"]),
}

SHOWN = ("empty lists", "members", "a parameter of lists", "files", "result, a list of objects")


def document_s(data: bytes) -> float:
    """Return the processor seconds of reading a job's document, which isn't one that the launcher takes."""

    def read() -> None:
        parsed = parse_job(data)
        length_of_data(Job, parsed)
        check_job(build(Job, parsed, b""))

    def refuse() -> None:
        with pytest.raises(MalformedDocument):
            read()

    return cpu_s(refuse)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(DOCUMENTS, SHOWN))
def test_what_is_no_job_costs_in_proportion(shape: str) -> None:
    """A document that doubles costs the launcher at most 2.5 times as much each time, and no more than its bound."""
    costs_no_more(lambda size: document_s(DOCUMENTS[shape](size)), JOB_DOCUMENT_LIMIT, S_PER_MIB, doublings=6)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(JOBS, SHOWN))
def test_what_is_almost_a_job_costs_in_proportion(shape: str) -> None:
    """So does one that is a job but for one value."""
    costs_no_more(lambda size: document_s(JOBS[shape](size)), JOB_DOCUMENT_LIMIT, S_PER_MIB, doublings=3)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(ANSWERS, SHOWN))
def test_answers_cost_in_proportion(shape: str) -> None:
    """So does what a launcher sends."""
    kind, make = ANSWERS[shape]

    def cost(size: int) -> float:
        data = make(size)

        def read() -> None:
            with contextlib.suppress(MalformedDocument):
                build(kind, parse(data), b"")

        return cpu_s(read)

    costs_no_more(cost, LONGEST, S_PER_MIB)


FRAMES: dict[str, Shape] = {
    "a long frame": lambda n: FRAME_HEAD.pack(JOB, n) + bytes(n),
    "one that is cut short": lambda n: FRAME_HEAD.pack(JOB, n + 1) + bytes(n),
    "empty frames": again_and_again(b"", FRAME_HEAD.pack(JOB, 0)),
    "short frames": again_and_again(b"", FRAME_HEAD.pack(JOB, 1) + b"a"),
    "frames of another kind": again_and_again(b"", FRAME_HEAD.pack(RESULT, 0)),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("pieces", [16, 64 * KiB], ids=["in small pieces", "in large ones"])
@pytest.mark.parametrize("shape", shown(FRAMES, ["a long frame"]))
def test_frames_cost_in_proportion(shape: str, pieces: int) -> None:
    """So do the frames around them, in however small pieces they come."""

    async def read(stream: bytes) -> None:
        reader = asyncio.StreamReader()

        async def send() -> None:
            for start in range(0, len(stream), pieces):
                reader.feed_data(stream[start : start + pieces])
                if not start // pieces % 64:
                    await asyncio.sleep(0)
            reader.feed_eof()

        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            with contextlib.suppress(MalformedMessage):
                while await read_frame(reader, {JOB: 2 * LONGEST}) is not None:
                    pass

    def cost(size: int) -> float:
        stream = FRAMES[shape](size)
        return cpu_s(lambda: asyncio.run(read(stream)))

    costs_no_more(cost, LONGEST // 4, 8.0)


def test_a_real_result_is_read_within_the_bound() -> None:
    """The bound isn't met by refusing everything early: a result with a picture is read as cheaply."""
    document, data = encode(picture_result(bytes(MiB)))
    assert build(Result, parse(document), b"".join(data)) == picture_result(bytes(MiB))
