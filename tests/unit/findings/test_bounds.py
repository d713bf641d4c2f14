"""Findings of figures that mean harm or are huge: bounded, in time, and without a change to the figure."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest

from tools.findings.drawing import RUNNER, look, shown
from tools.findings.pairs import PREAMBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

mpl.use("agg")

import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def figures() -> Iterator[None]:
    """Close all figures after a test."""
    yield
    plt.close("all")


def found_in(figure: Any) -> list[str]:
    """Return the codes of what is found in a figure."""
    return [finding.code for finding in look(figure).findings]


def test_worst_first() -> None:
    """Errors come before warnings, and those before notes; twice the same is found."""
    script = (
        PREAMBLE
        + """
fig, axs = plt.subplots(1, 3)
axs[0].bar(["a", "b"], [98, 99])
axs[0].set_ylim(97, 100)
for i in range(4):
    axs[1].plot(np.arange(6) + i)
axs[1].set_title("Lines without names in an axes that is narrow")
"""
    )
    (first,), (second,) = shown(script), shown(script)
    order = [["error", "warning", "note"].index(finding.severity) for finding in first.findings]
    assert order == sorted(order)
    assert {"axes-empty", "bars-not-from-zero", "series-unnamed"} <= {finding.code for finding in first.findings}
    assert first.findings == second.findings


def test_a_check_that_fails_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an artist raises in one check, the others say what they find."""
    figure, (_, ax) = plt.subplots(1, 2)
    ax.plot([1, 2])
    assert found_in(figure) == ["axes-empty"]
    module = sys.modules["findings.finding"]

    def fail(_: Any) -> Any:
        raise AttributeError

    monkeypatch.setattr(module, "CHECKS", (fail, *module.CHECKS, fail))
    assert found_in(figure) == ["axes-empty"]


def test_number_of_findings() -> None:
    """Of more findings than the limit the first are returned, and the others are counted."""
    figure, axs = plt.subplots(8, 8, figsize=(16, 16))
    for ax in axs.flat:
        ax.plot([1, 2, float("inf"), 3])
        ax.plot([5], [5])
    sys.path.insert(0, str(RUNNER))
    try:
        from explain.drawn import Drawn, Saved, as_saved
        from findings.finding import find
    finally:
        sys.path.remove(str(RUNNER))
    figure.savefig(io.BytesIO(), dpi=50)
    saved = Saved(50.0, 0.0, 800.0, 800.0, 800.0)
    with as_saved(figure, saved):
        findings, more = find(Drawn(figure, saved, 60.0))
    assert len(findings) == 50
    assert more > 20


def test_one_cause() -> None:
    """Thirty tick labels that run into each other in four axes are one finding, and it counts them."""
    figure, axs = plt.subplots(2, 2, sharex=False, figsize=(5, 4), layout="constrained")
    for ax in axs.flat:
        ax.plot(range(30))
        ax.set_xticks(range(30), [f"number {i}" for i in range(30)])
        ax.set_title("title")
    (finding,) = look(figure).findings
    assert finding.code == "tick-labels-overlap"
    assert finding.axes == (1, 2, 3, 4)
    assert "120 tick labels" in finding.sentence


