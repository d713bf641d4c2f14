"""A successful render, and the documents that describe it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from gateway.server.sending import AsBase64
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
    from collections.abc import Iterator, Sequence

    from gateway.model.jobs import EnvironmentFacts, Job, NamedFile
    from gateway.model.results import Figure, Picture, Result

#: What is before and after the bytes of a picture or file in a document as JSON.
_DATA_BEGINS, _DATA_ENDS = b',"data":"', b'"'

#: What a document has in place of the members of an explanation, in the order in which that has them.
UNEXPLAINED = ("alt_text", "description", "findings", "findings_left_out")
_UNEXPLAINED = ",".join(f'"{name}":null' for name in UNEXPLAINED).encode()


@dataclass(frozen=True, slots=True)
class Rendering:
    """A job that gave pictures.

    Attributes:
        job: What the client asked for.
        facts: The environment it ran in.
        result: What it came to.
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
    def blobs(self) -> list[bytes]:
        """The bytes of all pictures and files, in the order of the document."""
        return [picture.data for picture in self.pictures] + [file.data for file in self.result.files]

    @property
    def explanations(self) -> list[bytes | None]:
        """What is said of each figure."""
        return [figure.explanation for figure in self.result.figures]

    def document(self, request_id: str) -> RenderDocument:
        """Return all of it as one document, but for the bytes: each `data` is empty, see `document_parts`.

        Of explanations it has no member, either: they are JSON already.
        """
        result = self.result
        return RenderDocument(
            request_id=request_id,
            cached=self.cached,
            figures=[_figure_document(figure) for figure in result.figures],
            figures_truncated=result.figures_truncated,
            files=[file_document(file) for file in result.files],
            files_truncated=result.files_truncated,
            stdout=TextDocument(**asdict(result.stdout)),
            stderr=TextDocument(**asdict(result.stderr)),
            warnings=[WarningDocument(**asdict(warning)) for warning in result.warnings],
            manifest=self._manifest(),
        )

    def _manifest(self) -> Manifest:
        usage, stages = self.result.usage, self.result.stages
        return Manifest(
            image=self.facts.image_id,
            environment=self.facts.name,
            runtime=self.facts.runtime,
            versions=dict(self.facts.versions),
            fonts=self.facts.fonts_sha256,
            code_sha256=sha256(self.job.code.encode()),
            limits=LimitsDocument(**asdict(self.result.limits)),
            usage=UsageDocument(**asdict(usage)) if usage is not None else None,
            stages_ms=StagesDocument(**{name: round(spent_ms, 1) for name, spent_ms in stages.by_name().items()}),
            warm=stages.warm,
        )


def document_parts(document: RenderDocument, rendering: Rendering) -> list[bytes | AsBase64]:
    """Return the parts of a document as JSON: its text, and where it was left open, bytes and explanations.

    Args:
        document: As `Rendering.document` makes it.
        rendering: What it describes.
    """
    return filled(document.model_dump_json().encode(), rendering.blobs, rendering.explanations)


def filled(text: bytes, blobs: Sequence[bytes], explanations: Sequence[bytes | None] = ()) -> list[bytes | AsBase64]:
    """Return the parts of a document as JSON without spaces, with what it was left open for.

    Args:
        text: The document; each `data` in it is empty, and what is said of figures is null.
        blobs: What the members `data` are to have, in their order.
        explanations: What is said of each figure, in their order; None leaves it null.
    """
    # Neither can be within a text, where each quote has a backslash before it.
    first, *others = text.split(_UNEXPLAINED)
    data = iter(blobs)
    parts = [*_with_data(first, data)]
    for explanation, other in zip(explanations, others, strict=True):
        parts += [_UNEXPLAINED if explanation is None else explanation[1:-1], *_with_data(other, data)]
    return parts


def _with_data(text: bytes, blobs: Iterator[bytes]) -> Iterator[bytes | AsBase64]:
    first, *others = text.split(_DATA_BEGINS + _DATA_ENDS)
    yield first
    for other in others:
        yield from (_DATA_BEGINS, AsBase64(next(blobs)), _DATA_ENDS, other)


def sha256(data: bytes) -> str:
    """Return a digest in hex."""
    return hashlib.sha256(data).hexdigest()


def _figure_document(figure: Figure) -> FigureDocument:
    pictures = [_picture_document(picture) for picture in figure.pictures]
    return FigureDocument(number=figure.number, label=figure.label, pictures=pictures, **dict.fromkeys(UNEXPLAINED))


def _picture_document(picture: Picture) -> PictureDocument:
    return PictureDocument(
        format=picture.format,
        content_type=PICTURE_TYPES[picture.format],
        width_px=picture.width_px,
        height_px=picture.height_px,
        bytes=len(picture.data),
        sha256=sha256(picture.data),
        pixels_sha256=picture.pixels_sha256,
        data="",
    )


def file_document(file: NamedFile) -> FileDocument:
    """Return the description of a file; its `data` is empty."""
    return FileDocument(
        name=file.name,
        content_type=content_type_of(file.name, file.data),
        bytes=len(file.data),
        sha256=sha256(file.data),
        data="",
    )
