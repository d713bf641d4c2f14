# %% shapes
import matplotlib.patches as mpatches
import matplotlib.pyplot as plt
from matplotlib.collections import PatchCollection

fig, ax = plt.subplots()
patches = [mpatches.Circle((0.2, 0.8), 0.1, ec="none"), mpatches.Rectangle((0.5, 0.7), 0.2, 0.1, ec="none"), mpatches.Wedge((0.8, 0.8), 0.1, 30, 270), mpatches.RegularPolygon((0.2, 0.3), 5, radius=0.1), mpatches.Ellipse((0.5, 0.3), 0.2, 0.1), mpatches.Arrow(0.75, 0.25, 0.1, 0.1, width=0.1)]
collection = PatchCollection(patches, alpha=0.7)
collection.set_array(range(6))
ax.add_collection(collection)
ax.set_aspect("equal")
ax.set_axis_off()

# %% shapes with names
import matplotlib.patches as mpatches
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
for i, color in enumerate(("navy", "gold", "darkgreen", "lightgrey")):
    ax.add_patch(mpatches.FancyBboxPatch((0.1 + i * 0.22, 0.4), 0.12, 0.2, boxstyle="round,pad=0.02", facecolor=color))
    ax.text(0.16 + i * 0.22, 0.5, color, ha="center", va="center", color="white" if color in ("navy", "darkgreen") else "black")
ax.set_axis_off()

# %% flow chart
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(8, 2.5))
ax.set_axis_off()
for i, word in enumerate(("read", "clean", "fit", "plot")):
    ax.text(i, 0, word, ha="center", va="center", size=14, bbox=dict(boxstyle="round4,pad=0.6", fc="lightsteelblue", ec="navy"))
    if i:
        ax.annotate("", xy=(i - 0.3, 0), xytext=(i - 0.7, 0), arrowprops=dict(arrowstyle="<-"))
ax.set(xlim=(-0.5, 3.5), ylim=(-1, 1))

# %% table below bars
import matplotlib.pyplot as plt
import numpy as np

data = [[66386, 174296, 75131, 577908, 32015], [58230, 381139, 78045, 99308, 160454], [89135, 80552, 152558, 497981, 603535]]
columns = ("Freeze", "Wind", "Flood", "Quake", "Hail")
rows = ["%d year" % x for x in (100, 50, 20)]
colors = plt.colormaps["BuPu"](np.linspace(0, 0.5, 3))
index = np.arange(5) + 0.3
bottom = np.zeros(5)
for row in range(3):
    plt.bar(index, data[row], 0.4, bottom=bottom, color=colors[row])
    bottom += data[row]
plt.table(cellText=data, rowLabels=rows, rowColours=colors, colLabels=columns, loc="bottom")
plt.subplots_adjust(left=0.2, bottom=0.2)
plt.ylabel("Loss in $1000's")
plt.xticks([])
plt.title("Loss by Disaster")

# %% table alone
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
ax.set_axis_off()
ax.table([["a", "1.5"], ["b", "2.25"], ["c", "3.125"]], colLabels=["name", "value"], loc="center")

# %% events
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
data = rng.random([6, 50])
fig, ax = plt.subplots()
ax.eventplot(data, colors=[f"C{i}" for i in range(6)], lineoffsets=[-15, -3, 1, 1.5, 6, 10], linelengths=[5, 2, 1, 1, 3, 1.5])

# %% legends of several kinds
import matplotlib.pyplot as plt
import numpy as np

t1, t2 = np.arange(0.0, 2.0, 0.1), np.arange(0.0, 2.0, 0.01)
fig, ax = plt.subplots()
(l1,) = ax.plot(t2, np.exp(-t2))
l2, l3 = ax.plot(t2, np.sin(2 * np.pi * t2), "--o", t1, np.log(1 + t1), ".")
(l4,) = ax.plot(t2, np.exp(-t2) * np.sin(2 * np.pi * t2), "s-.")
ax.legend((l2, l4), ("oscillatory", "damped"), loc="upper right", shadow=True)
ax.set_xlabel("time")
ax.set_ylabel("volts")
ax.set_title("Damped oscillation")

# %% legend beside the axes
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2, 50)
fig, ax = plt.subplots(layout="constrained")
for n in range(1, 5):
    ax.plot(x, x**n, label=f"x to the power of {n}", linestyle=("-", "--", ":", "-.")[n - 1])
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %% legend pushed out of the picture
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2, 50)
fig, ax = plt.subplots()
ax.plot(x, x, label="a straight line through the origin")
ax.plot(x, x**2, "--", label="a parabola through the origin")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
ax.set(xlabel="x", ylabel="y")

# %% many random walks
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(6)
for i in range(14):
    plt.plot(rng.standard_normal(100).cumsum(), label=f"walk {i}")
plt.legend(fontsize="small")
plt.xlabel("step")

