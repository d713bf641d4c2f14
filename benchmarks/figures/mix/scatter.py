"""A thousand points, sized and coloured, with a fitted line."""

import matplotlib.pyplot as plt
import numpy as np

generator = np.random.default_rng(7)
x = generator.normal(size=1000)
y = 0.6 * x + generator.normal(scale=0.5, size=1000)
plt.scatter(x, y, s=40 * generator.random(1000), c=np.hypot(x, y), cmap="plasma", alpha=0.6)
plt.colorbar(label="distance")
slope, offset = np.polyfit(x, y, 1)
ends = np.array([x.min(), x.max()])
plt.plot(ends, slope * ends + offset, "k-", lw=2)
plt.annotate(f"slope {slope:.2f}", (ends[1], slope * ends[1] + offset), textcoords="offset points", xytext=(-60, 10))
plt.show()
