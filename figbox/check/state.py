"""The last check, kept in a folder of its own, so that `figbox accept` can take what it drew."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from figbox.check.errors import CheckError
from figbox.check.facts import Figure, Inputs
from figbox.check.verdicts import Boxes, Judged, Verdict
from figbox.comparison.described import Box, Finding
from figbox.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FOLDER = ".figbox-check"
VERSION = 1


@dataclass(frozen=True, slots=True)
class LastCheck:
    """What the last check found.

    Attributes:
        base: The git state that it compared with; empty for accepted figures.
        environment: The environment that the command named; empty without.
        figures: What became of each figure.
    """

    base: str
    environment: str
    figures: tuple[Judged, ...]


class State:
    """The folder of the last check: its findings, and the pictures before and after."""

    def __init__(self, root: Path) -> None:
        """Take a project's folder."""
        self.folder = root / FOLDER

    def begin(self) -> None:
        """Forget the last check; raise CheckError if the folder can't be written."""
        if self.folder.is_symlink():
            raise CheckError(f"{self.folder} is a symbolic link")
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n", "utf-8")
        except OSError as error:
            raise CheckError(f"{self.folder} can't be written: {error.strerror}") from error

    def picture(self, half: str, name: str) -> Path:
        """Return where a picture of one half of the check is."""
        return self.folder / half / f"{name}.png"

    def keep(self, half: str, name: str, data: bytes) -> Path:
        """Keep a picture; raise OSError if that fails."""
        path = self.picture(half, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
        return path

    def forget(self, half: str, names: Iterable[str]) -> None:
        """Remove pictures of one half of the check, as far as they are there."""
        for name in names:
            with suppress(OSError):
                self.picture(half, name).unlink()

    def end(self, check: LastCheck) -> None:
        """Keep what the check found, in one step; raise CheckError if that fails."""
        document = {"version": VERSION, **asdict(check)}
        try:
            replace_file(self.folder / "last.json", json.dumps(document, indent=1).encode("utf-8"))
        except OSError as error:
            raise CheckError(f"{self.folder} can't be written: {error.strerror}") from error

    def last(self) -> LastCheck:
        """Return what the last check found; raise CheckError if there is none that ended."""
        try:
            document = json.loads((self.folder / "last.json").read_text("utf-8"))
            if document["version"] != VERSION:
                raise ValueError("it is of another version")  # noqa: TRY301 - the answer is the same
            figures = tuple(_judged(entry) for entry in document["figures"])
            return LastCheck(document["base"], document["environment"], figures)
        except FileNotFoundError:
            raise CheckError("there is nothing to accept yet: run `figbox check` first") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckError(f"the last check can't be read, run `figbox check` again: {error}") from error


def _judged(entry: dict[str, Any]) -> Judged:
    before, after = (_figure(entry[key]) for key in ("before", "after"))
    words: Sequence[str] = entry["words"]
    return Judged(
        entry["name"],
        entry["source"],
        Verdict(entry["verdict"]),
        before,
        after,
        entry["note"],
        entry["rms"],
        tuple(words),
        tuple(Boxes(_box(boxes["before"]), _box(boxes["after"])) for boxes in entry.get("boxes", ())),
        tuple(map(_finding, entry.get("findings", ()))),
        entry.get("alt_text", ""),
    )


def _box(entry: dict[str, float] | None) -> Box | None:
    return Box(**entry) if entry is not None else None


def _finding(entry: dict[str, Any]) -> Finding:
    return Finding(**{**entry, "axes": tuple(entry["axes"]), "box": _box(entry["box"])})


def _figure(entry: dict[str, Any] | None) -> Figure | None:
    return Figure(**{**entry, "inputs": Inputs(**entry["inputs"])}) if entry is not None else None
