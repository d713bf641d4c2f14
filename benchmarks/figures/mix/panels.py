"""A grid of panels that share their axes."""

import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 4 * np.pi, 300)
figure, panels = plt.subplots(3, 3, figsize=(9, 7), sharex=True, sharey=True, layout="constrained")
for number, axes in enumerate(panels.flat, 1):
    axes.plot(x, np.sin(x * number / 3), color=f"C{number}")
    axes.fill_between(x, np.sin(x * number / 3), alpha=0.2, color=f"C{number}")
    axes.set_title(f"panel {number}", fontsize=9)
figure.supxlabel("phase")
plt.show()
