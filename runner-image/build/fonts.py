"""Glyphs of the world's scripts for every figure, and stand-ins for common fonts; used by build.py for the image.

Chinese, Japanese and Korean: one wheel brings Noto Sans CJK, whose single file holds the glyphs of all four
traditions (simplified and traditional Chinese, Japanese, Korean) but shows Japanese forms where they differ: to a
Chinese reader several hundred characters look wrong. The font lists the glyphs of each tradition in its ``locl``
substitutions. So the file becomes a collection of four faces that share every glyph and differ in the character map
alone: 1 MiB more, not 48.

The other scripts, emoji and the stand-ins come as variable fonts, which hold all weights in one file. Matplotlib draws
only the weight that such a file begins with, and embeds only that in a PDF. So each becomes two ordinary files, regular
and bold, in a folder of their own; a few have the regular one alone.

At run time stand_ins/font_fallback.py makes figures use them.

Source: OpenType specification, ``cmap``, ``GSUB`` (lookup type 1), ``fvar``, and registered feature ``locl``.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED_FONT = "noto_cjk_sans_jp_regular/NotoSansCJKjp-Regular.otf"
COLLECTION_NAME = "NotoSansCJK-Regular.ttc"

#: The OpenType language whose forms each face shows; None: the font as shipped.
FACES = {"SC": "ZHS ", "TC": "ZHT ", "JP": None, "KR": "KOR "}

#: Folders in site/ that have nothing but fonts, which move from there.
FONT_PACKAGES = ("font_caladea", "fontpkg_arimo", "manimgx_fonts")

#: Families whose bold weight would cost more than it is worth: 10,000 glyphs, of which text needs single ones.
REGULAR_ALONE = ("NotoEmoji", "NotoSans", "NotoSansSymbols")

#: What isn't needed of them: a Latin italic, in a family whose upright face only fills gaps.
UNUSED = ("NotoSans-Italic[wght].ttf",)

#: What makes a font variable. Without it a font is what it is by default, which is the regular weight in all of these.
VARIATIONS = ("HVAR", "MVAR", "STAT", "VVAR", "avar", "cvar", "fvar", "gvar")

REGULAR, BOLD = 400, 700


def bake(site: Path, config_dir: Path, fonts_dir: Path) -> None:
    """Make the collection of faces, the fonts of other scripts, and the font list that Matplotlib will read.

    Args:
        site: Folder of the installed libraries.
        config_dir: Folder whose files every container copies into its MPLCONFIGDIR.
        fonts_dir: Folder for the fonts that are not in that list, because searching a long one takes time.
    """
    bake_other_fonts(site, fonts_dir)
    shipped = site / SHIPPED_FONT
    collection = shipped.with_name(COLLECTION_NAME)
    make_collection(shipped, collection)
    shipped.unlink()
    config_dir.mkdir()
    bake_font_list(collection, config_dir)


def bake_other_fonts(site: Path, fonts_dir: Path) -> None:
    """Move the fonts of FONT_PACKAGES to their folder, variable ones as two weights."""
    fonts_dir.mkdir()
    shipped = [path for package in FONT_PACKAGES for path in sorted((site / package).rglob("*.ttf"))]
    variable = [path for path in shipped if "[" in path.name and path.name not in UNUSED]
    with ProcessPoolExecutor() as pool:
        list(pool.map(split_weights, variable, [fonts_dir] * len(variable)))
    for path in shipped:
        if "[" not in path.name:
            shutil.copyfile(path, fonts_dir / path.name)
    for package in FONT_PACKAGES:
        shutil.rmtree(site / package)
    size = sum(path.stat().st_size for path in fonts_dir.iterdir())
    print(f"fonts of other scripts, and stand-ins: {len(list(fonts_dir.iterdir()))} files, {size / 2**20:.0f} MiB")


def split_weights(variable: Path, fonts_dir: Path) -> None:
    """Write a variable font's weights as ``Name-Regular.ttf`` and, for most, ``Name-Bold.ttf``."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # noqa: PLC0415 - needs site/
    from fontTools.varLib import instancer  # type: ignore[import-untyped]  # noqa: PLC0415 - needs site/

    name = variable.name.partition("[")[0]  # NotoSansThai, or Arimo-Italic
    family, _, slope = name.partition("-")
    regular = TTFont(variable, lazy=True, recalcBBoxes=False, recalcTimestamp=False)
    known = {axis.axisTag: axis.defaultValue for axis in regular["fvar"].axes}
    if known.get("wght") != REGULAR:
        raise SystemExit(f"{variable.name} begins with another weight than expected: {known}")
    for table in VARIATIONS:
        if table in regular:
            del regular[table]
    regular.save(fonts_dir / f"{family}-{slope or 'Regular'}.ttf")
    if family in REGULAR_ALONE:
        return
    bold = TTFont(variable, recalcTimestamp=False)
    instancer.instantiateVariableFont(bold, known | {"wght": BOLD}, inplace=True)
    rename(bold, bold["name"].getBestFamilyName(), f"Bold {slope}".rstrip())
    bold.save(fonts_dir / f"{family}-Bold{slope}.ttf")


