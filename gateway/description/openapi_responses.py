"""The parts of `/openapi.json` that many requests share: header fields, and the problems of each status."""

from __future__ import annotations

from typing import Any

from gateway.server.problems import CONTENT_TYPE, PROBLEMS

#: Statuses with `Retry-After`.
_WAITING = (429, 503)

#: Statuses that are possible before a key is known.
_ANONYMOUS = (401, 408, 431, 500)

_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "X-Request-ID": ("Id of this request, here and in the log", {"type": "string", "pattern": "^[0-9a-f]{32}$"}),
    "RateLimit": ("What the key has left (draft-ietf-httpapi-ratelimit-headers)", {"type": "string"}),
    "RateLimit-Policy": ("What the key may use at all, likewise", {"type": "string"}),
    "WWW-Authenticate": ("How to give a key (RFC 9110, 11.6.1)", {"type": "string"}),
    "Retry-After": ("Seconds to wait before trying again", {"type": "integer", "minimum": 1}),
    "Server-Timing": ("Milliseconds by stage (w3.org/TR/server-timing)", {"type": "string"}),
    "X-Figbox-Cache": (
        "Whether the response came from the cache; off if there is no cache, or the client refused it",
        {"type": "string", "enum": ["hit", "miss", "off"]},
    ),
    "ETag": (
        "Tag of the response, weak for documents and archives",
        {"type": "string", "pattern": '^(W/)?"[0-9a-f]{64}"$'},
    ),
    "Vary": ("What else the response depends on", {"type": "string"}),
    "Content-Disposition": ("For SVG, PDF and ZIP: to be saved as a file", {"type": "string"}),
}

#: Fields that may be missing.
_OPTIONAL = ("Content-Disposition", "RateLimit", "RateLimit-Policy")

_WORDS = {
    400: "The request can't be understood; `errors` names each wrong option",
    401: "No key, several, or an unknown one; sent before the body is read",
    406: "No form of the response matches `Accept`",
    408: "Head or body didn't arrive in time",
    413: "Body or code is longer than allowed",
    415: "The body's type is not supported, or it is compressed",
    429: "The key has reached a limit: jobs at once, requests or processor time in a minute",
    431: "The head is longer than allowed",
    500: "A defect of the service",
    503: "The service is overloaded or shutting down, or the container engine doesn't respond",
}


def header_components() -> dict[str, Any]:
    """Return every header field of responses, for `components`."""
    return {
        name: {"description": text, "schema": schema, "required": name not in _OPTIONAL}
        for name, (text, schema) in _HEADERS.items()
    }


def reference(*names: str) -> dict[str, Any]:
    """Return header fields by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def render_headers() -> dict[str, Any]:
    """Return the header fields of every response to a render."""
    return reference("X-Request-ID", "RateLimit", "RateLimit-Policy", "Server-Timing", "X-Figbox-Cache")


def problem_responses(*statuses: int) -> dict[str, Any]:
    """Return the problems with these statuses, with the types that each can have."""
    return {str(status): _problem_response(status) for status in sorted(statuses)}


def _problem_response(status: int) -> dict[str, Any]:
    kinds = sorted({problem.slug for problem in PROBLEMS.values() if problem.status == status})
    document = "InvalidRequestDocument" if status == 400 else "ProblemDocument"  # noqa: PLR2004 - it's a status
    names = ["X-Request-ID"]
    if status not in _ANONYMOUS:
        names += ["RateLimit", "RateLimit-Policy"]
    if status == 401:  # noqa: PLR2004 - it's a status
        names.append("WWW-Authenticate")
    if status in _WAITING:
        names.append("Retry-After")
    return {
        "description": f"{_WORDS[status]}. Types: {', '.join(f'`{kind}`' for kind in kinds)}.",
        "headers": reference(*names),
        "content": {CONTENT_TYPE: {"schema": {"$ref": f"#/components/schemas/{document}"}}},
    }
