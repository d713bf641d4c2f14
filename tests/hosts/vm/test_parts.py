"""What the machine is made of and asked fits the code: ids of the rootless engine, settings, phases, outcomes."""

from __future__ import annotations

import pytest

from gateway.model.results import Outcome
from gateway.settings import LauncherProcessSettings, Settings
from tests.hosts.vm import __main__ as command
from tests.hosts.vm import disk, guest
from tests.support.second_engine import REMAP_FIRST_ID


@pytest.mark.parametrize(
    ("remapped", "own"),
    [
        (0, disk.USER_ID),
        (REMAP_FIRST_ID, disk.USER_ID),
        (REMAP_FIRST_ID + 1, disk.FURTHER_IDS),
        (REMAP_FIRST_ID + 65534, disk.FURTHER_IDS + 65533),
    ],
)
def test_ids_are_those_of_the_rootless_engine(remapped: int, own: int) -> None:
    """Its root is its user, and the other ids follow each other in the range that the user was given."""
    assert disk._own_id(remapped) == own


def test_phases_are_those_inside() -> None:
    """Each phase that is asked for is there, and none is left out."""
    assert set(command.PHASES) == set(guest.PHASES)


@pytest.mark.parametrize(("process", "kind"), [("launcher", LauncherProcessSettings), ("gateway", Settings)])
def test_patient_settings_are_taken(process: str, kind: type[Settings]) -> None:
    """Each setting for a slow processor is one of its process, and within its bounds."""
    own = guest.PATIENT[process]
    known = {str(field.alias): name for name, field in kind.model_fields.items()}
    assert own.keys() <= known.keys()
    more = {"API_KEY": "k" * 24} if process == "gateway" else {}
    settings = kind(_env_file=None, **more, **own)  # type: ignore[arg-type,call-arg]
    assert [str(int(getattr(settings, known[name]))) for name in own] == list(own.values())


def test_every_limit_has_an_outcome() -> None:
    """The outcomes that are awaited exist, and every one that a limit has is among them."""
    awaited = {outcome for _, _, outcome, _ in guest.LIMITS.values()}
    assert awaited <= {outcome.value for outcome in Outcome}
    assert {outcome.value for outcome in Outcome if outcome.value.endswith("_limit")} <= awaited
