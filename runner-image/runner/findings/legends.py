"""Series and their names: legends that are missing, empty or ambiguous, and series that look alike."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from explain.words import Finding, cut

from findings.colours import DEFICIENCIES, NOTICEABLE, differences
from findings.scene import ANNOTATION, ERROR, NOTE, TEXT, WARNING, Scene, count_of, listed
from findings.series import LINE, SHOWN_LENGTH, Plot, sheltered

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Entries of a legend that are compared.
ENTRIES_LIMIT = 40

#: Unnamed lines that ask for names; more are a bundle, of which none is meant to be told from the others.
UNNAMED = range(2, 9)

#: Points from which on a line without a name is data and not a mark.
POINTS_OF_DATA = 5

#: Colours that differ by this in every channel are the same one.
SAME = 0.02

#: Grey tones differ by less than this part of what half of all people notice: grey prints are an extra.
GREY = 0.35

#: Lines of which one is this many times as wide as the other are told apart by it.
WIDER = 1.8


class Entry(NamedTuple):
    """A series as a legend shows it: its name, its colour, and what else tells it apart."""

    label: str
    colour: tuple[float, ...]
    look: tuple[Any, ...]
    width: float


def missing(scene: Scene) -> Iterator[Finding]:
    """Series that have labels, while there is no legend to show them."""
    if any(number == 0 for _, number in scene.legends):
        return
    shown = {number for _, number in scene.legends}
    written = {text.text.strip() for text in scene.texts}
    hits: dict[int, list[str]] = {}
    for plot in scene.plots:
        if plot.number in shown or plot.role == "colorbar":
            continue
        labels = _labels_of(plot)
        if len(labels) > 1 and not all(label.strip() in written for label in labels):
            hits[plot.number] = labels
    elsewhere = {label for legend, _ in scene.legends for label in (text.get_text() for text in legend.get_texts())}
    hits = {number: labels for number, labels in hits.items() if not elsewhere.issuperset(labels)}
    if hits:
        labels = next(iter(hits.values()))
        names = " and ".join(f'"{cut(label, SHOWN_LENGTH)}"' for label in labels[:2])
        yield Finding(
            "legend-missing",
            WARNING,
            f"Series have labels, such as {names}, but no legend shows them in {listed(hits)}.",
            "Call ax.legend(), or fig.legend() for all axes, after the data is plotted.",
            tuple(hits),
            scene.box(scene.plot(next(iter(hits))).frame),  # type: ignore[union-attr]
        )


def _labels_of(plot: Plot) -> list[str]:
    handles, labels = plot.axes.get_legend_handles_labels()
    return [str(label) for label in labels[:ENTRIES_LIMIT]] if handles else []


def unnamed(scene: Scene) -> Iterator[Finding]:
    """Lines of several colours, none of which has a name: neither a label, nor a text beside it."""
    hits = []
    shown = {number for _, number in scene.legends}
    for plot in scene.plots:
        if (
            plot.number in shown
            or 0 in shown
            or not plot.is_flat
            or not plot.is_on
            or plot.role not in ("plot", "twin")
        ):
            continue
        lines = [
            each
            for each in plot.series
            if each.kind == LINE and each.total >= POINTS_OF_DATA and each.artist.get_linestyle() != "None"
        ]
        colours = {_rgb(each.artist.get_color()) for each in lines}
        texts = sum(text.number == plot.number and text.role in (TEXT, ANNOTATION) for text in scene.texts)
        if len(lines) in UNNAMED and len(colours) == len(lines) and texts < len(lines) and not any(map(_named, lines)):
            hits.append((plot, len(lines)))
    if hits:
        plot, count = hits[0]
        yield Finding(
            "series-unnamed",
            NOTE,
            f"Nothing says which of the {count} lines is which in {listed(plot.number for plot, _ in hits)}.",
            "Give each plot(..., label=...) and call ax.legend(), or write the names beside the lines: ax.annotate.",
            tuple(plot.number for plot, _ in hits),
            scene.box(plot.frame),
        )


def _named(series: Any) -> bool:
    return bool(series.label)


def empty(scene: Scene) -> Iterator[Finding]:
    """Legends without an entry, since nothing that they could show has a label."""
    for legend, number in scene.legends:
        if not legend.get_texts():
            yield Finding(
                "legend-empty",
                WARNING,
                f"The legend of {f'axes {number}' if number else 'the figure'} has no entries.",
                "Give the series label=... when they are plotted, without a leading underscore, and call ax.legend() "
                "afterwards.",
                (number,) if number else (),
                scene.box(scene.drawn.extent(legend)),
            )


def repeated(scene: Scene) -> Iterator[Finding]:
    """Legends in which one name stands several times."""
    for legend, number in scene.legends:
        labels = Counter(text.get_text().strip() for text in legend.get_texts()[:ENTRIES_LIMIT])
        twice = {label: count for label, count in labels.items() if count > 1 and label}
        if twice:
            label, count = max(twice.items(), key=lambda each: each[1])
            yield Finding(
                "legend-repeats",
                WARNING,
                f'The legend has the entry "{cut(label, SHOWN_LENGTH)}" {count} times.',
                "Label one series of each kind alone: in a loop, label=name if it is the first, else None.",
                (number,) if number else (),
                scene.box(scene.drawn.extent(legend)),
            )


def alike(scene: Scene) -> Iterator[Finding]:
    """Series of a legend that nothing tells apart, for all people or for some of them; once for legends alike."""
    found: dict[tuple[str, str], tuple[Finding, set[int]]] = {}
    for legend, number in scene.legends:
        scene.drawn.check_time()
        with sheltered():
            entries = _entries_of(legend)
            finding = _same_finding(entries) or _deficient_finding(entries) or _grey_finding(entries)
            if finding is not None:
                key = (finding.code, finding.sentence)
                first = finding._replace(box=scene.box(scene.drawn.extent(legend)))
                found.setdefault(key, (first, set()))[1].update({number} - {0})
    for finding, numbers in found.values():
        yield finding._replace(axes=tuple(sorted(numbers)))


def _same_finding(entries: list[Entry]) -> Finding | None:
    pairs = [
        (one, other)
        for one, other in _pairs(entries)
        if max(abs(a - b) for a, b in zip(one.colour, other.colour, strict=True)) < SAME
    ]
    if not pairs:
        return None
    return Finding(
        "series-alike",
        ERROR,
        f"{_both(pairs[0])} have the same colour and style{_more(pairs)}, so that nothing tells them apart.",
        "Give them different colours, markers or linestyles: the colour cycle repeats after 10 series; fewer series, "
        "or a small axes for each, are easier to read.",
    )


def _deficient_finding(entries: list[Entry]) -> Finding | None:
    hits: dict[tuple[Entry, Entry], list[str]] = {}
    for deficiency in DEFICIENCIES:
        for pair in _near_pairs(entries, deficiency, NOTICEABLE):
            hits.setdefault(pair, []).append(deficiency)
    if not hits:
        return None
    pairs = sorted(hits, key=lambda pair: -len(hits[pair]))
    people = " or ".join(hits[pairs[0]])
    return Finding(
        "colours-alike",
        WARNING,
        f"{_both(pairs[0])} look alike to people who are {people}{_more(pairs)}: only their colours differ.",
        'Let more than colour differ, linestyle="--", marker="s" or hatch="//", or use colours made for it: '
        'plt.style.use("petroff10") or "tableau-colorblind10".',
    )


def _grey_finding(entries: list[Entry]) -> Finding | None:
    pairs = _near_pairs(entries, "grey", GREY)
    if not pairs:
        return None
    return Finding(
        "colours-alike-in-grey",
        NOTE,
        f"{_both(pairs[0])} look alike when printed without colours{_more(pairs)}.",
        'Let more than colour differ: linestyle="--", marker="s" or hatch="//", or one colour much lighter.',
    )


def _near_pairs(entries: list[Entry], deficiency: str, least: float) -> list[tuple[Entry, Entry]]:
    """Return the pairs that only their colours tell apart, which look alike with a deficiency."""
    if not entries:
        return []
    different = differences([entry.colour for entry in entries], deficiency)
    places = {id(entry): place for place, entry in enumerate(entries)}
    return [(a, b) for a, b in _pairs(entries) if different[places[id(a)], places[id(b)]] < least]


def _pairs(entries: list[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield the pairs of entries that only their colours can tell apart."""
    for one, other in itertools.combinations(entries, 2):
        wide, narrow = max(one.width, other.width), min(one.width, other.width)
        if one.label != other.label and one.look == other.look and not (narrow and wide / narrow >= WIDER):
            yield one, other


