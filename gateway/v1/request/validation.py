"""Checks a request's options: every error at once, named one by one, nothing quoted at length."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from gateway.model.errors import InvalidOptions, OptionError
from gateway.v1.request import rcparams as rc
from gateway.v1.request.file_names import shown
from gateway.v1.request.options import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gateway.model.jobs import RcValue

M = TypeVar("M", bound=Model)

#: Errors named in one response.
ERRORS_LIMIT = 32

#: Options whose members have names of their own, so that an error is one member's.
_WITH_NAMES = ("rc", "files")


def validated(model: type[M], raw: Mapping[str, Any], found: Iterable[OptionError] = ()) -> M:
    """Return the options that a request asks for.

    Args:
        model: What they are checked by.
        raw: Options by name, as JSON has them.
        found: What was wrong before.

    Raises:
        InvalidOptions: Some are wrong; each is named.
    """
    errors = [*found]
    if isinstance(raw.get("rc"), dict):
        parameters, rc_errors = _rc_values(raw["rc"])
        raw = {**raw, "rc": parameters}
        errors += rc_errors
    try:
        options = model.model_validate(raw)
    except ValidationError as error:
        errors += _described(error, model)
    if errors:
        raise InvalidOptions.of(list(dict.fromkeys(errors))[:ERRORS_LIMIT])
    return options


def _described(error: ValidationError, model: type[Model]) -> Iterator[OptionError]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in found["loc"]]
        depth = 2 if place[0] in _WITH_NAMES else 1
        name = ".".join(shown(part) for part in place[:depth])
        message = found["msg"]
        if found["type"] == "extra_forbidden" and len(place) == 1:
            message = _unknown(place[0], model)
        elif found["type"] == "missing" and len(place) == 1:
            message = "is missing"
        elif place[0] == "files" and found["type"] in ("missing", "extra_forbidden"):
            message = "must be an object with either text or base64"
        yield OptionError(name, message)


def _unknown(name: str, model: type[Model]) -> str:
    near = difflib.get_close_matches(name[:64], model.model_fields, n=1)
    return f"is not an option; did you mean {near[0]}?" if near else "is not an option"


def _rc_values(raw: dict[str, Any]) -> tuple[dict[str, RcValue], list[OptionError]]:
    """Return Matplotlib's parameters, each checked by its own rules, and what is wrong with the others."""
    values: dict[str, RcValue] = {}
    errors: list[OptionError] = []
    for name, value in sorted(raw.items()):
        option = f"rc.{shown(name)}"
        if name not in rc.PARAMETERS:
            errors.append(OptionError(option, "cannot be set by a request"))
            continue
        try:
            values[name] = rc.check_value(name, value)
        except ValueError as error:
            errors.append(OptionError(option, str(error)))
    return values, errors
