"""check_pdf passes what Matplotlib writes, and nothing that acts, hides or embeds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pictures import pdf
from gateway.pictures.pdf import FORBIDDEN, check_pdf
from gateway.pictures.picture import InvalidPicture, Size

BOUNDED = settings(deadline=None, max_examples=150)

PAGES = b"<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 7 5.5 ] /Contents 4 0 R >>"
CONTENTS = b"<< /Length 3 >>\nstream\n0 g\nendstream"


def _pdf(
    catalog: bytes = b"<< /Type /Catalog /Pages 2 0 R >>",
    page: bytes = PAGE,
    contents: bytes = CONTENTS,
    trailer: bytes = b"<< /Size 5 /Root 1 0 R >>",
    between: bytes = b"",
) -> bytes:
    data, places = b"%PDF-1.4\n%\xac\xdc \xab\xba\n", []
    for number, content in enumerate((catalog, PAGES, page, contents), 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content) + between
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + b"trailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (trailer, table)


def test_smallest_passes() -> None:
    """The file that the other tests break is whole."""
    assert Size(7, 6) == check_pdf(_pdf())


@BOUNDED
@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    """Arbitrary bytes raise InvalidPicture and no other exception."""
    for whole in (data, b"%PDF-1.4\n" + data, _pdf(between=data)):
        try:
            check_pdf(whole)
        except InvalidPicture:
            continue
        assert not data.strip(b"\0\t\n\f\r ") or b"%" in data


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_what_acts_or_hides_is_refused(name: bytes) -> None:
    """Each name is refused anywhere outside a stream, however it is spelt."""
    spelt = b"".join(b"#%02X" % byte for byte in name)
    for one in (name, spelt, name[:1] + spelt[3:].lower()):
        entry = b"<< /Type /Catalog /Pages 2 0 R /%s << >> >>" % one
        for data in (
            _pdf(catalog=entry),
            _pdf(page=PAGE[:-2] + b"/%s 5>>" % one),
            _pdf(contents=b"<< /Length 3 /%s 1 >>\nstream\n0 g\nendstream" % one),
            _pdf(trailer=b"<< /Size 5 /Root 1 0 R /%s 9 >>" % one),
            _pdf(between=b"9 0 obj [/%s] endobj\n" % one),
        ):
            with pytest.raises(InvalidPicture):
                check_pdf(data)


def test_names_are_compared_whole() -> None:
    """Longer names, strings and streams that contain such a word are harmless."""
    check_pdf(_pdf(catalog=b"<< /Type /Catalog /Pages 2 0 R /JSX (/JS \\( /AA) /X <2f4A53> >>"))
    check_pdf(_pdf(contents=b"<< /Length 9 >>\nstream\n/JS /AA x\nendstream"))


@pytest.mark.parametrize(
    "hidden",
    [
        b"<< /Length 60 >>\nstream\n5 0 obj << /S /JavaScript >> endobj\nendstream",
        b"<< /Length 9 >>\nstream\nendstream /JS (x)\nendstream",
    ],
)
def test_nothing_is_hidden_in_a_stream(hidden: bytes) -> None:
    """An object within a stream doesn't count: the table can't name it, and what follows a stream's end is checked."""
    data = _pdf(contents=hidden)
    inside = data.find(b"5 0 obj")
    if inside > 0:
        check_pdf(data)
        data = re.sub(rb"(0000000000 65535 f \n)\d{10}", b"\\g<1>%010d" % inside, data)
    with pytest.raises(InvalidPicture):
        check_pdf(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"%PDF-1.4\n", id="header only"),
        pytest.param(b"\n" + _pdf(), id="bytes before it"),
        pytest.param(_pdf().replace(b"%PDF-1.4", b"%PDF-2.0"), id="another version"),
        pytest.param(_pdf().replace(b"xref\n0 5", b"xref\n0 4"), id="table cut"),
        pytest.param(_pdf().replace(b"xref\n0 5", b"xref\n1 4"), id="table of another form"),
        pytest.param(_pdf().replace(b"00000 n", b"00000 x"), id="table broken"),
        pytest.param(re.sub(rb"startxref\n\d+", b"startxref\n9", _pdf()), id="table elsewhere"),
        pytest.param(_pdf().replace(b"%%EOF\n", b""), id="no end"),
        pytest.param(_pdf().replace(b"trailer\n", b"trailer\ntrailer\n"), id="two trailers"),
        pytest.param(_pdf().replace(b"2 0 obj", b"2 1 obj"), id="second generation"),
        pytest.param(_pdf(page=b"<< /MediaBox [ 0 0 0 5 ] >>"), id="no width"),
        pytest.param(_pdf(page=b"<< /MediaBox [ 0 0 5 -5 ] >>"), id="negative height"),
        pytest.param(_pdf(page=b"<< /MediaBox [ 0 0 5 ] >>"), id="size cut"),
        pytest.param(_pdf(page=b"<< /MediaBox 9 0 R >>"), id="size elsewhere"),
        pytest.param(_pdf(page=b"<< /MediaBox [ 0 0 1e9 5 ] >>"), id="odd number"),
        pytest.param(_pdf(page=b"<< /MediaBox [ 0 0 1000001 5 ] >>"), id="too wide"),
        pytest.param(_pdf(page=b"<< >>"), id="no size"),
        pytest.param(_pdf(between=b"junk\n"), id="junk between objects"),
        pytest.param(_pdf(between=b"1 0 obj (\n"), id="string without an end"),
        pytest.param(_pdf(between=b"1 0 obj <12\n"), id="hex string without an end"),
        pytest.param(_pdf(between=b"1 0 obj )\n"), id="bracket without a beginning"),
        pytest.param(_pdf(between=b"1 0 obj {} endobj\n"), id="braces"),
        pytest.param(_pdf(between=b"8 0 obj 9 0 obj endobj\n"), id="object in an object"),
        pytest.param(_pdf(contents=b"<< >>\nstream\n0 g\n"), id="stream without an end"),
        pytest.param(_pdf(contents=b"<< >>\nstream 0 g\nendstream"), id="stream in one line"),
        pytest.param(_pdf() * 2, id="two files"),
    ],
)
def test_broken_structure_is_refused(data: bytes) -> None:
    """A file that breaks a single rule is refused, for each rule."""
    with pytest.raises(InvalidPicture):
        check_pdf(data)


