"""Damped oscillations, labelled in place."""

import matplotlib.pyplot as plt
import numpy as np

time = np.linspace(0, 10, 400)
fig, ax = plt.subplots(figsize=(7, 4))
for damping, colour in zip((0.1, 0.25, 0.5), ("#1b6ca8", "#0a97b0", "#6dc5b2"), strict=True):
    ax.plot(time, np.exp(-damping * time) * np.cos(3 * time), color=colour, lw=2, label=f"damping {damping}")
ax.axhline(0, color="0.6", lw=0.8)
ax.set(xlabel="time in s", ylabel="amplitude", title="Damped oscillations", xlim=(0, 10))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()
