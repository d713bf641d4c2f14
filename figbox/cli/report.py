"""The report of `--json`: everything about a run except the pictures and files themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from figbox.cli.batch.results import Result, Status
from figbox.cli.connection import describe
from figbox.errors import BadResponse, Busy, FigboxError, Refused, RenderFailed, Unauthorized, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figbox.model import Figure, Printed, RenderWarning

#: Why a script wasn't rendered, by the error's class, subclasses first.
REASONS: tuple[tuple[type[Exception], str], ...] = (
    (RenderFailed, "code"),
    (Unauthorized, "unauthorized"),
    (Refused, "refused"),
    (Busy, "busy"),
    (Unreachable, "unreachable"),
    (BadResponse, "bad_response"),
    (Exception, "local"),
)


def report(url: str, results: Sequence[Result], seconds: float) -> dict[str, Any]:
    """Return the report as JSON values."""
    counts = {status.value: sum(result.status is status for result in results) for status in Status}
    return {
        "service": url,
        "summary": {"scripts": len(results), **counts, "seconds": round(seconds, 3)},
        "scripts": [script_entry(result) for result in results],
    }


def script_entry(result: Result) -> dict[str, Any]:
    """Return what became of a script as JSON values."""
    entry: dict[str, Any] = {
        "script": result.script.shown,
        "status": result.status.value,
        "outcome": "ok" if result.status is Status.RENDERED else None,
        "seconds": round(result.seconds, 3),
        "data": list(result.data),
        "pictures": [
            {
                "path": str(written.path) if written.path is not None else None,
                "figure": written.figure,
                "format": written.picture.format,
                "width_px": written.picture.width_px,
                "height_px": written.picture.height_px,
                "bytes": written.size_bytes,
                "sha256": written.picture.sha256,
                "pixels_sha256": written.picture.pixels_sha256,
            }
            for written in result.pictures
        ],
        "files": [
            {
                "path": str(written.path) if written.path is not None else None,
                "name": written.file.name,
                "content_type": written.file.content_type,
                "bytes": written.size_bytes,
                "sha256": written.file.sha256,
                "truncated": written.file.truncated,
            }
            for written in result.files
        ],
    }
    if result.render is not None:
        entry |= {
            "request_id": result.render.request_id,
            "cached": result.render.cached,
            "figures_truncated": result.render.figures_truncated,
            **_said(result.render.stdout, result.render.stderr, result.render.warnings),
            "described": [_described(figure) for figure in result.render.figures],
            "manifest": dict(result.render.manifest),
        }
    if result.error is not None:
        entry |= _error(result.error)
    return entry


def _error(error: Exception) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "error": describe(error),
        "reason": next(name for kind, name in REASONS if isinstance(error, kind)),
    }
    if isinstance(error, FigboxError):
        entry["request_id"] = error.request_id
    if isinstance(error, Refused):
        entry["errors"] = [asdict(wrong) for wrong in error.errors]
    if isinstance(error, RenderFailed):
        entry |= {
            "outcome": error.outcome,
            "fault": asdict(error.fault) if error.fault is not None else None,
            "limit": asdict(error.limit) if error.limit is not None else None,
            "signal": error.signal,
            "figures": asdict(error.figures) if error.figures is not None else None,
            "findings": [asdict(finding) for finding in error.findings],
            **_said(error.stdout, error.stderr, error.warnings),
        }
    return entry


def _described(figure: Figure) -> dict[str, Any]:
    return {
        "figure": figure.number,
        "label": figure.label,
        "alt_text": figure.alt_text,
        "description": figure.description,
        "findings": [asdict(finding) for finding in figure.findings],
        "findings_left_out": figure.findings_left_out,
    }


def _said(stdout: Printed, stderr: Printed, warnings: Sequence[RenderWarning]) -> dict[str, Any]:
    return {
        "stdout": asdict(stdout),
        "stderr": asdict(stderr),
        "warnings": [asdict(warning) for warning in warnings],
    }
