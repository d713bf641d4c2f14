"""What became of a job, and how the gateway is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from notices import Notice
    from report import Fault

ERROR_LIMIT_BYTES = 64 * 1024
"""The error text as JSON, escapes included."""
NOTICES_LIMIT_BYTES = 128 * 1024
"""All warnings as JSON; whole ones only."""
END_LIMIT_BYTES = 256 * 1024
"""The whole E frame; the gateway reads no more than twice that."""

encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Taken before the program runs, which may put anything in the place of json's own functions."""


class Drawn(NamedTuple):
    """A figure in one format; ``number`` is 0 for one that pyplot doesn't know."""

    number: int
    label: str
    format: str
    data: bytes
    pixels_sha256: str | None = None


class Verdict(NamedTuple):
    """What became of a job; there are pictures exactly when the outcome is ``ok``."""

    outcome: str
    pictures: Sequence[Drawn] = ()
    error: str = ""
    fault: Fault | None = None
    figures_drawn: int = 0


def encode_head(picture: Drawn) -> bytes:
    """Description of a picture, as JSON."""
    return compact(
        {
            "figure": picture.number,
            "label": picture.label,
            "format": picture.format,
            "pixels_sha256": picture.pixels_sha256,
        }
    )


def encode_end(verdict: Verdict, notices: Sequence[Notice] = (), *, files_left_out: bool = False) -> bytes:
    """JSON of the E frame; its parts are cut so that the whole holds its limit."""
    document: dict[str, Any] = {"outcome": verdict.outcome}
    if verdict.error:
        document["error"] = shortened(verdict.error)
    if verdict.fault is not None:
        document["fault"] = verdict.fault._asdict()
    if verdict.outcome == "no_figure":
        document["figures_drawn"] = verdict.figures_drawn
    if notices:
        document["notices"] = fitting(notices)
    if files_left_out:
        document["files_left_out"] = True
    return compact(document)


def compact(document: Any) -> bytes:
    """JSON as UTF-8; lone surrogates, which file names and the code itself can bring, become question marks."""
    return encode_json(document).encode("utf-8", "replace")


def fitting(notices: Sequence[Notice]) -> list[Notice]:
    """The first warnings, as far as there is room for them."""
    kept: list[Notice] = []
    room = NOTICES_LIMIT_BYTES
    for notice in notices:
        room -= len(compact(notice)) + 1
        if room < 0:
            break
        kept.append(notice)
    return kept


def shortened(text: str) -> str:
    """Text that is at most ERROR_LIMIT_BYTES of JSON; of a long one the end is kept."""
    # Replaced here and not while encoding, so that lengths are what they will be.
    whole = text.encode("utf-8", "replace").decode()
    kept = whole[-ERROR_LIMIT_BYTES:]
    if len(kept) == len(whole) and len(compact(kept)) <= ERROR_LIMIT_BYTES:
        return kept
    while True:
        told = f"[shortened: the first {len(whole) - len(kept)} characters are left out]\n{kept}"
        excess = len(compact(told)) - ERROR_LIMIT_BYTES
        if excess <= 0:
            return told
        # JSON writes a character as six bytes at most, so this never cuts more than it must.
        kept = kept[max(1, excess // 6) :]
