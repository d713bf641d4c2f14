"""What a runner says of its figures passes only as what it should be, whatever it says."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.codec import flat
from gateway.model.explanation import (
    ARTISTS_LIMIT,
    AXES_LIMIT,
    CLAIM_LIMIT_BYTES,
    CLAIM_WITH_DATA_LIMIT_BYTES,
    FINDINGS_LIMIT,
    NAMES_LIMIT,
    POINTS_LIMIT,
    SENTENCE_LIMIT,
    TEXT_LIMIT,
    Artist,
    ArtistKind,
    Axes,
    AxesKind,
    AxesRole,
    Axis,
    Box,
    Data,
    Description,
    Explanation,
    Finding,
    Legend,
    Severity,
    Values,
)
from gateway.model.explanation_reader import (
    FAILED,
    MALFORMED,
    TOO_LARGE,
    ReadExplanation,
    read_explanations,
)
from gateway.model.jobs import Describe

BOX = Box(1, 2.5, 10, 20)
ARTIST = Artist(
    ArtistKind.LINE,
    "signal",
    parts=("a", "b"),
    points=3,
    color="#1f77b4",
    x=Values(0.0, 2.0, 0, 2),
    y=Values("2024-01-01", None),
    box=BOX,
    data=Data(3, (0, 1, None), (1.5, "b", 2)),
)
AXES = Axes(1, AxesKind.CARTESIAN, AxesRole.PLOT, BOX, "T", Axis("x", ticks=("0", "1")), artists=(ARTIST,))
DESCRIPTION = Description(Describe.DATA, 100, 80.5, 72, 1.4, 1.1, axes=(AXES,), legends=(Legend("L", ("a",), BOX),))
FINDING = Finding("overlapping-labels", Severity.WARNING, "They overlap.", "Rotate them.", (1,), BOX)
GOOD = Explanation("A line.", DESCRIPTION, (FINDING,), 2)
SIZE = (100, 80)


def claim(*explanations: Any) -> bytes:
    """Return what a runner sends."""
    return json.dumps([None if each is None else flat(each) for each in explanations], ensure_ascii=False).encode()


def read(*explanations: Any, level: Describe = Describe.DATA) -> list[ReadExplanation]:
    """Read what is said of figures of the same size."""
    return list(read_explanations(claim(*explanations), level, [SIZE] * len(explanations)))


def fault_of(explanation: Any, level: Describe = Describe.DATA) -> str | None:
    """Return what is wrong with one of two explanations; the other passes in any case."""
    found, good = (
        read(explanation, GOOD, level=level) if level is Describe.DATA else (*read(explanation, level=level), None)
    )
    assert good is None or good.text is not None
    assert (found.text is None) == (found.fault is not None)
    return found.fault


def changed(**artist: Any) -> Explanation:
    """Return the good explanation with another artist."""
    return replace(GOOD, description=replace(DESCRIPTION, axes=(replace(AXES, artists=(replace(ARTIST, **artist),)),)))


def test_good_one_passes_unchanged() -> None:
    """With every member that its class has, as JSON in UTF-8."""
    (found,) = read(changed(label="Größe"))
    assert found.text is not None
    assert json.loads(found.text) == flat(changed(label="Größe"))
    assert "Größe".encode() in found.text


def test_null_is_a_failure_of_its_figure() -> None:
    """And of no other."""
    assert [each.fault for each in read(None, GOOD)] == [FAILED, None]


@pytest.mark.parametrize(
    "explanation",
    [
        replace(GOOD, alt_text="x" * (SENTENCE_LIMIT + 1)),
        replace(GOOD, findings=(FINDING,) * (FINDINGS_LIMIT + 1)),
        replace(GOOD, findings_left_out=-1),
        replace(GOOD, findings=(replace(FINDING, code="Bad Code"),)),
        replace(GOOD, findings=(replace(FINDING, code="a" * 65),)),
        replace(GOOD, findings=(replace(FINDING, code="a\n"),)),
        replace(GOOD, findings=(replace(FINDING, axes=(-1,)),)),
        replace(GOOD, findings=(replace(FINDING, axes=(1,) * (AXES_LIMIT + 1)),)),
        replace(GOOD, description=replace(DESCRIPTION, axes=(AXES,) * (AXES_LIMIT + 1))),
        replace(GOOD, description=replace(DESCRIPTION, artists=(ARTIST,) * (ARTISTS_LIMIT + 1))),
        replace(GOOD, description=replace(DESCRIPTION, width=102)),
        replace(GOOD, description=replace(DESCRIPTION, height=-80)),
        replace(GOOD, description=replace(DESCRIPTION, dpi=0)),
        replace(GOOD, description=replace(DESCRIPTION, level=Describe.NONE)),
        replace(GOOD, description=replace(DESCRIPTION, legends=(Legend(entries=("a",) * (NAMES_LIMIT + 1)),))),
        changed(label="x" * (TEXT_LIMIT + 1)),
        changed(points=2**53 + 1),
        changed(missing=-1),
        changed(color="red"),
        changed(color="#FFFFFF\n"),
        changed(box=Box(95, 0, 10, 1)),
        changed(box=Box(-1, 0, 10, 1)),
        changed(box=Box(0, 0, 1, 1e300)),
        changed(x=Values(10**400)),
        changed(data=Data(501, (0,) * (POINTS_LIMIT + 1))),
        changed(data=Data(3, (0, 10**400))),
        changed(data=Data(3, (0, -(10**400), 0.5))),
        changed(data=Data(3, ("x", 10**400))),
    ],
)
def test_what_is_out_of_bounds_is_dropped(explanation: Explanation) -> None:
    """Each bound by itself; the other figure's explanation stays."""
    assert fault_of(explanation) == MALFORMED


