"""Texts that are cut off, too small to be read, or written in signs that no font has."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from explain.words import Finding

from findings.overlaps import ink_of
from findings.scene import ERROR, LEGEND, WARNING, Scene, Written, capitalised, count_of, union
from findings.series import sheltered

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Pixels of a text outside the picture that aren't missed.
CUT_PIXELS = 2.0

#: Sizes below which text is hard to read: on paper (journals ask for at least 5 points: Nature's guide to figures), and
#: on a screen, in pixels of the font's size: below it small letters are less than four pixels high.
LEAST_POINTS = 5.0
LEAST_PIXELS = 7.0

POINTS_PER_INCH = 72.0

#: Characters that have no shape of their own: joiners, directions, selectors of emoji, soft hyphen, and line ends.
INVISIBLE = frozenset((0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF))
SELECTORS = range(0xFE00, 0xFE10)
LAST_ASCII = 0x7F

#: Signs that a sentence names, characters of a text that are looked up.
NAMED_SIGNS = 5
CHARACTERS_LIMIT = 2000


def cut_off(scene: Scene) -> Iterator[Finding]:
    """Texts that reach over the edge of the saved picture, and texts cut by the frame of their axes."""
    saved = scene.drawn.saved
    left, top = saved.left, saved.top
    hits: list[tuple[float, Written]] = []
    for written in scene.texts:
        if scene.is_within(written.extent) or _clip_of(written) is not None:
            continue
        scene.drawn.check_time()
        with sheltered():
            corners = ink_of(scene, written).corners
            low, high = corners.min(0), corners.max(0)
            over = max(left - low[0], high[0] - (left + saved.width), high[1] - top, (top - saved.height) - low[1])
            if over > CUT_PIXELS:
                hits.append((float(over), written))
    for legend in (False, True):
        some = [hit for hit in hits if (hit[1].role == LEGEND) is legend]
        if some:
            yield _cut_finding(scene, some, legend=legend)


def _cut_finding(scene: Scene, hits: list[tuple[float, Written]], *, legend: bool) -> Finding:
    over, written = max(hits, key=lambda hit: hit[0])
    numbers = tuple(sorted({each.number for _, each in hits} - {0}))
    others = f", and so with {count_of(len(hits) - 1, 'text')}" if len(hits) > 1 else ""
    extents = [each.extent for _, each in hits if scene.box(each.extent) is not None]
    if legend:
        extents += [scene.drawn.extent(each) for each, number in scene.legends if number in (*numbers, 0)]
    gone = scene.box(written.extent) is None
    how = "lies outside the picture" if gone else f"is cut off by the edge of the picture, {over:.0f} pixels of it"
    return Finding(
        "legend-cut-off" if legend else "text-cut-off",
        ERROR,
        capitalised(f"{written.name} {how}{others}."),
        'Keep the legend within: loc="upper left", or plt.subplots(layout="constrained") with fig.legend(loc="outside '
        'right upper"), or savefig(bbox_inches="tight").'
        if legend
        else 'Give it room: plt.subplots(layout="constrained") or savefig(bbox_inches="tight"); break a long text with '
        '"\\n" or set a smaller fontsize.',
        numbers,
        scene.box(union(extents)),
    )


def clipped(scene: Scene) -> Iterator[Finding]:
    """Texts of which their axes show a part alone, since clip_on is set."""
    for written in scene.texts:
        clip = _clip_of(written)
        plot = scene.plot(written.number)
        if clip is None or plot is None:
            continue
        extent = written.extent
        seen = min(clip.x1, extent.x1) > max(clip.x0, extent.x0) and min(clip.y1, extent.y1) > max(clip.y0, extent.y0)
        corners = ink_of(scene, written).corners
        low, high = corners.min(0), corners.max(0)
        over = max(clip.x0 - low[0], high[0] - clip.x1, high[1] - clip.y1, clip.y0 - low[1])
        if seen and over > CUT_PIXELS:
            yield Finding(
                "text-cut-by-axes",
                ERROR,
                capitalised(f"{written.name} is cut off by the frame of axes {written.number}."),
                "Set clip_on=False for it, move it, or widen the limits with ax.set_xlim or ax.margins.",
                (written.number,),
                scene.box(extent),
            )
            return


def _clip_of(written: Written) -> Any | None:
    """Return the box outside of which a text isn't drawn; None if there is none."""
    return written.artist.get_clip_box() if written.artist.get_clip_on() else None


