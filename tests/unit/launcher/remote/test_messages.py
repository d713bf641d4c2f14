"""What messages between gateway and launcher may contain, value by value and frame by frame."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.launcher.remote.messages import (
    CODE_LIMIT_BYTES,
    DATA,
    DPI_LIMIT,
    ERRORS,
    FAILURE,
    FILE_DEPTH_LIMIT,
    FILE_NAME_LIMIT,
    FILE_PATH_LIMIT,
    FILES_LIMIT,
    INCHES_LIMIT,
    JOB,
    JOB_DATA_LIMIT,
    JOB_DOCUMENT_LIMIT,
    MEMORY_LIMIT_BYTES,
    RC_DEPTH_LIMIT,
    RC_ITEMS_LIMIT,
    RC_LIMIT,
    RC_NUMBER_LIMIT,
    RC_TEXT_LIMIT,
    SEED_LIMIT,
    STYLES_LIMIT,
    WALL_LIMIT_S,
    Failure,
    MalformedMessage,
    check_job,
    encode_failure,
    encode_job,
    error_of,
    read_data,
    read_frame,
)
from gateway.launcher.runner.frames import FRAME_HEAD, encode_frame
from gateway.model import errors
from gateway.model.codec import MalformedDocument, build, parse
from gateway.model.jobs import Format, Job, NamedFile, SaveOptions
from gateway.model.results import Stages
from gateway.v1.request import file_names as edge_names
from gateway.v1.request import options as edge_options
from gateway.v1.request import rcparams as edge_rc
from gateway.v1.request.file_names import find_name_error
from tests.support.machine import slowed

GOOD = Job(
    "plt.plot([1])",
    SaveOptions(
        formats=(Format.PNG, Format.SVG),
        dpi=100,
        width_in=3,
        height_in=0.5,
        bbox_inches="tight",
        style=("dark_background", "seaborn-v0_8-whitegrid"),
        rc={"axes.grid": True, "lines.linewidth": 2.5, "figure.figsize": (3, 4), "axes.prop_cycle": "rgb"},
    ),
    files=(NamedFile("data.csv", b"1,2"), NamedFile("Übersicht 2.txt", b"")),
    environment="science-2.1",
    wall_limit_s=3,
    memory_limit_bytes=2**27,
    seed=0,
    collect=True,
)


def nested(depth: int) -> Any:
    """Return a tuple within tuples."""
    return (nested(depth - 1),) if depth else ()


#: For every field of a job and its options: values out of bounds. A new field needs its own here.
BEYOND: dict[str, list[Any]] = {
    "code": ["x" * (CODE_LIMIT_BYTES + 1), "\u20ac" * (CODE_LIMIT_BYTES // 3 + 1), "a\0b"],
    "environment": ["", "Default", "../x", "a/b", "a b", "x" * 65, "-x", "a\n", "\u0430"],
    "wall_limit_s": [0, 0.0, -1, -0.5, WALL_LIMIT_S + 1],
    "memory_limit_bytes": [0, -1, MEMORY_LIMIT_BYTES + 1],
    "seed": [-1, SEED_LIMIT],
    "files": [
        (NamedFile("a", b""),) * 2,
        tuple(NamedFile(str(number), b"") for number in range(FILES_LIMIT + 1)),
        *(
            (NamedFile(name, b""),)
            for name in (
                "",
                ".",
                "..",
                ".hidden",
                "a/../b",
                "/etc/passwd",
                "..\\x",
                "a\0",
                "a\nb",
                "\x7f",
                "\u2028",
                "\ud800",
                "x" * 256,
                "\u20ac" * 86,
            )
        ),
    ],
    "formats": [(), (Format.PNG, Format.PNG)],
    "dpi": [0, -1, DPI_LIMIT + 1],
    "width_in": [0, -1, INCHES_LIMIT + 1],
    "height_in": [0, -1, INCHES_LIMIT + 1],
    "bbox_inches": ["", "Tight", "standard", "../x"],
    "style": [("",), ("x" * 129,), ("a/b",), ("http://x",), ("..",), ("\0",), ("x",) * (STYLES_LIMIT + 1)],
    "rc": [
        {"": 1},
        {"a b": 1},
        {"a/b": 1},
        {"x" * 129: 1},
        {"a": "x" * (RC_TEXT_LIMIT + 1)},
        {"a": RC_NUMBER_LIMIT + 1},
        {"a": -1e300},
        {"a": 10**400},
        {"a": (0,) * (RC_ITEMS_LIMIT + 1)},
        {"a": nested(RC_DEPTH_LIMIT + 1)},
        {f"a{number}": 1 for number in range(RC_LIMIT + 1)},
    ],
}

#: Fields whose types need no bounds.
UNBOUNDED = {"collect", "transparent", "all_figures", "options", "describe", "embed_alt_text"}


def test_every_field_has_its_bounds() -> None:
    """No field of a job or its options is missing; a new one fails here until its bounds are known."""
    names = {field.name for kind in (Job, SaveOptions) for field in fields(kind)}
    assert names == set(BEYOND) | UNBOUNDED


def test_a_good_job_passes() -> None:
    """A job within all bounds passes, and so does one without any options."""
    check_job(GOOD)
    check_job(Job(""))


@pytest.mark.parametrize("name", BEYOND)
def test_values_out_of_bounds_are_refused(name: str) -> None:
    """Each value is refused by itself, with its field's name."""
    for value in BEYOND[name]:
        if name in {field.name for field in fields(Job)}:
            job = replace(GOOD, **{name: value})
        else:
            job = replace(GOOD, options=replace(GOOD.options, **{name: value}))
        with pytest.raises(MalformedDocument, match=f"^{name} is out of bounds"):
            check_job(job)


