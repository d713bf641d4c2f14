"""Figures that look like those with a finding, and that people read without trouble: nothing is found in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SILENT = {
    "slanted labels whose upright boxes overlap": """
fig, ax = plt.subplots(figsize=(5, 4), layout="constrained")
ax.bar(["Information technology", "Human resources", "Research and design", "Public relations"], [3, 4, 5, 6])
ax.tick_params("x", rotation=45)
plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
""",
    "lines of text with their usual spacing": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2])
for i in range(5):
    ax.text(0.1, 1.8 - i * 0.09, "Typography", fontsize=9)
""",
    "the same tick labels twice, by axes on one place": """
fig = plt.figure(layout="none")
for _ in range(2):
    ax = fig.add_axes((0.15, 0.15, 0.8, 0.7))
    ax.plot([1, 2, 3])
ax.set_title("two on one place")
""",
    "ticks of a log axis outside its limits": """
from matplotlib.ticker import EngFormatter
fig, ax = plt.subplots(layout="constrained")
ax.set_xscale("log")
ax.xaxis.set_major_formatter(EngFormatter(unit="Hz"))
ax.plot([1, 1e9], [1, 4])
""",
    "an annotation whose arrow crosses a text": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([0, 10], [0, 10], ".")
ax.text(3, 5, "in between", ha="center")
ax.annotate("peak", xy=(1, 2), xytext=(5, 8), arrowprops={"arrowstyle": "->"})
""",
    "a watermark": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.text(0.5, 0.5, "draft", transform=ax.transAxes, fontsize=50, color="gray", alpha=0.4, ha="center", va="center")
""",
    "a legend beside a line": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([0, 1, 2], [2, 0, 2], label="valley")
ax.legend(loc="upper center")
""",
    "a letter in a box on each bar": """
fig, ax = plt.subplots(layout="constrained")
ax.bar([1, 2], [3, 4])
ax.text(1, 3, "A", bbox={"facecolor": "white"}, ha="center")
""",
    "bars of a log scale": """
fig, ax = plt.subplots(layout="constrained")
ax.bar(["a", "b"], [10, 1000])
ax.set_yscale("log")
""",
    "bars that float, as those of tasks": """
fig, ax = plt.subplots(layout="constrained")
ax.barh(["a", "b", "c"], [3, 4, 2], left=[10, 12, 16])
""",
    "negative bars": """
fig, ax = plt.subplots(layout="constrained")
ax.bar(["a", "b", "c"], [-3, 4, -2])
""",
    "bars below an inverted axis": """
fig, ax = plt.subplots(layout="constrained")
ax.bar(["a", "b", "c"], [3, 4, 2])
ax.invert_yaxis()
""",
    "whole numbers that are names, in order": """
fig, ax = plt.subplots(layout="constrained")
ax.plot(["2019", "2020", "2021", "2022", "2023"], [1, 2, 3, 2, 3])
""",
    "a few numbers as names": """
fig, ax = plt.subplots(layout="constrained")
ax.bar(["3", "1", "2"], [1, 2, 3])
""",
    "a rolling mean that begins late": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([float("nan")] * 6 + list(range(20)))
""",
    "outlines parted by NaN": """
fig, ax = plt.subplots(layout="constrained")
nan = float("nan")
ax.plot([0, 1, 1, nan, 2, 3, 3], [0, 0, 1, nan, 0, 0, 1])
""",
    "values that were masked": """
fig, ax = plt.subplots(layout="constrained")
ax.plot(np.ma.masked_greater(np.array([1.0, 2, 3, 9, 9, 3, 2, 1]), 5))
""",
    "zeros on the linear axis of a log plot": """
fig, ax = plt.subplots(layout="constrained")
ax.semilogy([0, 1, 2], [1, 10, 100])
""",
    "a line that crosses the view between points outside of it": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([-10, 10], [-10, 10])
ax.set(xlim=(-1, 1), ylim=(-1, 1))
""",
    "a zoom on a part of the data": """
fig, ax = plt.subplots(layout="constrained")
ax.plot(np.arange(1000))
ax.set(xlim=(10, 20), ylim=(5, 25))
""",
    "an axes that holds only text": """
fig, axs = plt.subplots(1, 2, layout="constrained")
axs[0].plot([1, 3, 2])
axs[0].set_title("level")
axs[1].text(0.5, 0.5, "no data yet", ha="center")
""",
    "an axes switched off": """
fig, axs = plt.subplots(1, 2, layout="constrained")
axs[0].plot([1, 3, 2])
axs[0].set_title("level")
axs[1].set_axis_off()
""",
    "a twin that shows the same values in another unit": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2])
ax.set_ylabel("m")
ax.twinx().set_ylabel("ft")
""",
    "one label in one legend of the figure": """
fig, axs = plt.subplots(1, 2, layout="constrained")
for ax in axs:
    ax.plot([1, 3], label="a")
    ax.plot([3, 1], "--", label="b")
fig.legend(*axs[0].get_legend_handles_labels(), loc="outside lower center")
fig.suptitle("both")
""",
    "one labelled line": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3, 2], label="level")