def _both(pair: tuple[Entry, Entry]) -> str:
    one, other = (f'"{cut(entry.label, SHOWN_LENGTH)}"' for entry in pair)
    return f"{one} and {other}"


def _more(pairs: list[tuple[Entry, Entry]]) -> str:
    return f" ({count_of(len(pairs) - 1, 'pair')} likewise)" if len(pairs) > 1 else ""


def _entries_of(legend: Any) -> list[Entry]:
    handles = legend.legend_handles[:ENTRIES_LIMIT]
    texts = [text.get_text() for text in legend.get_texts()[:ENTRIES_LIMIT]]
    found = []
    for handle, label in zip(handles, texts, strict=False):
        with sheltered():
            entry = _entry(handle, label)
            if entry is not None:
                found.append(entry)
    return found


def _entry(handle: Any, label: str) -> Entry | None:
    """Return how a legend shows a series; None if its colour isn't one colour."""
    if hasattr(handle, "get_markerfacecolor"):
        marker, style = str(handle.get_marker()), str(handle.get_linestyle())
        has_line = style not in ("None", "", " ")
        has_marker = marker not in ("None", "", " ")
        if not has_line and not has_marker:
            return None
        colour = handle.get_color() if has_line else handle.get_markerfacecolor()
        if not has_line and isinstance(colour, str) and colour == "none":
            colour = handle.get_markeredgecolor()
        filled = str(handle.get_fillstyle()) if has_marker else ""
        hollow = has_marker and isinstance(handle.get_markerfacecolor(), str) and handle.get_markerfacecolor() == "none"
        pattern = str(handle._dash_pattern) if has_line else ""
        size = round(float(handle.get_markersize())) if has_marker else 0
        look = ("line", pattern, marker, size, filled, hollow)
        return Entry(label, _rgb(colour), look, float(handle.get_linewidth()) if has_line else 0.0)
    if hasattr(handle, "get_hatch") and hasattr(handle, "get_facecolor"):
        face = handle.get_facecolor()
        if hasattr(face, "ndim") and face.ndim > 1:
            return _collection_entry(handle, label, face)
        if float(face[3]) == 0:
            return Entry(label, _rgb(handle.get_edgecolor()), ("outline", str(handle.get_linestyle())), 0.0)
        return Entry(label, _rgb(face), ("patch", str(handle.get_hatch())), 0.0)
    return None


def _collection_entry(handle: Any, label: str, face: Any) -> Entry | None:
    paths = handle.get_paths()
    shape = paths[0].vertices.round(2).tobytes() if paths else b""
    colours = face if len(face) else handle.get_edgecolor()
    if len(colours) != 1 or (handle.get_array() is not None):
        return None
    sizes: Any = handle.get_sizes() if hasattr(handle, "get_sizes") else []
    size = float(sizes[0]) if len(sizes) else 0.0
    return Entry(label, _rgb(colours[0]), ("marks", shape, bool(len(face)), str(handle.get_hatch())), size)


def _rgb(colour: Any) -> tuple[float, ...]:
    from matplotlib.colors import to_rgba

    red, green, blue, alpha = (float(part) for part in to_rgba(colour))
    return tuple(alpha * part + 1 - alpha for part in (red, green, blue))


CHECKS = (alike, missing, empty, repeated, unnamed)