def test_not_more_than_asked_for_is_said() -> None:
    """A level above the one that was asked for is dropped, one below it is fine."""
    assert fault_of(GOOD, Describe.FULL) == MALFORMED
    assert fault_of(replace(GOOD, description=replace(DESCRIPTION, level=Describe.SUMMARY)), Describe.FULL) is None


@pytest.mark.parametrize("text", ["\x1b[31m", "\x00", "a\nb\tc", "\u202e", "\u2028", "\ud800", "\x85", "\x7f"])
def test_texts_are_harmless(text: str) -> None:
    """What acts on a terminal or moves to another line is replaced, wherever it is."""
    document = flat(changed(label=text, parts=(text,)))
    document["findings"][0]["sentence"] = text
    raw = json.dumps([document]).encode("ascii")
    (found,) = read_explanations(raw, Describe.DATA, [SIZE])
    assert found.text is not None
    said = json.loads(found.text)
    for shown in (said["findings"][0]["sentence"], said["description"]["axes"][0]["artists"][0]["parts"][0]):
        assert shown.isprintable()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"[null, null]",
        b"[NaN]",
        b"\xff",
        b"[" * 100_000 + b"]" * 100_000,
        b'[{"a": 1, "a": 2}]',
        b"[1e999]",
        b"[" + b"0," * 125_000 + b"0]",
        b"[" + b"[]," * 80_000 + b"[]]",
        b"[[[[[[[[[[null]]]]]]]]]]",
    ],
)
def test_what_is_no_list_of_them_is_dropped(raw: bytes) -> None:
    """Whatever it is, every figure goes without."""
    (found,) = read_explanations(raw, Describe.FULL, [SIZE])
    assert found == ReadExplanation(fault=MALFORMED)


@pytest.mark.parametrize("value", [None, 1, "x", True, [], {}, 1.5])
@pytest.mark.parametrize("kind", [Explanation, Description, Axes, Artist, Finding, Box])
def test_wrong_types_are_dropped(kind: type, value: Any) -> None:
    """Each member of each object has the type that its class says, and none is missing."""
    for name in (each.name for each in fields(kind)):
        for missing in (False, True):
            document = flat(GOOD)
            (place,) = (each for each in objects(document, kind))
            before = place[name]
            if missing:
                del place[name]
            elif type(before) is type(value) or value in (None, [], {}) or {type(before), type(value)} <= {int, float}:
                continue
            else:
                place[name] = value
            (found,) = read_explanations(json.dumps([document]).encode(), Describe.DATA, [SIZE])
            nullable = before is None and isinstance(value, str) and not missing
            assert found.text is None or nullable, name


def objects(document: dict[str, Any], kind: type) -> list[dict[str, Any]]:
    """Return the object of a class in the good explanation."""
    description = document["description"]
    artist = description["axes"][0]["artists"][0]
    return [
        {
            Explanation: document,
            Description: description,
            Axes: description["axes"][0],
            Artist: artist,
            Finding: document["findings"][0],
            Box: artist["box"],
        }[kind]
    ]


def test_too_much_is_dropped() -> None:
    """A claim above its limit, which is larger if values are asked for."""
    for level, limit in ((Describe.FULL, CLAIM_LIMIT_BYTES), (Describe.DATA, CLAIM_WITH_DATA_LIMIT_BYTES)):
        for excess, fault in ((0, FAILED), (1, TOO_LARGE)):
            raw = b"[null" + b" " * (limit - 6 + excess) + b"]"
            assert read_explanations(raw, level, [SIZE])[0].fault == fault


def test_numbers_don_t_grow_beyond_the_limit() -> None:
    """What is written longer than it came is dropped where it would exceed the limit: `1e15` has 18 digits."""
    document = flat(replace(GOOD, description=replace(DESCRIPTION, level=Describe.DATA)))
    artist = document["description"]["axes"][0]["artists"][0]
    artist["data"]["x"] = artist["data"]["y"] = artist["data"]["z"] = ["long"] * POINTS_LIMIT
    document["description"]["axes"][0]["artists"] = [artist] * ARTISTS_LIMIT
    raw = json.dumps([document, document]).replace('"long"', "1e15").replace(" ", "").encode()
    found = read_explanations(raw, Describe.DATA, [SIZE] * 2)
    assert sum(len(each.text or b"") for each in found) <= CLAIM_WITH_DATA_LIMIT_BYTES * 9 // 8
    assert TOO_LARGE in {each.fault for each in found}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "axes", "box"]), inner),
    max_leaves=10,
)


@given(value=VALUES, path=st.lists(st.integers(0, 40), max_size=6))
def test_anything_anywhere_gives_an_answer(value: Any, path: list[int]) -> None:
    """A good explanation with anything in place of a part of it is read or dropped, and what is read is bounded."""
    document = flat(GOOD)
    place: Any = [document]
    for step in path:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = keys[step % len(keys)]
        if not isinstance(place[key], dict | list):
            place[key] = value
            break
        place = place[key]
    (found,) = read_explanations(json.dumps([document]).encode(), Describe.DATA, [SIZE])
    assert (found.text is None) == (found.fault is not None)
    if found.text is not None:
        assert json.loads(found.text).keys() == flat(GOOD).keys()
