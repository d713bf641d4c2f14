"""How many containers fit the machine: those of running jobs, and warm ones.

All environments share one number of running jobs and one memory budget. A running job may use the whole limit of its
environment, so each place counts with the largest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.errors import StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, MiB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.launcher.engine.engine import EngineFacts
    from gateway.settings import LauncherSettings

#: Most memory of an idle warm container, in bytes; `python -m benchmarks` measures about half of it.
IDLE_BYTES = 96 * MiB

#: Containers that an environment other than `default` makes at once to fill its pool.
OTHER_MAKERS = 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """Most running jobs, and warm containers kept, of all environments together."""

    running: int
    pool: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes in detail.

    Attributes:
        running: Most running jobs, of all environments together.
        pools: Warm containers kept, by environment.
    """

    running: int
    pools: Mapping[str, int]

    @property
    def sizes(self) -> Sizes:
        """The sizes of all environments together."""
        return Sizes(self.running, sum(self.pools.values()))


def make_plan(settings: LauncherSettings, facts: EngineFacts) -> Plan:
    """Return the configured sizes, and for those not configured what suits the machine.

    An idle container runs only our own code, and counts with what that needs. The default environment's pool comes
    first; the others get one container each while memory is left.

    Raises:
        StartError: They don't fit into memory; the text says what to lower.
    """
    budget = (settings.memory_budget_mib * MiB) if settings.memory_budget_mib else facts.memory_bytes * 7 // 8
    others = {name: own for name, own in settings.environments.items() if name != DEFAULT_ENVIRONMENT}
    makers = settings.pool_makers + OTHER_MAKERS * len(others)
    job_bytes = max(own.limits.memory_limit_bytes for own in settings.environments.values())
    running = settings.running_limit
    if running is None:
        running = max(1, min(max(2, facts.cpus), (budget - makers * IDLE_BYTES) // job_bytes))
    pools = {name: own.pool_size or 0 for name, own in others.items()}
    room = (budget - running * job_bytes) // IDLE_BYTES - makers - sum(pools.values())
    pool = settings.pool_size
    if pool is None:
        pool = max(0, min(running, room))
    room -= pool
    for name, own in others.items():
        if own.pool_size is None and room > 0:
            pools[name] = 1
            room -= 1
    plan = Plan(running, {DEFAULT_ENVIRONMENT: pool, **pools})
    needed = running * job_bytes + (plan.sizes.pool + makers) * IDLE_BYTES
    if needed > budget:
        raise StartError(
            f"{running} jobs of {job_bytes // MiB} MiB, {plan.sizes.pool} warm containers and {makers} in the "
            f"making need {needed // MiB} MiB, but the memory budget is {budget // MiB} MiB: lower "
            "FIGBOX_RUNNING_LIMIT, FIGBOX_MEMORY_LIMIT_MIB or FIGBOX_POOL_SIZE, or raise FIGBOX_MEMORY_BUDGET_MIB"
            + (f"; {settings.environments_file} has such sizes too" if others else "")
        )
    return plan
