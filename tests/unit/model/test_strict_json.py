"""JSON is taken as the standard has it; what others could read differently is refused."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.strict_json import InvalidJson, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None, max_examples=200)
@given(VALUES)
def test_json_comes_out_as_it_went_in(value: object) -> None:
    """Whatever JSON can say is taken."""
    assert parse_json(json.dumps(value).encode()) == value


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60) | st.text('[]{}",:0123456789.eE+-\\ truefalsn NaIity', max_size=60).map(str.encode))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    """Nothing else is ever raised, and what comes out can be written down again without NaN or Infinity."""
    try:
        value = parse_json(data)
    except InvalidJson:
        return
    json.dumps(value, allow_nan=False)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "1e999",
        "-1e999",
        "9" * 4301,
        '{"a": 1, "a": 2}',
        "[" * 9**6,
        "",
        " ",
    ],
)
def test_what_is_ambiguous_is_refused(text: str) -> None:
    """Each of the things that Python's own parser would take is refused, without a quote."""
    with pytest.raises(InvalidJson) as caught:
        parse_json(text.encode())
    assert len(str(caught.value)) < 40


def test_numbers_that_are_large_but_finite_are_taken() -> None:
    """The bounds are those of the format."""
    assert parse_json(b"1e308") == 1e308
    assert parse_json(b"9" * 4300) == int("9" * 4300)
    assert math.copysign(1, parse_json(b"-0.0")) == -1
