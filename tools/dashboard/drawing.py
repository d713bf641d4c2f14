"""Draws panels from a file `panels.json`; a program that `tools.dashboard.picture` sends to Figbox."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

import matplotlib.dates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

#: Untyped upstream.
dates: Any = matplotlib.dates

#: Inches of a column and of a row of Grafana's grid, and of a row's heading.
COLUMN, ROW, HEADING = 0.62, 0.26, 0.3
COLUMNS = 24

#: Seconds from which minutes are easier to read; series from which colours must be more; what counts as nothing.
LONG_S, FEW, NOTHING = 120, 10, 1e-9

COLORS = {"green": "#56a64b", "yellow": "#e0a100", "red": "#d03030", "blue": "#3274d9"}
BACK, PAPER, INK, FAINT = "#f4f5f7", "#ffffff", "#24292e", "#8a9199"


def number(value: float, unit: str) -> str:
    """Return a value as people read it."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    if unit == "s":
        if value >= LONG_S:
            return f"{value / 60:.3g} min"
        return f"{value:.3g} s" if value >= 1 or value == 0 else f"{value * 1000:.3g} ms"
    return f"{value:.3g}" + ({"reqps": " /s", "cps": " /s"}.get(unit, ""))


def times(points: list[list[float]]) -> list[dt.datetime]:
    """Return when points were."""
    return [dt.datetime.fromtimestamp(at, dt.UTC) for at, _ in points]


def stat(ax: Any, panel: dict[str, Any]) -> None:
    """Draw one number, in the colour of its step."""
    ax.set_axis_off()
    found = [each for each in panel["series"] if each["points"]]
    text, color = "no data", FAINT
    if found:
        value = found[0]["points"][-1][1]
        color = [COLORS[name] for least, name in panel["steps"] if least is None or value >= least][-1]
        word = panel["words"].get(f"{value:g}")
        text = word[0] if word else ", ".join(each["name"] for each in found) or number(value, panel["unit"])
    ax.text(0.5, 0.45, text, ha="center", va="center", fontsize=15, color=color, transform=ax.transAxes)


def lines(ax: Any, panel: dict[str, Any]) -> None:
    """Draw series over time, stacked where they add up."""
    drawn = [each for each in panel["series"] if each["points"]]
    plain = [each for each in drawn if not each["dashed"]]
    colors = plt.get_cmap("tab20" if len(plain) > FEW else "tab10")
    palette = [colors(index) for index in range(colors.N)]
    if panel["stacked"] and plain:
        stack(ax, plain, palette, panel["colors"])
    else:
        for each, color in zip(plain, palette * 3, strict=False):
            ax.plot(
                times(each["points"]), [value for _, value in each["points"]], color=color, lw=1, label=each["name"]
            )
    for each in drawn:
        if each["dashed"]:
            values = [value for _, value in each["points"]]
            ax.plot(times(each["points"]), values, color=COLORS["red"], lw=1, ls="--", label=each["name"])
    if panel["highest"] is not None:
        ax.set_ylim(top=panel["highest"] * 1.03)
    if panel["lowest"] is not None:
        ax.set_ylim(bottom=panel["lowest"])
        if ax.get_ylim()[1] < NOTHING:
            ax.set_ylim(top=1)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, panel["unit"])))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    shown = [each for each in drawn if any(value for _, value in each["points"])] or drawn[:3]
    names = {each["name"] for each in shown}
    handles, labels = ax.get_legend_handles_labels()
    kept = [(handle, label) for handle, label in zip(handles, labels, strict=True) if label in names]
    if kept:
        ax.legend(
            *zip(*kept, strict=True),
            fontsize=5.5,
            ncols=3,
            frameon=False,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.14),
            handlelength=1,
            columnspacing=1,
            borderaxespad=0,
        )


def table(series: list[list[list[float]]]) -> tuple[list[dt.datetime], Any]:
    """Return all times that any series has, and the values of each at them, 0 where it has none."""
    when = sorted({at for points in series for at, _ in points})
    found: list[dict[float, float]] = [{point[0]: point[1] for point in points} for points in series]
    values = np.array([[points.get(at, 0.0) for at in when] for points in found])
    return [dt.datetime.fromtimestamp(at, dt.UTC) for at in when], values


def stack(ax: Any, series: list[dict[str, Any]], palette: Any, fixed: dict[str, str]) -> None:
    """Draw series on top of each other, at the times that any of them has; names may have colours of their own."""
    moments, values = table([each["points"] for each in series])
    named = [COLORS.get(fixed.get(each["name"], "")) for each in series]
    colors = [own or color for color, own in zip(palette * 3, named, strict=False)]
    ax.stackplot(moments, values, labels=[each["name"] for each in series], colors=colors, alpha=0.75, lw=0)


