"""check_svg passes what Matplotlib writes, and nothing that runs, loads or hides."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from gateway.pictures import svg
from gateway.pictures.picture import InvalidPicture, Size
from gateway.pictures.svg import check_svg

BOUNDED = settings(deadline=None, max_examples=150)

PROLOGUE = (
    '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"\n'
    '  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
)
NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def _svg(content: str = "", *, prologue: str = PROLOGUE, attributes: str = 'width="7pt" height="5.5pt"') -> bytes:
    return f"{prologue}<svg {NAMESPACES} {attributes}>{content}</svg>".encode()


def test_links_and_names_of_the_code_pass() -> None:
    """Links that a person may follow, and names with unusual characters, are allowed."""
    for url in ("https://example.org/?a=1&b=2", "http://x.y", "mailto:a@b.c", "other.svg", "#axes_1", "page?a:b"):
        figure = Figure()
        figure.text(0, 0, "a link", url=url, gid="na(m)e \\ @ ü")
        out = io.BytesIO()
        figure.savefig(out, format="svg")
        check_svg(out.getvalue())


@BOUNDED
@given(st.binary(max_size=200), st.text(max_size=100))
def test_arbitrary_bytes_raise_nothing_else(data: bytes, text: str) -> None:
    """Arbitrary bytes are an SVG, or raise InvalidPicture and no other exception."""
    for whole in (data, text.encode("utf-8", "replace"), _svg().replace(b"></svg>", b">" + data + b"</svg>")):
        try:
            size = check_svg(whole)
        except InvalidPicture:
            continue
        assert Size(7, 6) == size
        assert ET.fromstring(whole).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - it was just checked


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("<script>alert(1)</script>", id="script"),
        pytest.param("<SCRIPT/>", id="script in capitals"),
        pytest.param("<g><g><script/></g></g>", id="script deep inside"),
        pytest.param('<h:script xmlns:h="http://www.w3.org/1999/xhtml"/>', id="script of HTML"),
        pytest.param('<s:script xmlns:s="http://www.w3.org/2000/svg"/>', id="script by another prefix"),
        pytest.param('<script xmlns=""/>', id="no namespace"),
        pytest.param("<foreignObject/>", id="foreignObject"),
        pytest.param('<iframe xmlns="http://www.w3.org/1999/xhtml" src="x"/>', id="iframe"),
        pytest.param('<set attributeName="href" to="javascript:x"/>', id="set"),
        pytest.param("<animate/>", id="animate"),
        pytest.param("<handler/>", id="handler"),
        pytest.param('<feImage href="#a"/>', id="feImage"),
        pytest.param('<g onclick="x"/>', id="event"),
        pytest.param('<g onanything=""/>', id="event of the future"),
        pytest.param('<image href="http://x.y/a.png"/>', id="image from elsewhere"),
        pytest.param('<image xlink:href="http://x.y/a.png"/>', id="xlink image from elsewhere"),
        pytest.param('<image xlink:href="a.png"/>', id="relative image"),
        pytest.param('<image xlink:href="data:image/svg+xml;base64,PHN2Zy8+"/>', id="another SVG inside"),
        pytest.param('<use xlink:href="//x.y/a.svg#b"/>', id="use of another file"),
        pytest.param('<a xlink:href="javascript:alert(1)"/>', id="script in a link"),
        pytest.param('<a xlink:href=" java&#10;script&#x3a;x"/>', id="script in a link with blanks"),
        pytest.param('<a href="JAVASCRIPT:x"/>', id="script in a link in capitals"),
        pytest.param('<a href="data:text/html,x"/>', id="a page in a link"),
        pytest.param('<a href="vbscript:x"/>', id="another script in a link"),
        pytest.param('<g style="fill: url(http://x.y)"/>', id="url in an attribute"),
        pytest.param("<g style=\"fill: URL( 'http://x.y' )\"/>", id="quoted url in an attribute"),
        pytest.param('<g fill="url(x.svg#a)"/>', id="url of another file"),
        pytest.param('<g fill="u\\72l(http://x.y)"/>', id="escaped url"),
        pytest.param('<g style="fill: url(#a) url(b)"/>', id="second url"),
        pytest.param('<g style="x: url("/>', id="url without an end"),
        pytest.param("<style>@import 'x.css';</style>", id="import"),
        pytest.param("<style>@\\69mport 'x.css';</style>", id="escaped import"),
        pytest.param("<style>@imp<!-- -->ort 'x.css';</style>", id="import around a comment"),
        pytest.param("<style>a{b:u<![CDATA[rl(x)]]>}</style>", id="url around a section"),
        pytest.param("<style>" + " " * 8190 + "*{fill:url(x)}</style>", id="url across the parser's pieces"),
        pytest.param("<style>a{x:expression(1)}</style>", id="expression"),
        pytest.param('<g xml:base="http://x.y/"/>', id="another base"),
        pytest.param(f'<a href="{" " * 2000}javascript:x"/>', id="script in a link behind many blanks"),
        pytest.param(f'<a href="{"a" * 2000}:x"/>', id="a scheme that is longer than what is looked at"),
        pytest.param(f'<a href="{"a&#10;" * 600}script:x"/>', id="such a scheme with blanks"),
        pytest.param(f'<image href="{" " * 1000}data:image/png;base64,AAAA"/>', id="a picture behind many blanks"),
        pytest.param('<?xml-stylesheet href="x.css"?>', id="linked style sheet"),
        pytest.param("<g/", id="broken"),
        pytest.param("<g></b>", id="crossed"),
        pytest.param("&nbsp;", id="unknown entity"),
        pytest.param('<g d="&x;"/>', id="unknown entity in an attribute"),
        pytest.param('<g a="1" a="2"/>', id="attribute twice"),
        pytest.param("<g id='a'><use href='#b'/></g><use href='#a'/>", id="use of a group"),
        pytest.param("<use href='#a'/>", id="use of nothing"),
    ],
)
def test_what_runs_or_loads_is_refused(content: str) -> None:
    """Nothing that a viewer would execute, fetch or expand gets through."""
    with pytest.raises(InvalidPicture):
        check_svg(_svg(content))


@pytest.mark.parametrize(
    "content",
    [
        "<!-- a comment -->",
        "<g fill='url(#a)' clip-path='url( \"#b\")'/>",
        "<style>*{fill: url(#a)}</style>",
        "<path id='a'/><use xlink:href='#a'/><use href='#a'/>",
        "<use href='#a'/><defs><path id='a'/></defs>",
        "<image href='data:image/png;base64,\niVBORw0KGgo='/>",
        f"<a href='https://example.org/{'a' * 5000}'/>",
        "<image href='data:image/png;base64," + "AAAA " * 3000 + "'/>",
        "<text>url(http://x.y) @import javascript: &#65; &lt;script></text>",
    ],
)
def test_harmless_content_passes(content: str) -> None:
    """Content that looks similar and is harmless passes."""
    assert Size(7, 6) == check_svg(_svg(content))


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE svg [<!ENTITY a "b">]>',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x" [<!ENTITY a "b">]>',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x" []>',
        '<!DOCTYPE svg SYSTEM "http://x.y/a.dtd">',
        '<!DOCTYPE html PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">',
        '<?xml version="1.0" encoding="utf-16"?>',
        '<?xml version="1.0" encoding="utf-7"?>',
        '<?xml-stylesheet href="x.css"?>',
        "text",
        "<a/>",
    ],
)
def test_other_prologues_are_refused(prologue: str) -> None:
    """Document types of their own, other encodings and instructions are refused."""
    with pytest.raises(InvalidPicture):
        check_svg(_svg(prologue=prologue))


def test_no_prologue_passes() -> None:
    """The root alone is an SVG."""
    assert Size(7, 6) == check_svg(_svg(prologue=""))


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="460.8pt" height="345.6pt"', Size(461, 346)),
        ('width="0.1pt" height="1000000pt"', Size(1, 1_000_000)),
        ('width="1000001pt" height="1pt"', None),
        ('width="0pt" height="1pt"', None),
        ('width="-1pt" height="1pt"', None),
        ('width="1e3pt" height="1pt"', None),
        ('width="nanpt" height="1pt"', None),
        ('width="\N{ARABIC-INDIC DIGIT ONE}pt" height="1pt"', None),
        ('width="100%" height="1pt"', None),
        ('width="1pt"', None),
    ],
)
def test_size_is_within_bounds(attributes: str, size: Size | None) -> None:
    """The root gives its size in points, within bounds."""
    if size is None:
        with pytest.raises(InvalidPicture):
            check_svg(_svg(attributes=attributes))
    else:
        assert size == check_svg(_svg(attributes=attributes))


@pytest.mark.parametrize("root", [b"<html/>", b"<svg/>", b'<svg xmlns="http://x.y" width="1pt" height="1pt"/>'])
def test_another_root_is_refused(root: bytes) -> None:
    """Only an SVG begins as one."""
    with pytest.raises(InvalidPicture):
        check_svg(root)


def test_other_encodings_are_refused() -> None:
    """A file is UTF-8, whatever a parser may guess."""
    for encoding in ("utf-16", "utf-32", "latin-1"):
        with pytest.raises(InvalidPicture):
            check_svg(_svg("<text>ä</text>", prologue="").decode().encode(encoding))


def _assert_limit(fits: str, exceeds: str) -> None:
    check_svg(_svg(fits))
    with pytest.raises(InvalidPicture):
        check_svg(_svg(exceeds))


def test_number_of_elements_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements are counted, the root among them."""
    monkeypatch.setattr(svg, "ELEMENT_LIMIT", 50)
    _assert_limit("<g/>" * 49, "<g/>" * 50)


