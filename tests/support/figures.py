"""Figures of many kinds, which also run as a guest's program; what every check of a format must let pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable


def lines() -> Figure:
    """Lines, markers, legend, mathtext, Greek and German."""
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot([1, 2, 3], [2, 1, 3], "o--", label=r"$\sqrt{\alpha}$ für")
    axes.set_title(r"$\int_0^1 x^2\,dx$ (ὥρα)")
    axes.legend()
    return figure


def surfaces() -> Figure:
    """Pictures, meshes, gradients, contours and a colour bar."""
    figure = Figure(layout="constrained")
    axes = figure.subplots(2, 2)
    values = np.random.default_rng(1).uniform(size=(9, 9))
    figure.colorbar(axes[0, 0].imshow(values), ax=axes[0, 0])
    axes[0, 1].pcolormesh(values)
    axes[1, 0].contourf(values)
    axes[1, 1].tripcolor([0, 1, 0], [0, 0, 1], [1, 2, 3], shading="gouraud")
    return figure


def everything_else() -> Figure:
    """Hatches, clouds of points, links, names, polar axes and 3D."""
    figure = Figure()
    first = figure.add_subplot(221)
    first.bar([1, 2], [1, 2], hatch="//", alpha=0.5)
    first.text(0, 1, "a link", url="https://example.org/?a=1&b=2", gid="the (gid) \\ of 'it'")
    figure.add_subplot(222, projection="polar").plot([1, 2, 3])
    figure.add_subplot(223, projection="3d").plot_surface(*np.meshgrid([0, 1], [0, 1]), np.eye(2))
    x, y = np.random.default_rng(2).normal(size=(2, 200))
    figure.add_subplot(224).scatter(x, y, c=x, s=9 * abs(y), rasterized=True)
    return figure


#: Each figure is made anew, since drawing one changes it.
FIGURES: tuple[Callable[[], Figure], ...] = (Figure, lines, surfaces, everything_else)
