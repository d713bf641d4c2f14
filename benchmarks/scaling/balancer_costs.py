"""What a request costs HAProxy, as measured once and kept.

`balancer.json` is what `python -m benchmarks.scaling balancer` wrote.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).with_name("balancer.json")


@dataclass(frozen=True, slots=True)
class BalancerCosts:
    """What was measured.

    Attributes:
        version: HAProxy's.
        request_us: Processor microseconds of a request, by case.
        check_us: Of one agent's check.
        memory_mib: Of the process, with as many nodes as had agents.
    """

    version: str
    request_us: dict[str, float]
    check_us: float
    memory_mib: float

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read() -> BalancerCosts:
    """Return what the file says."""
    return BalancerCosts(**json.loads(FILE.read_text("utf-8")))
