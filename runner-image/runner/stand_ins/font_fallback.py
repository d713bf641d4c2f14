"""Lets every figure show the scripts of the world, whatever fonts it asks for, and replaces fonts that aren't here.

Additions to Matplotlib, each without effect on text that the chosen font can show by itself:

* fonts for other scripts and emoji end the list of fonts that are asked for a glyph, for every family and style sheet
  alike (either would replace an entry in rcParams). A font is in that list once a text with a character of its script
  is laid out: opening all of them takes 3 ms for each combination of family, weight and style, so a figure without such
  text has none of them. Matplotlib's main font comes before them, for families that lack a sign it has;
* in formulas, which have no such list, a character of these scripts is taken from its font. Matplotlib sets a text that
  has a formula in it character by character; here words of scripts whose letters are joined or move are shaped whole;
* fonts that programs name and that can't be shipped (SimHei, Arial, Times New Roman, ...) are replaced by one that is
  here and like it. It is entered into Matplotlib's list under that name when it is first named, as are the
  image's own fonts: Matplotlib walks the whole list for every search, and 190 more entries cost a figure with a formula
  13 ms. A font of other widths is announced, once;
* a family that isn't found is reported once, not for every text.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import logging
import os
import re
from typing import Any

from stand_ins.font_families import (
    ALIASES,
    CJK,
    COVERED,
    FALLBACK_FACE,
    OTHERS,
    OWN_FAMILIES,
    PICTURES,
    SCRIPTS,
    STAND_INS,
)

#: Where the build put the fonts that aren't in Matplotlib's list.
FONTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fonts")

#: Weights under which a single face is listed: a bold title in a regular face beats a warning.
REGULAR, BOLD = 400, 700

#: Files of a family by the end of their names: weight and style.
STYLES = {
    "-Regular.ttf": (REGULAR, "normal"),
    "-Bold.ttf": (BOLD, "normal"),
    "-Italic.ttf": (REGULAR, "italic"),
    "-BoldItalic.ttf": (BOLD, "italic"),
}

#: Matplotlib's main font, regular and bold.
MAIN = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")

#: From this weight on, the bold face is nearer.
BOLD_FROM = 600

#: Zero width non-joiner and joiner, and the selector of emoji.
JOINERS = "\u200c\u200d\ufe0f"

#: Characters before this one are in every font but Matplotlib's for signs.
FIRST_OF_OTHER_SCRIPTS = 0x0530


def install() -> None:
    """Make the additions; do nothing where the font list holds no such face (outside of the image)."""
    from matplotlib import cbook, font_manager, text, textpath

    manager = font_manager.fontManager
    faces = {entry.name: entry for entry in manager.ttflist if entry.name.startswith("Noto Sans CJK ")}
    if FALLBACK_FACE not in faces:
        return
    entry = faces[FALLBACK_FACE]
    regular, bold = (str(cbook._get_data_path("fonts", "ttf", name)) for name in MAIN)
    last_fonts = LastFonts(
        font_manager.FontPath,
        main=(font_manager.FontPath(regular, 0), font_manager.FontPath(bold, 0)),
        ideographs=font_manager.FontPath(entry.fname, entry.index),
    )
    add_aliases(font_manager, faces)
    add_last_fonts(font_manager, last_fonts)
    watch_texts(last_fonts, text.Text, textpath.TextToPath)
    add_to_formulas(last_fonts)
    shape_words_beside_formulas(last_fonts)
    logging.getLogger(font_manager.__name__).addFilter(once())
    # Opening the face takes 0.3 ms; a warm container has that behind it.
    font_manager.get_font(manager._find_fonts_by_props(font_manager.FontProperties()))


class LastFonts:
    """The fonts that end every list, as far as texts need them.

    Args:
        font_path: Matplotlib's type of an entry in such a list.
        main: Matplotlib's main font, regular and bold.
        ideographs: The face for Chinese, Japanese and Korean.
    """

    def __init__(self, font_path: Any, main: tuple[Any, Any], ideographs: Any) -> None:
        self._main = main
        self._paths: dict[str, tuple[Any, Any]] = {}
        for name in (*SCRIPTS, *OTHERS):
            regular, bold = (os.path.join(FONTS, name + end) for end in ("-Regular.ttf", "-Bold.ttf"))
            weights = (regular, bold if os.path.exists(bold) else regular)
            self._paths[name] = tuple(font_path(path, 0) for path in weights)
        self._paths[FALLBACK_FACE] = (ideographs, ideographs)
        self._needed: set[str] = set()

    def note(self, text: str) -> None:
        """Have the fonts ready that a text may need."""
        if not text.isascii():
            for char in set(text):
                if ord(char) >= FIRST_OF_OTHER_SCRIPTS:
                    self._needed.update(fonts_for(ord(char)))

    def paths(self, *, bold: bool) -> list[Any]:
        """Return the fonts in the order in which they are to be asked."""
        return [self._main[bold], *(paths[bold] for name, paths in self._paths.items() if name in self._needed)]

    def for_character(self, code: int) -> list[Any]:
        """Return the fonts for one letter of another script or one picture, none for any other character."""
        if chr(code) in JOINERS:  # of words that will be shaped; not every font has them
            return [self._main[False]]
        names = fonts_for(code) if code >= FIRST_OF_OTHER_SCRIPTS else ()
        # Signs are the formula's own: its fonts have them in several sizes.
        return [] if names == OTHERS and not is_in(code, PICTURES) else [self._paths[name][False] for name in names]


@functools.lru_cache(4096)
def fonts_for(code: int) -> tuple[str, ...]:
    """Return the names of the fonts that may show a character which Matplotlib's own may lack."""
    for name, ranges in SCRIPTS.items():
        if is_in(code, ranges):
            return (name,)
    if is_in(code, CJK):
        return (FALLBACK_FACE,)
    return () if is_in(code, COVERED) else OTHERS


