"""An animation; what is drawn is its last frame."""

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

angle = np.linspace(0, 2 * np.pi, 600)
fig, ax = plt.subplots(figsize=(5, 5))
(curve,) = ax.plot([], [], color="#6a4c93", lw=1.5)
(point,) = ax.plot([], [], "o", color="#ff595e")
ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal", title="Lissajous figure 3 : 4")
ax.axis("off")


def update(count: int) -> tuple:
    x, y = np.sin(3 * angle[:count]), np.sin(4 * angle[:count] + np.pi / 4)
    curve.set_data(x, y)
    point.set_data(x[-1:], y[-1:])
    return curve, point


animation = FuncAnimation(fig, update, frames=range(20, 601, 145), blit=True)
with TemporaryDirectory() as folder:
    animation.save(f"{folder}/lissajous.gif", writer="pillow", fps=5)
update(560)
plt.show()
