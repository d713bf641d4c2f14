"""The compiler that the lock names: what it makes of programs in C, for both processors, and what it refuses."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import elf
from tests.support.compiler import FOLDER, compile_snapshot
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

ARCHITECTURES = ("x86_64", "aarch64")
SNAPSHOT = FOLDER / "snapshot"

RESTORER_BASES = {"x86_64": 0x6000_0000_0000, "aarch64": 0xD000_0000_0000}

#: What `saver.so` may expect of the Python that loads it, if it is there.
EXPECTED = {
    *("_r_debug", "__curbrk", "__rseq_offset", "__rseq_size", "__rseq_flags"),
    *("_thread_db_sizeof_pthread", "_thread_db_pthread_tid"),
}

SHARED = """\
#include <stddef.h>

void *memcpy(void *restrict target, const void *restrict source, size_t bytes)
{
    unsigned char *to = target;
    const unsigned char *from = source;
    while (bytes--)
        *to++ = *from++;
    return target;
}
"""
SAVER = """\
#include <stddef.h>
#include <stdint.h>

extern void *__curbrk __attribute__((weak));
extern const ptrdiff_t __rseq_offset __attribute__((weak));

__attribute__((visibility("default"))) int64_t figbox_example(void);

int64_t figbox_example(void)
{
    return (&__curbrk ? (intptr_t)__curbrk : 0) + (&__rseq_offset ? __rseq_offset : 0);
}
"""
#: Takes addresses of data and of functions, copies by a call of memcpy, and has much zeroed memory.
RESTORER = """\
struct big {
    long words[64];
};

static struct big one = {{42}}, two;
static char zeroed[1 << 20];
static long answer(void) { return two.words[0] + zeroed[sizeof zeroed - 1]; }
static long (*const volatile answers[])(void) = {answer};

__attribute__((noreturn, used)) void run(void);

#if defined(__x86_64__)
__asm__(".globl _start\\n_start: and $-16, %rsp\\n call run\\n");
#else
__asm__(".globl _start\\n_start: bl run\\n");
#endif

void run(void)
{
    two = one;
    long status = answers[0]();
#if defined(__x86_64__)
    __asm__ volatile("syscall" : : "a"(231L), "D"(status) : "rcx", "r11", "memory");
#else
    register long x8 __asm__("x8") = 94;
    register long x0 __asm__("x0") = status;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8) : "memory");
#endif
    __builtin_unreachable();
}
"""
EXAMPLES = {"copy.c": SHARED, "saver.c": SAVER, "restorer.c": RESTORER}


class Compiler:
    """The compiler that the lock names.

    Args:
        folder: Where it is unpacked.
    """

    def __init__(self, folder: Path) -> None:
        self._module: Any = compile_snapshot()
        self._program: Path = self._module.fetch(SNAPSHOT / self._module.LOCK, folder)

    def compile(self, sources: Path, architecture: str, target: Path) -> dict[str, elf.Elf]:
        """Compile all programs of a folder, and return them by their names."""
        target.mkdir()
        self._module.compile_all(self._program, sources, architecture, target)
        assert {path.name for path in target.iterdir()} == set(self._module.present(sources))
        return {path.name: elf.Elf(path) for path in target.iterdir()}

    def forget(self) -> None:
        """Remove what it keeps from one compilation to the next."""
        shutil.rmtree(self._program.parent / "cache", ignore_errors=True)


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compiler]:
    """Return the compiler, which is fetched and removed again."""
    folder = tmp_path_factory.mktemp("compiler")
    yield Compiler(folder)
    shutil.rmtree(folder)


@pytest.fixture(params=["examples", "the image's"])
def sources(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with programs."""
    return written(tmp_path / "sources", EXAMPLES) if request.param == "examples" else SNAPSHOT


def written(folder: Path, files: dict[str, str]) -> Path:
    """Write files into a new folder."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_programs_are_what_they_must_be(compiler: Compiler, sources: Path, tmp_path: Path, architecture: str) -> None:
    """The restorer is static and at its place, the saver needs and shows little; no memory is written and executed."""
    programs = compiler.compile(sources, architecture, tmp_path / "programs")
    for name, program in programs.items():
        assert program.machine == architecture
        both = elf.MAY_WRITE | elf.MAY_EXECUTE
        assert not [segment for segment in program.segments if segment.flags & both == both]
        assert [segment.flags & elf.MAY_EXECUTE for segment in program.of(elf.STACK)] == [0]
        assert not program.of(elf.INTERPRETER)
        told = program.dynamic()
        assert elf.NEEDED not in told
        assert elf.TEXT_RELOCATIONS not in told
        assert not told.get(elf.DYNAMIC_FLAGS, 0) & elf.FLAG_TEXT_RELOCATIONS
        assert program.symbol_tables() == ({"DYNSYM"} if name == "saver.so" else set())
    if saver := programs.get("saver.so"):
        assert saver.kind == elf.SHARED_OBJECT
        symbols = saver.symbols()
        assert all(symbol.name.startswith("figbox_") for symbol in symbols if symbol.is_defined)
        assert any(symbol.is_defined for symbol in symbols)
        expected = [symbol for symbol in symbols if not symbol.is_defined]
        assert {symbol.name for symbol in expected} <= EXPECTED
        assert all(symbol.is_weak for symbol in expected)
    if restorer := programs.get("restorer"):
        assert restorer.kind == elf.EXECUTABLE
        assert not restorer.of(elf.DYNAMIC)
        base = RESTORER_BASES[architecture]
        places = [segment.address for segment in restorer.of(elf.LOAD)]
        assert min(places) == base
        assert max(places) < base + (1 << 30)
        assert restorer.entry > base


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_sources_give_the_same_bytes(
    compiler: Compiler, sources: Path, tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the folder nor the host's variables, nor what the compiler remembers, get into a program."""
    compiler.compile(sources, architecture, tmp_path / "first")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in sources.iterdir():
        (elsewhere / path.name).write_bytes(path.read_bytes())
    for name in ("HOME", "CPATH", "C_INCLUDE_PATH", "ZIG_LIB_DIR", "SOURCE_DATE_EPOCH", "CCC_OVERRIDE_OPTIONS"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    compiler.forget()
    compiler.compile(elsewhere, architecture, tmp_path / "second")
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ARCHITECTURES, reason="the example runs on Linux alone"
)
def test_a_program_at_that_place_runs(compiler: Compiler, tmp_path: Path) -> None:
    """The kernel loads a program so far up, and its addresses are right there."""
    sources = written(tmp_path / "sources", EXAMPLES)
    compiler.compile(sources, platform.machine(), tmp_path / "programs")
    done = subprocess.run([tmp_path / "programs" / "restorer"], timeout=slowed(10), check=False)
    assert done.returncode == 42


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(SAVER + "static int unused(void) { return 1; }\n", "unused function", id="a warning"),
        pytest.param("#include <stdio.h>\n" + SAVER, "'stdio.h' file not found", id="a header of a C library"),
        pytest.param(
            "int puts(const char *);\n" + SAVER.replace("return (", 'return puts("x") + ('),
            "undefined symbol: puts",
            id="a function of a C library",
        ),
    ],
)
def test_what_is_refused(
    compiler: Compiler, tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    """A warning stops the set-up, and so does everything that a C library would have to give."""
    sources = written(tmp_path / "sources", {"saver.c": text})
    with pytest.raises(SystemExit, match=r"saver\.so could not be compiled"):
        compiler.compile(sources, "x86_64", tmp_path / "programs")
    assert why in capfd.readouterr().err
