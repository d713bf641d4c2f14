"""How many containers fit the machine: jobs at once, warm ones waiting, and the memory for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import StartError
from gateway.jobs import MiB

if TYPE_CHECKING:
    from gateway.launcher.engine import EngineFacts
    from gateway.settings import LauncherSettings

#: What an idle warm container comes to at most, in bytes: `python -m benchmarks` measures about half of it.
IDLE_BYTES = 96 * MiB


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of containers: running jobs at most, and idle warm ones kept."""

    running: int
    pool: int


def choose_sizes(settings: LauncherSettings, facts: EngineFacts) -> Sizes:
    """Return the configured sizes, or good ones for the machine where none are configured.

    A running job may use its whole limit; an idle container runs only our own code, and is counted by
    what that needs.

    Raises:
        StartError: They don't fit the memory; the text says what to lower.
    """
    budget = (settings.memory_budget_mib * MiB) if settings.memory_budget_mib else facts.memory_bytes * 7 // 8
    makers_bytes = settings.pool_makers * IDLE_BYTES
    job_bytes = settings.limits.memory_limit_bytes
    running = settings.running_limit
    if running is None:
        running = max(1, min(max(2, facts.cpus), (budget - makers_bytes) // job_bytes))
    pool = settings.pool_size
    if pool is None:
        pool = max(0, min(2 * running, (budget - makers_bytes - running * job_bytes) // IDLE_BYTES))
    needed = running * job_bytes + pool * IDLE_BYTES + makers_bytes
    if needed > budget:
        raise StartError(
            f"{running} jobs of {job_bytes // MiB} MiB, {pool} warm containers and {settings.pool_makers} in the "
            f"making need {needed // MiB} MiB, but the memory budget is {budget // MiB} MiB: lower "
            "FIGBOX_RUNNING_LIMIT, FIGBOX_MEMORY_LIMIT_MIB or FIGBOX_POOL_SIZE, or raise FIGBOX_MEMORY_BUDGET_MIB"
        )
    return Sizes(running, pool)
