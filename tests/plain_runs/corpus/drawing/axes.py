# %% four axes
import matplotlib.pyplot as plt
fig, axes = plt.subplots(2, 2, sharex=True, figsize=(6, 4))
for number, ax in enumerate(axes.flat):
    ax.plot([number, 1, 2])
    ax.set_title(f"no. {number}")
fig.tight_layout()

# %% constrained layout
import matplotlib.pyplot as plt
fig, axes = plt.subplots(1, 3, layout="constrained")
fig.colorbar(axes[0].imshow([[1, 2], [3, 4]]), ax=axes)
fig.suptitle("constrained")

# %% a mosaic
import matplotlib.pyplot as plt
fig, axes = plt.subplot_mosaic("AAB;CCB")
for name, ax in axes.items():
    ax.text(0.5, 0.5, name)

# %% a grid of unequal parts
import matplotlib.pyplot as plt
fig = plt.figure(figsize=(5, 5))
grid = fig.add_gridspec(3, 3, width_ratios=[1, 2, 1])
fig.add_subplot(grid[0, :])
fig.add_subplot(grid[1:, :2])
fig.add_subplot(grid[1:, 2])

# %% figures within a figure
import matplotlib.pyplot as plt
fig = plt.figure(layout="constrained")
left, right = fig.subfigures(1, 2)
left.subplots().plot([1, 2])
right.subplots(2, 1)[1].plot([2, 1])

# %% an inset
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot(range(10))
inset = ax.inset_axes([0.1, 0.6, 0.3, 0.3])
inset.plot(range(3))
ax.indicate_inset_zoom(inset)

# %% twins
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2, 3], "b")
other = ax.twinx()
other.plot([30, 10, 20], "r")
other.set_ylabel("other")

# %% a second scale
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([0, 100])
ax.secondary_yaxis("right", functions=(lambda c: c * 9 / 5 + 32, lambda f: (f - 32) * 5 / 9)).set_ylabel("°F")

# %% a polar plot
import matplotlib.pyplot as plt
import numpy as np
ax = plt.subplot(projection="polar")
angle = np.linspace(0, 2 * np.pi, 100)
ax.plot(angle, np.abs(np.sin(3 * angle)))
ax.set_theta_zero_location("N")

# %% a surface
import matplotlib.pyplot as plt
import numpy as np
x, y = np.meshgrid(np.linspace(-2, 2, 20), np.linspace(-2, 2, 20))
ax = plt.figure().add_subplot(projection="3d")
ax.plot_surface(x, y, np.cos(x) * np.sin(y), cmap="coolwarm")
ax.view_init(elev=40, azim=30)

# %% points in space
import matplotlib.pyplot as plt
import numpy as np
ax = plt.axes(projection="3d")
ax.scatter(*np.random.default_rng(0).random((3, 40)), c="r", marker="^")
ax.set_zlabel("height")

# %% bars in space
import matplotlib.pyplot as plt
ax = plt.figure().add_subplot(projection="3d")
ax.bar3d([0, 1, 2], [0, 0, 0], [0, 0, 0], 0.5, 0.5, [1, 3, 2])

# %% a map
import matplotlib.pyplot as plt
plt.subplot(projection="mollweide")
plt.grid(True)

# %% dates
import datetime
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=7 * n) for n in range(20)]
plt.plot(days, range(20))
plt.gca().xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))
plt.gcf().autofmt_xdate()

# %% concise dates
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
hours = np.arange("2024-02-28", "2024-03-02", dtype="datetime64[h]")
plt.plot(hours, np.sin(np.arange(len(hours)) / 6))
locator = mdates.AutoDateLocator()
plt.gca().xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))

# %% dates with a time zone
import datetime
import zoneinfo
import matplotlib.pyplot as plt
zone = zoneinfo.ZoneInfo("Europe/Berlin")
plt.plot([datetime.datetime(2024, 3, 31, hour, tzinfo=zone) for hour in range(6)], range(6))

# %% categories
import matplotlib.pyplot as plt
plt.plot(["apple", "pear", "fig"], [3, 1, 2], "s")

# %% ticks of one's own
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, MultipleLocator
ax = plt.subplot()
ax.plot(range(5000, 0, -500))
ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:.1f}k"))
ax.xaxis.set_minor_locator(MultipleLocator(0.5))

# %% engineering units
import matplotlib.pyplot as plt
from matplotlib.ticker import EngFormatter
ax = plt.subplot(xscale="log")
ax.plot([1, 1e3, 1e6, 1e9], [1, 2, 3, 4])
ax.xaxis.set_major_formatter(EngFormatter(unit="Hz"))

