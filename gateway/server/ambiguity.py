"""Tell which requests another server could read differently, although the parser accepts them.

A proxy in front and we must agree on where each request ends and what it asks for, or one client's bytes become
another's request. llhttp refuses most of what is ambiguous; this is the rest, and `gateway.server.doorman` refuses it
before any handler. What is wrong with a single field, such as the key or `Accept`, is found by the code that reads it.

Source: RFC 9112, sections 3.2 (Host, forms of the target), 6.1 (Transfer-Encoding) and 6.2 (Content-Length); RFC 9110,
section 8.6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import hdrs, http_parser
from aiohttp.http import HttpVersion10, HttpVersion11

from gateway.model.errors import StartError

if TYPE_CHECKING:
    from aiohttp.http import HttpVersion
    from multidict import CIMultiDictProxy

#: A number in its only form without leading zeros.
_LENGTH = re.compile(r"0|[1-9][0-9]{0,18}")

#: What a host and port may consist of (RFC 3986, section 3.2.2); the gateway never uses it.
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")


def is_clear(version: HttpVersion, method: str, target: str, headers: CIMultiDictProxy[str]) -> bool:
    """Tell whether a request's line and length can be read in one way only."""
    codings = headers.getall(hdrs.TRANSFER_ENCODING, [])
    lengths = headers.getall(hdrs.CONTENT_LENGTH, [])
    hosts = headers.getall(hdrs.HOST, [])
    return (
        version in {HttpVersion10, HttpVersion11}  # the parser accepts 0.9, which has no head
        and target.startswith("/")  # this isn't a proxy, and OPTIONS of the whole server has nothing to tell
        and method != hdrs.METH_CONNECT
        and (not codings or [coding.lower() for coding in codings] == ["chunked"])
        and not (codings and (lengths or version < HttpVersion11))
        and len(lengths) <= 1
        and all(_LENGTH.fullmatch(length) for length in lengths)
        and len(hosts) <= 1
        and all(_HOST.fullmatch(host) for host in hosts)
    )


def check_parser() -> None:
    """Make sure that requests are parsed by llhttp, with which all of this was tested.

    Raises:
        StartError: aiohttp has fallen back to its parser in Python, which reads some malformed requests differently.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartError(
            "aiohttp parses HTTP in pure Python here: unset AIOHTTP_NO_EXTENSIONS, or install a build of aiohttp with "
            "its C extensions"
        )
