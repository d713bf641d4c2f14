"""Where pictures and files go, and that they go nowhere else."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from figbox.cli.batch.outputs import OutputFolder, file_name, picture_name
from figbox.cli.batch.scripts import Script
from figbox.cli.exits import ScriptProblem
from tests.client.conftest import write


def script(stem: str) -> Script:
    """Return a script with the stem of its pictures."""
    return Script(Path(f"{stem}.py"), f"{stem}.py", PurePosixPath(stem))


@pytest.mark.parametrize(
    ("stem", "position", "name"),
    [("plot", 1, "plot.png"), ("plot", 2, "plot-2.png"), ("a/b.c", 1, "a/b.c.png"), ("a/b.c", 11, "a/b.c-11.png")],
)
def test_names_of_pictures(stem: str, position: int, name: str) -> None:
    """The first figure has the script's name, the others a number as well; both kinds of WebP can lie side by side."""
    assert str(picture_name(PurePosixPath(stem), position, "png")) == name
    assert str(picture_name(PurePosixPath(stem), position, "awebp")) == name.replace(".png", ".animated.webp")


def test_picture_is_written_below_the_folder(workplace: Path) -> None:
    """Folders are made on the way, and what was there before is replaced."""
    plot = script("sub/plot")
    folder = OutputFolder(Path("out"), [plot], ["png"])
    for data in (b"old", b"new"):
        assert folder.write(plot, PurePosixPath("sub/plot.png"), data) == Path("out/sub/plot.png")
        assert Path("out/sub/plot.png").read_bytes() == data
    assert [path.name for path in Path("out/sub").iterdir()] == ["plot.png"]
    umask = os.umask(0)
    os.umask(umask)
    assert Path("out/sub/plot.png").stat().st_mode & 0o777 == 0o666 & ~umask


def test_pictures_do_not_take_the_name_of_another_script(workplace: Path) -> None:
    """The second figure of plot.py doesn't overwrite the first one of plot-2.py, in either order."""
    plot, other = script("plot"), script("plot-2")
    folder = OutputFolder(Path("out"), [plot, other], ["png"])
    with pytest.raises(ScriptProblem, match=r"plot-2\.png is the name of a picture of plot-2\.py: rename one"):
        folder.write(plot, PurePosixPath("plot-2.png"), b"wrong")
    folder.write(other, PurePosixPath("plot-2.png"), b"right")
    assert Path("out/plot-2.png").read_bytes() == b"right"


@pytest.mark.parametrize("where", ["out/sub", "out/sub/deep"])
def test_link_out_of_the_folder_is_not_followed(workplace: Path, where: str) -> None:
    """A link on the way is an error, and nothing is written behind it."""
    (workplace / "elsewhere").mkdir()
    Path(where).parent.mkdir(parents=True)
    Path(where).symlink_to(workplace / "elsewhere")
    plot = script("sub/deep/plot")
    with pytest.raises(ScriptProblem, match="leads out of the output folder"):
        OutputFolder(Path("out"), [plot], ["png"]).write(plot, PurePosixPath("sub/deep/plot.png"), b"")
    assert not list((workplace / "elsewhere").iterdir())


def test_link_at_the_pictures_path_is_replaced(workplace: Path) -> None:
    """Replacing a link doesn't change its target."""
    precious = write(workplace / "precious", "kept")
    (workplace / "out").mkdir()
    (workplace / "out" / "plot.png").symlink_to(precious)
    plot = script("plot")
    OutputFolder(Path("out"), [plot], ["png"]).write(plot, PurePosixPath("plot.png"), b"picture")
    assert precious.read_text() == "kept"
    assert not (workplace / "out" / "plot.png").is_symlink()


def test_folder_at_the_pictures_path_is_the_scripts_problem(workplace: Path) -> None:
    """The error says why a picture can't be written, and no temporary file is left."""
    (workplace / "out" / "plot.png").mkdir(parents=True)
    plot = script("plot")
    with pytest.raises(ScriptProblem, match=r"out/plot\.png can't be written: Is a directory"):
        OutputFolder(Path("out"), [plot], ["png"]).write(plot, PurePosixPath("plot.png"), b"")
    assert [path.name for path in Path("out").iterdir()] == ["plot.png"]


@pytest.mark.parametrize(
    "name", ["a.csv", "größe 2.csv", "sub/deep/a.csv", "a" * 255, "-rf", "a..b", "console.txt", "図\u3000(1).png"]
)
def test_ordinary_names_are_kept(name: str) -> None:
    """Ordinary names can be used."""
    assert file_name(PurePosixPath("x/plot"), name) == PurePosixPath("x/plot.files") / name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a", "a/../../b", "/etc/passwd", "a//b", "a/", ".bashrc", "a/.git/config", "C:\\a", "C:a"),
        *(
            "a\\..\\b",
            "a\0b",
            "a\nb",
            "\x1b[31m",
            "a\u202egnp.exe",
            "NUL",
            "com1.txt",
            "aux .c",
            "a.",
            "a ",
            " a",
            "a\u3000",
            "\u00a0a",
            "a\u200bb",
        ),
        *("a" * 256, "ä" * 128, "\ud800", "/".join("abcdefghi")),
    ],
)
def test_harmful_names_are_refused(name: str) -> None:
    """Names that lead elsewhere, are hidden or mean devices can't be used."""
    assert file_name(PurePosixPath("plot"), name) is None


@given(st.text(st.sampled_from([*"ab./\\:~-", " ", "\0", "\n", "é", "\u202e"]), max_size=12) | st.text(max_size=40))
@example("..")
def test_names_never_lead_out(name: str) -> None:
    """Any name either stays in the script's own folder or is refused."""
    place = file_name(PurePosixPath("plot"), name)
    if place is not None:
        resolved = os.path.normpath(f"/out/{place}")
        assert resolved.startswith("/out/plot.files/")
        assert resolved == f"/out/{place}"
