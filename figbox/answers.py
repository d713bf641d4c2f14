"""Reads the service's answers into values, or raises what they say."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from figbox.document import Node, parse
from figbox.errors import BadAnswer, Busy, FigboxError, Refused, RenderFailed, Unauthorized
from figbox.model import (
    Environment,
    Fault,
    Figure,
    FigureCount,
    File,
    Limit,
    OptionError,
    Package,
    Picture,
    Printed,
    Readiness,
    Render,
    RenderWarning,
)

if TYPE_CHECKING:
    from figbox.exchange import Reply

#: Statuses that say: not now. The last two are a balancer's, for a service behind it that can't be asked.
BUSY = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.GATEWAY_TIMEOUT,
)

#: Longest text of a foreign answer that is quoted, in characters.
QUOTED = 200


def read_render(reply: Reply) -> Render:
    """Return what was rendered.

    Raises:
        FigboxError: Any of the tree but `Unreachable`.
    """
    if reply.status != HTTPStatus.OK:
        raise _failure(reply)
    answer = _document(reply)
    return Render(
        figures=tuple(_figure(node) for node in answer["figures"]),
        files=tuple(_file(node) for node in answer["files"]),
        files_truncated=answer["files_truncated"].flag(),
        stdout=_printed(answer["stdout"]),
        stderr=_printed(answer["stderr"]),
        warnings=_warnings(answer["warnings"]),
        manifest=answer["manifest"].mapping(),
        request_id=_request_id(answer, reply),
        cached=answer["cached"].flag(),
    )


def read_environments(reply: Reply) -> tuple[Environment, ...]:
    """Return the environments; raises as `read_render` does."""
    if reply.status != HTTPStatus.OK:
        raise _failure(reply)
    return tuple(
        Environment(
            name=node["name"].text(),
            image=node["image"].text(""),
            versions={name: str(version) for name, version in node["versions"].mapping().items()},
            packages=tuple(Package(entry["name"].text(), entry["version"].text()) for entry in node["packages"]),
            limits=node["limits"].mapping(),
        )
        for node in _document(reply)["environments"]
    )


def read_readiness(reply: Reply) -> Readiness:
    """Return whether the service could render; raises as `read_render` does, but not `Busy` for a 503."""
    if reply.status == HTTPStatus.OK:
        return Readiness(ready=True)
    failure = _failure(reply)
    if isinstance(failure, Busy):
        return Readiness(ready=False, reason=str(failure))
    raise failure


def retry_after_s(value: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, None where it says nothing we understand.

    Source: RFC 9110, section 10.2.3: a number of seconds, or a date.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _failure(reply: Reply) -> FigboxError:
    """Return the error that an answer other than 200 stands for."""
    answer = _problem(reply)
    message = answer["error"].text("") or answer["detail"].text("") or _phrase(reply.status)
    request_id = _request_id(answer, reply)
    if reply.status in BUSY:
        return Busy(
            message,
            status=reply.status,
            retry_after_s=retry_after_s(reply.headers.get("retry-after")),
            request_id=request_id,
        )
    if reply.status == HTTPStatus.UNPROCESSABLE_ENTITY and answer["outcome"].there:
        return _render_failed(answer, message, request_id)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized(message, status=reply.status, request_id=request_id)
    if HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        errors = tuple(OptionError(node["option"].text(""), node["message"].text("")) for node in answer["errors"])
        return Refused(message, status=reply.status, errors=errors, request_id=request_id)
    return BadAnswer(f"the service answered {reply.status}: {message}", request_id=request_id)


def _render_failed(answer: Node, message: str, request_id: str | None) -> RenderFailed:
    fault, limit, figures, signal = answer["fault"], answer["limit"], answer["figures"], answer["signal"]
    return RenderFailed(
        message,
        outcome=answer["outcome"].text(),
        fault=Fault(
            type=fault["type"].text(""),
            message=fault["message"].text(""),
            line=fault["line"].optional_integer(),
            column=fault["column"].optional_integer(),
            source=fault["source"].optional_text(),
        )
        if fault.there
        else None,
        limit=Limit(
            name=limit["name"].text(),
            allowed=limit["allowed"].optional_number(),
            used=limit["used"].optional_number(),
            unit=limit["unit"].text(""),
        )
        if limit.there
        else None,
        signal=str(signal.value) if signal.there else None,
        figures=FigureCount(figures["drawn"].optional_integer(), figures["closed"].optional_integer())
        if figures.there
        else None,
        stdout=_printed(answer["stdout"]),
        stderr=_printed(answer["stderr"]),
        warnings=_warnings(answer["warnings"]),
        request_id=request_id,
    )


def _document(reply: Reply) -> Node:
    if not _is_json(reply):
        kind = reply.headers.get("content-type", "nothing that says what it is")
        raise BadAnswer(f"the answer is {kind[:QUOTED]}, not JSON: is this the address of a Figbox?")
    return parse(reply.body)


def _problem(reply: Reply) -> Node:
    """Return the problem document, or an empty one where something between us and the service answered."""
    if not _is_json(reply):
        return Node({})
    try:
        root = parse(reply.body)
    except BadAnswer:
        return Node({})
    return root if isinstance(root.value, dict) else Node({})


def _is_json(reply: Reply) -> bool:
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _request_id(answer: Node, reply: Reply) -> str | None:
    return answer["request_id"].optional_text() or reply.headers.get("x-request-id")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an unknown status"


def _figure(node: Node) -> Figure:
    return Figure(
        number=node["number"].integer(),
        label=node["label"].text(""),
        pictures=tuple(_picture(picture) for picture in node["pictures"]),
    )


def _picture(node: Node) -> Picture:
    data = node["data"].base64()
    return Picture(
        format=node["format"].text(),
        content_type=node["content_type"].text(""),
        width_px=node["width_px"].optional_integer(),
        height_px=node["height_px"].optional_integer(),
        sha256=_checked(node["sha256"], data),
        pixels_sha256=node["pixels_sha256"].optional_text(),
        data=data,
    )


def _file(node: Node) -> File:
    data = node["data"].base64()
    truncated = node["truncated"].flag()
    return File(
        name=node["name"].text(),
        content_type=node["content_type"].text(""),
        sha256=node["sha256"].text("") if truncated else _checked(node["sha256"], data),
        truncated=truncated,
        data=data,
    )


def _checked(node: Node, data: bytes) -> str:
    """Return a digest that fits the bytes; where none was given, make it."""
    digest = hashlib.sha256(data).hexdigest()
    if node.text(digest) != digest:
        raise BadAnswer(f"{node.path} is not that of the bytes: they were changed on the way")
    return digest


def _printed(node: Node) -> Printed:
    return Printed(node["text"].text(""), node["truncated"].flag()) if node.there else Printed()


def _warnings(nodes: Node) -> tuple[RenderWarning, ...]:
    return tuple(
        RenderWarning(node["category"].text(""), node["message"].text(""), node["line"].optional_integer())
        for node in nodes
    )
