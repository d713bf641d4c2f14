"""What the HTTP side and a launcher know of each other, in one place.

There are two launchers. `gateway.launcher.launcher.EngineLauncher` works with the engine, in whatever process it is
made; `gateway.launcher.remote.client.LauncherClient` asks one in a process of its own. `gateway.lifecycle` chooses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.launcher.selftest.verdict import Verdict
    from gateway.launcher.sizing import Sizes
    from gateway.launcher.snapshot.warm_start import WarmStart
    from gateway.model.jobs import EnvironmentFacts, Job
    from gateway.model.results import Result, Stages

#: The gauges of a launcher and their descriptions; nothing else of it can become a metric.
GAUGES = {
    "figbox_pool_size": "Warm containers that are to wait",
    "figbox_pool_idle": "Warm containers waiting",
    "figbox_pool_making": "Containers being made",
    "figbox_pool_removing": "Containers being removed",
    "figbox_engine_up": "Whether the engine answered last",
    "figbox_sandbox_holds": "Whether the last self-test of the sandbox held",
    "figbox_self_test_period_seconds": "Seconds between self-tests of the sandbox",
}


class Launcher(Protocol):
    """Runs jobs, each in a container of its own.

    Attributes:
        on_sizes: Called with the sizes whenever they change after `start`: the engine came late, or the launcher came
            back with others.
    """

    on_sizes: Callable[[Sizes], None]

    @property
    def not_ready(self) -> str | None:
        """Why a job would fail now, as `/readyz` says it; None if it would not."""

    @property
    def is_broken(self) -> bool:
        """Whether a task that it needs has ended because of a bug, so that only a new process can go on."""

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the last self-test; None as long as none is known."""

    @property
    def environments(self) -> Mapping[str, EnvironmentFacts]:
        """The environments that jobs can name; empty until the engine has been reached."""

    @property
    def warm_starts(self) -> Sequence[WarmStart]:
        """How the runners of each environment start; empty until the engine has been reached."""

    async def start(self) -> Sizes:
        """Start; an engine or launcher that can't be reached yet is waited for in the background.

        Returns:
            The sizes, or good guesses.

        Raises:
            StartError: It can't work as configured.
        """

    async def run(self, job: Job, stages: Stages) -> Result:
        """Run one job; cancelling the call kills its container.

        Args:
            job: What to draw.
            stages: Filled in with where the time goes, also if the call fails.

        Raises:
            EngineError: The engine or the launcher failed us; the job may be tried again.
            ShuttingDown: The launcher is ending.
        """

    async def aclose(self) -> None:
        """Remove every container, or leave them to a launcher that outlives us. May be called twice."""


class Counters(Protocol):
    """Where a launcher counts; see `gateway.observability.metrics.Metrics`."""

    def count_pool_event(self, event: str, times: int = 1) -> None:
        """Count one of the events that `Pool.on_event` names."""

    def count_sweep(self, removed: int, sweeps: int = 1) -> None:
        """Count searches for strays and what they removed."""

    def count_engine_failure(self, times: int = 1) -> None:
        """Count calls that the engine failed."""

    def count_worker_end(self, work: str, reason: str, times: int = 1) -> None:
        """Count workers that ended before their time, for the reasons that `WorkerPool` has."""

    def watch(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a gauge whose value is read when needed."""
