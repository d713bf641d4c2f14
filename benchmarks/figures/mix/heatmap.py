"""A matrix as an image with its numbers in it."""

import matplotlib.pyplot as plt
import numpy as np

generator = np.random.default_rng(5)
matrix = generator.uniform(0, 10, (7, 7))
figure, axes = plt.subplots()
image = axes.imshow(matrix, cmap="magma")
for row in range(7):
    for column in range(7):
        axes.text(column, row, f"{matrix[row, column]:.1f}", ha="center", va="center", color="w", fontsize=8)
figure.colorbar(image)
axes.set_title("Harvest in tons a year")
plt.show()
