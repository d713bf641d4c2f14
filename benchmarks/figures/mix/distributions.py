"""Violins, boxes and histograms side by side."""

import matplotlib.pyplot as plt
import numpy as np

generator = np.random.default_rng(3)
samples = [generator.normal(mean, spread, 300) for mean, spread in ((0, 1), (1, 0.5), (2, 1.5))]
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 4))
left.violinplot(samples, showmedians=True)
middle.boxplot(samples)
for sample in samples:
    right.hist(sample, bins=30, alpha=0.5, density=True)
figure.suptitle("Three samples, three ways")
plt.show()
