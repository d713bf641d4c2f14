"""Values of our dataclasses for property tests, made from their own annotations: a new field is covered at once."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, ForwardRef, Union, get_args, get_origin

from hypothesis import strategies as st

from gateway.model import codec

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    type(None): st.none(),
    bool: st.booleans(),
    int: st.integers(-(2**80), 2**80),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1000, 1000),
    str: st.text(max_size=20),
    bytes: st.binary(max_size=50),
}


def values_of(kind: Any, depth: int = 3) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one for each kind of type
    """Return a strategy for all values of a type that can cross the launcher's socket."""
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = codec._hints(kind)
        return st.builds(kind, **{name: values_of(hint) for name, hint in hints.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if isinstance(kind, ForwardRef | str):  # the only type that contains itself
        name = kind.__forward_arg__ if isinstance(kind, ForwardRef) else kind
        return values_of(codec._NAMES[name], depth - 1) if depth else st.just(())
    if get_origin(kind) in (Union, types.UnionType):
        return st.one_of([values_of(part, depth) for part in get_args(kind)])
    if get_origin(kind) is tuple:
        return st.lists(values_of(get_args(kind)[0], depth), max_size=4).map(tuple)
    assert issubclass(get_origin(kind), Mapping), kind
    return st.dictionaries(st.text(max_size=20), values_of(get_args(kind)[1], depth), max_size=4)
