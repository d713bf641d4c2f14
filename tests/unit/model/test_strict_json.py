"""JSON is read as the standard defines it; what could be read in two ways is refused, at little cost."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.strict_json import (
    DEPTH_LIMIT,
    ITEMS_LIMIT,
    STRINGS_LIMIT,
    InvalidJson,
    has_lone_surrogate,
    parse_json,
    parse_object,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
BYTES = st.binary(max_size=60) | st.text('[]{}",:0123456789.eE+-\\ truefalsn NaIity', max_size=60).map(str.encode)


def _depth(value: object) -> int:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if items is None else 1 + max(map(_depth, items), default=0)


@settings(deadline=None, max_examples=200)
@given(VALUES, st.booleans())
def test_json_comes_out_as_it_went_in(value: object, ascii_only: bool) -> None:  # noqa: FBT001 - hypothesis
    """Whatever JSON can express is accepted, escaped or not."""
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.text(), VALUES, max_size=6), st.booleans())
def test_ordinary_objects_are_read(document: dict[str, Any], ascii_only: bool) -> None:  # noqa: FBT001 - hypothesis
    """An object is read unchanged, unless it is nested more deeply than requests are."""
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    if _depth(document) <= DEPTH_LIMIT:
        assert parse_object(body) == document
    else:
        with pytest.raises(InvalidJson, match="nested"):
            parse_object(body)


@settings(deadline=None, max_examples=300)
@given(BYTES)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No other exception is raised, and the result can be written again without NaN or Infinity."""
    for parse in (parse_json, parse_object):
        with contextlib.suppress(InvalidJson):
            json.dumps(parse(data), allow_nan=False)


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "-1e999", "9" * 4301, '{"a": 1, "a": 2}', "[" * 9**6, "", " "],
)
def test_what_is_ambiguous_is_refused(text: str) -> None:
    """Ambiguous forms that Python's own parser accepts are refused, and not quoted."""
    for encoding in (None, "ascii"):
        with pytest.raises(InvalidJson, match=r"^is not valid JSON$"):
            parse_json(text.encode(), encoding)


def test_encodings_are_found_or_given() -> None:
    """Without a given encoding it is detected from the bytes; a given one is the only one."""
    text = '{"é": 1}'
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert parse_json(text.encode(encoding)) == {"é": 1}
        with pytest.raises(InvalidJson):
            parse_json(text.encode(encoding), "ascii")


def test_numbers_that_are_large_but_finite_are_taken() -> None:
    """The bounds are those of the format."""
    assert parse_json(b"1e308") == 1e308
    assert parse_json(b"9" * 4300) == int("9" * 4300)
    assert math.copysign(1, parse_json(b"-0.0")) == -1


def test_lone_surrogates_are_found_anywhere() -> None:
    """Names and values at any depth are checked; complete pairs are ordinary characters."""
    for value in ("\ud800", ["\udfffx"], {"\ud800": 1}, {"a": [{"b": "x\ud800"}]}):
        assert has_lone_surrogate(value)
    assert not has_lone_surrogate({"a": ["\U0001f600", 1, None]})


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
    """Anything but a JSON object, and one larger in structure than requests are, is refused."""
    with pytest.raises(InvalidJson):
        parse_object(body)


def test_long_strings_are_not_structure() -> None:
    """Brackets, commas and complete escapes within strings don't count."""
    text = '[{,"}]\\' * 500_000
    assert parse_object(json.dumps({"a": text}).encode()) == {"a": text}
    assert parse_object(b'\xef\xbb\xbf{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


def test_limits_are_reached_and_not_passed() -> None:
    """As many items as allowed are read, one more is refused."""

    def body(count: int) -> bytes:
        return json.dumps({"a": [1] * count}).encode()

    assert len(parse_object(body(ITEMS_LIMIT - 1))["a"]) == ITEMS_LIMIT - 1
    with pytest.raises(InvalidJson):
        parse_object(body(ITEMS_LIMIT))
    assert ITEMS_LIMIT <= STRINGS_LIMIT
