"""The slowest request of each second around the loss of a host."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

data = json.loads(Path("data.json").read_text("utf-8"))
fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
ax.axvspan(data["at_s"], data["back_s"], color="0.9", label="one host is gone")
for style, (name, slowest) in zip(("-", "--", ":"), data["slowest"].items(), strict=True):
    ax.plot(*zip(*slowest, strict=True), style, label=name)
ax.set_yscale("log")
ax.set_yticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
ax.minorticks_off()
ax.set_xlabel("second in which requests arrived")
ax.set_ylabel("seconds that the slowest took")
ax.set_title(data["title"])
ax.grid(alpha=0.3)
ax.legend(framealpha=1)
fig.savefig("losses.png", dpi=100)
