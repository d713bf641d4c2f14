# %% histogram of normal data
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
fig, axs = plt.subplots(1, 2, sharey=True, tight_layout=True)
axs[0].hist(rng.standard_normal(10000), bins=20)
axs[1].hist(0.4 * rng.standard_normal(10000) + 5, bins=20)

# %% histogram with a fit
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
mu, sigma = 106, 17
x = rng.normal(mu, sigma, size=420)
fig, ax = plt.subplots()
n, bins, patches = ax.hist(x, 50, density=True)
ax.plot(bins, np.exp(-0.5 * ((bins - mu) / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma), "--")
ax.set_xlabel("Value")
ax.set_ylabel("Probability density")
ax.set_title("Histogram of normal distribution sample: $\\mu=106$, $\\sigma=17$")
fig.tight_layout()

# %% several histograms
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(1)
x = rng.standard_normal((1000, 3))
fig, ((ax0, ax1), (ax2, ax3)) = plt.subplots(nrows=2, ncols=2)
colors = ["red", "tan", "lime"]
ax0.hist(x, 10, density=True, histtype="bar", color=colors, label=colors)
ax0.legend(prop={"size": 10})
ax0.set_title("bars with legend")
ax1.hist(x, 10, density=True, histtype="bar", stacked=True)
ax1.set_title("stacked bar")
ax2.hist(x, 10, histtype="step", stacked=True, fill=False)
ax2.set_title("stack step (unfilled)")
ax3.hist([rng.standard_normal(n) for n in (10000, 5000, 2000)], 10, histtype="bar")
ax3.set_title("different sample sizes")
fig.tight_layout()

# %% box plots
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
fruit_weights = [rng.normal(130, 10, size=100), rng.normal(125, 20, size=100), rng.normal(120, 30, size=100)]
fig, ax = plt.subplots()
ax.set_ylabel("fruit weight (g)")
bplot = ax.boxplot(fruit_weights, patch_artist=True, tick_labels=["peaches", "oranges", "tomatoes"])
for patch, color in zip(bplot["boxes"], ["peachpuff", "orange", "tomato"]):
    patch.set_facecolor(color)

# %% box plots of six kinds
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(2)
data = np.concatenate((rng.random(50) * 100, np.ones(25) * 50, rng.random(10) * 100 + 100, rng.random(10) * -100))
fig, axs = plt.subplots(2, 3)
axs[0, 0].boxplot(data)
axs[0, 0].set_title("basic plot")
axs[0, 1].boxplot(data, notch=True)
axs[0, 1].set_title("notched plot")
axs[0, 2].boxplot(data, sym="gD")
axs[0, 2].set_title("change outlier\npoint symbols")
axs[1, 0].boxplot(data, sym="")
axs[1, 0].set_title("don't show\noutlier points")
axs[1, 1].boxplot(data, sym="rs", orientation="horizontal")
axs[1, 1].set_title("horizontal boxes")
axs[1, 2].boxplot(data, sym="rs", orientation="horizontal", whis=0.75)
axs[1, 2].set_title("change whisker length")
fig.subplots_adjust(left=0.08, right=0.98, bottom=0.05, top=0.9, hspace=0.4, wspace=0.3)

# %% violins
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
data = [rng.normal(0, std, 100) for std in range(6, 10)]
fig, (ax1, ax2) = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
ax1.set_title("Default violin plot")
ax1.set_ylabel("Observed values")
ax1.violinplot(data)
ax2.set_title("Customized violin plot")
parts = ax2.violinplot(data, showmeans=False, showmedians=False, showextrema=False)
for body in parts["bodies"]:
    body.set_facecolor("#D43F3A")
    body.set_edgecolor("black")
    body.set_alpha(1)

# %% hexagonal bins
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
x = rng.standard_normal(100_000)
y = 2.0 + 3.0 * x + 4.0 * rng.standard_normal(100_000)
fig, (ax0, ax1) = plt.subplots(ncols=2, sharey=True, figsize=(9, 4))
hb = ax0.hexbin(x, y, gridsize=50, cmap="inferno")
ax0.set_title("Hexagon binning")
fig.colorbar(hb, ax=ax0, label="counts")
hb = ax1.hexbin(x, y, gridsize=50, bins="log", cmap="inferno")
ax1.set_title("With a log color scale")
fig.colorbar(hb, ax=ax1, label="counts")

# %% two-dimensional histogram
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(1)
x = rng.standard_normal(100000)
y = 1.2 * x + rng.standard_normal(100000) / 3
plt.hist2d(x, y, bins=40)

# %% a dense cloud
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(4)
x = rng.standard_normal(20000)
plt.scatter(x, x + rng.standard_normal(20000))
plt.xlabel("first")
plt.ylabel("second")
plt.title("All measurements")

# %% cumulative
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
data = rng.normal(200, 25, size=100)
fig, axs = plt.subplots(1, 2, figsize=(9, 3), sharex=True, sharey=True, layout="constrained")
axs[0].ecdf(data, label="CDF")
axs[0].hist(data, 25, density=True, histtype="step", cumulative=True, label="Cumulative histogram")
axs[1].ecdf(data, complementary=True, label="CCDF")
axs[1].hist(data, 25, density=True, histtype="step", cumulative=-1, label="Reversed cumulative histogram")
fig.suptitle("Cumulative distributions")
for ax in axs:
    ax.grid(True)
    ax.legend()
    ax.set_xlabel("Annual rainfall (mm)")
    ax.set_ylabel("Probability of occurrence")
    ax.label_outer()

# %% scatter with histograms
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
x, y = rng.standard_normal((2, 1000))
fig, axs = plt.subplot_mosaic([["histx", "."], ["scatter", "histy"]], figsize=(6, 6), width_ratios=(4, 1), height_ratios=(1, 4), layout="constrained")
axs["histx"].tick_params(axis="x", labelbottom=False)
axs["histy"].tick_params(axis="y", labelleft=False)
axs["scatter"].scatter(x, y)
bins = np.arange(-4, 4.25, 0.25)
axs["histx"].hist(x, bins=bins)
axs["histy"].hist(y, bins=bins, orientation="horizontal")

# %% confidence ellipse
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse

rng = np.random.default_rng(0)
x = rng.standard_normal(500)
y = x * 0.7 + rng.standard_normal(500) * 0.4
fig, ax = plt.subplots()
ax.scatter(x, y, s=0.8)
ax.axvline(c="grey", lw=1)
ax.axhline(c="grey", lw=1)
for n, color in ((1, "firebrick"), (2, "fuchsia"), (3, "blue")):
    ax.add_patch(Ellipse((0, 0), 2.4 * n, 1.2 * n, angle=38, fill=False, edgecolor=color, label=rf"${n}\sigma$"))
ax.legend()
ax.set_title("Different standard deviations")

# %% time histogram
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
x = np.linspace(0, 4 * np.pi, 100)
fig, axes = plt.subplots(nrows=2, figsize=(6, 8), layout="constrained")
for row in range(300):
    axes[0].plot(x, np.sin(x + rng.normal() * 0.3) * rng.uniform(0.5, 1.5), color="C0", alpha=0.1)
axes[0].set_title("Line plot with alpha")
axes[1].hist2d(np.tile(x, 300), np.sin(np.tile(x, 300) + rng.standard_normal(30000) * 0.3), bins=[100, 50], cmap="plasma")
axes[1].set_title("2d histogram")