def test_depth_is_bounded() -> None:
    """Viewers may recurse, so the depth of elements is bounded."""
    _assert_limit("<g>" * 99 + "</g>" * 99, "<g>" * 100 + "</g>" * 100)


def test_style_rules_are_bounded() -> None:
    """Rules are kept in memory until they are complete, so their length is bounded."""
    rules = "a" * svg.STYLE_LIMIT
    _assert_limit(f"<style>{rules}</style>", f"<style>{rules}a</style>")


def test_uses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """References are remembered until the end, so their number is bounded."""
    monkeypatch.setattr(svg, "TARGET_LIMIT", 5)
    uses = [f'<path id="{number}"/><use href="#{number}"/>' for number in range(6)]
    _assert_limit("".join(uses[:5]) * 2, "".join(uses))


def test_attributes_of_one_element_are_bounded() -> None:
    """The parser collects all attributes of a tag before it reports any, so their number is bounded."""
    names = " ".join(f'a{number}=""' for number in range(svg.ATTRIBUTE_LIMIT))
    _assert_limit(f'<g d="{"1 " * 4096}"/>', f'<g {names} d="{"1 " * 4096}"/>')


def test_names_of_attributes_are_bounded() -> None:
    """The parser keeps every name that it has seen, so their number is bounded."""
    known = 2  # width and height
    for count, passes in ((svg.NAME_LIMIT - known, True), (svg.NAME_LIMIT - known + 1, False)):
        data = _svg("".join(f'<g a{number}=""/>' for number in range(count)))
        if passes:
            check_svg(data)
        else:
            with pytest.raises(InvalidPicture):
                check_svg(data)


def test_backtracking_is_bounded() -> None:
    """A reference padded with millions of blanks is read once; a pattern that backtracks would take for ever."""
    check_svg(_svg(f'<g fill="url({" " * 2_000_000}#a)"/>'))
