"""Which of Matplotlib's parameters and styles a request may set, and to which values.

`tools.derive_rcparams` derives the list, `rcparams.json`, from the Matplotlib of the runner image. Only the type of a
value is checked here; Matplotlib itself checks the rest inside the sandbox.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from gateway.model.jobs import RcValue

DATA_FILE = Path(__file__).with_name("rcparams.json")

#: Bounds of a value.
NUMBER_LIMIT = 1_000_000
TEXT_LIMIT = 1024
LIST_LIMIT = 32

_DATA: dict[str, Any] = json.loads(DATA_FILE.read_text("utf-8"))

#: The version of Matplotlib that the list was made from.
MATPLOTLIB_VERSION: str = _DATA["matplotlib"]

#: Styles that a request may name.
STYLES: tuple[str, ...] = tuple(_DATA["styles"])

#: Parameters that a request may set: the JSON types of each, and its choices if they are few.
PARAMETERS: dict[str, dict[str, Any]] = _DATA["parameters"]

_NUMBER = re.compile(r"[+-]?[0-9]+(?P<fraction>\.[0-9]*)?(?P<exponent>[eE][+-]?[0-9]+)?|[+-]?(?P<small>\.[0-9]+)")

#: How text says yes or no: as JSON, Python, YAML, browsers and shells write it.
TRUTHS = {
    **dict.fromkeys(("true", "on", "yes", "1", "t", "y"), True),
    **dict.fromkeys(("false", "off", "no", "0", "f", "n"), False),
}

#: Those that mean nothing else where a parameter may also be a number or a word.
_PLAIN_TRUTHS = ("true", "false")

#: A string may contain anything but control characters.
TEXT_PATTERN = r"^[^\u0000-\u001f\u007f]*$"

_PLAIN = re.compile(TEXT_PATTERN)


def check_value(name: str, value: object) -> RcValue:
    """Return a parameter's value, lists as tuples.

    Raises:
        ValueError: It is of another type; the text says what the parameter accepts, and quotes nothing.
    """
    parameter = PARAMETERS[name]
    types = parameter["types"]
    if not any(_fits(value, kind) for kind in types):
        raise ValueError(f"must be {' or '.join(_IN_WORDS[kind] for kind in types)}")
    choices = parameter.get("choices")
    if choices is not None and value not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    if types == ["integer"]:
        return int(value)  # type: ignore[call-overload,no-any-return]  # _fits has checked it
    return _frozen(value)


def value_from_text(name: str, text: str) -> object:
    """Return the value of a parameter that a query or a form gives as text; still to be checked.

    Lists stay text: Matplotlib itself accepts values separated by commas.
    """
    types = PARAMETERS[name]["types"]
    word = text.strip().lower() if len(text) <= TEXT_LIMIT else ""
    if "boolean" in types and (word in _PLAIN_TRUTHS or (types == ["boolean"] and word in TRUTHS)):
        return TRUTHS[word]
    match = _NUMBER.fullmatch(text) if len(text) <= TEXT_LIMIT else None
    if match is not None and "integer" in types and not (match["fraction"] or match["exponent"] or match["small"]):
        return int(text)
    if match is not None and "number" in types:
        return float(text)
    return text


def _fits(value: object, kind: str) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return _is_number(value) and value == int(value)  # as in JSON Schema, 5.0 is 5
        case "number":
            return _is_number(value)
        case "string":
            return isinstance(value, str) and len(value) <= TEXT_LIMIT and _PLAIN.fullmatch(value) is not None
        case _:
            return _is_list(value, depth=2)


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= NUMBER_LIMIT  # neither NaN nor infinity is; `isfinite` fails on an integer of 400 digits


def _is_list(value: object, depth: int) -> bool:
    """Tell whether a value is a list of numbers and strings, or of such lists if the depth allows it."""
    if not isinstance(value, (list, tuple)) or len(value) > LIST_LIMIT:
        return False
    return all(_is_number(item) or _fits(item, "string") or (depth > 1 and _is_list(item, depth - 1)) for item in value)


def _frozen(value: object) -> RcValue:
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    return value  # type: ignore[return-value]  # _fits has checked it


_IN_WORDS = {
    "boolean": "true or false",
    "integer": f"a whole number from {-NUMBER_LIMIT} to {NUMBER_LIMIT}",
    "number": f"a number from {-NUMBER_LIMIT} to {NUMBER_LIMIT}",
    "string": f"a string of at most {TEXT_LIMIT} characters, none of them control characters",
    "list": f"a list of at most {LIST_LIMIT} numbers and strings",
}


def describe() -> dict[str, Any]:
    """Return the JSON schema of an object of parameters, which accepts what `check_value` accepts."""
    groups: dict[str, list[str]] = {}
    for name, parameter in PARAMETERS.items():
        groups.setdefault(json.dumps(_schema(parameter["types"], parameter.get("choices"))), []).append(name)
    return {
        "type": "object",
        "propertyNames": {"enum": list(PARAMETERS)},
        "patternProperties": {
            f"^(?:{'|'.join(re.escape(name) for name in names)})$": json.loads(schema)
            for schema, names in groups.items()
        },
        # Applies to no remaining name, but tells generators of clients which types values have.
        "additionalProperties": _schema(list(_SCHEMAS), None),
    }


def _schema(types: list[str], choices: list[str] | None) -> dict[str, Any]:
    if choices is not None:
        return {"type": "string", "enum": choices}
    schemas = [_SCHEMAS[kind] for kind in types]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


_BOUNDS = {"minimum": -NUMBER_LIMIT, "maximum": NUMBER_LIMIT}
_TEXT = {"type": "string", "maxLength": TEXT_LIMIT, "pattern": TEXT_PATTERN}
_ITEMS: list[dict[str, Any]] = [{"type": "number", **_BOUNDS}, _TEXT]
_INNER = {"type": "array", "maxItems": LIST_LIMIT, "items": {"anyOf": _ITEMS}}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", **_BOUNDS},
    "number": {"type": "number", **_BOUNDS},
    "string": _TEXT,
    "list": {"type": "array", "maxItems": LIST_LIMIT, "items": {"anyOf": [*_ITEMS, _INNER]}},
}
