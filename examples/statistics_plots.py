"""Box plots and histograms of the same samples."""

import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(7)
samples = [rng.normal(0, 1, 400), rng.gamma(2, 1, 400) - 2, rng.uniform(-2, 2, 400)]
names = ["normal", "gamma", "uniform"]
colours = ["#4c78a8", "#e45756", "#54a24b"]

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=(1, 1.4), layout="constrained")
boxes = left.boxplot(samples, tick_labels=names, patch_artist=True, medianprops={"color": "black"})
for box, colour in zip(boxes["boxes"], colours, strict=True):
    box.set(facecolor=colour, alpha=0.6)
left.set_title("Spread")
for sample, name, colour in zip(samples, names, colours, strict=True):
    right.hist(sample, bins=30, range=(-4, 6), density=True, alpha=0.5, color=colour, label=name)
right.set_title("Density")
right.legend(frameon=False)
plt.show()
