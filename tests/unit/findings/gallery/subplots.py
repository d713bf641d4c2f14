# %% two by two
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2 * np.pi, 400)
y = np.sin(x**2)
fig, axs = plt.subplots(2, 2)
axs[0, 0].plot(x, y)
axs[0, 0].set_title("Axis [0, 0]")
axs[0, 1].plot(x, y, "tab:orange")
axs[0, 1].set_title("Axis [0, 1]")
axs[1, 0].plot(x, -y, "tab:green")
axs[1, 0].set_title("Axis [1, 0]")
axs[1, 1].plot(x, -y, "tab:red")
axs[1, 1].set_title("Axis [1, 1]")
for ax in axs.flat:
    ax.set(xlabel="x-label", ylabel="y-label")

# %% stacked, shared
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2 * np.pi, 400)
y = np.sin(x**2)
fig, axs = plt.subplots(3, sharex=True, sharey=True)
fig.suptitle("Sharing both axes")
axs[0].plot(x, y**2)
axs[1].plot(x, 0.3 * y, "o")
axs[2].plot(x, y, "+")

# %% side by side without names
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 5, 100)
fig, (ax1, ax2, ax3) = plt.subplots(1, 3)
ax1.plot(x, np.exp(x))
ax2.plot(x, np.sqrt(x))
ax3.plot(x, np.sin(x) * 1000)

# %% inset of a zoom
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(1)
Z = rng.random((15, 15)).cumsum(0).cumsum(1)
fig, ax = plt.subplots()
extent = (-3, 4, -4, 3)
ax.imshow(Z, extent=extent, origin="lower")
axins = ax.inset_axes([0.5, 0.5, 0.47, 0.47], xlim=(-1.5, -0.9), ylim=(-2.5, -1.9), xticklabels=[], yticklabels=[])
axins.imshow(Z, extent=extent, origin="lower")
ax.indicate_inset_zoom(axins, edgecolor="black")

# %% broken axis
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680801)
pts = rng.random(30) * 0.2
pts[[3, 14]] += 0.8
fig, (ax1, ax2) = plt.subplots(2, 1, sharex=True)
fig.subplots_adjust(hspace=0.05)
ax1.plot(pts)
ax2.plot(pts)
ax1.set_ylim(0.78, 1.0)
ax2.set_ylim(0, 0.22)
ax1.spines.bottom.set_visible(False)
ax2.spines.top.set_visible(False)
ax1.xaxis.tick_top()
ax1.tick_params(labeltop=False)
ax2.xaxis.tick_bottom()

# %% two scales
import matplotlib.pyplot as plt
import numpy as np

t = np.arange(0.01, 10.0, 0.01)
fig, ax1 = plt.subplots()
ax1.set_xlabel("time (s)")
ax1.set_ylabel("exp", color="tab:red")
ax1.plot(t, np.exp(t), color="tab:red")
ax1.tick_params(axis="y", labelcolor="tab:red")
ax2 = ax1.twinx()
ax2.set_ylabel("sin", color="tab:blue")
ax2.plot(t, np.sin(2 * np.pi * t), color="tab:blue")
ax2.tick_params(axis="y", labelcolor="tab:blue")
fig.tight_layout()

# %% two scales without names
import matplotlib.pyplot as plt
import numpy as np

month = np.arange(1, 13)
fig, ax = plt.subplots()
ax.bar(month, [48, 42, 50, 44, 62, 70, 74, 69, 54, 50, 58, 55], color="lightblue")
ax.twinx().plot(month, [0, 1, 5, 9, 14, 17, 19, 18, 14, 10, 5, 1], color="red")
ax.set_title("Climate")

# %% secondary axis
import matplotlib.pyplot as plt
import numpy as np

fig, ax = plt.subplots(layout="constrained")
x = np.arange(0, 360, 1)
ax.plot(x, np.sin(2 * x * np.pi / 180))
ax.set_xlabel("angle [degrees]")
ax.set_ylabel("signal")
ax.set_title("Sine wave")
secax = ax.secondary_xaxis("top", functions=(np.deg2rad, np.rad2deg))
secax.set_xlabel("angle [rad]")