def test_what_the_http_side_lets_in_passes() -> None:
    """The launcher's bounds are never narrower than the documented ones."""
    assert edge_options.STYLES_LIMIT <= STYLES_LIMIT
    assert edge_options.RC_LIMIT <= RC_LIMIT
    assert edge_options.TIMEOUT_LIMIT_S <= WALL_LIMIT_S
    assert edge_options.MEMORY_LIMIT_MIB * 2**20 <= MEMORY_LIMIT_BYTES
    assert edge_rc.NUMBER_LIMIT <= RC_NUMBER_LIMIT
    assert edge_rc.TEXT_LIMIT <= RC_TEXT_LIMIT
    assert edge_rc.LIST_LIMIT <= RC_ITEMS_LIMIT
    assert edge_names.PART_LIMIT_BYTES <= FILE_NAME_LIMIT
    assert edge_names.NAME_LIMIT <= FILE_PATH_LIMIT
    assert edge_names.DEPTH_LIMIT <= FILE_DEPTH_LIMIT
    check_job(Job("", SaveOptions(style=tuple(edge_rc.STYLES)[:STYLES_LIMIT])))


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40) | st.lists(st.text("ab\u3000", max_size=3), max_size=9).map("/".join))
def test_every_file_name_that_the_http_side_lets_in_passes(name: str) -> None:
    """The same for names of files, of which there are many kinds."""
    if find_name_error(name) is None:
        check_job(Job("", files=(NamedFile(name, b""),)))


@pytest.mark.parametrize(
    "names",
    [
        *(["/a"], ["a/"], ["a//b"], ["../a"], ["a/../b"], ["a/.b"], ["a/b\0"], ["a\\b/c"], ["a/" * 8 + "b"]),
        *(["x" * 128 + "/" + "x" * 127], ["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"], ["é", "e\u0301"]),
    ],
)
def test_names_that_lead_elsewhere_are_refused(names: list[str]) -> None:
    """A path is relative, plain in each part, and neither another file's nor below one."""
    with pytest.raises(MalformedDocument, match="files is out of bounds"):
        check_job(Job("", files=tuple(NamedFile(name, b"") for name in names)))


