"""The client shares no code with the gateway, so it repeats names: a name that one side lacks is found here."""

from __future__ import annotations

import figbox
from figbox.cli.render import render
from figbox.options import Options
from gateway.model.results import Outcome
from gateway.v1.request.json_body import RenderRequest
from tests.client.service import OPTIONS


def test_options_of_the_library() -> None:
    """The library, and the service that its tests run, know each option of a request."""
    assert set(Options.__annotations__) | {"code"} == set(RenderRequest.model_fields) == OPTIONS


def test_options_of_the_command() -> None:
    """`figbox render` has a flag for each option; code and files are what it is about."""
    assert set(Options.__annotations__) - {"files"} <= {parameter.name for parameter in render.params}


def test_outcomes() -> None:
    """The library names each outcome of code that failed."""
    assert {outcome.value for outcome in figbox.Outcome} == {name.value for name in Outcome} - {Outcome.OK.value}
