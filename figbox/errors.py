"""Everything that a client raises, as one tree.

FigboxError
├── RenderFailed    the code failed: it raised, drew nothing, took too long, drew what the request refuses
├── Refused         the request can't be served as it is; sending it again won't help
│   └── Unauthorized    the key is missing or unknown
├── Busy            the request is fine, but the service has no capacity for it now
├── Unreachable     there was no response, or not in time
├── BadResponse     the response isn't what the service's contract says
└── BadDocument     what is to be compared is no document with figures

Wrong arguments are the caller's mistake and raise TypeError or ValueError as elsewhere in Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from figbox.model import Printed

if TYPE_CHECKING:
    from figbox.model import Fault, FigureCount, File, Finding, Limit, OptionError, RenderWarning


class FigboxError(Exception):
    """Root of the tree.

    Attributes:
        request_id: Names the request in the service's log; None without a response.
    """

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


class RenderFailed(FigboxError):
    """The code failed; the text is for people, for instance a traceback.

    Attributes:
        outcome: How it failed, one of `Outcome` unless the service is newer than this client.
        fault: Where and how, for `program_error`.
        limit: The limit that it reached, for outcomes that are limits.
        signal: Name of the signal, for `killed`.
        figures: How many figures were drawn and closed, for `no_figure`.
        files: The files that it wrote until then.
        files_truncated: Whether it wrote more than the service keeps.
        stdout: What the code printed until then.
        stderr: What it wrote to standard error until then.
        warnings: Python's warnings until then.
        findings: What `fail_on` names, for `findings`; empty if a figure could not be described.
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
        files: tuple[File, ...] = (),
        files_truncated: bool = False,
        stdout: Printed = Printed(),  # noqa: B008 - frozen
        stderr: Printed = Printed(),  # noqa: B008 - frozen
        warnings: tuple[RenderWarning, ...] = (),
        findings: tuple[Finding, ...] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.outcome = outcome
        self.fault = fault
        self.limit = limit
        self.signal = signal
        self.figures = figures
        self.files = files
        self.files_truncated = files_truncated
        self.stdout = stdout
        self.stderr = stderr
        self.warnings = warnings
        self.findings = findings


class Refused(FigboxError):
    """The service refuses the request as it is.

    Attributes:
        status: The HTTP status.
        errors: What is wrong with each option; empty if it isn't about options.
    """

    def __init__(
        self, message: str, *, status: int, errors: tuple[OptionError, ...] = (), request_id: str | None = None
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.status = status
        self.errors = errors


class Unauthorized(Refused):
    """The key is missing, or the service doesn't know it."""


class Busy(FigboxError):
    """The service has no capacity for the request now, or this key has used its share.

    Attributes:
        status: The HTTP status: 429 is about the key, all others about the service.
        retry_after_s: Seconds to wait before trying again; None if the service didn't say.
    """

    def __init__(
        self, message: str, *, status: int, retry_after_s: float | None, request_id: str | None = None
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.status = status
        self.retry_after_s = retry_after_s


class Unreachable(FigboxError):
    """There was no response: the connection couldn't be made or broke, or it took too long.

    Attributes:
        timed_out: Whether the service took the request and didn't respond in time; trying again would only make it do
            the same work again.
    """

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class BadResponse(FigboxError):
    """The response isn't what the contract says: the service has a defect, or isn't a Figbox."""


class BadDocument(FigboxError):
    """What is to be compared is no document with figures, or a broken one."""
