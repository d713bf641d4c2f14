"""What is sent of each script: its code, the data files that it needs, and its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from figbox.cli.batch.data import files_beside, read_files
from figbox.cli.batch.scripts import read_script
from figbox.cli.exits import ScriptProblem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from figbox.cli.batch.scripts import Script
    from figbox.options import Options


@dataclass(frozen=True, slots=True)
class Sent:
    """What is sent of a script: its code, data files by name, and the options without these."""

    code: str
    files: Mapping[str, bytes]
    options: Options


class Wanted(Protocol):
    """What is wanted of the scripts.

    Attributes:
        formats: The formats in the options of each script, at least one.
        keep_files: Whether files that the code wrote are kept.
        document: Whether what the service said of the figures is kept.
    """

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats."""

    @property
    def keep_files(self) -> bool:
        """Whether files are kept."""

    @property
    def document(self) -> bool:
        """Whether what was said is kept."""

    def sent(self, script: Script) -> Sent:
        """Return what is sent of a script. Raises `ScriptProblem`."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The same for every script.

    Attributes:
        formats: The formats in `options`, at least one.
        keep_files: Whether files that the code wrote are kept.
        beside: Whether data files beside a script are sent along.
        named: More data files, by name.
        data_limit_bytes: Largest size of a script's data files together.
        document: Whether what the service said of the figures is kept.
    """

    options: Options
    formats: tuple[str, ...]
    keep_files: bool
    beside: bool
    named: Mapping[str, Path]
    data_limit_bytes: int
    document: bool = False

    def sent(self, script: Script) -> Sent:
        """Return a script with the data files that it needs. Raises `ScriptProblem`."""
        return what_is_sent(script, self.options, self.named, self.data_limit_bytes, beside=self.beside)


def what_is_sent(
    script: Script, options: Options, named: Mapping[str, Path], data_limit_bytes: int, *, beside: bool
) -> Sent:
    """Return a script with the data files that it needs.

    Args:
        script: The script.
        options: Its options.
        named: Files that are sent along in any case, by name.
        data_limit_bytes: Largest size of its data files together.
        beside: Whether those beside it are sent along.

    Raises:
        ScriptProblem: It can't be read or sent.
    """
    code = read_script(script)
    try:
        found = files_beside(script, code) if beside else {}
    except OSError as error:
        raise ScriptProblem(f"the files beside it can't be read: {error.strerror}") from error
    return Sent(code, read_files({**found, **named}, data_limit_bytes), options)
