"""What the Redis that nodes share needs for a request, as measured once and kept.

`shared.json` is what `python -m benchmarks.scaling shared` wrote.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).with_name("shared.json")

#: What a request asks: of a key with an allowance of requests alone, and of one with processor time as well.
REQUESTS, COMPUTE = "requests a minute", "processor time as well"


@dataclass(frozen=True, slots=True)
class SharedCosts:
    """What was measured.

    Attributes:
        version: Redis'.
        request_us: Processor microseconds of its only thread for a request, by what the key's allowances are of.
    """

    version: str
    request_us: dict[str, float]

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read() -> SharedCosts:
    """Return what the file says."""
    return SharedCosts(**json.loads(FILE.read_text("utf-8")))
