"""Write our frozen dataclasses as one JSON document with bytes beside it, and read them back strictly.

The types' annotations are the schema: a document must have exactly the fields of its class, each once and of exactly
its type. Bytes are not in the document but follow each other beside it, and the document has their lengths. So the
amount of data is known, and can be checked, before it is received.

Bounds of values are left to the caller: numbers are finite, but may be too large for their purpose.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, ForwardRef, TypeVar, Union, get_args, get_origin, get_type_hints

from gateway.model import explanation, jobs, results
from gateway.model.strict_json import InvalidJson, parse_json

T = TypeVar("T")

#: Texts that are among the bytes, as UTF-8: they are too long for a document that is checked before it is trusted.
LONG_TEXTS = frozenset({(jobs.Job, "code")})

#: Names in annotations that their modules import for type checkers only.
_NAMES: dict[str, Any] = {**vars(jobs), **vars(results), **vars(explanation), "Mapping": Mapping}


class MalformedDocument(Exception):
    """It isn't a document of the wanted class; the text says what is wrong, and quotes nothing."""


def encode(value: Any) -> tuple[bytes, list[bytes]]:
    """Return the document of a dataclass, in ASCII, and the bytes beside it.

    Raises:
        ValueError: It holds a number that isn't finite.
    """
    data: list[bytes] = []
    return json.dumps(_flat(value, data), allow_nan=False, separators=(",", ":")).encode("ascii"), data


def parse(document: bytes) -> Any:
    """Return what a document says, before it is known to be of any class.

    Raises:
        MalformedDocument: It isn't JSON, or could be read in two ways.
    """
    try:
        return parse_json(document, "ascii")
    except InvalidJson as error:
        raise MalformedDocument("it is not JSON, or could be read in two ways") from error


def length_of_data(kind: type, parsed: Any) -> int:
    """Return how many bytes must come beside a document of this class.

    Raises:
        MalformedDocument: It isn't one.
    """
    measure = _Measure()
    _build(kind, parsed, measure)
    return measure.length


def build(kind: type[T], parsed: Any, data: bytes | memoryview) -> T:
    """Return the object that a document and the bytes beside it describe.

    Raises:
        MalformedDocument: They don't.
    """
    source = _Data(data)
    built: T = _build(kind, parsed, source)
    if not source.is_used_up:
        raise MalformedDocument("there are more bytes than it says")
    return built


@cache
def schema_of(*kinds: type) -> str:
    """Return a digest of the schema of these classes, which is the same at both ends if their documents are."""
    seen: dict[str, list[str]] = {}
    for kind in kinds:
        _describe(kind, seen)
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def flat(value: Any) -> Any:
    """Return what JSON has of a dataclass without bytes."""
    return _flat(value, [])


# Writing


def _flat(value: Any, data: list[bytes]) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _flat_long_text(getattr(value, field.name), data)
            if (type(value), field.name) in LONG_TEXTS
            else _flat(getattr(value, field.name), data)
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        data.append(value)
        return len(value)
    if isinstance(value, Mapping):
        return {name: _flat(item, data) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_flat(item, data) for item in value]
    return value


def _flat_long_text(text: str, data: list[bytes]) -> int:
    data.append(text.encode())
    return len(data[-1])


# Reading


class _Data:
    """The bytes beside a document, read from the front."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        self._position = 0

    @property
    def is_used_up(self) -> bool:
        return self._position == len(self._data)

    def take(self, length: int) -> bytes:
        end = self._position + length
        if end > len(self._data):
            raise MalformedDocument("there are fewer bytes than it says")
        taken = bytes(self._data[self._position : end])
        self._position = end
        return taken


class _Measure(_Data):
    """Stands for bytes that haven't arrived yet, and adds up their lengths."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.length = 0

    def take(self, length: int) -> bytes:
        self.length += length
        return b""


_Reader = Callable[[Any, _Data], Any]


def _build(kind: Any, value: Any, data: _Data) -> Any:
    try:
        return _reader(kind)(value, data)
    except RecursionError as error:
        raise MalformedDocument("it is too deep") from error


