# %% annotated maximum
import matplotlib.pyplot as plt
import numpy as np

t = np.arange(0.0, 5.0, 0.01)
fig, ax = plt.subplots()
ax.plot(t, np.cos(2 * np.pi * t), lw=2)
ax.annotate("local max", xy=(2, 1), xytext=(3, 1.5), arrowprops=dict(facecolor="black", shrink=0.05))
ax.set_ylim(-2, 2)

# %% text in all places
import matplotlib.pyplot as plt

fig = plt.figure()
ax = fig.add_subplot()
fig.subplots_adjust(top=0.85)
fig.suptitle("bold figure suptitle", fontsize=14, fontweight="bold")
ax.set_title("axes title")
ax.set_xlabel("xlabel")
ax.set_ylabel("ylabel")
ax.axis([0, 10, 0, 10])
ax.text(3, 8, "boxed italics text in data coords", style="italic", bbox={"facecolor": "red", "alpha": 0.5, "pad": 10})
ax.text(2, 6, r"an equation: $E=mc^2$", fontsize=15)
ax.text(3, 2, "Unicode: Institut für Festkörperphysik")
ax.text(0.95, 0.01, "colored text in axes coords", verticalalignment="bottom", horizontalalignment="right", transform=ax.transAxes, color="green", fontsize=15)
ax.plot([2], [1], "o")
ax.annotate("annotate", xy=(2, 1), xytext=(3, 4), arrowprops=dict(facecolor="black", shrink=0.05))

# %% equations
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
ax.set_axis_off()
for i, eq in enumerate([r"$\alpha_i > \beta_i$", r"$\sum_{i=0}^\infty x_i$", r"$\left(\frac{5 - \frac{1}{x}}{4}\right)$", r"$\sqrt[3]{x}=\sqrt{y}$"]):
    ax.text(0.1, 0.9 - i * 0.22, eq, fontsize=22)

# %% fancy arrows
import matplotlib.pyplot as plt

styles = ["->", "-[", "|-|", "-|>", "<->", "fancy", "simple", "wedge"]
fig, ax = plt.subplots()
ax.set_axis_off()
for i, style in enumerate(styles):
    ax.annotate(style, xy=(0.7, i), xytext=(0.1, i), arrowprops=dict(arrowstyle=style), va="center", size=14)
ax.set(xlim=(0, 1), ylim=(-1, len(styles)))

# %% placing text boxes
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
x = 30 * rng.standard_normal(10000)
fig, ax = plt.subplots()
ax.hist(x, 50)
text = "\n".join((r"$\mu=%.2f$" % x.mean(), r"$\mathrm{median}=%.2f$" % np.median(x), r"$\sigma=%.2f$" % x.std()))
ax.text(0.05, 0.95, text, transform=ax.transAxes, fontsize=14, verticalalignment="top", bbox=dict(boxstyle="round", facecolor="wheat", alpha=0.5))

# %% labelled points
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(7)
x, y = rng.random((2, 40))
fig, ax = plt.subplots()
ax.scatter(x, y)
for i, (a, b) in enumerate(zip(x, y)):
    ax.annotate(f"sample {i}", (a, b))
ax.set(xlabel="first", ylabel="second", title="Samples by name")

# %% rainbow of words
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
for i, (word, color) in enumerate(zip("all unicorns poop rainbows !".split(), ["red", "orange", "gold", "green", "blue"])):
    ax.text(0.1 + 0.17 * i, 0.5, word, color=color, fontsize=16)

# %% watermark
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
fig, ax = plt.subplots()
ax.plot(rng.random(20), "-o", ms=20, lw=2, alpha=0.7, mfc="orange")
ax.grid()
ax.text(0.5, 0.5, "created with matplotlib", transform=ax.transAxes, fontsize=40, color="gray", alpha=0.5, ha="center", va="center", rotation=30)

# %% a long title
import matplotlib.pyplot as plt

plt.plot([1, 3, 2])
plt.title("Mean monthly discharge of the river at the gauging station near the old bridge, 1961 to 2020, corrected")
plt.ylabel("m³/s")

# %% date annotations along a line
import datetime as dt
import matplotlib.pyplot as plt
import numpy as np

dates = [dt.date(2014 + i // 4, 1 + 3 * (i % 4), 14) for i in range(20)]
levels = np.tile([-5, 5, -3, 3, -1, 1], 4)[:20]
fig, ax = plt.subplots(figsize=(8.8, 4), layout="constrained")
ax.set(title="Release dates")
ax.vlines(dates, 0, levels, color="tab:red")
ax.plot(dates, np.zeros(20), "-o", color="k", markerfacecolor="w")
for i, (d, level) in enumerate(zip(dates, levels)):
    ax.annotate(f"v{i}", xy=(d, level), xytext=(-3, np.sign(level) * 3), textcoords="offset points", ha="right", va="bottom" if level > 0 else "top")
ax.yaxis.set_visible(False)
ax.spines[["left", "top", "right"]].set_visible(False)

# %% text rotated in all ways
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
for i, angle in enumerate((0, 30, 60, 90)):
    ax.text(0.1 + i * 0.25, 0.4, f"rotation {angle}", rotation=angle, bbox=dict(facecolor="none", edgecolor="0.7"))
ax.set_title("Rotation")

# %% mathematical fonts in a title
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2, 50)
fig, ax = plt.subplots(layout="constrained")
ax.plot(x, x**2)
ax.set_title(r"$\int_0^2 x^2\,dx = \frac{8}{3}$", fontsize=20)
ax.set_xlabel(r"$x$ in $\mathrm{m}$")
ax.set_ylabel(r"$x^2$ in $\mathrm{m}^2$")
