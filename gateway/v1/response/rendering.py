"""A finished render with all that its response says about it, and its parts as documents."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.v1.response.accept import PICTURE_TYPES
from gateway.v1.response.content_types import content_type_of
from gateway.v1.response.documents import (
    FigureDocument,
    FileDocument,
    LimitsDocument,
    Manifest,
    PictureDocument,
    RenderDocument,
    StagesDocument,
    TextDocument,
    UsageDocument,
    WarningDocument,
)

if TYPE_CHECKING:
    from gateway.model.jobs import EnvironmentFacts, Job, Limits, NamedFile
    from gateway.model.results import Figure, Picture, PythonWarning, Result, Text


@dataclass(frozen=True, slots=True)
class Rendering:
    """A job that gave pictures.

    Attributes:
        job: What was asked for.
        facts: What it ran in.
        result: What became of it.
        cached: Whether it ran for an earlier request.
    """

    job: Job
    facts: EnvironmentFacts
    result: Result
    cached: bool

    @property
    def pictures(self) -> list[Picture]:
        """Every picture, figure by figure."""
        return [picture for figure in self.result.figures for picture in figure.pictures]

    @property
    def size(self) -> int:
        """Bytes of all pictures and files."""
        return sum(len(picture.data) for picture in self.pictures) + sum(len(file.data) for file in self.result.files)

    def manifest(self) -> Manifest:
        """Return what the pictures were made of and by."""
        result, facts, stages = self.result, self.facts, self.result.stages
        usage = result.usage
        return Manifest(
            image=facts.image_id,
            environment=facts.name,
            runtime=facts.runtime,
            versions=dict(facts.versions),
            fonts=facts.fonts_sha256,
            code_sha256=sha256(self.job.code.encode()),
            limits=limits_document(result.limits),
            usage=UsageDocument(**dataclasses.asdict(usage)) if usage is not None else None,
            stages_ms=StagesDocument(
                queue=round(stages.queue_ms, 1),
                acquire=round(stages.acquire_ms, 1),
                run=round(stages.run_ms, 1),
                check=round(stages.check_ms, 1),
            ),
            warm=stages.warm,
        )

    def document(self, request_id: str) -> RenderDocument:
        """Return all of it as one document."""
        result = self.result
        return RenderDocument(
            request_id=request_id,
            cached=self.cached,
            figures=[_figure_document(figure) for figure in result.figures],
            files=[_file_document(file) for file in result.files],
            files_truncated=result.files_truncated,
            stdout=text_document(result.stdout),
            stderr=text_document(result.stderr),
            warnings=warning_documents(result.warnings),
            manifest=self.manifest(),
        )


def sha256(data: bytes) -> str:
    """Return a digest in hex."""
    return hashlib.sha256(data).hexdigest()


def limits_document(limits: Limits) -> LimitsDocument:
    """Return limits as a document."""
    return LimitsDocument(**dataclasses.asdict(limits))


def text_document(text: Text) -> TextDocument:
    """Return what was printed as a document."""
    return TextDocument(text=text.text, truncated=text.truncated)


def warning_documents(warnings: tuple[PythonWarning, ...]) -> list[WarningDocument]:
    """Return warnings as documents."""
    return [WarningDocument(category=each.category, message=each.message, line=each.line) for each in warnings]


def _figure_document(figure: Figure) -> FigureDocument:
    return FigureDocument(
        number=figure.number, label=figure.label, pictures=[_picture_document(picture) for picture in figure.pictures]
    )


def _picture_document(picture: Picture) -> PictureDocument:
    return PictureDocument(
        format=picture.format,
        content_type=PICTURE_TYPES[picture.format],
        width_px=picture.width_px,
        height_px=picture.height_px,
        bytes=len(picture.data),
        sha256=sha256(picture.data),
        pixels_sha256=picture.pixels_sha256,
        data=base64.b64encode(picture.data).decode("ascii"),
    )


def _file_document(file: NamedFile) -> FileDocument:
    return FileDocument(
        name=file.name,
        content_type=content_type_of(file.name, file.data),
        bytes=len(file.data),
        sha256=sha256(file.data),
        data=base64.b64encode(file.data).decode("ascii"),
    )
