"""Options given as text, in a query or a form, converted to what JSON would contain.

Text that can't be converted stays text, so that the model refuses it by the option's name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.model.errors import OptionError
from gateway.model.strict_json import InvalidJson, parse_object
from gateway.v1.request import rcparams
from gateway.v1.request.file_names import displayed
from gateway.v1.request.options import Options, TextSyntax

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Most options that one request may give as text, Matplotlib's parameters included.
PAIRS_LIMIT = 128

RC_PREFIX = "rc."

_TWICE = "is given twice"

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,19}(?:\.[0-9]{0,32})?|\.[0-9]{1,32})(?:[eE][+-]?[0-9]{1,3})?")

#: How programs and browsers write a number that isn't there: Python's str() of None, and a form's null.
_NO_NUMBER = ("None", "null")

_SYNTAX = {
    name: next(mark for mark in field.metadata if isinstance(mark, TextSyntax))
    for name, field in Options.model_fields.items()
}


def options_from_text(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, Any], list[OptionError]]:
    """Return options as JSON would contain them, and what is wrong with the way they are given.

    Args:
        pairs: Names and texts, in the order given. `format` and `style` may repeat, and contain several values
            separated by commas; `rc.NAME` is one parameter, `rc` a JSON object of them. An option that is left
            empty, as browsers send a field that nobody filled in, isn't given.
    """
    raw: dict[str, Any] = {}
    errors: list[OptionError] = []
    parameters: dict[str, Any] = {}
    for count, (name, text) in enumerate(pairs):
        syntax = _SYNTAX.get(name)
        parameter = name.removeprefix(RC_PREFIX) if name.startswith(RC_PREFIX) else None
        if count >= PAIRS_LIMIT:
            errors.append(OptionError(displayed(name), f"there may be at most {PAIRS_LIMIT} options"))
            break
        if _is_left_out(syntax, parameter, text):
            continue
        if syntax is TextSyntax.WORDS:
            raw.setdefault(name, []).extend(word.strip() for word in text.split(","))
        elif name in raw or parameter in parameters:
            errors.append(OptionError(displayed(name), _TWICE))
        elif parameter is not None:
            known = parameter in rcparams.PARAMETERS
            parameters[parameter] = rcparams.value_from_text(parameter, text) if known else text
        elif syntax is TextSyntax.PARAMETERS:
            try:
                raw[name] = parse_object(text.encode("utf-8", "surrogateescape"))
            except InvalidJson as error:
                raw[name] = {}
                errors.append(OptionError(name, f"must be a JSON object of parameter names and values; it {error}"))
        else:
            raw[name] = _convert(syntax, text)
    if parameters:
        given = raw.get("rc", {})
        errors += [OptionError(f"{RC_PREFIX}{displayed(name)}", _TWICE) for name in parameters if name in given]
        raw["rc"] = {**given, **parameters}
    return raw, errors


def _is_left_out(syntax: TextSyntax | None, parameter: str | None, text: str) -> bool:
    """Tell whether an option is given without a value. A parameter that may be any text may also be an empty one."""
    if parameter is not None:
        known = rcparams.PARAMETERS.get(parameter)
        return known is not None and not text.strip() and "string" not in known["types"]
    return syntax is not None and (not text.strip() or (syntax is TextSyntax.NUMBER and text.strip() in _NO_NUMBER))


def _convert(syntax: TextSyntax | None, text: str) -> object:
    plain = text.strip() if len(text) <= rcparams.TEXT_LIMIT else text
    if syntax is TextSyntax.NUMBER and _INTEGER.fullmatch(plain):
        return int(plain)
    if syntax is TextSyntax.NUMBER and _NUMBER.fullmatch(plain):
        return float(plain)
    if syntax is TextSyntax.BOOLEAN:
        return rcparams.TRUTHS.get(plain.lower(), text)
    return plain if syntax is not None else text
