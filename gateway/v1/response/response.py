"""The answer to a render that succeeded: its picture, a document or an archive, with the header fields of each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.model.jobs import Format, KiB
from gateway.v1.response.accept import PICTURE_TYPES, Form
from gateway.v1.response.archive import write_archive
from gateway.v1.response.etags import document_tag, is_known, picture_tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.v1.response.rendering import Rendering

#: Formats that can carry script: saved to disk, not shown beside us.
ATTACHED = (Format.SVG, Format.PDF)

#: From how many bytes on digests, base64 and packing leave the event loop to others meanwhile.
HEAVY_BYTES = 256 * KiB

#: The client may keep it, and has to ask each time: another client may get another form.
CACHING = {"Cache-Control": "private, no-cache", "Vary": "Accept"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent with 200.

    Attributes:
        body: All of it.
        content_type: Of it.
        tag: Its entity tag.
        headers: What the form has of its own.
    """

    body: bytes = field(repr=False)
    content_type: str
    tag: str
    headers: Mapping[str, str] = field(default_factory=dict)


async def answer(rendering: Rendering, form: Form, request_id: str, known: Sequence[str]) -> web.Response:
    """Return the answer to a render that succeeded.

    Args:
        rendering: What to tell.
        form: How to tell it.
        request_id: Of the request.
        known: Its `If-None-Match` fields.
    """
    if form is not Form.PICTURE and rendering.size > HEAVY_BYTES:
        made = await asyncio.to_thread(_make, rendering, form, request_id)
    else:
        made = _make(rendering, form, request_id)
    headers = {**CACHING, "ETag": made.tag}
    if is_known(made.tag, known):
        return web.Response(status=304, headers=headers)
    return web.Response(body=made.body, content_type=made.content_type, headers={**headers, **made.headers})


def _make(rendering: Rendering, form: Form, request_id: str) -> Answer:
    if form is Form.PICTURE:
        (picture,) = rendering.pictures
        name = f"figure-1.{picture.format.value}"
        headers = _attachment(name) if picture.format in ATTACHED else {}
        return Answer(picture.data, PICTURE_TYPES[picture.format], picture_tag(picture.data), headers)
    document = rendering.document(request_id)
    tag = document_tag(document, form)
    if form is Form.ZIP:
        return Answer(write_archive(rendering, document), form.value, tag, _attachment("figures.zip"))
    return Answer(document.model_dump_json().encode(), form.value, tag)


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
