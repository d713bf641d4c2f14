"""The `code` of a JSON body is taken, or refused by one of a few constant texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.legacy import BAD_CODE, BROKEN_JSON, parse_code
from gateway.model.errors import InvalidRequest

BOUNDED = settings(deadline=None, max_examples=200)


@BOUNDED
@given(st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text), st.booleans())
def test_code_comes_out_as_it_went_in(code: str, escaped: bool) -> None:  # noqa: FBT001 - hypothesis
    """Any text is taken unchanged, escaped or not."""
    assert code == parse_code(json.dumps({"code": code, "other": 1}, ensure_ascii=escaped).encode())


@BOUNDED
@given(st.binary(max_size=100) | st.text(max_size=50).map(lambda text: b'{"code": ' + text.encode() + b"}"))
def test_arbitrary_bodies_raise_nothing_else(body: bytes) -> None:
    """Whatever bytes come, there is code or one of two constant texts."""
    try:
        taken = parse_code(body)
    except InvalidRequest as error:
        taken = str(error)
        assert taken in {BAD_CODE, BROKEN_JSON}
    assert taken.strip()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"{'code': 'x'}", id="Python"),
        pytest.param(b'{"code": "x"} x', id="appended"),
        pytest.param(b'{"code": "a\nb"}', id="raw line end"),
        pytest.param(b'{"code": "\xff"}', id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="deep arrays"),
        pytest.param(b'{"code":' * 100_000, id="deep objects"),
        pytest.param(b'{"code": "x", "n": ' + b"9" * 5000 + b"}", id="huge integer"),
        pytest.param(b"\xff\xfe\x00", id="half UTF-16"),
        pytest.param(b'{"code": "a", "code": "b"}', id="two codes"),
        pytest.param(b'{"code": "a", "c\\u006fde": "b"}', id="two codes, one in disguise"),
        pytest.param(b'{"code": "a", "x": {"y": 1, "y": 1}}', id="two members deep inside"),
        pytest.param(b'{"code": "a", "x": NaN}', id="NaN"),
        pytest.param(b'{"code": "a", "x": [-Infinity]}', id="Infinity"),
        pytest.param(b'{"code": "a", "x": 1e999}', id="a float that is infinite"),
        pytest.param(b"code=x", id="a form"),
    ],
)
def test_broken_json(body: bytes) -> None:
    """What is no JSON is said to be none."""
    with pytest.raises(InvalidRequest, match=f"^{BROKEN_JSON}$"):
        parse_code(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b'"code"',
        b'["code"]',
        b"1",
        b'{"Code": "x"}',
        b'{"code": null}',
        b'{"code": true}',
        b'{"code": 1}',
        b'{"code": 1.5}',
        b'{"code": ["x"]}',
        b'{"code": {"code": "x"}}',
        b'{"code": ""}',
        b'{"code": " \\n\\t "}',
        b'{"code": "a\\u0000b"}',
        b'{"code": "\\ud800"}',
        b'{"code": "\xed\xa0\x80"}',
        b'{"code": "\\udc00\\ud800"}',
    ],
)
def test_bad_code(body: bytes) -> None:
    """A missing code, one of another type, an empty one, NUL and lone surrogates are refused alike."""
    with pytest.raises(InvalidRequest, match=f"^{BAD_CODE}$"):
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
def test_odd_bodies_that_are_taken(body: bytes, code: str) -> None:
    """The encoding is found from the bytes, whatever the header says."""
    assert code == parse_code(body)
