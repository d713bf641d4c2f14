"""When a request came, where its time goes, and the trace that tells others."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.model.results import Stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.model.jobs import Job
    from gateway.observability.tracing import RequestTrace


@dataclass(slots=True)
class Timing:
    """When a request came, and where its time goes.

    Attributes:
        began: When it came, by `time.perf_counter`.
        stages: Filled in as the request proceeds.
        trace: Where that is told, once its key is known; None if there are no traces.
    """

    began: float = field(default_factory=time.perf_counter)
    stages: Stages = field(default_factory=Stages)
    trace: RequestTrace | None = None

    def total_ms(self) -> float:
        """Return the milliseconds since the request came."""
        return (time.perf_counter() - self.began) * 1000

    def log_members(self) -> dict[str, float | bool | str | None]:
        """Return the members of a log line that tell where the time went, and in which trace that is."""
        spent_ms = {**self.stages.by_name(), "total": self.total_ms()}
        rounded = {f"{name}_ms": round(spent, 1) for name, spent in spent_ms.items()}
        return {"warm": self.stages.warm, **rounded, "trace_id": self.trace_id}

    @property
    def trace_id(self) -> str | None:
        """The id of its trace; None if there is none."""
        return self.trace.trace_id if self.trace is not None else None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell the trace that the block is a stage, also if it fails."""
        if self.trace is None:
            yield
            return
        began = time.perf_counter()
        try:
            yield
        finally:
            self.trace.stage(name, began, time.perf_counter())

    def note_job(self, job: Job) -> None:
        """Tell the trace what is to be drawn."""
        if self.trace is not None:
            self.trace.note_job(job)