ax.set_title("level")
""",
    "names beside their lines": """
fig, ax = plt.subplots(layout="constrained")
for i, name in enumerate(("north", "south")):
    ax.plot(np.arange(6) * (i + 1), label=name)
    ax.text(4, (i + 1) * 4 + 1.5 - 3 * i, name)
""",
    "a bundle of lines in one colour": """
fig, ax = plt.subplots(layout="constrained")
for i in range(5):
    ax.plot(np.arange(6) + i, color="grey")
""",
    "red and green that differ in style": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], color="tab:red", label="losses")
ax.plot([1, 3, 2], color="tab:green", marker="s", label="gains")
ax.legend()
""",
    "red and green that differ in width": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], color="tab:red", label="losses", linewidth=1)
ax.plot([1, 3, 2], color="tab:green", label="gains", linewidth=4)
ax.legend()
""",
    "red and green that differ in hatching": """
fig, ax = plt.subplots(layout="constrained")
ax.bar([1, 2], [1, 2], color="tab:red", label="losses")
ax.bar([3, 4], [1, 2], color="tab:green", hatch="//", label="gains")
ax.set_ylim(0, 6)
ax.legend(loc="upper center")
""",
    "one colour in several sizes": """
fig, ax = plt.subplots(layout="constrained")
for size in (4, 8, 12):
    ax.plot([size], [size], "o", color="grey", markersize=size, label=f"{size} mm")
ax.legend()
""",
    "a measured line and the same dashed above it": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2, 4], linewidth=3, label="measured")
ax.plot([1, 2, 4], "--", label="computed")
ax.legend()
""",
    "white text on dark cells and black on bright ones": """
fig, ax = plt.subplots(layout="constrained")
values = np.array([[0.0, 1.0], [0.2, 0.9]])
ax.imshow(values)
for (row, column), value in np.ndenumerate(values):
    ax.text(column, row, value, color="white" if value < 0.5 else "black", ha="center", va="center")
""",
    "white text with an outline": """
from matplotlib.patheffects import withStroke
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 2])
ax.text(0.1, 1.8, "outlined", color="white", path_effects=[withStroke(linewidth=2, foreground="black")])
""",
    "white text on a dark style": """
with plt.style.context("dark_background"):
    fig, ax = plt.subplots(figsize=(3.2, 2.2), layout="constrained")
    ax.plot([1, 2])
    ax.set_title("night")
""",
    "a dense cloud that shines through": """
fig, ax = plt.subplots(layout="constrained")
x, y = np.random.default_rng(1).standard_normal((2, 5000))
ax.scatter(x, y, alpha=0.05)
""",
    "a hue for angles": """
fig, ax = plt.subplots(layout="constrained")
x, y = np.mgrid[-2:2:60j, -2:2:60j]
fig.colorbar(ax.imshow(np.arctan2(x, y), cmap="twilight"))
""",
    "few classes in the colours of jet": """
fig, ax = plt.subplots(layout="constrained")
ax.imshow(np.arange(9).reshape(3, 3) % 3, cmap="jet")
""",
    "a photo in a figure of another shape": """
fig, ax = plt.subplots(figsize=(6.4, 4.8))
ax.imshow(np.zeros((400, 330, 3)))
ax.axis("off")
""",
    "labels at the outer axes of a grid": """
fig, axs = plt.subplots(2, 2, figsize=(5, 4), layout="constrained")
for ax in axs.flat:
    ax.plot([1, 3, 2])
for ax in axs[1]:
    ax.set_xlabel("hour")
for ax in axs[:, 0]:
    ax.set_ylabel("m")
""",
    "ten slices": """
fig, ax = plt.subplots(layout="constrained")
ax.pie(np.arange(10) + 5)
""",
    "text in three dimensions": """
fig = plt.figure(figsize=(5, 4))
ax = fig.add_subplot(projection="3d")
ax.plot([1, 9], [1, 9], [1, 9])
ax.text(9, 9, 9, "end")
""",
    "fonts for Greek, Cyrillic, arrows and formulas": r"""
fig, ax = plt.subplots(layout="constrained")
ax.plot([1, 3])
ax.set_title("Ωμέγα — да → ½ $\\mathcal{Z}_\\aleph$ naïve")
""",
    "years as whole numbers": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([2019, 2020, 2021], [1, 3, 2])
ax.set_xticks([2019, 2020, 2021])
""",
    "parts of years where the data has parts of years": """
fig, ax = plt.subplots(layout="constrained")
ax.plot([2019.1, 2019.6, 2020.2], [1, 3, 2])
ax.set_xticks([2019.5, 2020])
""",
}


@pytest.mark.parametrize("name", SILENT)
def test_silent(name: str, codes: Callable[[str], list[str]]) -> None:
    """Nothing is found in a figure that only looks like one with a finding."""
    assert codes(SILENT[name]) == []
