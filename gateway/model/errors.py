"""Everything that can go wrong on our side or in a request, as one tree.

GatewayError
├── RequestError            the request can't be served as it is
│   ├── Unauthorized            no key, or an unknown one
│   ├── MalformedRequest        it isn't valid HTTP, or could be read in two ways
│   ├── HeadTimeout             the head didn't arrive in time
│   ├── HeadTooLarge            more bytes than a head, or a line of it, may have
│   ├── InvalidRequest          body, content type or a field is wrong
│   │   └── InvalidOptions          options are wrong; each is named
│   ├── NotAcceptable           no form of the response that the client accepts
│   ├── UnsupportedType         a body of a type that the endpoint doesn't accept
│   ├── UnsupportedEncoding     a compressed body
│   ├── BodyTooLarge            more bytes than a body may have
│   └── BodyTimeout             the body didn't arrive in time
├── Busy                    the request is fine; come back later
│   ├── QueueFull               as many jobs wait as may wait
│   ├── QueueTimeout            this one waited as long as a job may wait
│   ├── KeyShareExceeded        this key has its share of jobs or connections
│   ├── RateExceeded            this key has sent its requests for the minute
│   ├── BudgetExceeded          this key has used its processor time for the minute
│   ├── TooManyConnections      every connection that may be open works for a key
│   ├── ShuttingDown            the gateway is shutting down
│   └── NotReady                asked by /readyz: a render would fail now
├── EngineError             the container engine failed
│   ├── EngineUnavailable       it doesn't respond, or is broken
│   │   └── EngineRefused           it responds, and refused a call
│   ├── ContainerLost           a container vanished during its job
│   └── NameTaken               the chosen name of a container is in use; choose another
└── StartError              the service can't start

A failure of a guest's code is not an error here but an `Outcome` (see `gateway.model.results`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


#: HTTP statuses with which an engine refuses a call whatever its own state: a bad parameter, or no permission.
FINAL_STATUSES = frozenset({400, 403})


class GatewayError(Exception):
    """Root of the tree; its text is written by us and may be shown to a client."""


class RequestError(GatewayError):
    """The request can't be served as it is."""


class Unauthorized(RequestError):
    """No key was given, or an unknown one.

    Attributes:
        challenge: How to give one, as `WWW-Authenticate` says it.
    """

    def __init__(self, message: str, challenge: str | None = None) -> None:
        super().__init__(message)
        self.challenge = challenge


class MalformedRequest(RequestError):
    """The request isn't valid HTTP, or could be read in two ways."""


class HeadTimeout(RequestError):
    """The head did not arrive in time."""


class HeadTooLarge(RequestError):
    """The head, or one line of it, has more bytes than allowed."""


class InvalidRequest(RequestError):
    """The body, its content type or a field of it is wrong.

    Attributes:
        detail: More than a text that a contract fixes may say, or None.
    """

    def __init__(self, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class OptionError:
    """What is wrong with one option.

    Attributes:
        option: Its name, and that of its parameter or file, as in `rc.axes.grid`.
        message: What is wrong; it quotes nothing.
    """

    option: str
    message: str


class InvalidOptions(InvalidRequest):
    """Options of a request are wrong.

    Attributes:
        errors: Each of them.
    """

    def __init__(self, message: str, errors: Sequence[OptionError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)

    @classmethod
    def of(cls, errors: Sequence[OptionError]) -> Self:
        """Return the error that names all of these, and describes the first of them in its text."""
        first, *others = errors
        more = f" (and {len(others)} more)" if others else ""
        return cls(f"{first.option}: {first.message}{more}", errors)


class NotAcceptable(RequestError):
    """The response has no form that the client's `Accept` matches."""


class UnsupportedType(RequestError):
    """The endpoint doesn't accept bodies of this type."""


class UnsupportedEncoding(RequestError):
    """The body is compressed; only identity is accepted."""


class BodyTooLarge(RequestError):
    """The body or the code has more bytes than allowed."""


class BodyTimeout(RequestError):
    """The body did not arrive in time."""


class Busy(GatewayError):
    """The request is fine but can't be served now.

    Attributes:
        retry_after_s: Whole seconds after which trying again makes sense.
    """

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueueFull(Busy):
    """As many jobs wait as may wait."""


class QueueTimeout(Busy):
    """The job waited as long as a job may wait."""


class KeyShareExceeded(Busy):
    """The key has as many jobs running and waiting as it may have, or as many requests under way."""


class RateExceeded(Busy):
    """The key has sent as many requests as it may in a minute."""


class BudgetExceeded(Busy):
    """The key has used its processor seconds for the minute, or holds them for jobs under way."""


class TooManyConnections(Busy):
    """As many connections are open as may be."""


class ShuttingDown(Busy):
    """The gateway accepts no new jobs because it is shutting down."""


class NotReady(Busy):
    """A render would fail now; the text says why.

    Attributes:
        self_test: Result of the last self-test of the sandbox, for `/readyz`; None before the first.
    """

    def __init__(self, message: str, self_test: dict[str, bool | int] | None = None) -> None:
        super().__init__(message)
        self.self_test = self_test


class EngineError(GatewayError):
    """The container engine failed; the cause is in the log, not in the response."""

    retry_after_s = 2

    @property
    def cause(self) -> str | None:
        """The cause, for the log: the engine's own explanation where it gave one."""
        if self.__cause__ is None:
            return None
        explanation = getattr(self.__cause__, "explanation", None)
        return str(explanation).strip() if explanation else f"{type(self.__cause__).__name__}: {self.__cause__}"


class EngineUnavailable(EngineError):
    """The engine didn't respond in time, refused the connection, or broke."""


class EngineRefused(EngineUnavailable):
    """The engine responded to a call that it won't or can't do; its own explanation is its cause.

    Attributes:
        status: HTTP status of the response.
    """

    def __init__(self, status: int) -> None:
        super().__init__("the engine refused a call")
        self.status = status

    @property
    def is_final(self) -> bool:
        """Whether the same call would be refused again: it is wrong for this engine, or forbidden."""
        return self.status in FINAL_STATUSES


class ContainerLost(EngineError):
    """A container is gone that was not removed by us.

    Attributes:
        was_killed: Whether somebody else may have killed it, which proves nothing about it.
    """

    def __init__(self, message: str, *, was_killed: bool = False) -> None:
        super().__init__(message)
        self.was_killed = was_killed


class NameTaken(EngineError):
    """Another container has the chosen name; its uid is in use, so another must be chosen."""


class StartError(GatewayError):
    """The service can't start; the text is the one sentence that says what to do."""
