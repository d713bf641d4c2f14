"""Whatever a guest writes in place of a reply, reading it costs time in proportion to its length, and little of it."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.runner.frames import (
    END,
    FILE,
    FRAME_HEAD,
    PICTURE,
    STDERR,
    STDOUT,
    Demultiplexer,
    MalformedReply,
    Stream,
    encode_frame,
    with_head,
)
from gateway.launcher.runner.reply import END_LIMIT, ReplyReader
from gateway.model.jobs import Format, Job, KiB, MiB, SaveOptions
from tests.fakes import block
from tests.support.cost import again_and_again, costs_no_more, cpu_s, numbered, shown

if TYPE_CHECKING:
    from tests.support.cost import Shape

#: Length of the longest stream that is tried, and what each MiB may take on the event loop.
LONGEST = 4 * MiB
S_PER_MIB = 0.2

#: The same where the engine cuts it into blocks of a byte, of which the loop reads 64 KiB at once.
BLOCKS_S_PER_MIB = 0.6

#: Bytes that asyncio reads from a socket at once; and what a guest that writes byte by byte makes of them.
PIECE_BYTES = 256 * KiB
SMALL_PIECE_BYTES = 16

OUTPUT_LIMIT = 256 * MiB
JOB = Job("x", SaveOptions(formats=(Format.PNG, Format.SVG), all_figures=True), collect=True)

_ENOUGH = json.dumps({"figure": 1, "label": "a", "format": "png", "pixels_sha256": None}).encode()


def picture(head: bytes) -> bytes:
    """Return the frame of a picture with that head."""
    return encode_frame(PICTURE, with_head(head, b""))


def blocks(size: int) -> Shape:
    """Return what makes the engine's blocks of so many bytes each, all within one long frame."""

    def make(length: int) -> bytes:
        count = length // (size + 8)
        return block(1, FRAME_HEAD.pack(FILE, OUTPUT_LIMIT)) + block(1, bytes(size)) * count

    return make


#: What comes on stdout.
STDOUT_SHAPES: dict[str, Shape] = {
    "a picture": again_and_again(FRAME_HEAD.pack(PICTURE, OUTPUT_LIMIT), b"a"),
    "empty pictures": again_and_again(b"", encode_frame(PICTURE)),
    "pictures of empty heads": again_and_again(b"", picture(b"")),
    "pictures": again_and_again(b"", picture(_ENOUGH)),
    "pictures of long labels": again_and_again(b"", picture(_ENOUGH[:-1] + b', "a": "' + b"\\u0000" * 250 + b'"}')),
    "pictures of deep heads": again_and_again(b"", picture(b"[" * 1700)),
    "pictures of large numbers": again_and_again(b"", picture(b"9" * 1700)),
    "files": numbered(b"", encode_frame(FILE, with_head(b"%08d", b""))),
    "files of no name": again_and_again(b"", encode_frame(FILE, with_head(b"", b""))),
    "files of long names": again_and_again(b"", encode_frame(FILE, with_head(b"a/" * 30_000, b""))),
    "files of names that aren't text": again_and_again(b"", encode_frame(FILE, with_head(b"\xff" * 60_000, b""))),
    "letters that are printed one by one": again_and_again(b"", encode_frame(STDOUT, b"a")),
    "letters that are printed in turn": again_and_again(b"", encode_frame(STDOUT, b"a") + encode_frame(STDERR, b"a")),
    "lines that are printed": again_and_again(b"", encode_frame(STDOUT, b"a" * 79 + b"\n")),
    "one long print": again_and_again(FRAME_HEAD.pack(STDOUT, OUTPUT_LIMIT), b"\xff"),
    "prints of nothing": again_and_again(b"", encode_frame(STDOUT)),
    "ends": again_and_again(b"", encode_frame(END, b"{}")),
    "frames of no kind": again_and_again(b"", b"x"),
    "zeros": again_and_again(b"", b"\0"),
    "a frame that is too long": again_and_again(FRAME_HEAD.pack(FILE, OUTPUT_LIMIT + 1), b"a"),
    "much behind the end": again_and_again(encode_frame(END, b'{"outcome": "no_figure", "figures_drawn": 0}'), b"a"),
}

#: What comes from the engine.
STREAM_SHAPES: dict[str, Shape] = {
    "empty blocks": again_and_again(b"", block(1, b"")),
    "blocks of one byte": blocks(1),
    "blocks of eight bytes": blocks(8),
    "blocks of a page": blocks(4 * KiB),
    "noise": again_and_again(b"", block(2, b"a" * 1000)),
    "noise byte by byte": again_and_again(b"", block(2, b"a")),
    "noise and more in turn": again_and_again(
        block(1, FRAME_HEAD.pack(FILE, OUTPUT_LIMIT)), block(2, b"a") + block(1, b"a")
    ),
    "blocks of no stream": again_and_again(b"", block(3, b"")),
}

