"""One request's wishes, checked: code, files and options; and the job that they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.model.errors import BodyTooLarge
from gateway.model.jobs import Job

if TYPE_CHECKING:
    from gateway.model.jobs import NamedFile
    from gateway.v1.request.options import Options


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client sent.

    Attributes:
        code: Python source, neither blank nor with NUL.
        options: How to render it.
        files: What lies beside it.
    """

    code: str = field(repr=False)
    options: Options
    files: tuple[NamedFile, ...] = ()

    def job(self) -> Job:
        """Return what the launcher is asked to do.

        Files and text are collected whatever form the answer takes: a failure shows what the code printed, and one
        result serves every form.
        """
        options = self.options
        return Job(
            code=self.code,
            options=options.save_options(),
            files=self.files,
            environment=options.environment,
            wall_limit_s=options.timeout_s,
            memory_limit_bytes=options.memory_limit_bytes,
            seed=options.seed,
            collect=True,
        )


#: Code without anything else in it is blank.
BLANKS = " \t\n\r\f\v"

#: What code is like, as a regular expression that means the same in every dialect.
CODE_PATTERN = r"^[^\u0000]*[^\u0000 \t\n\r\f\v][^\u0000]*$"


def find_code_fault(code: str) -> str | None:
    """Return why text can't be code, or None."""
    if not code.strip(BLANKS):
        return "must not be blank"
    if "\0" in code:
        return "must not hold NUL characters"
    return None


def check_code_length(code: str, limit_bytes: int) -> None:
    """Refuse code that is too long.

    Raises:
        BodyTooLarge: It has more bytes, as UTF-8.
    """
    if len(code.encode()) > limit_bytes:
        raise BodyTooLarge(f"'code' is longer than {limit_bytes} bytes")
