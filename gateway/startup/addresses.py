"""Addresses as operators write them in settings: of pages that may ask, and of the path before all others."""

from __future__ import annotations

import re

#: A path before others: plain parts, none of which means a folder (RFC 3986, 2.3 and 3.3).
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+){1,8}")

#: An origin as the field has it (RFC 6454, 6.2), with the schemes of extensions and apps.
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
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
