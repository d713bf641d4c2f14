"""Everything that can go wrong on our side or in a request, as one tree.

GatewayError
├── RequestError            the request can't be served as it is
│   ├── Unauthorized            no key, or not one of ours
│   ├── MalformedRequest        it isn't HTTP as the standard has it, or could be read in two ways
│   ├── HeadTimeout             the head didn't arrive in time
│   ├── HeadTooLarge            more bytes than a head, or a line of it, may have
│   ├── InvalidRequest          body, content type or a field is wrong
│   │   └── InvalidOptions          options are wrong, each by its name
│   ├── NotAcceptable           no form of answer that the client takes
│   ├── UnsupportedType         a body of a type that the endpoint doesn't take
│   ├── UnsupportedEncoding     a compressed body
│   ├── BodyTooLarge            more bytes than a body may have
│   └── BodyTimeout             the body didn't arrive in time
├── Busy                    the request is fine; come back later
│   ├── QueueFull               as many jobs wait as may wait
│   ├── QueueTimeout            this one waited as long as a job may wait
│   ├── KeyShareExceeded        this key has its share of jobs in the house already
│   ├── RateExceeded            this key has had its requests of a minute
│   ├── BudgetExceeded          this key has used its processor time of a minute
│   ├── TooManyConnections      every connection that may be open works for a key
│   ├── ShuttingDown            the gateway is ending
│   └── NotReady                asked by /readyz: a render would fail now
└── EngineError             the container engine failed us
    ├── EngineUnavailable       no answer, or the answer of a broken engine
    ├── ContainerLost           a container vanished under a job
    └── NameTaken               the chosen container name is in use; choose another

What a guest's code does wrong is not here: that is an `Outcome` (see `gateway.model.jobs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


class GatewayError(Exception):
    """Root of the tree; its text is written by us and may be shown to a client."""


class RequestError(GatewayError):
    """The request can't be served as it is."""


class Unauthorized(RequestError):
    """No key was given, or none that we know."""


class MalformedRequest(RequestError):
    """The request isn't HTTP as the standard has it, or two readers could understand it differently."""


class HeadTimeout(RequestError):
    """The head did not arrive in time."""


class HeadTooLarge(RequestError):
    """The head, or one line of it, has more bytes than allowed."""


class InvalidRequest(RequestError):
    """The body, its content type or a field of it is wrong."""


@dataclass(frozen=True, slots=True)
class OptionError:
    """What is wrong with one option.

    Attributes:
        option: Its name; of parameters and files with theirs, as in `rc.axes.grid`.
        message: What is wrong, in our words.
    """

    option: str
    message: str


class InvalidOptions(InvalidRequest):
    """Options of a request are wrong.

    Attributes:
        faults: Each of them.
    """

    def __init__(self, message: str, faults: Sequence[OptionError] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)

    @classmethod
    def of(cls, faults: Sequence[OptionError]) -> Self:
        """Return the error that names these faults, the first of them in its text."""
        first, *others = faults
        more = f" (and {len(others)} more)" if others else ""
        return cls(f"{first.option}: {first.message}{more}", faults)


class NotAcceptable(RequestError):
    """The answer has no form that the client's `Accept` takes."""


class UnsupportedType(RequestError):
    """The body's type is none that the endpoint takes."""


class UnsupportedEncoding(RequestError):
    """The body is compressed; only identity is taken."""


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
    """The key has as many jobs in the house as one key may have."""


class RateExceeded(Busy):
    """The key has had as many requests as it may have in a minute."""


class BudgetExceeded(Busy):
    """The key has used its processor seconds of a minute, or holds them for jobs under way."""


class TooManyConnections(Busy):
    """As many connections are open as may be."""


class ShuttingDown(Busy):
    """The gateway takes no new jobs because it is ending."""


class NotReady(Busy):
    """A render would fail now; the text says why.

    Attributes:
        self_test: What the last self-test of the sandbox came to, as `/readyz` tells it; None where none is known.
    """

    def __init__(self, message: str, self_test: dict[str, bool | int] | None = None) -> None:
        super().__init__(message)
        self.self_test = self_test


class EngineError(GatewayError):
    """The container engine failed us; the cause is in the log, not in the answer."""

    retry_after_s = 2

    @property
    def cause(self) -> str | None:
        """What lies behind it, for the log: the engine's own explanation where it gave one."""
        if self.__cause__ is None:
            return None
        explanation = getattr(self.__cause__, "explanation", None)
        return str(explanation) if explanation else f"{type(self.__cause__).__name__}: {self.__cause__}"


class EngineUnavailable(EngineError):
    """The engine gave no answer in time, refused the connection, or broke."""


class ContainerLost(EngineError):
    """A container is gone that we did not remove."""


class NameTaken(EngineError):
    """Another container has the chosen name; its uid is in use, so another must be chosen."""


class StartError(GatewayError):
    """The service can't start; the text is the one sentence that says what to do."""
