"""A surface in three dimensions beside formulas: what takes Matplotlib long."""

import matplotlib.pyplot as plt
import numpy as np

figure = plt.figure(figsize=(10, 5), layout="constrained")
space = figure.add_subplot(1, 2, 1, projection="3d")
x, y = np.meshgrid(np.linspace(-4, 4, 80), np.linspace(-4, 4, 80))
radius = np.hypot(x, y)
space.plot_surface(x, y, np.sinc(radius), cmap="viridis", rcount=60, ccount=60)
space.set_title(r"$z = \frac{\sin(\pi r)}{\pi r},\quad r = \sqrt{x^2 + y^2}$")

plane = figure.add_subplot(1, 2, 2)
t = np.linspace(0, 2 * np.pi, 400)
for order in range(1, 7):
    plane.plot(t, np.sin(order * t) / order, label=rf"$\frac{{\sin({order}\,t)}}{{{order}}}$")
plane.set_xlabel(r"$t \in [0, 2\pi]$")
plane.set_ylabel(r"$f_n(t) = \frac{1}{n}\,\sin(n\,t)$")
plane.set_title(r"$\sum_{n=1}^{\infty} \frac{\sin(n t)}{n} = \frac{\pi - t}{2}$")
plane.legend(ncols=2)
plt.show()
