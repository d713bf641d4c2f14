"""Whether runners start from snapshots: what a running gateway says of it, else what the engine keeps.

Source: docs/operations.md, "Readiness"; Docker Engine API, `GET /images/json`.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from bootstrap.doctor.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Label of images with a snapshot; they inherit those of the runner image.
LABEL = "figbox.snapshot"

TIMEOUT_S = 5.0

#: Bytes of a response that are read, and characters of a text in it that are shown: anything may listen there.
RESPONSE_LIMIT = 1 << 16
TEXT_LIMIT = 200

#: What a gateway gives as the reason until it has made its first snapshot.
MAKING = "a snapshot is being made"

REMEDY = "Pictures are the same, but more time passes before a job. See docs/snapshot.md."


def ask_gateway(host: str, port: str) -> dict[str, Any] | None:
    """Return what the gateway at an address says of its environments' runners; None if it says nothing."""
    if not port.isdecimal():
        return None
    connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        document = json.loads(connection.getresponse().read(RESPONSE_LIMIT))
    except (OSError, OverflowError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    said = document.get("warm_start") if isinstance(document, dict) else None
    return said if isinstance(said, dict) else None


def judge(said: dict[str, Any] | None, kept: int, wanted: str) -> Iterator[Finding]:
    """Judge how runners start.

    Args:
        said: What a gateway says, by environment; None without one.
        kept: Images with a snapshot on the engine.
        wanted: The setting FIGBOX_WARM_START; empty for the default.
    """
    if said is None and wanted == "import":
        yield Finding("snapshot", Level.OK, "runners import their libraries, since FIGBOX_WARM_START is import")
    elif said is None:
        snapshots = {0: "no snapshot", 1: "one snapshot"}.get(kept, f"{kept} snapshots")
        what = f"no ready gateway says whether runners start from snapshots; the engine keeps {snapshots} of this image"
        yield Finding("snapshot", Level.OK, what)
    for environment, how in (said or {}).items():
        yield _judge(_shown(environment), how if isinstance(how, dict) else {})


def _judge(environment: str, how: dict[str, Any]) -> Finding:
    name, reason = f"snapshot.{environment}", _shown(how.get("reason") or "")
    if how.get("way") == "snapshot":
        return Finding(name, Level.OK, f"runners of {environment} start from a snapshot")
    what = f"runners of {environment} import their libraries" + (f": {reason}" if reason else "")
    if reason in {"", MAKING}:
        return Finding(name, Level.OK, what)
    return Finding(name, Level.WARN, what, REMEDY)


def _shown(text: object) -> str:
    return "".join(filter(str.isprintable, str(text)))[:TEXT_LIMIT]
