"""Whatever is in the head of a request, reading it costs time in proportion to its length, and little of it.

What whole requests cost is in `tests/exploits/test_hostile_load.py`: this is about more shapes of the fields that we
read ourselves, and about lines longer than those that arrive.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from aiohttp.http import HttpVersion11
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.cache.policy import cache_directives
from gateway.keys.keyring import Key, Keyring, digest_of
from gateway.model.errors import NotAcceptable, RequestError
from gateway.model.jobs import Format, KiB
from gateway.server.ambiguity import is_clear
from gateway.server.content_type import media_type
from gateway.v1.request.dispatch import _boundary
from gateway.v1.response.accept import choose_forms, parse_accept
from tests.fakes import KEY
from tests.support.cost import again_and_again, costs_no_more, cpu_s, numbered, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cost import Shape

#: Bytes of the longest line that is tried, eight times as many as arrive.
LONGEST = 64 * KiB

#: What a MiB of such lines may take: a whole head has 32 KiB.
S_PER_MIB = 1.0


def _accept(text: str) -> None:
    with contextlib.suppress(NotAcceptable):
        choose_forms(parse_accept([text]), [Format.PNG])


def _content_type(text: str) -> None:
    request = make_mocked_request("POST", "/", headers={"Content-Type": text})
    media_type(request)
    with contextlib.suppress(RequestError):
        _boundary(request)


def _clear(name: str) -> Callable[[str], object]:
    return lambda text: is_clear(HttpVersion11, "GET", "/", CIMultiDictProxy(CIMultiDict({name: text})))


_RING = Keyring({"a": Key(digest_of(KEY.encode()))})


def _key(text: str) -> None:
    with contextlib.suppress(RequestError):
        _RING.authenticate([text])


def _target(text: str) -> None:
    request = make_mocked_request("GET", "/v1/render" + text)
    tuple(request.query.items())


FIELDS: dict[str, tuple[Callable[[str], object], Shape]] = {
    "Accept, ranges": (_accept, again_and_again(b"", b"a/b,")),
    "Accept, commas": (_accept, again_and_again(b"", b",")),
    "Accept, blanks": (_accept, again_and_again(b"a/b", b" ")),
    "Accept, parameters": (_accept, again_and_again(b"a/b", b";q=1")),
    "Accept, semicolons": (_accept, again_and_again(b"a/b", b";")),
    "Accept, a long name": (_accept, again_and_again(b"", b"a", b"/b")),
    "Accept, a long name without an end": (_accept, again_and_again(b"", b"a")),
    "Accept, slashes": (_accept, again_and_again(b"", b"a/")),
    "Accept, digits of a quality": (_accept, again_and_again(b"a/b;q=0.", b"9")),
    "Accept, equals signs": (_accept, again_and_again(b"a/b;q", b"=")),
    "Cache-Control, directives": (lambda text: cache_directives([text], allowed=True), numbered(b"", b"a%d=b,")),
    "Cache-Control, commas": (lambda text: cache_directives([text], allowed=True), again_and_again(b"", b",")),
    "Cache-Control, quotation marks": (lambda text: cache_directives([text], allowed=True), again_and_again(b"", b'"')),
    "Content-Type, parameters": (_content_type, again_and_again(b"multipart/form-data", b';a="b"')),
    "Content-Type, numbered parameters": (_content_type, numbered(b"multipart/form-data", b";a*%d=b")),
    "Content-Type, boundaries": (_content_type, again_and_again(b"multipart/form-data", b";boundary=b")),
    "Content-Type, a long boundary": (_content_type, again_and_again(b"multipart/form-data;boundary=", b"b")),
    "Content-Type, an open quotation": (_content_type, again_and_again(b'multipart/form-data;boundary="', b"b")),
    "Content-Type, escapes": (_content_type, again_and_again(b'multipart/form-data;boundary="', b"\\")),
    "Content-Type, escaped quotations": (_content_type, again_and_again(b"multipart/form-data", b';a="\\"')),
    "Content-Type, semicolons": (_content_type, again_and_again(b"multipart/form-data", b";")),
    "Content-Type, blanks": (_content_type, again_and_again(b"multipart/form-data;", b" ")),
    "Content-Type, blanks before a sign": (_content_type, again_and_again(b"multipart/form-data;a", b" ", b"=b")),
    "Content-Type, names without values": (_content_type, again_and_again(b"multipart/form-data", b";a ")),
    "Content-Type, a long name": (_content_type, again_and_again(b"multipart/form-data;", b"a")),
    "Content-Type, brackets": (_content_type, again_and_again(b"multipart/form-data;", b"(")),
    "Content-Type, slashes": (_content_type, again_and_again(b"", b"/")),
    "Host, letters": (_clear("Host"), again_and_again(b"", b"a")),
    "Host, one wrong letter": (_clear("Host"), again_and_again(b"", b"a", b"\\")),
    "Content-Length, digits": (_clear("Content-Length"), again_and_again(b"", b"9")),
    "Content-Length, zeros": (_clear("Content-Length"), again_and_again(b"", b"0")),
    "Transfer-Encoding, codings": (_clear("Transfer-Encoding"), again_and_again(b"", b"chunked,")),
    "X-API-Key, letters": (_key, again_and_again(b"", b"k")),
    "X-API-Key, blanks": (_key, again_and_again(b"", b" ", b"k")),
    "query, pairs": (_target, numbered(b"?", b"a%d=b&")),
    "query, pairs of one name": (_target, again_and_again(b"?", b"a=b&")),
    "query, blank pairs": (_target, again_and_again(b"?", b"&")),
    "query, equals signs": (_target, again_and_again(b"?", b"=")),
    "query, semicolons": (_target, again_and_again(b"?", b";")),
    "query, escapes": (_target, again_and_again(b"?a=", b"%41")),
    "query, escapes that aren't": (_target, again_and_again(b"?a=", b"%")),
    "query, escapes of half a character": (_target, again_and_again(b"?a=", b"%C3")),
    "query, pluses": (_target, again_and_again(b"?a=", b"+")),
    "path, slashes": (_target, again_and_again(b"", b"/")),
    "path, parents": (_target, again_and_again(b"", b"/..")),
    "path, escapes": (_target, again_and_again(b"/", b"%2f")),
    "path, colons": (_target, again_and_again(b"/", b":")),
    "path, brackets": (_target, again_and_again(b"/", b"[")),
}

SHOWN = (
    "Accept, ranges",
    "Content-Type, parameters",
    "Content-Type, blanks before a sign",
    "query, pairs",
    "path, parents",
)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(FIELDS, SHOWN))
def test_heads_cost_in_proportion(shape: str) -> None:
    """A field that doubles costs at most 2.5 times as much each time, and no more than its bound."""
    read, make = FIELDS[shape]
    costs_no_more(lambda size: cpu_s(lambda: read(make(size).decode())), LONGEST, S_PER_MIB, least=0.001)
