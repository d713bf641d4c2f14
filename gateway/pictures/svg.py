"""Check an SVG: a second line of defence, not the boundary.

The boundary is how it is served: as an attachment, with a content security policy that sandboxes it and lets it load
nothing. This check is for those who save the file and open it elsewhere. A file passes if it has only what Matplotlib
writes and a viewer merely draws: well-formed UTF-8 without entities or a document type of its own, elements from a list
of those that draw, no event attributes, and no address outside the file except in links, which a person has to follow.

Source: Scalable Vector Graphics (SVG) 1.1, second edition, chapters 5 (structure), 17 (linking) and 18 (scripting);
Python, `xml.parsers.expat`: an external document type is never fetched by itself.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from gateway.pictures.picture import InvalidPicture, Size, whole_points

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"

#: What separates namespace and name in the parser's names; a namespace can't contain it.
SEPARATOR = " "

#: Elements that draw or describe; script, animation, foreign documents and media are not among them.
ELEMENTS = frozenset(
    f"{SVG}{SEPARATOR}{name}"
    for name in (
        "a", "circle", "clipPath", "defs", "desc", "ellipse", "feBlend", "feColorMatrix", "feComponentTransfer",
        "feComposite", "feFlood", "feFuncA", "feFuncB", "feFuncG", "feFuncR", "feGaussianBlur", "feMerge",
        "feMergeNode", "feOffset", "filter", "g", "image", "line", "linearGradient", "marker", "mask", "metadata",
        "path", "pattern", "polygon", "polyline", "radialGradient", "rect", "stop", "style", "svg", "switch",
        "symbol", "text", "textPath", "title", "tspan", "use",
    )
)  # fmt: skip

#: Namespaces of what Matplotlib writes into `metadata`: RDF, Dublin Core, Creative Commons. Viewers don't draw them.
DESCRIPTIONS = (
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://purl.org/dc/elements/1.1/",
    "http://creativecommons.org/ns#",
)

LINK, ROOT, STYLE, USE = (f"{SVG}{SEPARATOR}{name}" for name in ("a", "svg", "style", "use"))

#: Elements that `use` may refer to. They can't contain others, so ten times ten times ten can't become a thousand.
USED = frozenset(f"{SVG}{SEPARATOR}{name}" for name in ("image", "path"))

#: Attributes with an address to fetch or to follow.
ADDRESSES = frozenset({"href", f"{XLINK}{SEPARATOR}href", "src"})

#: An attribute that makes references in the file lead out of it.
BASE = f"http://www.w3.org/XML/1998/namespace{SEPARATOR}base"

#: Schemes of links; a link without one is relative.
LINK_SCHEMES = frozenset({"http", "https", "mailto", "ftp", ""})

#: The only kind of data that an address may contain.
EMBEDDED_PICTURE = "data:image/png;base64,"

#: The document type that Matplotlib writes; it is never fetched.
PUBLIC_TYPE = "-//W3C//DTD SVG 1.1//EN"

#: Most elements of a file. A scatter plot has two for each of its points.
ELEMENT_LIMIT = 500_000

#: Deepest nesting of elements; Matplotlib needs about ten, and viewers may recurse.
DEPTH_LIMIT = 100

#: Most names of attributes in a file, and attributes of one element: the parser keeps them. Matplotlib uses about 60.
NAME_LIMIT, ATTRIBUTE_LIMIT = 1000, 200

#: Most elements that `use` refers to: glyphs and markers.
TARGET_LIMIT = 50_000

#: Longest style rules, in characters; Matplotlib writes less than a hundred.
STYLE_LIMIT = 64 * 1024

#: Bytes given to the parser at once, to begin with: what it buffers, and reads on after a refusal.
PIECE = 256 * 1024

#: Characters at an address's beginning that are looked at, and how many of them must be other than blanks.
ADDRESS_HEAD, ADDRESS_HEAD_MIN = 1024, 64

_LENGTH = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,10})?)pt")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_SCHEME_BEGUN = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)
_BLANKS = re.compile(r"[\x00-\x20]+")
#: A reference of a style sheet or an attribute to something other than an element of this file.
_FOREIGN_REFERENCE = re.compile(r"url\(\s*+['\"]?+\s*+(?!#)|@import|expression\(|-moz-binding", re.IGNORECASE)
#: An entity beyond XML's own: the parser would skip it, since the document type, which isn't fetched, might declare it.
_OTHER_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")
#: A tag long enough to hold very many attributes.
_LONG_TAG = re.compile(rb"<[^<]{4096,}+")


def check_svg(data: bytes) -> Size:
    """Return the size in points of exactly one well-formed SVG; see `gateway.pictures.check.check_picture`."""
    if _OTHER_ENTITY.search(data):
        raise InvalidPicture("it has entities of its own")
    if any(tag[0].count(b"=") > ATTRIBUTE_LIMIT for tag in _LONG_TAG.finditer(data)):
        raise InvalidPicture("it has too many attributes")
    parser = expat.ParserCreate("utf-8", SEPARATOR)
    checker = _Checker(parser)
    try:
        data.decode()  # the parser would follow a byte order mark into another encoding
        _feed(parser, data)
    except UnicodeDecodeError as error:
        raise InvalidPicture("it is not encoded as UTF-8") from error
    except expat.ExpatError as error:
        raise InvalidPicture("it is not well-formed") from error
    return checker.finish()


def _feed(parser: expat.XMLParserType, data: bytes) -> None:
    """Let a parser read a file, in pieces.

    A tag that doesn't end within a piece is read anew from its beginning with the next one (by releases of expat before
    2.6, and by later ones that were told to), so each piece is then as long as everything before it in the tag:
    altogether at most twice as much is read as there is.
    """
    position, size = 0, PIECE
    while position < len(data):
        parser.Parse(data[position : position + size], False)
        position += size
        size = max(PIECE, position - parser.CurrentByteIndex)
    parser.Parse(b"", True)


class _Checker:
    """Checks what the parser reports as it is read."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        parser.buffer_text = True
        parser.XmlDeclHandler = self.declaration
        parser.StartDoctypeDeclHandler = self.document_type
        parser.ProcessingInstructionHandler = self.instruction
        parser.EntityDeclHandler = self.entity
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        self._parser = parser
        self._size: Size | None = None
        self._count = self._depth = 0
        self._names: set[str] = set()
        self._style: list[str] = []
        self._used: set[str] = set()
        self._usable: set[str] = set()

    def finish(self) -> Size:
        """Return the size, once the whole document was read."""
        if not self._used <= self._usable:
            raise InvalidPicture("a use element refers to an element that may not be reused")
        assert self._size is not None  # noqa: S101 - a well-formed document has a root
        return self._size

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """Refuse other encodings: a viewer would read another document than this check."""
        if encoding is not None and encoding.lower() != "utf-8":
            raise InvalidPicture("it is not encoded as UTF-8")

    def document_type(self, name: str, _system: str | None, public: str | None, has_own: int) -> None:
        """Refuse a document type with declarations of its own, such as entities."""
        if has_own or name != "svg" or public != PUBLIC_TYPE:
            raise InvalidPicture("it has a document type of its own")

    def entity(self, *_: object) -> None:
        """Refuse entities."""
        raise InvalidPicture("it has entities of its own")

    def instruction(self, _target: str, _data: str) -> None:
        """Refuse processing instructions, which link style sheets."""
        raise InvalidPicture("it has processing instructions")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Check an element."""
        self._count += 1
        self._depth += 1
        if self._count > ELEMENT_LIMIT or self._depth > DEPTH_LIMIT:
            raise InvalidPicture("it has too many elements")
        if self._size is None:
            if name != ROOT:
                raise InvalidPicture("it does not start like an SVG")
            self._size = Size(_points(attributes.get("width")), _points(attributes.get("height")))
        if name not in ELEMENTS and name.rpartition(SEPARATOR)[0] not in DESCRIPTIONS:
            raise InvalidPicture("it has an element of a type that is not allowed")
        self._names.update(attributes)
        if len(self._names) > NAME_LIMIT:
            raise InvalidPicture("it has too many attributes")
        for attribute, value in attributes.items():
            self._check(name, attribute, value)
        if name == STYLE:
            self._parser.CharacterDataHandler = self._style.append

    def end(self, name: str) -> None:
        """Check a style sheet at its end."""
        self._depth -= 1
        if name == STYLE:
            self._parser.CharacterDataHandler = None
            rules = "".join(self._style)
            if len(rules) > STYLE_LIMIT:
                raise InvalidPicture("it has too many style rules")
            _check_style(rules)

    def _check(self, element: str, attribute: str, value: str) -> None:
        """Check an attribute."""
        if attribute == "id":
            if element in USED:
                self._usable.add(value)
        elif attribute in ADDRESSES:
            _check_address(value, is_link=element == LINK)
            if element == USE:
                self._used.add(value.removeprefix("#"))
        elif attribute.startswith("on") or attribute == BASE:
            raise InvalidPicture("it has an attribute that is not allowed")
        elif "(" in value or "@" in value or "\\" in value:
            _check_style(value)
        if len(self._used) > TARGET_LIMIT:
            raise InvalidPicture("it has too many elements")


def _points(length: str | None) -> int:
    found = _LENGTH.fullmatch(length or "")
    return whole_points(float(found[1]) if found is not None else 0)


def _check_address(value: str, *, is_link: bool) -> None:
    """Check an address: an element of this file, an embedded PNG, or what a person may follow in a link."""
    # Viewers ignore blanks, so `java script:` is a scheme. What follows the beginning makes no difference.
    address = _BLANKS.sub("", value[:ADDRESS_HEAD])
    if len(value) > ADDRESS_HEAD and len(address) < ADDRESS_HEAD_MIN:
        raise InvalidPicture("it has an address of blanks")
    if address.startswith("#"):
        return
    if is_link:
        scheme = _SCHEME.match(address)
        unclear = scheme is None and len(value) > ADDRESS_HEAD and _SCHEME_BEGUN.fullmatch(address)
        if not unclear and (scheme[1].lower() if scheme else "") in LINK_SCHEMES:
            return
    elif address.startswith(EMBEDDED_PICTURE):
        return
    raise InvalidPicture("it refers to something outside the file")


def _check_style(text: str) -> None:
    """Check style rules of an element or an attribute; a backslash could hide a word."""
    if "\\" in text or _FOREIGN_REFERENCE.search(text):
        raise InvalidPicture("it refers to something outside the file")
