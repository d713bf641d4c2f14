"""Comparison of figures that the runner drew and described: what people change in a script is what is said first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import figbox
from tests.documents.pages import COMPARISON, blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runner import Reply

TWO = "f, (a, b) = plt.subplots(1, 2); a.plot([1, 2]); b.hist([1, 2, 2]); a.set_title('A'); b.set_title('B')"
THREE = TWO.replace("(a, b)", "(a, c, b)").replace("1, 2); a", "1, 3); a") + "; c.scatter([1], [3]); c.set_title('C')"

SIZES = "The picture is 250 by 150 pixels instead of 200 by 150, and the figure is 5 by 3 inches instead of 4 by 3."

#: Two versions of a script, and the first sentences about them; None where nothing is to be said.
PAIRS = {
    "nothing": ("plt.plot([1, 3, 2], label='a'); plt.legend()", "plt.plot([1, 3, 2], label='a'); plt.legend()", ()),
    "a point": (
        "x = np.arange(60); plt.plot(x, x % 7, label='signal')",
        "x = np.delete(np.arange(60), 30); plt.plot(x, x % 7, label='signal')",
        ("The line 'signal' has 59 points instead of 60: point 31 at (30, 2) was removed.",),
    ),
    "a series put in first": (
        "x = np.arange(9.0)\nfor k in (1, 2): plt.plot(x, x % (3 + k))",
        "x = np.arange(9.0)\nplt.plot(x, 4 - x / 2)\nfor k in (1, 2): plt.plot(x, x % (3 + k))",
        (
            "Line 1 was added.",
            "Line 2 is #ff7f0e instead of #1f77b4.",
            "Line 3 is #2ca02c instead of #ff7f0e.",
        ),
    ),
    "a title and a label": (
        "plt.plot([1, 2]); plt.title('Old')",
        "plt.plot([1, 2]); plt.title('New'); plt.ylabel('mm')",
        ("The title is 'New' instead of 'Old'.", "A label of the y axis was added: 'mm'."),
    ),
    "a renamed series": (
        "plt.plot([1, 2], label='a'); plt.legend()",
        "plt.plot([1, 2], label='b'); plt.legend()",
        ("The line is labelled 'b' instead of 'a'.",),
    ),
    "an axes between two": (TWO, THREE, ("Axes 2 ('C'), with a scatter plot, was added.",)),
    "a scale": (
        "plt.plot([1, 10, 100])",
        "plt.plot([1, 10, 100]); plt.yscale('log')",
        ("The scale of the y axis is log instead of linear.",),
    ),
    "a bar": (
        "plt.bar(['a', 'b'], [1, 2])",
        "plt.bar(['a', 'b'], [1, 3])",
        ("In the bar series, bar 2 is at ('b', 3) instead of ('b', 2).",),
    ),
    "a style": (
        "plt.plot([1, 2])",
        "plt.plot([1, 2], '--o')",
        ("The line style of the line is dashed instead of solid.", "The marker of the line is 'o' instead of none."),
    ),
    "a colour map": (
        "plt.imshow(np.eye(3))",
        "plt.imshow(np.eye(3), cmap='gray')",
        ("The colour map of the image is 'gray' instead of 'viridis'.",),
    ),
    "a missing value": (
        "plt.plot([1, 2, 3.0, 4])",
        "plt.plot([1, 2, np.nan, 4])",
        ("The line has 1 missing point instead of 0.",),
    ),
    "a size": (
        "plt.figure(figsize=(4, 3)); plt.plot([1, 2])",
        "plt.figure(figsize=(5, 3)); plt.plot([1, 2])",
        (SIZES,),
    ),
    "the order of drawing": (
        "plt.plot([1, 2], 'r', label='a'); plt.plot([2, 1], 'b', label='b')",
        "plt.plot([2, 1], 'b', label='b'); plt.plot([1, 2], 'r', label='a')",
        ("The order of drawing is another one: the line 'b' and the line 'a'.",),
    ),
    "a date": (
        "plt.plot(np.arange('2024-01-01', '2024-01-09', dtype='datetime64[D]'), range(8))",
        "plt.plot(np.arange('2024-01-01', '2024-01-10', dtype='datetime64[D]'), range(9))",
        ("The line has 9 points instead of 8: point 9 at (2024-01-09, 8) was added.",),
    ),
    "an annotation": (
        "plt.plot([1, 3, 2]); plt.annotate('peak', (1, 3), (0.5, 2.5))",
        "plt.plot([1, 3, 2]); plt.annotate('top', (1, 3), (0.5, 2.5))",
        ("The annotation is 'top' instead of 'peak'.",),
    ),
}

#: What docs/comparison.md compares.
OLD = """
days = np.arange(60)
plt.plot(days, np.sin(days / 9), label="signal")
plt.plot(days, np.cos(days / 9), label="model")
plt.title("Level")
plt.legend()
"""
NEW = """
days = np.arange(60)
kept = np.delete(days, 30)
plt.plot(days, 0.5 * np.cos(days / 4), label="tide")
plt.plot(kept, np.sin(kept / 9), label="signal")
plt.plot(days, np.cos(days / 9), label="model", linestyle="dashed")
plt.title("Level at the bridge")
plt.legend()
"""


def compared(collect: Callable[..., Reply], before: str, after: str) -> figbox.Comparison:
    """Return what changed between the figures of two scripts, which are drawn as one."""
    said = collect(f"{before}\nplt.figure()\n{after}", all_figures=True, describe="data").explanations
    assert said
    assert None not in said
    return figbox.compare(said[0], said[-1])


@pytest.mark.parametrize("name", PAIRS)
def test_what_was_changed_is_said_first(name: str, collect: Callable[..., Reply]) -> None:
    """The sentences come first, and in the other direction nothing is the same, either."""
    before, after, sentences = PAIRS[name]
    found = compared(collect, before, after)
    assert tuple(found.sentences()[: len(sentences)]) == sentences
    assert bool(found.changes) is bool(sentences), found.sentences()


def test_example_of_the_page(collect: Callable[..., Reply]) -> None:
    """The page has what the command prints of its figures."""
    (shown,) = blocks(COMPARISON, "text")
    found = compared(collect, OLD, NEW)
    assert [line[2:] for line in shown.splitlines()] == found.sentences()[: len(shown.splitlines())]
