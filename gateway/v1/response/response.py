"""The response to a successful render: a picture, a document or an archive, with the header fields of each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway.model.jobs import Format, KiB
from gateway.server.middleware import REQUEST_ID
from gateway.server.sending import Answer, AsBase64
from gateway.v1.response.accept import PICTURE_TYPES, Form
from gateway.v1.response.archive import write_archive
from gateway.v1.response.etags import document_tag, picture_tag
from gateway.v1.response.rendering import document_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import ETag

    from gateway.v1.response.rendering import Rendering

#: Formats that can contain scripts: browsers save them instead of showing them on our origin.
ATTACHED = (Format.SVG, Format.PDF)

#: Renders larger than this are hashed and packed in a thread, to keep the event loop free; and so is every archive,
#: since the names of a job's files can take 0.1 s.
HEAVY_BYTES = 256 * KiB

#: The client may keep the response, but must revalidate it; another `Accept` gets another form.
CACHING = {"Cache-Control": "private, no-cache", "Vary": "Accept"}


async def respond(request: web.Request, rendering: Rendering, form: Form) -> Answer:
    """Return the answer to a successful render, or 304 if the client has it already (RFC 9110, 13.1.2).

    `If-None-Match: *` matches nothing: the client can't have a render that it never requested.
    """
    request_id = request[REQUEST_ID]
    if form is Form.ZIP or rendering.result.size > HEAVY_BYTES:
        answer = await asyncio.to_thread(_answer, rendering, form, request_id)
    else:
        answer = _answer(rendering, form, request_id)
    tag = answer.response.etag
    # aiohttp's own `if_none_match` reads the first header line only.
    known = request.headers.getall(hdrs.IF_NONE_MATCH, ())
    if tag is not None and any(f'"{tag.value}"' in line for line in known):
        response = web.Response(status=304, headers=CACHING)
        response.etag = tag
        return Answer.whole(response)
    return answer


def _answer(rendering: Rendering, form: Form, request_id: str) -> Answer:
    if form is Form.PICTURE:
        (picture,) = rendering.pictures
        filename = f"figure-1.{picture.format.value}" if picture.format in ATTACHED else None
        return _with_tag(picture_tag(picture.data), [picture.data], PICTURE_TYPES[picture.format], filename)
    document = rendering.document(request_id)
    tag = document_tag(document, form)
    if form is Form.ZIP:
        return _with_tag(tag, [write_archive(rendering, document)], form.value, "figures.zip")
    return _with_tag(tag, document_parts(document, rendering.blobs), form.value)


def _with_tag(tag: ETag, parts: Sequence[bytes | AsBase64], content_type: str, filename: str | None = None) -> Answer:
    disposition = {} if filename is None else {"Content-Disposition": f'attachment; filename="{filename}"'}
    response = web.StreamResponse(headers={**CACHING, **disposition})
    response.content_type = content_type
    response.etag = tag
    return Answer.of_parts(response, parts)
