"""Replies that a guest forged, read and judged as if a container had written them.

Each case is what a hostile program writes to the descriptor of its runner. It goes through a real conversation, the
reader of replies and the checks of pictures; all that is missing is the container. A few such programs run for real,
as `forged_*` and `collected_forged_*` in `tests/exploits/attacks/`, and prove that this is the way a reply takes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import socket
import struct
import zipfile
import zlib
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from gateway.launcher.checking import TASK as CHECK
from gateway.launcher.container import Container
from gateway.launcher.executor import PoolExecutor
from gateway.launcher.runner.conversation import open_conversation
from gateway.launcher.runner.frames import END, FILE, JOB, PICTURE, READY, STDOUT, encode_frame, with_head
from gateway.model.jobs import Format, Job, Limits, MiB, SaveOptions
from gateway.model.results import ERROR_TEXT_LIMIT, Outcome, Result, Stages, printed
from gateway.v1.response.content_types import content_type_of
from gateway.worker.worker_pool import WorkerPool
from tests.fakes import PNG, FakeEngine, FakePool, block, no_usage
from tests.support.saved_figures import saved

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(output_limit_bytes=2 * MiB, pixel_limit=4_000_000)
PLAIN, COLLECTING = Job("code"), Job("code", collect=True)

#: Words that the forgers below put where they hope to see them again.
WORDS_OF_GUESTS = ("script", "plt.plot", "not our fault", "attacker.example", "app.alert")

#: Types by which a browser would run a file.
RUNNABLE = ("html", "script", "wasm")

DRAWN = saved("png")


def end(document: bytes = b'{"outcome":"ok"}', **claim: object) -> bytes:
    """Return the frame that ends a reply, with a document as it is or with what it claims."""
    return encode_frame(END, json.dumps(claim, ensure_ascii=False).encode() if claim else document)


def picture(data: bytes = PNG, **head: object) -> bytes:
    """Return the frame of a picture."""
    return encode_frame(
        PICTURE, with_head(json.dumps({"figure": 1, "label": "", "format": "png", **head}).encode(), data)
    )


def file(name: bytes, data: bytes = b"x") -> bytes:
    """Return the frame of a file."""
    return encode_frame(FILE, with_head(name, data))


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """Return a chunk of a PNG, with the right checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def made_png(width: int, height: int, data: bytes) -> bytes:
    """Return a PNG made by hand, of 8-bit greys."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND")


def drawn_with(*chunks: bytes) -> bytes:
    """Return a picture of Matplotlib's with more chunks before its data."""
    place = DRAWN.index(b"IDAT") - 4
    return DRAWN[:place] + b"".join(chunks) + DRAWN[place:]


def damaged() -> bytes:
    """Return a picture with one bit changed."""
    data = bytearray(DRAWN)
    data[100] ^= 1
    return bytes(data)


def archive() -> bytes:
    """Return a ZIP archive with a page in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as written:
        written.writestr("index.html", b"<script>alert(1)</script>" * 1000)
    return packed.getvalue()


def megabytes_of_nothing() -> bytes:
    """Return 64 MiB of zeros, compressed."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(MiB)) for _ in range(64)) + packer.flush()


def in_pieces(stdout: bytes) -> bytes:
    """Return what the engine passes on when each byte is written by itself, with a false end on stderr in between."""
    return b"".join(block(1, bytes([byte])) + block(2, b"E\0\0\0\0") for byte in stdout)


class Forged(NamedTuple):
    """What is written to stdout, words that the client gets, and the outcome."""

    stdout: bytes
    told: str = ""
    outcome: Outcome = Outcome.INVALID_OUTPUT


