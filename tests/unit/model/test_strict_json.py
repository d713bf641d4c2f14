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
    """Ambiguous forms that Python's own parser accepts are refused."""
    for encoding in (None, "ascii"):
        with pytest.raises(InvalidJson, match=r"^is not valid JSON: "):
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


CUT, COMMA, SINGLE = "before the document does", "a comma before the closing bracket", "single quotes"
TYPOGRAPHIC, LINE_END, NO_NAN = (
    "typographic",
    "a line end within a string must be written as",
    "neither NaN nor infinity",
)


@pytest.mark.parametrize(
    ("body", "where", "why"),
    [
        (b"", "line 1, column 1", "it is empty"),
        (b" \n ", "line 2, column 2", "it is empty"),
        (b'{"a": 1', "line 1, column 8", CUT),
        (b'{"a": [1,\n', "line 2, column 1", CUT),
        (b'{"a"', "line 1, column 5", CUT),
        (b'{"a": "x', "line 1, column 7", "has no end"),
        (b'{"a": 1,\n}', "line", COMMA),
        (b'{"a": [1, 2, ]}', "line 1, column", COMMA),
        (b"{'a': 1}", "line 1, column 2", SINGLE),
        (b"{\"a\": 'x'}", "line 1, column 7", SINGLE),
        ("{\n“a”: 1}".encode(), "line 2, column 1", TYPOGRAPHIC),
        ('{"a": ”x”}'.encode(), "line 1, column 7", TYPOGRAPHIC),
        (b"{a: 1}", "line 1, column 2", "a name in double quotes"),
        (b'{"a" 1}', "line 1, column 6", "a colon"),
        (b'{"a": 1 "b": 2}', "line 1, column 9", "a comma is expected"),
        (b'{"a": "say "x""}', "line 1, column 13", 'written as \\"'),
        (b'{"a": True}', "line 1, column 7", "true"),
        (b'{"a": None}', "line 1, column 7", "null"),
        (b'{"a": undefined}', "line 1, column 7", "null"),
        (b'{"a": nan}', "line 1, column 7", "no NaN"),
        (b'{"a": x}', "line 1, column 7", "a value is expected"),
        (b"# x\n{}", "line 1, column 1", "a comment"),
        (b'{"a": 1 // x\n}', "line 1, column 9", "a comment"),
        (b'{"a": "x\r\ny"}', "line 1, column 9", LINE_END),
        (b'{\n "a": "x\n"}', "line 2, column 9", LINE_END),
        (b'{"a": "\t"}', "line 1, column 8", "a tab"),
        (b'{"a": "\x1b"}', "line 1, column 8", "a control character"),
        (b'{"a": "C:\\data"}', "line 1, column 10", "a backslash"),
        (b'{"a": "\\u12"}', "line 1, column", "four hexadecimal digits"),
        (b'{"a": 1} {}', "line 1, column 10", "has ended before this"),
        (b'{"a": 1, "b": {"a": 2, "a": 3}}', "line 1, column 24", "'a' is given twice"),
        (b'{"x": "{,\\"", "c\\u006fde": 1,\n "code": 2}', "line 2, column 2", "'code' is given twice"),
        (b'{"\\u001b[31m": 1, "\\u001b[31m": 2}', "line 1, column 19", "'\ufffd[31m' is given twice"),
        (b'{"a": "NaN", "b": [NaN]}', "line 1, column 20", NO_NAN),
        (b'{"a": -Infinity}', "line 1, column 7", NO_NAN),
        (b'{"b": "1e999", "a": -1e999}', "line 1, column 21", "too large"),
        (b'{"a": ' + b"9" * 4300 + b', "b": ' + b"9" * 4301 + b"}", "line 1, column 4314", "too large"),
        ('{"a":\n "é"}'.encode("latin-1"), "line 2, byte 3", "isn't UTF-8"),
        (b'\xef\xbb\xbf{"a": "\xff"}', "line 1, byte 11", "isn't UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "", "in UTF-16, and must be in UTF-8"),
        ('{"a": 1}'.encode("utf-16-be"), "", "in UTF-16, and must be in UTF-8"),
        ('{"a": 1}'.encode("utf-32"), "", "in UTF-32, and must be in UTF-8"),
    ],
)
def test_mistakes_are_explained(body: bytes, where: str, why: str) -> None:
    """A refusal says where the mistake is, by line and column, and what it is, and quotes no more than a name."""
    with pytest.raises(InvalidJson) as caught:
        parse_object(body)
    text = str(caught.value)
    assert where in text
    assert why in text
    assert len(text) < 200


@pytest.mark.parametrize(
    ("body", "what"),
    [(b"[]", "an array"), (b'"x"', "a string"), (b"1", "a number"), (b"1.5", "a number"), (b"true", "true or false"),
     (b"null", "null"), (b'"{\\"code\\": 1}"', "written as JSON twice")],
)  # fmt: skip
def test_other_documents_are_named(body: bytes, what: str) -> None:
    """What isn't an object is told by its kind."""
    with pytest.raises(InvalidJson, match=rf"must be a JSON object, not .*{what}"):
        parse_object(body)


def test_names_are_looked_for_only_so_far() -> None:
    """Behind the first tokens a name that is there twice is still told, without its place."""
    body = "{" + ",".join(f'"{number}": 1' for number in range(2000)) + ', "1999": 1}'
    with pytest.raises(InvalidJson, match=r"^is not valid JSON: the name '1999' is given twice in one object$"):
        parse_object(body.encode())


@settings(deadline=None, max_examples=300)
@given(BYTES)
def test_every_mistake_has_a_text(data: bytes) -> None:
    """Whatever is refused, the text is one short line that can be shown."""
    try:
        parse_json(data)
        text = "is not valid JSON: "
    except InvalidJson as error:
        text = str(error)
    assert text.startswith("is not valid JSON: ")
    assert "\n" not in text
    assert len(text) < 300
