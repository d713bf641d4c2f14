"""What became of a job, and how the launcher is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collect.shown_warnings import ShownWarning
    from elsewhere.pasted import Note
    from explain.noted import SavedFigure
    from report import ProgramError

#: The error text as JSON, escapes included.
ERROR_LIMIT_BYTES = 64 * 1024

#: All warnings as JSON; whole ones only.
WARNINGS_LIMIT_BYTES = 128 * 1024

#: The whole E frame; the launcher reads no more than twice that.
END_LIMIT_BYTES = 256 * 1024

#: The launcher takes no larger number of pixels.
PIXELS_LIMIT = 2**53

#: Taken before the program runs, which may replace json's own functions.
encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Picture(NamedTuple):
    """A figure in one format; ``number`` is 0 for one that pyplot doesn't know."""

    number: int
    label: str
    format: str
    data: bytes
    pixels_sha256: str | None = None


class Result(NamedTuple):
    """What became of a job; there are pictures exactly when the outcome is ``ok``.

    Attributes:
        pixels: How many a picture has, if they are too many.
        notes: What was done to the code before it compiled.
        remarks: What is to be said of the pictures; warnings that the program can't filter.
        saved: The figures, if they are to be explained.
    """

    outcome: str
    pictures: Sequence[Picture] = ()
    error: str = ""
    program_error: ProgramError | None = None
    figures_drawn: int = 0
    figures_left_out: bool = False
    pixels: int = 0
    notes: Sequence[Note] = ()
    remarks: Sequence[str] = ()
    saved: Sequence[SavedFigure] = ()


def encode_head(picture: Picture) -> bytes:
    """Return the description of a picture as JSON."""
    number, label, kind, _, digest = picture
    return compact({"figure": number, "label": label, "format": kind, "pixels_sha256": digest})


def encode_end(result: Result, warnings: Sequence[ShownWarning] = (), *, files_left_out: bool = False) -> bytes:
    """Return the JSON of the E frame; its parts are cut so that the whole keeps its limit."""
    document: dict[str, Any] = {"outcome": result.outcome}
    if result.error:
        document["error"] = shortened(result.error)
    if result.program_error is not None:
        document["fault"] = result.program_error._asdict()
    if result.outcome == "no_figure":
        document["figures_drawn"] = result.figures_drawn
    if result.outcome == "invalid_output":
        document["pixels"] = min(result.pixels, PIXELS_LIMIT)
    if warnings:
        document["notices"] = fitting(warnings)
    if files_left_out:
        document["files_left_out"] = True
    if result.figures_left_out:
        document["figures_left_out"] = True
    return compact(document)


def compact(document: Any) -> bytes:
    """Return JSON as UTF-8; lone surrogates, from file names or the code itself, become question marks."""
    return encode_json(document).encode("utf-8", "replace")


def fitting(warnings: Sequence[ShownWarning]) -> list[ShownWarning]:
    """Return the first warnings, as many as there is room for."""
    kept: list[ShownWarning] = []
    room = WARNINGS_LIMIT_BYTES
    for warning in warnings:
        room -= len(compact(warning)) + 1
        if room < 0:
            break
        kept.append(warning)
    return kept


def shortened(text: str, limit_bytes: int = ERROR_LIMIT_BYTES) -> str:
    """Return text that is no longer than a limit as JSON; of a longer one the end is kept."""
    # Cut first: a text may be as large as the memory that is left. Replaced here and not while encoding, character by
    # character, so that lengths are what they will be.
    kept = text[-limit_bytes:].encode("utf-8", "replace").decode()
    if len(kept) == len(text) and len(compact(kept)) <= limit_bytes:
        return kept
    while True:
        told = f"[shortened: the first {len(text) - len(kept)} characters are left out]\n{kept}"
        excess = len(compact(told)) - limit_bytes
        if excess <= 0:
            return told
        # JSON writes a character as six bytes at most, so this never cuts more than it must.
        kept = kept[max(1, excess // 6) :]
