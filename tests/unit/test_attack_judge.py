"""The judge of answers to attacks: it must find what it is there to find."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.exploits.attack import Attack, Kernel, read_attack
from tests.exploits.judge import Facts, faults_of_answer, faults_of_next_answer
from tests.support.live import Answer

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = {"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "X-Request-ID": "1f"}
FACTS = Facts({"the key": "open-sesame"}, frozenset(HEADERS), pixel_limit=100, output_limit_bytes=1000, wall_limit_s=3)


def attack_of(folder: Path, *lines: str) -> Attack:
    """Return an attack whose header has some lines."""
    file = folder / "network_x.py"
    header = "".join(f"# {line}\n" for line in lines)
    file.write_text(f'"""A title.\n\nTries: to do harm.\nMust happen: nothing of the kind.\n"""\n{header}')
    return read_attack(file)


def picture(width: int = 4) -> Answer:
    """Return an answer with a right picture."""
    file = io.BytesIO()
    Image.new("L", (width, 4)).save(file, "PNG")
    return Answer(200, HEADERS, file.getvalue())


def problem(error: str, outcome: str = "program_error", **members: object) -> Answer:
    """Return an answer with a right problem document, but for what is given."""
    document = {"status": 500, "request_id": "1f", "error": error, "outcome": outcome, **members}
    headers = {**HEADERS, "Content-Type": "application/problem+json"}
    return Answer(500, headers, json.dumps(document).encode(), document)


def test_right_answers_pass(tmp_path: Path) -> None:
    """An answer that is as the attack's file says has no fault."""
    assert faults_of_answer(attack_of(tmp_path, "outcome: ok"), Kernel.RUNC, picture(), FACTS) == []
    attack = attack_of(tmp_path, "outcome: program_error", "answer contains: not permitted", "answer lacks: root")
    assert faults_of_answer(attack, Kernel.RUNC, problem("Operation not permitted\n"), FACTS) == []


def test_time_limit_is_told_in_its_number(tmp_path: Path) -> None:
    """Where a header speaks of the time limit, the answer must have the number of this service."""
    attack = attack_of(tmp_path, "outcome: time_limit", "answer contains: than WALL_LIMIT_S s")
    assert faults_of_answer(attack, Kernel.RUNC, problem("longer than 3 s", outcome="time_limit"), FACTS) == []
    [fault] = faults_of_answer(attack, Kernel.RUNC, problem("longer than 4 s", outcome="time_limit"), FACTS)
    assert "'than 3 s' does not stand" in fault


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (problem("SystemExit: BREACH: reached the host"), "BREACH: reached the host"),
        (problem("x", outcome="killed"), "the outcome is killed"),
        (picture(), "the outcome is ok"),
        (Answer(503, HEADERS, b"{}", {}), "the outcome is status 503"),
        (problem("something else"), "'not permitted' does not stand"),
        (problem("not permitted for root"), "'root' stands"),
        (problem("not permitted: open-sesame"), "it tells the key"),
        (problem("not permitted \x1b[2J"), "can't be printed"),
        (problem("not permitted \u202e"), "can't be printed"),
        (problem("not permitted", title="\0"), "can't be printed"),
        (problem("not permitted" + "x" * 65536), "characters"),
        (problem("not permitted", status=200), "its status says 200"),
        (problem("not permitted", request_id="2e"), "request id"),
    ],
)
def test_wrong_problems_are_found(tmp_path: Path, answer: Answer, fault: str) -> None:
    """Each thing that can be wrong with a fault's answer is found, and named."""
    attack = attack_of(tmp_path, "outcome: program_error", "answer contains: not permitted", "answer lacks: root")
    assert any(fault in found for found in faults_of_answer(attack, Kernel.RUNC, answer, FACTS))


def changed(answer: Answer, **headers: str) -> Answer:
    """Return an answer with other headers."""
    return dataclasses.replace(answer, headers={**answer.headers, **headers})


