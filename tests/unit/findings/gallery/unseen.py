# %% quarterly report
import matplotlib.pyplot as plt
import numpy as np

quarters = ["Q1 2023", "Q2 2023", "Q3 2023", "Q4 2023", "Q1 2024", "Q2 2024"]
revenue = [4.2, 4.8, 5.1, 6.0, 5.4, 6.3]
cost = [3.1, 3.3, 3.9, 4.2, 4.0, 4.4]
x = np.arange(len(quarters))
fig, ax = plt.subplots(figsize=(8, 5))
ax.bar(x - 0.2, revenue, 0.4, label="Revenue")
ax.bar(x + 0.2, cost, 0.4, label="Cost")
ax.plot(x, np.array(revenue) - cost, "k-o", label="Profit")
ax.set_xticks(x, quarters)
ax.set_ylabel("Million USD")
ax.set_title("Revenue, cost and profit")
ax.legend()
plt.tight_layout()

# %% training curves
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
epochs = np.arange(1, 51)
train = 1.5 * np.exp(-epochs / 12) + 0.1 + rng.normal(0, 0.02, 50)
val = 1.5 * np.exp(-epochs / 12) + 0.25 + rng.normal(0, 0.04, 50)
fig, (ax1, ax2) = plt.subplots(1, 2, figsize=(10, 4))
ax1.plot(epochs, train, label="train")
ax1.plot(epochs, val, label="validation")
ax1.set(xlabel="epoch", ylabel="loss", title="Loss")
ax1.legend()
ax2.plot(epochs, 1 - train / 2, label="train")
ax2.plot(epochs, 1 - val / 2, label="validation")
ax2.set(xlabel="epoch", ylabel="accuracy", title="Accuracy")
ax2.legend(loc="lower right")
plt.tight_layout()

# %% confusion matrix
import matplotlib.pyplot as plt
import numpy as np

classes = ["cat", "dog", "horse", "bird"]
matrix = np.array([[50, 3, 1, 0], [5, 42, 2, 1], [0, 4, 38, 0], [1, 0, 0, 47]])
fig, ax = plt.subplots(figsize=(6, 5))
im = ax.imshow(matrix, cmap="Blues")
fig.colorbar(im)
ax.set_xticks(range(4), classes)
ax.set_yticks(range(4), classes)
ax.set_xlabel("Predicted")
ax.set_ylabel("True")
for i in range(4):
    for j in range(4):
        ax.text(j, i, matrix[i, j], ha="center", va="center", color="white" if matrix[i, j] > 25 else "black")
ax.set_title("Confusion matrix")

# %% roc curves
import matplotlib.pyplot as plt
import numpy as np

fpr = np.linspace(0, 1, 100)
plt.figure(figsize=(6, 6))
for name, power in (("Logistic", 0.4), ("Forest", 0.25), ("SVM", 0.3), ("kNN", 0.5)):
    plt.plot(fpr, fpr**power, lw=2, label=f"{name} (AUC = {1 / (1 + power):.2f})")
plt.plot([0, 1], [0, 1], "k--", label="Chance")
plt.xlabel("False positive rate")
plt.ylabel("True positive rate")
plt.title("ROC curves")
plt.legend(loc="lower right")

# %% correlation heat map
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

rng = np.random.default_rng(3)
frame = pd.DataFrame(rng.standard_normal((100, 8)), columns=["temperature", "humidity", "pressure", "wind", "rain", "cloud", "sun", "snow"])
corr = frame.corr()
fig, ax = plt.subplots(figsize=(8, 7))
im = ax.imshow(corr, cmap="coolwarm", vmin=-1, vmax=1)
ax.set_xticks(range(8), corr.columns, rotation=90)
ax.set_yticks(range(8), corr.columns)
fig.colorbar(im, label="correlation")
for i in range(8):
    for j in range(8):
        ax.text(j, i, f"{corr.iloc[i, j]:.2f}", ha="center", va="center", fontsize=8)

# %% population pyramid
import matplotlib.pyplot as plt
import numpy as np

