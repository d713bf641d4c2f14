"""A year of temperatures on a date axis."""

import datetime as dt

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(11)
days = np.arange(365)
dates = [dt.date(2024, 1, 1) + dt.timedelta(days=int(day)) for day in days]
mean = 10 - 9 * np.cos(2 * np.pi * (days - 20) / 365)
daily = mean + rng.normal(0, 2.5, 365)

fig, ax = plt.subplots(figsize=(8, 3.8))
ax.plot(dates, daily, color="0.7", lw=0.8, label="daily")
ax.plot(
    dates,
    np.convolve(np.pad(daily, 14, mode="edge"), np.ones(29) / 29, "valid"),
    color="#d1495b",
    lw=2,
    label="29 days",
)
ax.axhspan(-5, 0, color="#a6cee3", alpha=0.4)
ax.xaxis.set_major_locator(mdates.MonthLocator(interval=2))
ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(ax.xaxis.get_major_locator()))
ax.set(ylabel="°C", title="Temperature", xlim=(dates[0], dates[-1]))
ax.legend(frameon=False)
plt.show()
