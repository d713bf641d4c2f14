"""The documents in responses: these types write them, and describe them in OpenAPI."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.model.explanation import Box, Description, Finding, Severity
from gateway.model.jobs import Format  # noqa: TC001 - pydantic reads the annotations
from gateway.model.results import HINT_LIMIT, Outcome

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256, in hex")]
Base64 = Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"}, description="The bytes, as base64")]
Bytes = Annotated[int, Field(ge=0, description="Number of bytes")]

_CLAIMED = "by the account of the code; null if that was not asked for, or is lost"
AltText = Annotated[str | None, Field(description=f"What the figure shows, for those who can't see it, {_CLAIMED}")]
Described = Annotated[Description | None, Field(description=f"What the figure shows, {_CLAIMED}")]
Findings = Annotated[list[Finding] | None, Field(description="What a reader would stumble over; null likewise")]
FindingsLeftOut = Annotated[int | None, Field(description="How many more findings there are; null likewise")]


class Document(BaseModel):
    """A part of a response."""

    model_config = ConfigDict(frozen=True)


class PictureDocument(Document):
    """One figure in one format."""

    format: Format
    content_type: str
    width_px: Annotated[int, Field(description="Width in pixels; of SVG and PDF in points")]
    height_px: Annotated[int, Field(description="Height, likewise")]
    bytes: Bytes
    sha256: Sha256
    pixels_sha256: Annotated[
        Sha256 | None,
        Field(
            description="Digest of the decoded pixels, of all frames, as the sandbox reports it; null for SVG and PDF"
        ),
    ]
    data: Base64


class FigureDocument(Document):
    """One figure."""

    number: Annotated[int, Field(description="Matplotlib's own; 0 for a figure that pyplot doesn't know")]
    label: str
    pictures: Annotated[list[PictureDocument], Field(description="In the order of the requested formats")]
    alt_text: AltText
    description: Described
    findings: Findings
    findings_left_out: FindingsLeftOut


class ExplanationDocument(Document):
    """What is said of one figure that the response doesn't have."""

    number: Annotated[int, Field(description="Matplotlib's own; 0 for a figure that pyplot doesn't know")]
    label: str
    alt_text: AltText
    description: Described
    findings: Findings
    findings_left_out: FindingsLeftOut


class FigureFindingDocument(Document):
    """A finding that the request refuses."""

    figure: Annotated[int, Field(description="Number of its figure")]
    code: str
    severity: Severity
    sentence: str
    advice: str
    axes: list[int]
    box: Box | None


class FileDocument(Document):
    """A file that the code wrote."""

    name: Annotated[str, Field(description="Relative to the working directory; folders are separated by /")]
    content_type: Annotated[str, Field(description="By its content, never by its name alone")]
    bytes: Bytes
    sha256: Sha256
    truncated: Annotated[Literal[False], Field(description="A file is whole, or left out")] = False
    data: Base64


class TextDocument(Document):
    """What the code printed to one stream."""

    text: str
    truncated: Annotated[bool, Field(description="Whether there was more")]


class WarningDocument(Document):
    """A Python warning that the code caused."""

    category: Annotated[str, Field(description="Name of its class")]
    message: str
    line: Annotated[int | None, Field(description="Line of the code, from 1; null if it is not in the code")]


class LimitsDocument(Document):
    """What the code was allowed to use."""

    wall_limit_s: float
    memory_limit_bytes: int
    tmpfs_limit_bytes: int
    tmpfs_inodes: int
    pids_limit: int
    cpus: float
    output_limit_bytes: int
    pixel_limit: int


class UsageDocument(Document):
    """What the container used, as the kernel counted it."""

    cpu_s: float
    memory_peak_bytes: int | None


class StagesDocument(Document):
    """Milliseconds that the job was queued, waited for a container, ran, and was checked."""

    queue: float
    acquire: float
    run: float
    check: float


