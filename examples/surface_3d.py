"""A surface in three dimensions with its shadow below."""

import matplotlib.pyplot as plt
import numpy as np

x, y = np.meshgrid(np.linspace(-6, 6, 80), np.linspace(-6, 6, 80))
radius = np.hypot(x, y)
z = np.sinc(radius / np.pi)

fig, ax = plt.subplots(figsize=(6, 5), subplot_kw={"projection": "3d"})
ax.plot_surface(x, y, z, cmap="viridis", rstride=2, cstride=2, linewidth=0)
ax.contourf(x, y, z, zdir="z", offset=-1, cmap="viridis", alpha=0.6)
ax.set(zlim=(-1, 1), xlabel="x", ylabel="y", title="sin(r) / r")
ax.view_init(elev=28, azim=-50)
plt.show()
