"""A reply is assembled from whatever a guest writes: every rule holds, and nothing unbounded passes."""

from __future__ import annotations

import itertools
import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.launcher.runner import reply as replies
from gateway.launcher.runner.frames import (
    END,
    FILE,
    JOB,
    PICTURE,
    READY,
    STDERR,
    STDOUT,
    MalformedReply,
    OutputExceeded,
    encode_frame,
    with_head,
)
from gateway.launcher.runner.reply import (
    CLAIMABLE,
    END_LIMIT,
    FILE_LIMIT,
    TEXT_LIMIT,
    WARNING_LIMIT,
    ClaimedPicture,
    Reply,
    ReplyReader,
    is_path,
)
from gateway.model.jobs import Format, Job, NamedFile, SaveOptions
from gateway.model.results import HINT_LIMIT, Outcome, ProgramError, PythonWarning, Text, printed
from tests.support.runner import runner_modules

BOUNDED = settings(deadline=None, max_examples=150)
LIMIT = 100_000
PLAIN = Job("code")
COLLECTING = Job("code", collect=True)
SEVERAL = Job("code", SaveOptions(formats=(Format.PNG, Format.SVG), all_figures=True), collect=True)
DIGEST = "0123456789abcdef" * 4

cuts = st.lists(st.integers(0, 400), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(list(Outcome)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _split(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in at), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


def _end(**claim: object) -> bytes:
    return encode_frame(END, json.dumps(claim).encode())


def _picture(data: bytes = b"x", **claim: object) -> bytes:
    head = {"figure": 1, "label": "", "format": "png", "pixels_sha256": None} | claim
    return encode_frame(PICTURE, with_head(json.dumps(head).encode(), data))


def _file(name: str | bytes, data: bytes = b"") -> bytes:
    return encode_frame(FILE, with_head(name if isinstance(name, bytes) else name.encode(), data))


def _read(data: bytes, job: Job = COLLECTING) -> Reply | None:
    return ReplyReader(job, LIMIT).feed(data)


OK = _end(outcome="ok")
NONE = _end(outcome="no_figure", figures_drawn=0)


@BOUNDED
@given(st.binary(max_size=50), st.integers(0, 400), cuts)
def test_no_reply_without_its_end(data: bytes, cut: int, at: list[int]) -> None:
    """A reply without its end isn't a reply; a whole one is, however it is split."""
    whole = encode_frame(STDOUT, b"o") + _picture(data, figure=3, label="a") + _file("f", b"1") + OK
    reply = Reply(Outcome.OK, (ClaimedPicture(3, "a", Format.PNG, data),), files=(NamedFile("f", b"1"),))
    for length, expected in ((min(cut, len(whole) - 1), None), (len(whole), reply)):
        reader = ReplyReader(COLLECTING, LIMIT)
        given_back = [reader.feed(piece) for piece in _split(whole[:length], at)]
        assert expected == next((reply for reply in given_back if reply is not None), None)


@BOUNDED
@given(
    st.binary(max_size=300)
    | st.tuples(st.sampled_from([END, PICTURE, FILE, STDOUT]), st.binary(max_size=60)).map(lambda f: encode_frame(*f)),
    cuts,
)
def test_arbitrary_stdout_raises_nothing_but_malformed(data: bytes, at: list[int]) -> None:
    """Whatever a guest writes, the parser raises MalformedReply or goes on waiting."""
    reader = ReplyReader(COLLECTING, LIMIT)
    try:
        given_back = [reader.feed(piece) for piece in _split(data, at)]
    except MalformedReply:
        return
    assert not any(reply and reply.outcome is Outcome.OK for reply in given_back if reply)


@BOUNDED
@given(
    json_values
    | st.fixed_dictionaries(
        {"outcome": st.sampled_from(["ok", "program_error", "no_figure"])},
        optional=dict.fromkeys(("error", "fault", "notices", "figures_drawn", "files_left_out"), json_values),
    )
    | st.fixed_dictionaries(
        {"outcome": st.just("program_error"), "fault": st.fixed_dictionaries(
            dict.fromkeys(("type", "message", "line", "column", "source", "hint"), json_values)
        )}
    )
)  # fmt: skip
def test_arbitrary_end_raises_nothing_but_malformed(claim: object) -> None:
    """Whatever JSON an END frame carries, a reply claims only what a runner may claim, of the right types."""
    try:
        reply = _read(encode_frame(END, json.dumps(claim).encode()))
    except MalformedReply:
        return
    assert reply is not None
    assert reply.outcome in CLAIMABLE - {Outcome.OK}
    assert type(reply.error) is str
    assert type(reply.figures_drawn) in (int, type(None))
    assert all(isinstance(warning, PythonWarning) for warning in reply.warnings)


@BOUNDED
@given(json_values | st.fixed_dictionaries({}, optional={
    "figure": json_values, "label": json_values, "format": json_values, "pixels_sha256": json_values,
}))  # fmt: skip
def test_arbitrary_head_raises_nothing_but_malformed(claim: object) -> None:
    """Whatever JSON describes a picture, it is refused or of the right types."""
    try:
        reply = _read(encode_frame(PICTURE, with_head(json.dumps(claim).encode(), b"x")) + OK)
    except MalformedReply:
        return
    assert reply is not None
    (picture,) = reply.pictures
    assert type(picture.number) is int
    assert picture.label == printed(picture.label)


def test_what_follows_the_end_frame_is_ignored() -> None:
    """The END frame decides, whatever is written behind it."""
    assert Reply(Outcome.NO_FIGURE, figures_drawn=0) == _read(NONE + b"\xffgarbage")


def test_whole_reply_is_read() -> None:
    """Every part of a rich reply arrives."""
    claim = {
        "outcome": "program_error",
        "error": "Trace\nback",
        "fault": {"type": "E", "message": "a\nb", "line": 3, "column": 9, "source": "x = 1", "hint": "a\n\tb "},
        "notices": [["UserWarning", "careful", 2], ["W", "drawing", None]],
        "files_left_out": True,
    }
    reader = ReplyReader(COLLECTING, LIMIT)
    sent = encode_frame(STDOUT, b"a\xc3") + encode_frame(STDERR, b"err") + _file("b/c.csv", b"1") + _file("a", b"2")
    assert reader.feed(sent + encode_frame(STDOUT, b"\xa4b\x1b")) is None
    assert reader.feed(_end(**claim)) == Reply(
        Outcome.PROGRAM_ERROR,
        error="Trace\nback",
        files=(NamedFile("a", b"2"), NamedFile("b/c.csv", b"1")),
        files_left_out=True,
        warnings=(PythonWarning("UserWarning", "careful", 2), PythonWarning("W", "drawing", None)),
        program_error=ProgramError("E", "a\nb", 3, 9, "x = 1", "a  b"),
    )
    assert (reader.stdout, reader.stderr) == (Text("aäb\N{REPLACEMENT CHARACTER}"), Text("err"))


def test_figures_come_in_every_format_asked_for() -> None:
    """Pictures are identified by their order: figure by figure, each in the requested formats."""
    sent = b"".join(
        _picture(b"x", figure=number, label="l", format=kind) for number in (2, -1) for kind in ("png", "svg")
    )
    reply = _read(sent + OK, SEVERAL)
    assert reply is not None
    assert [(picture.number, picture.format) for picture in reply.pictures] == [
        (2, Format.PNG), (2, Format.SVG), (-1, Format.PNG), (-1, Format.SVG),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("stdout", "job"),
    [
        pytest.param(OK, PLAIN, id="ok without a picture"),
        pytest.param(_picture() + NONE, PLAIN, id="picture without ok"),
        pytest.param(_picture() * 2, PLAIN, id="two pictures"),
        pytest.param(_picture() * 2, COLLECTING, id="two figures"),
        pytest.param(_picture(bytes(LIMIT)), PLAIN, id="picture too long"),
        pytest.param(_picture(format="svg"), PLAIN, id="another format"),
        pytest.param(_picture(format=None), PLAIN, id="no format"),
        pytest.param(_picture(figure="1"), PLAIN, id="number is text"),
        pytest.param(_picture(figure=True), PLAIN, id="number is a truth value"),
        pytest.param(_picture(figure=1.5), PLAIN, id="number is no whole number"),
        pytest.param(_picture(figure=2**31), PLAIN, id="number too large"),
        pytest.param(_picture(label=None), PLAIN, id="label is null"),
        pytest.param(_picture(pixels_sha256=DIGEST[1:]), PLAIN, id="digest too short"),
        pytest.param(_picture(pixels_sha256=DIGEST.upper()), PLAIN, id="digest in capitals"),
        pytest.param(_picture(label="x" * 2000), PLAIN, id="head too long"),
        pytest.param(_picture(format="svg"), SEVERAL, id="formats out of order"),
        pytest.param(_picture() + _picture(format="svg", figure=2), SEVERAL, id="figures mixed"),
        pytest.param(_picture() + _picture(format="svg", label="x"), SEVERAL, id="labels mixed"),
        pytest.param(_picture() + OK, SEVERAL, id="a format is missing"),
        pytest.param((_picture() + _picture(format="svg")) * 101, SEVERAL, id="too many figures"),
        pytest.param(encode_frame(PICTURE, b"\0"), PLAIN, id="picture without a head"),
        pytest.param(encode_frame(PICTURE, b"\xff\xffx"), PLAIN, id="head cut"),
        pytest.param(encode_frame(JOB, b"{}"), PLAIN, id="a job"),
        pytest.param(encode_frame(READY), PLAIN, id="ready again"),
        pytest.param(encode_frame(STDOUT, b"x"), PLAIN, id="prints not asked for"),
        pytest.param(_file("a"), PLAIN, id="files not asked for"),
        pytest.param(encode_frame(STDOUT), COLLECTING, id="empty print"),
        pytest.param(b"hello, world", COLLECTING, id="a print"),
        pytest.param(encode_frame(END, b"["), PLAIN, id="broken JSON"),
        pytest.param(encode_frame(END, b"[" * 100_000), PLAIN, id="deep JSON"),
        pytest.param(encode_frame(END, b"9" * 5000), PLAIN, id="huge integer"),
        pytest.param(encode_frame(END, b"\xff\xfe\xff"), PLAIN, id="no text"),
        pytest.param(encode_frame(END, b"{}"), PLAIN, id="no outcome"),
        pytest.param(_end(outcome="no_figure"), PLAIN, id="no number of figures"),
        pytest.param(_end(outcome="no_figure", figures_drawn=-1), PLAIN, id="negative number of figures"),
        pytest.param(_end(outcome="program_error", error=["x"]), PLAIN, id="error is no text"),
        pytest.param(_end(outcome="program_error", error=None), PLAIN, id="error is null"),
        pytest.param(_end(outcome="program_error", fault=None), PLAIN, id="fault is null"),
        pytest.param(_end(outcome="program_error", fault={"line": 0}), PLAIN, id="line 0"),
        pytest.param(_end(outcome="program_error", fault={"column": "1"}), PLAIN, id="column is text"),
        pytest.param(_end(outcome="program_error", fault={"type": 1}), PLAIN, id="type is a number"),
        pytest.param(_end(outcome="program_error", fault={"source": 1}), PLAIN, id="source is a number"),
        pytest.param(_end(outcome="program_error", fault={"hint": ["x"]}), PLAIN, id="hint is a list"),
        pytest.param(_end(outcome="program_error", notices={}), PLAIN, id="warnings are no list"),
        pytest.param(_end(outcome="program_error", notices=[["a", "b"]]), PLAIN, id="warning cut"),
        pytest.param(_end(outcome="program_error", notices=[["a", "b", -1]]), PLAIN, id="warning at line -1"),
        pytest.param(
            _end(outcome="program_error", notices=[["a", "b", 1]] * (WARNING_LIMIT + 1)), PLAIN, id="too many warnings"
        ),
        pytest.param(struct.pack(">cI", END, END_LIMIT + 1), PLAIN, id="end too long"),
        pytest.param(_file("a") * 2, COLLECTING, id="a file twice"),
        pytest.param(b"".join(map(_file, map(str, range(FILE_LIMIT + 1)))), COLLECTING, id="too many files"),
        pytest.param(_file(b"\xff"), COLLECTING, id="name is no text"),
        pytest.param(_picture() + _file("a") + _picture(format="svg"), SEVERAL, id="picture after a file"),
        pytest.param(_file("a", bytes(LIMIT)), COLLECTING, id="file too long"),
        *(pytest.param(_end(outcome=o.value), PLAIN, id=f"claims {o}") for o in Outcome if o not in CLAIMABLE),
        *(
            pytest.param(_picture() + _end(outcome=o.value, figures_drawn=1), PLAIN, id=f"claims {o} with a picture")
            for o in Outcome
            if o is not Outcome.OK
        ),
    ],
)
def test_reply_that_breaks_a_rule_is_malformed(stdout: bytes, job: Job) -> None:
    """A reply that breaks a single rule is refused, for each rule."""
    with pytest.raises(MalformedReply):
        ReplyReader(job, LIMIT).feed(stdout)


GOOD_PATHS = ["a", "a b.csv", "日本.png", "a/b/c", "a" * 255, "..a"[2:], "x..", "-rf", "C:"]
BAD_PATHS = [
    "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", ".a", "a/.b", "a\0", "a\nb", "a\\b", "a\x7f", "a\x85",
    "\u202eb", "a\u2028", "\u200fa", "\ufeffa", "\u2066", "a" * 256,
]  # fmt: skip


def test_names_of_files_are_checked() -> None:
    """Plain paths below the folder are accepted; names that lead elsewhere or look like others are refused."""
    for path in GOOD_PATHS:
        assert is_path(path), path
        reply = _read(_file(path) + NONE)
        assert reply is not None
        assert reply.files == (NamedFile(path, b""),)
    for path in BAD_PATHS:
        assert not is_path(path), path
        with pytest.raises(MalformedReply):
            _read(_file(path))


def test_runner_sends_only_names_that_are_taken(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The runner's rule for names is ours, except that it leaves out hidden files beforehand."""
    with runner_modules(tmp_path_factory.mktemp("work")) as module:
        is_sendable = module("collect.work_dir").is_sendable

        @settings(deadline=None, max_examples=300)
        @given(st.text(st.characters(), max_size=12) | st.sampled_from(GOOD_PATHS + BAD_PATHS))
        def agree(path: str) -> None:
            hidden = any(part.startswith(".") for part in path.split("/"))
            assert is_path(path) == (is_sendable(path) and not hidden)

        agree()


def test_runner_keeps_our_limits(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The runner never sends more than the launcher accepts."""
    with runner_modules(tmp_path_factory.mktemp("work")) as module:
        assert module("collect.work_dir").FILE_LIMIT == FILE_LIMIT
        assert module("drawing").FIGURE_LIMIT == replies.FIGURE_LIMIT
        assert module("collect.shown_warnings").LIMIT == WARNING_LIMIT
        assert module("result").END_LIMIT_BYTES <= END_LIMIT
        assert module("drawing").LABEL_LIMIT <= replies.NAME_LIMIT
        assert module("repair.hints").HINT_LIMIT == HINT_LIMIT


def test_longest_texts_fit_and_are_cut() -> None:
    """The longest texts pass, each cut to its bound; of the error the end is kept."""
    text = "\x01" * (64 * 1024)
    reply = _read(_end(outcome="program_error", error=text))
    assert reply is not None
    assert reply.error == "\N{REPLACEMENT CHARACTER}" * (64 * 1024)
    long = "x\n" * 5000
    claim: dict[str, Any] = {
        "fault": {"type": long, "message": long, "line": 1, "column": 1, "source": long, "hint": long},
        "notices": [[long, long, 1]],
    }
    reply = _read(_end(outcome="program_error", **claim))
    assert reply is not None
    assert reply.program_error is not None
    assert len(reply.program_error.type) == 200
    assert "\n" not in reply.program_error.type
    assert len(reply.program_error.message) == 4000
    assert reply.program_error.source is not None
    assert len(reply.program_error.source) == 1000
    assert reply.program_error.hint == "x " * 199 + "x"
    assert len(reply.warnings[0].message) == 1000
    assert len(reply.warnings[0].category) == 200


@BOUNDED
@given(st.lists(st.binary(min_size=1, max_size=30), max_size=20), st.integers(1, 60))
def test_printed_text_is_kept_from_its_beginning(pieces: list[bytes], limit: int) -> None:
    """The first bytes are kept, as many as allowed, with a mark if there were more; any bytes become text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replies, "TEXT_LIMIT", limit)
        reader = ReplyReader(COLLECTING, LIMIT)
        for piece in pieces:
            reader.feed(encode_frame(STDERR, piece))
    whole = b"".join(pieces)
    assert reader.stderr.truncated == (len(whole) > limit)
    if not reader.stderr.truncated:
        assert reader.stderr.text == printed(whole.decode(errors="replace"))
    else:
        assert printed(whole.decode(errors="replace")).startswith(reader.stderr.text)
    assert Text() == reader.stdout


def test_much_printed_text_costs_little_memory() -> None:
    """Megabytes of prints leave the first 64 KiB."""
    reader = ReplyReader(COLLECTING, 10**9)
    for _ in range(100):
        reader.feed(encode_frame(STDOUT, b"x" * 100_000))
    assert reader.stdout == Text("x" * TEXT_LIMIT, truncated=True)


def test_pieces_of_printed_text_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million prints of one byte can't block the event loop."""
    monkeypatch.setattr(replies, "TEXT_FRAME_LIMIT", 10)
    reader = ReplyReader(COLLECTING, LIMIT)
    reader.feed(encode_frame(STDOUT, b"x") * 10)
    with pytest.raises(MalformedReply):
        reader.feed(encode_frame(STDOUT, b"x"))


def test_too_long_is_told_from_malformed() -> None:
    """A picture longer than allowed is reported as too much output, not as malformed."""
    with pytest.raises(OutputExceeded):
        _read(_picture(bytes(LIMIT)))
