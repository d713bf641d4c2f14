"""The judge of responses to attacks finds what it is there to find."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import zlib
from dataclasses import replace

import pytest
from PIL import Image

from gateway.model.results import Outcome
from tests.exploits.attack import Attack, Copies, Kernel
from tests.exploits.judge import Facts, flaws, flaws_of_next, is_harmless
from tests.support.live import Response

HEADERS = {"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "X-Request-ID": "1f"}
FACTS = Facts({"the key": "open-sesame"}, frozenset(HEADERS), pixel_limit=100, output_limit_bytes=1000, wall_limit_s=3)


def attack(outcome: Outcome, on_gvisor: Outcome | None = None, asks: dict[str, object] | None = None) -> Attack:
    """Return an attack with a right outcome; problems must contain `not permitted`, and nothing the word `root`."""
    outcomes = {Kernel.RUNC: frozenset({outcome}), Kernel.GVISOR: frozenset({on_gvisor or outcome})}
    contains = ("not permitted",) if outcome is Outcome.PROGRAM_ERROR else ()
    return Attack(
        *("network_x", "A title.", "to do harm.", "nothing.", outcomes, contains, ("root",), asks, None),
        *(Copies.ONE, False, "the code"),
    )


REFUSED, SERVED = attack(Outcome.PROGRAM_ERROR), attack(Outcome.OK)
COLLECTING = attack(Outcome.OK, asks={})


def png(width: int = 4) -> bytes:
    """Return a picture."""
    file = io.BytesIO()
    Image.new("L", (width, 4)).save(file, "PNG")
    return file.getvalue()


def undecodable() -> bytes:
    """Return a picture whose chunks are right and whose data is not image data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"nothing") + chunk(b"IEND", b"")


def picture(data: bytes | None = None, **headers: str) -> Response:
    """Return the response with a picture, right except for what is given; `_` in a header's name is a hyphen."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(200, {**HEADERS, **changed}, png() if data is None else data)


def problem(error: str, outcome: str = "program_error", status: int = 500, **members: object) -> Response:
    """Return the response with a problem document, right except for what is given."""
    document = {"status": status, "request_id": "1f", "error": error, "outcome": outcome, **members}
    headers = {**HEADERS, "Content-Type": "application/problem+json"}
    return Response(status, headers, json.dumps(document).encode(), document)


def file(name: str = "a/b.txt", data: bytes = b"x", **members: object) -> dict[str, object]:
    """Return a file of a document, right except for what is given."""
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "content_type": "text/plain"}
    return {"name": name, "data": base64.b64encode(data).decode(), **facts, **members}


def document(content_type: str = "application/json", **members: object) -> Response:
    """Return a response of `/v1/render`, right except for what is given."""
    drawn = {**file(data=png(), content_type="image/png"), "format": "png"}
    whole = {
        "figures": [{"number": 1, "label": "", "pictures": [drawn]}],
        "files": [],
        "stdout": {"text": "printed\n", "truncated": False},
        **members,
    }
    return Response(200, {**HEADERS, "Content-Type": content_type}, json.dumps(whole).encode(), whole)


@pytest.mark.parametrize(
    ("of", "response"),
    [
        (SERVED, picture()),
        (REFUSED, problem("Operation not permitted\n")),
        (COLLECTING, document(files=[file(), file("joined\u200dname", b"in a file")])),
        (replace(COLLECTING, contains=("printed", "in a file")), document(files=[file(data=b"in a file")])),
        (replace(REFUSED, code="open('open-sesame')"), problem("not permitted: open-sesame")),
        (replace(REFUSED, contains=("than WALL_LIMIT_S s",)), problem("longer than 3 s")),
        (attack(Outcome.KILLED, asks={}), problem("x", "killed", 422)),
    ],
)
def test_right_responses_pass(of: Attack, response: Response) -> None:
    """A response that is as the attack's file says has no flaw; it may contain what the sender knew."""
    assert list(flaws(of, Kernel.RUNC, response, FACTS)) == []


