"""Documents carry our dataclasses completely, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.launcher.remote.messages import Failure, State
from gateway.model.codec import MalformedDocument, build, encode, length_of_data, parse, schema_of
from gateway.model.jobs import Format, Job, NamedFile, SaveOptions
from gateway.model.results import Outcome, Picture, ProgramError, Result, Stages
from tests.support.values import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOUNDED = settings(deadline=None, max_examples=150)

JOB = Job(
    "plt.plot([1])",
    SaveOptions(formats=(Format.SVG, Format.PNG), dpi=72, rc={"a.b": (1, 2.5, "x", True, ("y",))}),
    files=(NamedFile("a.csv", b"\0\xff"), NamedFile("b.csv", b"")),
    wall_limit_s=2,
)


def across(value: Any) -> Any:
    """Return what arrives at the other end."""
    document, data = encode(value)
    parsed = parse(document)
    joined = b"".join(data)
    assert length_of_data(type(value), parsed) == len(joined)
    return build(type(value), parsed, joined)


def exactly(value: Any) -> str:
    """Return a form in which 1, 1.0 and True differ, and a tuple and a list."""
    if hasattr(value, "__dataclass_fields__"):
        return f"{type(value).__name__}({[exactly(getattr(value, name)) for name in value.__dataclass_fields__]})"
    if isinstance(value, tuple):
        return f"({[exactly(item) for item in value]})"
    if isinstance(value, dict):
        return f"{[(key, exactly(item)) for key, item in value.items()]}"
    return f"{type(value).__name__} {value!r}"


@pytest.mark.parametrize("kind", [Job, Result, State, Failure])
def test_everything_comes_across_as_it_was(kind: type) -> None:
    """Whatever a job, a result, a state or a failure contains, it is the same at the other end, with equal types."""

    @BOUNDED
    @given(values_of(kind))
    def holds(value: Any) -> None:
        arrived = across(value)
        assert arrived == value
        assert exactly(arrived) == exactly(value)

    holds()


def test_long_texts_and_bytes_go_beside_the_document() -> None:
    """A document has only the lengths of code and files, so that it stays short."""
    document, data = encode(JOB)
    assert data == [b"plt.plot([1])", b"\0\xff", b""]
    assert json.loads(document)["code"] == 13
    assert [file["data"] for file in json.loads(document)["files"]] == [2, 0]


def test_the_order_of_a_document_changes_nothing() -> None:
    """Bytes belong to fields by the class's order, so a sender can't give one field's bytes to another."""
    document, data = encode(JOB)
    shuffled = json.dumps(dict(reversed(json.loads(document).items()))).encode()
    assert build(Job, parse(shuffled), b"".join(data)) == JOB


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within a document."""
    yield path
    items: Any = document.items() if isinstance(document, dict) else ()
    items = enumerate(document) if isinstance(document, list) else items
    for name, value in items:
        yield from places(value, (*path, name))


def put(document: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """Return a copy of a document in which the value at a path is changed."""
    if not path:
        return change(document)
    changed = copy.copy(document)
    changed[path[0]] = put(document[path[0]], path[1:], change)
    return changed


#: A result in which every optional part is there.
RESULT = Result(
    Outcome.OK,
    program_error=ProgramError("E", "m", 1, 2, "s"),
    stages=Stages(warm=True),
    files=(NamedFile("f", b"abc"),),
)


@pytest.mark.parametrize("value", [JOB, RESULT])
@pytest.mark.parametrize("wrong", [None, True, -1, 1.5, "x", [], {}, [[]], {"image": "evil"}])
def test_no_value_of_another_type_gets_through(value: Any, wrong: Any) -> None:
    """A value of a wrong type, at any place of a document, is refused or is read as exactly that value."""
    document, data = encode(value)
    parsed = parse(document)
    for path in places(parsed):
        changed = put(parsed, path, lambda _: wrong)
        try:
            built = build(type(value), changed, b"".join(data))
        except MalformedDocument:
            continue
        assert parse(encode(built)[0]) == changed


@pytest.mark.parametrize("value", [JOB, RESULT])
def test_no_field_more_and_no_field_less(value: Any) -> None:
    """In every object of a document an additional or missing field is refused, whatever its name."""
    document, data = encode(value)
    parsed = parse(document)
    found = 0
    for path in places(parsed):
        at = parsed
        for name in path:
            at = at[name]
        if not isinstance(at, dict) or path[-1:] == ("rc",):
            continue
        for name in ("image", "Image", "privileged", "cmd", "code ", "CODE", ""):
            with pytest.raises(MalformedDocument):
                build(type(value), put(parsed, path, lambda it, name=name: {**it, name: 1}), b"".join(data))
        for name in at:
            fewer = put(parsed, path, lambda it, name=name: {n: v for n, v in it.items() if n != name})
            with pytest.raises(MalformedDocument):
                build(type(value), fewer, b"".join(data))
            found += 1
    assert found > 10


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b'{"code": 1, "code": 1}', id="a name twice"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff", id="no ASCII"),
        pytest.param('"\u00e4"'.encode(), id="UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
    ],
)
def test_only_plain_json_is_parsed(document: bytes) -> None:
    """JSON that two readers could understand differently, or that costs too much, is refused before it is read."""
    with pytest.raises(MalformedDocument):
        parse(document)


def test_deep_values_are_refused() -> None:
    """A value that is nested too deeply is refused, and breaks nothing."""
    document, data = encode(JOB)
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    parsed = put(parse(document), ("options", "rc"), lambda _: {"a": deep})
    with pytest.raises(MalformedDocument, match="too deep"):
        build(Job, parsed, b"".join(data))


@given(st.integers(-3, 3).filter(bool))
@example(1)
@example(-1)
def test_bytes_are_exactly_those_announced(difference: int) -> None:
    """One byte more or less than the document says is refused."""
    document, data = encode(JOB)
    joined = b"".join(data)
    with pytest.raises(MalformedDocument):
        build(Job, parse(document), joined[:difference] if difference < 0 else joined + bytes(difference))


def test_code_is_text() -> None:
    """Code that isn't UTF-8 is refused."""
    document, data = encode(Job("ab"))
    assert data == [b"ab"]
    with pytest.raises(MalformedDocument):
        build(Job, parse(document), b"\xff\xfe")


def test_numbers_that_are_not_finite_are_not_sent() -> None:
    """A number that isn't finite is refused before it is sent."""
    with pytest.raises(ValueError, match="JSON"):
        encode(Job("x", SaveOptions(dpi=float("nan"))))


def test_schema_tells_classes_apart() -> None:
    """The digest is equal for equal classes, and differs for others."""
    assert schema_of(Job) == schema_of(Job)
    assert len({schema_of(Job), schema_of(Result), schema_of(Job, Result), schema_of(Picture)}) == 4
