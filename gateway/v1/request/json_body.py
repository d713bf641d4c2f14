"""`application/json`: code, files and options in one object."""

from __future__ import annotations

import binascii
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.model.code import CODE_PATTERN, find_code_error
from gateway.model.errors import InvalidOptions, InvalidRequest, OptionError
from gateway.model.file_paths import find_clash
from gateway.model.strict_json import InvalidJson, parse_object
from gateway.v1.request.file_names import NAME_LIMIT, NAME_PATTERN, displayed, find_name_error
from gateway.v1.request.options import Model, Options
from gateway.v1.request.validation import validated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.model.jobs import Job
    from gateway.v1.request.options import Terms

FILES_LIMIT = 64

#: Source: RFC 4648, section 4.
BASE64_PATTERN = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _without(find_error: Callable[[str], str | None]) -> AfterValidator:
    """Return a validator that refuses text in which `find_error` finds an error."""

    def check(text: str) -> str:
        message = find_error(text)
        if message is not None:
            raise PydanticCustomError("text", "{message}", {"message": message})
        return text

    return AfterValidator(check)


#: What may stand between the letters, as the command base64, MIME and PEM write it.
_BLANKS = b" \t\r\n"

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _decode_base64(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        # Deleting from bytes makes one copy, however many blanks there are.
        return binascii.a2b_base64(text.encode("ascii").translate(None, _BLANKS), strict_mode=True)
    except ValueError as error:
        raise PydanticCustomError("base64", "{message}", {"message": _base64_error(text)}) from error


def _base64_error(text: str) -> str:
    """Return what is wrong with a text that isn't base64, as far as it can be told."""
    if text[:5].lower() == "data:":
        return "is a data URL (data:…): send what follows its comma"
    plain = text.encode("ascii", "replace").translate(None, _BLANKS)
    if b"-" in plain or b"_" in plain:
        return (
            "must be base64 (RFC 4648, section 4), and has letters of the url-safe alphabet: write + for - and / for _"
        )
    if b"=" not in plain and len(plain) % 4 and not plain.translate(None, _ALPHABET):
        return "must be base64 (RFC 4648), and lacks its padding (=) or was cut: its length is no multiple of 4"
    return "must be base64 (RFC 4648)"


def _find_kind(value: object) -> str | None:
    """Return the tag of the form in which a file is given."""
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
        BeforeValidator(_decode_base64),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": BASE64_PATTERN}),
    ]


_File = Annotated[
    Annotated[str, Tag("plain")] | Annotated[TextFile, Tag("text")] | Annotated[Base64File, Tag("base64")],
    Discriminator(
        _find_kind, custom_error_type="file", custom_error_message="must be text, or an object with text or base64"
    ),
]
_NAMES_SCHEMA = {"propertyNames": {"minLength": 1, "maxLength": NAME_LIMIT, "pattern": NAME_PATTERN}}


class RenderRequest(Options):
    """A whole request as JSON."""

    code: Annotated[
        str,
        _without(find_code_error),
        Field(json_schema_extra={"minLength": 1, "pattern": CODE_PATTERN}, description="Python source"),
    ]
    files: Annotated[
        dict[Annotated[str, _without(find_name_error)], _File],
        Field(
            max_length=FILES_LIMIT,
            json_schema_extra=_NAMES_SCHEMA,
            description="Files placed in the working directory: name to text, or to an object with `text` or `base64`",
        ),
    ] = {}  # noqa: RUF012 - pydantic copies it


def read_json(
    body: bytes, query: dict[str, Any], errors: list[OptionError], defaults: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Job, Terms]:
    """Return the job that a JSON body asks for, and on which terms.

    Args:
        body: All of it.
        query: Options given in the query; they override the body's.
        errors: What is wrong with those.
        defaults: Options that count where neither has them.

    Raises:
        InvalidRequest: The body is not a JSON object.
        InvalidOptions: Members of it are wrong.
    """
    try:
        document = parse_object(body)
    except InvalidJson as error:
        raise InvalidRequest(f"Body {error}") from error
    misplaced = [OptionError(name, "must be in the body") for name in ("code", "files") if name in query]
    if misplaced:
        raise InvalidOptions.of([*errors, *misplaced])
    request = validated(RenderRequest, {**defaults, **document, **query}, errors)
    if (clash := find_clash(request.files)) is not None:
        raise InvalidOptions.of([OptionError(f"files.{displayed(clash[0])}", clash[1])])
    files = {name: _bytes_of(file) for name, file in request.files.items()}
    return request.job(request.code, files), request.terms


def _bytes_of(file: str | TextFile | Base64File) -> bytes:
    if isinstance(file, Base64File):
        return file.base64
    return (file.text if isinstance(file, TextFile) else file).encode()
