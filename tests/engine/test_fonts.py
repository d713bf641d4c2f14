"""Letters of the world and named fonts, in the runner image under the whole hardening."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.test_runner_image import HARDENED, PNG_SIGNATURE, engine, run  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from tests.engine.test_runner_image import Run

pytestmark = pytest.mark.engine

#: A function that tells how a text is laid out: the font, the glyph's name and the characters of each glyph.
LAID_OUT = """
import json, sys, warnings
warnings.simplefilter("error")
from matplotlib import font_manager
from matplotlib.ft2font import LoadFlags

def laid_out(word, **style):
    figure = plt.figure()
    figure.text(0, 0.5, word, **style)
    figure.canvas.draw()
    font = font_manager.get_font(font_manager.fontManager._find_fonts_by_props(font_manager.FontProperties(**style)))
    font.set_size(20, 72)
    items = font._layout(word, LoadFlags.NO_HINTING)
    plt.close(figure)
    return [[item.ft_object.postscript_name, item.ft_object.get_glyph_name(item.glyph_index)] for item in items]
"""

#: A word of each script; the font that shows it, and what its letters become: how many glyphs, and which is first if
#: that is another letter than the first one read.
SCRIPTS: dict[str, tuple[str, str, int, str | None]] = {
    "Devanagari": ("क्ष", "NotoSansDevanagari", 1, None),
    "Devanagari vowel": ("कि", "NotoSansDevanagari", 2, "uni093F.04"),
    "Bengali": ("কি", "NotoSansBengali", 2, "uni09BF"),
    "Tamil": ("கொ", "NotoSansTamil", 3, None),
    "Telugu": ("క్ష", "NotoSansTelugu", 1, None),
    "Gujarati": ("કિ", "NotoSansGujarati", 2, None),
    "Kannada": ("ಕ್ಷ", "NotoSansKannada", 1, "kassaknda"),
    "Malayalam": ("കെ", "NotoSansMalayalam", 2, None),
    "Gurmukhi": ("ਕਿ", "NotoSansGurmukhi", 2, None),
    "Oriya": ("କି", "NotoSansOriya", 2, None),
    "Thai": ("น้ำ", "NotoSansThai", 4, None),
    "Lao": ("ນ້ຳ", "DejaVuSans", 4, None),
    "Sinhala": ("ශ්\u200dරී", "NotoSansSinhala", 3, None),
    "Khmer": ("ខ្មែ", "NotoSansKhmer", 3, None),
    "Myanmar": ("မြ", "NotoSansMyanmar", 2, "medial_ra"),
    "Ethiopic": ("አማ", "NotoSansEthiopic", 2, "aGlottal.eth"),
    "Hebrew": ("אב", "DejaVuSans", 2, "uni05D1"),
    "Arabic": ("لا", "DejaVuSans", 1, "uniFEFB"),
    "Georgian": ("ქა", "DejaVuSans", 2, "uni10E5"),
    "Armenian": ("ԱՄ", "DejaVuSans", 2, "uni0531"),
    "rocket": ("🚀", "NotoEmoji", 1, "u1F680"),
    "check mark": ("✅", "NotoEmoji", 1, "checkMarkButton"),
    "a family of emoji": ("👩\u200d💻", "NotoEmoji", 1, "technologist"),
    "flag": ("🇮🇳", "NotoEmoji", 1, "flagIndia"),
    "bitcoin": ("₿", "NotoSans", 1, "uni20BF"),
}

#: What a user may name: what is drawn with instead, and whether a line says so.
NAMED = {
    "Arial": ("Arimo-Regular.ttf", False),
    "Helvetica": ("Arimo-Regular.ttf", False),
    "Liberation Sans": ("Arimo-Regular.ttf", False),
    "Times New Roman": ("STIXGeneral.ttf", True),
    "Times": ("STIXGeneral.ttf", True),
    "Courier New": ("DejaVuSansMono.ttf", False),
    "Consolas": ("DejaVuSansMono.ttf", True),
    "Calibri": ("Arimo-Regular.ttf", True),
    "Segoe UI": ("Arimo-Regular.ttf", True),
    "Cambria": ("Caladea-Regular.ttf", False),
    "Verdana": ("DejaVuSans.ttf", True),
    "Georgia": ("DejaVuSerif.ttf", True),
    "Comic Sans MS": ("DejaVuSans.ttf", True),
    "Mangal": ("NotoSansDevanagari-Regular.ttf", True),
    "Noto Sans Thai": ("NotoSansThai-Regular.ttf", False),
    "Segoe UI Emoji": ("NotoEmoji-Regular.ttf", True),
    "SimHei": ("NotoSansCJK-Regular.ttc", False),
}

EVERY_SCRIPT = [word for word, *_ in SCRIPTS.values()]


@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_words_are_shaped(run: Run, weight: str) -> None:  # noqa: F811 - a fixture
    """Each script has a font, its letters are joined and ordered as readers expect, and nothing is warned about."""
    program = f"""{LAID_OUT}
words = json.loads({json.dumps(json.dumps(EVERY_SCRIPT))})
print(json.dumps([laid_out(word, weight={weight!r}) for word in words]))
plt.figure()
"""
    code, _, stderr = run(program.encode(), **HARDENED)
    assert code == 0, stderr
    found = json.loads(stderr)
    for (name, (_, font, glyphs, first)), drawn in zip(SCRIPTS.items(), found, strict=True):
        assert len(drawn) == glyphs, (name, drawn)
        assert all(family.startswith(font) for family, _ in drawn), (name, drawn)
        if weight == "bold" and font not in {"NotoEmoji", "NotoSans"}:
            assert all("Bold" in family for family, _ in drawn), (name, drawn)
        elif first is not None:
            assert drawn[0][1] == first, (name, drawn)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
@pytest.mark.parametrize("family", ["sans-serif", "serif", "monospace", "cmr10", "STIXGeneral"])
def test_every_family_and_format_shows_every_script(run: Run, family: str, kind: str) -> None:  # noqa: F811
    """Whatever family a figure asks for and whatever it is saved as, no glyph is missing, beside a formula either."""
    program = f"""
