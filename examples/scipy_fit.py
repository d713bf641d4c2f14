"""A curve fitted by SciPy, with its uncertainty."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import curve_fit


def decay(t: np.ndarray, amplitude: float, rate: float, offset: float) -> np.ndarray:
    return amplitude * np.exp(-rate * t) + offset


rng = np.random.default_rng(1)
t = np.linspace(0, 8, 40)
measured = decay(t, 3, 0.7, 0.5) + rng.normal(0, 0.15, t.size)
values, covariance = curve_fit(decay, t, measured, p0=(1, 1, 0))
draws = np.array([decay(t, *draw) for draw in rng.multivariate_normal(values, covariance, 400)])

fig, ax = plt.subplots(figsize=(7, 4.2))
ax.errorbar(t, measured, 0.15, fmt="o", ms=4, color="0.4", label="measured")
ax.plot(t, decay(t, *values), color="#d1495b", lw=2, label=f"fit: rate {values[1]:.2f}")
ax.fill_between(t, *np.percentile(draws, (2.5, 97.5), axis=0), color="#d1495b", alpha=0.25, label="95 %")
ax.set(xlabel="time in s", ylabel="signal", title="Exponential decay")
ax.legend(frameon=False)
plt.show()