class Trap:
    """Raises whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def raising(*_: Any, **__: Any) -> Any:
    """Raise."""
    raise RuntimeError("no")


def drawn_then(change: Callable[[Any], Any]) -> list[str]:
    """Change a figure after it was saved and return what is found in it."""
    figure, axs = plt.subplots(1, 2, figsize=(4, 3), layout="constrained")
    axs[0].plot([1, 2, 3], label="a")
    axs[0].set_title("level")
    axs[0].legend()
    figure.savefig(io.BytesIO())
    save = figure.savefig
    figure.savefig = lambda *args, **options: (save(*args, **options), change(figure))
    return found_in(figure)


HOSTILE: dict[str, Callable[[Any], Any]] = {
    "a title that raises": lambda figure: setattr(figure.axes[0].title, "get_window_extent", raising),
    "a title whose text is no text": lambda figure: setattr(figure.axes[0].title, "_text", Trap()),
    "a title of a hundred kilobytes": lambda figure: setattr(figure.axes[0].title, "_text", "long " * 20_000),
    "lines that are traps": lambda figure: figure.axes[0]._children.append(Trap()),
    "ticks that raise": lambda figure: setattr(figure.axes[0].xaxis, "get_majorticklocs", raising),
    "limits that aren't numbers": lambda figure: setattr(figure.axes[0].viewLim, "_points", np.full((2, 2), np.nan)),
    "a legend with traps": lambda figure: setattr(figure.axes[0].legend_, "legend_handles", [Trap()] * 10),
    "a figure in itself": lambda figure: figure.subfigs.append(figure),
    "data that isn't there": lambda figure: setattr(figure.axes[0].lines[0], "get_xydata", raising),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    """A part that raises costs only what is found by way of it: the empty axes beside it is found."""
    assert "axes-empty" in drawn_then(HOSTILE[name])


def test_out_of_time() -> None:
    """When the time is over, no finding is returned, and the caller is told."""
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    figure.savefig(io.BytesIO())
    sys.path.insert(0, str(RUNNER))
    try:
        from explain.drawn import Drawn, OutOfTime, Saved, as_saved
        from findings.finding import find
    finally:
        sys.path.remove(str(RUNNER))
    saved = Saved(100.0, 0.0, 480.0, 640.0, 480.0)
    with as_saved(figure, saved), pytest.raises(OutOfTime):
        find(Drawn(figure, saved, -1.0))


@pytest.mark.variant
def test_many_texts() -> None:
    """Thousands of texts on one place are looked at within the limits and are one finding."""
    figure, ax = plt.subplots()
    ax.plot([0, 1])
    for i in range(4000):
        ax.text(0.5, 0.5, f"text {i}")
    assert found_in(figure) == ["texts-overlap"]


def test_many_points() -> None:
    """A line of a million points is thinned, and what is missing of it is said as a share."""
    figure, ax = plt.subplots(layout="constrained")
    y = np.sin(np.arange(1_000_000) / 1e5)
    y[300_000:600_000] = np.inf
    ax.plot(y)
    (finding,) = look(figure).findings
    assert finding.code == "data-infinite"
    assert finding.sentence.startswith("30% of the 1000000 points")


def test_picture_is_left_alone() -> None:
    """A figure is saved to the same bytes before and after findings were looked for."""
    figure, axs = plt.subplots(2, 2)
    for ax in axs.flat:
        ax.plot([1, 5, 3], label="a")
        ax.annotate("peak", (1, 5), xytext=(1.5, 4), arrowprops={"arrowstyle": "->"})
        ax.legend()
    first = look(figure).png
    assert look(figure).png == first


def test_part_of_the_canvas() -> None:
    """A text beyond the canvas isn't cut off if the saved box reaches there."""
    script = (
        PREAMBLE
        + """
fig, ax = plt.subplots()
ax.plot([1, 3, 2])
ax.text(3, 2, "beside the axes")
"""
    )
    (drawn,) = shown(script)
    assert [finding.code for finding in drawn.findings] == ["text-cut-off"]
    (drawn,) = shown(script, tight=True)
    assert drawn.findings == ()


def test_tight_box() -> None:
    """Labels and legends are looked for where the tight picture has them, at any dots per inch."""
    script = (
        PREAMBLE
        + """
fig, ax = plt.subplots()
ax.plot([1, 3, 2], label="level of the river")
ax.set(xlabel="days since the rain", ylabel="metres above the sea", title="The river at the old bridge in spring")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1), title="gauges")
ax.annotate("peak", (1, 3), xytext=(20, -5), textcoords="offset points")
"""
    )
    for dpi in (60, 100, 250):
        (drawn,) = shown(script, tight=True, dpi=dpi)
        assert [finding.sentence for finding in drawn.findings] == []


def test_drawn_at_another_size_last() -> None:
    """What was found in a picture is found as well if the figure was drawn for a smaller format since."""
    script = (
        PREAMBLE
        + """
fig, ax = plt.subplots()
ax.plot([1, 3, 2], label="level")
ax.set(xlabel="days", ylabel="metres")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
"""
    )
    (first,) = shown(script)
    (later,) = shown(script, also="svg")
    assert [finding.code for finding in first.findings] == ["text-cut-off", "legend-cut-off"]
    assert later.findings == first.findings


def test_many_artists() -> None:
    """An axes with a hundred thousand artists isn't looked at, and the one beside it is."""
    figure, axs = plt.subplots(1, 2, layout="constrained")
    axs[0].plot([1, 2])
    figure.savefig(io.BytesIO())
    axs[0]._children.extend([axs[0].lines[0]] * 100_000)
    figure.savefig = lambda file, **_: file.write(b"\x89PNG\r\n\x1a\n0000IHDR\0\0\2\x80\0\0\1\xe0")
    assert found_in(figure) == ["axes-empty"]
