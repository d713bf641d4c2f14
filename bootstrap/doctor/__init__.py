"""Looks at the host and says what Figbox lacks there, with a remedy for each; changes nothing.

Modelled on `isolate-check-environment`. The modules read (a file, the engine's answer, the clock) in one place and
judge what was read in another, so that every judgement can be tried with any reading.
"""

from __future__ import annotations

import http
import json
import sys
import urllib.parse
from typing import TYPE_CHECKING

from bootstrap import dotenv, engine
from bootstrap.doctor import access, daemon, host, image
from bootstrap.doctor.findings import Finding, Level, document, verdict
from bootstrap.doctor.host import DEFAULT_PORT
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CANNOT_WORK", "DEFAULT_PORT", "examine", "report"]

CANNOT_WORK = 2
"""Exit code when a finding is bad; 0 otherwise, also with warnings. 1 means what it means for every program."""

SUMMARIES = {
    Level.OK: "Figbox can work here.",
    Level.WARN: "Figbox can work here; the warnings say what could be better.",
    Level.BAD: "Figbox can't work here as it is, or not safely: follow the remedies marked bad.",
}


def report(root: Path, tag: str, *, as_json: bool) -> int:
    """Print all findings about the host for the checkout at `root`; give the exit code.

    Args:
        root: The checkout.
        tag: Name of its runner image.
        as_json: One JSON document for machines instead of lines for people.
    """
    findings = []
    for finding in examine(root, tag):
        findings.append(finding)
        if not as_json:
            print(finding.text(), flush=True)
    if as_json:
        json.dump(document(findings), sys.stdout, indent=1)
        print()
    else:
        print(f"\n{SUMMARIES[verdict(findings)]}")
    return CANNOT_WORK if verdict(findings) is Level.BAD else 0


def examine(root: Path, tag: str) -> Iterator[Finding]:
    """Look at everything, one finding after the other; see `report` for the arguments."""
    yield from host.examine(root)
    try:
        address = engine.meant()
        version = engine.ask(address.socket, "/version")
        info = engine.ask(address.socket, "/info")
        described = _image(address.socket, tag)
    except SetupError as exc:
        yield Finding("engine", Level.BAD, "no engine can be asked", str(exc))
        return
    except engine.EngineSilentError as exc:
        what = f"no engine answers at {address.socket}: {exc}"
        yield Finding("engine", Level.BAD, what, "Start it, or let `make engine` try.")
        return
    yield Finding("engine", Level.OK, f"an engine answers at {address.socket}")
    yield access.judge(address.socket, access.look(address.socket))
    yield from daemon.versions(version, info)
    yield from daemon.limits(info, daemon.swaps_here(info))
    yield from daemon.walls(info)
    yield from daemon.runtimes(info, dotenv.value(root / ".env", "FIGBOX_RUNTIME"))
    yield from daemon.room(info)
    if daemon.is_here(info):
        yield from host.kernel_switches()
    yield from image.judge(tag, described, host.now())
    made = [("the engine was built", str(version.get("BuildTime") or ""))]
    made += [("the runner image was made", str((described or {}).get("Created") or ""))]
    yield host.clock(host.now(), made, str(info.get("SystemTime") or ""))


def _image(socket: Path, tag: str) -> dict[str, object] | None:
    status, body = engine.request(socket, "GET", f"/images/{urllib.parse.quote(tag, safe='/:@')}/json")
    return dict(json.loads(body)) if status == http.HTTPStatus.OK else None
