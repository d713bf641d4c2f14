"""A correlation matrix with its values written in."""

import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(9)
names = ["rain", "sun", "wind", "heat", "dust", "fog"]
data = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6))
matrix = np.corrcoef(data, rowvar=False)

fig, ax = plt.subplots(figsize=(5.6, 4.8), layout="constrained")
picture = ax.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
ax.set_xticks(range(6), names)
ax.set_yticks(range(6), names)
for (row, column), value in np.ndenumerate(matrix):
    ax.text(column, row, f"{value:.2f}", ha="center", va="center", color="w" if abs(value) > 0.6 else "k")
fig.colorbar(picture, ax=ax, label="correlation")
ax.set_title("Weather, correlated")
plt.show()
