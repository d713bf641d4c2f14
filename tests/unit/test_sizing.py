"""Sizes fit the machine, or the start is refused with what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import StartError
from gateway.jobs import MiB
from gateway.launcher.engine import EngineFacts
from gateway.launcher.sizing import IDLE_BYTES, Sizes, choose_sizes
from gateway.settings import Settings
from tests.fakes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeSettings = Callable[..., Settings]


def facts(cpus: int = 4, memory_mib: int = 16384) -> EngineFacts:
    """Return what a machine of that size says of itself."""
    return EngineFacts(frozenset(), (), cpus, memory_mib * MiB, "1", "cgroupfs", "2")


@pytest.mark.parametrize(
    ("values", "machine", "sizes"),
    [
        ({}, facts(4, 16384), Sizes(4, 8)),
        ({}, facts(1, 16384), Sizes(2, 4)),
        ({}, facts(64, 8192), Sizes(6, 8)),
        ({}, facts(4, 1536), Sizes(1, 1)),
        ({"running_limit": 3}, facts(4, 16384), Sizes(3, 6)),
        ({"pool_size": 0}, facts(4, 16384), Sizes(4, 0)),
        ({"memory_budget_mib": 2400}, facts(4, 16384), Sizes(2, 1)),
    ],
)
def test_sizes_for_machines(
    make_settings: MakeSettings, values: dict[str, int], machine: EngineFacts, sizes: Sizes
) -> None:
    """As many jobs as cores, twice as many warm ones, both as far as memory reaches; what is configured counts."""
    assert sizes == choose_sizes(make_settings(**values), machine)


@pytest.mark.parametrize(
    ("values", "machine"),
    [
        ({"running_limit": 16}, facts(4, 16384)),
        ({"pool_size": 200}, facts(4, 16384)),
        ({}, facts(4, 1024)),
        ({"memory_budget_mib": 128}, facts(4, 16384)),
    ],
)
def test_what_does_not_fit_is_refused(
    make_settings: MakeSettings, values: dict[str, int], machine: EngineFacts
) -> None:
    """Sizes beyond the memory stop the start, and the text names the settings to change."""
    with pytest.raises(StartError, match=r"FIGBOX_RUNNING_LIMIT.*FIGBOX_MEMORY_BUDGET_MIB"):
        choose_sizes(make_settings(**values), machine)


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 256), st.integers(128, 10**6), st.integers(128, 8192), st.integers(1, 16))
def test_chosen_sizes_always_fit(cpus: int, memory_mib: int, job_mib: int, makers: int) -> None:
    """Whatever the machine, sizes that were chosen fit seven eighths of it, and one job always runs."""
    chosen = Settings(_env_file=None, API_KEY=KEY, memory_limit_mib=job_mib, pool_makers=makers)  # type: ignore[call-arg]
    try:
        sizes = choose_sizes(chosen, facts(cpus, memory_mib))
    except StartError:
        assert job_mib * MiB + makers * IDLE_BYTES > memory_mib * MiB * 7 // 8
        return
    assert sizes.running >= 1
    assert sizes.running * job_mib * MiB + (sizes.pool + makers) * IDLE_BYTES <= memory_mib * MiB * 7 // 8
