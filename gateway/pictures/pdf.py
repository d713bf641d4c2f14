"""Check a PDF: a second line of defence, not the boundary.

The boundary is how it is served: as an attachment, for a viewer with a sandbox of its own. This check keeps out what a
figure never needs and a viewer might act on: scripts, actions, embedded files, forms, encryption. A file passes if it
is as Matplotlib writes it: objects one after the other, one classic table of where they are, one trailer.

Names are searched for outside of streams. A stream begins and ends at the same words as for any reader, and the table
must list exactly the objects found there, so that none can be hidden in a stream. Object streams, which are made to
contain objects, are refused.

Source: ISO 32000-1 (PDF 1.7), sections 7.2 (lexical conventions), 7.3.8 (streams), 7.5 (file structure), 12.6
(actions).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.pictures.picture import InvalidPicture, Size, whole_points

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = re.compile(rb"%PDF-1\.[3-7][\r\n]")

#: Names of what runs, opens, sends, hides or embeds, and of decoders that figures don't use and attackers like to.
FORBIDDEN = frozenset(
    {
        b"AA", b"AcroForm", b"Crypt", b"EF", b"EmbeddedFile", b"EmbeddedFiles", b"Encrypt", b"Filespec",
        b"GoToE", b"GoToR", b"ImportData", b"JBIG2Decode", b"JPXDecode", b"JS", b"JavaScript", b"Launch", b"Movie",
        b"Names", b"ObjStm", b"OpenAction", b"Prev", b"Rendition", b"RichMedia", b"Sound", b"SubmitForm", b"XFA",
        b"XRef", b"XRefStm",
    }
)  # fmt: skip

#: Most words outside of streams. A figure has a few hundred objects with a few dozen words each.
WORD_LIMIT = 500_000

#: Longest name in bytes once its escapes are resolved, and most escapes in the names of a file: each costs a call.
#: Source: ISO 32000-1, annex C (names have at most 127 bytes). Matplotlib escapes a few characters of fonts' names.
NAME_LIMIT_BYTES, ESCAPE_LIMIT = 127, 20_000

#: Deepest nesting of brackets in a string.
DEPTH_LIMIT = 100

#: Most entries of the table that stand for no object; Matplotlib writes one.
FREE_LIMIT = 1000

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
    """Return the size in points of exactly one well-formed PDF; see `gateway.pictures.check.check_picture`."""
    header = HEADER.match(data)
    if header is None:
        raise InvalidPicture("it does not start like a PDF")
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
        raise InvalidPicture("it does not end like a PDF")
    if reader.size is None:
        raise InvalidPicture("it gives no valid size")
    return reader.size


class _Reader:
    """Read the words of a file outside of its streams one by one, and check the names among them."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position
        self.word_begin = position
        self.size: Size | None = None
        self._count = 0
        self._escapes = 0

    def words(self) -> Iterator[bytes]:
        """Yield words until the end of the file; a string counts as an empty word."""
        while (word := self.next()) is not None:
            yield word

    def next(self) -> bytes | None:
        """Return the next word, or None at the end of the file."""
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
            self._check_name(word[1:])
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

    def _check_name(self, name: bytes) -> None:
        plain = self._unescaped(name) if b"#" in name else name
        if len(plain) > NAME_LIMIT_BYTES:
            raise InvalidPicture("it has a name that is too long")
        if plain in FORBIDDEN:
            raise InvalidPicture("it has a part of a type that is not allowed")
        if plain == b"MediaBox" and self.size is None:
            self.size = self._read_box()

    def _unescaped(self, name: bytes) -> bytes:
        self._escapes += name.count(b"#")
        if len(name) > 3 * NAME_LIMIT_BYTES or self._escapes > ESCAPE_LIMIT:
            raise InvalidPicture("it has a name that is too long")
        return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), name)

    def _read_box(self) -> Size:
        """Return the size of the rectangle that follows."""
        self.expect(b"[")
        numbers = []
        for _ in range(4):
            word = self.next() or b""
            if _NUMBER.fullmatch(word) is None:
                raise InvalidPicture("it gives no valid size")
            numbers.append(float(word))
        self.expect(b"]")
        left, bottom, right, top = numbers
        return Size(whole_points(right - left), whole_points(top - bottom))


def _read_object(reader: _Reader) -> None:
    """Read the rest of an object after its number; a stream in it is skipped."""
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
    """Check that the table lists objects where they were found, by number; return where it ends."""
    head = _TABLE.match(data, begin)
    if head is None:
        raise InvalidPicture("its xref table is malformed")
    position = head.end()
    if int(head[1]) > len(objects) + FREE_LIMIT:
        raise InvalidPicture("its xref table is malformed")
    for number in range(int(head[1])):
        entry = _ENTRY.match(data, position)
        if entry is None:
            raise InvalidPicture("its xref table is malformed")
        if entry[3] == b"n" and objects.get(int(entry[1])) != b"%d" % number:
            raise InvalidPicture("its xref table points to something else than its objects")
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
