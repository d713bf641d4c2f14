# %% dates
import matplotlib.cbook as cbook
import matplotlib.pyplot as plt

data = cbook.get_sample_data("goog.npz")["price_data"]
fig, axs = plt.subplots(3, 1, figsize=(6.4, 7), layout="constrained")
for ax in axs:
    ax.plot("date", "adj_close", data=data)
    ax.grid(True)
    ax.set_ylabel(r"Price [\$]")
axs[0].set_title("DefaultFormatter", loc="left", y=0.85, x=0.02, fontsize="medium")
for label in axs[2].get_xticklabels(which="major"):
    label.set(rotation=30, horizontalalignment="right")

# %% dates too dense
import datetime as dt
import matplotlib.dates as mdates
import matplotlib.pyplot as plt

days = [dt.datetime(2024, 1, 1) + dt.timedelta(days=i) for i in range(60)]
fig, ax = plt.subplots()
ax.plot(days, [i % 7 for i in range(60)])
ax.xaxis.set_major_locator(mdates.DayLocator(interval=2))
ax.xaxis.set_major_formatter(mdates.DateFormatter("%Y-%m-%d"))
ax.set_ylabel("orders")

# %% log scales
import matplotlib.pyplot as plt
import numpy as np

t = np.arange(0.01, 20.0, 0.01)
fig, ((ax1, ax2), (ax3, ax4)) = plt.subplots(2, 2, layout="constrained")
ax1.semilogy(t, np.exp(-t / 5.0))
ax1.set(title="semilogy")
ax1.grid()
ax2.semilogx(t, np.sin(2 * np.pi * t))
ax2.set(title="semilogx")
ax2.grid()
ax3.loglog(t, 20 * np.exp(-t / 10.0))
ax3.set_xscale("log", base=2)
ax3.set(title="loglog base 2 on x")
ax3.grid()
x = 10.0 ** np.linspace(0.0, 2.0, 20)
ax4.set_xscale("log", nonpositive="clip")
ax4.set_yscale("log", nonpositive="clip")
ax4.set(title="Errorbars go negative")
ax4.errorbar(x, x**2.0, xerr=0.1 * x, yerr=5.0 + 0.75 * x**2)
ax4.set_ylim(bottom=0.1)

# %% scales
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
y = np.sort(rng.normal(0.5, 0.4, 1000).clip(0.001, 0.999))
x = np.arange(len(y))
fig, axs = plt.subplots(2, 2, figsize=(6, 8), layout="constrained")
for ax, scale in zip(axs.flat, ("linear", "log", "symlog", "logit")):
    ax.plot(x, y - (y.mean() if scale == "symlog" else 0))
    ax.set_yscale(scale)
    ax.set_title(scale)
    ax.grid(True)

# %% zero on a log scale
import matplotlib.pyplot as plt
import numpy as np

counts = np.array([0, 3, 12, 55, 0, 230, 1400, 9000])
plt.plot(range(8), counts, "o-")
plt.yscale("log")
plt.xlabel("hour")
plt.ylabel("cases")

# %% engineering units
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import EngFormatter

rng = np.random.default_rng(19680801)
xs = np.logspace(1, 9, 100)
ys = (0.8 + 0.4 * rng.uniform(size=100)) * np.log10(xs) ** 2
fig, ax = plt.subplots(layout="constrained")
ax.set_xscale("log")
ax.xaxis.set_major_formatter(EngFormatter(unit="Hz"))
ax.plot(xs, ys)
ax.set_xlabel("Frequency")

# %% moved spines
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2 * np.pi, 100)
fig, axs = plt.subplot_mosaic([["center", "zero"], ["axes", "data"]])
fig.suptitle("Spine positions")
for name, ax in axs.items():
    ax.set_title(name)
    ax.plot(x, 2 * np.sin(x))
    ax.spines[["top", "right"]].set_visible(False)
