"""The response to a render that succeeded: its picture, a document or an archive, with the header fields of each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import ETag, web

from gateway.model.jobs import Format, KiB
from gateway.server.middleware import REQUEST_ID
from gateway.v1.response.accept import PICTURE_TYPES, Form
from gateway.v1.response.archive import write_archive
from gateway.v1.response.etags import document_tag, picture_tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.v1.response.rendering import Rendering

#: Formats that can carry script: saved to disk, not shown beside us.
ATTACHED = (Format.SVG, Format.PDF)

#: From how many bytes on digests, base64 and packing leave the event loop to others meanwhile.
HEAVY_BYTES = 256 * KiB

#: The client may keep it, and has to ask each time: another client may get another form.
CACHING = {"Cache-Control": "private, no-cache", "Vary": "Accept"}


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent with 200.

    Attributes:
        body: All of it.
        content_type: Of it.
        etag: Its entity tag.
        headers: What the form has of its own.
    """

    body: bytes = field(repr=False)
    content_type: str
    etag: ETag
    headers: Mapping[str, str] = field(default_factory=dict)


async def respond(request: web.Request, rendering: Rendering, form: Form) -> web.Response:
    """Return the response to a render that succeeded; 304 if the client has it already.

    `If-None-Match: *` matches nothing: a render that was never asked for can't be known.

    Args:
        request: Its id goes into documents, its `If-None-Match` is compared (RFC 9110, 13.1.2).
        rendering: What to tell.
        form: How to tell it.
    """
    request_id = request[REQUEST_ID]
    if form is not Form.PICTURE and rendering.size > HEAVY_BYTES:
        content = await asyncio.to_thread(_make, rendering, form, request_id)
    else:
        content = _make(rendering, form, request_id)
    known = request.if_none_match or ()
    if any(etag.value == content.etag.value for etag in known):
        response = web.Response(status=304, headers=CACHING)
    else:
        headers = {**CACHING, **content.headers}
        response = web.Response(body=content.body, content_type=content.content_type, headers=headers)
    response.etag = content.etag
    return response


def _make(rendering: Rendering, form: Form, request_id: str) -> Content:
    if form is Form.PICTURE:
        (picture,) = rendering.pictures
        name = f"figure-1.{picture.format.value}"
        headers = _attachment(name) if picture.format in ATTACHED else {}
        return Content(picture.data, PICTURE_TYPES[picture.format], picture_tag(picture.data), headers)
    document = rendering.document(request_id)
    tag = document_tag(document, form)
    if form is Form.ZIP:
        return Content(write_archive(rendering, document), form.value, tag, _attachment("figures.zip"))
    return Content(document.model_dump_json().encode(), form.value, tag)


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
