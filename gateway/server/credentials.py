"""Which keys a request comes with, and what a request without a right one is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import hdrs

from gateway.keys.keyring import HEADER

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

#: A key in `Authorization`. Source: RFC 6750, 2.1; schemes are the same in any case (RFC 9110, 11.1). Other schemes are
#: those of a proxy in front, and not for us.
_BEARER = re.compile(r"bearer(?: +(?P<key>.*))?", re.IGNORECASE | re.DOTALL)

#: Values of `WWW-Authenticate`. Source: RFC 9110, 11.6.1: a 401 must have one. No browser asks a person for either.
KEY_CHALLENGE = f'ApiKey realm="figbox", header="{HEADER}"'
BEARER_CHALLENGE = f'Bearer realm="figbox", {KEY_CHALLENGE}'


def keys_given(headers: CIMultiDictProxy[str], *, bearer: bool) -> list[str]:
    """Return the keys that a request comes with; a key that comes in both ways is one.

    Args:
        headers: Of the request.
        bearer: Whether a bearer token is a key here.
    """
    keys = headers.getall(HEADER, [])
    if not bearer:
        return keys
    matches = [_BEARER.fullmatch(value) for value in headers.getall(hdrs.AUTHORIZATION, ())]
    tokens = [match["key"] or "" for match in matches if match is not None]
    return keys if len(keys) == 1 and tokens == keys else [*keys, *tokens]
