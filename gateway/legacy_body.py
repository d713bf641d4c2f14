"""Read a body of `/render-matplotlib`, as a task of a worker: from its bytes to the code in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.model.code import check_code_length
from gateway.model.errors import BodyTooLarge, InvalidRequest
from gateway.model.jobs import KiB, MiB
from gateway.model.strict_json import InvalidJson, has_lone_surrogate, kind_of, parse_json
from gateway.worker.task import Task

BROKEN_JSON = "Body is not valid JSON"
BAD_CODE = "Missing or invalid 'code' field"

#: See `gateway.v1.request.reading`. Here nothing bounds the structure before it is parsed, so a list of empty lists
#: takes fifty times its bytes.
BYTES_PER_S = 4 * MiB
AT_ONCE_BYTES = 32 * KiB
MEMORY_PER_BYTE = 50


@dataclass(frozen=True, slots=True)
class CodeBody:
    """A body as it came.

    Attributes:
        body: All of it.
        code_limit_bytes: The longest code.
    """

    body: bytes = field(repr=False)
    code_limit_bytes: int = 256 * KiB


@dataclass(frozen=True, slots=True)
class CodeFound:
    """What it says.

    Attributes:
        code: The code, as UTF-8; empty if the body is refused.
        too_large: The text of a `BodyTooLarge`, or None.
        invalid: The text of an `InvalidRequest`, or None.
        detail: Where and why, which the contract's text doesn't say.
    """

    code: bytes = field(default=b"", repr=False)
    too_large: str | None = None
    invalid: str | None = None
    detail: str | None = None


def find_code(body: CodeBody) -> CodeFound:
    """Read a body."""
    try:
        code = parse_code(body.body)
        check_code_length(code, body.code_limit_bytes)
    except BodyTooLarge as error:
        return CodeFound(too_large=str(error))
    except InvalidRequest as error:
        return CodeFound(invalid=str(error), detail=error.detail)
    return CodeFound(code.encode())


def parse_code(body: bytes) -> str:
    """Return the `code` member of a JSON object, or raise `InvalidRequest` with a text of the contract."""
    try:
        document = parse_json(body)
    except InvalidJson as error:
        raise InvalidRequest(BROKEN_JSON, f"Body {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequest(BAD_CODE, f"Body must be a JSON object, not {kind_of(document)}")
    code = document.get("code")
    if not isinstance(code, str) or not code.strip() or "\0" in code or has_lone_surrogate(code):
        raise InvalidRequest(BAD_CODE, None if "code" in document else "The object has no member named code")
    return code


TASK = Task(
    module=__name__,
    question=CodeBody,
    answer=CodeFound,
    work=find_code,
    size=lambda submission: len(submission.body),
    at_once=lambda submission: len(submission.body) <= AT_ONCE_BYTES,
    bytes_per_s=BYTES_PER_S,
    memory_per_byte=MEMORY_PER_BYTE,
    examples=tuple(
        CodeBody(body) for body in (b'{"code": "x"}', b'{"code": 1}', b"\xff", '{"code": ""}'.encode("utf-16"))
    ),
)