LONG = "\x1b[2J\r\n\0<b>" * 5000
PAGE = b"<html><script>alert(1)</script></html>"
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
PAGES = (b"page.html", b"page.svg", b"code.js", b"page.xhtml", b"page.json", b"page.csv", b"page.htm")
GATEWAYS_JOB = b'{"code":"plt.plot([1])","dpi":null,"bbox_inches":null,"wall_limit_s":9e9}'
STEERING = {
    "type": "\x1b[2J",
    "message": "x" * 100_000,
    "line": -1,
    "column": 1.5,
    "source": "y" * 100_000,
    "hint": "\r\nX: y",
}
LENGTHY = {"type": LONG, "message": LONG, "line": 1, "column": 1, "source": LONG, "hint": LONG}
WARNINGS = [["UserWarning", "x" * 100, 1]] * 1000 + [[None, {}, "line"]]
SECOND_FRAME = (
    chunk(b"acTL", struct.pack(">II", 2, 0)),
    chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0)),
)
PACKED_TEXT = (
    chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(16 * MiB))),
    chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"x" * 1000)),
)

#: Replies to a job that only wants its picture.
FORGED = {
    "success without a picture": Forged(end()),
    "two pictures, the second not checked": Forged(picture(DRAWN) + picture(PAGE) + end()),
    "a picture of four gigabytes": Forged(b"P\xff\xff\xff\xff", outcome=Outcome.OUTPUT_LIMIT),
    "a page instead of a picture": Forged(picture(b"<html><script>fetch('/')</script></html>") + end(), "start"),
    "a wrong checksum": Forged(picture(damaged()) + end(), "checksum"),
    "a hundred thousand empty chunks": Forged(picture(drawn_with(chunk(b"IDAT") * 100_000)) + end(), "chunks"),
    "a second frame of animation": Forged(picture(drawn_with(*SECOND_FRAME)) + end(), "chunk"),
    "packed text and a profile": Forged(picture(drawn_with(*PACKED_TEXT)) + end(), "chunk"),
    "an archive in the picture": Forged(
        picture(drawn_with(chunk(b"tEXt", b"Comment\0" + archive()))) + end(), "metadata"
    ),
    "gigabytes of pixels": Forged(picture(made_png(65535, 65535, zlib.compress(bytes(MiB)))) + end(), "pixels"),
    "more data than pixels": Forged(picture(made_png(1, 1, megabytes_of_nothing())) + end(), outcome=Outcome.OK),
    "another outcome": Forged(end(b'{"outcome":"time_limit","error":"not our fault"}')),
    "JSON without a bottom": Forged(end(b'{"outcome":"ok","error":' + b"[" * 300_000)),
    "bytes that are not text": Forged(end(b'{"outcome":"program_error","error":"\xff\xfe\xc0\x80\xed\xa0\x80"}')),
    "numbers too long to read": Forged(
        end(b'{"outcome":"program_error","error":"x","a":' + b"9" * 300_000 + b',"b":NaN,"c":-Infinity,"d":1e999999}')
    ),
    "other types than agreed": Forged(end(b'{"outcome":{"$gt":""},"error":["x"],"outcome":["program_error"]}')),
    "frames of the gateway's own": Forged(encode_frame(JOB, GATEWAYS_JOB) + b"\0\0\0\0\0" + b"\xff\0\0\0\0"),
    "ready again": Forged(encode_frame(READY) * 10),
}

#: Replies to a job that wants everything back.
FORGED_AND_COLLECTED = {
    "a file at the root": Forged(picture() + file(b"/root/.ssh/authorized_keys") + end()),
    "a picture behind the files": Forged(picture() + file(b"file.txt") + picture() + end()),
    "two files of one name": Forged(picture() + file(b"file.txt", b"right") + file(b"file.txt", b"wrong") + end()),
    "a number beyond all numbers": Forged(
        picture(figure=2**70, label="\x1b[2J\r\nX: y", content_type="text/html") + end()
    ),
    "a thousand warnings": Forged(picture() + end(outcome="ok", notices=WARNINGS)),
    "an error at a line below zero": Forged(end(outcome="program_error", error="x", fault=STEERING)),
    "prints in a million pieces": Forged(encode_frame(STDOUT, b"x") * 200_000),
    "texts of any length": Forged(
        end(outcome="program_error", error=LONG, fault=LENGTHY, notices=[[LONG[:1000], LONG[:1000], 1]] * 20),
        outcome=Outcome.PROGRAM_ERROR,
    ),
    "pages among the files": Forged(
        picture() + b"".join(file(name, PAGE) for name in PAGES) + file(b"real.svg", SVG) + end(), outcome=Outcome.OK
    ),
}

