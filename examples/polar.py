"""A wind rose: direction and strength in polar coordinates."""

import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(3)
directions = np.linspace(0, 2 * np.pi, 16, endpoint=False)
calm = rng.uniform(2, 6, 16)
strong = rng.uniform(0.5, 4, 16) * (1 + np.cos(directions - np.pi / 4))

fig, ax = plt.subplots(figsize=(5, 5), subplot_kw={"projection": "polar"})
ax.bar(directions, calm, width=0.34, color="#9ecae1", label="below 5 m/s")
ax.bar(directions, strong, width=0.34, bottom=calm, color="#3182bd", label="above 5 m/s")
ax.set_theta_zero_location("N")
ax.set_theta_direction(-1)
ax.set_xticks(directions[::2], ["N", "NE", "E", "SE", "S", "SW", "W", "NW"])
ax.set_title("Wind rose")
ax.legend(loc="lower left", bbox_to_anchor=(-0.15, -0.12), frameon=False)
plt.show()
