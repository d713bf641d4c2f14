"""Everything that a client raises, as one tree.

FigboxError
├── RenderFailed    the code's fault: it raised, drew nothing, took too long
├── Refused         the request can't be served as it is; sending it again won't help
│   └── Unauthorized    no key, or none that the service knows
├── Busy            the request is fine; the service has no room for it now
├── Unreachable     nobody answered, or not in time
└── BadAnswer       what came back is not what the service's contract says

Wrong arguments are the caller's mistake and raise TypeError or ValueError as elsewhere in Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from figbox.model import Printed

if TYPE_CHECKING:
    from figbox.model import Fault, FigureCount, Limit, OptionError, RenderWarning


class FigboxError(Exception):
    """Root of the tree.

    Attributes:
        request_id: Names the request in the service's log; None where no answer came.
    """

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


class RenderFailed(FigboxError):
    """The code failed; the text is what a person should read, a traceback for instance.

    Attributes:
        outcome: How it failed, one of `Outcome` unless the service is newer than this client.
        fault: Where and how, for `program_error`.
        limit: The limit it ran into, for the outcomes that are limits.
        signal: Name of the signal, for `killed`.
        figures: What was drawn and closed, for `no_figure`.
        stdout: What the code printed until then.
        stderr: The same of its standard error.
        warnings: Warnings until then.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: str,
        fault: Fault | None = None,
        limit: Limit | None = None,
        signal: str | None = None,
        figures: FigureCount | None = None,
        stdout: Printed = Printed(),  # noqa: B008 - frozen
        stderr: Printed = Printed(),  # noqa: B008 - frozen
        warnings: tuple[RenderWarning, ...] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.outcome = outcome
        self.fault = fault
        self.limit = limit
        self.signal = signal
        self.figures = figures
        self.stdout = stdout
        self.stderr = stderr
        self.warnings = warnings


class Refused(FigboxError):
    """The service refuses the request as it is.

    Attributes:
        status: The HTTP status.
        errors: What is wrong, option by option; empty where it isn't about options.
    """

    def __init__(
        self, message: str, *, status: int, errors: tuple[OptionError, ...] = (), request_id: str | None = None
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.status = status
        self.errors = errors


class Unauthorized(Refused):
    """No key was sent, or none that the service knows."""


class Busy(FigboxError):
    """The service has no room for the request now, or none for this key.

    Attributes:
        status: The HTTP status: 429 is about the key, everything else about the service.
        retry_after_s: Seconds after which the service says trying again makes sense; None where it doesn't say.
    """

    def __init__(
        self, message: str, *, status: int, retry_after_s: float | None, request_id: str | None = None
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.status = status
        self.retry_after_s = retry_after_s


class Unreachable(FigboxError):
    """No answer: no connection, a broken one, or none in time.

    Attributes:
        timed_out: Whether the service took the request and didn't answer in time; trying again would only cost it
            the same work again.
    """

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class BadAnswer(FigboxError):
    """The answer isn't one that the contract knows: a defect, or not a Figbox at all."""
