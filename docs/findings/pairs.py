# %% text-cut-off: bad
fig, ax = plt.subplots()
ax.plot([1, 3, 2])
ax.set_title("Mean discharge of the river at the old bridge")
# %% text-cut-off: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.set_title("Mean discharge of the river\nat the old bridge")
# %% legend-cut-off: bad
fig, ax = plt.subplots()
ax.plot([1, 3, 2], label="level")
ax.set_title("The river")
fig.subplots_adjust(left=0.15, right=0.85, bottom=0.15, top=0.85)
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
# %% legend-cut-off: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2], label="level")
ax.set_title("The river")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
# %% text-cut-by-axes: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 3], "o-")
ax.text(1.7, 2.7, "the last one", clip_on=True)
# %% text-cut-by-axes: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 3], "o-")
ax.text(0.4, 2.7, "the last one", clip_on=True)
# %% glyph-missing: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.set_title("Eye 𓁹 and reed 𓇋")
# %% glyph-missing: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.set_title("Eye ☉ and reed ↑")
# %% text-too-small: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.set_xlabel("time in hours", fontsize=4)
# %% text-too-small: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.set_xlabel("time in hours", fontsize=9)
# %% tick-labels-overlap: bad
fig, ax = plt.subplots(layout="constrained")
ax.bar(["Information", "Human resources", "Research", "Public relations"], [34, 12, 45, 8])
# %% tick-labels-overlap: good
fig, ax = plt.subplots(layout="constrained")
ax.barh(["Information", "Human resources", "Research", "Public relations"], [34, 12, 45, 8])
# %% texts-overlap: bad
fig, ax = plt.subplots(layout="constrained")
ax.scatter([1, 1.05, 2], [1, 1.03, 2])
for name, x, y in (("Lyon", 1, 1), ("Paris", 1.05, 1.03), ("Nice", 1.7, 1.9)):
    ax.annotate(name, (x, y), fontsize=12)
# %% texts-overlap: good
fig, ax = plt.subplots(layout="constrained")
ax.scatter([1, 1.05, 2], [1, 1.03, 2])
for name, x, y, up in (("Lyon", 1, 1, -10), ("Paris", 1.05, 1.03, 10), ("Nice", 1.7, 1.9, 0)):
    ax.annotate(name, (x, y), xytext=(6, up), textcoords="offset points", fontsize=12)
