"""`application/json`: code, files and options in one object."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.model.errors import InvalidOptions, InvalidRequest, OptionError
from gateway.model.jobs import NamedFile
from gateway.model.strict_json import InvalidJson, parse_object
from gateway.v1.request import file_names
from gateway.v1.request.code import CODE_PATTERN, find_code_error
from gateway.v1.request.options import Model, Options
from gateway.v1.request.validation import validated

if TYPE_CHECKING:
    from gateway.model.jobs import Job

FILES_LIMIT = 64

#: Source: RFC 4648, section 4.
BASE64_PATTERN = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _code(text: str) -> str:
    error = find_code_error(text)
    if error is not None:
        raise PydanticCustomError("code", "{error}", {"error": error})
    return text


def _name(name: str) -> str:
    fault = file_names.find_fault(name)
    if fault is not None:
        raise PydanticCustomError("file_name", "{fault}", {"fault": fault})
    return name


def _decoded(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise PydanticCustomError("base64", "must be base64 (RFC 4648), without line breaks") from error


def _kind(value: object) -> str | None:
    """Tell the form in which a file is given."""
    if isinstance(value, str):
        return "plain"
    if isinstance(value, dict):
        return "base64" if "base64" in value else "text"
    return None


class TextFile(Model):
    """A file given as text; its bytes are UTF-8."""

    text: str


class Base64File(Model):
    """A file given as base64."""

    base64: Annotated[
        bytes,
        BeforeValidator(_decoded),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": BASE64_PATTERN}),
    ]


_File = Annotated[
    Annotated[str, Tag("plain")] | Annotated[TextFile, Tag("text")] | Annotated[Base64File, Tag("base64")],
    Discriminator(
        _kind, custom_error_type="file", custom_error_message="must be text, or an object with text or base64"
    ),
]
_Name = Annotated[str, AfterValidator(_name)]


def _describe_names(schema: dict[str, Any]) -> None:
    schema["propertyNames"] = {"minLength": 1, "maxLength": file_names.NAME_LIMIT, "pattern": file_names.NAME_PATTERN}


class RenderRequest(Options):
    """A whole request as JSON."""

    code: Annotated[
        str,
        AfterValidator(_code),
        Field(json_schema_extra={"minLength": 1, "pattern": CODE_PATTERN}, description="Python source"),
    ]
    files: Annotated[
        dict[_Name, _File],
        Field(
            max_length=FILES_LIMIT,
            json_schema_extra=_describe_names,
            description="Files placed in the working directory: name to text, or to an object with `text` or `base64`",
        ),
    ] = {}  # noqa: RUF012 - pydantic copies it


def read_json(body: bytes, query: dict[str, Any], found: list[OptionError]) -> tuple[Job, bool]:
    """Return the job that a JSON body asks for, and whether it allows the cache.

    Args:
        body: All of it.
        query: Options given in the query; they take the place of the body's.
        found: What was wrong with those.

    Raises:
        InvalidRequest: It is not a JSON object.
        InvalidOptions: Members of it are wrong.
    """
    try:
        document = parse_object(body)
    except InvalidJson as error:
        raise InvalidRequest(f"Body {error}") from error
    misplaced = [OptionError(name, "must be in the body") for name in ("code", "files") if name in query]
    if misplaced:
        raise InvalidOptions.of([*found, *misplaced])
    request = validated(RenderRequest, {**document, **query}, found)
    files = tuple(NamedFile(name, _bytes(file)) for name, file in sorted(request.files.items()))
    return request.job(request.code, files), request.cache


def _bytes(file: str | TextFile | Base64File) -> bytes:
    match file:
        case TextFile():
            return file.text.encode()
        case Base64File():
            return file.base64
        case _:
            return file.encode()
