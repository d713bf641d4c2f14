"""What is wrong with a request's options: found all at once, named one by one, nothing quoted at length."""

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

M = TypeVar("M", bound=Model)

#: Faults named in one answer.
FAULTS_LIMIT = 32

#: Options whose members have names of their own, so that a fault is one member's.
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
    faults = [*found, *_rc_faults(raw.get("rc"))]
    try:
        options = model.model_validate(raw)
    except ValidationError as error:
        faults += _described(error, model)
    if faults:
        raise InvalidOptions.of(list(dict.fromkeys(faults))[:FAULTS_LIMIT])
    return options


def _described(error: ValidationError, model: type[Model]) -> Iterator[OptionError]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in fault["loc"]]
        depth = 2 if place[0] in _WITH_NAMES else 1
        name = ".".join(shown(part) for part in place[:depth])
        message = fault["msg"]
        if fault["type"] == "extra_forbidden" and len(place) == 1:
            message = _unknown(place[0], model)
        elif fault["type"] == "missing" and len(place) == 1:
            message = "is missing"
        elif place[0] == "files" and fault["type"] in ("missing", "extra_forbidden"):
            message = "must be an object with either text or base64"
        yield OptionError(name, message)


def _unknown(name: str, model: type[Model]) -> str:
    near = difflib.get_close_matches(name[:64], model.model_fields, n=1)
    return f"is no option; did you mean {near[0]}?" if near else "is no option"


def _rc_faults(values: object) -> Iterator[OptionError]:
    """Yield what is wrong with parameters, each by its own rules; the model sees to the rest."""
    if not isinstance(values, dict):
        return
    for name, value in values.items():
        option = f"rc.{shown(name)}"
        if name not in rc.PARAMETERS:
            yield OptionError(option, "is no parameter that a request may set")
            continue
        try:
            rc.check_value(name, value)
        except ValueError as error:
            yield OptionError(option, str(error))