@cache
def _reader(kind: Any) -> _Reader:  # noqa: PLR0911 - one return for each kind of type
    """Return what makes a parsed JSON value into one of a type.

    It is made once for each type: looking into an annotation takes ten times as long as reading a value.
    """
    if kind is bytes:
        return lambda value, data: data.take(_length(value))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _object_reader(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value, _: _member(kind, value)
    if isinstance(kind, ForwardRef | str):
        name = kind.__forward_arg__ if isinstance(kind, ForwardRef) else kind
        return lambda value, data: _reader(_NAMES[name])(value, data)  # noqa: PLW0108 - it may be within itself
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union_reader(arguments)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda value, data: tuple([item(one, data) for one in _of(list, value)])
    if origin is not None and issubclass(origin, Mapping):
        member = _reader(arguments[1])
        return lambda value, data: {name: member(one, data) for name, one in _of(dict, value).items()}
    return _plain_reader(kind)


def _plain_reader(kind: Any) -> _Reader:
    json_types = _json_types(kind)

    def read(value: Any, _: _Data) -> Any:
        if type(value) not in json_types:
            raise MalformedDocument(f"a value is not of type {kind.__name__}")
        return value

    return read


def _object_reader(kind: type[T]) -> _Reader:
    # In the order of the class, which is that of the bytes, whatever the order of the document.
    readers = {
        name: _long_text if (kind, name) in LONG_TEXTS else _reader(hint)
        for name, hint in _hints(kind).items()  # type: ignore[arg-type]  # mypy#11470: a class is hashable
    }

    def read(value: Any, data: _Data) -> T:
        found = _of(dict, value)
        if found.keys() != readers.keys():
            raise MalformedDocument(f"its {kind.__name__} has other fields")
        return kind(**{name: reader(found[name], data) for name, reader in readers.items()})

    return read


def _union_reader(kinds: tuple[Any, ...]) -> _Reader:
    """Return what reads a value of a union: its JSON type decides, which fits one member at most."""
    readers: dict[type, _Reader] = {}
    for kind in kinds:
        for json_type in _json_types(kind):
            readers.setdefault(json_type, _reader(kind))

    def read(value: Any, data: _Data) -> Any:
        reader = readers.get(type(value))
        if reader is None:
            raise MalformedDocument("a value has the wrong type")
        return reader(value, data)

    return read


def _long_text(value: Any, data: _Data) -> str:
    try:
        return data.take(_length(value)).decode()
    except UnicodeDecodeError as error:
        raise MalformedDocument("a text is not UTF-8") from error


def _member(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(_of(str, value))
    except ValueError as error:
        raise MalformedDocument(f"a value is not of type {kind.__name__}") from error


def _length(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise MalformedDocument("a length is not a number")
    return value


def _of(kind: type[T], value: Any) -> T:
    if type(value) is not kind:
        raise MalformedDocument(f"a value is not of type {kind.__name__}")
    return value


def _json_types(kind: Any) -> tuple[type, ...]:
    """Return the types of the JSON values that can stand for a type: `true` isn't a number, and 1 may be a float."""
    plain: dict[Any, tuple[type, ...]] = {
        type(None): (type(None),),
        bool: (bool,),
        int: (int,),
        float: (float, int),
        str: (str,),
        bytes: (int,),
    }
    if kind in plain:
        return plain[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return (str,)
    return (list if get_origin(kind) is tuple else dict,)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, localns=_NAMES)


def _describe(kind: Any, seen: dict[str, list[str]]) -> None:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__name__ not in seen:
        hints = _hints(kind)
        # As they are written: the repr of a type differs between versions of Python.
        seen[kind.__name__] = [f"{field.name}: {field.type}" for field in dataclasses.fields(kind)]
        for hint in hints.values():
            _describe(hint, seen)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        seen[kind.__name__] = [str(member.value) for member in kind]
    else:
        for part in typing.get_args(kind):
            _describe(part, seen)
