"""The options of a render: one model, which checks them for every type of body and describes them in OpenAPI.

JSON is checked as it is. `gateway.v1.request.text_options` first converts the text of queries and forms to what JSON
would contain.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.model.explanation import FINDING_CODES, Severity
from gateway.model.jobs import (
    DEFAULT_ENVIRONMENT,
    ENVIRONMENT_PATTERN,
    Describe,
    Format,
    Job,
    MiB,
    NamedFile,
    SaveOptions,
)
from gateway.v1.request import rcparams
from gateway.v1.request.file_names import as_written

if TYPE_CHECKING:
    from collections.abc import Mapping

STYLES_LIMIT = 8
RC_LIMIT = 64
FAIL_ON_LIMIT = 32

#: What `fail_on` can name.
FAIL_ON = (*(severity.value for severity in Severity), *FINDING_CODES)

#: The largest values that an operator can allow; `RenderService.bound` checks those in force.
TIMEOUT_LIMIT_S = 600
MEMORY_LIMIT_MIB = 65536


class TextSyntax(StrEnum):
    """How an option is written as text, in a query or a form."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    WORD = "word"
    WORDS = "words"
    PARAMETERS = "parameters"


#: Other names of formats, as Matplotlib's own savefig has them.
_SYNONYMS = {"jpg": Format.JPEG.value}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_formats(value: object) -> object:
    """Return a list of formats by their names, which may be spelt as suffixes are: `JPG`, `.png`."""
    values = _as_list(value)
    return (
        [_as_format(each) if isinstance(each, str) else each for each in values] if isinstance(values, list) else values
    )


def _as_format(name: str) -> str:
    plain = name[:16].strip().lower().removeprefix(".")
    return _SYNONYMS.get(plain, plain)


def _check_distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("distinct", "must not repeat a value")
    return values


