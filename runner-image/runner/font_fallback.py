"""Lets every figure show Chinese, Japanese and Korean text, whatever fonts it asks for.

Three additions to Matplotlib, each without effect on text that the chosen font can show by itself:

* the simplified Chinese face ends the list of fonts that are asked for a glyph, for every family and style
  sheet alike (either would replace an entry in rcParams);
* in formulas, which have no such list, a character of these scripts is taken from that face;
* fonts that programs name and that can't be shipped (SimHei, MS Gothic, Malgun Gothic, ...) are aliases of the
  face that fits. They are entered into the font list when they are first named: Matplotlib walks the whole
  list for every search, and 190 more entries cost a figure with a formula 13 ms.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

FALLBACK_FACE = "Noto Sans CJK SC"
ALIASES = {
    "SC": (
        "SimHei", "SimSun", "NSimSun", "KaiTi", "FangSong", "STHeiti", "STSong", "STKaiti", "STFangsong",
        "STXihei", "Heiti SC", "Songti SC", "Kaiti SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
        "Microsoft YaHei UI", "DengXian", "LiHei Pro", "Source Han Sans SC", "Source Han Sans CN",
        "Source Han Serif SC", "Noto Sans SC", "Noto Serif CJK SC", "Noto Sans Mono CJK SC",
        "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS", "Sarasa Gothic SC",
    ),
    "TC": (
        "Microsoft JhengHei", "MingLiU", "PMingLiU", "DFKai-SB", "PingFang TC", "PingFang HK", "Heiti TC",
        "Songti TC", "Apple LiGothic", "Source Han Sans TC", "Source Han Sans TW", "Noto Sans TC",
        "Noto Sans CJK HK", "Noto Serif CJK TC", "Noto Sans HK",
    ),
    "JP": (
        "MS Gothic", "MS PGothic", "MS UI Gothic", "MS Mincho", "MS PMincho", "Meiryo", "Yu Gothic", "YuGothic",
        "Yu Mincho", "Hiragino Sans", "Hiragino Kaku Gothic Pro", "Hiragino Kaku Gothic ProN",
        "Hiragino Maru Gothic Pro", "IPAGothic", "IPAPGothic", "IPAexGothic", "IPAMincho", "IPAexMincho",
        "TakaoGothic", "TakaoPGothic", "VL Gothic", "VL PGothic", "Osaka", "AppleGothic JP",
        "Source Han Sans", "Source Han Sans JP", "Noto Sans JP", "Noto Serif CJK JP", "Japanize Matplotlib",
    ),
    "KR": (
        "Malgun Gothic", "NanumGothic", "Nanum Gothic", "NanumBarunGothic", "NanumMyeongjo", "NanumSquare",
        "AppleGothic", "Apple SD Gothic Neo", "AppleMyungjo", "Gulim", "Dotum", "Batang", "Gungsuh",
        "Source Han Sans KR", "Noto Sans KR", "Noto Serif CJK KR", "UnDotum",
    ),
}  # fmt: skip

#: Weights under which a face is listed: a bold title in a regular face beats a warning.
WEIGHTS = (400, 700)

SCRIPTS = (
    range(0x1100, 0x1200),  # Hangul letters
    range(0x2E80, 0xA000),  # radicals, punctuation, kana, ideographs
    range(0xA960, 0xD800),  # Hangul syllables
    range(0xF900, 0xFB00),  # compatibility ideographs
    range(0xFE30, 0xFE50),  # compatibility forms
    range(0xFF00, 0xFFF0),  # full width and half width forms
    range(0x20000, 0x40000),  # rare ideographs
)


def install() -> None:
    """Make the additions; do nothing where the font list holds no such face (outside of the image)."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    faces = {entry.name: entry for entry in manager.ttflist if entry.name.startswith("Noto Sans CJK ")}
    if FALLBACK_FACE not in faces:
        return
    fallback = font_manager.FontPath(faces[FALLBACK_FACE].fname, faces[FALLBACK_FACE].index)
    add_aliases(font_manager, faces)
    add_last_font(font_manager, fallback)
    add_to_formulas(fallback)
    # Opening the face takes 2 ms; a warm container has that behind it.
    font_manager.get_font(manager._find_fonts_by_props(font_manager.FontProperties()))


def add_aliases(font_manager: Any, faces: dict[str, Any]) -> None:
    """Enter the names of ALIASES into the font list when a search first names them."""
    aliases = {name.lower(): (name, f"Noto Sans CJK {face}") for face in ALIASES for name in ALIASES[face]}
    aliases |= {name.lower(): (name, name) for name in faces}
    search = font_manager.FontManager._findfont_cached.__wrapped__

    def find_font(self: Any, prop: Any, *args: Any, **options: Any) -> Any:
        for family in font_manager.FontProperties._from_any(prop).get_family():
            generic = family.lower() in font_manager.font_family_aliases
            for name in self._expand_aliases(family.lower()) if generic else (family,):
                alias = aliases.pop(name.lower(), None)
                if alias is not None:
                    self.ttflist += (
                        dataclasses.replace(faces[alias[1]], name=alias[0], weight=weight) for weight in WEIGHTS
                    )
        return search(self, prop, *args, **options)

    font_manager.FontManager._findfont_cached = functools.lru_cache(1024)(find_font)


def add_last_font(font_manager: Any, fallback: Any) -> None:
    """Let text that no chosen font can show fall through to ``fallback``."""
    find_fonts = font_manager.FontManager._find_fonts_by_props

    def find_fonts_and_fallback(self: Any, prop: Any, fontext: str = "ttf", *args: Any, **options: Any) -> Any:
        found = find_fonts(self, prop, fontext, *args, **options)
        return found if fontext == "afm" or fallback in found else [*found, fallback]

    font_manager.FontManager._find_fonts_by_props = find_fonts_and_fallback


def add_to_formulas(fallback: Any) -> None:
    """Let formulas take characters of SCRIPTS from the text's own font or from ``fallback``."""
    from matplotlib import _mathtext
    from matplotlib.font_manager import get_font

    def wrap(cls: Any) -> None:
        get_glyph = cls._get_glyph

        def get_glyph_or_fallback(self: Any, fontname: str, font_class: str, sym: str) -> Any:
            code = ord(sym) if len(sym) == 1 else 0
            if any(code in script for script in SCRIPTS):
                for font in (self._fonts["regular"], get_font(fallback)):
                    if font.get_char_index(code):
                        return font, code, False
            return get_glyph(self, fontname, font_class, sym)

        cls._get_glyph = get_glyph_or_fallback

    for cls in (_mathtext.UnicodeFonts, _mathtext.DejaVuFonts, _mathtext.BakomaFonts):
        if "_get_glyph" in vars(cls):
            wrap(cls)
