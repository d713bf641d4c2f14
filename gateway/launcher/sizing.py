"""How many containers fit the machine: jobs at once, warm ones waiting, and the memory for both.

All environments share the machine: one number of running jobs, whichever they are, and one budget. A running job may
use the whole limit of its environment, so each place is counted by the largest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.errors import StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, MiB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.launcher.engine.docker_engine import EngineFacts
    from gateway.settings import LauncherSettings

#: What an idle warm container comes to at most, in bytes: `python -m benchmarks` measures about half of it.
IDLE_BYTES = 96 * MiB

#: Containers that an environment beside `default` has in the making at once, to fill its pool.
OTHER_MAKERS = 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of containers: running jobs at most, and idle warm ones kept, of all environments together."""

    running: int
    pool: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers of containers in all detail.

    Attributes:
        running: Jobs that run at once, of all environments together.
        pools: Idle warm containers kept, by environment.
    """

    running: int
    pools: Mapping[str, int]

    @property
    def sizes(self) -> Sizes:
        """The two numbers that matter outside."""
        return Sizes(self.running, sum(self.pools.values()))


def make_plan(settings: LauncherSettings, facts: EngineFacts) -> Plan:
    """Return the configured sizes, or good ones for the machine where none are configured.

    An idle container runs only our own code, and is counted by what that needs. The default environment's pool comes
    first; the others have one container each, as far as memory is left.

    Raises:
        StartError: They don't fit the memory; the text says what to lower.
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
        pool = max(0, min(2 * running, room))
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


def choose_sizes(settings: LauncherSettings, facts: EngineFacts) -> Sizes:
    """Return the sizes that `make_plan` gives; raises as it does."""
    return make_plan(settings, facts).sizes