# %% text-over-axes: bad
fig, (left, right) = plt.subplots(1, 2, gridspec_kw={"wspace": 0})
left.plot([1, 3, 2])
right.plot([1000, 3000, 2000])
fig.suptitle("Two stations")
# %% text-over-axes: good
fig, (left, right) = plt.subplots(1, 2, layout="constrained")
left.plot([1, 3, 2])
right.plot([1000, 3000, 2000])
fig.suptitle("Two stations")
# %% legend-over-data: bad
fig, ax = plt.subplots(layout="constrained")
x = np.linspace(0, 10)
ax.plot(x, np.exp(x / 5), label="growth")
ax.legend(loc="upper right")
# %% legend-over-data: good
fig, ax = plt.subplots(layout="constrained")
x = np.linspace(0, 10)
ax.plot(x, np.exp(x / 5), label="growth")
ax.legend(loc="upper left")
# %% legend-over-text: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2, 1.5], label="level")
ax.annotate("high water", (1, 3), xytext=(2, 2.9), va="center", arrowprops={"arrowstyle": "->"})
ax.legend(loc="upper right")
# %% legend-over-text: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2, 1.5], label="level")
ax.annotate("high water", (1, 3), xytext=(2, 2.9), va="center", arrowprops={"arrowstyle": "->"})
ax.legend(loc="lower center")
# %% text-over-data: bad
fig, ax = plt.subplots(layout="constrained")
x = np.linspace(0, 6)
ax.plot(x, np.sin(x))
ax.text(1.6, 0.9, "the first wave", ha="center", va="center", bbox={"facecolor": "white"})
# %% text-over-data: good
fig, ax = plt.subplots(layout="constrained")
x = np.linspace(0, 6)
ax.plot(x, np.sin(x))
ax.text(4.6, 0.7, "the first wave", ha="center", va="center", bbox={"facecolor": "white"})
# %% overplotting: bad
fig, ax = plt.subplots(layout="constrained")
x, y = np.random.default_rng(1).standard_normal((2, 5000))
ax.scatter(x, y)
# %% overplotting: good
fig, ax = plt.subplots(layout="constrained")
x, y = np.random.default_rng(1).standard_normal((2, 5000))
ax.hexbin(x, y, gridsize=20)
# %% no-data-in-view: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([2001, 2002, 2003], [1, 3, 2])
ax.set_xlim(0, 10)
# %% no-data-in-view: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 3], [1, 3, 2])
ax.set_xlim(0, 10)
# %% series-out-of-view: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2], label="before")
ax.plot([11, 13, 12], "--", label="after")
ax.set_ylim(0, 5)
ax.legend()
# %% series-out-of-view: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2], label="before")
ax.plot([11, 13, 12], "--", label="after")
ax.set_ylim(0, 15)
ax.legend()
# %% points-invisible: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 3, 4, 5], [1, np.nan, 3, np.nan, 2])
# %% points-invisible: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 5], [1, 3, 2], "o-")
# %% series-hidden: bad
fig, ax = plt.subplots(layout="constrained")
x = np.arange(20)
ax.plot(x, x**2, label="measured")
ax.plot(x, x**2, label="computed", marker="")
ax.legend()
# %% series-hidden: good
fig, ax = plt.subplots(layout="constrained")
x = np.arange(20)
ax.plot(x, x**2, label="measured", linewidth=4)
ax.plot(x, x**2, "--", label="computed")
ax.legend()
# %% data-infinite: bad
fig, ax = plt.subplots(layout="constrained")
x = np.arange(-5, 6)
ax.plot(x, 1 / x.astype(float), "o")
# %% data-infinite: good
fig, ax = plt.subplots(layout="constrained")
x = np.array([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5])
ax.plot(x, 1 / x, "o")
# %% data-missing: bad
fig, ax = plt.subplots(layout="constrained")
y = np.sin(np.arange(30) / 4)
y[10:14] = np.nan
ax.plot(y)
# %% data-missing: good
fig, ax = plt.subplots(layout="constrained")
y = np.sin(np.arange(30) / 4)
y[10:14] = np.nan
known = np.flatnonzero(np.isfinite(y))
ax.plot(known, y[known], ".-")
# %% data-not-positive: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([0, 3, 50, 0, 900, 7000], "o")
ax.set_yscale("log")
# %% data-not-positive: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([0, 3, 50, 0, 900, 7000], "o")
ax.set_yscale("symlog")
# %% bars-not-from-zero: bad
fig, ax = plt.subplots(layout="constrained")
ax.bar(["2022", "2023", "2024"], [97, 98, 99])
ax.set_ylim(96, 100)
# %% bars-not-from-zero: good
fig, ax = plt.subplots(layout="constrained")
ax.bar(["2022", "2023", "2024"], [97, 98, 99])
ax.set_ylim(0, 110)
# %% bars-cut-off: bad
fig, ax = plt.subplots(layout="constrained")
ax.bar(["a", "b", "c"], [3, 40, 5])
ax.set_ylim(0, 10)
# %% bars-cut-off: good
fig, ax = plt.subplots(layout="constrained")
ax.bar(["a", "b", "c"], [3, 40, 5])
ax.set_ylim(0, 44)
# %% numbers-as-text: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot(["3.5", "10.2", "1.1", "7.9", "22.0"], "o-")
# %% numbers-as-text: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([3.5, 10.2, 1.1, 7.9, 22.0], "o-")
# %% years-with-fractions: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([2019, 2020, 2021, 2022], [3, 2, 3, 4], "o-")
ax.set_xticks([2019, 2019.5, 2020, 2021, 2022], ["2019.0", "2019.5", "2020", "2021", "2022"], rotation=60)
# %% years-with-fractions: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([2019, 2020, 2021, 2022], [3, 2, 3, 4], "o-")
ax.xaxis.set_major_locator(MaxNLocator(integer=True))
# %% too-many-slices: bad
fig, ax = plt.subplots(layout="constrained")
ax.pie(np.arange(12) + 5)
# %% too-many-slices: good
fig, ax = plt.subplots(layout="constrained")
ax.barh(np.arange(12), np.arange(12) + 5)
# %% series-alike: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], color="tab:blue", label="north")
ax.plot([1, 3, 2], color="tab:blue", label="south")
ax.legend()
# %% series-alike: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], color="tab:blue", label="north")
ax.plot([1, 3, 2], "--", color="tab:orange", label="south")
ax.legend()
# %% colours-alike: bad
fig, ax = plt.subplots(layout="constrained")
ax.bar([1, 2, 3], [2, 3, 4], color="tab:red", label="losses")
ax.bar([1, 2, 3], [1, 2, 1], color="tab:green", bottom=[2, 3, 4], label="gains")
ax.legend(loc="upper left")
# %% colours-alike: good
fig, ax = plt.subplots(layout="constrained")
ax.bar([1, 2, 3], [2, 3, 4], color="tab:orange", label="losses")
ax.bar([1, 2, 3], [1, 2, 1], color="tab:blue", bottom=[2, 3, 4], label="gains")
ax.legend(loc="upper left")
# %% colours-alike-in-grey: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], color="tab:blue", label="north")
ax.plot([1, 3, 2], color="tab:red", label="south")
ax.legend()
# %% colours-alike-in-grey: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], color="tab:blue", label="north")
ax.plot([1, 3, 2], color="tab:red", linestyle="--", label="south")
ax.legend()
# %% legend-missing: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], label="north")
ax.plot([1, 3, 2], "--", label="south")
# %% legend-missing: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], label="north")
ax.plot([1, 3, 2], "--", label="south")
ax.legend()
# %% legend-empty: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4])
ax.legend()
# %% legend-empty: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], label="north")
ax.legend()
# %% legend-repeats: bad
fig, ax = plt.subplots(layout="constrained")
for run in range(3):
    ax.plot(np.arange(5) + run, color="tab:blue", label="run")
