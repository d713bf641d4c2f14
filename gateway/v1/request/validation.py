"""Check a request's options: all errors are reported at once, each by name, without quoting more than a name."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from gateway.model.errors import InvalidOptions, OptionError
from gateway.v1.request import rcparams
from gateway.v1.request.file_names import displayed
from gateway.v1.request.options import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gateway.model.jobs import RcValue

M = TypeVar("M", bound=Model)

#: Most errors in one response. No more are described, either: looking for the option that was meant takes up to a
#: millisecond, and a short body can have thousands of unknown ones.
ERRORS_LIMIT = 32

#: What is said instead of pydantic's own words, by its name for the error.
_IN_WORDS = {"bool_type": "must be true or false", "dict_type": "must be an object of names and values"}

#: Options with named members, where an error belongs to one member.
_WITH_NAMES = ("rc", "files")


def validated(model: type[M], raw: Mapping[str, Any], earlier: Iterable[OptionError] = ()) -> M:
    """Return options, checked by a model.

    Args:
        model: Describes them.
        raw: Options by name, as JSON has them.
        earlier: Errors found before.

    Raises:
        InvalidOptions: Some are wrong; each is named.
    """
    errors = [*earlier]
    if isinstance(raw.get("rc"), dict):
        parameters, rc_errors = _rc_values(raw["rc"])
        raw = {**raw, "rc": parameters}
        errors += rc_errors
    try:
        options = model.model_validate(raw)
    except ValidationError as error:
        raise InvalidOptions.of(_first_of([*errors, *islice(_describe(error, model), ERRORS_LIMIT)])) from error
    if errors:
        raise InvalidOptions.of(_first_of(errors))
    return options


def _first_of(errors: list[OptionError]) -> list[OptionError]:
    return list(dict.fromkeys(errors))[:ERRORS_LIMIT]


def _describe(error: ValidationError, model: type[Model]) -> Iterator[OptionError]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in found["loc"]]
        depth = 2 if place[0] in _WITH_NAMES else 1
        name = ".".join(displayed(part) for part in place[:depth])
        message = _IN_WORDS.get(found["type"], found["msg"])
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
    """Return those of Matplotlib's parameters that are valid, and what is wrong with the others."""
    values: dict[str, RcValue] = {}
    errors: list[OptionError] = []
    for name, value in sorted(raw.items()):
        if len(errors) >= ERRORS_LIMIT:
            break
        option = f"rc.{displayed(name)}"
        if name not in rcparams.PARAMETERS:
            errors.append(OptionError(option, "cannot be set by a request"))
            continue
        try:
            values[name] = rcparams.check_value(name, value)
        except ValueError as error:
            errors.append(OptionError(option, str(error)))
    return values, errors
