# %% a sine with a grid
import matplotlib.pyplot as plt
import numpy as np

t = np.arange(0.0, 2.0, 0.01)
fig, ax = plt.subplots()
ax.plot(t, 1 + np.sin(2 * np.pi * t))
ax.set(xlabel="time (s)", ylabel="voltage (mV)", title="About as simple as it gets")
ax.grid()

# %% line styles
import matplotlib.pyplot as plt

styles = ["solid", "dotted", "dashed", "dashdot", (0, (1, 10)), (5, (10, 3)), (0, (3, 5, 1, 5))]
fig, ax = plt.subplots()
for i, style in enumerate(styles):
    ax.plot([0, 1], [i, i], linestyle=style, color="black", linewidth=1.5)
ax.set(ylim=(-0.5, len(styles) - 0.5), yticks=range(len(styles)), yticklabels=[str(s) for s in styles], title="Linestyles")
ax.tick_params(left=False, bottom=False, labelbottom=False)
ax.spines[:].set_visible(False)

# %% coherence of two signals
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
dt = 0.01
t = np.arange(0, 30, dt)
s1 = np.sin(2 * np.pi * 10 * t) + rng.standard_normal(len(t))
s2 = np.sin(2 * np.pi * 10 * t) + rng.standard_normal(len(t))
fig, axs = plt.subplots(2, 1, layout="constrained")
axs[0].plot(t, s1, t, s2)
axs[0].set_xlim(0, 2)
axs[0].set_xlabel("Time (s)")
axs[0].set_ylabel("s1 and s2")
axs[0].grid(True)
cxy, f = axs[1].cohere(s1, s2, NFFT=256, Fs=1.0 / dt)
axs[1].set_ylabel("Coherence")

# %% error bars
import matplotlib.pyplot as plt
import numpy as np

x = np.arange(0.1, 4, 0.5)
y = np.exp(-x)
fig, ax = plt.subplots()
ax.errorbar(x, y, xerr=0.2, yerr=0.4)

# %% error bars with limits
import matplotlib.pyplot as plt
import numpy as np

x = np.arange(10)
y = 2.5 * np.sin(x / 20 * np.pi)
yerr = np.linspace(0.05, 0.2, 10)
fig = plt.figure()
plt.errorbar(x, y + 3, yerr=yerr, label="both limits (default)")
plt.errorbar(x, y + 2, yerr=yerr, uplims=True, label="uplims=True")
plt.errorbar(x, y + 1, yerr=yerr, uplims=True, lolims=True, label="uplims=True, lolims=True")
plt.errorbar(x, y, yerr=yerr, uplims=[True, False] * 5, lolims=[False, True] * 5, label="subsets of uplims and lolims")
plt.legend(loc="lower right")

# %% area between curves
import matplotlib.pyplot as plt
import numpy as np

x = np.arange(0.0, 2, 0.01)
y1, y2 = np.sin(2 * np.pi * x), 0.8 * np.sin(4 * np.pi * x)
fig, (ax1, ax2, ax3) = plt.subplots(3, 1, sharex=True, figsize=(6, 6))
ax1.fill_between(x, y1)
ax1.set_title("fill between y1 and 0")
ax2.fill_between(x, y1, 1)
ax2.set_title("fill between y1 and 1")
ax3.fill_between(x, y1, y2)
ax3.set_title("fill between y1 and y2")
ax3.set_xlabel("x")
fig.tight_layout()

# %% stack plot
import matplotlib.pyplot as plt

year = [1950, 1960, 1970, 1980, 1990, 2000, 2010, 2018]
population = {
    "Africa": [0.228, 0.284, 0.365, 0.477, 0.631, 0.814, 1.044, 1.275],
    "the Americas": [0.340, 0.425, 0.519, 0.619, 0.727, 0.840, 0.943, 1.006],
    "Asia": [1.394, 1.686, 2.120, 2.625, 3.202, 3.714, 4.169, 4.560],
    "Europe": [0.220, 0.253, 0.276, 0.295, 0.310, 0.303, 0.294, 0.293],
    "Oceania": [0.012, 0.015, 0.019, 0.022, 0.026, 0.031, 0.036, 0.039],
}
fig, ax = plt.subplots()
ax.stackplot(year, population.values(), labels=population.keys(), alpha=0.8)
ax.legend(loc="upper left", reverse=True)
ax.set_title("World population")
ax.set_xlabel("Year")
ax.set_ylabel("Number of people (billions)")