def heat(ax: Any, panel: dict[str, Any]) -> None:
    """Draw how many fall into each bucket over time, from cumulative buckets."""
    edges = sorted((float(each["name"]), each["points"]) for each in panel["series"] if each["name"] != "+Inf")
    moments, cumulative = table([points for _, points in edges])
    if len(moments) < 2:  # noqa: PLR2004 - a mesh needs two
        return
    counts = np.diff(cumulative, axis=0, prepend=0)
    ax.pcolormesh(moments, range(len(edges)), np.ma.masked_less_equal(counts, 0), cmap="Blues", shading="nearest")
    ax.set_yticks(range(len(edges)), [number(edge, panel["unit"]) for edge, _ in edges], fontsize=5.5)


def states(ax: Any, panel: dict[str, Any]) -> None:
    """Draw what state each series was in."""
    for index, each in enumerate(panel["series"]):
        moments = dates.date2num(times(each["points"]))
        spans = [(left, right - left) for left, right in itertools.pairwise(moments)]
        colors = [COLORS[panel["words"][f"{value:g}"][1]] for _, value in each["points"][:-1]]
        ax.broken_barh(spans, (index - 0.38, 0.76), facecolors=colors, lw=0)
    ax.set_yticks(range(len(panel["series"])), [each["name"] for each in panel["series"]], fontsize=6)
    ax.set_ylim(-0.6, len(panel["series"]) - 0.4)
    ax.invert_yaxis()
    ax.xaxis_date()


KINDS = {"stat": stat, "timeseries": lines, "heatmap": heat, "state-timeline": states}


def heights(rows: list[dict[str, Any]]) -> float:
    """Return the height of the figure in inches, and give each panel its place."""
    y = 0.1
    for row in rows:
        row["y"] = y
        y, x, tallest = y + HEADING, 0, 0
        for panel in row["panels"]:
            if x + panel["width"] > COLUMNS:
                x, y, tallest = 0, y + tallest * ROW, 0
            panel["x"], panel["y"] = x, y
            x, tallest = x + panel["width"], max(tallest, panel["height"])
        y += tallest * ROW
    return y + 0.1


def main(document: dict[str, Any]) -> None:
    """Draw all rows."""
    plt.rcParams.update({"font.size": 6, "axes.edgecolor": "#d0d4d8", "axes.labelcolor": INK, "text.color": INK})
    tall = heights(document["rows"])
    wide = COLUMNS * COLUMN
    fig = plt.figure(figsize=(wide, tall), dpi=80, facecolor=BACK)
    for row in document["rows"]:
        fig.text(0.1 / wide, 1 - (row["y"] + 0.22) / tall, row["title"], fontsize=9, fontweight="bold")
        for panel in row["panels"]:
            place(fig, panel, wide, tall, document)
    plt.show()


def place(fig: Any, panel: dict[str, Any], wide: float, tall: float, document: dict[str, Any]) -> None:
    """Draw one panel on its card."""
    left, width = panel["x"] * COLUMN, panel["width"] * COLUMN
    top, height = panel["y"], panel["height"] * ROW
    card = (left + 0.04) / wide, 1 - (top + height - 0.04) / tall, (width - 0.08) / wide, (height - 0.08) / tall
    fig.add_artist(
        Rectangle(
            card[:2], *card[2:], transform=fig.transFigure, facecolor=PAPER, edgecolor="#dfe2e5", lw=0.6, zorder=-1
        )
    )
    fig.text((left + 0.14) / wide, 1 - (top + 0.2) / tall, panel["title"], fontsize=7)
    is_stat, is_state = panel["kind"] == "stat", panel["kind"] == "state-timeline"
    margin = 0.1 if is_stat else (1.35 if is_state else 0.62)
    foot = 0.1 if is_stat else (0.3 if panel["kind"] != "timeseries" else 0.52)
    box = (
        (left + margin) / wide,
        1 - (top + height - foot) / tall,
        (width - margin - 0.2) / wide,
        (height - foot - 0.32) / tall,
    )
    ax = fig.add_axes(box, facecolor="none")
    KINDS[panel["kind"]](ax, panel)
    if not is_stat:
        ax.tick_params(length=2, color="#d0d4d8", labelcolor="#57606a", pad=2)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y" if not is_state else "x", color="#eceef0", lw=0.6)
        ax.set_axisbelow(True)
        span = [dt.datetime.fromtimestamp(document[end], dt.UTC) for end in ("start", "end")]
        ax.set_xlim(*span)
        ax.xaxis.set_major_locator(dates.AutoDateLocator(minticks=3, maxticks=5))
        ax.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))


main(json.loads(Path("panels.json").read_text("utf-8")))