ages = [f"{a}-{a + 9}" for a in range(0, 90, 10)]
men = np.array([5.2, 5.5, 6.1, 6.8, 6.4, 6.6, 5.3, 3.4, 1.2])
women = np.array([4.9, 5.2, 5.9, 6.7, 6.5, 6.8, 5.7, 4.1, 2.0])
fig, ax = plt.subplots()
ax.barh(ages, -men, color="steelblue", label="men")
ax.barh(ages, women, color="salmon", label="women")
ax.set_xlabel("million")
ax.set_ylabel("age")
ax.legend()
ax.xaxis.set_major_formatter(lambda v, _: f"{abs(v):g}")

# %% weather of a year
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

rng = np.random.default_rng(9)
dates = pd.date_range("2024-01-01", "2024-12-31")
temp = 10 - 10 * np.cos(2 * np.pi * np.arange(366) / 366) + rng.normal(0, 3, 366)
fig, ax = plt.subplots(figsize=(10, 4))
ax.plot(dates, temp, color="0.7", lw=0.8, label="daily")
ax.plot(dates, pd.Series(temp).rolling(30, center=True).mean(), color="crimson", lw=2, label="30-day mean")
ax.fill_between(dates, 0, 30, where=temp > 20, alpha=0.1, color="orange")
ax.set_ylabel("Temperature (°C)")
ax.legend()
ax.grid(alpha=0.3)

# %% feature importance
import matplotlib.pyplot as plt
import numpy as np

names = [f"feature_{i}" for i in range(25)]
values = np.sort(np.random.default_rng(1).exponential(1, 25))
plt.barh(names, values)
plt.xlabel("importance")
plt.title("Feature importance")

# %% scatter by species
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(6)
fig, ax = plt.subplots()
for name, cx, cy, color in (("setosa", 5.0, 3.4, "red"), ("versicolor", 5.9, 2.8, "green"), ("virginica", 6.6, 3.0, "blue")):
    ax.scatter(rng.normal(cx, 0.35, 50), rng.normal(cy, 0.3, 50), c=color, label=name)
ax.set_xlabel("sepal length (cm)")
ax.set_ylabel("sepal width (cm)")
ax.legend()

# %% bubble chart
import matplotlib.pyplot as plt
import numpy as np

countries = {"India": (7.0, 70, 1400), "China": (17.6, 78, 1410), "USA": (70, 77, 333), "Brazil": (16, 75, 215), "Nigeria": (5.4, 54, 218), "Germany": (58, 81, 84), "Japan": (45, 84, 125)}
fig, ax = plt.subplots(figsize=(8, 6))
for name, (gdp, life, pop) in countries.items():
    ax.scatter(gdp, life, s=pop, alpha=0.6)
    ax.annotate(name, (gdp, life))
ax.set_xscale("log")
ax.set_xlabel("GDP per head (thousand dollars)")
ax.set_ylabel("Life expectancy (years)")

# %% ridge of densities
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(-4, 8, 300)
fig, axs = plt.subplots(6, 1, figsize=(6, 6), sharex=True)
for i, ax in enumerate(axs):
    ax.fill_between(x, np.exp(-((x - i * 0.6) ** 2)), color=plt.colormaps["viridis"](i / 6))
    ax.set_yticks([])
    ax.text(-3.8, 0.3, f"month {i + 1}")
    ax.spines[["left", "right", "top"]].set_visible(False)
fig.subplots_adjust(hspace=-0.3)
for ax in axs:
    ax.patch.set_alpha(0)

# %% lollipop
import matplotlib.pyplot as plt

names = ["alpha", "beta", "gamma", "delta", "epsilon"]
values = [12, 19, 7, 15, 22]
fig, ax = plt.subplots()
ax.hlines(names, 0, values, color="skyblue")
ax.plot(values, names, "o")
ax.set_xlim(0)

# %% slope chart
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(5, 6))
for name, a, b in (("Oslo", 40, 62), ("Bergen", 35, 33), ("Trondheim", 20, 41), ("Stavanger", 28, 30)):
    ax.plot([0, 1], [a, b], "o-")
    ax.text(-0.05, a, name, ha="right", va="center")
    ax.text(1.05, b, name, va="center")
