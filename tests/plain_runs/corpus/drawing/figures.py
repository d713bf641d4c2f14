# %% a line
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])

# %% a line through a function
import matplotlib.pyplot as plt
import numpy as np
x = np.linspace(0, 10, 200)
plt.plot(x, np.sin(x) * np.exp(-x / 5), "r--", lw=2)

# %% several lines and a legend
import matplotlib.pyplot as plt
for power in range(1, 4):
    plt.plot([n**power for n in range(5)], marker="o", label=f"n^{power}")
plt.legend(title="Powers")

# %% steps
import matplotlib.pyplot as plt
plt.step(range(6), [1, 4, 2, 5, 3, 3], where="mid")
plt.grid(True)

# %% scattered points
import matplotlib.pyplot as plt
import numpy as np
rng = np.random.default_rng(3)
plt.scatter(*rng.normal(size=(2, 80)), c=rng.random(80), s=rng.random(80) * 90, cmap="plasma", alpha=0.6)

# %% bars
import matplotlib.pyplot as plt
bars = plt.bar(["a", "b", "c"], [3, 1, 2], color=["C0", "C1", "C2"])
plt.bar_label(bars)

# %% grouped bars
import matplotlib.pyplot as plt
import numpy as np
x = np.arange(4)
plt.bar(x - 0.2, [1, 2, 3, 4], 0.4, label="one")
plt.bar(x + 0.2, [2, 2, 1, 3], 0.4, label="two")
plt.xticks(x, ["Q1", "Q2", "Q3", "Q4"])
plt.legend()

# %% stacked horizontal bars
import matplotlib.pyplot as plt
left = [0, 0, 0]
for values in ([1, 2, 3], [3, 2, 1], [1, 1, 1]):
    plt.barh(["x", "y", "z"], values, left=left)
    left = [a + b for a, b in zip(left, values)]

# %% a histogram
import matplotlib.pyplot as plt
import numpy as np
counts, edges, patches = plt.hist(np.random.default_rng(0).normal(size=500), bins=20, edgecolor="k")
print(counts.sum(), len(edges), type(patches).__name__)

# %% a cumulative histogram
import matplotlib.pyplot as plt
import numpy as np
plt.hist(np.random.default_rng(1).exponential(size=300), bins=30, cumulative=True, density=True, histtype="step")

# %% a histogram of two dimensions
import matplotlib.pyplot as plt
import numpy as np
rng = np.random.default_rng(2)
plt.hist2d(rng.normal(size=1000), rng.normal(size=1000), bins=25)
plt.colorbar(label="count")

# %% boxes
import matplotlib.pyplot as plt
import numpy as np
plt.boxplot([np.random.default_rng(n).normal(n, 1, 60) for n in range(4)], notch=True, patch_artist=True)

# %% violins
import matplotlib.pyplot as plt
import numpy as np
plt.violinplot([np.random.default_rng(n).normal(n, 1, 60) for n in range(3)], showmedians=True)

# %% error bars
import matplotlib.pyplot as plt
plt.errorbar([1, 2, 3], [2, 3, 1], yerr=[0.1, 0.4, 0.2], xerr=0.1, fmt="o", capsize=4)

# %% a filled band
import matplotlib.pyplot as plt
import numpy as np
x = np.linspace(0, 6, 50)
plt.fill_between(x, np.sin(x) - 0.2, np.sin(x) + 0.2, alpha=0.3)
plt.plot(x, np.sin(x))

# %% an image
import matplotlib.pyplot as plt
import numpy as np
plt.imshow(np.add.outer(np.arange(20), np.arange(30)) % 7, cmap="viridis", origin="lower")
plt.colorbar()

# %% a picture in colours
import matplotlib.pyplot as plt
import numpy as np
plt.imshow(np.random.default_rng(4).random((8, 8, 3)), interpolation="bilinear")
plt.axis("off")

# %% contours
import matplotlib.pyplot as plt
import numpy as np
x, y = np.meshgrid(np.linspace(-2, 2, 40), np.linspace(-2, 2, 40))
lines = plt.contour(x, y, np.exp(-(x**2) - y**2), levels=6)
plt.clabel(lines, inline=True, fontsize=8)

# %% filled contours
import matplotlib.pyplot as plt
import numpy as np
x, y = np.meshgrid(np.linspace(0, 3, 30), np.linspace(0, 3, 30))
plt.contourf(x, y, np.sin(x) * np.cos(y), 12, cmap="RdBu_r")
plt.colorbar(orientation="horizontal")

# %% coloured cells
import matplotlib.pyplot as plt
import numpy as np
plt.pcolormesh(np.random.default_rng(5).random((6, 9)), edgecolors="w", shading="auto")

