"""Compiles the image's programs in C (snapshot/) with a compiler from a package, for the set-up and for image builds.

The set-up runs this on the host, with arguments, for the engine's processor, and sends the programs along: in the
build they only get their places. Where an image is built without the set-up (`docker compose build`), they are compiled
there. Either way pip fetches the compiler and checks it by the same lock, nothing of it stays, and the same sources
give the same bytes.

The programs use no C library: `saver.so` is loaded into a Python that it must not change, `restorer` must be apart from
everything that this Python had mapped, and `supervisor` is in every container's memory.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

#: Where an image's build has the sources; and what the set-up has compiled, beside the compiler's lock.
SOURCES, PROGRAMS_SENT = HERE / "snapshot", HERE / "programs"
LOCK = "compiler.txt"

#: What is needed of the compiler's package, a hundredth of its files: the program, its headers, and what it finds them
#: by. To unpack and remove all of it took a minute on a busy machine, this takes 4 seconds.
NEEDED = ("ziglang/zig", "ziglang/lib/include/", "ziglang/lib/std/std.zig")

#: Where the restorer is linked, the RESTORER_START of snapshot/format.h.
RESTORER_BASES = {"x86_64": 0x6000_0000_0000, "aarch64": 0xD000_0000_0000}

FLAGS = (
    *("-std=c11", "-O2", "-g0", "-Wall", "-Wextra", "-Wpedantic", "-Werror"),
    # No C library, neither its functions nor its headers; and a loop isn't taken for memcpy inside memcpy itself.
    *("-ffreestanding", "-fno-builtin", "-nostdlib", "-nostdlibinc"),
    "-fno-stack-protector",  # the canary is found by the thread pointer, which changes while the programs run
    "-fno-strict-aliasing",  # they read and write the memory of others
    *("-fno-sanitize=all", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    "-fPIC",  # other code has addresses of 32 bits, out of the restorer's range
    *("-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"),
    # What is undefined must be weak: a call of memcpy that the compiler has made up is an error.
    *("-Wl,-z,defs", "-Wl,-z,noexecstack", "-Wl,--build-id=none", "-s"),
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the image.

    Attributes:
        source: Its file; those that belong to no program are part of each.
        flags: In addition to those of all programs; `{base}` stands for the restorer's.
        mode: The permissions it gets in the image.
    """

    source: str
    flags: tuple[str, ...]
    mode: int


PROGRAMS = {
    "saver.so": Program("saver.c", ("-shared",), 0o644),
    "restorer": Program("restorer.c", ("-static", "-no-pie", "-Wl,--image-base={base:#x}"), 0o755),
    "supervisor": Program("supervisor.c", ("-static", "-no-pie"), 0o755),
}


def present(sources: Path) -> dict[str, Program]:
    """Return the programs whose source is in a folder."""
    return {name: program for name, program in PROGRAMS.items() if (sources / program.source).is_file()}


def command(name: str, sources: Path, architecture: str, target: Path) -> list[str]:
    """Return the compiler's arguments for a program, to be run in the folder of the sources.

    Args:
        name: Of the program.
        sources: Where its source is, and those that all programs share.
        architecture: What the program is for: x86_64 or aarch64.
        target: Folder for the program.
    """
    program = PROGRAMS[name]
    own = {other.source for other in PROGRAMS.values()}
    shared = sorted(path.name for path in sources.glob("*.c") if path.name not in own)
    files = [program.source, *shared]  # relative, so that no folder's name gets into the program
    flags = [flag.format(base=RESTORER_BASES[architecture]) for flag in program.flags]
    return ["cc", "-target", f"{architecture}-linux-musl", *FLAGS, *flags, "-o", str(target / name), *files]


def fetch(lock: Path, folder: Path) -> Path:
    """Fetch the compiler for this machine by its lock, unpack what is needed of it, and return its program."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--dest", str(folder), "--requirement", str(lock)]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit(
            f"The compiler ({lock.name}) could not be fetched: there is no pip, or it reaches no package index. In the "
            "build of an image that is often so; `make images` does it on the host instead."
        )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(NEEDED)])
    wheel.unlink()
    program = folder / NEEDED[0]
    program.chmod(0o755)
    return program


def compile_all(compiler: Path, sources: Path, architecture: str, target: Path) -> None:
    """Compile the programs whose sources are in a folder.

    Args:
        compiler: The compiler's program; what it keeps for itself goes beside it.
        sources: Folder of the sources.
        architecture: What the programs are for: x86_64 or aarch64.
        target: Folder for the programs.
    """
    cache = str(compiler.parent / "cache")
    # Nothing else: variables of the host could change what is compiled.
    environment = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    for name in present(sources):
        line = [str(compiler), *command(name, sources, architecture, target)]
        if subprocess.run(line, cwd=sources, env=environment, check=False).returncode != 0:
            raise SystemExit(f"{name} could not be compiled for {architecture}.")
        print(f"compiled {name} for {architecture}: {(target / name).stat().st_size} bytes", flush=True)


def make(sources: Path, lock: Path, architecture: str, target: Path) -> None:
    """Compile the programs into a folder, with a compiler that is there only meanwhile."""
    with tempfile.TemporaryDirectory(dir=target) as folder:
        compile_all(fetch(lock, Path(folder)), sources, architecture, target)


def bake() -> None:
    """Put the programs into /opt/figbox; compile them first if the set-up hasn't sent them. Remove the sources."""
    programs = present(SOURCES)
    if not all((PROGRAMS_SENT / name).is_file() for name in programs):
        print("no programs were sent: compiling them", flush=True)
        make(SOURCES, PROGRAMS_SENT / LOCK, platform.machine(), PROGRAMS_SENT)
    for name, program in programs.items():
        shutil.copyfile(PROGRAMS_SENT / name, ROOT / name)
        (ROOT / name).chmod(program.mode)
        print(f"{ROOT / name}: mode {program.mode:o}")
    for folder in (SOURCES, PROGRAMS_SENT):
        shutil.rmtree(folder)


if __name__ == "__main__":
    if sys.argv[1:]:
        sources, architecture, target = sys.argv[1:]
        make(Path(sources).resolve(), Path(sources, LOCK), architecture, Path(target).resolve())
    else:
        bake()