def too_small(scene: Scene) -> Iterator[Finding]:
    """Texts whose letters are too small to be read at the size of the saved picture."""
    dpi = scene.drawn.saved.dpi
    least = max(LEAST_POINTS, LEAST_PIXELS * POINTS_PER_INCH / dpi)
    small = [each for each in scene.texts if _has_letters(each.text) and each.artist.get_fontsize() < least - 1e-3]
    if small:
        written = min(small, key=lambda each: float(each.artist.get_fontsize()))
        size = float(written.artist.get_fontsize())
        others = f", and {count_of(len(small) - 1, 'text')} below {least:.1f} points" if len(small) > 1 else ""
        yield Finding(
            "text-too-small",
            WARNING,
            capitalised(
                f"{written.name} is {size:.1f} points small, {size * dpi / POINTS_PER_INCH:.0f} pixels{others}."
            ),
            "Set a larger fontsize, or a higher dpi for more pixels of the same text; fewer labels need less room.",
            tuple(sorted({each.number for each in small} - {0})),
            scene.box(written.extent),
        )


def _has_letters(text: str) -> bool:
    return any(char.isalnum() for char in text[:CHARACTERS_LIMIT])


def missing_glyphs(scene: Scene) -> Iterator[Finding]:
    """Characters that none of the fonts of a text has, so that a box is drawn in their place.

    The fonts are those that Matplotlib searches in turn (Text.set_fontfamily: "font fallback", since 3.6). Characters
    of formulas come from other fonts and aren't looked up.
    """
    missing: dict[str, Written] = {}
    hit: list[Written] = []
    known: dict[tuple[Any, int], bool] = {}
    for written in scene.texts:
        if written.text.isascii() or written.artist.get_usetex():
            continue
        scene.drawn.check_time()
        with sheltered():
            signs = [char for char in _plain_characters(written) if not _is_shown(written.artist, char, known)]
            missing |= {char: written for char in signs if char not in missing}
            hit += [written] if signs else []
    if missing:
        shown = ", ".join(f'"{char}" (U+{ord(char):04X})' for char in itertools.islice(missing, NAMED_SIGNS))
        more = f" and {len(missing) - NAMED_SIGNS} more" if len(missing) > NAMED_SIGNS else ""
        yield Finding(
            "glyph-missing",
            ERROR,
            capitalised(f"{hit[0].name} shows boxes in place of {shown}{more}: no font that it asks for has them."),
            'Name a font that has them, as in plt.rcParams["font.family"] = ["DejaVu Sans", "Noto Sans CJK JP"], or '
            "write other characters.",
            tuple(sorted({each.number for each in hit} - {0})),
            scene.box(hit[0].extent),
        )


def _plain_characters(written: Written) -> list[str]:
    """Return the characters of a text that fonts must have, each once."""
    text = written.text[:CHARACTERS_LIMIT]
    if written.artist.get_parse_math() and text.replace("\\$", "").count("$") > 1:
        text = "".join(text.replace("\\$", "").split("$")[::2])
    return [char for char in dict.fromkeys(text) if _needs_glyph(ord(char)) and not char.isspace()]


def _needs_glyph(code: int) -> bool:
    return code > LAST_ASCII and code not in INVISIBLE and code not in SELECTORS


def _is_shown(artist: Any, char: str, known: dict[tuple[Any, int], bool]) -> bool:
    """Tell whether one of the fonts of a text has a character."""
    from matplotlib.font_manager import fontManager, get_font

    properties = artist.get_fontproperties()
    key = (hash(properties), ord(char))
    if key not in known:
        paths = fontManager._find_fonts_by_props(properties)
        known[key] = any(ord(char) in _characters_of(get_font(path)) for path in paths)
    return known[key]


def _characters_of(font: Any) -> Any:
    """Return the characters that a font has."""
    return _Characters(font)


class _Characters:
    """The characters of a font, looked up one at a time: a list of all takes a CJK font 5 ms."""

    def __init__(self, font: Any) -> None:
        self._font = font

    def __contains__(self, code: int) -> bool:
        return bool(self._font.get_char_index(code))


CHECKS = (cut_off, clipped, missing_glyphs, too_small)
