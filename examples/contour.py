"""Filled contours, labelled lines and the gradient as arrows."""

import matplotlib.pyplot as plt
import numpy as np

x, y = np.meshgrid(np.linspace(-3, 3, 200), np.linspace(-2, 2, 160))
height = (1 - x / 2 + x**5 + y**3) * np.exp(-(x**2) - y**2)

fig, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
filled = ax.contourf(x, y, height, levels=14, cmap="RdYlBu_r")
lines = ax.contour(x, y, height, levels=filled.levels[::2], colors="k", linewidths=0.6)
ax.clabel(lines, fontsize=8)
dy, dx = np.gradient(height, y[:, 0], x[0])
step = (slice(None, None, 16), slice(None, None, 16))
ax.quiver(x[step], y[step], dx[step], dy[step], color="0.25", width=0.002)
fig.colorbar(filled, ax=ax, label="height")
ax.set(title="Hills and hollows", aspect="equal")
plt.show()