def is_in(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    """Tell whether a character is in one of some ranges."""
    return any(first <= code <= last for first, last in ranges)


def once() -> Any:
    """Return a filter that passes each report of a family that isn't found once."""
    seen: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        if not str(record.msg).startswith("findfont:"):
            return True
        report = record.getMessage()
        known = report in seen
        seen.add(report)
        return not known

    return is_new


def add_aliases(font_manager: Any, faces: dict[str, Any]) -> None:
    """Enter the fonts for ALIASES, OWN_FAMILIES and STAND_INS into the font list when a search first names them."""
    aliases = {name.lower(): (name, f"Noto Sans CJK {face}") for face in ALIASES for name in ALIASES[face]}
    aliases |= {name.lower(): (name, name) for name in faces}
    others: dict[str, tuple[str, str, bool]]
    others = {name.lower(): (name, family, True) for name, family in OWN_FAMILIES.items()}
    for (family, same_widths), names in STAND_INS.items():
        others |= {name.lower(): (name, family, same_widths) for name in names}
    search = font_manager.FontManager._findfont_cached.__wrapped__

    def find_font(self: Any, prop: Any, *args: Any, **options: Any) -> Any:
        for family in font_manager.FontProperties._from_any(prop).get_family():
            generic = family.lower() in font_manager.font_family_aliases
            names = [name.lower() for name in (self._expand_aliases(family.lower()) if generic else (family,))]
            for name in names:
                alias = aliases.pop(name, None)
                if alias is not None:
                    self.ttflist += (
                        dataclasses.replace(faces[alias[1]], name=alias[0], weight=weight) for weight in (REGULAR, BOLD)
                    )
            if not others.keys().isdisjoint(names):
                here = {entry.name.lower() for entry in self.ttflist}
                # In a list, a font that is here goes before one that would have to be replaced.
                named = next((name for name in names if name in others), "") if here.isdisjoint(names) else ""
                if named:
                    enter(self, *others.pop(named))
        return search(self, prop, *args, **options)

    def enter(manager: Any, name: str, family: str, same_widths: object) -> None:
        there = [dataclasses.replace(entry, name=name) for entry in manager.ttflist if entry.name == family]
        manager.ttflist += there or (
            dataclasses.replace(faces[FALLBACK_FACE], fname=path, index=0, name=name, weight=weight, style=style)
            for path, weight, style in files_of(family)
        )
        if not same_widths:
            shown = next((own for own, files in OWN_FAMILIES.items() if files == family), family)
            font_manager._log.warning("findfont: Font family %r not found. %s is used instead.", name, shown)

    font_manager.FontManager._findfont_cached = functools.lru_cache(1024)(find_font)


def files_of(family: str) -> list[tuple[str, int, str]]:
    """Return path, weight and style of each file of a family; a single one stands for both weights."""
    paths = {style: os.path.join(FONTS, family + end) for end, style in STYLES.items()}
    files = [(path, weight, style) for (weight, style), path in paths.items() if os.path.exists(path)]
    return files if len(files) > 1 else [(path, weight, "normal") for path, *_ in files for weight in (REGULAR, BOLD)]


def add_last_fonts(font_manager: Any, last_fonts: LastFonts) -> None:
    """Let text that no chosen font can show fall through to `last_fonts`."""
    find_fonts = font_manager.FontManager._find_fonts_by_props

    def find_fonts_and_fallback(self: Any, prop: Any, fontext: str = "ttf", *args: Any, **options: Any) -> Any:
        found = find_fonts(self, prop, fontext, *args, **options)
        if fontext == "afm":
            return found
        weight = font_manager.FontProperties._from_any(prop).get_weight()
        bold = font_manager.weight_dict.get(weight, weight) >= BOLD_FROM
        return [*found, *(path for path in last_fonts.paths(bold=bold) if path not in found)]

    font_manager.FontManager._find_fonts_by_props = find_fonts_and_fallback


def watch_texts(last_fonts: LastFonts, text_class: Any, path_class: Any) -> None:
    """Show `last_fonts` each text before it is laid out: those of figures, and those that become paths."""
    lay_out, get_path = text_class._get_layout, path_class.get_text_path

    @functools.wraps(lay_out)
    def note_and_lay_out(self: Any, *args: Any, **options: Any) -> Any:
        last_fonts.note(self.get_text())
        return lay_out(self, *args, **options)

    @functools.wraps(get_path)
    def note_and_get_path(self: Any, prop: Any, s: str, *args: Any, **options: Any) -> Any:
        last_fonts.note(s)
        return get_path(self, prop, s, *args, **options)

    text_class._get_layout, path_class.get_text_path = note_and_lay_out, note_and_get_path


def add_to_formulas(last_fonts: LastFonts) -> None:
    """Let formulas take characters of other scripts from the text's own font or from `last_fonts`."""
    from matplotlib import _mathtext
    from matplotlib.font_manager import get_font

    def wrap(cls: Any) -> None:
        get_glyph = cls._get_glyph

        def get_glyph_or_fallback(self: Any, fontname: str, font_class: str, sym: str) -> Any:
            code = ord(sym) if len(sym) == 1 else 0
            if paths := last_fonts.for_character(code):
                for font in (self._fonts["regular"], *map(get_font, paths)):
                    if font.get_char_index(code):
                        return font, code, False
            return get_glyph(self, fontname, font_class, sym)

        cls._get_glyph = get_glyph_or_fallback

    for cls in (_mathtext.UnicodeFonts, _mathtext.DejaVuFonts, _mathtext.BakomaFonts):
        if "_get_glyph" in vars(cls):
            wrap(cls)


def shape_words_beside_formulas(last_fonts: LastFonts) -> None:
    """Let the words of a text that also has a formula be shaped as those of any other text."""
    from matplotlib import _mathtext

    shaped_words = shaped_words_class(last_fonts)
    find = words_pattern().finditer

    def wrap(name: str) -> None:
        parse = getattr(_mathtext.Parser, name)

        @functools.wraps(parse)
        def parse_words(self: Any, toks: Any) -> Any:
            state = self.get_state()
            parsed = parse(self, toks)
            chars = [node for node in parsed[0].children if isinstance(node, _mathtext.Char)]
            nodes: list[Any] = []
            done = 0
            for words in find("".join(char.c for char in chars)):
                nodes += [*chars[done : words.start()], shaped_words(words[0], state)]
                done = words.end()
            return [_mathtext.Hlist([*nodes, *chars[done:]])] if nodes else parsed

        setattr(_mathtext.Parser, name, parse_words)

    for name in ("non_math", "text"):
        wrap(name)


def words_pattern() -> re.Pattern[str]:
    """Return a pattern for words whose letters change with their neighbours, and the spaces between them."""
    ranges = (*itertools.chain(*SCRIPTS.values()), *PICTURES)
    letters = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    letter = f"[{letters}{JOINERS}]"
    return re.compile(f"{letter}+(?: +{letter}+)*")


def shaped_words_class(last_fonts: LastFonts) -> Any:
    """Return the class of words within a formula."""
    from matplotlib import _mathtext
    from matplotlib.font_manager import fontManager, get_font

    class ShapedWords(_mathtext.Char):
        """Some words as one node, drawn as the glyphs that the layout of other text makes of them."""

        def _update_metrics(self) -> None:
            self.font = "of words"  # none of the formula's, so there is no kerning with its letters
            glyphs = [(x, y, info.metrics) for x, y, info in self.lay_out()]
            self.width = max((x + metrics.advance for x, _, metrics in glyphs), default=0.0)
            self.height = max((y + metrics.ymax for _, y, metrics in glyphs), default=0.0)
            self.depth = -min((y + metrics.ymin for _, y, metrics in glyphs), default=0.0)

        def lay_out(self) -> list[tuple[float, float, Any]]:
            last_fonts.note(self.c)
            font = get_font(fontManager._find_fonts_by_props(self.fontset.default_font_prop))
            font.set_size(self.fontsize, self.dpi)
            return [(item.x, item.y, self.info(item)) for item in font._layout(self.c, self.fontset.load_glyph_flags)]

        def info(self, item: Any) -> Any:
            font = item.ft_object
            glyph = font.load_glyph(item.glyph_index, flags=self.fontset.load_glyph_flags)
            left, bottom, right, top = (edge / 64 for edge in glyph.bbox)
            metrics = _mathtext.FontMetrics(
                advance=glyph.linearHoriAdvance / 65536,
                height=glyph.height / 64,
                width=glyph.width / 64,
                xmin=left,
                xmax=right,
                ymin=bottom,
                ymax=top,
                iceberg=glyph.horiBearingY / 64,
                slanted=False,
            )
            return _mathtext.FontInfo(
                font, self.fontsize, font.postscript_name, metrics, item.char, item.glyph_index, glyph, offset=0.0
            )

        def is_slanted(self) -> bool:
            return False

        def get_kerning(self, _next: Any) -> float:
            return 0.0

        def render(self, output: Any, x: float, y: float) -> None:
            output.glyphs += ((x + right, y - up, info) for right, up, info in self.lay_out())

    return ShapedWords
