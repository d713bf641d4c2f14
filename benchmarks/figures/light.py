"""Two lines with labels and a legend: what most requests are like."""

import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 10, 500)
plt.plot(x, np.sin(x), label="sine")
plt.plot(x, np.cos(x) * np.exp(-x / 8), "--", label="damped cosine")
plt.title("Two lines")
plt.xlabel("time in s")
plt.ylabel("amplitude")
plt.legend()
plt.grid(visible=True)
plt.show()
