"""Entity tags of responses (RFC 9110, 8.8.3).

A picture alone has a strong tag, the digest of its bytes. Documents and archives also describe the run itself, which
differs each time: their tag is weak and covers everything else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import ETag

from gateway.v1.response.rendering import sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.v1.response.accept import Form
    from gateway.v1.response.documents import RenderDocument

#: What differs from one run to the next, and the bytes, which their digests represent.
_EXCLUDED: Any = {
    "request_id": True,
    "cached": True,
    "manifest": {"usage", "stages_ms", "warm"},
    "figures": {"__all__": {"pictures": {"__all__": {"data"}}}},
    "files": {"__all__": {"data"}},
}


def picture_tag(data: bytes) -> ETag:
    """Return the tag of a picture alone."""
    return ETag(sha256(data))


def document_tag(document: RenderDocument, form: Form, explanations: Sequence[bytes | None]) -> ETag:
    """Return the tag of a document, or of the archive made from it.

    Args:
        document: It, without what is said of the figures.
        form: Document or archive.
        explanations: What is said of each figure.
    """
    lasting = document.model_dump(mode="json", exclude=_EXCLUDED)
    said = [None if explanation is None else sha256(explanation) for explanation in explanations]
    canonical = json.dumps([form.value, lasting, said], sort_keys=True, separators=(",", ":"))
    return ETag(sha256(canonical.encode()), is_weak=True)
