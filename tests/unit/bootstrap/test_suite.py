"""Suites in the pinned renderer: what they see of the host, and the command that runs them."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from bootstrap.steps import SetupError, run
from bootstrap.suite import __main__ as command
from bootstrap.suite import container, project
from bootstrap.suite.packages import PIP, Cache, _contents


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ((), "a/b/c"),
        (("a/pyproject.toml",), "a"),
        (("a/pyproject.toml", "a/b/tox.ini"), "a/b"),
        (("a/.git", "a/b/setup.py"), "a"),
    ],
)
def test_project(tmp_path: Path, files: tuple[str, ...], found: str) -> None:
    """The project is the repository; without one, the nearest folder that has a project's files."""
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    for name in files:
        (tmp_path / name).write_text("")
    assert project.mounts(folder, None, []) == [tmp_path / found]


@pytest.mark.parametrize("text", ["/", "/usr", "/opt", "/proc"])
def test_folders_that_would_hide_the_image(tmp_path: Path, text: str) -> None:
    """A folder that the image needs, or one above it, isn't mounted."""
    with pytest.raises(SetupError, match=f"{text} can't be mounted, as it would hide the image's /"):
        project.mounts(tmp_path, tmp_path, [Path(text)])


def test_working_directory_outside(tmp_path: Path) -> None:
    """The working directory is in the project."""
    (tmp_path / "other").mkdir()
    with pytest.raises(SetupError, match="isn't in the project"):
        project.mounts(tmp_path, tmp_path / "other", [])


def test_a_strangers_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link or a file in place of the folder for temporary files is refused."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = project.temporary_folder()
    assert path.stat().st_mode & 0o777 == 0o700
    assert project.temporary_folder() == path
    path.rmdir()
    path.write_text("")
    with pytest.raises(SetupError, match="isn't a folder of this user"):
        project.temporary_folder()
    path.unlink()
    (tmp_path / "home").mkdir()
    path.symlink_to(tmp_path / "home")
    with pytest.raises(SetupError, match="isn't a folder of this user"):
        project.temporary_folder()


REACHED = [
    "tests",
    "--junitxml=out/x.xml",
    "-k",
    "a and not b",
    "sub/../x.py::test_a",
    "--mpl-baseline-path=https://x/y/",
]


def test_paths_that_are_reached(tmp_path: Path) -> None:
    """Names in the project, addresses, expressions, devices and mounted folders pass."""
    other = tmp_path / "other"
    project.refuse_outside([*REACHED, "-c", "/dev/null", f"{other}/x"], tmp_path / "a", [tmp_path / "a", other])


@pytest.mark.parametrize("argument", ["../x.py::test_a", "..", "--junitxml=/nowhere/x.xml", "/nowhere"])
def test_paths_that_are_not(tmp_path: Path, argument: str) -> None:
    """A path that leads out is refused."""
    with pytest.raises(SetupError, match=r"so the suite can't reach it.*name its folder by --mount"):
        project.refuse_outside(["-q", argument], tmp_path, [tmp_path])


def test_command_refuses_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path that leads out ends the command, and nothing is set up for it."""
    monkeypatch.setattr(command, "_prepared", lambda *_: pytest.fail("images were made"))
    assert command.main(["--folder", str(tmp_path), "--", "../x.py"]) == command.USAGE
    assert "so the suite can't reach it" in capsys.readouterr().err


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every restriction is in the command; folders with commas and colons can be mounted."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "__stdout__", None)
    folder = tmp_path / "a, b:c"
    (folder / "src").mkdir(parents=True)
    wanted = container.Wanted("image", folder, (folder, tmp_path / "t"), None, ("A=b c",), network=False, memory_mib=99)
    words = container.command(wanted, ["--user=7:8"])
    assert words[0] == str(program)
    assert words[-2:] == ["image", "pytest"]
    restrictions = ["--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    assert set(restrictions) <= set(words)
    assert {"--user=7:8", "--memory=99m", "--memory-swap=99m", "--env=A=b c", "--env=NO_COLOR"} <= set(words)
    assert f'--mount=type=bind,"source={folder}","target={folder}"' in words
    assert f"--env=FIGBOX_SUITE_PATH={folder / 'src'}{os.pathsep}{folder}" in words
    assert not {"--tty", "--interactive"} & set(words)


def test_without_dockers_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it isn't installed, that is said."""
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = container.Wanted("image", tmp_path, (tmp_path, tmp_path), None, (), network=False, memory_mib=99)
    with pytest.raises(SetupError, match="install Docker's command line"):
        container.command(wanted, [])


def test_pip_is_not_the_projects(tmp_path: Path) -> None:
    """Where pip looks for packages it runs in the project, but no module of the project is taken for one of its own."""
    (tmp_path / "pip.py").write_text("raise SystemExit('the project was run')\n")
    assert run([*PIP, "--help"], remedy="", folder=tmp_path)


def test_what_decides_on_packages(tmp_path: Path) -> None:
    """A change in a file of requirements, in one that it names, or in how a folder is built, is another wish."""
    (tmp_path / "a.txt").write_text("-r b.txt\nx\n")
    (tmp_path / "b.txt").write_text("y\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    wanted = ["a.txt", ".[test]", "z>1"]
    found = list(_contents(wanted, tmp_path))
    assert found == ["a.txt", "-r b.txt\nx\n", "b.txt", "y\n", ".[test]", "[project]\n", "z>1"]


def test_packages_of_another_image_are_not_used(tmp_path: Path) -> None:
    """What was fetched beside other versions, or for another processor, is another folder."""
    lock = tmp_path / "suite.txt"
    lock.write_text("matplotlib==3.11.2 \\\n")

    def kept(architecture: str, pins: dict[str, str]) -> Path:
        return Cache(tmp_path / "suite", [lock], architecture)._site(["x"], tmp_path, pins)

    kept("x86_64", {"matplotlib": "3.11.2"}).mkdir(parents=True)
    assert Cache(tmp_path / "suite", [lock], "x86_64").ensure(None, ["x"], tmp_path) == kept(  # type: ignore[arg-type]
        "x86_64", {"matplotlib": "3.11.2"}
    )
    others = {kept("aarch64", {"matplotlib": "3.11.2"}), kept("x86_64", {"matplotlib": "3.11.3"})}
    assert len(others) == 2
    assert not any(path.exists() for path in others)
