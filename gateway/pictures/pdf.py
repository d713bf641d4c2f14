"""Checks a PDF: a second line, not the boundary.

The boundary is how it is served: as an attachment, for a viewer that has a sandbox of its own. This check keeps out
what a figure never needs and a viewer might act on: scripts, actions, files within the file, forms, encryption. What
passes is a file as Matplotlib writes it: objects one after the other, one classic table of their places, one trailer.

Names are looked for outside of streams. Where a stream begins and ends is decided by the words a reader goes by, and
the table must name exactly the objects seen there, so that none can be hidden within a stream; object streams, which
are made for that, are refused.

Source: ISO 32000-1 (PDF 1.7), sections 7.2 (lexical conventions), 7.3.8 (streams), 7.5 (file structure), 12.6
(actions).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from gateway.pictures.picture import InvalidPicture, Size

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = re.compile(rb"%PDF-1\.[3-7][\r\n]")

#: Names of what runs, opens, sends, hides or embeds, and of decoders that figures don't use and attackers like.
FORBIDDEN = frozenset(
    {
        b"AA", b"AcroForm", b"Crypt", b"EF", b"EmbeddedFile", b"EmbeddedFiles", b"Encrypt", b"Filespec",
        b"GoToE", b"GoToR", b"ImportData", b"JBIG2Decode", b"JPXDecode", b"JS", b"JavaScript", b"Launch", b"Movie",
        b"Names", b"ObjStm", b"OpenAction", b"Prev", b"Rendition", b"RichMedia", b"Sound", b"SubmitForm", b"XFA",
        b"XRef", b"XRefStm",
    }
)  # fmt: skip

#: Words outside of streams. A figure has some hundreds of objects of some tens.
WORD_LIMIT = 500_000

#: How deep strings and brackets may lie in each other.
DEPTH_LIMIT = 100

#: Largest width and height of a page in points.
SIDE_LIMIT = 1_000_000

_WORD = re.compile(
    rb"(?:[\0\t\n\f\r ]|%[^\r\n]*+)*+"  # blanks and comments
    rb"(<<|>>|[\[\]]|/[^\0\t\n\f\r ()<>\[\]{}/%]*+|<[0-9A-Fa-f\0\t\n\f\r ]*+>|\(|[^\0\t\n\f\r ()<>\[\]{}/%]++)?+"
)
_STRING_PART = re.compile(rb"[^()\\]*+(\\[\s\S]|[()])")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_NUMBER = re.compile(rb"-?\d{1,8}(?:\.\d{1,10})?")
_TABLE = re.compile(rb"xref[\r\n]+0 (\d{1,6}) ?(?:\r\n|\r|\n)")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([fn])(?: \r| \n|\r\n)")
_END = re.compile(rb"startxref[\r\n]+(\d{1,10})[\r\n]+%%EOF(?:\r\n|\r|\n)?")
_LINE_END = re.compile(rb"\r?\n")


def check_pdf(data: bytes) -> Size:
    """Check that `data` is exactly one PDF as Matplotlib writes it.

    Args:
        data: The whole file.

    Returns:
        The size of its first page in points, rounded.

    Raises:
        InvalidPicture: It isn't; the message is fit for a client.
    """
    header = HEADER.match(data)
    if header is None:
        raise InvalidPicture("it does not begin as a PDF does")
    reader = _Reader(data, header.end())
    objects: dict[int, bytes] = {}
    for word in reader.words():
        if word == b"xref":
            break
        objects[reader.word_begin] = word
        _read_object(reader)
    else:
        raise InvalidPicture("it is cut short")
    table = reader.word_begin
    reader.position = _check_table(data, table, objects)
    _read_trailer(reader)
    end = _END.fullmatch(data, reader.word_begin)
    if end is None or int(end[1]) != table:
        raise InvalidPicture("it does not end as a PDF does")
    if reader.size is None:
        raise InvalidPicture("it gives no size")
    return reader.size


class _Reader:
    """Gives the words of a file outside of its streams, one by one, and judges the names among them."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position
        self.word_begin = position
        self.size: Size | None = None
        self._count = 0

    def words(self) -> Iterator[bytes]:
        """Yield words until the end of the file; strings come as an empty word."""
        while (word := self.next()) is not None:
            yield word

    def next(self) -> bytes | None:
        """Return the next word, None at the end of the file."""
        found = _WORD.match(self.data, self.position)
        assert found is not None  # noqa: S101 - the pattern matches the empty string
        word: bytes | None = found[1]
        self.position = found.end()
        if word is None:
            if self.position == len(self.data):
                return None
            raise InvalidPicture("it is not well-formed")
        self.word_begin = found.start(1)
        self._count += 1
        if self._count > WORD_LIMIT:
            raise InvalidPicture("it has too many parts")
        if word == b"(":
            self._skip_string()
            return b""
        if word.startswith(b"/"):
            self._judge_name(word[1:])
        return word

    def expect(self, wanted: bytes) -> None:
        """Take the next word, which must be `wanted`."""
        if self.next() != wanted:
            raise InvalidPicture("it is not well-formed")

    def _skip_string(self) -> None:
        """Go to the end of a string, whose brackets may be nested or escaped."""
        depth = 1
        while depth:
            part = _STRING_PART.match(self.data, self.position)
            self._count += 1
            if part is None or depth > DEPTH_LIMIT or self._count > WORD_LIMIT:
                raise InvalidPicture("it is not well-formed")
            self.position = part.end()
            depth += {b"(": 1, b")": -1}.get(part[1], 0)

    def _judge_name(self, name: bytes) -> None:
        plain = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), name) if b"#" in name else name
        if plain in FORBIDDEN:
            raise InvalidPicture("it has a kind of part that is not served")
        if plain == b"MediaBox" and self.size is None:
            self.size = self._read_box()

    def _read_box(self) -> Size:
        """Return the size of the rectangle that follows."""
        self.expect(b"[")
        numbers = []
        for _ in range(4):
            word = self.next() or b""
            if _NUMBER.fullmatch(word) is None:
                raise InvalidPicture("it gives no size")
            numbers.append(float(word))
        self.expect(b"]")
        left, bottom, right, top = numbers
        if not 0 < right - left <= SIDE_LIMIT or not 0 < top - bottom <= SIDE_LIMIT:
            raise InvalidPicture("it gives no size")
        return Size(_rounded(right - left), _rounded(top - bottom))


