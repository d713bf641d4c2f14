"""Whatever is in a body or a query, reading it costs time in proportion to its length, and little of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.legacy_body import CodeBody, find_code
from gateway.model.jobs import KiB, MiB
from gateway.v1.request.dispatch import BOUNDARY_LIMIT
from gateway.v1.request.reading import BYTES_PER_S, FORM, JSON, PYTHON, Submission, read_submission
from tests.support.cost import again_and_again, costs_no_more, cpu_s, numbered, shown

if TYPE_CHECKING:
    from tests.support.cost import Shape

#: Length of the longest body that is tried, and what each MiB may take: a worker's deadline follows from the same rate.
LONGEST = 8 * MiB
S_PER_MIB = MiB / BYTES_PER_S

#: The same of the older endpoint, which takes 1 MiB unless told otherwise.
LONGEST_CODE = 1 * MiB

#: Bytes of the longest query that is tried: more than fit into a line of a head.
LONGEST_QUERY = 64 * KiB

_CODE = b'{"code": "'
_FILES = b'{"code": "x", "files": {'

JSON_SHAPES: dict[str, Shape] = {
    # Strings.
    "letters": again_and_again(_CODE, b"a", b'"}'),
    "escaped letters": again_and_again(_CODE, b"\\u0041", b'"}'),
    "escaped quotation marks": again_and_again(_CODE, b'\\"', b'"}'),
    "escaped backslashes": again_and_again(_CODE, b"\\\\", b'"}'),
    "escaped line ends": again_and_again(_CODE, b"\\n", b'"}'),
    "escapes that aren't": again_and_again(_CODE, b"\\x", b'"}'),
    "one wrong escape after all others": again_and_again(_CODE, b"\\u0041", b'\\u004"}'),
    "escaped zeros": again_and_again(_CODE, b"\\u0000", b'"}'),
    "pairs of surrogates": again_and_again(_CODE, b"\\ud83d\\ude00", b'"}'),
    "halves of surrogates": again_and_again(_CODE, b"\\ud83d", b'"}'),
    "the other halves": again_and_again(_CODE, b"\\ude00", b'"}'),
    "characters of four bytes": again_and_again(_CODE, "😀".encode(), b'"}'),
    "characters of two bytes": again_and_again(_CODE, "é".encode(), b'"}'),
    "marks that combine": again_and_again(_CODE, "a\u0301".encode(), b'"}'),
    "broken UTF-8": again_and_again(_CODE, b"a", b'\xff"}'),
    "UTF-8 that breaks again and again": again_and_again(_CODE, b"\xc3", b'"}'),
    "control characters": again_and_again(_CODE, b"\x01", b'"}'),
    "blanks": again_and_again(_CODE, b" ", b'"}'),
    "a string that never ends": again_and_again(_CODE, b"a"),
    "backslashes that never end": again_and_again(_CODE, b"\\"),
    "escaped quotation marks that never end": again_and_again(_CODE, b'\\"'),
    "quotation marks": again_and_again(b"", b'"'),
    "empty strings": again_and_again(b"[", b'"",', b'""]'),
    # Structure.
    "lists within lists": again_and_again(b"", b"["),
    "ends of lists": again_and_again(b"", b"]"),
    "objects within objects": again_and_again(b"", b'{"":'),
    "empty lists": again_and_again(b"[", b"[],", b"[]]"),
    "empty objects": again_and_again(b"[", b"{},", b"{}]"),
    "lists of lists": again_and_again(b"[", b"[[[[[[]]]]]],", b"0]"),
    "commas": again_and_again(b"[", b","),
    "colons": again_and_again(b"{", b":"),
    "spaces": again_and_again(b"", b" ", b"{}"),
    "spaces after the end": again_and_again(b"{}", b" ", b"x"),
    "lines": again_and_again(b"{", b"\n", b"}"),
    "members": numbered(b"{", b'"a%d":0,', b'"":0}'),
    "members of one name": again_and_again(b"{", b'"a":0,', b'"a":0}'),
    "members of long names": numbered(b"{", b'"' + b"a" * 1000 + b'%d":0,', b'"":0}'),
    "one long name": again_and_again(b'{"', b"a", b'": 1}'),
    "one long name of escapes": again_and_again(b'{"', b"\\u0041", b'": 1}'),
    # Numbers and words.
    "digits": again_and_again(_CODE + b'", "seed": ', b"9", b"}"),
    "digits after a point": again_and_again(_CODE + b'", "dpi": 0.', b"9", b"}"),
    "digits of an exponent": again_and_again(_CODE + b'", "dpi": 1e', b"9", b"}"),
    "numbers": again_and_again(b"[", b"1,", b"1]"),
    "numbers of many digits": again_and_again(b"[", b"9" * 4300 + b",", b"1]"),
    "floats": again_and_again(b"[", b"0.1,", b"1]"),
    "floats of many digits": again_and_again(b"[", b"0." + b"9" * 700 + b",", b"1]"),
    "floats near the smallest": again_and_again(b"[", b"2.2250738585072011e-308,", b"1]"),
    "words": again_and_again(b"[", b"null,", b"null]"),
    "what is no number": again_and_again(b"[", b"NaN,", b"1]"),
    # Encodings, of which the older endpoint takes several.
    "UTF-16": lambda n: b"\xff\xfe" + ('{"code": "' + "a" * (n // 2) + '"}').encode("utf-16-le"),
    "UTF-32 of escapes": lambda n: ('{"code": "' + "\\u0041" * (n // 24) + '"}').encode("utf-32-le"),
    "byte order marks": again_and_again(b"", b"\xef\xbb\xbf", b"{}"),
    # Options and files.
    "a file of base64": again_and_again(_FILES + b'"a": {"base64": "', b"AAAA", b'"}}}'),
    "a file of base64 with line breaks": again_and_again(_FILES + b'"a": {"base64": "', b"AAAA\\n", b'"}}}'),
    "a file of base64 and ends of it": again_and_again(_FILES + b'"a": {"base64": "', b"AA==", b'"}}}'),
    "a file of blanks for base64": again_and_again(_FILES + b'"a": {"base64": "', b" ", b'"}}}'),
    "files": numbered(_FILES, b'"a%d": "x", ', b'"a": "x"}}'),
    "files of bad names": numbered(_FILES, b'"../a%d": "x", ', b'"a": "x"}}'),
    "files of several forms": numbered(_FILES, b'"a%d": {"text": 1, "base64": 2}, ', b'"a": "x"}}'),
    "a file of a long name": again_and_again(_FILES + b'"', b"a", b'": "x"}}'),
    "a file of a name of marks": again_and_again(_FILES + b'"a', "\u0301\u0323".encode(), b'": "x"}}'),
    "unknown options": numbered(b'{"code": "x", ', b'"formats%d": 1, ', b'"dpi": 80}'),
    "unknown parameters": numbered(b'{"code": "x", "rc": {', b'"lines.linewidths%d": 1, ', b'"": 1}}'),
    "a parameter of a long text": again_and_again(b'{"code": "x", "rc": {"font.family": "', b"a", b'"}}'),
    "a parameter of lists": again_and_again(b'{"code": "x", "rc": {"font.family": [', b'["a"],', b'"a"]}}'),
    "styles": again_and_again(b'{"code": "x", "style": [', b'"ggplot",', b'"bmh"]}'),
    "a long style": again_and_again(b'{"code": "x", "style": "', b"a", b'"}'),
    "formats": again_and_again(b'{"code": "x", "format": [', b'"png",', b'"svg"]}'),
    "a long environment": again_and_again(b'{"code": "x", "environment": "', b"a-", b'"}'),
}

BOUNDARY = "b" * BOUNDARY_LIMIT
_OPEN = b"--" + BOUNDARY.encode() + b"\r\n"
_CLOSE = b"\r\n--" + BOUNDARY.encode() + b"--\r\n"
_NAMED = _OPEN + b"Content-Disposition: form-data; name="
_CODE_PART = _NAMED + b'"code"\r\n\r\n'
_FILE_PART = _NAMED + b'"file"; filename="a"\r\n\r\n'


def _parts(head: bytes, data: bytes = b"1") -> Shape:
    """Return what makes forms of parts that are alike."""
    return again_and_again(b"", _OPEN + head + b"\r\n\r\n" + data + b"\r\n", _CLOSE)


def _disposition(parameters: bytes) -> Shape:
    """Return what makes forms of parts with these parameters."""
    return _parts(b"Content-Disposition: form-data" + parameters)


FORM_SHAPES: dict[str, Shape] = {
    # One part.
    "code": again_and_again(_CODE_PART, b"a", _CLOSE),
    "a file": again_and_again(_FILE_PART, b"a", _CLOSE),
    "a file of line ends": again_and_again(_FILE_PART, b"\r\n", _CLOSE),
    "a file of returns": again_and_again(_FILE_PART, b"\r", _CLOSE),
    "a file of dashes": again_and_again(_FILE_PART, b"-", _CLOSE),
    "a file of what begins boundaries": again_and_again(_FILE_PART, b"\r\n--", _CLOSE),
    "a file of shorter boundaries": again_and_again(_FILE_PART, b"\r\n--" + b"b" * 69, _CLOSE),
    "a file of boundaries that end wrong": again_and_again(_FILE_PART, b"\r\n--" + b"b" * 69 + b"c", _CLOSE),
    "a file of boundaries without a return": again_and_again(_FILE_PART, b"\n--" + b"b" * 70, _CLOSE),
    "a file of a boundary's letters": again_and_again(_FILE_PART, b"b", _CLOSE),
    "a file that never ends": again_and_again(_FILE_PART, b"a"),
    "a file that ends in half a boundary": again_and_again(_FILE_PART, b"a", b"\r\n--bbb"),
    "a file with its length": again_and_again(_FILE_PART[:-2] + b"Content-Length: 1\r\n\r\n", b"a", _CLOSE),
    "an option": again_and_again(_NAMED + b'"dpi"\r\n\r\n', b"9", _CLOSE),
    "words of an option": again_and_again(_NAMED + b'"style"\r\n\r\n', b"a,", _CLOSE),
    "an option of lists": again_and_again(_NAMED + b'"rc"\r\n\r\n', b"[", _CLOSE),
    "code that isn't UTF-8": again_and_again(_CODE_PART, b"\xc3", _CLOSE),
    # Around the parts.
    "text before the first boundary": again_and_again(b"", b"a", _CODE_PART + b"x" + _CLOSE),
    "text after the last": again_and_again(_CODE_PART + b"x" + _CLOSE, b"a"),
    "forms after the last": again_and_again(_CODE_PART + b"x" + _CLOSE, _CODE_PART + b"x" + _CLOSE),
    "boundaries": again_and_again(b"", _OPEN),
    "last boundaries": again_and_again(_CODE_PART, _CLOSE),
    # Heads.
    "parts": _disposition(b'; name="dpi"'),
    "parts without a name": _disposition(b""),
    "parts of empty names": _disposition(b'; name=""'),
    "parts of unknown names": numbered(b"", _NAMED + b'"formats%d"\r\n\r\n1\r\n', _CLOSE),
    "parts of long names": _disposition(b'; name="' + b"a" * 1900 + b'"'),
    "parts of large data": _parts(b'Content-Disposition: form-data; name="style"', b"a," * 30_000),
    "parts that aren't text": _parts(b'Content-Disposition: form-data; name="dpi"', b"\xff" * 60_000),
    "files": numbered(b"", _NAMED + b'"file"; filename="a%d"\r\n\r\n1\r\n', _CLOSE),
    "files of one name": _disposition(b'; name="file"; filename="a"'),
    "files of bad names": _disposition(b'; name="file"; filename="' + b"../" * 600 + b'"'),
    "files of names of marks": _disposition(b'; name="file"; filename="a' + "\u0301\u0323".encode() * 400 + b'"'),
    "parameters": _disposition(b'; name="a"' + b';b="c"' * 300),
    "parameters of one name": _disposition(b'; name="a"' * 190),
    "parameters that never end": _disposition(b'; name="' + b'\\";b=' * 300),
    "parameters without a value": _disposition(b"; name" * 300),
    "parameters of blanks": _disposition(b"; name" + b" " * 1900 + b"=a"),
    "semicolons": _disposition(b";" * 1900),
    "names of percent signs": _disposition(b'; name="' + b"%22" * 600 + b'"'),
    "names of backslashes": _disposition(b'; name="' + b"\\" * 1900 + b'"'),
    "names of escaped quotation marks": _disposition(b'; name="' + b'\\"' * 900 + b'"'),
    "encoded names": _disposition(b"; name*=utf-8''" + b"%41" * 600),
    "parts in quoted-printable": _parts(
        b'Content-Disposition: form-data; name="code"\r\nContent-Transfer-Encoding: quoted-printable', b"=41" * 1000
    ),
    "parts of charsets": numbered(
        b"", _NAMED + b'"dpi"\r\nContent-Type: text/plain; charset=x%d-punycode\r\n\r\n1\r\n', _CLOSE
    ),
    "parts of long types": _parts(
        b'Content-Disposition: form-data; name="dpi"\r\nContent-Type: a' + b";a=b" * 450, b"1"
    ),
    "parts of many lines": _parts(b'Content-Disposition: form-data; name="dpi"' + (b"\r\nX: " + b"y" * 1900) * 7),
    "parts of too many lines": _parts(b'Content-Disposition: form-data; name="dpi"' + b"\r\nX: y" * 500),
    "folded lines": _parts(b'Content-Disposition: form-data; name="dpi"' + b"\r\n a" * 500),
    "a head that never ends": again_and_again(_OPEN, b"X: y\r\n"),
    "a line that never ends": again_and_again(_OPEN + b"X: ", b"y"),
    "a line of colons": again_and_again(_OPEN, b":", _CLOSE),
}

TEXT_SHAPES: dict[str, Shape] = {
    "letters": again_and_again(b"", b"a"),
    "zeros": again_and_again(b"", b"\0"),
    "blanks": again_and_again(b"", b" "),
    "lines": again_and_again(b"", b"\r\n"),
    "characters of four bytes": again_and_again(b"", "😀".encode()),
    "byte order marks": again_and_again(b"", b"\xef\xbb\xbf"),
    "broken UTF-8": again_and_again(b"", b"a", b"\xff"),
    "UTF-8 that breaks again and again": again_and_again(b"", b"\xc3"),
}

QUERY_SHAPES: dict[str, Shape] = {
    "blank names": again_and_again(b"", b"=\n"),
    "one option": again_and_again(b"", b"dpi=80\n"),
    "words": again_and_again(b"style=", b"a,"),
    "options of words": again_and_again(b"", b"style=a,b\n"),
    "unknown options": numbered(b"", b"formats%d=\n"),
    "one long unknown option": again_and_again(b"", b"format", b"="),
    "unknown parameters": numbered(b"", b"rc.lines.linewidths%d=1\n"),
    "digits": again_and_again(b"dpi=", b"9"),
    "digits after a point": again_and_again(b"dpi=0.", b"9"),
    "digits of a parameter": again_and_again(b"rc.lines.linewidth=", b"9"),
    "a parameter of commas": again_and_again(b"rc.font.family=", b","),
    "parameters as lists": again_and_again(b"rc=", b"["),
    "parameters as digits": again_and_again(b"rc=", b"9"),
    "parameters as members": numbered(b"rc={", b'"a%d":1,', b'"":1}'),
    "parameters as escapes": again_and_again(b'rc={"', b"\\u0041", b'":1}'),
}

#: Shapes that were once expensive, or are the most expensive of their kind.
SHOWN = ("escaped letters", "empty objects", "one long name of escapes", "files of bad names", "unknown options")
FORM_SHOWN = ("a file of shorter boundaries", "a file of returns", "parts of many lines", "parameters")


def _read_s(kind: str, body: bytes, query: tuple[tuple[str, str], ...] = ()) -> float:
    submission = Submission(kind, BOUNDARY if kind == FORM else "", query, body)
    return cpu_s(lambda: read_submission(submission))


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(JSON_SHAPES, SHOWN))
def test_json_costs_in_proportion(shape: str) -> None:
    """A JSON body that doubles costs at most 2.5 times as much each time, and no more than its bound."""
    costs_no_more(lambda size: _read_s(JSON, JSON_SHAPES[shape](size)), LONGEST, S_PER_MIB)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(JSON_SHAPES, SHOWN))
def test_json_of_the_older_endpoint_costs_in_proportion(shape: str) -> None:
    """So does one sent to the older endpoint, which looks at no structure first."""

    def cost(size: int) -> float:
        body = CodeBody(JSON_SHAPES[shape](size))
        return cpu_s(lambda: find_code(body))

    costs_no_more(cost, LONGEST_CODE, S_PER_MIB)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(FORM_SHAPES, FORM_SHOWN))
def test_forms_cost_in_proportion(shape: str) -> None:
    """So does a form."""
    costs_no_more(lambda size: _read_s(FORM, FORM_SHAPES[shape](size)), LONGEST, S_PER_MIB, doublings=6)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(TEXT_SHAPES, ("characters of four bytes",)))
def test_code_costs_in_proportion(shape: str) -> None:
    """So does a body of nothing but code."""
    costs_no_more(lambda size: _read_s(PYTHON, TEXT_SHAPES[shape](size)), LONGEST, S_PER_MIB)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", QUERY_SHAPES)
def test_queries_cost_in_proportion(shape: str) -> None:
    """So do the options of a query."""

    def cost(size: int) -> float:
        lines = QUERY_SHAPES[shape](size).decode().splitlines()
        return _read_s(PYTHON, b"x", tuple((name, text) for name, _, text in (line.partition("=") for line in lines)))

    costs_no_more(cost, LONGEST_QUERY, S_PER_MIB)
