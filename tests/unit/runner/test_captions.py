"""Files have an alternative text where that is asked for, and are else what they were."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gateway.model.jobs import Format
from gateway.pictures.check import check_picture
from tests.support.runner import runner_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.runner import Reply

LIMIT = 50_000_000
SVG = "{http://www.w3.org/2000/svg}"
CODE = (
    "ax = plt.gca()\nax.plot([1, 2, 3], label='a<b & c')\nax.set_title('Höhe (m)')\n"
    "ax.set_xlabel('t')\nax.set_ylabel('h')\n"
)
FORMATS = ("png", "svg", "pdf", "jpeg", "webp")


def texts_of(reply: Reply) -> dict[str, dict[str, str]]:
    """Return the texts in the files of a figure, by format and name; each passes the gateway's check."""
    found: dict[str, dict[str, str]] = {}
    for head, data in reply.pictures:
        kind = head["format"]
        check_picture(Format(kind), data, LIMIT)
        found[kind] = {"png": of_png, "svg": of_svg, "pdf": of_pdf}.get(kind, lambda _: {})(data)
    return found


def of_png(data: bytes) -> dict[str, str]:
    """Return the texts of a PNG."""
    with Image.open(io.BytesIO(data)) as image:
        return {name: text for name, text in image.text.items() if name != "Software"}


def of_svg(data: bytes) -> dict[str, str]:
    """Return what an SVG's root is labelled by."""
    root = ET.fromstring(data)  # noqa: S314 - the gateway's check has passed it
    names = root.get("aria-labelledby", "").split()
    assert (root.get("role") == "img") == bool(names)
    assert [child.tag for child in root[: len(names)]] == [SVG + "title", SVG + "desc"][: len(names)]
    return {name.partition("-")[0]: root.find(f"*[@id='{name}']").text or "" for name in names}


def of_pdf(data: bytes) -> dict[str, str]:
    """Return title and subject of a PDF as Matplotlib writes them."""
    found = {}
    for name, text in re.findall(rb"/(Title|Subject) \(((?:[^()\\]|\\.)*)\)", data, re.DOTALL):
        plain = re.sub(rb"\\(.)", lambda part: {b"n": b"\n", b"r": b"\r"}.get(part[1], part[1]), text, flags=re.DOTALL)
        found[name.decode()] = plain.decode("utf-16") if plain.startswith(b"\xfe\xff") else plain.decode("ascii")
    return found


@pytest.mark.parametrize("options", [{}, {"bbox_inches": "tight"}, {"describe": "summary"}], ids=str)
def test_every_format_that_can_has_the_text(collect: Callable[..., Reply], options: dict[str, Any]) -> None:
    """The text is the same in all of them, the title is the figure's, and the pictures are what they were."""
    plain = collect(CODE, formats=FORMATS, **options)
    reply = collect(CODE, formats=FORMATS, embed_alt_text=True, **options)
    assert texts_of(plain) == {kind: {} for kind in FORMATS}
    texts = texts_of(reply)
    text = texts["png"]["Description"]
    assert text.startswith('Line chart titled "Höhe (m)"')
    assert "a<b & c" in text
    assert texts["svg"] == {"title": "Höhe (m)", "desc": text}
    assert texts["pdf"] == {"Title": "Höhe (m)", "Subject": text}
    assert texts["jpeg"] == texts["webp"] == {}
    assert "notices" not in reply.end
    same = [before == after for before, after in zip(plain.pictures, reply.pictures, strict=True)]
    assert same == [False, False, False, True, True]
    assert reply.pictures[0][0]["pixels_sha256"] == plain.pictures[0][0]["pixels_sha256"]


@pytest.mark.parametrize("layout", ["constrained", "tight", "none"])
def test_a_pdf_alone_is_drawn_once(collect: Callable[..., Reply], layout: str) -> None:
    """But for its text, a PDF is what it would be without one, whatever lays it out."""
    code = f"plt.rcParams['pdf.compression'] = 0\nplt.figure(layout='{layout}')\n{CODE}plt.gcf().suptitle('S')\n"
    plain, captioned = (collect(code, formats=["pdf"], embed_alt_text=wanted) for wanted in (False, True))
    texts = texts_of(captioned)["pdf"]
    assert texts["Title"] == "S"
    assert texts["Subject"].startswith("Line chart titled")
    objects = [re.findall(rb"stream\r?\n.*?endstream", reply.pictures[0][1], re.DOTALL) for reply in (plain, captioned)]
    assert objects[0] == objects[1]
    assert len(objects[0]) > 1


def test_each_figure_has_its_own_text(collect: Callable[..., Reply]) -> None:
    """With all figures asked for, none has another's; a figure without a title is called by its text."""
    code = "plt.figure().add_subplot().bar(['a', 'b'], [1, 3])\nplt.figure()\nplt.title('second')\n"
    reply = collect(code, formats=["svg"], all_figures=True, embed_alt_text=True)
    first, second = (of_svg(data) for _, data in reply.pictures)
    assert first["title"] == "Bar chart with 2 bars"
    assert first["desc"].startswith("Bar chart with 2 bars. ")
    assert second["title"] == "second"


