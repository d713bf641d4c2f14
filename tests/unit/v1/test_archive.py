"""The ZIP: deterministic, and harmless to unpack."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.jobs import Job, NamedFile
from gateway.model.results import printable
from gateway.v1.response.archive import archive_names, write_archive
from gateway.v1.response.content_types import BINARY, TEXT, content_type_of
from gateway.v1.response.rendering import Rendering
from tests.fakes import PNG
from tests.http.v1 import FACTS, figures_result, rich_result


def _rendering(*files: NamedFile) -> Rendering:
    result = figures_result(files=files) if files else rich_result()
    return Rendering(Job("x"), FACTS, result, cached=False)


def test_same_bytes_each_time() -> None:
    """The archive of the same parts is the same, byte for byte."""
    assert len({write_archive(_rendering(), _rendering().document("id")) for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.csv", "out/b.csv"], ["files/a.csv", "files/out/b.csv"]),
        (["../../etc/passwd"], ["files/_/_/etc/passwd"]),
        (["/etc/passwd", "etc/passwd"], ["files/etc/passwd", "files/etc/passwd-2"]),
        (["a", "A", "a-2"], ["files/a", "files/A-2", "files/a-2-2"]),
        (["C:\\evil.exe", "nul", "con.txt"], ["files/C__evil.exe", "files/_nul", "files/_con.txt"]),
        (["a\n\x1b[0mb\u202ec"], ["files/a__[0mb_c".replace("[", "_")]),
        ([".bashrc", "数据/ü.csv"], ["files/bashrc", "files/数据/ü.csv"]),
        (["x" * 500], ["files/" + "x" * 64]),
        (["a", "a/b"], ["files/a", "files/a-2/b"]),
        (["a/b", "a"], ["files/a/b", "files/a-2"]),
        (["q?", "q*"], ["files/q_", "files/q_-2"]),
        (["q?", "q*/x", "q*/y"], ["files/q_", "files/q_-2/x", "files/q_-2/y"]),
        (["q?/x", "q*/x", "Q?/x"], ["files/q_/x", "files/q_-2/x", "files/Q_-3/x"]),
        (["\u00e9", "e\u0301", "\ufb01", "fi"], ["files/\u00e9", "files/\u00e9-2", "files/\ufb01", "files/fi-2"]),
        (["図\u3000(1).png", "می\u200cرود.csv"], ["files/図\u3000(1).png", "files/می\u200cرود.csv"]),
        (["[a] & b's 50\u00a0%.csv", "plot.py"], ["files/[a] & b's 50\u00a0%.csv", "files/plot.py"]),
        (["zero\u200bwidth", "\ufeffa"], ["files/zero_width", "files/_a"]),
        (["x" * 255, "x" * 254 + "?"], ["files/" + "x" * 64, "files/" + "x" * 64 + "-2"]),
    ],
)
def test_names(names: list[str], expected: list[str]) -> None:
    """Harmless names stay as they are, and others become harmless."""
    assert archive_names(names) == expected


#: Parts of names that collide in many ways.
PARTS = st.sampled_from(
    ["a", "A", "a-2", "b", "q?", "q*", "q_", "..", ".", "", "nul", "é", "e\u0301", "x" * 300, "𠀀" * 70]
)


@given(st.lists(st.text(max_size=30) | st.lists(PARTS, max_size=3).map("/".join), max_size=12))
def test_no_name_leaves_its_folder(names: list[str]) -> None:
    """Whatever a job calls its files, unpacking makes distinct files below `files/`, none of them below another."""
    made = archive_names(names)
    taken = {name.casefold() for name in made}
    assert len(taken) == len(names)
    for name in made:
        path = PurePosixPath(name)
        assert path.parts[0] == "files"
        assert ".." not in path.parts
        assert not {str(parent).casefold() for parent in path.parents} & taken
        assert all(len(part.encode()) <= 255 for part in path.parts)
        assert name == printable(name)
        assert not set(name) & set('\\:*?"<>|')


def test_many_of_one_name_take_no_longer_each() -> None:
    """The number of tries doesn't grow with the number of files."""
    names = archive_names(["x?"] * 20_000)
    assert names[-1] == "files/x_-20000"


@given(st.lists(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=8))
def test_whatever_it_holds_unpacks(names: list[str]) -> None:
    """Every archive unpacks to as many files as it has."""
    files = tuple(NamedFile(name, str(number).encode()) for number, name in enumerate(names))
    rendering = Rendering(Job("x"), FACTS, figures_result(files=files), cached=False)
    data = write_archive(rendering, rendering.document("id"))
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
        found = [path.read_bytes() for path in Path(folder, "files").rglob("*") if path.is_file()]
    assert sorted(found) == sorted(file.data for file in files)


def test_unpacks_with_others_too(tmp_path: Path) -> None:
    """The archive unpacks where it is told to."""
    files = (NamedFile("../evil.txt", b"1"), NamedFile("a/b/c.txt", b"2"))
    data = write_archive(_rendering(*files), _rendering(*files).document("id"))
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path / "out")
    assert (tmp_path / "out" / "files" / "a" / "b" / "c.txt").read_bytes() == b"2"
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize(
    ("expected", "files"),
    [
        ("image/png", [("x", PNG), ("x.html", PNG)]),
        (
            TEXT,
            [("x.png", b"<html><script>"), ("x.html", b"<!DOCTYPE html>"), ("x.js", b"alert(1)"), ("x.svg", b"<html>")],
        ),
        (TEXT, [("x.json", b"plain"), ("x.txt", b"<svg/>"), ("x.txt", "ü".encode()), ("x.txt", b"")]),
        ("text/csv; charset=utf-8", [("x.csv", b"a,b\n")]),
        ("application/json", [("x.json", b' {"a": 1}')]),
        ("image/svg+xml", [("x.svg", b"<svg/>")]),
        ("image/gif", [("x.gif", b"GIF89a...")]),
        ("image/webp", [("x", b"RIFF1234WEBPVP8 ")]),
        ("video/mp4", [("x", b"\0\0\0\x20ftypisom\0\0\2\0")]),
        ("video/quicktime", [("x", b"\0\0\0\x14ftypqt  \0\0\2\0")]),
        ("video/webm", [("x", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm\x42")]),
        ("video/x-matroska", [("x", b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\1\x42\x82\x88matroska")]),
        ("video/x-msvideo", [("x", b"RIFF1234AVI LIST\xff")]),
        ("application/zip", [("x.npz", b"PK\x03\x04\xff")]),
        ("application/pdf", [("x.pdf", b"%PDF-1.4\n\xff")]),
        (
            BINARY,
            [
                ("x.csv", b"\xff\xfe\x00"),
                ("x.txt", b"a\0b"),
                ("x", b"RIFF1234WAVE\xff"),
                ("x.mp4", b"\0\0\0\1ftyphtml"),
            ],
        ),
    ],
)
def test_content_types(expected: str, files: list[tuple[str, bytes]]) -> None:
    """Bytes decide; a name only chooses between kinds of text, and never makes a page or a script."""
    for name, data in files:
        assert content_type_of(name, data) == expected, (name, data)
