"""Stacked bars with totals."""

import matplotlib.pyplot as plt
import numpy as np

years = ["2021", "2022", "2023", "2024"]
sources = {"wind": [114, 125, 139, 136], "sun": [49, 60, 64, 73], "water": [19, 17, 20, 22]}

fig, ax = plt.subplots(figsize=(6, 4))
bottom = np.zeros(len(years))
for (name, values), colour in zip(sources.items(), ("#4c78a8", "#f2b134", "#72b7b2"), strict=True):
    bars = ax.bar(years, values, bottom=bottom, label=name, color=colour, width=0.6)
    ax.bar_label(bars, label_type="center", color="white", fontsize=9)
    bottom += values
for year, total in enumerate(bottom):
    ax.text(year, total + 4, f"{total:.0f}", ha="center", weight="bold")
ax.set(ylabel="TWh", title="Electricity by source", ylim=(0, 270))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(ncols=3, frameon=False, loc="upper left")
plt.show()
