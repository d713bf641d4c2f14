"""The results as a picture, drawn by Figbox itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.contenders.figbox import Figbox
    from benchmarks.results import Results

#: Draws `data`, which is defined before it.
PROGRAM = """\
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
names = data["names"]
colors = {name: f"C{number}" for number, name in enumerate(names)}

figures = data["figures"]
width = 0.8 / max(1, len(names))
for number, name in enumerate(names):
    bars = data["latency"].get(name)
    if bars:
        places = np.arange(len(figures)) + (number - (len(names) - 1) / 2) * width
        left.bar_label(left.bar(places, bars, width, label=name, color=colors[name]), fmt="%.0f", fontsize=7)
left.set_xticks(range(len(figures)), figures)
left.set_yscale("log")
left.yaxis.set_major_formatter("{x:g}")
left.yaxis.set_minor_formatter("")
left.set_ylabel("ms, median")
left.set_title("One client, warm")

for name in names:
    points = data["throughput"].get(name)
    if points:
        clients, low, middle, high = zip(*points)
        right.plot(clients, middle, "o-", label=name, color=colors[name])
        right.fill_between(clients, low, high, color=colors[name], alpha=0.2)
right.set_xlabel("clients")
right.set_ylabel("jobs/s, median and quartiles")
right.set_ylim(bottom=0)
right.xaxis.get_major_locator().set_params(integer=True)
right.set_title("Saturated, light figure")
handles = {}
for axes in (left, right):
    handles |= dict(zip(*axes.get_legend_handles_labels()[::-1]))
if handles:
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles), fontsize=8)
figure.suptitle(data["title"], fontsize=9)
"""


async def draw_picture(figbox: Figbox, results: Results) -> bytes:
    """Return the picture as PNG."""
    names = list(
        dict.fromkeys([*(one.contender for one in results.latency), *(one.contender for one in results.saturation)])
    )
    machine = results.machine
    data = {
        "title": f"{machine.cores} cores, Linux {machine.kernel}, engine {machine.engine}, commit {machine.commit}",
        "names": names,
        "figures": list(results.plan.latency_rounds) if results.latency else [],
        "latency": {name: [one.ms.p50 for one in results.latency if one.contender == name] for name in names},
        "throughput": {
            name: [
                (one.clients, one.jobs_per_s.p25, one.jobs_per_s.p50, one.jobs_per_s.p75)
                for one in results.saturation
                if one.contender == name and one.figure == "light"
            ]
            for name in names
        },
    }
    # A string literal of JSON is safe in code, whatever it contains.
    code = f"import json\ndata = json.loads({json.dumps(data)!r})\n{PROGRAM}"
    return (await figbox.render(code)).png
