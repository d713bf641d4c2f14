"""Coloured bars around a polar axis."""

import matplotlib.pyplot as plt
import numpy as np

generator = np.random.default_rng(11)
angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
radii = 10 * generator.random(24)
axes = plt.subplot(projection="polar")
axes.bar(angles, radii, width=np.pi / 14, color=plt.get_cmap("viridis")(radii / 10), alpha=0.7)
axes.set_title("Wind by direction")
plt.show()
