"""A pandas table, grouped and drawn by pandas itself."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

rng = np.random.default_rng(5)
days = pd.date_range("2024-01-01", periods=180, freq="D")
visits = pd.DataFrame(
    {
        "web": rng.poisson(200 + days.day_of_year),
        "app": rng.poisson(120 + 2 * days.day_of_year),
        "shop": rng.poisson(90, 180),
    },
    index=days,
)

fig, (above, below) = plt.subplots(2, 1, figsize=(8, 6), layout="constrained")
visits.rolling(7).mean().plot(ax=above, lw=2, title="Visits a day, mean of seven")
visits.groupby(visits.index.month_name(), sort=False).sum().plot.bar(ax=below, rot=0, width=0.8, title="Visits a month")
below.set_xlabel("")
plt.show()
