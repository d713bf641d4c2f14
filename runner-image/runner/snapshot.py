"""Saves this process, so that containers begin as it was; see docs/snapshot.md.

What is saved is the memory of a runner that has imported its libraries and has seen no job. A program of its own (see
runner-image/snapshot/) puts it back in each container; this module is where both go on.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import NamedTuple

#: The shared object that writes this process's memory; in the image, it lies beside this file.
SAVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "saver.so")

#: Arguments of the restorer that precede those for us: its own name and the snapshot's.
RESTORER_ARGUMENTS = 2


class NotSaved(Exception):
    """This process can't be saved; the text says why."""


class Restored(NamedTuple):
    """What the engine gave the process that goes on from the snapshot."""

    arguments: list[str]
    environment: dict[str, str]


def save(output: int) -> Restored | None:
    """Write a line with the number of bytes to a descriptor, then that many: this process.

    Returns:
        None when that is done; in each restored process, what is new there.

    Raises:
        NotSaved: It can't be done.
    """
    saver = ctypes.PyDLL(SAVER)
    result = saver.figbox_save(output)
    if result < 0:
        raise NotSaved(ctypes.c_char_p.in_dll(saver, "figbox_error").value.decode())  # type: ignore[union-attr]
    if result == 0:
        return None
    return read_initial_stack(ctypes.c_uint64.in_dll(saver, "figbox_initial_stack").value)


def read_initial_stack(address: int) -> Restored:
    """Read arguments and environment where the kernel has put them.

    Source: System V ABI for x86-64, "Initial Stack and Register State"; aarch64 has the same layout.
    """
    size = ctypes.sizeof(ctypes.c_uint64)
    count = ctypes.c_uint64.from_address(address).value
    arguments = read_texts(address + size)
    environment = read_texts(address + size * (count + 2))
    return Restored(arguments[RESTORER_ARGUMENTS:], dict(text.split("=", 1) for text in environment if "=" in text))


def read_texts(address: int) -> list[str]:
    """Read a list of pointers to texts that ends with a null pointer."""
    texts = []
    while pointer := ctypes.c_uint64.from_address(address).value:
        texts.append(os.fsdecode(ctypes.string_at(pointer)))
        address += ctypes.sizeof(ctypes.c_uint64)
    return texts


def set_arguments(arguments: list[str]) -> None:
    """Let ``sys.argv`` and ``sys.orig_argv`` end with these arguments, in place of the saved process's."""
    saved = len(sys.argv) - 1
    sys.argv[1:] = arguments
    sys.orig_argv[len(sys.orig_argv) - saved :] = arguments
