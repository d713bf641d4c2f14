"""Archives for containers: what COPY takes and where it goes, with owners, modes and times."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from bootstrap.images import archive
from bootstrap.images.archive import CopyError, Target
from bootstrap.images.context import FIXED_TIME

FILES = {
    name: Path(name)
    for name in ("build/a.py", "build/b.py", "build/locales/de", "lock.txt", "site/x/y.py", "site/z.py", "sites.txt")
}


def members(content: bytes) -> dict[str, tarfile.TarInfo]:
    """Return the members of an archive by name."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: member for member in tar}


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (("lock.txt",), {"lock.txt": "lock.txt"}),
        (("./build/a.py",), {"a.py": "build/a.py"}),
        (("build/*.py",), {"a.py": "build/a.py", "b.py": "build/b.py"}),
        (
            ("build",),
            {"": None, "a.py": "build/a.py", "b.py": "build/b.py", "locales": None, "locales/de": "build/locales/de"},
        ),
        (("build/locales/",), {"": None, "de": "build/locales/de"}),
        (("lock.txt", "nothing*"), {"lock.txt": "lock.txt"}),
        (("site*",), {"": None, "x": None, "x/y.py": "site/x/y.py", "z.py": "site/z.py", "sites.txt": "sites.txt"}),
    ],
)
def test_copy_takes_files_and_what_is_in_folders(sources: tuple[str, ...], found: dict[str, str | None]) -> None:
    """A star doesn't go beyond a slash; of a folder, its name is left out; a pattern may find nothing."""
    assert archive.selected(FILES, sources) == {name: path and Path(path) for name, path in found.items()}


def test_copy_of_the_whole_context() -> None:
    """A dot is everything."""
    found = archive.selected(FILES, ["."])
    assert {name: path for name, path in found.items() if path is not None} == FILES


@pytest.mark.parametrize("sources", [("nothing",), ("lock.txt", "nothing"), ("nothing*",), ("build/a.py/b",)])
def test_copy_of_nothing_is_refused(sources: tuple[str, ...]) -> None:
    """A name that isn't there, or patterns that all find nothing."""
    with pytest.raises(CopyError, match=r"there is no|nothing has such a name"):
        archive.selected(FILES, sources)


def test_files_of_the_host_get_fixed_owners_modes_and_times(tmp_path: Path) -> None:
    """Who checked them out, and when, doesn't matter; folders that are missing come first."""
    source = tmp_path / "a"
    source.write_bytes(b"x" * 3_000_000)
    source.chmod(0o4700)
    os.utime(source, (1, 1))
    target = Target("/opt/x", is_folder=True, missing=("/opt", "/opt/x"))
    pieces = list(archive.packed({"": None, "f": None, "f/a": source, "a": source}, target))
    found = members(b"".join(pieces))
    assert list(found) == ["opt", "opt/x", "opt/x/f", "opt/x/f/a", "opt/x/a"]
    assert {(m.uid, m.gid, m.uname, m.mtime) for m in found.values()} == {(0, 0, "", FIXED_TIME)}
    assert {(m.mode, m.type) for m in found.values()} == {(0o755, tarfile.DIRTYPE), (0o644, tarfile.REGTYPE)}
    assert found["opt/x/a"].size == 3_000_000
    assert all(len(piece) >= archive.PIECE for piece in pieces[:-1])
    assert b"".join(archive.packed({"a": source}, target)) == b"".join(archive.packed({"a": source}, target))


def test_a_single_file_can_be_renamed(tmp_path: Path) -> None:
    """A target that is no folder is the file's new name; several files can't have it."""
    source = tmp_path / "a"
    source.write_text("x")
    target = Target("/b", is_folder=False, missing=())
    assert list(members(b"".join(archive.packed({"a": source}, target)))) == ["b"]
    with pytest.raises(CopyError, match="slash at its end"):
        archive.packed({"a": source, "c": source}, target)


def given(*entries: tuple[str, dict[str, object]]) -> list[bytes]:
    """Return an archive in pieces, as an engine gives it."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, fields in entries:
            entry = tarfile.TarInfo(name)
            entry.uid, entry.gid, entry.uname, entry.mtime, entry.mode = 7, 8, "someone", 12.5, 0o750
            for field, value in fields.items():
                setattr(entry, field, value)
            tar.addfile(entry, io.BytesIO(b"y" * entry.size))
    content = whole.getvalue()
    return [content[at : at + 1000] for at in range(0, len(content), 1000)]


def test_a_folder_of_an_earlier_stage_keeps_all_but_owners() -> None:
    """Modes, whole seconds, links, attributes and long names stay; all of it belongs to root and lies in the target."""
    long = "n" * 150
    attribute = {"SCHILY.xattr.user.x": "1"}
    content = given(
        ("old/", {"type": tarfile.DIRTYPE, "mode": 0o711}),
        ("old/a", {"size": 3000, "pax_headers": attribute}),
        ("old/" + long, {"mode": 0o4755}),
        ("old/hard", {"type": tarfile.LNKTYPE, "linkname": "old/a"}),
        ("old/soft", {"type": tarfile.SYMTYPE, "linkname": "../old/a"}),
    )
    found = members(b"".join(archive.moved(content, Target("/opt/new", is_folder=True, missing=("/opt", "/opt/new")))))
    assert list(found) == ["opt", "opt/new", "opt/new/a", f"opt/new/{long}", "opt/new/hard", "opt/new/soft"]
    assert {(m.uid, m.gid, m.uname) for m in found.values()} == {(0, 0, "")}
    assert [m.mtime for m in found.values()] == [FIXED_TIME, *[12] * 5]
    assert (found["opt/new"].mode, found[f"opt/new/{long}"].mode) == (0o711, 0o4755)
    assert found["opt/new/hard"].linkname == "opt/new/a"
    assert found["opt/new/soft"].linkname == "../old/a"
    assert found["opt/new/a"].size == 3000
    assert {"path", "mtime"}.isdisjoint(found["opt/new/a"].pax_headers)
    assert attribute.items() <= found["opt/new/a"].pax_headers.items()


def test_a_target_that_is_there_stays_as_it_is() -> None:
    """Only what is new, or in the copied folder, is written."""
    content = given(("old", {"type": tarfile.DIRTYPE}), ("old/b", {"type": tarfile.DIRTYPE}), ("old/b/c", {}))
    assert list(members(b"".join(archive.moved(content, Target("/", is_folder=True, missing=()))))) == ["b", "b/c"]


@pytest.mark.parametrize(("is_folder", "name"), [(True, "opt/x/old"), (False, "opt/x")])
def test_a_file_of_an_earlier_stage(is_folder: bool, name: str) -> None:  # noqa: FBT001 - a parameter of the test
    """It becomes the target, or a file in it."""
    content = given(("old", {"size": 10}))
    assert list(members(b"".join(archive.moved(content, Target("/opt/x", is_folder, ())))))[-1] == name


def test_other_kinds_of_files_are_refused() -> None:
    """A link that is itself copied would be copied as something else by other builders."""
    with pytest.raises(CopyError, match="neither a file nor a folder"):
        list(archive.moved(given(("old", {"type": tarfile.SYMTYPE})), Target("/x", is_folder=False, missing=())))