def _rounded(length: float) -> int:
    return max(1, math.floor(length + 0.5))


def _read_object(reader: _Reader) -> None:
    """Read an object, whose number was taken, to its end; a stream in it is skipped."""
    if reader.next() != b"0":
        raise InvalidPicture("it is not well-formed")
    reader.expect(b"obj")
    for word in reader.words():
        if word == b"endobj":
            return
        if word in (b"obj", b"xref", b"trailer", b"startxref"):
            break
        if word == b"stream":
            end = reader.data.find(b"endstream", reader.position)
            if end < 0 or _LINE_END.match(reader.data, reader.position) is None:
                break
            reader.position = end + len(b"endstream")
            reader.expect(b"endobj")
            return
    raise InvalidPicture("it is not well-formed")


def _check_table(data: bytes, begin: int, objects: dict[int, bytes]) -> int:
    """Check that the table names places where objects were seen, by their numbers; return where it ends."""
    head = _TABLE.match(data, begin)
    if head is None:
        raise InvalidPicture("its table is not one")
    position = head.end()
    for number in range(int(head[1])):
        entry = _ENTRY.match(data, position)
        if entry is None:
            raise InvalidPicture("its table is not one")
        if entry[3] == b"n" and objects.get(int(entry[1])) != b"%d" % number:
            raise InvalidPicture("its table names what is not there")
        position = entry.end()
    return position


def _read_trailer(reader: _Reader) -> None:
    """Read the trailer up to the word after it."""
    reader.expect(b"trailer")
    for word in reader.words():
        if word == b"startxref":
            return
        if word in (b"obj", b"xref", b"stream", b"trailer"):
            break
    raise InvalidPicture("it is not well-formed")
