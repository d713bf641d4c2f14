"""What was measured once and is kept: a node's costs, and how a node did under load.

`measured.json` is what `python -m benchmarks.scaling measure` wrote; nothing in it is typed by hand.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, slots=True)
class Costs:
    """What one job costs a node, in seconds.

    Attributes:
        make_cpu_s: Processor time of making a container, in the engine, in its helpers and in the container.
        make_wait_s: Time that making one takes beyond that on an idle node.
        remove_cpu_s: Processor time of removing one.
        draw_cpu_s: Processor time from a request's arrival to its response with a warm container, by program: that of
            the drawing and of the gateway.
        draw_wait_s: Time that a request takes beyond that on an idle node.
    """

    make_cpu_s: float
    make_wait_s: float
    remove_cpu_s: float
    draw_cpu_s: dict[str, float]
    draw_wait_s: float

    @property
    def mean_draw_s(self) -> float:
        """Processor time of drawing, all programs being equally frequent."""
        return sum(self.draw_cpu_s.values()) / len(self.draw_cpu_s)

    @property
    def mean_job_s(self) -> float:
        """Processor time of a whole job."""
        return self.make_cpu_s + self.mean_draw_s + self.remove_cpu_s

    def scaled(self, factor: float) -> Costs:
        """Return the costs on a machine that needs so many times the processor time."""
        return replace(
            self,
            make_cpu_s=factor * self.make_cpu_s,
            remove_cpu_s=factor * self.remove_cpu_s,
            draw_cpu_s={name: factor * seconds for name, seconds in self.draw_cpu_s.items()},
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a window.

    Attributes:
        at_s: When it was sent, from the window's beginning.
        program: Its program's name.
        took_s: Seconds to the response.
        status: Of the response.
    """

    at_s: float
    program: str
    took_s: float
    status: int


@dataclass(frozen=True, slots=True)
class Window:
    """A node under load.

    Attributes:
        name: What kind of load.
        clients: Clients that never pause; 0 if requests came by themselves.
        seconds: From the first request to the last response.
        cpu_s: Processor seconds that the node used in it.
    """

    name: str
    clients: int
    seconds: float
    cpu_s: float
    requests: list[Request] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """All of it.

    Attributes:
        machine: What it was measured on, as words.
        cores: The node's share of the processor.
        running: Jobs that it runs at once.
        pool: Warm containers that it keeps.
        makers: Containers that it makes at once to fill the pool.
        series: Of its metrics, after all that.
    """

    machine: str
    cores: float
    running: int
    pool: int
    makers: int
    series: int
    costs: Costs
    windows: list[Window]

    def to_json(self) -> str:
        """Return it as text, a request a line."""
        document = asdict(self)
        windows = document.pop("windows")
        head = json.dumps(document, indent=2)[:-2]
        return f'{head},\n  "windows": [\n' + ",\n".join(_window_text(window) for window in windows) + "\n  ]\n}\n"


def read(text: str | None = None) -> Measured:
    """Return what a text says, by default that of the file."""
    document: dict[str, Any] = json.loads(FILE.read_text("utf-8") if text is None else text)
    costs = Costs(**document.pop("costs"))
    windows = [
        Window(**{**window, "requests": [Request(*row) for row in window["requests"]]})
        for window in document.pop("windows")
    ]
    return Measured(**document, costs=costs, windows=windows)


def _window_text(window: dict[str, Any]) -> str:
    rows = ",\n".join("      " + json.dumps(list(row.values())) for row in window.pop("requests"))
    head = json.dumps(window)[:-1]
    return f'    {head}, "requests": [\n{rows}\n    ]}}'
