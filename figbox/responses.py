"""The service's responses, read into values or raised as errors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from figbox.document import Node, parse
from figbox.errors import BadResponse, Busy, FigboxError, Refused, RenderFailed, Unauthorized
from figbox.model import (
    Environment,
    Fault,
    Figure,
    FigureCount,
    File,
    Finding,
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
    from collections.abc import Mapping

#: Statuses that mean "not now". The last two come from a load balancer that can't reach the service.
BUSY = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.GATEWAY_TIMEOUT,
)

#: Longest content type that an error quotes, in characters.
QUOTED = 200


@dataclass(frozen=True, slots=True)
class Response:
    """A response, read to its end.

    Attributes:
        headers: By lower-case name.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def read_render(response: Response) -> Render:
    """Return what was rendered.

    Raises:
        FigboxError: Any of the tree but `Unreachable`.
    """
    if response.status != HTTPStatus.OK:
        raise _failure(response)
    document = _document(response)
    return Render(
        figures=tuple(_figure(node) for node in document["figures"]),
        files=tuple(_file(node) for node in document["files"]),
        files_truncated=document["files_truncated"].flag(),
        stdout=_printed(document["stdout"]),
        stderr=_printed(document["stderr"]),
        warnings=_warnings(document["warnings"]),
        manifest=document["manifest"].mapping(),
        request_id=_request_id(document, response),
        cached=document["cached"].flag(),
        figures_truncated=document["figures_truncated"].flag(),
    )


def read_environments(response: Response) -> tuple[Environment, ...]:
    """Return the environments; raise as `read_render` does."""
    if response.status != HTTPStatus.OK:
        raise _failure(response)
    return tuple(
        Environment(
            name=node["name"].text(),
            image=node["image"].text(""),
            versions={name: str(version) for name, version in node["versions"].mapping().items()},
            packages=tuple(Package(entry["name"].text(), entry["version"].text()) for entry in node["packages"]),
            limits=node["limits"].mapping(),
        )
        for node in _document(response)["environments"]
    )


def read_readiness(response: Response) -> Readiness:
    """Return whether the service could render; raise as `read_render` does, except `Busy`."""
    if response.status == HTTPStatus.OK:
        return Readiness(ready=True)
    failure = _failure(response)
    if isinstance(failure, Busy):
        return Readiness(ready=False, reason=str(failure))
    raise failure


def retry_after_s(value: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, or None.

    Source: RFC 9110, section 10.2.3: a number of seconds, or a date.
    """
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _failure(response: Response) -> FigboxError:
    """Return the error for a response other than 200."""
    document = _problem(response)
    message = document["error"].text("") or document["detail"].text("") or _phrase(response.status)
    request_id = _request_id(document, response)
    if response.status in BUSY:
        pause_s = retry_after_s(response.headers.get("retry-after"))
        return Busy(message, status=response.status, retry_after_s=pause_s, request_id=request_id)
    if response.status == HTTPStatus.UNPROCESSABLE_ENTITY and document["outcome"].value is not None:
        return _render_failed(document, message, request_id)
    if response.status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized(message, status=response.status, request_id=request_id)
    if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        errors = tuple(OptionError(node["option"].text(""), node["message"].text("")) for node in document["errors"])
        return Refused(message, status=response.status, errors=errors, request_id=request_id)
    return BadResponse(f"the service responded with {response.status}: {message}", request_id=request_id)


def _render_failed(document: Node, message: str, request_id: str | None) -> RenderFailed:
    return RenderFailed(
        message,
        outcome=document["outcome"].text(),
        fault=document["fault"].optional(_fault),
        limit=document["limit"].optional(_limit),
        signal=document["signal"].optional(lambda node: str(node.value)),
        figures=document["figures"].optional(_figure_count),
        files=tuple(_file(node) for node in document["files"]),
        files_truncated=document["files_truncated"].flag(),
        stdout=_printed(document["stdout"]),
        stderr=_printed(document["stderr"]),
        warnings=_warnings(document["warnings"]),
        findings=tuple(_finding(node, node["figure"].optional(Node.integer)) for node in document["findings"]),
        request_id=request_id,
    )


def _fault(node: Node) -> Fault:
    return Fault(
        type=node["type"].text(""),
        message=node["message"].text(""),
        line=node["line"].optional(Node.integer),
        column=node["column"].optional(Node.integer),
        source=node["source"].optional(Node.text),
        hint=node["hint"].optional(Node.text),
    )


def _limit(node: Node) -> Limit:
    allowed, used = node["allowed"].optional(Node.number), node["used"].optional(Node.number)
    return Limit(node["name"].text(), allowed, used, node["unit"].text(""))


def _figure_count(node: Node) -> FigureCount:
    return FigureCount(node["drawn"].optional(Node.integer), node["closed"].optional(Node.integer))


def _document(response: Response) -> Node:
    whole = response.headers.get("content-type") or "of an unknown type"
    kind = whole.partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise BadResponse(f"the response is {whole[:QUOTED]}, not JSON: is this the address of a Figbox?")
    return parse(response.body)


def _problem(response: Response) -> Node:
    """Return the problem document, or an empty one if the response isn't the service's own."""
    try:
        root = _document(response)
    except BadResponse:
        return Node({})
    return root if isinstance(root.value, dict) else Node({})


def _request_id(document: Node, response: Response) -> str | None:
    return document["request_id"].optional(Node.text) or response.headers.get("x-request-id")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an unknown status"


def _figure(node: Node) -> Figure:
    number = node["number"].integer()
    return Figure(
        number=number,
        label=node["label"].text(""),
        pictures=tuple(_picture(picture) for picture in node["pictures"]),
        alt_text=node["alt_text"].optional(Node.text),
        description=node["description"].optional(Node.mapping),
        findings=tuple(_finding(finding, number) for finding in node["findings"]),
        findings_left_out=node["findings_left_out"].optional(Node.integer) or 0,
    )


def _finding(node: Node, figure: int | None) -> Finding:
    return Finding(
        code=node["code"].text(),
        severity=node["severity"].text(),
        sentence=node["sentence"].text(""),
        advice=node["advice"].text(""),
        axes=tuple(number.integer() for number in node["axes"]),
        box=node["box"].optional(_box),
        figure=figure,
    )


def _box(node: Node) -> tuple[float, float, float, float]:
    return node["x"].number(), node["y"].number(), node["width"].number(), node["height"].number()


def _picture(node: Node) -> Picture:
    data = node["data"].base64()
    return Picture(
        format=node["format"].text(),
        content_type=node["content_type"].text(""),
        width_px=node["width_px"].optional(Node.integer),
        height_px=node["height_px"].optional(Node.integer),
        sha256=_checked(node["sha256"], data),
        pixels_sha256=node["pixels_sha256"].optional(Node.text),
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
    """Return the digest of the bytes; raise when the document has another one."""
    digest = hashlib.sha256(data).hexdigest()
    if node.text(digest) != digest:
        raise BadResponse(f"{node.path} doesn't match the data, which was changed on the way")
    return digest


def _printed(node: Node) -> Printed:
    return Printed(node["text"].text(""), node["truncated"].flag()) if node.value is not None else Printed()


def _warnings(nodes: Node) -> tuple[RenderWarning, ...]:
    return tuple(
        RenderWarning(node["category"].text(""), node["message"].text(""), node["line"].optional(Node.integer))
        for node in nodes
    )
