"""How long other keys' requests take while one key floods."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

data = json.loads(Path("data.json").read_text("utf-8"))
fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
ax.axvspan(data["from_s"], data["to_s"], color="0.9", label="flood")
for number, (name, points) in enumerate(data["points"].items()):
    ax.plot(*zip(*points, strict=True), "osD^"[number], markersize=3, label=name, color=f"C{number}")
ax.set_yscale("log")
ax.set_yticks([0.1, 1, 10, 30], ["0.1", "1", "10", "30"])
ax.minorticks_off()
ax.set_xlabel("second in which a request of another key arrived")
ax.set_ylabel("seconds until it ended")
ax.set_title(data["title"])
ax.grid(alpha=0.3)
fig.legend(loc="outside lower center", ncols=4, markerscale=2)
fig.savefig("flood.png", dpi=100)
