"""Whatever is in a keys file, reading it costs time in proportion to its length."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from gateway.keys.keyring import digest_of
from gateway.keys.keys_file import SIZE_LIMIT, InvalidKeysFile, parse_keys
from tests.support.cost import again_and_again, costs_no_more, cpu_s, numbered, shown

if TYPE_CHECKING:
    from tests.support.cost import Shape

#: What a MiB may take. A file is read in a thread; this is the operator's own, and wrong by mistake.
S_PER_MIB = 8.0


def _table(number: int) -> bytes:
    return b'[keys.k%d]\nsha256 = "%b"\n' % (number, digest_of(b"%d" % number).hex().encode())


SHAPES: dict[str, Shape] = {
    "keys": lambda n: b"".join(_table(number) for number in range(n // 92)),
    "keys of one digest": numbered(b"", b'[keys.k%d]\nsha256 = "' + b"0" * 64 + b'"\n'),
    "keys of wrong fields": numbered(b"", b"[keys.k%d]\nx = 1\n"),
    "keys of wrong names": numbered(b"", b'[keys."a b%d"]\n'),
    "a key of many fields": numbered(b"[keys.a]\n", b"x%d = 1\n"),
    "one dotted name": again_and_again(b"a", b".a", b" = 1"),
    "dotted names": numbered(b"", b"a%d" + b".a" * 70 + b" = 1\n"),
    "dotted tables": numbered(b"", b"[a%d" + b".a" * 70 + b"]\n"),
    "one dotted name behind a string": again_and_again(b"a = ['''\n#''', {a", b".a", b" = 1}]"),
    "tables": numbered(b"", b"[a%d]\n"),
    "tables of one name": again_and_again(b"", b"[a]\n"),
    "tables of tables": numbered(b"[a]\n", b"[a.a%d]\n"),
    "lists of tables": again_and_again(b"", b"[[a]]\n"),
    "lists of tables of tables": again_and_again(b"", b"[[a]]\n[a.b]\n"),
    "lines of a list": again_and_again(b"a = [", b"1,\n", b"]"),
    "lists within lists": again_and_again(b"a = ", b"["),
    "empty lists": again_and_again(b"a = [", b"[],", b"]"),
    "tables within tables": again_and_again(b"a = ", b"{a="),
    "members of a table": numbered(b"a = {", b"a%d=1,", b"a=1}"),
    "tables in a list": again_and_again(b"a = [", b"{},", b"]"),
    "escapes": again_and_again(b'a = """', b"\\u0041\n", b'"""'),
    "escapes in one line": again_and_again(b'a = "', b"\\u0041", b'"'),
    "continued lines": again_and_again(b'a = """', b"\\\n", b'"""'),
    "blanks of continued lines": again_and_again(b'a = """\\', b" \n", b'"""'),
    "quotation marks": again_and_again(b'a = """', b'""a', b'"""'),
    "a string that never ends": again_and_again(b'a = "', b"a"),
    "a string of lines that never ends": again_and_again(b"a = '''", b"a\n"),
    "comments": again_and_again(b"", b"#\n"),
    "a comment": again_and_again(b"#", b"."),
    "a comment of control characters": again_and_again(b"#", b"\x01"),
    "blanks": again_and_again(b"", b" "),
    "lines": again_and_again(b"", b"\r\n"),
    "returns": again_and_again(b"", b"\r"),
    "a long name": again_and_again(b"", b"a", b" = 1"),
    "names": numbered(b"", b"a%d=1\n"),
    "digits": again_and_again(b"a = ", b"9"),
    "digits in groups": again_and_again(b"a = 1", b"_1"),
    "digits after a point": again_and_again(b"a = 0.", b"9"),
    "binary digits": again_and_again(b"a = 0b", b"1"),
    "hexadecimal digits": again_and_again(b"a = 0x", b"f"),
    "dates": again_and_again(b"a = [", b"1979-05-27T07:32:00.999999-07:00,", b"]"),
    "numbers": again_and_again(b"a = [", b"1,", b"]"),
    "floats": again_and_again(b"a = [", b"0.1,", b"]"),
    "broken UTF-8": again_and_again(b"", b"#", b"\xff"),
    "equals signs": again_and_again(b"a", b"="),
}

#: Shapes that were expensive, and what a file should have.
SHOWN = ("keys", "one dotted name", "one dotted name behind a string", "comments")


def keys_file_s(data: bytes) -> float:
    """Return the processor seconds of reading a keys file, whatever comes of it."""

    def read() -> None:
        with contextlib.suppress(InvalidKeysFile):
            parse_keys(data)

    return cpu_s(read)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(SHAPES, SHOWN))
def test_twice_the_length_costs_twice_the_time(shape: str) -> None:
    """A file that doubles costs at most 2.5 times as much each time, and no more than its bound."""
    costs_no_more(lambda size: keys_file_s(SHAPES[shape](size)), SIZE_LIMIT - 1024, S_PER_MIB)