ax.set_xticks([0, 1], ["2010", "2020"])
ax.set_xlim(-0.5, 1.5)

# %% candle sticks
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(12)
close = 100 + rng.normal(0, 1, 30).cumsum()
open_ = np.r_[100, close[:-1]]
fig, ax = plt.subplots(figsize=(9, 4))
up = close >= open_
for mask, color in ((up, "green"), (~up, "red")):
    i = np.flatnonzero(mask)
    ax.bar(i, (close - open_)[mask], bottom=open_[mask], color=color, width=0.6)
    ax.vlines(i, np.minimum(close, open_)[mask] - 0.5, np.maximum(close, open_)[mask] + 0.5, color=color, lw=1)
ax.set_ylabel("price")
ax.set_xlabel("day")

# %% calendar heat map
import matplotlib.pyplot as plt
import numpy as np

data = np.random.default_rng(1).integers(0, 12, (7, 53))
fig, ax = plt.subplots(figsize=(12, 2.5))
ax.imshow(data, cmap="Greens")
ax.set_yticks(range(7), ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
ax.set_xticks(np.arange(2, 53, 4.4), ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
ax.set_title("Commits")

# %% pareto
import matplotlib.pyplot as plt
import numpy as np

causes = ["scratches", "dents", "wrong label", "leak", "colour", "other"]
counts = np.array([120, 80, 45, 22, 10, 8])
fig, ax = plt.subplots()
ax.bar(causes, counts, color="C0")
ax.set_ylabel("count")
ax2 = ax.twinx()
ax2.plot(causes, counts.cumsum() / counts.sum() * 100, "C1-o")
ax2.set_ylim(0, 110)
ax2.set_ylabel("cumulative %")

# %% q-q plot
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(1)
sample = np.sort(rng.standard_t(4, 200))
theory = np.sort(rng.standard_normal(200))
plt.scatter(theory, sample, s=10)
plt.plot([-3, 3], [-3, 3], "r--")
plt.xlabel("Theoretical quantiles")
plt.ylabel("Sample quantiles")

# %% phase portrait
import matplotlib.pyplot as plt
import numpy as np

x, y = np.meshgrid(np.linspace(-3, 3, 20), np.linspace(-3, 3, 20))
u, v = y, -np.sin(x) - 0.2 * y
fig, ax = plt.subplots(figsize=(6, 6))
ax.quiver(x, y, u, v, np.hypot(u, v), cmap="plasma")
ax.set_title("Damped pendulum")
ax.set_xlabel(r"$\theta$")
ax.set_ylabel(r"$\dot\theta$")

# %% bode
import matplotlib.pyplot as plt
import numpy as np

w = np.logspace(-1, 3, 400)
h = 1 / (1 + 1j * w / 10)
fig, (mag, phase) = plt.subplots(2, 1, sharex=True)
mag.semilogx(w, 20 * np.log10(abs(h)))
mag.set_ylabel("Magnitude (dB)")
mag.grid(which="both")
phase.semilogx(w, np.angle(h, deg=True))
phase.set_ylabel("Phase (deg)")
phase.set_xlabel("Frequency (rad/s)")
phase.grid(which="both")

# %% spectrum with peaks
import matplotlib.pyplot as plt
import numpy as np

f = np.linspace(0, 500, 2000)
s = sum(a / (1 + ((f - c) / 3) ** 2) for a, c in ((1, 60), (0.5, 120), (0.3, 180), (0.2, 300))) + 0.02
fig, ax = plt.subplots()
ax.semilogy(f, s)
for c in (60, 120, 180, 300):
    ax.axvline(c, color="red", ls=":", alpha=0.5)
    ax.text(c, 1.2, f"{c} Hz", rotation=90, va="bottom", ha="right")
ax.set_xlabel("Frequency (Hz)")
ax.set_ylabel("Power")

# %% dashboard of four
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
fig, axs = plt.subplots(2, 2, figsize=(10, 8))
axs[0, 0].hist(rng.normal(0, 1, 500), bins=30, color="teal", edgecolor="white")
axs[0, 0].set_title("Distribution")
axs[0, 1].scatter(rng.normal(size=200), rng.normal(size=200), alpha=0.5)
axs[0, 1].set_title("Scatter")
axs[1, 0].plot(rng.normal(size=100).cumsum())
axs[1, 0].set_title("Random walk")
axs[1, 1].bar(list("ABCDE"), rng.integers(1, 10, 5), color="coral")
axs[1, 1].set_title("Categories")
fig.suptitle("Dashboard")

# %% map of cities
import matplotlib.pyplot as plt

cities = {"London": (-0.13, 51.5), "Paris": (2.35, 48.86), "Brussels": (4.35, 50.85), "Amsterdam": (4.9, 52.37), "Cologne": (6.96, 50.94), "Berlin": (13.4, 52.52)}
fig, ax = plt.subplots()
for name, (lon, lat) in cities.items():
    ax.plot(lon, lat, "ro")
    ax.annotate(name, (lon, lat), xytext=(5, 5), textcoords="offset points")
ax.set_xlabel("longitude")
ax.set_ylabel("latitude")

# %% fit with residuals
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(2)
x = np.linspace(0, 10, 40)
y = 2 * x + 1 + rng.normal(0, 1.5, 40)
a, b = np.polyfit(x, y, 1)
fig, (top, bottom) = plt.subplots(2, 1, sharex=True, height_ratios=[3, 1])
top.errorbar(x, y, 1.5, fmt="o", ms=4, label="data")
top.plot(x, a * x + b, label=f"y = {a:.2f} x + {b:.2f}")
top.legend()
bottom.axhline(0, color="grey")
bottom.plot(x, y - a * x - b, "o", ms=4)
bottom.set_xlabel("x")
bottom.set_ylabel("residual")
fig.subplots_adjust(hspace=0)

# %% timeline of phases
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(10, 2))
for start, end, name, color in ((0, 4, "Research", "tab:blue"), (4, 9, "Development", "tab:orange"), (9, 11, "Test", "tab:green"), (11, 12, "Launch", "tab:red")):
    ax.axvspan(start, end, color=color, alpha=0.6)
    ax.text((start + end) / 2, 0.5, name, ha="center", va="center", transform=ax.get_xaxis_transform())
ax.set_yticks([])
ax.set_xticks(range(13))
ax.set_xlabel("month")

# %% monthly rain as polar bars
import matplotlib.pyplot as plt
import numpy as np

months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
rain = [50, 40, 45, 38, 60, 75, 80, 78, 55, 50, 52, 54]
ax = plt.subplot(projection="polar")
ax.bar(np.arange(12) * 2 * np.pi / 12, rain, width=0.5)
ax.set_xticks(np.arange(12) * 2 * np.pi / 12, months)
ax.set_title("Rain by month (mm)")

# %% contour of a valley
import matplotlib.pyplot as plt
import numpy as np

x, y = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-1, 3, 200))
z = (1 - x) ** 2 + 100 * (y - x**2) ** 2
path = np.array([[-1.5, 2], [-1.2, 1.4], [-0.6, 0.4], [0.1, 0.05], [0.6, 0.35], [1, 1]])
plt.contourf(x, y, np.log1p(z), levels=20)
plt.colorbar(label="log(1 + f)")
plt.plot(path[:, 0], path[:, 1], "w.-", label="path")
plt.plot(1, 1, "r*", ms=15, label="minimum")
plt.legend()
plt.title("Rosenbrock")

