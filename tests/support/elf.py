"""What an ELF file for 64-bit little-endian Linux says of itself, for tests of what was compiled here.

Source: elf(5), and the gABI for the numbers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MACHINES = {62: "x86_64", 183: "aarch64"}
EXECUTABLE, SHARED_OBJECT = 2, 3
LOAD, DYNAMIC, INTERPRETER, STACK = 1, 2, 3, 0x6474E551
MAY_EXECUTE, MAY_WRITE = 1, 2
NEEDED, TEXT_RELOCATIONS, DYNAMIC_FLAGS, FLAG_TEXT_RELOCATIONS = 1, 22, 30, 4
SYMBOL_TABLE_SECTIONS = {2: "SYMTAB", 11: "DYNSYM"}
WEAK = 2


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int
    memory_size: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol for the dynamic linker."""

    name: str
    is_defined: bool
    is_weak: bool


class Elf:
    """An ELF file.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self._bytes = path.read_bytes()
        if self._bytes[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is not an ELF file of 64 bits, little-endian")
        self.kind, machine, _, self.entry, programs, self._sections = struct.unpack_from("<HHIQQQ", self._bytes, 16)
        self.machine = MACHINES[machine]
        size, count, self._section_size, self._section_count = struct.unpack_from("<4H", self._bytes, 54)
        self.segments = [self._segment(programs + at * size) for at in range(count)]

    def _segment(self, at: int) -> Segment:
        kind, flags, offset, address, _, size, memory_size, _ = struct.unpack_from("<2I6Q", self._bytes, at)
        return Segment(kind, flags, offset, address, size, memory_size)

    def of(self, kind: int) -> list[Segment]:
        """Return the segments of a kind."""
        return [segment for segment in self.segments if segment.kind == kind]

    def dynamic(self) -> dict[int, int]:
        """Return what the dynamic linker is told, by tag."""
        found = {}
        for segment in self.of(DYNAMIC):
            content = self._bytes[segment.offset : segment.offset + segment.size]
            found.update({tag: value for tag, value in struct.iter_unpack("<2Q", content) if tag})
        return found

    def sections(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield kind, offset, size and linked section of each section."""
        for at in range(self._section_count):
            header = struct.unpack_from("<2I4Q2I2Q", self._bytes, self._sections + at * self._section_size)
            yield header[1], header[4], header[5], header[6]

    def symbol_tables(self) -> set[str]:
        """Return which tables of symbols there are."""
        return {SYMBOL_TABLE_SECTIONS[kind] for kind, *_ in self.sections() if kind in SYMBOL_TABLE_SECTIONS}

    def symbols(self) -> list[Symbol]:
        """Return the symbols for the dynamic linker."""
        sections = list(self.sections())
        found = []
        for kind, offset, size, linked in sections:
            if SYMBOL_TABLE_SECTIONS.get(kind) == "DYNSYM":
                names = self._bytes[sections[linked][1] :]
                for at, info, _, section, _, _ in struct.iter_unpack("<I2BH2Q", self._bytes[offset : offset + size]):
                    name = names[at : names.index(b"\0", at)].decode()
                    if name:
                        found.append(Symbol(name, section != 0, info >> 4 == WEAK))
        return found
