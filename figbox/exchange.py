"""One request and its answers, without any input or output: what both clients share.

A conversation says step by step what is to be done: send a `Request`, wait for a `Pause`, or hand its `Value` to the
caller. `figbox.client` does that, once over a blocking and once over an asynchronous connection, and tells it what
came back by `advance`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from figbox import answers
from figbox.errors import Busy, Unreachable
from figbox.options import Options, as_json
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from figbox.model import Environment, Readiness, Render


@dataclass(frozen=True, slots=True)
class Request:
    """A request to be sent.

    Attributes:
        path: Below the service's address.
        extra_s: Seconds that the answer may take beyond the client's own time limit.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    extra_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end.

    Attributes:
        headers: By lower-case name.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Something to wait for."""

    seconds: float


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """What the caller of a client gets."""

    value: T


#: A reply is sent into it, `Unreachable` is thrown into it.
Conversation = Generator[Request | Pause, Reply | None, T]


def advance(conversation: Conversation[T], came: Reply | Unreachable | None = None) -> Request | Pause | Value[T]:
    """Return a conversation's next step.

    Args:
        conversation: Begun or not.
        came: What became of the request it asked for; None at the beginning and after a pause.

    Raises:
        FigboxError: The conversation ends with it.
    """
    try:
        return conversation.throw(came) if isinstance(came, Unreachable) else conversation.send(came)
    except StopIteration as end:
        return Value(end.value)


def render(code: str, options: Options, retries: Retries) -> Conversation[Render]:
    """Return the conversation that renders code; wrong arguments raise before it begins."""
    document = {"code": code, **as_json(options)}
    request = Request(
        "POST",
        "/v1/render",
        {"Content-Type": "application/json", "Accept": "application/json"},
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8"),
        extra_s=float(options.get("timeout_s") or 0.0),
    )
    return _converse(request, answers.read_render, retries)


def environments(retries: Retries) -> Conversation[tuple[Environment, ...]]:
    """Return the conversation that lists the environments."""
    request = Request("GET", "/v1/environments", {"Accept": "application/json"})
    return _converse(request, answers.read_environments, retries)


def ready() -> Conversation[Readiness]:
    """Return the conversation that asks once whether the service could render now."""
    return _converse(Request("GET", "/readyz"), answers.read_readiness, Retries(budget_s=0))


def _converse(request: Request, read: Callable[[Reply], T], retries: Retries) -> Conversation[T]:
    patience = retries.begin()
    while True:
        try:
            reply = yield request
            return read(cast("Reply", reply))  # a request is answered by a reply, or by `Unreachable`
        except (Busy, Unreachable) as failure:
            pause_s = patience.pause_after(failure)
            if pause_s is None:
                raise
        yield Pause(pause_s)
