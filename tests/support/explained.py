"""The runner's words about figures, made in this process, and checked against the gateway's types."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import io
import math
import sys
import types
import typing
from typing import TYPE_CHECKING, Any

from gateway.model import explanation
from tests.support.runner import FOLDER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Processor time for a description in tests, in seconds.
TIME_S = 60.0


def load(name: str) -> Any:
    """Import one of the runner's modules about figures; its folder is on the path for that alone."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


words = load("explain.words")
drawn = load("explain.drawn")
describing = load("explain.describing")
alt_text = load("explain.alternative.alt_text")
marks = load("explain.marks")


def save(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def describe_saved(figure: Figure, level: str = "full", seconds: float = TIME_S) -> Any:
    """Describe a figure that was saved at its own resolution."""
    width, height = figure.get_size_inches() * figure.dpi
    saved = drawn.Saved(figure.dpi, 0.0, float(height), float(width), float(height))
    with drawn.as_saved(figure, saved):
        return describing.describe(drawn.Drawn(figure, saved, seconds), level)


def described(figure: Figure, level: str = "full") -> explanation.Description:
    """Save a figure, describe it, and return the description as the gateway reads it."""
    save(figure)
    return checked(describe_saved(figure, level))


def checked(description: Any) -> explanation.Description:
    """Return a description of the runner as the gateway's, all of whose bounds it keeps."""
    read = build(explanation.Description, words.as_json(description))
    assert len(read.axes) <= explanation.AXES_LIMIT
    for each in (read, *read.axes):
        assert len(each.artists) <= explanation.ARTISTS_LIMIT
    return read


def build(kind: Any, value: Any) -> Any:
    """Return a value of JSON as a value of a type; an AssertionError says what doesn't fit."""
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        choices = [each for each in typing.get_args(kind) if each is not type(None)]
        if value is None:
            assert len(choices) < len(typing.get_args(kind)), f"{kind} is not None"
            return None
        chosen = (
            next((each for each in choices if isinstance(value, each)), choices[0]) if len(choices) > 1 else choices[0]
        )
        return build(chosen, value)
    if origin is tuple:
        assert isinstance(value, list)
        limit = max(explanation.NAMES_LIMIT, explanation.POINTS_LIMIT, explanation.ARTISTS_LIMIT)
        assert len(value) <= limit
        return tuple(build(typing.get_args(kind)[0], each) for each in value)
    if dataclasses.is_dataclass(kind):
        assert isinstance(value, dict)
        hints = typing.get_type_hints(kind)
        assert list(value) == list(hints)
        return typing.cast("Any", kind)(**{name: build(hints[name], each) for name, each in value.items()})
    return build_plain(kind, value)


def build_plain(kind: Any, value: Any) -> Any:
    """Return a text, a number or a name of an enumeration."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if kind is float:
        assert type(value) in (int, float)
        assert math.isfinite(value)
        return float(value)
    assert type(value) is kind, f"{value!r} is not of {kind}"
    if kind is str:
        assert len(value) <= explanation.SENTENCE_LIMIT
    return value