import io, json, warnings
warnings.simplefilter("error")
words = " ".join(json.loads({json.dumps(json.dumps(EVERY_SCRIPT))}))
plt.rcParams["font.family"] = {family!r}
fig = plt.figure()
fig.text(0, 0.2, words)
if {family!r} != "cmr10":  # of which Matplotlib itself says that it isn't there in bold
    fig.text(0, 0.4, words, weight="bold")
fig.text(0, 0.6, words.replace("₿", "") + " $x^2$")
fig.savefig(io.BytesIO(), format={kind!r})
"""
    code, stdout, stderr = run(program.encode(), **HARDENED)
    assert (code, stderr) == (0, b"")
    assert stdout.startswith(PNG_SIGNATURE)


def test_words_beside_a_formula_are_shaped(run: Run) -> None:  # noqa: F811
    """A word next to a formula has the glyphs that it has alone, in the same order."""
    program = f"""{LAID_OUT}
from matplotlib.mathtext import MathTextParser
words = ["किसान", "ภาษาไทย น้ำ", "العربية بخير", "മൊഴി", "👩\\u200d💻"]
for word in words:
    figure = plt.figure()
    figure.text(0, 0.5, word)
    figure.canvas.draw()
    parsed = MathTextParser("path").parse(word + " $x$", 72, font_manager.FontProperties(size=20))
    names = [font.get_glyph_name(index) for font, _, _, index, _, _ in parsed.glyphs]
    alone = [name for _, name in laid_out(word)]
    assert names[: len(alone)] == alone, (word, names, alone)
    across = [x for _, _, _, _, x, _ in parsed.glyphs]
    assert across[-1] > max(across[: len(alone)]) >= 0, across
"""
    code, stdout, stderr = run(program.encode(), **HARDENED)
    assert (code, stderr) == (0, b"")
    assert stdout.startswith(PNG_SIGNATURE)


def test_named_fonts_are_replaced_by_their_kind(run: Run) -> None:  # noqa: F811
    """A font that can't be shipped falls to one like it; a line says so, once, unless the widths are the same."""
    program = f"""
import json, os, sys
from matplotlib import font_manager
for name in {list(NAMED)!r}:
    for _ in range(3):
        fig = plt.figure()
        fig.text(0, 0.5, "Text", family=name)
        fig.text(0, 0.7, "Text", family=name, weight="bold", style="italic")
        fig.canvas.draw()
        plt.close(fig)
    print("file", name, os.path.basename(font_manager.findfont(name)), sep="|", file=sys.stderr)
plt.figure()
"""
    code, _, stderr = run(program.encode(), **HARDENED)
    assert code == 0, stderr
    lines = stderr.decode().splitlines()
    files = dict(line.split("|")[1:] for line in lines if line.startswith("file|"))
    assert files == {name: file for name, (file, _) in NAMED.items()}
    said = [line for line in lines if not line.startswith("file|")]
    announced = [name for name, (_, is_said) in NAMED.items() if is_said]
    assert [line.split("'")[1] for line in said] == announced
    assert all(line.endswith("is used instead.") for line in said)


def test_an_unknown_family_is_reported_once(run: Run) -> None:  # noqa: F811
    """A family that nobody knows gives one line, not one for every text of the figure."""
    program = """
plt.rcParams["font.family"] = "Foo Bar"
plt.plot([1, 2, 3])
plt.title("Title")
"""
    code, _, stderr = run(program.encode(), **HARDENED)
    assert (code, stderr) == (0, b"findfont: Font family 'Foo Bar' not found.\n")


def test_a_font_that_is_here_goes_before_a_replacement(run: Run) -> None:  # noqa: F811
    """A list of families, as style sheets have them, is read as without the replacements."""
    program = """
import os
from matplotlib import font_manager
plt.rcParams["font.sans-serif"] = ["Arial", "Calibri", "DejaVu Sans"]
assert os.path.basename(font_manager.findfont(font_manager.FontProperties(family=["sans-serif"]))) == "DejaVuSans.ttf"
plt.rcParams["font.sans-serif"] = ["Nobody's", "Arial"]
found = font_manager.findfont(font_manager.FontProperties(family=["sans-serif"]))
assert os.path.basename(found) == "Arimo-Regular.ttf"
plt.figure()
"""
    code, _, stderr = run(program.encode(), **HARDENED)
    assert (code, stderr) == (0, b"")


def test_plain_figures_open_no_other_font(run: Run) -> None:  # noqa: F811
    """Text that Matplotlib's main font can show opens that font alone, whatever is in the image."""
    program = """
from matplotlib import font_manager
plt.plot([1, 2], label="é µ → ≤ Ж")
plt.legend()
plt.gcf().canvas.draw()
found = font_manager.fontManager._find_fonts_by_props(font_manager.FontProperties())
assert [str(path).rsplit("/")[-1] for path in found] == ["DejaVuSans.ttf"], found
plt.title("नमस्ते")
plt.gcf().canvas.draw()
found = font_manager.fontManager._find_fonts_by_props(font_manager.FontProperties())
assert [str(path).rsplit("/")[-1] for path in found] == ["DejaVuSans.ttf", "NotoSansDevanagari-Regular.ttf"], found
"""
    code, _, stderr = run(program.encode(), **HARDENED)
    assert (code, stderr) == (0, b"")