# %% surface with labels
import matplotlib.pyplot as plt
import numpy as np

x, y = np.meshgrid(np.linspace(-2, 2, 60), np.linspace(-2, 2, 60))
fig = plt.figure(figsize=(8, 6))
ax = fig.add_subplot(projection="3d")
p = ax.plot_surface(x, y, x * np.exp(-(x**2) - y**2), cmap="viridis")
fig.colorbar(p, ax=ax, shrink=0.6, label="height")
ax.set_xlabel("x")
ax.set_ylabel("y")
ax.set_zlabel("z")
ax.set_title("A surface")

# %% small multiples of stocks
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

rng = np.random.default_rng(5)
dates = pd.date_range("2023-01-01", periods=250, freq="B")
fig, axs = plt.subplots(2, 3, figsize=(12, 6), sharex=True)
for ax, name in zip(axs.flat, ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF"]):
    ax.plot(dates, 100 * np.exp(rng.normal(0, 0.01, 250).cumsum()))
    ax.set_title(name)
fig.autofmt_xdate()

# %% survey of tools with percent
import matplotlib.pyplot as plt

tools = ["Excel", "Python", "R", "SPSS", "SAS", "Stata"]
share = [62, 55, 31, 18, 9, 7]
fig, ax = plt.subplots()
bars = ax.barh(tools, share, color=["#4c72b0" if t == "Python" else "lightgrey" for t in tools])
ax.bar_label(bars, fmt="%d %%", padding=3)
ax.invert_yaxis()
ax.spines[["top", "right", "bottom"]].set_visible(False)
ax.xaxis.set_visible(False)
ax.set_title("Tools in use", loc="left")

# %% log-log of scaling
import matplotlib.pyplot as plt
import numpy as np

n = np.array([10, 100, 1000, 10000, 100000])
for name, f in (("O(n)", n), ("O(n log n)", n * np.log(n)), ("O(n²)", n**2.0), ("O(√n)", n**0.5)):
    plt.loglog(n, f, marker="o", label=name)
plt.xlabel("n")
plt.ylabel("steps")
plt.legend()
plt.grid(True, which="both", ls=":")

# %% an image and its histogram
import matplotlib.cbook as cbook
import matplotlib.pyplot as plt

with cbook.get_sample_data("grace_hopper.jpg") as file:
    image = plt.imread(file)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
left.imshow(image)
left.axis("off")
left.set_title("photo")
for channel, color in enumerate(("red", "green", "blue")):
    right.hist(image[..., channel].ravel(), bins=64, histtype="step", color=color, label=color)
right.legend()
right.set_title("values")

# %% inset of the early days
import matplotlib.pyplot as plt
import numpy as np

t = np.linspace(0, 100, 1000)
y = np.exp(-t / 30) * np.sin(t) + 0.2
fig, ax = plt.subplots()
ax.plot(t, y)
ax.set_xlabel("t (s)")
ax.set_ylabel("signal")
inset = ax.inset_axes([0.5, 0.6, 0.45, 0.35])
inset.plot(t[:100], y[:100])
inset.set_title("first 10 s", fontsize=8)
inset.tick_params(labelsize=7)

# %% network by hand
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(4)
angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
place = np.column_stack((np.cos(angle), np.sin(angle)))
fig, ax = plt.subplots(figsize=(6, 6))
for _ in range(20):
    a, b = rng.integers(0, 12, 2)
    ax.plot(*place[[a, b]].T, color="grey", lw=1, zorder=1)
ax.scatter(*place.T, s=600, color="skyblue", zorder=2)
for i, (px, py) in enumerate(place):
    ax.text(px, py, f"N{i}", ha="center", va="center")
ax.axis("off")

# %% violins with labels
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(3)
data = [rng.normal(m, s, 200) for m, s in ((0, 1), (1, 0.5), (0.5, 2), (2, 1))]
fig, ax = plt.subplots()
ax.violinplot(data, showmedians=True)
ax.set_xticks(range(1, 5), ["control", "drug A", "drug B", "drug C"])
ax.set_ylabel("response")

# %% uncertainty bands
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(2020, 2050, 31)
fig, ax = plt.subplots()
for name, slope, color in (("low", 0.01, "C0"), ("middle", 0.03, "C1"), ("high", 0.06, "C3")):
    y = 1.2 + slope * (x - 2020)
    ax.plot(x, y, color=color, label=name)
    ax.fill_between(x, y - 0.005 * (x - 2020), y + 0.005 * (x - 2020), color=color, alpha=0.2)
ax.set_xlabel("year")
ax.set_ylabel("warming (K)")
ax.legend(loc="upper left")

# %% steps of a staircase
import matplotlib.pyplot as plt
import numpy as np

fig, ax = plt.subplots()
ax.stairs([1, 4, 2, 6, 3], np.arange(6), fill=True, color="lightblue", label="filled")
ax.stairs([2, 3, 5, 4, 1], np.arange(6), lw=2, color="navy", label="outline")
ax.legend()

# %% stacked hours of a week
import matplotlib.pyplot as plt
import numpy as np

days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
hours = {"sleep": [7, 7, 6.5, 7, 6, 9, 9], "work": [8, 9, 8, 8, 7, 0, 0], "sport": [1, 0, 1, 0, 1, 2, 1], "other": [8, 8, 8.5, 9, 10, 13, 14]}
fig, ax = plt.subplots()
bottom = np.zeros(7)
for name, values in hours.items():
    ax.bar(days, values, bottom=bottom, label=name)
    bottom += values
ax.set_ylabel("hours")
ax.legend()

# %% seismic traces
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
t = np.linspace(0, 60, 3000)
fig, ax = plt.subplots(figsize=(8, 6))
for i in range(12):
    ax.plot(t, i + 3 * rng.normal(0, 0.05, 3000) * np.exp(-((t - 10 - 3 * i) ** 2) / 30), "k", lw=0.5)
ax.set_xlabel("time (s)")
ax.set_ylabel("station")
ax.set_yticks(range(12))

# %% lines with end markers in many colours
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(10)
years = np.arange(2000, 2021)
fig, ax = plt.subplots(figsize=(9, 5))
for name in ("Agriculture", "Industry", "Transport", "Housing", "Energy", "Waste"):
    ax.plot(years, 100 + rng.normal(0, 3, 21).cumsum(), marker="o", ms=3, label=name)
ax.set_ylabel("index (2000 = 100)")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
fig.tight_layout()

# %% temperature of a rod
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 1, 200)
cmap = plt.colormaps["inferno"]
fig, ax = plt.subplots()
for k, t in enumerate(np.linspace(0.001, 0.1, 8)):
    ax.plot(x, sum(4 / np.pi / n * np.sin(n * np.pi * x) * np.exp(-((n * np.pi) ** 2) * t) for n in range(1, 60, 2)), color=cmap(k / 8), label=f"t = {t:.3f}")