ax.legend()
# %% legend-repeats: good
fig, ax = plt.subplots(layout="constrained")
for run in range(3):
    ax.plot(np.arange(5) + run, color="tab:blue", label=None if run else "three runs")
ax.legend()
# %% series-unnamed: bad
fig, ax = plt.subplots(layout="constrained")
x = np.linspace(0, 3)
for rate in (0.5, 1, 2):
    ax.plot(x, np.exp(-rate * x))
# %% series-unnamed: good
fig, ax = plt.subplots(layout="constrained")
x = np.linspace(0, 3)
for rate, style in ((0.5, "-"), (1, "--"), (2, ":")):
    ax.plot(x, np.exp(-rate * x), style, label=f"{rate} per hour")
ax.legend()
# %% low-contrast: bad
fig, ax = plt.subplots(layout="constrained")
bars = ax.bar(["a", "b", "c"], [3, 4, 5], color="khaki")
ax.bar_label(bars, label_type="center", color="white")
# %% low-contrast: good
fig, ax = plt.subplots(layout="constrained")
bars = ax.bar(["a", "b", "c"], [3, 4, 5], color="khaki")
ax.bar_label(bars, label_type="center", color="black")
# %% rainbow-colormap: bad
fig, ax = plt.subplots(layout="constrained")
x, y = np.mgrid[-2:2:60j, -2:2:60j]
fig.colorbar(ax.imshow(np.exp(-(x**2) - y**2), cmap="jet"))
# %% rainbow-colormap: good
fig, ax = plt.subplots(layout="constrained")
x, y = np.mgrid[-2:2:60j, -2:2:60j]
fig.colorbar(ax.imshow(np.exp(-(x**2) - y**2), cmap="viridis"))
# %% axes-empty: bad
fig, axs = plt.subplots(1, 2, layout="constrained")
axs[0].plot([1, 3, 2])
axs[0].set_title("level")
# %% axes-empty: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.set_title("level")
# %% twin-axes-unlabelled: bad
fig, ax = plt.subplots(layout="constrained")
ax.bar(range(6), [48, 42, 50, 44, 62, 70], color="lightblue")
ax.twinx().plot([0, 1, 5, 9, 14, 17], color="red")
# %% twin-axes-unlabelled: good
fig, ax = plt.subplots(layout="constrained")
ax.bar(range(6), [48, 42, 50, 44, 62, 70], color="lightblue")
ax.set_ylabel("rain (mm)")
twin = ax.twinx()
twin.plot([0, 1, 5, 9, 14, 17], color="red")
twin.set_ylabel("mean (°C)", color="red")
# %% axes-unlabelled: bad
fig, axs = plt.subplots(2, 1, layout="constrained")
axs[0].plot([1, 3, 2])
axs[1].plot([1000, 3000, 2000])
# %% axes-unlabelled: good
fig, axs = plt.subplots(2, 1, layout="constrained")
axs[0].plot([1, 3, 2])
axs[0].set_ylabel("level (m)")
axs[1].plot([1000, 3000, 2000])
axs[1].set_ylabel("flow (m³/s)")
# %% picture-mostly-empty: bad
fig, ax = plt.subplots()
ax.set_position([0.1, 0.62, 0.3, 0.3])
ax.plot([1, 3, 2])
ax.set_xticks([])
# %% picture-mostly-empty: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.set_xticks([])
# %% data-in-corner: bad
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 3], [1, 3, 2], "o")
ax.set(xlim=(0, 100), ylim=(0, 100))
# %% data-in-corner: good
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 3], [1, 3, 2], "o")
ax.set(xlim=(0, 4), ylim=(0, 4))
