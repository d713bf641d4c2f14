"""Chinese, Japanese and Korean glyphs for every figure; used by build.py when the image is made.

One wheel brings Noto Sans CJK, whose single file holds the glyphs of all four traditions (simplified and
traditional Chinese, Japanese, Korean) but shows Japanese forms where they differ: to a Chinese reader
several hundred characters look wrong. The font lists the glyphs of each tradition in its ``locl``
substitutions. So the file becomes a collection of four faces that share every glyph and differ in
the character map alone: 1 MiB more, not 48.

At run time font_fallback.py makes figures use them.

Source: OpenType specification, ``cmap``, ``GSUB`` (lookup type 1), and registered feature ``locl``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED_FONT = "noto_cjk_sans_jp_regular/NotoSansCJKjp-Regular.otf"
COLLECTION_NAME = "NotoSansCJK-Regular.ttc"

#: The OpenType language whose forms each face shows; None: the font as shipped.
FACES = {"SC": "ZHS ", "TC": "ZHT ", "JP": None, "KR": "KOR "}


def bake(site: Path, config_dir: Path) -> None:
    """Make the collection of faces and write the font list that Matplotlib will read.

    Args:
        site: Folder of the installed libraries.
        config_dir: Folder whose files every container copies into its MPLCONFIGDIR.
    """
    shipped = site / SHIPPED_FONT
    collection = shipped.with_name(COLLECTION_NAME)
    make_collection(shipped, collection)
    shipped.unlink()
    config_dir.mkdir()
    bake_font_list(collection, config_dir)


def make_collection(shipped: Path, collection_path: Path) -> None:
    """Write a collection with one face for each entry of FACES, all sharing the glyphs of ``shipped``."""
    from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-untyped]  # noqa: PLC0415 - needs site/

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


def rename(font: Any, family: str) -> None:
    """Give the face a family name of its own."""
    names = font["name"]
    style, postscript = "Regular", family.replace(" ", "") + "-Regular"
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