ax.set_xlabel("x")
ax.set_ylabel("u(x, t)")
ax.legend()

# %% histogram of two groups
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
plt.hist(rng.normal(0, 1, 1000), bins=40, alpha=0.5, label="control")
plt.hist(rng.normal(1, 1.2, 1000), bins=40, alpha=0.5, label="treated")
plt.legend()
plt.xlabel("score")
plt.ylabel("count")

# %% sign of the times table
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(7, 2))
ax.axis("off")
table = ax.table([["Alice", "Engineering", "12"], ["Bob", "Marketing", "7"], ["Carol", "Sales", "3"]], colLabels=["Name", "Department", "Years"], loc="center", cellLoc="center", colColours=["lightgrey"] * 3)
table.scale(1, 1.6)
ax.set_title("Staff")

# %% gauge of a half pie
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
ax.pie([30, 30, 40, 100], colors=["tomato", "gold", "limegreen", "white"], startangle=180, counterclock=False, wedgeprops=dict(width=0.4))
ax.text(0, -0.1, "62 %", ha="center", fontsize=24)
ax.set_ylim(-0.3, 1.1)

# %% two panels with long tick numbers
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 1, 50)
fig, (a, b) = plt.subplots(1, 2, figsize=(7, 3))
a.plot(x, 1e6 * x**2)
a.set_ylabel("population")
b.plot(x, 1e-4 * np.sqrt(x))
b.set_ylabel("rate")
for ax in (a, b):
    ax.set_xlabel("time")

# %% bars of 40 countries
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
names = [f"Country {i}" for i in range(40)]
fig, ax = plt.subplots(figsize=(10, 4))
ax.bar(names, rng.random(40))
plt.xticks(rotation=90)
ax.set_ylabel("index")

# %% daily cases with a log axis
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

days = pd.date_range("2020-03-01", periods=90)
cases = np.floor(np.exp(np.linspace(-1, 8, 90)))
fig, ax = plt.subplots()
ax.bar(days, cases, width=1)
ax.set_yscale("log")
ax.set_ylabel("new cases")
