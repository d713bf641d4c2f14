"""Refuses requests that the parser takes, but that another server could read otherwise.

A proxy in front and we must agree on where each request ends and what it asks for, or one client's bytes become
another's request. llhttp refuses most of what is ambiguous; this is the rest.

Source: RFC 9112, sections 3.2 (Host, forms of the target), 6.1 (Transfer-Encoding) and 6.2 (Content-Length); RFC 9110,
section 8.6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import hdrs
from aiohttp.http import HttpVersion10, HttpVersion11

if TYPE_CHECKING:
    from aiohttp.http import HttpVersion
    from multidict import CIMultiDictProxy

#: A number as everybody reads it: no leading zeros.
_LENGTH = re.compile(r"0|[1-9][0-9]{0,18}")

#: What a host and port may consist of (RFC 3986, section 3.2.2); nothing here ever uses it.
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")


def is_clear(version: HttpVersion, method: str, target: str, headers: CIMultiDictProxy[str]) -> bool:
    """Tell whether a request's line and framing can be read in one way only."""
    codings = headers.getall(hdrs.TRANSFER_ENCODING, [])
    lengths = headers.getall(hdrs.CONTENT_LENGTH, [])
    hosts = headers.getall(hdrs.HOST, [])
    return (
        version in {HttpVersion10, HttpVersion11}  # the parser lets 0.9 pass, which has no head
        and target.startswith("/")  # we are no proxy, and OPTIONS of the whole server tells nothing
        and method != hdrs.METH_CONNECT
        and (not codings or [coding.lower() for coding in codings] == ["chunked"])
        and not (codings and (lengths or version < HttpVersion11))
        and len(lengths) <= 1
        and all(_LENGTH.fullmatch(length) for length in lengths)
        and len(hosts) <= 1
        and all(_HOST.fullmatch(host) for host in hosts)
    )
