"""Checks as they are kept, of any figures, to be shown by reports without a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from figbox.check.facts import Figure, Inputs
from figbox.check.pictures import look_at
from figbox.check.verdicts import Judged, Verdict
from figbox.cli.batch.results import Result, Status
from figbox.cli.batch.scripts import Script
from figbox.cli.check.flow import Checked
from figbox.errors import RenderFailed

CODE = {"before": "12" * 32, "after": "34" * 32}


@dataclass
class Stored:
    """A check that is put together figure by figure.

    Attributes:
        folder: Where pictures are kept.
        base: The commit that it compared with.
    """

    folder: Path
    base: str = ""
    figures: list[Judged] = field(default_factory=list)
    pictures: dict[str, tuple[Path | None, Path | None]] = field(default_factory=dict)
    latest: dict[str, Result] = field(default_factory=dict)

    def add(
        self, name: str, verdict: Verdict, before: bytes | None = None, after: bytes | None = None, **told: Any
    ) -> None:
        """Add a figure with PNG files of both sides; what is told are attributes of `Judged`."""
        figures: dict[str, Figure | None] = {}
        paths: dict[str, Path | None] = {}
        for side, data in (("before", before), ("after", after)):
            figures[side] = self._figure(name, side, data) if data is not None else None
            paths[side] = self._kept(side, data) if data is not None else None
        self.figures.append(Judged(name, name, verdict, figures["before"], figures["after"], **told))
        self.pictures[name] = (paths["before"], paths["after"])

    def add_failed(self, name: str, message: str, **told: Any) -> None:
        """Add a source whose code failed; what is told are attributes of `RenderFailed`."""
        self.add(name, Verdict.FAILED, note=message.rpartition("\n")[2])
        script = Script(Path(name), name, PurePosixPath(name))
        error = RenderFailed(message, outcome="program_error", **told)
        self.latest[name] = Result(script, Status.FAILED, error=error)

    def checked(self) -> Checked:
        """Return the check."""
        figures = tuple(sorted(self.figures, key=lambda judged: judged.name))
        return Checked(self.base, figures, tuple(self.latest.values()), self.pictures, self.latest)

    def _figure(self, name: str, side: str, data: bytes) -> Figure:
        seen = look_at(data)
        inputs = Inputs(CODE[side], "", "seed=0")
        return Figure(name, name, 1, seen.digest, seen.width_px, seen.height_px, inputs, "sha256:" + "56" * 32)

    def _kept(self, side: str, data: bytes) -> Path:
        path = self.folder / f"{len(self.figures)}-{side}.png"
        path.write_bytes(data)
        return path
