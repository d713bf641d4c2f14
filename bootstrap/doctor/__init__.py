"""A check of the host: what Figbox needs there, what is missing, and how to fix it.

Nothing is changed; the containers of the self-test are removed again.

Modelled on `isolate-check-environment`. Reading (a file, the engine's description, the clock) is apart from judging, so
that tests can judge any reading.
"""

from __future__ import annotations

import http
import json
import sys
import time
import urllib.parse
from typing import TYPE_CHECKING

from bootstrap import dotenv, engine
from bootstrap.doctor import access, daemon, host, image, sandbox, snapshots
from bootstrap.doctor.findings import Finding, Level, document, worst
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CANNOT_WORK", "examine", "report"]

#: Exit code when a finding is bad; with warnings it is 0. 1 is left for errors of the program itself.
CANNOT_WORK = 2

SUMMARIES = {
    Level.OK: "Figbox can work here.",
    Level.WARN: "Figbox can work here; the warnings say what could be better.",
    Level.BAD: "Figbox can't work here, or not safely: follow the remedies of what is marked bad.",
}


def report(root: Path, tag: str, *, as_json: bool) -> int:
    """Print all findings about the host of a checkout, as lines or one JSON document; return the exit code."""
    findings = []
    for finding in examine(root, tag):
        findings.append(finding)
        if not as_json:
            print(finding.text(), flush=True)
    if as_json:
        json.dump(document(findings), sys.stdout, indent=1)
        print()
    else:
        print(f"\n{SUMMARIES[worst(findings)]}")
    return CANNOT_WORK if worst(findings) is Level.BAD else 0


def examine(root: Path, tag: str) -> Iterator[Finding]:
    """Yield the findings one by one; see `report` for the arguments."""
    yield from host.examine(root)
    try:
        address = engine.meant()
        version = engine.ask(address.socket, "/version")
        info = engine.ask(address.socket, "/info")
        described = _image(address.socket, tag)
        kept = _count_snapshots(address.socket, tag)
    except SetupError as error:
        yield Finding("engine", Level.BAD, "the engine can't be asked", str(error))
        return
    except engine.EngineSilentError as error:
        what = f"the engine doesn't respond at {address.socket}: {error}"
        yield Finding("engine", Level.BAD, what, "Start it, or let `make engine` try.")
        return
    yield Finding("engine", Level.OK, f"the engine responds at {address.socket}")
    yield access.judge(address.socket, access.look(address.socket))
    yield from daemon.versions(version, info)
    yield from daemon.limits(info, daemon.swaps_here(info))
    yield from daemon.isolation(info)
    yield from daemon.runtimes(info, dotenv.value(root / ".env", "FIGBOX_RUNTIME"))
    yield from daemon.disk_space(info)
    if daemon.is_here(info):
        yield from host.kernel_switches()
    yield from image.judge(tag, described, time.time())
    if described is not None:
        yield sandbox.judge(root / ".venv" / "bin" / "python", root)
    said = snapshots.ask_gateway(*host.address(root))
    yield from snapshots.judge(said, kept, dotenv.value(root / ".env", "FIGBOX_WARM_START"))
    made = [
        ("the engine was built", str(version.get("BuildTime") or "")),
        ("the runner image was made", str((described or {}).get("Created") or "")),
    ]
    yield host.clock(time.time(), made, str(info.get("SystemTime") or ""))


def _image(socket: Path, tag: str) -> dict[str, object] | None:
    status, body = engine.request(socket, "GET", f"/images/{urllib.parse.quote(tag, safe='/:@')}/json")
    return dict(json.loads(body)) if status == http.HTTPStatus.OK else None


def _count_snapshots(socket: Path, tag: str) -> int:
    filters = json.dumps({"label": [snapshots.LABEL, f"{image.TAG_LABEL}={tag}"]})
    return len(engine.ask(socket, f"/images/json?{urllib.parse.urlencode({'filters': filters})}"))
