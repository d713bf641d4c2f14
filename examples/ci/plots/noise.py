"""A random walk, and how its steps are distributed: two figures."""

import matplotlib.pyplot as plt
import numpy as np

steps = np.random.default_rng().normal(size=300)
plt.plot(steps.cumsum())
plt.title("Walk")

plt.figure()
plt.hist(steps, bins=20)
plt.title("Steps")
plt.show()
