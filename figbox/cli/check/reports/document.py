"""The report of `figbox check --json`: everything about a check except the pictures themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from figbox.check.verdicts import Judged, counts
from figbox.cli.report import script_entry

if TYPE_CHECKING:
    from pathlib import Path

    from figbox.check.facts import Figure
    from figbox.cli.check.flow import Checked


def report(url: str, checked: Checked, seconds: float) -> dict[str, Any]:
    """Return the report as JSON values."""
    of_each = {verdict.value.replace(" ", "_"): count for verdict, count in counts(checked.figures).items()}
    return {
        "service": url,
        "base": checked.base or None,
        "summary": {"figures": len(checked.figures), **of_each, "seconds": round(seconds, 3)},
        "figures": [_judged(judged, *checked.pictures[judged.name]) for judged in checked.figures],
        "scripts": [script_entry(result) for result in checked.results],
    }


def _judged(judged: Judged, before: Path | None, after: Path | None) -> dict[str, Any]:
    return {
        "name": judged.name,
        "source": judged.source,
        "verdict": judged.verdict.value,
        "note": judged.note,
        "rms": judged.rms,
        "words": list(judged.words),
        "boxes": [asdict(boxes) for boxes in judged.boxes],
        "findings": [asdict(finding) for finding in judged.findings],
        "alt_text": judged.alt_text,
        "before": _figure(judged.before, before),
        "after": _figure(judged.after, after),
    }


def _figure(figure: Figure | None, path: Path | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "path": str(path) if path is not None else None,
        "picture": figure.picture,
        "width_px": figure.width_px,
        "height_px": figure.height_px,
        "code": figure.inputs.code,
        "data": figure.inputs.data,
        "options": figure.inputs.options,
        "image": figure.image,
    }
