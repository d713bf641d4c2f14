"""An alternative text, made of a description alone: one to three sentences, the same for the same description.

It says what guides to accessible pictures ask for: the kind of chart, what is on its axes and in which range, and what
stands out. What is written beside the chart anyway, as the values of all bars, is left to the description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.alternative.charts import Chart, chart_of, consists_of, edges_of, is_bar, is_logarithmic, noun
from explain.alternative.outstanding import outstanding
from explain.alternative.reading import interval, listed, plain, quoted, told
from explain.alternative.several import several
from explain.words import SENTENCE_LIMIT

if TYPE_CHECKING:
    from explain import words

#: Scales on which values of very different size are told.
SCALES = {
    "log": " on a logarithmic scale",
    "symlog": " on a symmetric logarithmic scale",
    "asinh": " on an inverse hyperbolic scale",
    "logit": " on a logit scale",
}

#: Of more annotations none is told: they name points.
ANNOTATIONS_NAMED = 2


def alt_text(description: words.Description) -> str:
    """Return one to three sentences for those who can't see a figure."""
    charts = [chart for axes in description.axes if (chart := chart_of(description, axes)) is not None]
    title = plain(description.title)
    if not charts:
        sentences = [_nothing(description, title)]
    elif len(charts) == 1 and description.axes_left_out == 0:
        sentences = [_one(charts[0], title), _axes_sentence(charts[0], description), _outstanding(charts[0])]
    else:
        sentences = several(charts, title, description.axes_left_out)
    whole = " ".join(filter(None, sentences))
    return whole if len(whole) <= SENTENCE_LIMIT else whole[: SENTENCE_LIMIT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _outstanding(chart: Chart) -> str:
    return "" if edges_of(chart) else outstanding(chart.kind, chart.main, logarithmic=is_logarithmic(chart))


def _nothing(description: words.Description, title: str) -> str:
    """Return a sentence about a figure without charts."""
    texts = [plain(each.text) for each in description.artists if each.text]
    texts += [plain(each.text) for axes in description.axes for each in axes.artists if each.text]
    named = f' titled "{title}"' if title else ""
    if texts:
        return f"Figure{named} with the text{'s' if len(texts) > 1 else ''} {listed(quoted(texts))}."
    axes = [each for each in description.axes if not is_bar(each)]
    if not axes:
        return f"Empty figure{named}."
    first = plain(axes[0].title)
    named = named or (f' titled "{first}"' if first else "")
    return f"Empty chart{named}." if len(axes) == 1 else f"Figure{named} with {len(axes)} empty charts."


def _one(chart: Chart, figure_title: str) -> str:
    """Return the sentence that says what the only chart is and what it consists of."""
    titles = [each for each in (figure_title, plain(chart.axes.title)) if each]
    said = noun(chart)
    said = said if said.startswith("3D") else said[0].upper() + said[1:]
    if titles:
        said += f' titled "{": ".join(dict.fromkeys(titles))}"'
    if parts := consists_of(chart):
        said += f" with {parts}"
    notes = [plain(each.text) for each in chart.axes.artists if each.kind == "annotation" and each.text]
    if 0 < len(notes) <= ANNOTATIONS_NAMED and not any(" | " in note for note in notes):
        said += f", annotated {listed(quoted(notes))}"
    return f"{said}."


def _axes_sentence(chart: Chart, description: words.Description) -> str:
    """Return the sentence that says what is on the axes, and in which range."""
    if chart.kind in ("pie", "table") or (edges_of(chart) and not chart.axes.x.label):
        return ""
    axes = chart.axes
    names = ("angle", "radius") if axes.kind == "polar" else ("x axis", "y axis", "z axis")
    each = [axes.x, axes.y, *([axes.z] if axes.z is not None else [])]
    if len(description.axes) == 1:
        beside = (description.x_label, description.y_label)
        each[:2] = [axis._replace(label=axis.label or label) for axis, label in zip(each, beside, strict=False)]
    said = [_axis(axis, name) for axis, name in zip(each, names, strict=False) if axis.visible]
    if axes.kind == "polar" and axes.x.values != "categories":
        said = said[1:]
    if chart.scale or any(artist.colormap for artist in chart.main):
        said.append(_colors(chart))
    said = [one for one in said if one]
    return "" if not said else f"{_capital(listed(said))}."


def _axis(axis: words.Axis, name: str) -> str:
    """Return what an axis shows: its label, range and scale."""
    label = plain(axis.label)
    begin, end = interval(axis.begin, axis.end)
    scale = SCALES.get(axis.scale, "")
    if scale and axis.values == "numbers":
        begin, end = told(axis.begin), told(axis.end)
    where = f'the {name} shows "{label}"' if label else f"the {name} goes"
    if begin == end or not begin or not end:
        return where if label else ""
    return f"{where} from {begin} to {end}{scale}"


def _colors(chart: Chart) -> str:
    """Return what colours stand for, and in which range."""
    ranges = [each.values for each in chart.main if each.colormap and each.values is not None]
    numbers = [value for each in ranges for value in (each.least, each.greatest) if isinstance(value, float)]
    what = f'colours show "{chart.scale}"' if chart.scale else "colours show values"
    if not numbers:
        return what if chart.scale else ""
    least, greatest = interval(min(numbers), max(numbers))
    return f"{what} from {least} to {greatest}" if least != greatest else what


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
