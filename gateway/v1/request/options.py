"""What a render may be asked for: one model, which checks every body's options and describes them in OpenAPI.

JSON is checked as it comes. Queries and forms hold text; `gateway.v1.request.text_options` turns it into what JSON
would have held, and the same model checks that.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.model.jobs import DEFAULT_ENVIRONMENT, ENVIRONMENT_PATTERN, Format, Job, MiB, SaveOptions
from gateway.v1.request import rcparams as rc

if TYPE_CHECKING:
    from gateway.model.jobs import NamedFile

STYLES_LIMIT = 8
RC_LIMIT = 64

#: The largest values that an operator can set; what a service allows is lower, see `RenderService.bound`.
TIMEOUT_LIMIT_S = 600
MEMORY_LIMIT_MIB = 65536


class TextForm(StrEnum):
    """What a query's or a form's text means for an option."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    WORD = "word"
    WORDS = "words"
    PARAMETERS = "parameters"


def _listed(value: object) -> object:
    """Take one for a list of one."""
    return [value] if isinstance(value, str) else value


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("distinct", "must name none twice")
    return values


def _whole(value: object) -> object:
    """Take 5.0 for 5, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _style(name: str) -> str:
    if name not in rc.STYLES:
        raise PydanticCustomError("style", "must be the name of a style of Matplotlib")
    return name


_OneFormat = Annotated[Format, Field(strict=False)]
_Formats = Annotated[
    list[_OneFormat], Field(min_length=1, max_length=len(Format), json_schema_extra={"uniqueItems": True})
]
_OneStyle = Annotated[str, AfterValidator(_style), Field(json_schema_extra={"enum": list(rc.STYLES)})]
_Styles = Annotated[list[_OneStyle], Field(max_length=STYLES_LIMIT)]


_RC_SCHEMA = {**rc.describe(), "maxProperties": RC_LIMIT}


class Model(BaseModel):
    """What requests are checked by: as strict as JSON allows, and without a word of the request in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False)


class Options(Model):
    """Every option of a render but the code and its files."""

    format: Annotated[
        _Formats,
        AfterValidator(_distinct),
        BeforeValidator(_listed, json_schema_input_type=_OneFormat | _Formats),
        TextForm.WORDS,
        Field(description="What each figure is saved as; several formats need an answer in JSON or ZIP"),
    ] = [Format.PNG]
    dpi: Annotated[
        float | None,
        TextForm.NUMBER,
        Field(ge=10, le=1200, description="Dots per inch; by default what Matplotlib takes for the figure"),
    ] = None
    width: Annotated[
        float | None,
        TextForm.NUMBER,
        Field(ge=0.1, le=100, description="Width of the figure in inches; by default as the code made it"),
    ] = None
    height: Annotated[
        float | None,
        TextForm.NUMBER,
        Field(ge=0.1, le=100, description="Height of the figure in inches; by default as the code made it"),
    ] = None
    bbox_inches: Annotated[
        Literal["tight", "standard"],
        TextForm.WORD,
        Field(description="`tight` cuts the picture to what is drawn, `standard` keeps the whole canvas"),
    ] = "standard"
    transparent: Annotated[
        bool, TextForm.BOOLEAN, Field(description="Whether the backgrounds of figure and axes are left out")
    ] = False
    style: Annotated[
        _Styles,
        BeforeValidator(_listed, json_schema_input_type=_OneStyle | _Styles),
        TextForm.WORDS,
        Field(description="Matplotlib's style sheets, applied one after the other before the code runs"),
    ] = []
    rc: Annotated[
        dict[str, Any],
        TextForm.PARAMETERS,
        WithJsonSchema(_RC_SCHEMA),
        Field(
            max_length=RC_LIMIT, description="Matplotlib's parameters, set after the styles and before the code runs"
        ),
    ] = {}
    figures: Annotated[
        Literal["current", "all"],
        TextForm.WORD,
        Field(description="The current figure at the end of the code, or every figure that is open then"),
    ] = "current"
    environment: Annotated[
        str,
        TextForm.WORD,
        Field(pattern=ENVIRONMENT_PATTERN, description="Name of the environment that the code runs in"),
    ] = DEFAULT_ENVIRONMENT
    timeout_s: Annotated[
        float | None,
        TextForm.NUMBER,
        Field(
            ge=0.1,
            le=TIMEOUT_LIMIT_S,
            description="Seconds that the code may take; at most, and by default, what the service allows",
        ),
    ] = None
    memory_mib: Annotated[
        Annotated[int, Field(ge=64, le=MEMORY_LIMIT_MIB)] | None,
        BeforeValidator(_whole),
        TextForm.NUMBER,
        Field(
            description="MiB of memory that the code may use; at most, and by default, what the service allows",
        ),
    ] = None
    seed: Annotated[
        Annotated[int, Field(ge=0, le=2**32 - 1)] | None,
        BeforeValidator(_whole),
        TextForm.NUMBER,
        Field(description="Random state of `random` and NumPy at the start; by default random"),
    ] = None
    cache: Annotated[
        bool,
        TextForm.BOOLEAN,
        Field(description="Whether a picture that the service has kept of the same request will do"),
    ] = True

    def job(self, code: str, files: tuple[NamedFile, ...] = ()) -> Job:
        """Return the job that code with these options is.

        Files and text are collected whatever form the response takes: a failure shows what the code printed, and one
        result serves every form.
        """
        return Job(
            code=code,
            options=self._save_options(),
            files=files,
            environment=self.environment,
            wall_limit_s=self.timeout_s,
            memory_limit_bytes=None if self.memory_mib is None else self.memory_mib * MiB,
            seed=self.seed,
            collect=True,
        )

    def _save_options(self) -> SaveOptions:
        return SaveOptions(
            formats=tuple(self.format),
            all_figures=self.figures == "all",
            dpi=self.dpi,
            width_in=self.width,
            height_in=self.height,
            bbox_inches="tight" if self.bbox_inches == "tight" else None,
            transparent=self.transparent,
            style=tuple(self.style),
            rc=self.rc,
        )
