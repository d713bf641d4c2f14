"""Values that aren't among those that can be: colours, styles, colour maps, markers, and whatever a message lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from repair.near import either, nearest, offer
from repair.replaced import SEABORN_STYLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from repair.hints import Failure

#: Messages that name a value and list those that are right.
LISTING = (
    (
        r"'(?P<value>.{1,60}?)' is not a valid value for .{1,60}?"
        r"(?:Supported values are|Did you mean(?: one of)?:)(?P<list>.{1,2000})"
    ),
    r"keyword (?P<value>.{1,60}?) is not recognized; valid keywords are (?P<list>\[.{1,2000})",
    r"Unrecognized location '(?P<value>.{1,60}?)'\. Valid locations are(?P<list>.{1,2000})",
    r"(?P<value>\w{1,60}) is not a valid plot kind Valid plot kinds: (?P<list>\(.{1,500})",
    r"Format '(?P<value>.{1,60}?)' is not supported \(supported formats: (?P<list>.{1,500})\)",
    r"^Invalid `\w{1,20}`: '(?P<value>.{1,60}?)'\. Options are (?P<list>.{1,500})",
    r"must be one of (?P<list>'.{1,500}); not '(?P<value>.{1,60}?)'",
    r"must be one of (?P<list>\[.{1,500}\]), but '(?P<value>.{1,60}?)' was passed",
)
LINE_STYLES = ("solid", "dashed", "dashdot", "dotted")
SEABORN_PALETTES = ("deep", "muted", "pastel", "bright", "dark", "colorblind", "husl", "hls")
COLOURS = (
    r"'([^']{1,60})' is not a valid value for color",
    r"Invalid RGBA argument: '([^']{1,60})'",
    r"'([^']{1,60})' does not look like a color arg",
    r"'([^']{1,60})' is not a valid color value",
    r"'c' argument must be a color.{1,100}, not '([^']{1,60})'",
)
SEVERAL_COLOURS = r"'c' argument must be a color.{1,100}, not \[(.{1,1000})\]"
HEX_DIGITS = (3, 4, 6, 8)
SWAP_FREQUENCIES = (
    r"'(\w{1,10})' is no longer supported for offsets\. Please use \\?'(\w{1,10})\\?' instead",
    r"Invalid frequency: (\w{1,10})\..*Did you mean (\w{1,10})\?",
)


def about_values(failure: Failure) -> str:
    """Return which value was probably meant, or what is right."""
    if not isinstance(failure.error, (ValueError, KeyError, OSError, TypeError)):
        return ""
    return _colour(failure) or _style(failure) or _listed(failure) or _known(failure) or _frequency(failure)


def _colour(failure: Failure) -> str:
    for pattern in COLOURS:
        if found := re.search(pattern, failure.chain_text):
            return _about_colour(found[1])
    if found := re.search(SEVERAL_COLOURS, failure.chain_text):
        from matplotlib.colors import is_color_like

        wrong = [each for each in re.findall(r"'([^']{1,60})'", found[1])[:50] if not is_color_like(each)]
        return _about_colour(wrong[0]) if wrong else ""
    if found := re.match(r"'(.{1,60}?)' is not a valid format string", failure.text):
        return _about_colour(found[1])
    return ""


def _about_colour(name: str) -> str:
    """Return what is said of a colour that is none."""
    from matplotlib import colors

    if re.fullmatch(r"#[0-9A-Fa-f]*", name):
        digits = len(name) - 1
        if digits in HEX_DIGITS:
            return ""
        return f"A colour in hexadecimal has 3, 4, 6 or 8 digits after the #, and '{name}' has {digits}."
    if re.fullmatch(r"#?[0-9A-Fa-f]{6}", name):
        return f"A colour in hexadecimal begins with a #: write '#{name}'."
    named: Any = (
        colors.XKCD_COLORS
        if name.startswith("xkcd:")
        else {**colors.BASE_COLORS, **colors.TABLEAU_COLORS, **colors.CSS4_COLORS}
    )
    return _not(name, nearest(name, named), "is no colour of Matplotlib")


def _style(failure: Failure) -> str:
    found = re.match(r"'(.{1,60}?)' is not a valid package style", failure.text)
    if found is None:
        return ""
    from matplotlib import style

    name = found[1]
    old, new = SEABORN_STYLES
    if name.startswith(old) and (renamed := new + name[len(old) :]) in style.available:
        return f"The style '{name}' is called '{renamed}' now."
    return _not(name, nearest(name, style.available), "is no style of Matplotlib")


def _listed(failure: Failure) -> str:
    for pattern in LISTING:
        found = re.search(pattern, failure.text, re.DOTALL)
        if found is None:
            continue
        quoted = re.findall(r"'([^']{1,60})'", found["list"])
        names = quoted or [each.strip() for each in re.split(r"[,\n]", found["list"])]
        return _not(found["value"], nearest(found["value"], names), "can't be chosen here")
    return ""


def _known(failure: Failure) -> str:
    """Return what is said where the message doesn't tell what can be chosen, but Matplotlib does."""
    for pattern, choices in _CHOICES:
        if found := re.search(pattern, failure.text):
            name = found[1].partition(",pad=")[0]  # a box's style is shown with its padding
            return _not(name, nearest(name, choices(failure)), "can't be chosen here")
    if found := re.match(r"Unrecognized marker style '(.{1,60}?)'", failure.text):
        return _marker(found[1])
    return ""


