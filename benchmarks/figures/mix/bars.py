"""Grouped bars with their values on them."""

import matplotlib.pyplot as plt
import numpy as np

groups = ("North", "East", "South", "West")
positions = np.arange(len(groups))
figure, axes = plt.subplots()
for turn, (year, values) in enumerate({"2023": (12, 19, 7, 15), "2024": (15, 17, 11, 18)}.items()):
    axes.bar_label(axes.bar(positions + 0.38 * turn, values, 0.36, label=year))
axes.set_xticks(positions + 0.19, groups)
axes.legend(title="Year")
axes.set_ylabel("orders in thousands")
plt.show()
