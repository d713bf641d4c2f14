"""JSON from strangers: what is read, what is refused, and that refusing stays cheap."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.errors import InvalidRequest
from gateway.v1.request.strict_json import DEPTH_LIMIT, ITEMS_LIMIT, STRINGS_LIMIT, parse_object

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), _VALUES, max_size=6), st.booleans())
def test_honest_objects_are_read(document: dict[str, Any], ascii_only: bool) -> None:  # noqa: FBT001 - a table
    """Whatever JSON's own library writes of ordinary objects is read as it was, escaped or not."""
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    depth = _depth(document)
    if depth <= DEPTH_LIMIT:
        assert parse_object(body) == document
    else:
        with pytest.raises(InvalidRequest):
            parse_object(body)


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes make anything but an object or a refusal."""
    with contextlib.suppress(InvalidRequest):
        assert isinstance(parse_object(body), dict)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"{} {}",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": ["\\ud800x"]}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\n"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": ' + b"[" * 9 + b"]" * 9 + b"}",
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b'{"a": [' + b"[]," * 100_000 + b"[]]}",
        b'{"a": [' + b"1," * 100_000 + b"1]}",
        b'{"a": [' + b'"",' * 100_000 + b'""]}',
        b'{"a": 1' + b" " * 1_000_000 + b"}",
        b'"' * 1_000_001,
        b'"\\' * 1_000_000,
    ],
)
def test_refused(body: bytes) -> None:
    """What is no object of JSON, or larger in structure than requests are, is refused."""
    with pytest.raises(InvalidRequest):
        parse_object(body)


def test_long_strings_are_no_structure() -> None:
    """Brackets and commas within strings count for nothing, and neither do escapes that are whole."""
    text = '[{,"}]\\' * 500_000
    assert parse_object(json.dumps({"a": text}).encode()) == {"a": text}
    assert parse_object(b'\xef\xbb\xbf{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


def test_limits_are_reached_and_not_passed() -> None:
    """As many items as allowed are read, one more is refused."""

    def body(count: int) -> bytes:
        return json.dumps({"a": [1] * count}).encode()

    assert len(parse_object(body(ITEMS_LIMIT - 1))["a"]) == ITEMS_LIMIT - 1
    with pytest.raises(InvalidRequest):
        parse_object(body(ITEMS_LIMIT))
    assert ITEMS_LIMIT <= STRINGS_LIMIT