def make_collection(shipped: Path, collection_path: Path) -> None:
    """Write a collection with one face for each entry of FACES, all sharing the glyphs of ``shipped``."""
    from fontTools.ttLib import TTCollection, TTFont  # noqa: PLC0415 - needs site/

    collection = TTCollection()
    for face, language in FACES.items():
        font = TTFont(shipped, lazy=True, recalcBBoxes=False, recalcTimestamp=False)
        replaced = localised_forms(font["GSUB"].table, language) if language else {}
        for table in font["cmap"].tables:
            if table.isUnicode() and table.format != 14:  # noqa: PLR2004 - 14 lists variation sequences
                table.cmap = {code: replaced.get(glyph, glyph) for code, glyph in table.cmap.items()}
        rename(font, f"Noto Sans CJK {face}")
        collection.fonts.append(font)
        print(f"face {face}: {len(replaced)} forms of its own")
    collection.save(collection_path, shareTables=True)


def localised_forms(substitutions: Any, language: str) -> dict[str, str]:
    """Return the glyphs of ``language`` by those they replace, in ideographic and default script."""
    forms: dict[str, str] = {}
    for script in substitutions.ScriptList.ScriptRecord:
        if script.ScriptTag not in ("DFLT", "hani", "hang"):
            continue
        for system in script.Script.LangSysRecord:
            if system.LangSysTag != language:
                continue
            for index in system.LangSys.FeatureIndex:
                feature = substitutions.FeatureList.FeatureRecord[index]
                if feature.FeatureTag != "locl":
                    continue
                for lookup in feature.Feature.LookupListIndex:
                    for part in substitutions.LookupList.Lookup[lookup].SubTable:
                        forms.update(getattr(part, "ExtSubTable", part).mapping)
    if not forms:
        raise SystemExit(f"the font has no forms for {language!r}: another font than expected")
    return forms


def rename(font: Any, family: str, style: str = "Regular") -> None:
    """Give the face a family name and a style of its own."""
    names = font["name"]
    postscript = f"{family}-{style}".replace(" ", "")
    for name_id in (1, 2, 3, 4, 6, 16, 17):
        names.removeNames(nameID=name_id)
    for name_id, text in ((1, family), (2, style), (3, postscript), (4, f"{family} {style}"), (6, postscript)):
        names.setName(text, name_id, 3, 1, 0x409)


def bake_font_list(collection: Path, config_dir: Path) -> None:
    """Write the font list: Matplotlib's own fonts and the faces of the collection."""
    from matplotlib import font_manager  # noqa: PLC0415 - needs site/

    manager = font_manager.FontManager()
    manager.addfont(collection)
    font_manager.json_dump(manager, config_dir / f"fontlist-v{manager.__version__}.json")
    print(f"font list: {len(manager.ttflist)} entries")