def _marker(name: str) -> str:
    """Return the marker that is described by a word."""
    from matplotlib.markers import MarkerStyle

    by_word = {word: mark for mark, word in MarkerStyle.markers.items() if type(mark) is str and mark.strip()}
    words = [name] if name in by_word else nearest(name, by_word)
    marks = [by_word[word] for word in words]
    return f"'{name}' is no marker: {offer(marks, chr(39))[:-1]}, the {either(words, '')}?" if marks else ""


def _frequency(failure: Failure) -> str:
    for pattern in SWAP_FREQUENCIES:
        if found := re.search(pattern, failure.text):
            return f"The frequency '{found[1]}' is called '{found[2]}' now."
    return ""


def _styles_of_class(failure: Failure) -> Iterable[str]:
    """Return the styles of boxes, arrows or connections, of which one was asked for."""
    for entry in reversed(failure.called):
        kind = entry.tb_frame.f_locals.get("cls")
        if isinstance(kind, type) and kind.__module__ == "matplotlib.patches":
            return list(getattr(kind, "_style_list", ()))
    return ()


def _weights(_: Failure) -> Iterable[str]:
    from matplotlib.font_manager import weight_dict

    return weight_dict


def _locations(_: Failure) -> Iterable[str]:
    from matplotlib.legend import Legend

    return list(Legend.codes)


def _palettes(_: Failure) -> Iterable[str]:
    import matplotlib as mpl

    return [*SEABORN_PALETTES, *mpl.colormaps]


def _aspects(failure: Failure) -> Iterable[str]:
    asked = any(entry.tb_frame.f_code.co_name == "set_aspect" for entry in failure.called)
    return ("auto", "equal") if asked else ()


def _parameters(_: Failure) -> Iterable[str]:
    import matplotlib as mpl

    return list(mpl.rcParams)


def _of(*names: str) -> Callable[[Failure], Iterable[str]]:
    return lambda _: names


#: Messages that name a value alone, and what Matplotlib's or NumPy's documents list for it.
_CHOICES: Sequence[tuple[str, Callable[[Failure], Iterable[str]]]] = (
    (r"^Unknown style: '(.{1,60}?)'", _styles_of_class),
    (r"^weight='(.{1,60}?)' is invalid", _weights),
    (r"legend\.loc: (.{1,60}?) is not a valid legend location", _locations),
    (r"^could not convert string to float: '(.{1,60}?)'", _aspects),
    (
        r"^Unrecognized string '(.{1,60}?)' to axis",
        _of("on", "off", "equal", "scaled", "tight", "auto", "image", "square"),
    ),
    (r"^'(.{1,60}?)' is not a valid CapStyle", _of("butt", "projecting", "round")),
    (r"^'(.{1,60}?)' is not a valid JoinStyle", _of("miter", "round", "bevel")),
    (r"^Invalid value for 'layout': '(.{1,60}?)'", _of("constrained", "compressed", "tight", "none")),
    (
        r"^'(.{1,60}?)' is not a valid estimator for `bins`",
        _of("auto", "fd", "doane", "scott", "stone", "rice", "sturges", "sqrt"),
    ),
    (r"linestyle '(.{1,60}?)' is not a valid on-off ink sequence", _of(*LINE_STYLES)),
    (r"^'(.{1,60}?)' is not a valid palette name", _palettes),
    (r'^Unrecognized key "(.{1,60}?)" for group', _parameters),
    (
        r"^Unknown artist property: (\w{1,60})",
        _of("color", "linestyle", "linewidth", "marker", "markersize", "hatch", "alpha"),
    ),
)


def _not(name: str, near: Sequence[str], what: str) -> str:
    return f"'{name}' {what}: {offer(near, chr(39))}" if near else ""