@pytest.mark.parametrize(
    ("of", "response", "flaw"),
    [
        (REFUSED, problem("SystemExit: BREACH: reached the host"), "BREACH: reached the host"),
        (REFUSED, problem("x", outcome="killed"), "the outcome is killed"),
        (REFUSED, picture(), "the outcome is ok"),
        (REFUSED, Response(503, HEADERS, b"{}", {}), "the outcome is status 503"),
        (REFUSED, problem("something else"), "lacks 'not permitted'"),
        (REFUSED, problem("not permitted for root"), "contains 'root'"),
        (REFUSED, problem("not permitted: open-sesame"), "it tells the key"),
        (REFUSED, problem("not permitted \x1b[2J"), "can't be printed"),
        (REFUSED, problem("not permitted \u202e"), "can't be printed"),
        (REFUSED, problem("not permitted", title="\0"), "can't be printed"),
        (REFUSED, problem("not permitted" + "x" * 65536), "characters"),
        (REFUSED, replace(problem("not permitted"), status=422), "the status is 422"),
        (REFUSED, problem("not permitted", request_id="2e"), "request id"),
        (replace(REFUSED, contains=("than WALL_LIMIT_S s",)), problem("longer than 4 s"), "lacks 'than 3 s'"),
        (attack(Outcome.KILLED, asks={}), problem("x", "killed"), "the status is 500, not 422"),
        (SERVED, picture(Set_Cookie="a=b"), "headers that are not ours: ['Set-Cookie']"),
        (SERVED, picture(Content_Type="text/html"), "called text/html"),
        (SERVED, picture(X_Content_Type_Options="sniff"), "may guess"),
        (SERVED, picture(png() + b"<script>"), "something follows its end"),
        (SERVED, picture(png()[:-4]), "cut short"),
        (SERVED, picture(b"GIF89a"), "the picture is invalid"),
        (SERVED, picture(png(width=26)), "pixels"),
        (SERVED, picture(undecodable()), "can't be decoded"),
        (COLLECTING, document(stdout={"text": "BREACH: reached", "truncated": False}), "BREACH: reached"),
        (COLLECTING, document(files=[file(data=b"BREACH: in a file")]), "BREACH: in a file"),
        (COLLECTING, document(files=[file(data=b"open-sesame")]), "it tells the key"),
        (COLLECTING, document(files=[file(data=b"x" * 1000)]), "more than may be written"),
        (COLLECTING, document(files=[file(), file()]), "2 files"),
        (COLLECTING, document(files=[file(f"{number}", b"") for number in range(65)]), "65 files"),
        (COLLECTING, document(figures=document().json["figures"] * 101), "101 figures"),
        (COLLECTING, document(files=[file(sha256="0")]), "digest"),
        (COLLECTING, document(files=[file(bytes=2)]), "length"),
        (COLLECTING, document(files=[file(content_type="text/html")]), "text/html"),
        (COLLECTING, document(files=[file(content_type="text/javascript")]), "text/javascript"),
        (COLLECTING, document(files=[file("../x")]), "a file named"),
        (COLLECTING, document(stdout={"text": "\x1b[2J", "truncated": False}), "can't be printed"),
        (COLLECTING, document(warnings=[{"message": "x" * 70000}]), "70000 characters"),
        (COLLECTING, document("text/html"), "called text/html"),
    ],
)
def test_wrong_responses_are_found(of: Attack, response: Response, flaw: str) -> None:
    """Each thing that can be wrong with a response is found, and named."""
    assert any(flaw in found for found in flaws(of, Kernel.RUNC, response, FACTS))


def test_names_that_lead_elsewhere_are_found() -> None:
    """A name that makes a file elsewhere, on any system, or shows as another is found."""
    bad = ["../x", "a/../../x", "/etc/x", "C:\\x", "C:x", "..\\x", "\\\\host\\x", ".x", "a/.x", "a\nb", "a\u202eb"]
    assert [name for name in [*bad, "a\x1bb", ""] if is_harmless(name)] == []


def test_each_kernel_has_its_outcomes() -> None:
    """What is right on one kernel is wrong on another that responds otherwise; its outcomes have words of their own."""
    of = attack(Outcome.PROGRAM_ERROR, Outcome.KILLED)
    for kernel, response in (
        (Kernel.RUNC, problem("not permitted")),
        (Kernel.GVISOR, problem("SIGKILL", outcome="killed")),
    ):
        (other,) = set(Kernel) - {kernel}
        assert list(flaws(of, kernel, response, FACTS)) == []
        assert list(flaws(of, other, response, FACTS)) != []


def test_the_next_client() -> None:
    """The next client must get its picture, and the same one."""
    assert list(flaws_of_next(picture(), picture())) == []
    assert "another picture" in next(flaws_of_next(picture(png(width=5)), picture()))
    assert "got 500" in next(flaws_of_next(problem("x"), picture()))