# %% limits and inversion
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])
plt.xlim(3, -1)
plt.gca().invert_yaxis()
print(plt.xlim(), plt.ylim())

# %% equal scales
import matplotlib.pyplot as plt
plt.plot([0, 4], [0, 1])
plt.axis("equal")
plt.margins(0.2)

# %% spines
import matplotlib.pyplot as plt
ax = plt.subplot()
ax.plot([-1, 1], [-1, 1])
ax.spines[["top", "right"]].set_visible(False)
ax.spines["left"].set_position("zero")

# %% a symmetric logarithm
import matplotlib.pyplot as plt
plt.plot([-1000, -1, 0, 1, 1000])
plt.yscale("symlog", linthresh=1)

# %% a scale of one's own
import matplotlib.pyplot as plt
import numpy as np
plt.plot([1, 4, 9])
plt.yscale("function", functions=(np.sqrt, np.square))

# %% a style
import matplotlib.pyplot as plt
plt.style.use("ggplot")
plt.plot([1, 3, 2])

# %% a style for a while
import matplotlib.pyplot as plt
with plt.style.context("dark_background"):
    plt.plot([1, 2, 3])
print(plt.rcParams["figure.facecolor"])

# %% comics
import matplotlib.pyplot as plt
with plt.xkcd(), plt.rc_context({"font.family": "DejaVu Sans"}):
    plt.plot([1, 3, 2])
    plt.title("funny")

# %% parameters
import matplotlib as mpl
import matplotlib.pyplot as plt
mpl.rcParams.update({"lines.linewidth": 3, "axes.prop_cycle": mpl.cycler(color="rgb")})
plt.rc("font", size=14, family="serif")
plt.plot([1, 2], [2, 1])
plt.plot([1, 2], [1, 2])

# %% a colour map of one's own
import matplotlib.pyplot as plt
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
cmap = LinearSegmentedColormap.from_list("mine", ["white", "#ff8800", "black"])
plt.imshow([[1, 2], [3, 4]], cmap=cmap, norm=BoundaryNorm([0, 1.5, 3.5, 5], cmap.N))

# %% a registered colour map
import matplotlib as mpl
import matplotlib.pyplot as plt
mpl.colormaps.register(mpl.colors.ListedColormap(["r", "g"], name="two"))
plt.imshow([[0, 1]], cmap="two")
print(len(mpl.colormaps) > 100, "two" in mpl.colormaps)

# %% a grid of pictures
import matplotlib.pyplot as plt
import numpy as np
from mpl_toolkits.axes_grid1 import ImageGrid
for ax, number in zip(ImageGrid(plt.figure(), 111, nrows_ncols=(2, 2), axes_pad=0.1), range(4)):
    ax.imshow(np.full((3, 3), number), vmin=0, vmax=3)

# %% the last frame of an animation
import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
fig, ax = plt.subplots()
(line,) = ax.plot([], [])
ax.set(xlim=(0, 5), ylim=(0, 5))
def step(frame):
    line.set_data(range(frame), range(frame))
    return (line,)
animation = FuncAnimation(fig, step, frames=5, repeat=False)
animation.save("line.gif", writer="pillow")

# %% a figure's size and points per inch
import matplotlib.pyplot as plt
fig = plt.figure(figsize=(3, 2), dpi=150, facecolor="0.9")
fig.text(0.5, 0.5, "hello")
print(fig.get_size_inches() * fig.dpi)

# %% labels asked for after drawing
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2])
fig.canvas.draw()
print([label.get_text() for label in ax.get_xticklabels()])
print(ax.get_window_extent())

# %% pixels of the canvas
import matplotlib.pyplot as plt
import numpy as np
fig = plt.figure(figsize=(1, 1), dpi=50)
fig.canvas.draw()
print(np.asarray(fig.canvas.buffer_rgba()).shape)

# %% a legend outside
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2], label="one")
ax.legend(bbox_to_anchor=(1.02, 1), loc="upper left", frameon=False)
fig.subplots_adjust(right=0.7)

# %% events that nobody sends
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
fig.canvas.mpl_connect("button_press_event", print)
fig.canvas.mpl_connect("draw_event", lambda event: None)
ax.plot([1, 2])

# %% widgets
import matplotlib.pyplot as plt
from matplotlib.widgets import Button, Slider
fig, ax = plt.subplots()
slider = Slider(ax, "size", 0, 10, valinit=3)
button = Button(fig.add_axes([0.8, 0.02, 0.1, 0.05]), "reset")
