"""Addresses as operators write them in settings: of pages that may ask, of our paths, of collectors of traces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A path before others: plain parts, none of which means a folder (RFC 3986, 2.3 and 3.3).
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+){1,8}")

#: An origin as the field has it (RFC 6454, 6.2), with the schemes of extensions and apps.
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)

#: A header field, and what its value may have once it is decoded. Source: RFC 9110, 5.1 and 5.5.
_FIELD = re.compile(r"[ \t]*(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?P<value>[\x21-\x7e]*)[ \t]*")
_FIELD_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")

_USUAL_PORTS = {"http": "80", "https": "443"}


def path_prefix(text: str) -> str:
    """Return a path without a slash at its end; empty for none.

    Raises:
        ValueError: It isn't one; the text says what one is.
    """
    prefix = text.rstrip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError("must be a path such as /figbox, of letters, digits, and ._~- in up to 8 parts")
    return prefix


def origin(text: str) -> str:
    """Return an origin as browsers write it: in lower case, and without the port that its scheme has anyway.

    Raises:
        ValueError: It isn't one; the text says what one is.
    """
    match = _ORIGIN.fullmatch(text.lower().removesuffix("/"))
    if match is None:
        raise ValueError("must be origins such as https://example.org, without a path; a wildcard isn't taken")
    usual = _USUAL_PORTS.get(match["scheme"])
    return f"{match['scheme']}://{match['host']}" + (f":{match['port']}" if match["port"] not in (None, usual) else "")


def base_url(text: str) -> str:
    """Return the URL of a service that has paths of its own below it, without a slash at its end.

    Raises:
        ValueError: It isn't one; the text says what one is.
    """
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or re.search(r"[^\x21-\x7e]|[?#@]", text):
        raise ValueError("must be a URL such as http://127.0.0.1:4318, without a user, a query or a fragment")
    return text.rstrip("/")


def header_fields(text: str) -> Mapping[str, str]:
    """Return header fields that are written as `name=value,name=value`, with values percent-encoded.

    Source: opentelemetry.io, "OTLP exporter", "Specifying headers via environment variables".

    Raises:
        ValueError: They aren't; the text has none of them.
    """
    fields = {}
    for part in filter(str.strip, text.split(",")):
        match = _FIELD.fullmatch(part)
        value = unquote(match["value"]) if match is not None else ""
        if match is None or not _FIELD_VALUE.fullmatch(value):
            raise ValueError("must be fields such as authorization=Bearer%20TOKEN, separated by commas")
        fields[match["name"]] = value
    return fields
