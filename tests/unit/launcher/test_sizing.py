"""Sizes fit the machine, or the start is refused with what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.launcher.engine.engine import EngineFacts
from gateway.launcher.sizing import IDLE_BYTES, OTHER_MAKERS, Sizes, make_plan
from gateway.model.errors import StartError
from gateway.model.jobs import MiB
from gateway.settings import Settings
from tests.fakes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeSettings = Callable[..., Settings]


def facts(cpus: int = 4, memory_mib: int = 16384) -> EngineFacts:
    """Return the facts of an engine on a machine of that size."""
    return EngineFacts(frozenset(), (), cpus, memory_mib * MiB, "1", "cgroupfs", "2")


@pytest.mark.parametrize(
    ("values", "machine", "sizes"),
    [
        ({}, facts(4, 16384), Sizes(4, 4)),
        ({}, facts(1, 16384), Sizes(2, 2)),
        ({}, facts(64, 8192), Sizes(6, 6)),
        ({}, facts(4, 1536), Sizes(1, 1)),
        ({"running_limit": 3}, facts(4, 16384), Sizes(3, 3)),
        ({"pool_size": 0}, facts(4, 16384), Sizes(4, 0)),
        ({"memory_budget_mib": 2400}, facts(4, 16384), Sizes(2, 1)),
    ],
)
def test_sizes_for_machines(
    make_settings: MakeSettings, values: dict[str, int], machine: EngineFacts, sizes: Sizes
) -> None:
    """As many jobs as cores, as many warm containers, both as far as memory allows; settings take precedence."""
    assert sizes == make_plan(make_settings(**values), machine).sizes


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
    """Sizes beyond the memory stop the start, and the error names the settings to change."""
    with pytest.raises(StartError, match=r"FIGBOX_RUNNING_LIMIT.*FIGBOX_MEMORY_BUDGET_MIB"):
        make_plan(make_settings(**values), machine)


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 256), st.integers(128, 10**6), st.integers(128, 8192), st.integers(1, 16))
def test_chosen_sizes_always_fit(cpus: int, memory_mib: int, job_mib: int, makers: int) -> None:
    """On any machine the chosen sizes fit into seven eighths of its memory, and at least one job runs."""
    chosen = Settings(_env_file=None, API_KEY=KEY, memory_limit_mib=job_mib, pool_makers=makers)  # type: ignore[call-arg]
    try:
        sizes = make_plan(chosen, facts(cpus, memory_mib)).sizes
    except StartError:
        assert job_mib * MiB + makers * IDLE_BYTES > memory_mib * MiB * 7 // 8
        return
    assert sizes.running >= 1
    assert sizes.running * job_mib * MiB + (sizes.pool + makers) * IDLE_BYTES <= memory_mib * MiB * 7 // 8


def with_environments(make_settings: MakeSettings, folder: Path, tables: str, **values: object) -> Settings:
    """Return settings with more environments."""
    file = folder / "environments.toml"
    file.write_text(tables)
    return make_settings(environments_file=file, **values)


A_AND_B = """
[environments.a]
image = "a"
[environments.b]
image = "b"
"""


@pytest.mark.parametrize(
    ("tables", "values", "expected"),
    [
        (A_AND_B, {}, (4, {"default": 4, "a": 1, "b": 1})),
        (A_AND_B + "pool_size = 3\n", {}, (4, {"default": 4, "a": 1, "b": 3})),
        (A_AND_B + "pool_size = 0\n", {"pool_size": 2}, (4, {"default": 2, "a": 1, "b": 0})),
        # Each place is as large as the largest environment.
        (A_AND_B + "memory_limit_mib = 4096\n", {}, (3, {"default": 3, "a": 1, "b": 1})),
        # If memory is short the default's pool comes first.
        (A_AND_B, {"memory_budget_mib": 2048 + 384 + 96}, (2, {"default": 1, "a": 0, "b": 0})),
        (A_AND_B, {"memory_budget_mib": 2048 + 384 + 288, "pool_size": 1}, (2, {"default": 1, "a": 1, "b": 1})),
    ],
)
def test_plans_with_environments(
    make_settings: MakeSettings,
    tmp_path: Path,
    tables: str,
    values: dict[str, int],
    expected: tuple[int, dict[str, int]],
) -> None:
    """The default keeps its pool, every other environment has one container or its own number, all in one budget."""
    settings = with_environments(make_settings, tmp_path, tables, **values)
    machine, (running, pools) = facts(4, 16384), expected
    plan = make_plan(settings, machine)
    assert (plan.running, dict(plan.pools)) == (running, pools)
    assert plan.sizes == Sizes(running, sum(pools.values()))
    budget = settings.memory_budget_mib or machine.memory_bytes // MiB * 7 // 8
    makers = settings.pool_makers + 2 * OTHER_MAKERS
    largest = max(own.memory_limit_mib for own in settings.environments.values())
    assert running * largest + (sum(pools.values()) + makers) * IDLE_BYTES // MiB <= budget


def test_environments_that_do_not_fit_are_refused(make_settings: MakeSettings, tmp_path: Path) -> None:
    """The error also names the file of environments, which can have sizes."""
    for line in ("pool_size = 500\n", "memory_limit_mib = 60000\n"):
        settings = with_environments(make_settings, tmp_path, A_AND_B + line)
        with pytest.raises(StartError, match=r"FIGBOX_MEMORY_BUDGET_MIB; .*environments\.toml has such sizes too"):
            make_plan(settings, facts())
