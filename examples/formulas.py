"""Formulas in titles, labels and the plot itself."""

import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(-4, 4, 300)
fig, ax = plt.subplots(figsize=(7, 4.2))
for sigma, colour in zip((0.6, 1.0, 1.8), ("#d1495b", "#edae49", "#00798c"), strict=True):
    density = np.exp(-((x / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))
    ax.plot(x, density, color=colour, lw=2, label=rf"$\sigma = {sigma}$")
ax.fill_between(x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), where=np.abs(x) <= 1, alpha=0.25, color="#edae49")
ax.text(-3.9, 0.5, r"$f(x) = \frac{1}{\sigma\sqrt{2\pi}}\, e^{-\frac{x^2}{2\sigma^2}}$", fontsize=18)
ax.text(0, 0.12, r"$\int_{-1}^{1} f \approx 0.683$", ha="center")
ax.set(xlabel="$x$", ylabel="$f(x)$", title=r"Normal densities, $\mu = 0$")
ax.legend(frameon=False)
plt.show()
