"""The runner's types are the gateway's."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from gateway.model import explanation
from tests.support.explained import load, words

TYPES = ("Box", "Values", "Data", "Artist", "Axis", "Legend", "Axes", "Description", "Finding", "Explanation")
LIMITS = [name for name in vars(explanation) if name.endswith(("_LIMIT", "_LIMIT_BYTES"))]


@pytest.mark.parametrize("name", TYPES)
def test_fields_and_defaults_are_the_same(name: str) -> None:
    """Each type has the fields of the gateway's in their order, and the same defaults."""
    theirs = dataclasses.fields(getattr(explanation, name))
    ours = getattr(words, name)
    assert ours._fields == tuple(field.name for field in theirs)
    for field in theirs:
        if field.default is not dataclasses.MISSING:
            assert ours._field_defaults[field.name] == field.default
        elif field.default_factory is not dataclasses.MISSING:
            assert words.as_json(ours._field_defaults[field.name]) == dataclasses_as_json(field.default_factory())


def dataclasses_as_json(value: typing.Any) -> typing.Any:
    """Return a value of the gateway as what JSON has."""
    return {name: list(each) if isinstance(each, tuple) else each for name, each in dataclasses.asdict(value).items()}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_the_same(name: str) -> None:
    """Each limit of the gateway is the runner's."""
    assert getattr(words, name) == getattr(explanation, name)


def test_kinds_are_among_the_gateways() -> None:
    """Every kind that a call or an alternative text knows is one of the gateway's, and charts are named for all."""
    marks, charts = load("explain.marks"), load("explain.alternative.charts")
    kinds = set(explanation.ArtistKind)
    assert set(marks.FLAT_METHODS.values()) | set(marks.SOLID_METHODS.values()) <= kinds
    assert set(charts.ADDED) < set(charts.CHARTS)
    assert kinds - set(charts.CHARTS) == {"text", "annotation", "other"}
