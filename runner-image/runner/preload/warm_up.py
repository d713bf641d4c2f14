"""Draws figures into memory before there is a job, so that what drawing prepares once is there.

That is fonts, parsed formulas, compiled patterns, and modules that are imported when they are first used. Without
pyplot: its counters, its backend and its current figure are the program's. Whoever calls this hides the modules again
and puts back the state of the process (recording.py).
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import itertools
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Without signs in sizes of their own, which are in fonts that few figures need.
FORMULA = r"$\alpha_i^2 + \frac{x}{2} \leq \hat{\mathbf{x}}_{k+1} \times 10^{-3}$"
SMALL = (3, 2.4)


def draw_lines() -> None:
    """Draw lines, text in all styles, a legend, a grid and a formula, in the sizes that are asked for most."""
    figure, (axes,) = new_figure()
    axes.plot([1, 2, 3], [2, 1, 3], "o--", label="first")
    axes.fill_between([1, 2, 3], [1, 1, 2], alpha=0.3, label=r"$x^2$")
    axes.set(title="Title", xlabel="x", ylabel="y")
    axes.text(2, 2, "bold", weight="bold", rotation=30)
    axes.text(1, 2, "italic", style="italic")
    axes.text(1, 1, "both", style="italic", weight="bold")
    axes.text(1, 1.5, "mono", family="monospace")
    axes.annotate(FORMULA, (2, 1), (1, 3), arrowprops={"arrowstyle": "->"})
    axes.legend()
    axes.grid(visible=True)
    figure.tight_layout()
    save(figure, "png", dpi=100)
    save(figure, "png", dpi=200, bbox_inches="tight")


def draw_scales() -> None:
    """Draw axes with logarithms, dates and categories, bars, and points."""
    figure, (first, second, third, fourth) = new_figure(2, 2)
    first.loglog([1, 10, 1000], [1, 20, 3000])
    first.grid(visible=True, which="both")
    second.plot([dt.datetime(2024, 1, day, tzinfo=dt.UTC) for day in (1, 9, 20)], [1, 3, 2])
    figure.autofmt_xdate()
    third.bar(["a", "b", "c"], [1, 3, 2], yerr=0.1, capsize=2, hatch="//")
    third.twinx().hist([1, 2, 2, 3], bins=3)
    fourth.scatter([1, 2, 3], [3, 1, 2], c=[1, 2, 3], s=[10, 20, 30], alpha=0.5)
    save(figure, "png")


def draw_surfaces() -> None:
    """Draw images, meshes, contours and a colour bar, in a layout that is computed."""
    import numpy as np

    figure, (first, second, third, fourth) = new_figure(2, 2, layout="constrained")
    values = np.arange(16.0).reshape(4, 4)
    figure.colorbar(first.imshow(values), ax=first)
    second.pcolormesh(values, shading="auto")
    third.clabel(third.contour(values))
    third.contourf(values, cmap="coolwarm")
    fourth.pie([1, 2], labels=["a", "b"], autopct="%d%%")
    figure.suptitle("Title")
    save(figure, "png")
    layout_grid: Any = sys.modules["matplotlib._layoutgrid"]
    layout_grid._layoutboxobjnum = itertools.count()  # numbers that are in names


def draw_projections() -> None:
    """Draw polar axes, and axes with three dimensions."""
    import numpy as np

    figure, (polar,) = new_figure(subplot_kw={"projection": "polar"})
    polar.plot([0, 1, 2], [1, 2, 3])
    save(figure, "png")
    figure, (solid,) = new_figure(subplot_kw={"projection": "3d"})
    x, y = np.meshgrid(np.arange(4.0), np.arange(4.0))
    solid.plot_surface(x, y, x * y, cmap="viridis")
    solid.scatter([1, 2], [1, 2], [1, 2])
    solid.set(xlabel="x", ylabel="y", zlabel="z")
    save(figure, "png")


def draw_statistics() -> None:
    """Draw boxes, violins and vectors."""
    import numpy as np

    figure, (first, second, third, fourth) = new_figure(2, 2)
    first.boxplot([[1, 2, 3, 9], [2, 3, 4, 5]])
    second.violinplot([[1, 2, 3, 9], [2, 3, 4, 5]])
    x, y = np.meshgrid(np.arange(4.0), np.arange(4.0))
    third.quiver(x, y, x + 1, y)
    fourth.streamplot(x, y, x + 1, y)
    save(figure, "png")


def save_formats() -> None:
    """Save one figure in each format that a job can ask for; of animations each frame is drawn as a PNG is."""
    figure, (axes,) = new_figure()
    axes.plot([1, 2], label="Ä")
    axes.set_title(r"$x^2$")
    axes.legend()
    for kind in ("svg", "pdf", "jpeg", "webp"):
        save(figure, kind)


def draw_frame() -> None:
    """Draw a frame of pandas with dates, and read one."""
    import pandas as pd

    figure, (first, second) = new_figure(1, 2)
    table = io.StringIO("day,a,b\n2024-01-01,1,2\n2024-01-02,2,3\n2024-01-03,3,1\n")
    frame = pd.read_csv(table, parse_dates=["day"], index_col="day")
    frame.plot(ax=first)
    frame.groupby("a").mean().plot.bar(ax=second)
    repr(frame.describe())
    save(figure, "png")
    # What the first plot of a program imports and registers itself.
    sys.modules["pandas.plotting._core"]._backends.clear()
    sys.modules["pandas.plotting._matplotlib.converter"]._mpl_units.clear()


def draw_seaborn() -> None:
    """Draw a distribution and a heat map with seaborn."""
    import pandas as pd
    import seaborn as sns

    figure, (first, second, third, _) = new_figure(2, 2)
    frame = pd.DataFrame({"x": [1.0, 2, 2, 3, 4, 4], "y": [1.0, 3, 2, 4, 4, 5], "kind": list("ababab")})
    sns.scatterplot(frame, x="x", y="y", hue="kind", ax=first)
    sns.histplot(frame, x="x", kde=True, ax=second)
    sns.heatmap(frame[["x", "y"]].corr(), annot=True, ax=third)
    save(figure, "png")


#: The package that a step needs, and the step.
NEEDED = (
    ("matplotlib", draw_lines),
    ("matplotlib", draw_scales),
    ("matplotlib", draw_surfaces),
    ("matplotlib", draw_projections),
    ("matplotlib", draw_statistics),
    ("matplotlib", save_formats),
    ("pandas", draw_frame),
    ("seaborn", draw_seaborn),
)


def steps() -> list[Callable[[], None]]:
    """Return what to draw with the packages that there are."""
    return [step for package, step in NEEDED if importlib.util.find_spec(package) is not None]


def new_figure(rows: int = 1, columns: int = 1, *, layout: Any = None, **options: Any) -> Any:
    """Return a figure and its axes in one list."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SMALL, layout=layout)
    return figure, list(figure.subplots(rows, columns, squeeze=False, **options).flat)


def save(figure: Any, kind: str, **options: Any) -> None:
    """Save a figure into memory."""
    figure.savefig(io.BytesIO(), format=kind, **options)