def undecodable() -> Answer:
    """Return an answer with a picture whose chunks are right and whose data is none."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"nothing") + chunk(b"IEND", b"")
    return dataclasses.replace(picture(), body=body)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (changed(picture(), **{"Set-Cookie": "a=b"}), "headers that are not ours: ['Set-Cookie']"),
        (changed(picture(), **{"Content-Type": "text/html"}), "called text/html"),
        (changed(picture(), **{"X-Content-Type-Options": "sniff"}), "may guess"),
        (dataclasses.replace(picture(), body=picture().body + b"<script>"), "something follows its end"),
        (dataclasses.replace(picture(), body=picture().body[:-4]), "cut short"),
        (dataclasses.replace(picture(), body=b"GIF89a"), "the picture is none"),
        (picture(width=26), "pixels"),
        (undecodable(), "can't be decoded"),
    ],
)
def test_wrong_pictures_are_found(tmp_path: Path, answer: Answer, fault: str) -> None:
    """Each thing that can be wrong with a picture is found, and named."""
    attack = attack_of(tmp_path, "outcome: ok")
    assert any(fault in found for found in faults_of_answer(attack, Kernel.RUNC, answer, FACTS))


def test_pictures_that_need_not_decode(tmp_path: Path) -> None:
    """A forged picture may be of no use to the forger, if its file says so."""
    attack = attack_of(tmp_path, "outcome: ok", "picture: need not decode, it is the forger's own")
    assert faults_of_answer(attack, Kernel.RUNC, undecodable(), FACTS) == []


def document(**members: object) -> Answer:
    """Return a right answer of `/v1/render`, but for what is given."""
    data = picture().body
    drawn = {"format": "png", "content_type": "image/png", "data": base64.b64encode(data).decode()}
    drawn |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    whole = {
        "figures": [{"number": 1, "label": "", "pictures": [drawn]}],
        "files": [],
        "stdout": {"text": "printed\n", "truncated": False},
        **members,
    }
    return Answer(200, {**HEADERS, "Content-Type": "application/json"}, json.dumps(whole).encode(), whole)


def file(name: str = "a/b.txt", data: bytes = b"x", **members: object) -> dict[str, object]:
    """Return a file of a document, right but for what is given."""
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "content_type": "text/plain"}
    return {"name": name, "data": base64.b64encode(data).decode(), **facts, **members}


def test_right_documents_pass(tmp_path: Path) -> None:
    """A document that is as it must be has no fault."""
    attack = attack_of(tmp_path, "outcome: ok", "asks: {}", "answer contains: printed", "answer contains: in a file")
    answer = document(files=[file(), file("joined\u200dname", b"in a file")])
    assert faults_of_answer(attack, Kernel.RUNC, answer, FACTS) == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (document(stdout={"text": "BREACH: reached", "truncated": False}), "BREACH: reached"),
        (document(files=[file(data=b"BREACH: in a file")]), "BREACH: in a file"),
        (document(files=[file(data=b"open-sesame")]), "it tells the key"),
        (document(files=[file(data=b"x" * 1000)]), "more than may be written"),
        (document(files=[file(), file()]), "2 files"),
        (document(files=[file(f"{number}", b"") for number in range(65)]), "65 files"),
        (document(figures=document().json["figures"] * 33), "33 figures"),
        (document(files=[file(sha256="0")]), "digest"),
        (document(files=[file(bytes=2)]), "length"),
        (document(files=[file(content_type="text/html")]), "text/html"),
        (document(files=[file(content_type="text/javascript")]), "text/javascript"),
        (document(stdout={"text": "\x1b[2J", "truncated": False}), "can't be printed"),
        (document(warnings=[{"message": "x" * 70000}]), "70000 characters"),
        (changed(document(), **{"Content-Type": "text/html"}), "called text/html"),
    ],
)
def test_wrong_documents_are_found(tmp_path: Path, answer: Answer, fault: str) -> None:
    """Each thing that can be wrong with a document is found, and named."""
    attack = attack_of(tmp_path, "outcome: ok", "asks: {}")
    assert any(fault in found for found in faults_of_answer(attack, Kernel.RUNC, answer, FACTS))


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "C:\\x",
        "C:x",
        "..\\x",
        "\\\\host\\x",
        ".x",
        "a/.x",
        "a\nb",
        "a\u202eb",
        "a\x1bb",
        "",
    ],
)
def test_names_that_lead_elsewhere_are_found(tmp_path: Path, name: str) -> None:
    """A name that makes a file elsewhere, on any system, or shows as another is found."""
    attack = attack_of(tmp_path, "outcome: ok", "asks: {}")
    found = faults_of_answer(attack, Kernel.RUNC, document(files=[file(name)]), FACTS)
    assert any("a file named" in fault for fault in found)


def test_a_fault_of_each_interface_has_its_status(tmp_path: Path) -> None:
    """Faults of a guest are 500 by the old contract, and 422 by the new one."""
    old, new = attack_of(tmp_path, "outcome: killed"), attack_of(tmp_path, "outcome: killed", "asks: {}")
    answer = problem("x", outcome="killed")
    renewed = dataclasses.replace(problem("x", outcome="killed", status=422), status=422)
    assert faults_of_answer(old, Kernel.RUNC, answer, FACTS) == []
    assert faults_of_answer(new, Kernel.RUNC, renewed, FACTS) == []
    assert faults_of_answer(new, Kernel.RUNC, answer, FACTS) != []
    assert faults_of_answer(old, Kernel.RUNC, renewed, FACTS) != []


def test_each_kernel_has_its_outcomes(tmp_path: Path) -> None:
    """What is right on one kernel is wrong on another that answers otherwise; its own outcomes have their own words."""
    attack = attack_of(tmp_path, "outcome: program_error", "outcome on gvisor: killed", "answer contains: fork")
    assert faults_of_answer(attack, Kernel.RUNC, problem("fork"), FACTS) == []
    assert faults_of_answer(attack, Kernel.GVISOR, problem("SIGKILL", outcome="killed"), FACTS) == []
    assert faults_of_answer(attack, Kernel.RUNC, problem("SIGKILL", outcome="killed"), FACTS) != []
    assert faults_of_answer(attack, Kernel.GVISOR, problem("fork"), FACTS) != []


def test_what_the_sender_knew_is_no_secret(tmp_path: Path) -> None:
    """A fact that stands in the attack itself may come back to its sender."""
    attack = attack_of(tmp_path, "outcome: program_error")
    knowing = dataclasses.replace(attack, code="open('open-sesame')")
    assert faults_of_answer(attack, Kernel.RUNC, problem("open-sesame"), FACTS) != []
    assert faults_of_answer(knowing, Kernel.RUNC, problem("open-sesame"), FACTS) == []


def test_the_next_client() -> None:
    """The next client must get its picture, and the same one."""
    assert faults_of_next_answer(picture(), picture()) == []
    assert "another picture" in faults_of_next_answer(picture(width=5), picture())[0]
    assert "got 500" in faults_of_next_answer(problem("x"), picture())[0]
