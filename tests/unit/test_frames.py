"""The two framings: any split parses alike, caps hold, a cut stream is not a finished one."""

from __future__ import annotations

import itertools
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.jobs import Job, Limits, Outcome, SaveOptions
from gateway.launcher.frames import (
    CLAIMABLE,
    END,
    END_LIMIT,
    JOB,
    PICTURE,
    READY,
    Answer,
    AnswerReader,
    Demultiplexer,
    FrameReader,
    MalformedAnswer,
    Stream,
    encode_frame,
    encode_job,
)
from tests.fakes import block

BOUNDED = settings(deadline=None, max_examples=150)

blocks = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8)
frames = st.lists(st.tuples(st.sampled_from([PICTURE, END, READY]), st.binary(max_size=40)), max_size=8)
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


def _joined(pieces: list[tuple[Stream, bytes]]) -> list[tuple[Stream, bytes]]:
    """Glue neighbours of one stream together: how a payload was cut says nothing."""
    return [
        (stream, b"".join(piece for _, piece in group))
        for stream, group in itertools.groupby((item for item in pieces if item[1]), key=lambda item: item[0])
    ]


@BOUNDED
@given(blocks, cuts)
def test_any_split_demultiplexes_alike(sent: list[tuple[int, bytes]], at: list[int]) -> None:
    """However an attach stream is cut, the same bytes come out of each stream in the same order."""
    demultiplexer = Demultiplexer()
    data = b"".join(block(stream, payload) for stream, payload in sent)
    got = [(stream, bytes(view)) for piece in _split(data, at) for stream, view in demultiplexer.feed(piece)]
    assert _joined([(Stream(stream), payload) for stream, payload in sent]) == _joined(got)
    assert demultiplexer.at_boundary


@BOUNDED
@given(blocks, st.integers(0, 400))
def test_stream_cut_within_a_block_is_not_at_a_boundary(sent: list[tuple[int, bytes]], cut: int) -> None:
    """A stream ends at a boundary exactly when it ends after a whole block."""
    encoded = [block(stream, payload) for stream, payload in sent]
    boundaries = set(itertools.accumulate(map(len, encoded), initial=0))
    data = b"".join(encoded)[:cut]
    demultiplexer = Demultiplexer()
    for _ in demultiplexer.feed(data):
        pass
    assert (len(data) in boundaries) == demultiplexer.at_boundary


@BOUNDED
@given(st.binary(max_size=200), cuts)
def test_demultiplexer_raises_nothing_but_malformed(data: bytes, at: list[int]) -> None:
    """Arbitrary bytes are demultiplexed or refused, and never yield more than came."""
    demultiplexer = Demultiplexer()
    count = 0
    try:
        for piece in _split(data, at):
            count += sum(len(view) for _, view in demultiplexer.feed(piece))
    except MalformedAnswer:
        pass
    assert count <= max(0, len(data) - 8)


@pytest.mark.parametrize("number", [0, 3, 255])
def test_head_that_names_no_output_stream_is_malformed(number: int) -> None:
    """Only stdout and stderr can speak; anything else means that the stream is out of step."""
    with pytest.raises(MalformedAnswer):
        list(Demultiplexer().feed(block(number, b"x")))


@BOUNDED
@given(frames, cuts)
def test_any_split_gives_the_same_frames(sent: list[tuple[bytes, bytes]], at: list[int]) -> None:
    """However stdout is cut, the same frames come out, and nothing is left waiting."""
    reader = FrameReader({PICTURE: 40, END: 40, READY: 40})
    data = b"".join(encode_frame(kind, payload) for kind, payload in sent)
    assert sent == [frame for piece in _split(data, at) for frame in reader.feed(piece)]
    assert reader.is_empty


@BOUNDED
@given(frames, st.integers(0, 400))
def test_stdout_cut_within_a_frame_leaves_a_rest(sent: list[tuple[bytes, bytes]], cut: int) -> None:
    """A reader is empty exactly when what it was fed ends after a whole frame."""
    reader = FrameReader({PICTURE: 40, END: 40, READY: 40})
    encoded = [encode_frame(kind, payload) for kind, payload in sent]
    data = b"".join(encoded)[:cut]
    for _ in reader.feed(data):
        pass
    assert (len(data) in set(itertools.accumulate(map(len, encoded), initial=0))) == reader.is_empty


@BOUNDED
@given(st.integers(0, 100), st.integers(1, 0xFFFF_FFFF - 100))
def test_length_is_judged_before_a_byte_is_kept(limit: int, excess: int) -> None:
    """A frame longer than its kind may be is refused as soon as its length is known."""
    reader = FrameReader({PICTURE: limit})
    head = struct.pack(">cI", PICTURE, limit + excess)
    assert list(reader.feed(head[:4])) == []
    with pytest.raises(MalformedAnswer):
        list(reader.feed(head[4:]))


@BOUNDED
@given(st.integers(0, 100))
def test_frame_of_the_longest_length_passes(limit: int) -> None:
    """The cap itself is allowed."""
    assert [(PICTURE, bytes(limit))] == list(FrameReader({PICTURE: limit}).feed(encode_frame(PICTURE, bytes(limit))))


