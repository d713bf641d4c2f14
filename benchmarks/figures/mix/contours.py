"""Filled contours under labelled lines."""

import matplotlib.pyplot as plt
import numpy as np

x, y = np.meshgrid(np.linspace(-3, 3, 120), np.linspace(-2, 2, 120))
z = np.exp(-(x**2) - y**2) - np.exp(-((x - 1) ** 2) - (y - 1) ** 2)
figure, axes = plt.subplots(figsize=(7, 5))
filled = axes.contourf(x, y, z, levels=20, cmap="RdBu_r")
lines = axes.contour(x, y, z, levels=8, colors="k", linewidths=0.6)
axes.clabel(lines, fontsize=8)
figure.colorbar(filled, label="difference")
plt.show()
