"""How long requests took a node, measured and modelled: a panel for each window."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

windows = json.loads(Path("data.json").read_text("utf-8"))
fig, axes = plt.subplots(1, len(windows), figsize=(11, 3.4), layout="constrained", sharey=True)
for ax, window in zip(axes, windows, strict=True):
    for name, style in (("measured", "-"), ("modelled", "--")):
        ax.ecdf(window[name], linestyle=style, label=name)
    ax.set_title(window["name"])
    ax.set_xlabel("seconds")
    ax.set_xlim(left=0)
    ax.grid(alpha=0.3)
axes[0].set_ylabel("share of requests that took at most that")
axes[0].legend(loc="lower right")
fig.savefig("comparison.png", dpi=90)
