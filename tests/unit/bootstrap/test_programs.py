"""The runner image's programs in C: when they are compiled, with what, and where they go. The compiler pretends."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import stat
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.images import programs
from bootstrap.steps import SetupError, Steps
from tests.support.compiler import FOLDER, compile_snapshot

if TYPE_CHECKING:
    from pathlib import Path

#: Writes down how it was started as the program that it should compile; refuses sources that say so.
COMPILER = f"""\
#!{sys.executable}
import json, os, pathlib, sys
at = sys.argv.index("-o")
sources = "".join(pathlib.Path(name).read_text() for name in sys.argv[at + 2 :])
if "refuse" in sources:
    sys.exit("saver.c:1:1: error: as you wish")
told = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "sources": sources}}
pathlib.Path(sys.argv[at + 1]).write_text(json.dumps(told))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an image with two programs, and a lock that names a compiler of ours."""
    folder = tmp_path / "image"
    (folder / "snapshot").mkdir(parents=True)
    (folder / "build").mkdir()
    shutil.copy(FOLDER / programs.COMPILE, folder / "build")
    for name in ("saver", "restorer", "shared"):
        (folder / "snapshot" / f"{name}.c").write_text(f"/* {name} */\n")
    wheel = tmp_path / "wheels" / "ziglang-1-py3-none-any.whl"
    wheel.parent.mkdir()
    make_wheel(wheel)
    write_lock(folder, wheel, hashlib.sha256(wheel.read_bytes()).hexdigest())
    return folder


def make_wheel(path: Path) -> None:
    """Write a wheel with a compiler and something beside it."""
    info = "ziglang-1.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ziglang/zig", COMPILER)
        archive.writestr("ziglang/lib/include/stddef.h", "")
        archive.writestr("ziglang/lib/libcxx/x.cpp", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: ziglang\nVersion: 1\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


def write_lock(folder: Path, wheel: Path, digest: str) -> None:
    """Lock the compiler to a hash."""
    text = f"--no-index\n--find-links {wheel.parent}\nziglang==1 --hash=sha256:{digest}\n"
    (folder / "snapshot" / "compiler.txt").write_text(text)


def told(path: Path) -> dict[str, Any]:
    """Return what our compiler wrote down."""
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_programs_are_compiled_once(folder: Path, tmp_path: Path) -> None:
    """They stay in the cache, for each processor; of the compiler nothing does, nor of a set-up that was killed."""
    cache = tmp_path / "cache"
    (cache / "unfinished-x").mkdir(parents=True)
    output = io.StringIO()
    steps = Steps(output=output)
    made = [programs.ensure(steps, folder, architecture, cache) for architecture in ("x86_64", "aarch64", "x86_64")]
    assert made[0] is not None
    assert made[0] == made[2] != made[1]
    assert output.getvalue().count("compiling snapshot") == 2
    assert set(cache.iterdir()) == set(made)
    assert sorted(path.name for path in made[0].iterdir()) == ["restorer", "saver.so"]


def test_every_input_makes_other_programs(folder: Path) -> None:
    """Sources, headers, the compiler's lock and its options count, and the processor."""
    hashes = {programs.inputs(folder, "x86_64"), programs.inputs(folder, "aarch64")}
    for name in ("snapshot/shared.c", "snapshot/new.h", "snapshot/compiler.txt", programs.COMPILE):
        with (folder / name).open("a") as file:
            file.write("\n")
        hashes.add(programs.inputs(folder, "x86_64"))
    assert len(hashes) == 6


def test_each_program_has_its_sources_and_options(folder: Path, tmp_path: Path) -> None:
    """What belongs to no program is part of both; names are relative, and the host's variables don't matter."""
    made = programs.ensure(Steps(output=io.StringIO()), folder, "aarch64", tmp_path / "cache")
    assert made is not None
    for name, own, special in (
        ("saver.so", "saver", {"-shared"}),
        ("restorer", "restorer", {"-static", "-no-pie", "-Wl,--image-base=0xd00000000000"}),
    ):
        program = told(made / name)
        assert program["sources"] == f"/* {own} */\n/* shared */\n"
        assert program["arguments"][:3] == ["cc", "-target", "aarch64-linux-musl"]
        assert program["arguments"][-2:] == [f"{own}.c", "shared.c"]
        assert {"-Werror", "-ffreestanding", "-fno-stack-protector", *special} <= set(program["arguments"])
        theirs = {key: value for key, value in program["environment"].items() if key.startswith("ZIG_")}
        assert set(theirs) == {"ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"}
        assert all(value.startswith(str(tmp_path / "cache")) for value in theirs.values())
        assert not {"HOME", "PATH"} & program["environment"].keys()


def test_another_compiler_than_the_locks_is_refused(folder: Path, tmp_path: Path) -> None:
    """Its hash decides before anything of it is run."""
    write_lock(folder, tmp_path / "wheels" / "x", "0" * 64)
    with pytest.raises(SetupError, match=r"(?s)compiler\.txt.*could not be fetched.*check pip's package index"):
        programs.ensure(Steps(output=io.StringIO()), folder, "x86_64", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_compilers_words_are_shown(folder: Path, tmp_path: Path) -> None:
    """Sources that are refused stop the set-up with the reason, and leave nothing."""
    (folder / "snapshot" / "saver.c").write_text("refuse\n")
    with pytest.raises(SetupError, match=r"(?s)as you wish.*saver\.so could not be compiled for x86_64"):
        programs.ensure(Steps(output=io.StringIO()), folder, "x86_64", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_image_without_programs_needs_no_compiler(tmp_path: Path) -> None:
    """The gateway's image and those of tests have none."""
    assert programs.ensure(Steps(output=io.StringIO()), tmp_path, "x86_64", tmp_path / "cache") is None
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("sent", [True, False], ids=["sent along", "compiled in the build"])
def test_a_build_puts_programs_in_their_places(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sent: bool
) -> None:
    """It takes what the set-up has sent, or else compiles the same; no source stays."""
    root = tmp_path / "figbox"
    build = root / "build"
    shutil.copytree(folder / "snapshot", build / "snapshot")
    (build / "programs").mkdir()
    shutil.copy(folder / "snapshot" / "compiler.txt", build / "programs")
    module = compile_snapshot()
    for name, place in (("ROOT", root), ("SOURCES", build / "snapshot"), ("PROGRAMS_SENT", build / "programs")):
        monkeypatch.setattr(module, name, place)
    if sent:
        for name in module.PROGRAMS:
            (build / "programs" / name).write_text(name)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was started"))
    module.bake()
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in root.iterdir() if path.is_file()} == {
        "saver.so": 0o644,
        "restorer": 0o755,
    }
    if sent:
        assert (root / "saver.so").read_text() == "saver.so"
    else:
        assert told(root / "saver.so")["sources"] == "/* saver */\n/* shared */\n"
    assert list(build.iterdir()) == []


def test_the_images_lock_has_a_compiler_for_every_host() -> None:
    """One version with the hashes of all its files, and nothing about where they are."""
    text = (FOLDER / "snapshot" / "compiler.txt").read_text()
    assert text.count("==") == 1
    assert text.count("--hash=sha256:") >= 4
    assert "://" not in text
