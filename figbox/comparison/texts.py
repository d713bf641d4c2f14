"""What changed in titles, labels, legends and findings."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING

from figbox.comparison.changes import Change, ChangeKind
from figbox.comparison.matching import Matching
from figbox.comparison.wording import instead, listed, moved, quote, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from figbox.comparison.artists import Frame
    from figbox.comparison.described import Finding, Legend
    from figbox.comparison.scope import Scope


def compare_text(scope: Scope, kind: ChangeKind, noun: str, before: str, after: str) -> Iterator[Change]:
    """Yield that a text changed, appeared or went.

    Args:
        scope: Where it is.
        kind: What kind of change that is.
        noun: What the text is, as "label of the x axis".
        before: The text on the first side; empty without one.
        after: Likewise on the second.
    """
    if before == after:
        return
    if not before:
        text = f"{'an' if noun.startswith('x ') else 'a'} {noun} was added: {quote(after)}"
    elif not after:
        text = f"the {noun} was removed: {quote(before)}"
    else:
        text = f"the {noun} is {instead(before, after)}"
    yield scope.change(kind, text)


def compare_legends(
    before: Sequence[Legend], after: Sequence[Legend], labels: Mapping[str, int], scope: Scope, frame: Frame
) -> Iterator[Change]:
    """Yield what changed in the legends of an axes or of a figure, which are taken in their order.

    Args:
        before: Those on the first side.
        after: Those on the second.
        labels: By how much each label of artists occurs more often than before. Entries that came or went with their
            artists aren't said again.
        scope: Where they are.
        frame: What their places are compared by.
    """
    for old, new in zip_longest(before, after):
        if old is None:
            text = f"a legend was added, with {_names(new.entries)}"
            yield scope.appeared(ChangeKind.LEGEND, text, new.box)
        elif new is None:
            text = f"the legend was removed, which had {_names(old.entries)}"
            yield scope.went(ChangeKind.LEGEND, text, old.box)
        else:
            yield from _one(old, new, labels, scope, frame)


def _one(before: Legend, after: Legend, labels: Mapping[str, int], scope: Scope, frame: Frame) -> Iterator[Change]:
    boxes = before.box, after.box
    yield from compare_text(scope, ChangeKind.LEGEND, "title of the legend", before.title, after.title)
    if before.entries != after.entries:
        text = _entries(before, after, labels)
        if text:
            yield scope.change(ChangeKind.LEGEND, text, *boxes)
    elif before.box is not None and after.box is not None:
        if before.title == after.title and not frame.same(before.box, after.box):
            away = moved(before.box, after.box, scope.unit)
            text = f"the legend moved {away}" if away else "the legend has another size"
            yield scope.change(ChangeKind.LEGEND, text, *boxes)
    elif before.box != after.box:
        text = "the legend is visible now" if before.box is None else "the legend is no longer visible"
        yield scope.change(ChangeKind.LEGEND, text, *boxes)


def _entries(before: Legend, after: Legend, labels: Mapping[str, int]) -> str:
    """Return how the entries changed; empty if artists of these names came and went."""
    old, new = Counter(before.entries), Counter(after.entries)
    come, gone = new - old, old - new
    if not come and not gone:
        return f"the entries of the legend are in another order: {_names(after.entries)}"
    if all(labels.get(name, 0) >= count for name, count in come.items()) and all(
        -labels.get(name, 0) >= count for name, count in gone.items()
    ):
        return ""
    if sum(come.values()) == sum(gone.values()) == 1:
        return f"an entry of the legend is {instead(*gone, *come)}"
    clauses = [f"has {_names(list(come.elements()))}"] if come else []
    clauses += [f"no longer has {_names(list(gone.elements()))}"] if gone else []
    return f"the legend {' and '.join(clauses)}"


def _names(names: Sequence[str]) -> str:
    return listed([quote(name) for name in names]) if names else "no entries"


def compare_findings(
    before: Sequence[Finding], after: Sequence[Finding], numbers: Sequence[Mapping[int, str]], scope: Scope
) -> Iterator[Change]:
    """Yield findings that appeared, went, or say something else.

    Args:
        before: Those on the first side.
        after: Those on the second.
        numbers: What the numbers of axes mean on each side: the same value for the same axes.
        scope: Their figure.
    """
    axes = {
        id(finding): tuple(known.get(number, number) for number in finding.axes)
        for known, findings in zip(numbers, (before, after), strict=True)
        for finding in findings
    }
    matching = Matching(before, after)
    matching.by_key(lambda finding: (finding.code, axes[id(finding)], finding.sentence))
    matching.by_key(lambda finding: (finding.code, axes[id(finding)]))
    for j in matching.added:
        text = f"a new {_named(after[j])}"
        yield scope.appeared(ChangeKind.FINDING_APPEARED, text, after[j].box)
    for i in matching.removed:
        yield scope.went(ChangeKind.FINDING_GONE, f"no longer there: the {_named(before[i])}", before[i].box)
    for pair in matching.pairs:
        if (pair.before.sentence, pair.before.severity) != (pair.after.sentence, pair.after.severity):
            text = f"the finding {pair.after.code} says {instead(pair.before.sentence, pair.after.sentence)}"
            yield scope.change(ChangeKind.FINDING_CHANGED, text, pair.before.box, pair.after.box)


def _named(finding: Finding) -> str:
    return f"finding ({word(finding.severity)}, {word(finding.code)}): {_bare(finding.sentence)}"


def _bare(sentence: str) -> str:
    return " ".join(sentence.split()).removesuffix(".")
