"""Requests and their retries without input or output: what both clients share.

A conversation is a generator of steps: a `Request` to send, a `Pause` to wait for, or the `Value` for the caller.
`figbox.client` carries them out, over a blocking or an asynchronous connection, and reports the results with `advance`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from figbox.errors import Busy, Unreachable
from figbox.options import Options, as_json
from figbox.responses import Response, read_environments, read_readiness, read_render
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from figbox.model import Environment, Readiness, Render


@dataclass(frozen=True, slots=True)
class Request:
    """A request to be sent.

    Attributes:
        path: Below the service's address.
        extra_s: Seconds that the response may take beyond the client's own time limit.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    extra_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Time to wait before the next request."""

    seconds: float


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """What the caller of a client gets."""

    value: T


#: A response is sent into it, `Unreachable` is thrown into it.
Conversation = Generator[Request | Pause, Response | None, T]


def advance(conversation: Conversation[T], came: Response | Unreachable | None = None) -> Request | Pause | Value[T]:
    """Return a conversation's next step.

    Args:
        conversation: New, or after its last step was carried out.
        came: What came of the request; None at the beginning and after a pause.

    Raises:
        FigboxError: The conversation ends with it.
    """
    try:
        return conversation.throw(came) if isinstance(came, Unreachable) else conversation.send(came)
    except StopIteration as end:
        return Value(end.value)


def render(code: str, options: Options, retries: Retries) -> Conversation[Render]:
    """Return the conversation that renders code; raise at once if arguments are wrong."""
    document = {"code": code, **as_json(options)}
    request = Request(
        "POST",
        "/v1/render",
        {"Content-Type": "application/json", "Accept": "application/json"},
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8"),
        extra_s=float(options.get("timeout_s") or 0.0),
    )
    return _converse(request, read_render, retries)


def environments(retries: Retries) -> Conversation[tuple[Environment, ...]]:
    """Return the conversation that lists the environments."""
    request = Request("GET", "/v1/environments", {"Accept": "application/json"})
    return _converse(request, read_environments, retries)


def ready() -> Conversation[Readiness]:
    """Return the conversation that asks once whether the service could render now."""
    return _converse(Request("GET", "/readyz"), read_readiness, Retries(budget_s=0))


def _converse(request: Request, read: Callable[[Response], T], retries: Retries) -> Conversation[T]:
    patience = retries.begin()
    while True:
        try:
            response = yield request
            return read(cast("Response", response))  # without one, `Unreachable` was thrown
        except (Busy, Unreachable) as failure:
            pause_s = patience.pause_after(failure)
            if pause_s is None:
                raise
        yield Pause(pause_s)
