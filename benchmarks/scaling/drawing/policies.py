"""p99 by load, a line for each policy."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

data = json.loads(Path("data.json").read_text("utf-8"))
fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
for number, (name, p99_s) in enumerate(data["p99_s"].items()):
    ax.plot(data["loads"], p99_s, marker="osD^vPX"[number], label=name)
ax.set_yscale("log")
ax.set_ylim(0.6, 12)
ax.set_yticks([0.7, 1, 2, 5, 10], ["0.7", "1", "2", "5", "10"])
ax.minorticks_off()
ax.set_xlabel("load")
ax.set_ylabel("p99 in seconds")
ax.set_title(data["title"])
ax.grid(alpha=0.3)
ax.legend()
fig.savefig("policies.png", dpi=100)
