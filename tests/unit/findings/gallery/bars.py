# %% fruit
import matplotlib.pyplot as plt

fruits = ["apple", "blueberry", "cherry", "orange"]
fig, ax = plt.subplots()
ax.bar(fruits, [40, 100, 30, 55], label=["red", "blue", "_red", "orange"], color=["tab:red", "tab:blue", "tab:red", "tab:orange"])
ax.set_ylabel("fruit supply")
ax.set_title("Fruit supply by kind and color")
ax.legend(title="Fruit color")

# %% grouped bars with labels
import matplotlib.pyplot as plt
import numpy as np

species = ("Adelie", "Chinstrap", "Gentoo")
means = {"Bill Depth": (18.35, 18.43, 14.98), "Bill Length": (38.79, 48.83, 47.50), "Flipper Length": (189.95, 195.82, 217.19)}
x = np.arange(3)
fig, ax = plt.subplots(layout="constrained")
for i, (attribute, values) in enumerate(means.items()):
    rects = ax.bar(x + i * 0.25, values, 0.25, label=attribute)
    ax.bar_label(rects, padding=3)
ax.set_ylabel("Length (mm)")
ax.set_title("Penguin attributes by species")
ax.set_xticks(x + 0.25, species)
ax.legend(loc="upper left", ncols=3)
ax.set_ylim(0, 250)

# %% horizontal bars with errors
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
people = ("Tom", "Dick", "Harry", "Slim", "Jim")
fig, ax = plt.subplots()
ax.barh(np.arange(5), 3 + 10 * rng.random(5), xerr=rng.random(5), align="center")
ax.set_yticks(np.arange(5), labels=people)
ax.invert_yaxis()
ax.set_xlabel("Performance")
ax.set_title("How fast do you want to go today?")

# %% stacked
import matplotlib.pyplot as plt
import numpy as np

species = ("Adelie\n $\\mu=$3700.66g", "Chinstrap\n $\\mu=$3733.09g", "Gentoo\n $\\mu=5076.02g$")
counts = {"Below": np.array([70, 31, 58]), "Above": np.array([82, 37, 66])}
fig, ax = plt.subplots()
bottom = np.zeros(3)
for name, count in counts.items():
    ax.bar(species, count, 0.5, label=name, bottom=bottom)
    bottom += count
ax.set_title("Number of penguins with above average body mass")
ax.legend(loc="upper right")

# %% survey, stacked horizontally
import matplotlib.pyplot as plt
import numpy as np

categories = ["Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"]
results = {"Question 1": [10, 15, 17, 32, 26], "Question 2": [26, 22, 29, 10, 13], "Question 3": [35, 37, 7, 2, 19], "Question 4": [32, 11, 9, 15, 33]}
data = np.array(list(results.values()))
ends = data.cumsum(axis=1)
colors = plt.colormaps["RdYlGn"](np.linspace(0.15, 0.85, data.shape[1]))
fig, ax = plt.subplots(figsize=(9.2, 5))
ax.invert_yaxis()
ax.xaxis.set_visible(False)
ax.set_xlim(0, data.sum(axis=1).max())
for i, (name, color) in enumerate(zip(categories, colors)):
    widths = data[:, i]
    rects = ax.barh(list(results), widths, left=ends[:, i] - widths, height=0.5, label=name, color=color)
    r, g, b, _ = color
    ax.bar_label(rects, label_type="center", color="white" if r * g * b < 0.5 else "darkgrey")
ax.legend(ncols=5, bbox_to_anchor=(0, 1), loc="lower left", fontsize="small")

# %% broken bars
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
ax.broken_barh([(110, 30), (150, 10)], (10, 9), facecolors="tab:blue")
ax.broken_barh([(10, 50), (100, 20), (130, 10)], (20, 9), facecolors=("tab:orange", "tab:green", "tab:red"))
ax.set_ylim(5, 35)
ax.set_xlim(0, 200)
ax.set_xlabel("seconds since start")
ax.set_yticks([15, 25], labels=["Bill", "Jim"])
ax.grid(True)
ax.annotate("race interrupted", (61, 25), xytext=(0.8, 0.9), textcoords="axes fraction", arrowprops=dict(facecolor="black", shrink=0.05), fontsize=16, horizontalalignment="right", verticalalignment="top")

# %% hat graph
import matplotlib.pyplot as plt
import numpy as np

x = np.arange(5)
fig, ax = plt.subplots()
ax.bar(x - 0.2, [5, 15, 22, 20, 25], 0.4, fill=False, edgecolor="black", label="Player A")
ax.bar(x + 0.2, [20, 20, 25, 5, 8], 0.4, color="tab:blue", label="Player B")
ax.set_xticks(x, ["I", "II", "III", "IV", "V"])
ax.set_xlabel("Games")
ax.set_ylabel("Score")
ax.set_ylim(0, 60)
ax.legend()

# %% sales, cut below
import matplotlib.pyplot as plt

plt.bar(["Q1", "Q2", "Q3", "Q4"], [98.2, 99.1, 98.7, 100.4])
plt.ylim(97, 101)
plt.ylabel("turnover in million")

# %% long names below bars
import matplotlib.pyplot as plt

names = ["Information technology", "Human resources", "Research and development", "Customer support", "Public relations", "Legal department"]
fig, ax = plt.subplots()
ax.bar(names, [34, 12, 45, 23, 8, 5])
ax.set_ylabel("employees")

# %% names turned by 45 degrees
import matplotlib.pyplot as plt

names = ["Information technology", "Human resources", "Research and development", "Customer support", "Public relations", "Legal department"]
fig, ax = plt.subplots(layout="constrained")
ax.bar(names, [34, 12, 45, 23, 8, 5])
ax.tick_params("x", rotation=45)
plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
ax.set_ylabel("employees")

# %% bars in pandas
import numpy as np
import pandas as pd

rng = np.random.default_rng(5)
frame = pd.DataFrame(rng.random((10, 4)), columns=["a", "b", "c", "d"])
frame.plot.bar(figsize=(8, 4))

# %% waterfall
import matplotlib.pyplot as plt
import numpy as np

steps = np.array([100, -20, 35, -15, -30])
ends = steps.cumsum()
starts = np.concatenate(([0], ends[:-1]))
colors = ["tab:green" if s > 0 else "tab:red" for s in steps]
fig, ax = plt.subplots()
bars = ax.bar(["start", "costs", "sales", "taxes", "fees"], steps, bottom=starts, color=colors)
ax.bar_label(bars, [f"{s:+d}" for s in steps], label_type="center", color="white")
ax.set_ylabel("thousand euros")
ax.set_title("From start to end of the year")

# %% tasks on dates
import datetime as dt
import matplotlib.dates as mdates
import matplotlib.pyplot as plt

tasks = [("Design", 1, 12), ("Build", 9, 20), ("Test", 25, 10), ("Release", 34, 3)]
start = dt.datetime(2024, 3, 1)
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for name, day, length in tasks:
    ax.barh(name, dt.timedelta(days=length), left=start + dt.timedelta(days=day))
ax.invert_yaxis()
ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(ax.xaxis.get_major_locator()))
ax.set_title("Plan")