SVG_HEAD = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="1pt" height="1pt" viewBox="0 0 1 1"'
RUNNING_SVG = (
    SVG_HEAD + b' onload="alert(1)"><script>alert(2)</script><a href="javascript:alert(3)"><path d="M 0 0"/></a></svg>'
)
DOUBLING_SVG = (
    SVG_HEAD.replace(
        b"?><",
        b'?><!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY file SYSTEM "file:///etc/passwd">]><',
    )
    + b"><text>&c;&file;</text></svg>"
)
CALLING_SVG = (
    SVG_HEAD
    + b' xmlns:xlink="http://www.w3.org/1999/xlink"><style>@import url(https://attacker.example/a.css);</style>'
    b'<image xlink:href="https://attacker.example/a.png"/><foreignObject><iframe src="https://attacker.example"/>'
    b"</foreignObject></svg>"
)


def running_pdf() -> bytes:
    """Return a PDF that opens with a script."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] >>",
    )
    written, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(written)
    return written + b"xref\n0 4\n0000000000 65535 f \n" + rows + trailer


def jpeg_with_a_page() -> bytes:
    """Return a JPEG with a comment of markup, and the beginning of an archive behind its end."""
    comment, drawn = b"<script>alert(1)</script>", saved("jpeg")
    return drawn[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + drawn[2:] + b"PK\x03\x04"


def webp_of_two_sizes() -> bytes:
    """Return a WebP whose outer size is small, and whose inner one is the largest there is."""
    inner = b"\x2f" + struct.pack("<I", 16383 | 16383 << 14) + bytes(64)
    outer = struct.pack("<I", 10) + bytes(10)
    chunks = b"WEBPVP8X" + outer + b"VP8L" + struct.pack("<I", len(inner)) + inner + b"\0"
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def gif_of_frames(width: int, height: int, count: int) -> bytes:
    """Return a GIF of many frames, each of one pixel."""
    frame = b"\x21\xf9\x04\x04\0\0\0\0," + struct.pack("<HHHHB", 0, 0, 1, 1, 0x80) + bytes(6) + b"\x02\x01\x2c\0"
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3) + frame * count + b";"


def webp_beside_its_canvas() -> bytes:
    """Return an animated WebP with a small canvas, and the largest frame that there is."""
    frame = bytes(6) + b"\xff\x3f\0" * 2 + bytes(3) + b"\2VP8L" + struct.pack("<IBI", 10, 0x2F, 0xFFF_FFFF) + bytes(5)
    chunks = ((b"VP8X", b"\2" + bytes(9)), (b"ANIM", bytes(6)), (b"ANMF", frame))
    content = b"WEBP" + b"".join(kind + struct.pack("<I", len(body)) + body for kind, body in chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


#: Pictures of other formats.
FORGED_PICTURES = {
    "an SVG that runs": (Format.SVG, RUNNING_SVG),
    "an SVG that doubles": (Format.SVG, DOUBLING_SVG),
    "an SVG that calls home": (Format.SVG, CALLING_SVG),
    "a PDF that runs": (Format.PDF, running_pdf()),
    "a JPEG with a page behind it": (Format.JPEG, jpeg_with_a_page()),
    "a WebP of two sizes": (Format.WEBP, webp_of_two_sizes()),
    "a GIF of fifty thousand frames": (Format.GIF, gif_of_frames(1, 1, 50_000)),
    "a GIF of gigabytes of pixels": (Format.GIF, gif_of_frames(65535, 65535, 1)),
    "a GIF of gigabytes in all": (Format.GIF, gif_of_frames(2000, 2000, 900)),
    "a GIF with a page behind it": (Format.GIF, gif_of_frames(1, 1, 1) + PAGE),
    "a still picture as an animation": (Format.APNG, saved("png")),
    "a still WebP as an animation": (Format.AWEBP, saved("webp")),
    "a GIF as an APNG": (Format.APNG, saved("gif")),
    "an animated WebP that leaves its canvas": (Format.AWEBP, webp_beside_its_canvas()),
}


async def render(stream: bytes, job: Job, *, ends: bool = False) -> Result:
    """Run a job whose container writes some bytes, and then ends or stays silent."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with closing(theirs):
        conversation = await open_conversation(ours)
        checks = WorkerPool({CHECK: LIMITS.output_limit_bytes})
        try:
            await loop.sock_sendall(theirs, block(1, encode_frame(READY)))
            await conversation.wait_ready()
            pool = FakePool(Container("id", "name", conversation, was_idle=True))
            executor = PoolExecutor(pool, FakeEngine(), LIMITS, no_usage, checks)  # type: ignore[arg-type]
            running = asyncio.create_task(executor.run(job, Stages()))
            await loop.sock_recv(theirs, 1 << 16)  # the job
            writing = asyncio.create_task(loop.sock_sendall(theirs, stream))
            if ends:
                await writing
                theirs.shutdown(socket.SHUT_RDWR)
            result = await running
            writing.cancel()  # once the reply is judged, the rest is not read
            await asyncio.wait([writing])
            return result
        finally:
            conversation.close()
            await checks.aclose()