# %% step styles
import matplotlib.pyplot as plt
import numpy as np

x = np.arange(14)
y = np.sin(x / 2)
plt.step(x, y + 2, label="pre (default)")
plt.plot(x, y + 2, "o--", color="grey", alpha=0.3)
plt.step(x, y + 1, where="mid", label="mid")
plt.plot(x, y + 1, "o--", color="grey", alpha=0.3)
plt.step(x, y, where="post", label="post")
plt.plot(x, y, "o--", color="grey", alpha=0.3)
plt.grid(axis="x", color="0.95")
plt.legend(title="Parameter where:")
plt.title("plt.step(where=...)")

# %% stem
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0.1, 2 * np.pi, 41)
plt.stem(x, np.exp(np.sin(x)))

# %% broken by masked and missing values
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(-np.pi / 2, np.pi / 2, 31)
y = np.cos(x) ** 3
y3 = np.ma.masked_where(y > 0.7, y)
y4 = y.copy()
y4[y > 0.7] = np.nan
plt.plot(x * 0.1, y, "o-", color="lightgrey", label="No mask")
plt.plot(x * 0.4, y3, "o-", label="Masked if > 0.7")
plt.plot(x * 0.7, y4, "o-", label="NaN if > 0.7")
plt.legend()
plt.title("Masked and NaN data")

# %% cross spectral density
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(1)
t = np.arange(0, 10, 0.01)
s = 0.1 * np.sin(4 * np.pi * t) + np.convolve(rng.standard_normal(1000), np.exp(-t / 0.05))[:1000] * 0.01
plt.subplot(211)
plt.plot(t, s)
plt.subplot(212)
plt.psd(s, 512, 100)

# %% simple filling by hand
import matplotlib.pyplot as plt
import numpy as np

theta = np.linspace(0, 2 * np.pi, 200)
fig, ax = plt.subplots()
ax.fill(np.cos(theta) * (1 + 0.3 * np.cos(6 * theta)), np.sin(theta) * (1 + 0.3 * np.cos(6 * theta)), facecolor="lightsalmon", edgecolor="orangered", linewidth=3)
ax.set_aspect("equal")

# %% vertical and horizontal lines
import matplotlib.pyplot as plt
import numpy as np

t = np.arange(0.0, 5.0, 0.1)
s = np.exp(-t) + np.sin(2 * np.pi * t) + 1
rng = np.random.default_rng(0)
fig, (vax, hax) = plt.subplots(1, 2, figsize=(12, 6))
vax.plot(t, s + rng.normal(0, 0.3, len(s)), "^")
vax.vlines(t, [0], s)
vax.set_xlabel("time (s)")
vax.set_title("Vertical lines demo")
hax.plot(s + rng.normal(0, 0.3, len(s)), t, "^")
hax.hlines(t, [0], s, lw=2)
hax.set_xlabel("time (s)")
hax.set_title("Horizontal lines demo")

# %% many scatter colours
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
fig, ax = plt.subplots()
for color in ["tab:blue", "tab:orange", "tab:green"]:
    x, y = rng.random((2, 750))
    ax.scatter(x, y, c=color, s=200 * rng.random(750), label=color, alpha=0.3, edgecolors="none")
ax.legend()
ax.grid(True)

# %% two exponentials
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 3, 60)
for rate in (0.5, 1, 2, 4):
    plt.plot(x, np.exp(-rate * x))
plt.xlabel("t")
plt.ylabel("N / N0")

# %% time series with a legend over it
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(3)
days = np.arange(365)
for name in ("north", "south", "east", "west"):
    plt.plot(days, rng.normal(0, 1, 365).cumsum(), label=name)
plt.legend(loc="upper left")
plt.xlabel("day of the year")
plt.ylabel("level (cm)")