def test_a_text_that_can_not_be_made_is_left_out(collect: Callable[..., Reply]) -> None:
    """The pictures come without it, with a warning."""
    code = f"{CODE}import explain_trap\nexplain_trap.set(plt.gcf())\n"
    trap = (
        b"import matplotlib.figure, sys\n"
        b"def get(self):\n"
        b"    if sys._getframe(1).f_code.co_filename.endswith('drawn.py'): raise SystemExit\n"
        b"    return self._axstack.as_list()\n"
        b"def set(figure): matplotlib.figure.Figure.axes = property(get)\n"
    )
    files = {"explain_trap.py": trap}
    plain = collect(code, files=files, formats=["png", "svg", "pdf"])
    reply = collect(code, files=files, formats=["png", "svg", "pdf"], embed_alt_text=True)
    assert [data for _, data in reply.pictures] == [data for _, data in plain.pictures]
    (notice,) = reply.end["notices"]
    assert notice[:2] == ["UserWarning", "The alternative text could not be made, so it is not in the picture."]


def test_a_figure_that_refuses_to_be_watched_is_saved(collect: Callable[..., Reply]) -> None:
    """A PDF of a class whose figures can't be given another way to draw comes without a text."""
    code = (
        "from matplotlib.figure import Figure\nclass F(Figure):\n"
        "  def __setattr__(self, name, value):\n"
        "    if name == 'draw' and 'caption' in value.__qualname__: raise AttributeError\n"
        "    super().__setattr__(name, value)\n"
        f"plt.figure(FigureClass=F)\n{CODE}"
    )
    reply = collect(code, formats=["pdf"], embed_alt_text=True)
    assert reply.end["outcome"] == "ok"
    assert texts_of(reply) == {"pdf": {}}


def test_what_the_program_made_of_a_file_stays(collect: Callable[..., Reply]) -> None:
    """A file that isn't as Matplotlib writes it gets no text, and a warning."""
    code = (
        f"{CODE}from matplotlib.backends.backend_svg import FigureCanvasSVG\n"
        "FigureCanvasSVG.print_svg = lambda self, file, **_: file.write(b'<svg role=\"x\"></svg>')\n"
    )
    reply = collect(code, formats=["svg"], embed_alt_text=True)
    assert reply.pictures[0][1] == b'<svg role="x"></svg>'
    assert [message for _, message, _ in reply.end["notices"]] == [
        "The alternative text could not be made, so it is not in the picture."
    ]


def test_the_old_way_knows_no_texts(draw: Callable[..., Reply]) -> None:
    """A job that asks for nothing has the bytes that it had."""
    assert draw(CODE).png == draw(CODE, embed_alt_text=False).png
    assert b"iTXt" not in (draw(CODE).png or b"")


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a function that imports the runner's modules."""
    with runner_modules(tmp_path_factory.mktemp("work")) as found:
        yield found


@given(st.text(st.characters(), max_size=60), st.text(st.characters(), min_size=1, max_size=60))
def test_any_text_is_fit_for_every_file(module: Any, title: str, text: str) -> None:
    """Whatever a figure's texts are, the files stay well-formed and pass the gateway's checks."""
    caption, files = module("captions.caption"), module("captions.files")
    given_text = caption.Caption(caption.fit(title, 200), caption.fit(text, 2000))
    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "png")
    png = files.with_caption(out.getvalue(), "png", given_text)
    check_picture(Format.PNG, png, LIMIT)
    assert of_png(png) == {"Description": given_text.text}
    svg = files.with_caption(
        b'<?xml version="1.0" encoding="utf-8"?>\n<svg width="2pt" height="2pt" xmlns="http://www.w3.org/2000/svg"></svg>',
        "svg",
        given_text,
    )
    check_picture(Format.SVG, svg, LIMIT)
    assert of_svg(svg) == {"title": given_text.title, "desc": given_text.text}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("png", b""),
        ("png", b"\x89PNG\r\n\x1a\n" + b"x" * 60),
        ("svg", b"<p>"),
        ("svg", b"<svg/>"),
        ("svg", b'<svg role="x">'),
    ],
)
def test_other_files_have_no_place(module: Any, kind: str, data: bytes) -> None:
    """What isn't as Matplotlib writes it is not touched."""
    files, caption = module("captions.files"), module("captions.caption")
    with pytest.raises(files.NoPlace):
        files.with_caption(data, kind, caption.Caption("a", "b"))


def test_warnings_are_shown_once(collect: Callable[..., Reply]) -> None:
    """Making the text warns of nothing, and lets nothing be warned of again when the next format is saved."""
    code = "plt.plot([1e308, -1e308])\nplt.bar([1], [1e308])\nplt.title('\ue000')\n"
    formats = ("png", "svg", "pdf")
    plain = collect(code, formats=formats)
    reply = collect(code, formats=formats, embed_alt_text=True)
    assert plain.end["notices"]
    assert (reply.end, reply.stderr) == (plain.end, plain.stderr)
