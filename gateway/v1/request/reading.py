"""Read a body of `/v1/render`, as a task of a worker: from its bytes to the job that it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.model.code import check_code_length
from gateway.model.errors import BodyTooLarge, InvalidOptions, InvalidRequest, OptionError, RequestError
from gateway.model.jobs import Format, Job, KiB, MiB
from gateway.v1.request.form_body import code_from_bytes, read_form
from gateway.v1.request.json_body import read_json
from gateway.v1.request.options import Options, Terms
from gateway.v1.request.text_options import options_from_text
from gateway.v1.request.validation import validated
from gateway.worker.task import Task

JSON = "application/json"
PYTHON = "text/x-python"
FORM = "multipart/form-data"

#: The types that a body may have, in the order in which messages name them.
TYPES = (JSON, PYTHON, FORM)

#: The rate that the deadline follows from. JSON with files as text, the slowest honest body, is read at 40 MiB in a
#: second.
BYTES_PER_S = 4 * MiB

#: Bytes of a body that is read at once: the most hostile one takes 5 ms.
AT_ONCE_BYTES = 32 * KiB

#: Bytes of memory for each byte of the largest body. A string with one character beyond the Basic Multilingual Plane
#: takes four for each, and there are copies while it is taken apart: nine together were measured.
MEMORY_PER_BYTE = 12


@dataclass(frozen=True, slots=True)
class Submission:
    """A body as it came.

    Attributes:
        content_type: One of `TYPES`.
        boundary: Between the parts of a form; empty for the others.
        query: Names and values of the query.
        body: All of it.
        code_limit_bytes: The longest code.
        default_format: What is drawn if no option says.
    """

    content_type: str
    boundary: str
    query: tuple[tuple[str, ...], ...]
    body: bytes = field(repr=False)
    code_limit_bytes: int = 256 * KiB
    default_format: str = Format.PNG.value


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the request.

    Attributes:
        kind: Name of its class, one of `REFUSALS`.
        message: Its text.
        errors: What is wrong with which option.
    """

    kind: str
    message: str
    errors: tuple[OptionError, ...] = ()

    def error(self) -> RequestError:
        """Return the error."""
        kind = REFUSALS.get(self.kind, InvalidRequest)
        return InvalidOptions(self.message, self.errors) if kind is InvalidOptions else kind(self.message)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body says.

    Attributes:
        job: What it asks for; None if it is refused.
        terms: What else it asks for.
        refusal: Why it is refused, or None.
    """

    job: Job | None = None
    terms: Terms = field(default_factory=Terms)
    refusal: Refusal | None = None


#: Every error that reading a body can raise, by name, the most special first.
REFUSALS: dict[str, type[RequestError]] = {
    kind.__name__: kind for kind in (InvalidOptions, InvalidRequest, BodyTooLarge)
}


def read_submission(submission: Submission) -> Reading:
    """Read a body."""
    try:
        job, terms = _read(submission)
        check_code_length(job.code, submission.code_limit_bytes)
    except InvalidOptions as error:
        return Reading(refusal=Refusal(InvalidOptions.__name__, str(error), error.errors))
    except (InvalidRequest, BodyTooLarge) as error:
        return Reading(refusal=Refusal(type(error).__name__, str(error)))
    return Reading(job, terms)


def _read(submission: Submission) -> tuple[Job, Terms]:
    """Return the job, and on which terms.

    Raises:
        InvalidRequest, BodyTooLarge: The body is refused.
    """
    body = submission.body
    query, errors = options_from_text((name, value) for name, value in submission.query)
    defaults = {"format": [submission.default_format]}
    if submission.content_type == JSON:
        return read_json(body, query, errors, defaults)
    if submission.content_type == FORM:
        return read_form(body, submission.boundary, submission.code_limit_bytes, query, errors, defaults=defaults)
    code, code_errors = code_from_bytes(body)
    options = validated(Options, {**defaults, **query}, [*errors, *code_errors])
    return options.job(code), options.terms


#: Bodies whose reading loads all that is loaded late: good ones, broken ones, and some with every kind of fault.
_EXAMPLES = (
    (
        JSON,
        b'{"code": "x", "files": {"a": {"base64": "AAAA"}}, "rc": {"axes.grid": true}, "style": ["ggplot"]}',
    ),
    (JSON, b'{"code": "\\ud800", "dpi": 1, "dpy": 1, "rc": {"a": 1}, "files": {"": {"base64": "?"}}}'),
    (JSON, b'{"code": "x", "describe": "full", "fail_on": ["note", "?"]}'),
    (JSON, b"\xff"),
    (PYTHON, b"\xef\xbb\xbfx"),
    (PYTHON, b"\xff"),
    (FORM, b'--b\r\nContent-Disposition: form-data; name="code"\r\n\r\nx\r\n--b--\r\n'),
    (FORM, b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename*=utf-8''a\r\n\r\nx\r\n--b--\r\n"),
    (FORM, b"--b\r\n\xff"),
)

TASK = Task(
    module=__name__,
    question=Submission,
    answer=Reading,
    work=read_submission,
    size=lambda submission: len(submission.body),
    at_once=lambda submission: len(submission.body) <= AT_ONCE_BYTES,
    bytes_per_s=BYTES_PER_S,
    memory_per_byte=MEMORY_PER_BYTE,
    examples=tuple(Submission(kind, "b", (("dpi", "80"),), body) for kind, body in _EXAMPLES),
)
