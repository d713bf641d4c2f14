"""How much is measured: in full, in short for CI, or so little that it only shows that everything works."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

#: Seed of all random choices, such as the order of contenders.
SEED = 20_240_229

PARTS = (
    *("latency", "saturation", "memory", "refusal", "burst", "idle", "breakdown", "snapshot", "savings"),
    *("describing", "soak"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Counts and seconds of one run, by default in full.

    Attributes:
        parts: Which measurements are made.
        warm_up: Requests to each contender and program that are not counted.
        latency_rounds: Rounds by figure; in each, every contender gets `latency_requests`.
        latency_requests: Requests of one client to one contender in one round.
        saturation_rounds: Windows for each contender and number of clients.
        clients: Numbers of clients for the light figure.
        other_clients: Numbers of clients for the other figures, and for further runtimes.
        lead_s: Seconds of load before a window, to empty the pool.
        baseline_s: Seconds without load right before a window.
        refusals: Requests sent to a full queue.
        burst: Requests sent at once.
        bursts: How many times.
        idle_requests: First requests after idle time, of each kind.
        saving_rounds: Blocks of containers for each saving.
        saving_cycles: Containers in a block.
        savefig_rounds: Figures saved in each of two ways.
        describing_rounds: Processes that draw without descriptions and with them, and figures of each kind in one.
        import_steps: Whether to measure the steps of the import.
        soak_lead_jobs: Jobs before the first reading.
    """

    form: str = "full"
    parts: tuple[str, ...] = PARTS
    warm_up: int = 2
    latency_rounds: dict[str, int] = field(default_factory=lambda: {"light": 4, "science": 3, "heavy": 2, "mix": 1})
    latency_requests: int = 6
    saturation_rounds: int = 2
    clients: tuple[int, ...] = (1, 2, 4, 8)
    other_clients: tuple[int, ...] = (4,)
    lead_s: float = 4.0
    window_s: float = 12.0
    baseline_s: float = 1.0
    refusals: int = 100
    burst: int = 50
    bursts: int = 1
    idle_requests: int = 8
    saving_rounds: int = 6
    saving_cycles: int = 3
    savefig_rounds: int = 20
    describing_rounds: int = 5
    import_steps: bool = True
    soak_jobs: int = 2000
    soak_lead_jobs: int = 60


FULL = Plan()

SHORT = Plan(
    form="short",
    parts=tuple(part for part in PARTS if part != "soak"),
    warm_up=1,
    latency_rounds={"light": 1, "science": 1},
    latency_requests=3,
    saturation_rounds=1,
    clients=(1, 4),
    other_clients=(),
    lead_s=0.5,
    window_s=1.5,
    baseline_s=0.3,
    refusals=20,
    burst=12,
    idle_requests=2,
    saving_rounds=1,
    saving_cycles=2,
    savefig_rounds=5,
    describing_rounds=2,
    import_steps=False,
    soak_jobs=0,
    soak_lead_jobs=20,
)

#: Just what the targets are compared with.
TARGETS = replace(
    FULL,
    form="targets",
    parts=("latency", "saturation", "memory", "burst", "idle", "breakdown", "snapshot", "describing"),
    latency_rounds={"light": 3, "science": 2},
    latency_requests=4,
    saturation_rounds=2,
    clients=(4,),
    lead_s=2.0,
    window_s=8.0,
    idle_requests=6,
)

TINY = replace(
    SHORT,
    form="tiny",
    parts=PARTS,
    latency_rounds={"light": 1},
    latency_requests=1,
    clients=(2,),
    lead_s=0.2,
    window_s=0.8,
    baseline_s=0.1,
    refusals=2,
    burst=3,
    idle_requests=1,
    saving_cycles=1,
    savefig_rounds=1,
    describing_rounds=1,
    soak_jobs=4,
    soak_lead_jobs=2,
)
