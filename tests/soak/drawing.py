"""The picture of a run, drawn by the service that was watched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.soak.judgement import Judgement

#: What is drawn, in this order.
SHOWN = (
    *("gateway, memory (PSS)", "launcher, memory (PSS)", "engine, memory (PSS)", "gateway, descriptors"),
    *("launcher, descriptors", "containers", "engine's mounts", "disk of the engine", "canary"),
)

#: Draws `data`, which is defined before it.
PROGRAM = """\
figure, places = plt.subplots(3, 3, figsize=(11, 7), layout="constrained", sharex=True)
for axes, one in zip(places.flat, data["series"]):
    minutes = np.array([point[0] for point in one["points"]]) / 60
    axes.plot(minutes, [point[1] for point in one["points"]], lw=0.8)
    axes.axvspan(0, data["warm_up_min"], color="0.9", lw=0)
    edge = data["warm_up_min"] + (minutes[-1] - data["warm_up_min"]) / 3
    axes.hlines([one["first"]], data["warm_up_min"], edge, color="C1")
    axes.hlines([one["last"]], minutes[-1] - (edge - data["warm_up_min"]), minutes[-1], color="C1")
    axes.set_title(one["name"], fontsize=9)
    axes.set_ylabel(one["unit"] or "number", fontsize=8)
    axes.set_ylim(0, 1.1 * max(point[1] for point in one["points"]))  # also what never changes is below the frame
for axes in places[-1]:
    axes.set_xlabel("minutes", fontsize=8)
figure.suptitle(data["title"], fontsize=10)
"""


def program(judgements: Sequence[Judgement], warm_up_s: float, title: str) -> str:
    """Return code that draws the series; grey is the warm-up, orange the levels that are compared."""
    by_name = {one.series.name: one for one in judgements}
    data = {
        "title": title,
        "warm_up_min": warm_up_s / 60,
        "series": [
            {
                "name": name,
                "unit": by_name[name].series.unit,
                "points": [(round(at, 1), round(value, 2)) for at, value in by_name[name].series.points],
                "first": by_name[name].first,
                "last": by_name[name].last,
            }
            for name in SHOWN
        ],
    }
    # A string literal of JSON is safe in code, whatever it contains.
    return f"import json\ndata = json.loads({json.dumps(data)!r})\n{PROGRAM}"