@BOUNDED
@given(st.binary(max_size=300), st.integers(0, 50), cuts)
def test_reader_keeps_no_more_than_its_caps(data: bytes, limit: int, at: list[int]) -> None:
    """Whatever comes, what waits for its rest is shorter than the longest frame allowed."""
    reader = FrameReader({bytes([kind]): limit for kind in range(256)})
    try:
        for piece in _split(data, at):
            for _, payload in reader.feed(piece):
                assert len(payload) <= limit
            assert len(reader._buffer) < 5 + max(limit, 1)
    except MalformedAnswer:
        pass


@BOUNDED
@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda rest: encode_frame(END, rest)), cuts)
def test_arbitrary_stdout_raises_nothing_but_malformed(data: bytes, at: list[int]) -> None:
    """Whatever a guest writes, the parser answers with MalformedAnswer or goes on waiting."""
    reader = AnswerReader(100)
    try:
        answers = [reader.feed(piece) for piece in _split(data, at)]
    except MalformedAnswer:
        return
    assert not any(answer and answer.outcome is Outcome.OK for answer in answers if answer)


@BOUNDED
@given(json_values | st.fixed_dictionaries({"outcome": json_values}, optional={"error": json_values}))
def test_arbitrary_claim_raises_nothing_but_malformed(claim: object) -> None:
    """Whatever JSON an END frame carries, an answer claims only what a runner may claim."""
    try:
        answer = AnswerReader(100).feed(encode_frame(END, json.dumps(claim).encode()))
    except MalformedAnswer:
        return
    assert answer is not None
    assert answer.outcome in CLAIMABLE - {Outcome.OK}
    assert isinstance(answer.error, str)


@BOUNDED
@given(st.binary(max_size=50), st.integers(0, 200), cuts)
def test_no_answer_without_its_end(picture: bytes, cut: int, at: list[int]) -> None:
    """Every strict beginning of an answer is no answer; the whole of it is one."""
    whole = encode_frame(PICTURE, picture) + _end(outcome="ok", error="")
    for length, expected in ((min(cut, len(whole) - 1), None), (len(whole), Answer(Outcome.OK, picture, ""))):
        reader = AnswerReader(50)
        answers = [reader.feed(piece) for piece in _split(whole[:length], at)]
        assert expected == next((answer for answer in answers if answer is not None), None)


def test_what_follows_the_end_frame_is_ignored() -> None:
    """The END frame decides, whatever is written behind it."""
    data = _end(outcome="no_figure", error="none") + b"\xffgarbage"
    assert Answer(Outcome.NO_FIGURE, None, "none") == AnswerReader(10).feed(data)


@pytest.mark.parametrize(
    "stdout",
    [
        pytest.param(_end(outcome="ok"), id="ok without a picture"),
        pytest.param(encode_frame(PICTURE, b"x") + _end(outcome="no_figure"), id="picture without ok"),
        pytest.param(encode_frame(PICTURE, b"x") * 2, id="two pictures"),
        pytest.param(encode_frame(PICTURE, b"x" * 11), id="picture too long"),
        pytest.param(encode_frame(JOB, b"{}"), id="a job"),
        pytest.param(encode_frame(READY), id="ready again"),
        pytest.param(b"hello, world", id="a print"),
        pytest.param(encode_frame(END, b"["), id="broken JSON"),
        pytest.param(encode_frame(END, b"[" * 100_000), id="deep JSON"),
        pytest.param(encode_frame(END, b"9" * 5000), id="huge integer"),
        pytest.param(encode_frame(END, b"\xff\xfe\xff"), id="no text"),
        pytest.param(encode_frame(END, b"{}"), id="no outcome"),
        pytest.param(_end(outcome="no_figure", error=["x"]), id="error is no text"),
        pytest.param(_end(outcome="no_figure", error=None), id="error is null"),
        pytest.param(struct.pack(">cI", END, END_LIMIT + 1), id="end too long"),
        *(pytest.param(_end(outcome=o.value), id=f"claims {o}") for o in Outcome if o not in CLAIMABLE),
        *(
            pytest.param(encode_frame(PICTURE, b"x") + _end(outcome=o.value), id=f"claims {o} with a picture")
            for o in Outcome
            if o is not Outcome.OK
        ),
    ],
)
def test_answer_that_breaks_a_rule_is_malformed(stdout: bytes) -> None:
    """Each rule of an answer is broken alone, and refused."""
    with pytest.raises(MalformedAnswer):
        AnswerReader(10).feed(stdout)


def test_longest_error_text_fits_its_frame() -> None:
    """An error text of the longest length fits an END frame even when each character needs six bytes."""
    text = "\x01" * (64 * 1024)
    assert Answer(Outcome.PROGRAM_ERROR, None, text) == AnswerReader(1).feed(_end(outcome="program_error", error=text))


@BOUNDED
@given(st.text(max_size=50), st.none() | st.floats(1, 1000), st.sampled_from([None, "tight"]))
def test_job_frame_carries_the_job(code: str, dpi: float | None, bbox_inches: str | None) -> None:
    """A job arrives in its frame as it was, whatever its text, and in ASCII."""
    ((kind, payload),) = FrameReader({JOB: 10_000}).feed(
        encode_job(Job(code, SaveOptions(dpi=dpi, bbox_inches=bbox_inches)), Limits(wall_limit_s=7))
    )
    assert kind == JOB
    assert payload.isascii()
    assert {"code": code, "dpi": dpi, "bbox_inches": bbox_inches, "wall_limit_s": 7} == json.loads(payload)
