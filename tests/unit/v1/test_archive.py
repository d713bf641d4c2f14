"""The ZIP: deterministic, and harmless to unpack."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.jobs import Job, NamedFile
from gateway.v1.response.archive import archive_names, write_archive
from gateway.v1.response.content_types import BINARY, TEXT, content_type_of
from gateway.v1.response.rendering import Rendering
from tests.fakes import PNG
from tests.http.v1 import FACTS, figures_result, rich_result

if TYPE_CHECKING:
    from pathlib import Path


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
    ],
)
def test_names(names: list[str], expected: list[str]) -> None:
    """Harmless names stay as they are, and others become harmless."""
    assert archive_names(names) == expected


@given(st.lists(st.text(max_size=30), max_size=8))
def test_no_name_leaves_its_folder(names: list[str]) -> None:
    """Whatever a job calls its files, unpacking makes distinct files below `files/`."""
    made = archive_names(names)
    assert len({name.casefold() for name in made}) == len(names)
    for name in made:
        assert PurePosixPath(name).parts[0] == "files"
        assert ".." not in PurePosixPath(name).parts
        assert name.isprintable()
        assert not set(name) & set('\\:*?"<>|')


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
        ("application/zip", [("x.npz", b"PK\x03\x04\xff")]),
        ("application/pdf", [("x.pdf", b"%PDF-1.4\n\xff")]),
        (BINARY, [("x.csv", b"\xff\xfe\x00"), ("x.txt", b"a\0b"), ("x", b"RIFF1234WAVE\xff")]),
    ],
)
def test_content_types(expected: str, files: list[tuple[str, bytes]]) -> None:
    """Bytes decide; a name only chooses between kinds of text, and never makes a page or a script."""
    for name, data in files:
        assert content_type_of(name, data) == expected, (name, data)
