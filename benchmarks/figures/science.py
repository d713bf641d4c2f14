"""A table of measurements, smoothed and tested: what data science asks for, with pandas and SciPy."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import signal, stats

rng = np.random.default_rng(7)
days = pd.date_range("2024-01-01", periods=240)
table = pd.DataFrame({"a": rng.normal(size=240).cumsum(), "b": rng.normal(0.1, 1, 240).cumsum()}, index=days)
smooth = table.apply(lambda column: signal.savgol_filter(column, 21, 2))
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
table.plot(ax=left, alpha=0.4, legend=False)
smooth.plot(ax=left, linewidth=2)
differences = table.diff().dropna()
x = np.linspace(-4, 4, 200)
right.hist(differences.to_numpy().ravel(), bins=30, density=True)
right.plot(x, stats.norm.pdf(x, *stats.norm.fit(differences.to_numpy().ravel())))
right.set_title(f"p = {stats.ttest_ind(differences['a'], differences['b']).pvalue:.2g}")
plt.show()
