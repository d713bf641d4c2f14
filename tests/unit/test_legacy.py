"""The `code` of a JSON body is accepted, or refused with one of two constant texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.legacy_body import BAD_CODE, BROKEN_JSON, parse_code
from gateway.model.errors import InvalidRequest

BOUNDED = settings(deadline=None, max_examples=200)


@BOUNDED
@given(st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text), st.booleans())
def test_code_comes_out_as_it_went_in(code: str, escaped: bool) -> None:  # noqa: FBT001 - hypothesis
    """Any text is returned unchanged, escaped or not."""
    assert code == parse_code(json.dumps({"code": code, "other": 1}, ensure_ascii=escaped).encode())


@BOUNDED
@given(st.binary(max_size=100) | st.text(max_size=50).map(lambda text: b'{"code": ' + text.encode() + b"}"))
def test_arbitrary_bodies_raise_nothing_else(body: bytes) -> None:
    """Any bytes give code or one of two constant texts."""
    try:
        taken = parse_code(body)
    except InvalidRequest as error:
        taken = str(error)
        assert taken in {BAD_CODE, BROKEN_JSON}
    assert taken.strip()


REFUSED = {
    "empty": (BROKEN_JSON, [b""]),
    "cut or appended": (BROKEN_JSON, [b"{", b'{"code": "x"} x']),
    "not JSON": (BROKEN_JSON, [b"{'code': 'x'}", b'{"code": "a\nb"}', b"code=x"]),
    "not Unicode": (BROKEN_JSON, [b'{"code": "\xff"}', b"\xff\xfe\x00"]),
    "too deep": (BROKEN_JSON, [b"[" * 100_000, b'{"code":' * 100_000]),
    "huge integer": (BROKEN_JSON, [b'{"code": "x", "n": ' + b"9" * 5000 + b"}"]),
    "two codes": (BROKEN_JSON, [b'{"code": "a", "code": "b"}', b'{"code": "a", "c\\u006fde": "b"}']),
    "two members deep inside": (BROKEN_JSON, [b'{"code": "a", "x": {"y": 1, "y": 1}}']),
    "not finite": (
        BROKEN_JSON,
        [b'{"code": "a", "x": NaN}', b'{"code": "a", "x": [-Infinity]}', b'{"code": "a", "x": 1e999}'],
    ),
    "not an object": (BAD_CODE, [b"[]", b"null", b'"code"', b'["code"]', b"1"]),
    "no code": (BAD_CODE, [b"{}", b'{"Code": "x"}', b'{"code": null}']),
    "another type": (
        BAD_CODE,
        [b'{"code": true}', b'{"code": 1}', b'{"code": 1.5}', b'{"code": ["x"]}', b'{"code": {"code": "x"}}'],
    ),
    "blank": (BAD_CODE, [b'{"code": ""}', b'{"code": " \\n\\t "}']),
    "NUL": (BAD_CODE, [b'{"code": "a\\u0000b"}']),
    "lone surrogates": (BAD_CODE, [b'{"code": "\\ud800"}', b'{"code": "\xed\xa0\x80"}', b'{"code": "\\udc00\\ud800"}']),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_bodies(kind: str) -> None:
    """What isn't strict JSON has one text; code that is missing, of another type, blank or unusable has the other."""
    text, bodies = REFUSED[kind]
    for body in bodies:
        with pytest.raises(InvalidRequest, match=f"^{text}$"):
            parse_code(body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'\xef\xbb\xbf{"code": "a"}', "a"),
        ('{"code": "é"}'.encode("utf-16"), "é"),
        ('{"code": "é"}'.encode("utf-32"), "é"),
        (b'{"code": "\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"code": "a", "extra": [-1.5e300, 123456789012345678901234567890]}', "a"),
    ],
)
def test_odd_bodies_that_are_accepted(body: bytes, code: str) -> None:
    """The encoding is detected from the bytes, whatever the header says."""
    assert code == parse_code(body)