def _as_integer(value: object) -> object:
    """Return 5 for 5.0, as JSON Schema reads it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_style(name: str) -> str:
    if name not in rcparams.STYLES:
        raise PydanticCustomError("style", "must be the name of a Matplotlib style")
    return name


def _check_finding(name: str) -> str:
    if name not in FAIL_ON:
        near = difflib.get_close_matches(name[:64], FAIL_ON, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise PydanticCustomError("finding", f"must be the code of a finding, or error, warning or note{meant}")
    return name


_OneFormat = Annotated[Format, Field(strict=False)]
_Formats = Annotated[
    list[_OneFormat], Field(min_length=1, max_length=len(Format), json_schema_extra={"uniqueItems": True})
]
_OneStyle = Annotated[str, AfterValidator(_check_style), Field(json_schema_extra={"enum": list(rcparams.STYLES)})]
_Styles = Annotated[list[_OneStyle], Field(max_length=STYLES_LIMIT)]

_OneFinding = Annotated[str, AfterValidator(_check_finding), Field(json_schema_extra={"enum": list(FAIL_ON)})]
_Findings = Annotated[list[_OneFinding], Field(max_length=FAIL_ON_LIMIT)]

_AT_MOST = "at most, and by default, what the service allows"

_RC_SCHEMA = {**rcparams.describe(), "maxProperties": RC_LIMIT}


class Model(BaseModel):
    """The base of what checks requests: as strict as JSON allows, and its errors quote nothing of the request."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request asks for besides its job.

    Attributes:
        allows_cache: Whether a kept render will do.
        fail_on: Codes of findings, and severities, that make a failure of the render.
    """

    allows_cache: bool = False
    fail_on: tuple[str, ...] = ()


class Options(Model):
    """Every option of a render except the code and its files."""

    format: Annotated[
        _Formats,
        AfterValidator(_check_distinct),
        BeforeValidator(_as_formats, json_schema_input_type=_OneFormat | _Formats),
        TextSyntax.WORDS,
        Field(
            description="What each figure is saved as, the last three with its animation; several formats need a "
            "response in JSON or ZIP"
        ),
    ] = [Format.PNG]
    dpi: Annotated[
        float | None,
        TextSyntax.NUMBER,
        Field(ge=10, le=1200, description="Dots per inch; by default what Matplotlib takes for the figure"),
    ] = None
    width: Annotated[
        float | None,
        TextSyntax.NUMBER,
        Field(ge=0.1, le=100, description="Width of the figure in inches; by default as the code made it"),
    ] = None
    height: Annotated[
        float | None,
        TextSyntax.NUMBER,
        Field(ge=0.1, le=100, description="Height of the figure in inches; by default as the code made it"),
    ] = None
    bbox_inches: Annotated[
        Literal["tight", "standard"],
        TextSyntax.WORD,
        Field(description="`tight` cuts the picture to what is drawn, `standard` keeps the whole canvas"),
    ] = "standard"
    transparent: Annotated[
        bool, TextSyntax.BOOLEAN, Field(description="Whether the backgrounds of figure and axes are left out")
    ] = False
    style: Annotated[
        _Styles,
        BeforeValidator(_as_list, json_schema_input_type=_OneStyle | _Styles),
        TextSyntax.WORDS,
        Field(description="Matplotlib's style sheets, applied one after the other before the code runs"),
    ] = []
    rc: Annotated[
        dict[str, Any],
        TextSyntax.PARAMETERS,
        WithJsonSchema(_RC_SCHEMA),
        Field(max_length=RC_LIMIT, description="Matplotlib's parameters, set after the styles, before the code runs"),
    ] = {}
    figures: Annotated[
        Literal["current", "all"],
        TextSyntax.WORD,
        Field(description="The current figure at the end of the code, or every figure that is open then"),
    ] = "current"
    environment: Annotated[
        str,
        TextSyntax.WORD,
        Field(pattern=ENVIRONMENT_PATTERN, description="Name of the environment that the code runs in"),
    ] = DEFAULT_ENVIRONMENT
    timeout_s: Annotated[
        float | None,
        TextSyntax.NUMBER,
        Field(ge=0.1, le=TIMEOUT_LIMIT_S, description=f"Seconds that the code may take; {_AT_MOST}"),
    ] = None
    memory_mib: Annotated[
        Annotated[int, Field(ge=64, le=MEMORY_LIMIT_MIB)] | None,
        BeforeValidator(_as_integer),
        TextSyntax.NUMBER,
        Field(description=f"MiB of memory that the code may use; {_AT_MOST}"),
    ] = None
    seed: Annotated[
        Annotated[int, Field(ge=0, le=2**32 - 1)] | None,
        BeforeValidator(_as_integer),
        TextSyntax.NUMBER,
        Field(description="Random state of `random` and NumPy at the start; by default random"),
    ] = None
    cache: Annotated[
        bool,
        TextSyntax.BOOLEAN,
        Field(description="Whether the service may return a picture that it has kept from the same request"),
    ] = True

    describe: Annotated[
        Annotated[Describe, Field(strict=False)],
        TextSyntax.WORD,
        Field(description="How much is said of each figure in words; `data` adds the values of its artists"),
    ] = Describe.NONE
    embed_alt_text: Annotated[
        bool,
        TextSyntax.BOOLEAN,
        Field(
            description="Whether PNG, SVG and PDF have the figure's alternative text in the file; other formats can't"
        ),
    ] = False
    fail_on: Annotated[
        _Findings,
        BeforeValidator(_as_list, json_schema_input_type=_OneFinding | _Findings),
        TextSyntax.WORDS,
        Field(
            description="Codes of findings that make a failure of the render, or a severity (`error`, `warning`, "
            "`note`) for all that matter as much or more; implies `describe=summary`"
        ),
    ] = []

    @property
    def terms(self) -> Terms:
        """What the request asks for besides its job."""
        return Terms(self.cache, tuple(self.fail_on))

    def job(self, code: str, files: Mapping[str, bytes] = MappingProxyType({})) -> Job:
        """Return the job of running code, beside files, with these options.

        Files and text are always collected: a failure reports what the code printed, and a cached result must serve
        every form of the response.
        """
        names = as_written(files, code)
        describe = Describe.SUMMARY if self.fail_on and self.describe is Describe.NONE else self.describe
        return Job(
            code=code,
            options=SaveOptions(
                formats=tuple(self.format),
                all_figures=self.figures == "all",
                dpi=self.dpi,
                width_in=self.width,
                height_in=self.height,
                bbox_inches="tight" if self.bbox_inches == "tight" else None,
                transparent=self.transparent,
                style=tuple(self.style),
                rc=self.rc,
                describe=describe,
                embed_alt_text=self.embed_alt_text,
            ),
            files=tuple(NamedFile(names[name], data) for name, data in sorted(files.items())),
            environment=self.environment,
            wall_limit_s=self.timeout_s,
            memory_limit_bytes=None if self.memory_mib is None else self.memory_mib * MiB,
            seed=self.seed,
            collect=True,
        )
