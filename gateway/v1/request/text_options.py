"""Options as text, in a query or a form: what JSON would have held instead.

Text that means nothing of the kind stays text, so that the model refuses it by the option's name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.model.errors import OptionError
from gateway.model.strict_json import InvalidJson, parse_object
from gateway.v1.request import rcparams as rc
from gateway.v1.request.file_names import shown
from gateway.v1.request.options import Options, TextForm

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Options that one request may give as text, parameters of Matplotlib included.
PAIRS_LIMIT = 128

RC_PREFIX = "rc."

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,32})?(?:[eE][+-]?[0-9]{1,3})?")

_FORMS = {
    name: next(mark for mark in field.metadata if isinstance(mark, TextForm))
    for name, field in Options.model_fields.items()
}


def options_from_text(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, Any], list[OptionError]]:
    """Return options as JSON would have them, and what is wrong with how they are given.

    Args:
        pairs: Names and texts, in the order given. `format` and `style` may repeat, and hold several parted by commas;
            `rc.NAME` is one parameter, `rc` a JSON object of them.
    """
    raw: dict[str, Any] = {}
    faults: list[OptionError] = []
    parameters: dict[str, Any] = {}
    for count, (name, text) in enumerate(pairs):
        if count >= PAIRS_LIMIT:
            faults.append(OptionError(shown(name), f"is one of more than {PAIRS_LIMIT} options"))
            break
        form = _FORMS.get(name)
        if form is TextForm.WORDS:
            raw.setdefault(name, []).extend(word.strip() for word in text.split(","))
        elif name.startswith(RC_PREFIX):
            faults += _add_parameter(parameters, name.removeprefix(RC_PREFIX), text)
        elif name in raw:
            faults.append(OptionError(shown(name), "is given twice"))
        elif form is TextForm.PARAMETERS:
            raw[name] = {}
            faults += _add_parameters(raw[name], text)
        else:
            raw[name] = _value(form, text)
    if parameters:
        given = raw.setdefault("rc", {})
        faults += [OptionError(f"{RC_PREFIX}{shown(name)}", "is given twice") for name in parameters if name in given]
        raw["rc"] = {**given, **parameters}
    return raw, faults


def _value(form: TextForm | None, text: str) -> object:
    if form is TextForm.NUMBER and _INTEGER.fullmatch(text):
        return int(text)
    if form is TextForm.NUMBER and _NUMBER.fullmatch(text):
        return float(text)
    if form is TextForm.BOOLEAN and text in ("true", "false"):
        return text == "true"
    return text


def _add_parameter(parameters: dict[str, Any], name: str, text: str) -> list[OptionError]:
    if name in parameters:
        return [OptionError(f"{RC_PREFIX}{shown(name)}", "is given twice")]
    parameters[name] = rc.value_from_text(name, text) if name in rc.PARAMETERS else text
    return []


def _add_parameters(parameters: dict[str, Any], text: str) -> list[OptionError]:
    try:
        parameters |= parse_object(text.encode("utf-8", "surrogateescape"))
    except InvalidJson:
        return [OptionError("rc", "must be a JSON object of parameter names and values")]
    return []
