"""Entity tags of answers (RFC 9110, 8.8.3).

A picture alone has a strong tag: its bytes decide. Documents and archives also tell what a render took, which is never
twice the same; their tag is weak and stands for all that is not so.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from gateway.v1.response.rendering import sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.v1.response.accept import Form
    from gateway.v1.response.documents import RenderDocument

#: Tags of one request that are looked at.
TAGS_LIMIT = 64

_TAG = re.compile(r'(?:W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"')

#: What one render tells otherwise than the next, and the bytes, which their digests stand for.
_CHANGING: Any = {
    "request_id": True,
    "cached": True,
    "manifest": {"usage", "stages_ms", "warm"},
    "figures": {"__all__": {"pictures": {"__all__": {"data"}}}},
    "files": {"__all__": {"data"}},
}


def picture_tag(data: bytes) -> str:
    """Return the tag of a picture alone."""
    return f'"{sha256(data)}"'


def document_tag(document: RenderDocument, form: Form) -> str:
    """Return the tag of a document or of the archive made of it."""
    lasting = document.model_dump(mode="json", exclude=_CHANGING)
    canonical = json.dumps([form.value, lasting], sort_keys=True, separators=(",", ":"))
    return f'W/"{hashlib.sha256(canonical.encode()).hexdigest()}"'


def is_known(tag: str, values: Sequence[str]) -> bool:
    """Tell whether a client's `If-None-Match` has a tag; compared weakly, as the standard has it for that field.

    `*` matches nothing here: a render that was never asked for can't be known.
    """
    known = [match["opaque"] for value in values for match in _TAG.finditer(value)]
    return tag.removeprefix("W/").strip('"') in known[:TAGS_LIMIT]