def texts_in(value: Any) -> Iterator[str]:
    """Yield all texts of a result."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts_in(part)


@pytest.mark.parametrize(
    ("forged", "job"),
    [
        *(pytest.param(forged, PLAIN, id=name) for name, forged in FORGED.items()),
        *(pytest.param(forged, COLLECTING, id=name) for name, forged in FORGED_AND_COLLECTED.items()),
    ],
)
async def test_forged_reply(forged: Forged, job: Job) -> None:
    """A forged reply has its outcome, in our words; what comes through is bounded, printable and inert."""
    result = await render(block(1, forged.stdout), job)
    assert result.outcome is forged.outcome
    assert forged.told in result.error
    if result.outcome is Outcome.INVALID_OUTPUT:
        assert (result.figures, result.files) == ((), ())
        assert not any(word in result.error for word in WORDS_OF_GUESTS)
    for text in texts_in(dataclasses.asdict(result)):
        assert len(text) <= ERROR_TEXT_LIMIT
        assert text == printed(text)
    for brought in result.files:
        assert not any(word in content_type_of(brought.name, brought.data) for word in RUNNABLE)


@pytest.mark.parametrize("forged", FORGED_PICTURES.values(), ids=FORGED_PICTURES)
async def test_forged_picture(forged: tuple[Format, bytes]) -> None:
    """A picture of any format that does more than draw is not served."""
    wanted, data = forged
    job = Job("code", SaveOptions(formats=(wanted,)), collect=True)
    result = await render(block(1, picture(data, format=wanted.value) + end()), job)
    assert (result.outcome, result.figures) == (Outcome.INVALID_OUTPUT, ())
    assert not any(word in result.error for word in WORDS_OF_GUESTS)


async def test_reply_in_pieces_is_read_as_in_one() -> None:
    """However a reply is split, and whatever is written to stderr in between, it is the same reply."""
    stdout = end(b'{"outcome":"program_error","error":"in thirty pieces"}')
    result = await render(in_pieces(stdout), PLAIN)
    assert (result.outcome, result.error) == (Outcome.PROGRAM_ERROR, "in thirty pieces")


async def test_picture_that_stops_is_not_a_short_picture() -> None:
    """What was announced and did not come is a failure, explained by how the container ended."""
    stdout = struct.pack(">cI", PICTURE, 1000) + b"\x89PNG\r\n\x1a\n"
    result = await render(block(1, stdout), PLAIN, ends=True)
    assert (result.outcome, result.figures) == (Outcome.INVALID_OUTPUT, ())
    assert "status 0" in result.error
