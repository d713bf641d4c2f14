"""An image computed by NumPy, with a colour bar."""

import matplotlib.pyplot as plt
import numpy as np

real, imaginary = np.meshgrid(np.linspace(-2.1, 0.7, 420), np.linspace(-1.2, 1.2, 360))
c = real + 1j * imaginary
z = np.zeros_like(c)
steps = np.zeros(c.shape)
for _ in range(60):
    inside = np.abs(z) <= 2
    z[inside] = z[inside] ** 2 + c[inside]
    steps += inside

fig, ax = plt.subplots(figsize=(6.5, 5), layout="constrained")
picture = ax.imshow(steps, extent=(-2.1, 0.7, -1.2, 1.2), cmap="magma", norm="log", origin="lower")
fig.colorbar(picture, ax=ax, label="steps until escape")
ax.set(xlabel="Re c", ylabel="Im c", title="Mandelbrot set")
plt.show()