#: The end of a reply.
END_SHAPES: dict[str, Shape] = {
    "letters": again_and_again(b'{"error": "', b"a", b'"}'),
    "escaped letters": again_and_again(b'{"error": "', b"\\u0041", b'"}'),
    "characters that can't be printed": again_and_again(b'{"error": "', b"\\u0000", b'"}'),
    "halves of surrogates": again_and_again(b'{"error": "', b"\\ud83d", b'"}'),
    "a string that never ends": again_and_again(b'{"error": "', b"\\"),
    "empty lists": again_and_again(b'{"error": [', b"[],", b"0]}"),
    "lists within lists": again_and_again(b"", b"["),
    "lists of lists": again_and_again(b'{"error": [', b"[[[[[[]]]]]],", b"0]}"),
    "empty objects": again_and_again(b'{"error": [', b"{},", b"0]}"),
    "objects within objects": again_and_again(b"", b'{"":'),
    "members": numbered(b"{", b'"a%d":0,', b'"":0}'),
    "members of one name": again_and_again(b"{", b'"error":"",', b'"":0}'),
    "digits": again_and_again(b'{"figures_drawn": ', b"9", b"}"),
    "numbers": again_and_again(b'{"notices": [', b"1,", b"1]}"),
    "numbers of many digits": again_and_again(b'{"notices": [', b"9" * 4300 + b",", b"1]}"),
    "floats": again_and_again(b'{"notices": [', b"0.1,", b"1]}"),
    "floats near the smallest": again_and_again(b'{"notices": [', b"2.2250738585072011e-308,", b"1]}"),
    "what is no number": again_and_again(b'{"notices": [', b"NaN,", b"1]}"),
    "warnings": again_and_again(b'{"notices": [', b'["a","a",1],', b'["a","a",1]]}'),
    "spaces": again_and_again(b"", b" ", b"{}"),
    "broken UTF-8": again_and_again(b'{"error": "', b"a", b'\xff"}'),
    "UTF-16": lambda n: ('{"error": "' + "a" * (n // 2) + '"}').encode("utf-16"),
}

SHOWN = ("letters that are printed one by one", "blocks of one byte", "lists of lists", "members")


def read_s(stream: bytes, piece_bytes: int = PIECE_BYTES) -> float:
    """Return the processor seconds of reading what the engine sends, which comes in pieces."""

    def read() -> None:
        demultiplexer, reader = Demultiplexer(), ReplyReader(JOB, OUTPUT_LIMIT)
        with contextlib.suppress(MalformedReply):
            for start in range(0, len(stream), piece_bytes):
                for found, piece in demultiplexer.feed(stream[start : start + piece_bytes]):
                    if found is Stream.STDOUT and reader.feed(piece) is not None:
                        return

    return cpu_s(read)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(STDOUT_SHAPES, SHOWN))
def test_stdout_costs_in_proportion(shape: str) -> None:
    """What a guest writes costs at most 2.5 times as much when it doubles, and no more than its bound."""
    costs_no_more(lambda size: read_s(block(1, STDOUT_SHAPES[shape](size))), LONGEST, S_PER_MIB)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(STREAM_SHAPES, SHOWN))
def test_blocks_cost_in_proportion(shape: str) -> None:
    """So does what the engine makes of it, however small its blocks are."""
    costs_no_more(lambda size: read_s(STREAM_SHAPES[shape](size)), LONGEST, BLOCKS_S_PER_MIB)


@pytest.mark.no_cover
@pytest.mark.variant
@pytest.mark.parametrize("shape", [*STDOUT_SHAPES, *STREAM_SHAPES])
def test_small_pieces_cost_in_proportion(shape: str) -> None:
    """So does each in small pieces."""
    make = STREAM_SHAPES.get(shape) or (lambda size: block(1, STDOUT_SHAPES[shape](size)))
    costs_no_more(lambda size: read_s(make(size), SMALL_PIECE_BYTES), LONGEST // 8, 1.0, doublings=3)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(END_SHAPES, SHOWN))
def test_ends_cost_in_proportion(shape: str) -> None:
    """So does the document at the end of a reply."""
    make = END_SHAPES[shape]
    longest = END_LIMIT - 100  # what they have around their pieces
    costs_no_more(lambda size: read_s(block(1, encode_frame(END, make(size)))), longest, S_PER_MIB)