# %% three y axes
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
fig.subplots_adjust(right=0.75)
twin1, twin2 = ax.twinx(), ax.twinx()
twin2.spines.right.set_position(("axes", 1.2))
(p1,) = ax.plot([0, 1, 2], [0, 1, 2], "C0", label="Density")
(p2,) = twin1.plot([0, 1, 2], [0, 3, 2], "C1", label="Temperature")
(p3,) = twin2.plot([0, 1, 2], [50, 30, 15], "C2", label="Velocity")
ax.set(xlim=(0, 2), ylim=(0, 2), xlabel="Distance", ylabel="Density")
twin1.set(ylim=(0, 4), ylabel="Temperature")
twin2.set(ylim=(1, 65), ylabel="Velocity")
ax.legend(handles=[p1, p2, p3])

# %% mosaic
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
axd = plt.figure(layout="constrained").subplot_mosaic("AAB;CCB")
axd["A"].bar(["a", "b", "c"], [5, 7, 9])
axd["B"].plot([1, 2, 3])
axd["C"].hist(rng.standard_normal(1000))
for name, ax in axd.items():
    ax.set_title(name)

# %% grid specification
import matplotlib.pyplot as plt

fig = plt.figure(layout="constrained")
gs = fig.add_gridspec(3, 3)
axes = [fig.add_subplot(gs[0, :]), fig.add_subplot(gs[1, :-1]), fig.add_subplot(gs[1:, -1]), fig.add_subplot(gs[-1, 0]), fig.add_subplot(gs[-1, -2])]
fig.suptitle("GridSpec")
for i, ax in enumerate(axes):
    ax.text(0.5, 0.5, "ax%d" % (i + 1), va="center", ha="center")
    ax.tick_params(labelbottom=False, labelleft=False)

# %% subfigures
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(19680808)
fig = plt.figure(layout="constrained", figsize=(10, 4))
left, right = fig.subfigures(1, 2, wspace=0.07)
axs = left.subplots(1, 2, sharey=True)
left.set_facecolor("0.75")
for ax in axs:
    pc = ax.pcolormesh(rng.standard_normal((30, 30)), vmin=-2.5, vmax=2.5)
left.suptitle("Left plots", fontsize="x-large")
left.colorbar(pc, shrink=0.6, ax=axs, location="bottom")
axs = right.subplots(3, 1, sharex=True)
for ax in axs:
    ax.plot(rng.random(30))
right.suptitle("Right plots", fontsize="x-large")

# %% a forgotten axes
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 1, 50)
fig, axs = plt.subplots(2, 2, layout="constrained")
for ax, power in zip(axs.flat, (1, 2, 3)):
    ax.plot(x, x**power)
    ax.set_title(f"power {power}")

# %% anscombe
import matplotlib.pyplot as plt
import numpy as np

x = np.array([10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5])
ys = {"I": [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68], "II": [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74]}
fig, axs = plt.subplots(1, 2, sharex=True, sharey=True, figsize=(6, 3))
axs[0].set(xlim=(0, 20), ylim=(2, 14))
for ax, (label, y) in zip(axs, ys.items()):
    ax.text(0.1, 0.9, label, fontsize=20, transform=ax.transAxes, va="top")
    ax.plot(x, y, "o")
    p1, p0 = np.polyfit(x, y, deg=1)
    ax.axline(xy1=(0, p0), slope=p1, color="r", lw=2)
    ax.text(0.95, 0.07, f"mean {np.mean(y):.2f}", transform=ax.transAxes, ha="right", bbox=dict(boxstyle="round", fc="blanchedalmond", ec="orange", alpha=0.5))

# %% axes zoomed in
import matplotlib.pyplot as plt
import numpy as np

t = np.arange(0.0, 3.0, 0.01)
f = np.exp(-t) * np.cos(2 * np.pi * t)
ax1 = plt.subplot(212)
ax1.margins(0.05)
ax1.plot(t, f)
ax2 = plt.subplot(221)
ax2.margins(2, 2)
ax2.plot(t, f)
ax2.set_title("Zoomed out")
ax3 = plt.subplot(222)
ax3.margins(x=0, y=-0.25)
ax3.plot(t, f)
ax3.set_title("Zoomed in")

# %% a large grid with a column of names
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(9)
fig, axs = plt.subplots(4, 4)
for i, ax in enumerate(axs.flat):
    ax.plot(rng.standard_normal(50).cumsum())
    ax.set_title(f"station {i}")