class Manifest(Document):
    """What made the pictures, and from what; in a cached response, at the time they were made."""

    image: Annotated[str | None, Field(description="Digest of the image")]
    environment: str
    runtime: Annotated[str | None, Field(description="The engine's name for what runs the containers")]
    versions: Annotated[dict[str, str], Field(description="Of Python, Matplotlib, NumPy, FreeType and so on")]
    fonts: Annotated[str | None, Field(description="SHA-256 over the image's fonts")]
    code_sha256: Sha256
    limits: LimitsDocument
    usage: Annotated[UsageDocument | None, Field(description="Null if unknown")]
    stages_ms: StagesDocument
    warm: Annotated[bool, Field(description="Whether the container had imported Matplotlib before the job came")]


class RenderDocument(Document):
    """All results of a render."""

    outcome: Literal[Outcome.OK] = Outcome.OK
    request_id: str
    cached: Annotated[bool, Field(description="Whether it was kept from an earlier request of the same key")]
    figures: list[FigureDocument]
    figures_truncated: Annotated[bool, Field(description="Whether figures were left out, because there are too many")]
    files: list[FileDocument]
    files_truncated: Annotated[bool, Field(description="Whether files were left out")]
    stdout: TextDocument
    stderr: TextDocument
    warnings: list[WarningDocument]
    manifest: Manifest


class PackageDocument(Document):
    """A package that code can import."""

    name: str
    version: str


class EnvironmentDocument(Document):
    """One environment."""

    name: str
    image: Annotated[str, Field(description="Digest of the image")]
    runtime: str
    versions: dict[str, str]
    packages: list[PackageDocument]
    limits: Annotated[LimitsDocument, Field(description="What the key of the request may use there")]


class EnvironmentsDocument(Document):
    """The environments that requests can name."""

    environments: list[EnvironmentDocument]


class ProblemDocument(Document):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Field(pattern="^urn:figbox:problem:", description="Kind of the problem")]
    title: str
    status: int
    detail: Annotated[str, Field(description="For a person, in short")]
    request_id: str
    error: Annotated[str, Field(description="For a person, in full")]


class OptionErrorDocument(Document):
    """What is wrong with one option."""

    option: str
    message: str


class InvalidRequestDocument(ProblemDocument):
    """A request that can't be read."""

    errors: Annotated[
        list[OptionErrorDocument] | None, Field(description="Each wrong option; absent if the body is wrong")
    ] = None


class FaultDocument(Document):
    """Where and how the code failed."""

    type: Annotated[str, Field(description="Name of the exception's class")]
    message: str
    line: Annotated[int | None, Field(description="Line of the code, from 1")]
    column: Annotated[int | None, Field(description="Column, from 1")]
    source: Annotated[str | None, Field(description="Text of that line")]
    hint: Annotated[
        str | None,
        Field(
            max_length=HINT_LIMIT,
            description="What helps to mend the code, in one line: the nearest right name, what replaced it, what is "
            "installed, and so on; null if nothing is sure to. As untrusted as the message",
        ),
    ]


class LimitDocument(Document):
    """Which limit ended the code."""

    name: str
    allowed: float
    unit: str
    used: float | None


class FiguresDocument(Document):
    """The figures of code that left none open."""

    drawn: Annotated[int | None, Field(description="Figures that the code made")]
    closed: Annotated[int | None, Field(description="Figures that it closed")]


class FailureDocument(ProblemDocument):
    """Code that produced no picture: why, and what it wrote and printed until then."""

    outcome: Annotated[Outcome, Field(json_schema_extra={"not": {"const": "ok"}})]
    fault: Annotated[FaultDocument | None, Field(description="With program_error")] = None
    limit: Annotated[LimitDocument | None, Field(description="With the outcomes that end in _limit")] = None
    signal: Annotated[str | None, Field(description="With killed")] = None
    figures: Annotated[FiguresDocument | None, Field(description="With no_figure")] = None
    findings: Annotated[
        list[FigureFindingDocument] | None,
        Field(description="With findings: those of `fail_on`; empty if a figure could not be described"),
    ] = None
    explanations: Annotated[list[ExplanationDocument] | None, Field(description="With findings: of every figure")] = (
        None
    )
    files: Annotated[list[FileDocument], Field(description="None if the code was stopped, or crashed")]
    files_truncated: Annotated[bool, Field(description="Whether files were left out")]
    stdout: TextDocument
    stderr: TextDocument
    warnings: list[WarningDocument]