def test_the_largest_document_fits() -> None:
    """The document and the bytes of a job at the HTTP side's bounds pass."""
    job = replace(
        GOOD,
        code="x" * CODE_LIMIT_BYTES,
        files=tuple(NamedFile(f"{number:03}" + "\U0001f600" * 60, b"") for number in range(64)),
        options=replace(GOOD.options, rc={f"a{number}" + "x" * 90: "\u20ac" * RC_TEXT_LIMIT for number in range(32)}),
    )
    check_job(job)
    head, data_head, *_ = encode_job(job)
    assert len(head) - FRAME_HEAD.size <= JOB_DOCUMENT_LIMIT
    assert FRAME_HEAD.unpack(data_head)[1] <= JOB_DATA_LIMIT


# Errors


@pytest.mark.parametrize("name", ERRORS)
def test_errors_come_across_as_what_they_are(name: str) -> None:
    """Class, text and the advice to retry are the same at the other end."""
    kind = ERRORS[name]
    error = kind("why", 7) if issubclass(kind, errors.Busy) else kind("why")
    arrived = error_of(build(Failure, parse(encode_failure(error, Stages())[0][FRAME_HEAD.size :]), b""))
    assert (type(arrived), str(arrived)) == (kind, "why")
    assert getattr(arrived, "retry_after_s", None) == getattr(error, "retry_after_s", None)


def test_errors_that_the_other_end_need_not_know_become_their_parent() -> None:
    """An error without a name of its own in messages is sent as its nearest parent that has one."""
    [frame] = encode_failure(errors.NameTaken("x"), Stages())
    assert build(Failure, parse(frame[FRAME_HEAD.size :]), b"").error == "EngineError"
    assert type(error_of(Failure("StartError", "x", None))) is errors.GatewayError
    assert type(error_of(Failure("SystemExit", "x", None))) is errors.GatewayError


# Frames


def reader_of(data: bytes, *, eof: bool = True) -> asyncio.StreamReader:
    """Return a stream that has received these bytes."""
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    if eof:
        reader.feed_eof()
    return reader


async def test_frames_are_read_one_by_one() -> None:
    """Frames come out as they went in; the end of the stream between two of them is not an error."""
    reader = reader_of(encode_frame(JOB, b"abc") + encode_frame(DATA))
    assert await read_frame(reader, {JOB: 3}) == (JOB, b"abc")
    assert await read_frame(reader, {DATA: 0}) == (DATA, b"")
    assert await read_frame(reader, {DATA: 0}) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encode_frame(FAILURE, b""), id="another kind"),
        pytest.param(encode_frame(JOB, b"abcd"), id="too long"),
        pytest.param(FRAME_HEAD.pack(JOB, 2**32 - 1), id="as long as can be"),
        pytest.param(encode_frame(JOB, b"abc")[:4], id="half a head"),
        pytest.param(encode_frame(JOB, b"abc")[:5], id="a head alone"),
        pytest.param(encode_frame(JOB, b"abc")[:-1], id="half a payload"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
    ],
)
async def test_broken_frames_are_refused(data: bytes) -> None:
    """Whatever isn't a frame that may come now is refused."""
    with pytest.raises(MalformedMessage):
        await read_frame(reader_of(data), {JOB: 3})


async def test_a_length_is_judged_before_its_bytes_come() -> None:
    """A frame that is too long is refused as soon as its head has come, whatever follows."""
    with pytest.raises(MalformedMessage):
        await asyncio.wait_for(read_frame(reader_of(FRAME_HEAD.pack(JOB, 4), eof=False), {JOB: 3}), slowed(5))
    with pytest.raises(MalformedMessage):
        await asyncio.wait_for(read_data(reader_of(b"", eof=False), JOB_DATA_LIMIT + 1, JOB_DATA_LIMIT), slowed(5))


@pytest.mark.parametrize("data", [b"", encode_frame(DATA, b"ab"), encode_frame(DATA, b"abcd"), encode_frame(JOB)])
async def test_data_are_those_announced(data: bytes) -> None:
    """Bytes other than those that the document announces are refused."""
    with pytest.raises(MalformedMessage):
        await read_data(reader_of(data), 3, 10)