# %% arrows
import matplotlib.pyplot as plt
import numpy as np
x, y = np.meshgrid(np.arange(6), np.arange(6))
plt.quiver(x, y, np.cos(x), np.sin(y), np.hypot(x, y))

# %% streams
import matplotlib.pyplot as plt
import numpy as np
y, x = np.mgrid[-2:2:20j, -2:2:20j]
plt.streamplot(x, y, -1 - x**2 + y, 1 + x - y**2, density=0.7)

# %% a pie
import matplotlib.pyplot as plt
plt.pie([30, 45, 25], labels=["a", "b", "c"], autopct="%1.1f%%", explode=[0, 0.1, 0], shadow=True)

# %% stems
import matplotlib.pyplot as plt
import numpy as np
plt.stem(np.arange(10), np.cos(np.arange(10)))

# %% hexagons
import matplotlib.pyplot as plt
import numpy as np
rng = np.random.default_rng(6)
plt.hexbin(rng.normal(size=2000), rng.normal(size=2000), gridsize=20, cmap="inferno")

# %% events
import matplotlib.pyplot as plt
plt.eventplot([[1, 2, 5], [2, 3], [0, 4, 4.5]], colors=["r", "g", "b"])

# %% a table
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.axis("off")
ax.table(cellText=[["1", "2"], ["3", "4"]], colLabels=["a", "b"], loc="center")

# %% patches
import matplotlib.pyplot as plt
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Wedge
fig, ax = plt.subplots()
for patch in (Circle((0.2, 0.2), 0.1), Polygon([(0.5, 0.1), (0.9, 0.1), (0.7, 0.4)], fc="y"),
              Wedge((0.3, 0.7), 0.2, 20, 200, fc="g"), FancyBboxPatch((0.6, 0.6), 0.2, 0.2, boxstyle="round,pad=0.05")):
    ax.add_patch(patch)

# %% lines across
import matplotlib.pyplot as plt
plt.axhline(0.5, color="r")
plt.axvline(0.2, ls=":")
plt.axvspan(0.4, 0.6, alpha=0.2)
plt.axline((0, 0), slope=1)

# %% notes with arrows
import matplotlib.pyplot as plt
plt.plot([1, 5, 2])
plt.annotate("peak", (1, 5), (1.4, 4.5), arrowprops={"arrowstyle": "->", "connectionstyle": "arc3,rad=.3"})
plt.text(0.5, 2, "low", bbox={"boxstyle": "round", "fc": "w"}, rotation=30)

# %% a spectrum
import matplotlib.pyplot as plt
import numpy as np
t = np.arange(0, 2, 1 / 256)
plt.specgram(np.sin(2 * np.pi * 40 * t * t), Fs=256, NFFT=64, noverlap=32)

# %% a correlation
import matplotlib.pyplot as plt
import numpy as np
rng = np.random.default_rng(7)
plt.xcorr(rng.normal(size=40), rng.normal(size=40), maxlags=20)

# %% triangles
import matplotlib.pyplot as plt
import numpy as np
rng = np.random.default_rng(8)
x, y = rng.random((2, 30))
plt.tricontourf(x, y, x * y)
plt.triplot(x, y, "k-", lw=0.3)

# %% a sparse matrix
import matplotlib.pyplot as plt
import numpy as np
plt.spy(np.eye(12) + np.eye(12, k=3), markersize=4)

# %% a broken bar
import matplotlib.pyplot as plt
plt.broken_barh([(10, 40), (60, 20)], (5, 8), facecolors=("tab:blue", "tab:red"))

# %% a stack
import matplotlib.pyplot as plt
plt.stackplot(range(5), [1, 2, 3, 2, 1], [2, 1, 2, 3, 2], labels=["a", "b"], baseline="wiggle")
plt.legend(loc="upper left")

# %% logarithmic
import matplotlib.pyplot as plt
plt.loglog([1, 10, 100, 1000], [2, 30, 200, 4000], "o-")
plt.grid(True, which="both", alpha=0.3)

# %% a Sankey diagram
import matplotlib.pyplot as plt
from matplotlib.sankey import Sankey
Sankey(flows=[1, -0.6, -0.4], labels=["in", "out", "loss"], orientations=[0, 0, 1]).finish()

# %% an empty figure
import matplotlib.pyplot as plt
plt.figure()

# %% no figure at all
x = 1

# %% two figures
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.figure()
plt.bar([1, 2], [2, 1])

# %% a figure that was closed
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.close()

# %% one of two closed
import matplotlib.pyplot as plt
first = plt.figure()
plt.plot([1])
second = plt.figure()
plt.close(second)