# %% scatter with a legend of classes
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
x, y = rng.random((2, 45))
c = rng.integers(1, 5, size=45)
s = rng.integers(10, 220, size=45)
fig, ax = plt.subplots()
scatter = ax.scatter(x, y, c=c, s=s)
ax.add_artist(ax.legend(*scatter.legend_elements(), loc="lower left", title="Classes"))
handles, labels = scatter.legend_elements(prop="sizes", alpha=0.6)
ax.legend(handles, labels, loc="upper right", title="Sizes")

# %% labels and no legend
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 10, 200)
plt.plot(x, np.sin(x), label="sine")
plt.plot(x, np.cos(x), label="cosine")
plt.title("Waves")

# %% sankey
import matplotlib.pyplot as plt
from matplotlib.sankey import Sankey

Sankey(flows=[0.25, 0.15, 0.60, -0.20, -0.15, -0.05, -0.50, -0.10], labels=["", "", "", "First", "Second", "Third", "Fourth", "Fifth"], orientations=[-1, 1, 0, 1, 1, 1, 0, -1]).finish()
plt.title("The default settings produce a diagram like this.")

# %% mandelbrot
import matplotlib.pyplot as plt
import numpy as np

c = np.linspace(-2, 0.6, 200)[None] + 1j * np.linspace(-1.2, 1.2, 180)[:, None]
z = np.zeros_like(c)
n = np.zeros(c.shape)
for _ in range(40):
    z = np.where(abs(z) < 4, z * z + c, z)
    n += abs(z) < 2
plt.imshow(n, cmap="magma", extent=(-2, 0.6, -1.2, 1.2))
plt.xticks([])
plt.yticks([])

# %% map projection
import matplotlib.pyplot as plt
import numpy as np

fig, ax = plt.subplots(subplot_kw={"projection": "mollweide"})
rng = np.random.default_rng(0)
ax.scatter(rng.uniform(-3, 3, 200), rng.uniform(-1.3, 1.3, 200), s=5)
ax.grid(True)
ax.set_title("Mollweide")

# %% dark background
import matplotlib.pyplot as plt
import numpy as np

with plt.style.context("dark_background"):
    fig, ax = plt.subplots()
    x = np.linspace(0, 6)
    for shift in np.linspace(0, 3, 7):
        ax.plot(x, np.sin(x) + x + shift, "o-")
    ax.set_title("'dark_background' style sheet")
    ax.set_xlabel("x label")
    ax.set_ylabel("y label")

# %% ggplot style sheet
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
with plt.style.context("ggplot"):
    fig, axs = plt.subplots(ncols=2, nrows=2)
    ax1, ax2, ax3, ax4 = axs.flat
    x, y = rng.normal(size=(2, 200))
    ax1.plot(x, y, "o")
    L = 2 * np.pi
    xs = np.linspace(0, L)
    for s in np.linspace(0, L, 7, endpoint=False):
        ax2.plot(xs, np.sin(xs + s), "-")
    ax2.margins(0)
    ax3.bar(np.arange(5), rng.integers(1, 25, 5), 0.25)
    ax3.bar(np.arange(5) + 0.25, rng.integers(1, 25, 5), 0.25, color="C2")
    ax3.set_xticks(np.arange(5) + 0.125, labels=["a", "b", "c", "d", "e"])
    for i in range(7):
        ax4.add_patch(plt.Circle(rng.normal(scale=3, size=2), radius=0.3, color=f"C{i}"))
    ax4.axis("equal")

# %% correlation in pandas
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

rng = np.random.default_rng(8)
frame = pd.DataFrame(rng.standard_normal((200, 4)), columns=["height", "weight", "age", "income"])
pd.plotting.scatter_matrix(frame, figsize=(7, 7))

# %% pandas lines by month
import numpy as np
import pandas as pd

rng = np.random.default_rng(8)
frame = pd.DataFrame(rng.standard_normal((365, 3)).cumsum(0), index=pd.date_range("2023-01-01", periods=365), columns=["A", "B", "C"])
frame.plot(subplots=True, figsize=(7, 6))

# %% pandas area
import numpy as np
import pandas as pd

rng = np.random.default_rng(2)
pd.DataFrame(rng.random((20, 4)), columns=list("abcd")).plot.area()

# %% pandas box plot by group
import numpy as np
import pandas as pd

rng = np.random.default_rng(2)
frame = pd.DataFrame({"value": rng.standard_normal(300), "group": rng.choice(["control", "low dose", "high dose"], 300)})
frame.boxplot("value", by="group")

# %% lorenz attractor in two views
import matplotlib.pyplot as plt
import numpy as np

p = np.empty((4000, 3))
p[0] = (0.0, 1.0, 1.05)
for i in range(3999):
    x, y, z = p[i]
    p[i + 1] = p[i] + 0.01 * np.array([10 * (y - x), 28 * x - y - x * z, x * y - 2.667 * z])
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
left.plot(p[:, 0], p[:, 2], lw=0.5)
left.set(xlabel="x", ylabel="z", title="from the side")
right.plot(p[:, 0], p[:, 1], lw=0.5)
right.set(xlabel="x", ylabel="y", title="from above")
