"""The two framings: any split parses the same, caps hold, a cut stream is not a finished one."""

from __future__ import annotations

import itertools
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.launcher.runner.frames import (
    END,
    FILE,
    JOB,
    PICTURE,
    READY,
    Demultiplexer,
    FrameReader,
    MalformedReply,
    Stream,
    encode_frame,
    encode_job,
    split_head,
    with_head,
)
from gateway.model.jobs import Describe, Format, Job, Limits, NamedFile, SaveOptions
from tests.fakes import block

BOUNDED = settings(deadline=None, max_examples=150)

blocks = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8)
frames = st.lists(st.tuples(st.sampled_from([PICTURE, END, READY]), st.binary(max_size=40)), max_size=8)
cuts = st.lists(st.integers(0, 400), max_size=12)


def _split(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in at), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


def _bytes_of(stream: Stream, pieces: list[tuple[int, bytes]]) -> bytes:
    return b"".join(piece for number, piece in pieces if number == stream)


@BOUNDED
@given(blocks, cuts)
def test_any_split_demultiplexes_alike(sent: list[tuple[int, bytes]], at: list[int]) -> None:
    """However an attach stream is split, the same bytes come out of each stream in the same order."""
    demultiplexer = Demultiplexer()
    data = b"".join(block(stream, payload) for stream, payload in sent)
    got = [found for piece in _split(data, at) for found in demultiplexer.feed(piece)]
    for stream in (Stream.STDOUT, Stream.STDERR):
        assert _bytes_of(stream, got) == _bytes_of(stream, sent)


@BOUNDED
@given(st.binary(max_size=200), cuts)
def test_demultiplexer_raises_nothing_but_malformed(data: bytes, at: list[int]) -> None:
    """Arbitrary bytes are demultiplexed or refused, and never yield more than came."""
    demultiplexer = Demultiplexer()
    count = 0
    try:
        for piece in _split(data, at):
            count += sum(len(view) for _, view in demultiplexer.feed(piece))
    except MalformedReply:
        pass
    assert count <= max(0, len(data) - 8)


@pytest.mark.parametrize("number", [0, 3, 255])
def test_head_that_names_no_output_stream_is_malformed(number: int) -> None:
    """Only stdout and stderr are valid; anything else means that the stream is out of step."""
    with pytest.raises(MalformedReply):
        list(Demultiplexer().feed(block(number, b"x")))


@BOUNDED
@given(frames, cuts)
def test_any_split_gives_the_same_frames(sent: list[tuple[bytes, bytes]], at: list[int]) -> None:
    """However stdout is split, the same frames come out, and nothing is left over."""
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
    with pytest.raises(MalformedReply):
        list(reader.feed(head[4:]))


@BOUNDED
@given(st.integers(0, 100))
def test_frame_of_the_longest_length_passes(limit: int) -> None:
    """The cap itself is allowed."""
    assert [(PICTURE, bytes(limit))] == list(FrameReader({PICTURE: limit}).feed(encode_frame(PICTURE, bytes(limit))))


@BOUNDED
@given(st.binary(max_size=300), st.integers(0, 50), cuts)
def test_reader_keeps_no_more_than_its_caps(data: bytes, limit: int, at: list[int]) -> None:
    """Whatever comes, an incomplete frame takes less than the longest frame allowed."""
    reader = FrameReader({bytes([kind]): limit for kind in range(256)})
    try:
        for piece in _split(data, at):
            for _, payload in reader.feed(piece):
                assert len(payload) <= limit
            assert len(reader._buffer) < 5 + max(limit, 1)
    except MalformedReply:
        pass


@BOUNDED
@given(st.binary(max_size=50), st.binary(max_size=50), st.integers(0, 200))
def test_heads_come_apart_as_they_were_put_together(head: bytes, data: bytes, cut: int) -> None:
    """A payload is separated into its head and its data; one that is cut within its head is refused."""
    whole = with_head(head, data)
    assert (head, data) == split_head(whole)
    if cut < 2 + len(head):
        with pytest.raises(MalformedReply):
            split_head(whole[:cut])


@BOUNDED
@given(
    st.text(max_size=50),
    st.none() | st.floats(1, 1000),
    st.sampled_from([None, "tight"]),
    st.lists(st.tuples(st.text(min_size=1, max_size=20), st.binary(max_size=50)), max_size=3),
)
def test_job_frames_carry_the_job(
    code: str, dpi: float | None, bbox_inches: str | None, files: list[tuple[str, bytes]]
) -> None:
    """A job arrives unchanged, whatever its text: its files first, one by one, then all else in ASCII."""
    job = Job(
        code,
        SaveOptions(
            formats=(Format.SVG, Format.PNG),
            all_figures=True,
            dpi=dpi,
            width_in=3,
            bbox_inches=bbox_inches,
            style=("ggplot",),
            rc={"lines.linewidth": 2, "axes.grid": True, "figure.figsize": (1, 2)},
            describe=Describe.FULL,
        ),
        files=tuple(NamedFile(name, data) for name, data in files),
        seed=7,
        collect=True,
    )
    data = encode_job(job, Limits(wall_limit_s=7, memory_limit_bytes=88, output_limit_bytes=99))
    *arrived, (kind, payload) = FrameReader({FILE: 10_000, JOB: 10_000}).feed(data)
    assert [(FILE, (name.encode(), data)) for name, data in files] == [
        (kind, split_head(payload)) for kind, payload in arrived
    ]
    assert kind == JOB
    assert payload.isascii()
    assert json.loads(payload) == {
        "code": code,
        "options": {
            "formats": ["svg", "png"],
            "all_figures": True,
            "dpi": dpi,
            "width_in": 3,
            "height_in": None,
            "bbox_inches": bbox_inches,
            "transparent": False,
            "style": ["ggplot"],
            "rc": {"lines.linewidth": 2, "axes.grid": True, "figure.figsize": [1, 2]},
            "describe": "full",
            "embed_alt_text": False,
        },
        "seed": 7,
        "collect": True,
        "limits": {"memory_limit_bytes": 88, "output_limit_bytes": 99, "pixel_limit": Limits().pixel_limit},
    }
