"""The response to a successful render: a picture, a document or an archive, with the header fields of each."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from aiohttp import hdrs, web

from gateway.model.jobs import Format, KiB
from gateway.server.middleware import REQUEST_ID
from gateway.server.sending import Answer, AsBase64
from gateway.v1.response.accept import PICTURE_TYPES, Form
from gateway.v1.response.archive import write_archive
from gateway.v1.response.etags import document_tag, picture_tag
from gateway.v1.response.rendering import document_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiohttp import ETag

    from gateway.v1.response.rendering import Rendering

T = TypeVar("T")

#: Formats that can contain scripts: browsers save them instead of showing them on our origin.
ATTACHED = (Format.SVG, Format.PDF)

#: Results larger than this are hashed in a thread, to keep the event loop free. Archives are always packed in one: what
#: is hard to compress takes 0.2 s for each MiB, and the names of a job's files can take 0.1 s.
HEAVY_BYTES = 256 * KiB

#: The client may keep the response, but must revalidate it; another `Accept` gets another form.
CACHING = {"Cache-Control": "private, no-cache", "Vary": "Accept"}


async def respond(request: web.Request, rendering: Rendering, form: Form, paid: Callable[[float], object]) -> Answer:
    """Return the answer to a successful render, or 304 if the client has it already (RFC 9110, 13.1.2).

    `If-None-Match: *` matches nothing: the client can't have a render that it never requested.

    Args:
        request: What it answers.
        rendering: What the answer tells.
        form: As what.
        paid: Called with the processor seconds that a large answer took, also if the client hung up meanwhile.
    """
    # aiohttp's own `if_none_match` reads the first header line only.
    known = request.headers.getall(hdrs.IF_NONE_MATCH, ())
    make = partial(_answer, rendering, form, request[REQUEST_ID], known)
    if form is Form.ZIP or rendering.result.size > HEAVY_BYTES:
        return await in_thread(make, paid)
    return make()


async def in_thread(make: Callable[[], T], paid: Callable[[float], object]) -> T:
    """Return what is made in a thread, which a client that hangs up can't stop: its memory is held until then."""

    def timed() -> tuple[T, float]:
        began_s = time.thread_time()
        made = make()
        return made, time.thread_time() - began_s

    making = asyncio.ensure_future(asyncio.to_thread(timed))
    try:
        await asyncio.wait([making])
    except asyncio.CancelledError:
        await asyncio.wait([making])
        raise
    finally:
        if making.done():
            paid(making.result()[1])
    return making.result()[0]


def _answer(rendering: Rendering, form: Form, request_id: str, known: Sequence[str]) -> Answer:
    """Return the answer, or 304 if its tag is among those that the client knows."""
    if form is Form.PICTURE:
        (picture,) = rendering.pictures
        filename = f"figure-1.{picture.format.ending}" if picture.format in ATTACHED else None
        tag = picture_tag(picture.data)
        if _knows(tag, known):
            return _not_modified(tag)
        return _with_tag(tag, [picture.data], PICTURE_TYPES[picture.format], filename)
    document = rendering.document(request_id)
    tag = document_tag(document, form, rendering.explanations)
    if _knows(tag, known):
        return _not_modified(tag)
    if form is Form.ZIP:
        return _with_tag(tag, [write_archive(rendering, document)], form.value, "figures.zip")
    return _with_tag(tag, document_parts(document, rendering), form.value)


def _knows(tag: ETag, known: Sequence[str]) -> bool:
    return any(f'"{tag.value}"' in line for line in known)


def _not_modified(tag: ETag) -> Answer:
    response = web.Response(status=304, headers=CACHING)
    response.etag = tag
    return Answer.whole(response)


def _with_tag(tag: ETag, parts: Sequence[bytes | AsBase64], content_type: str, filename: str | None = None) -> Answer:
    disposition = {} if filename is None else {"Content-Disposition": f'attachment; filename="{filename}"'}
    response = web.StreamResponse(headers={**CACHING, **disposition})
    response.content_type = content_type
    response.etag = tag
    return Answer.of_parts(response, parts)
