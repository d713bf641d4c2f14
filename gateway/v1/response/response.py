"""The response to a successful render: a picture, a document or an archive, with the header fields of each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway.model.jobs import Format, KiB
from gateway.server.middleware import REQUEST_ID
from gateway.v1.response.accept import PICTURE_TYPES, Form
from gateway.v1.response.archive import write_archive
from gateway.v1.response.etags import document_tag, picture_tag

if TYPE_CHECKING:
    from aiohttp import ETag

    from gateway.v1.response.rendering import Rendering

#: Formats that can contain scripts: browsers save them instead of showing them on our origin.
ATTACHED = (Format.SVG, Format.PDF)

#: Renders larger than this are hashed, encoded and packed in a thread, to keep the event loop free.
HEAVY_BYTES = 256 * KiB

#: The client may keep the response, but must revalidate it; another `Accept` gets another form.
CACHING = {"Cache-Control": "private, no-cache", "Vary": "Accept"}


async def respond(request: web.Request, rendering: Rendering, form: Form) -> web.Response:
    """Return the response to a successful render, or 304 if the client has it already (RFC 9110, 13.1.2).

    `If-None-Match: *` matches nothing: the client can't have a render that it never requested.
    """
    request_id = request[REQUEST_ID]
    if form is not Form.PICTURE and rendering.size > HEAVY_BYTES:
        response = await asyncio.to_thread(_response, rendering, form, request_id)
    else:
        response = _response(rendering, form, request_id)
    tag = response.etag
    # aiohttp's own `if_none_match` reads the first header line only.
    known = request.headers.getall(hdrs.IF_NONE_MATCH, ())
    if tag is not None and any(f'"{tag.value}"' in line for line in known):
        response = web.Response(status=304, headers=CACHING)
        response.etag = tag
    return response


def _response(rendering: Rendering, form: Form, request_id: str) -> web.Response:
    if form is Form.PICTURE:
        (picture,) = rendering.pictures
        filename = f"figure-1.{picture.format.value}" if picture.format in ATTACHED else None
        return _with_tag(picture_tag(picture.data), picture.data, PICTURE_TYPES[picture.format], filename)
    document = rendering.document(request_id)
    tag = document_tag(document, form)
    if form is Form.ZIP:
        return _with_tag(tag, write_archive(rendering, document), form.value, "figures.zip")
    return _with_tag(tag, document.model_dump_json().encode(), form.value)


def _with_tag(tag: ETag, body: bytes, content_type: str, filename: str | None = None) -> web.Response:
    disposition = {} if filename is None else {"Content-Disposition": f'attachment; filename="{filename}"'}
    response = web.Response(body=body, content_type=content_type, headers={**CACHING, **disposition})
    response.etag = tag
    return response
