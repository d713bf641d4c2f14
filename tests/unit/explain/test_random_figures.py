"""Random figures: each description keeps its types and bounds, follows from the figure, and leaves it as it was."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from gateway.model import explanation
from tests.support.explained import alt_text, checked, describe_saved, save, words

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = range(24)

FLAT: tuple[Callable[[Any, Any, Any], object], ...] = (
    lambda ax, x, y: ax.plot(x, y, "o-", label="l"),
    lambda ax, x, y: ax.step(x, y),
    lambda ax, x, y: ax.scatter(x, y, c=y, s=x),
    lambda ax, x, y: ax.bar(x, y, label="b"),
    lambda ax, x, y: ax.barh([f"c{round(each)}" for each in x], y),
    lambda ax, x, y: ax.hist([x, y], stacked=True),
    lambda ax, x, y: ax.hist(y, histtype="stepfilled"),
    lambda ax, x, y: ax.boxplot([x, y]),
    lambda ax, x, y: ax.violinplot([x, y]),
    lambda ax, x, y: ax.errorbar(x, y, abs(y), abs(x), capsize=2),
    lambda ax, x, y: ax.fill_between(x, y),
    lambda ax, x, y: ax.stackplot(np.sort(x), abs(y), abs(y)),
    lambda ax, x, y: ax.imshow(np.outer(x, y)),
    lambda ax, x, y: ax.pcolormesh(np.outer(x, y)),
    lambda ax, x, y: ax.contour(np.outer(x, y)),
    lambda ax, x, y: ax.hexbin(x, y, gridsize=5),
    lambda ax, x, y: ax.quiver(x, y, y, x),
    lambda ax, x, y: ax.pie(abs(x), labels=range(len(x))),
    lambda ax, x, y: ax.stem(x, y),
    lambda ax, x, y: ax.eventplot([x, y]),
    lambda ax, x, y: ax.table([["a", "b"]]),
    lambda ax, x, y: ax.text(0.5, 0.5, "text", transform=ax.transAxes),
    lambda ax, x, y: ax.annotate("note", (0.5, 0.5), xycoords="axes fraction"),
    lambda ax, x, y: (ax.axhline(y[0]), ax.axvspan(x[0], x[-1])),
    lambda ax, x, y: ax.axline((0, 0), slope=1),
    lambda ax, x, y: ax.twinx().plot(x, y),
    lambda ax, x, y: ax.inset_axes((0.1, 0.1, 0.4, 0.4)).plot(x, y),
    lambda ax, x, y: ax.set(xscale="symlog", yscale="symlog"),
    lambda ax, x, y: ax.invert_yaxis(),
    lambda ax, x, y: ax.axis("off"),
    lambda ax, x, y: ax.set(title="$x$ title", xlabel="label"),
    lambda ax, x, y: ax.legend(["a", "b"]),
)
ROUND = FLAT[:4]  # polar axes, where Matplotlib itself fails at some of the others
SOLID: tuple[Callable[[Any, Any, Any], object], ...] = (
    lambda ax, x, y: ax.plot(x, y, y),
    lambda ax, x, y: ax.scatter(x, y, x),
    lambda ax, x, y: ax.bar3d(x, y, 0, 1, 1, y),
    lambda ax, x, y: ax.plot_wireframe(*np.meshgrid(x, y), np.outer(y, x)),
    lambda ax, x, y: ax.plot_surface(*np.meshgrid(x, y), np.outer(y, x)),
)


def random_figure(seed: int) -> Figure:
    """Return a figure with a few axes, each with a few random calls on random numbers."""
    rng = np.random.default_rng(seed)
    figure = Figure(figsize=(4, 3), layout=rng.choice(["none", "constrained"]), dpi=60)
    for number in range(1, 1 + rng.integers(1, 4)):
        solid = rng.random() < 0.2
        projection = "3d" if solid else str(rng.choice(["rectilinear"] * 4 + ["polar"]))
        ax = figure.add_subplot(1, 3, number, projection=projection)
        for _ in range(rng.integers(0, 5)):
            size = int(rng.integers(2, 12))
            x, y = rng.normal(0, 10.0 ** rng.integers(-3, 4), (2, size))
            calls = {"3d": SOLID, "polar": ROUND}.get(projection, FLAT)
            try:
                calls[rng.integers(len(calls))](ax, x, y)
            except (ValueError, TypeError, IndexError, NotImplementedError):  # not every call can draw every number
                continue
            if rng.random() < 0.3 and ax.lines:
                ax.lines[0].set_ydata(np.where(rng.random(len(ax.lines[0].get_xdata())) < 0.5, np.nan, 1))
    return figure


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_figure(seed: int) -> None:
    """What is said of it fits the gateway's types at each level, and the picture is the same afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what random calls are warned of is no matter here
        figure, twin = random_figure(seed), random_figure(seed)
        assert save(figure) == save(twin)
        texts = set()
        for level, limit in (
            ("summary", explanation.CLAIM_LIMIT_BYTES),
            ("full", explanation.CLAIM_LIMIT_BYTES),
            ("data", explanation.CLAIM_WITH_DATA_LIMIT_BYTES),
        ):
            description = describe_saved(figure, level)
            checked(description)
            assert len(json.dumps(words.as_json(description))) < limit
            assert description == describe_saved(figure, level)
            texts.add(alt_text.alt_text(description))
            assert sum(axes.artists_left_out for axes in description.axes) == 0
        assert len(texts) == 1
        assert save(figure) == save(twin)