def test_numbers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and depth are bounded, so that no file can keep the check busy."""
    deep = b"(" * 100 + b")" * 100
    check_pdf(_pdf(between=b"9 0 obj %s endobj\n" % deep))
    with pytest.raises(InvalidPicture):
        check_pdf(_pdf(between=b"9 0 obj (%s) endobj\n" % deep))
    monkeypatch.setattr(pdf, "WORD_LIMIT", 200)
    check_pdf(_pdf())
    for many in (b"1 " * 200, b"(" + b"\\(" * 200 + b")"):
        with pytest.raises(InvalidPicture):
            check_pdf(_pdf(between=b"9 0 obj %s endobj\n" % many))


def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolving a name's escapes costs a call each, so both a name's length and the number of escapes are bounded."""
    longest = b"A" * pdf.NAME_LIMIT_BYTES
    for name in (longest, b"#41" * pdf.NAME_LIMIT_BYTES):
        check_pdf(_pdf(between=b"9 0 obj /%s endobj\n" % name))
    for name in (longest + b"A", b"#41" * pdf.NAME_LIMIT_BYTES + b"A", b"#" * 400):
        with pytest.raises(InvalidPicture, match="name that is too long"):
            check_pdf(_pdf(between=b"9 0 obj /%s endobj\n" % name))
    monkeypatch.setattr(pdf, "ESCAPE_LIMIT", 5)
    check_pdf(_pdf(page=PAGE[:-2] + b"/A [" + b"/#41 " * 5 + b"] >>"))
    with pytest.raises(InvalidPicture, match="name that is too long"):
        check_pdf(_pdf(page=PAGE[:-2] + b"/A [" + b"/#41 " * 6 + b"] >>"))


def test_the_table_is_bounded() -> None:
    """A table with far more entries than there are objects isn't read."""
    with pytest.raises(InvalidPicture, match="xref table is malformed"):
        check_pdf(_pdf().replace(b"xref\n0 5\n", b"xref\n0 %d\n" % (pdf.FREE_LIMIT + 6)))
