"""Alternative texts of figures with several charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.alternative.charts import Chart, consists_of, is_logarithmic, noun
from explain.alternative.outstanding import outstanding
from explain.alternative.reading import listed, plain, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

CHARTS_NAMED = 4

#: Of so many charts the text says what stands out in each; of more it would be too long.
TELLING = 2

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def several(charts: Sequence[Chart], title: str, left_out: int) -> list[str]:
    """Return sentences about a figure of several charts.

    Args:
        charts: At least one.
        title: Of the figure.
        left_out: How many axes the description doesn't tell.
    """
    outer = [chart for chart in charts if chart.axes.role not in ("twin", "inset")]
    inner = [chart for chart in charts if chart not in outer]
    if len(outer) == 1 and inner and not left_out:
        sentences = [_layered(outer[0], inner, title)]
    else:
        sentences = [_beside(charts, title, left_out)]
    if len(charts) <= TELLING and not left_out:
        sentences += [
            f"In the {place} one, {found[0].lower() if _is_ours(found) else found[0]}{found[1:]}"
            for place, chart in zip(("first", "second"), charts, strict=False)
            if (found := outstanding(chart.kind, chart.main, logarithmic=is_logarithmic(chart)))
        ]
    return sentences


def _layered(outer: Chart, inner: Sequence[Chart], figure_title: str) -> str:
    """Return the sentence about one chart with others on the same place: with axes of their own, or set into it."""
    titles = [each for each in (figure_title, plain(outer.axes.title)) if each]
    title = f' titled "{": ".join(dict.fromkeys(titles))}"' if titles else ""
    bare = outer._replace(axes=outer.axes._replace(title=""))
    twins = [bare, *(chart for chart in inner if chart.axes.role == "twin")]
    insets = [chart for chart in inner if chart.axes.role == "inset"]
    if len(twins) > 1:
        each = [_with_parts(f"{_article(_named(chart))} {_named(chart)}", chart) for chart in twins]
        said = f"Chart{title} with {NUMBERS[min(len(twins), 9)]} scales: {'; '.join(each)}"
    else:
        kind = _named(bare)
        said = _with_parts(f"{kind[:1].upper()}{kind[1:]}{title}", bare)
    if insets:
        said += f"; {listed([_with_parts(f'{_article(_named(each))} {_named(each)}', each) for each in insets])}"
        said += " is set into it" if len(insets) == 1 else " are set into it"
    return f"{said}."


def _beside(charts: Sequence[Chart], title: str, left_out: int) -> str:
    """Return the sentence about charts beside each other."""
    total = len(charts) + left_out
    nouns = [noun(chart) for chart in charts]
    said = f'Figure titled "{title}" with ' if title else "Figure with "
    if len(set(nouns)) == 1 and not left_out:
        what = f"{said}{total} {plural(nouns[0])}"
        if total <= TELLING:
            names = [_with_parts(_details(chart), chart) for chart in charts]
            return f"{what}: {'; '.join(names)}." if all(names) else f"{what}."
        names = list(dict.fromkeys(filter(None, map(_details, charts))))
        return f"{what}: {listed(names, CHARTS_NAMED)}." if names else f"{what}."
    if total <= TELLING:
        each = [_with_parts(f"{_article(_named(chart))} {_named(chart)}", chart) for chart in charts]
        return f"{said}{total} charts: {'; '.join(each)}."
    if total <= CHARTS_NAMED:
        each = _grouped(charts)
        return f"{said}{total} charts: {'; '.join(each) if any(', ' in one for one in each) else listed(each)}."
    counts = {name: nouns.count(name) for name in dict.fromkeys(nouns)}
    each = [f"{count} {plural(name)}" if count > 1 else f"{_article(name)} {name}" for name, count in counts.items()]
    titles = [f'"{found}"' for chart in charts if (found := plain(chart.axes.title))]
    titled = f", among them {listed(titles, CHARTS_NAMED)}" if titles else ""
    return f"{said}{total} charts: {listed(each)}{titled}."


def _with_parts(said: str, chart: Chart) -> str:
    """Return what is said of a chart with what it consists of."""
    return " with ".join(filter(None, [said, consists_of(chart)]))


def _grouped(charts: Sequence[Chart]) -> list[str]:
    """Return charts in a few words each, those of which the same is said as one."""
    names = [_named(chart) for chart in charts]
    return [
        f"{names.count(name)} {plural(name)}" if names.count(name) > 1 else f"{_article(name)} {name}"
        for name in dict.fromkeys(names)
    ]


def _named(chart: Chart) -> str:
    """Return a chart in a few words: its kind, its title, what it shows against what, and what it consists of."""
    details, name = _details(chart), noun(chart)
    if not details:
        return name
    return f"{name}, {details}" if plain(chart.axes.title) else f"{name} of {details}"


def _details(chart: Chart) -> str:
    """Return what tells a chart from others: its title and what it shows against what."""
    title, x, y = plain(chart.axes.title), plain(chart.axes.x.label), plain(chart.axes.y.label)
    against = " against ".join(filter(None, [y, x])) or chart.scale
    if not title:
        return against
    return f'"{title}" ({against})' if against else f'"{title}"'


def _article(name: str) -> str:
    return "an" if name[0] in "aeio" else "a"


def _is_ours(sentence: str) -> bool:
    """Return whether a sentence begins with a word of ours, not with a name of the figure."""
    return sentence.startswith(("The ", "It ", "All ", "Together "))