axs["center"].spines[["left", "bottom"]].set_position("center")
axs["zero"].spines[["left", "bottom"]].set_position("zero")
axs["axes"].spines.left.set_position(("axes", 0.6))
axs["data"].spines.bottom.set_position(("data", 2))

# %% categories as names
import matplotlib.pyplot as plt

data = {"apple": 10, "orange": 15, "lemon": 5, "lime": 20}
names, values = list(data), list(data.values())
fig, axs = plt.subplots(1, 3, figsize=(9, 3), sharey=True)
axs[0].bar(names, values)
axs[1].scatter(names, values)
axs[2].plot(names, values)
fig.suptitle("Categorical Plotting")

# %% numbers read as text
import matplotlib.pyplot as plt

rows = ["3.5", "10.2", "1.1", "7.9", "22.0", "4.4"]
plt.plot(range(6), rows, "o-")
plt.xlabel("sample")
plt.ylabel("reading")

# %% major and minor ticks
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import AutoMinorLocator, MultipleLocator

t = np.arange(0.0, 100.0, 0.1)
fig, ax = plt.subplots()
ax.plot(t, np.sin(0.1 * np.pi * t) * np.exp(-t * 0.01))
ax.xaxis.set_major_locator(MultipleLocator(20))
ax.xaxis.set_minor_locator(AutoMinorLocator())
ax.tick_params(which="minor", length=4, color="r")

# %% financial strip
import matplotlib.cbook as cbook
import matplotlib.pyplot as plt
import pandas as pd

with cbook.get_sample_data("msft.csv") as file:
    frame = pd.read_csv(file, parse_dates=["Date"])
fig, axs = plt.subplots(2, 1, sharex=True, layout="constrained")
axs[0].plot(frame["Date"], frame["Close"])
axs[0].set_ylabel("close (dollars)")
axs[1].bar(frame["Date"], frame["Volume"], width=1)
axs[1].set_ylabel("volume")
axs[1].set_xlabel("date")

# %% census of years
import matplotlib.pyplot as plt

plt.plot([2019, 2020, 2021, 2022], [3.1, 2.8, 3.4, 3.9], "s-")
plt.ylabel("million")
plt.title("Visitors")

# %% EEG traces
import matplotlib.cbook as cbook
import matplotlib.pyplot as plt
import numpy as np

with cbook.get_sample_data("eeg.dat") as file:
    data = np.fromfile(file, dtype=float).reshape((800, 4))
t = 10 * np.arange(800) / 800
fig, ax = plt.subplots()
ax.plot(t, data + np.arange(4) * 0.7, color="C0")
ax.set_yticks(np.arange(4) * 0.7, labels=["PG3", "PG5", "PG7", "PG9"])
ax.set_xlabel("Time (s)")
ax.set_xlim(0, 10)

# %% stock prices with direct labels
import matplotlib.cbook as cbook
import matplotlib.pyplot as plt
import numpy as np

with cbook.get_sample_data("Stocks.csv") as file:
    stock_data = np.genfromtxt(file, delimiter=",", names=True, dtype=None, converters={0: lambda x: np.datetime64(x, "D")}, skip_header=1, encoding="utf-8")
fig, ax = plt.subplots(figsize=(6, 8), layout="constrained")
for name, ticker in (("IBM", "IBM"), ("Apple", "AAPL"), ("Microsoft", "MSFT"), ("Xerox", "XRX"), ("Amazon", "AMZN")):
    good = np.nonzero(np.isfinite(stock_data[ticker]))[0]
    (line,) = ax.plot(stock_data["Date"][good], stock_data[ticker][good], lw=2.5)
    ax.annotate(name, (stock_data["Date"][good][-1], stock_data[ticker][good][-1]), xytext=(4, 0), textcoords="offset points", color=line.get_color(), fontsize=14)
fig.suptitle("Technology company stocks")
ax.spines[:].set_visible(False)
