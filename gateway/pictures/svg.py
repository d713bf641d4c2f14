"""Checks an SVG: a second line, not the boundary.

The boundary is how it is served: under a content security policy that sandboxes it and lets it load nothing, and as an
attachment. This check is for those who save the file and open it elsewhere. What passes is what Matplotlib writes and
a viewer merely draws: well-formed UTF-8 without entities or a document type of its own, elements from a list of those
that draw, no event attributes, and no address of anything outside the file but in links, which a person has to follow.

Source: Scalable Vector Graphics (SVG) 1.1, second edition, chapters 5 (structure), 17 (linking) and 18 (scripting);
Python, `xml.parsers.expat`: an external document type is never fetched by itself.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from gateway.pictures.picture import InvalidPicture, Size

if TYPE_CHECKING:
    from collections.abc import Callable

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"

#: What lies between namespace and name in the names that the parser gives us; no namespace can contain it.
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

#: Namespaces of what Matplotlib writes into `metadata`: RDF, Dublin Core, Creative Commons. Viewers draw none of it.
DESCRIPTIONS = (
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://purl.org/dc/elements/1.1/",
    "http://creativecommons.org/ns#",
)

LINK, ROOT, STYLE, USE = (f"{SVG}{SEPARATOR}{name}" for name in ("a", "svg", "style", "use"))

#: Elements that `use` may refer to. None of them holds others, so ten of ten of ten can't become a thousand.
USED = frozenset(f"{SVG}{SEPARATOR}{name}" for name in ("image", "path"))

#: Attributes that name something to be fetched or gone to.
ADDRESSES = frozenset({"href", f"{XLINK}{SEPARATOR}href", "src"})

#: An attribute that makes references within the file lead out of it.
BASE = f"http://www.w3.org/XML/1998/namespace{SEPARATOR}base"

#: Schemes a link may have; one without any is relative.
LINK_SCHEMES = frozenset({"http", "https", "mailto", "ftp", ""})

#: The one kind of data an address may hold.
EMBEDDED_PICTURE = "data:image/png;base64,"

#: The document type that Matplotlib writes; nothing is ever read from there.
PUBLIC_TYPE = "-//W3C//DTD SVG 1.1//EN"

#: Elements of a file. A scatter plot writes two for each of its points.
ELEMENT_LIMIT = 500_000

#: How deep elements may lie in each other; Matplotlib needs about ten, and viewers may recurse.
DEPTH_LIMIT = 100

#: Names of attributes in a file, and attributes of one element: the parser keeps them all. Matplotlib uses about 60.
NAME_LIMIT, ATTRIBUTE_LIMIT = 1000, 200

#: Elements that `use` refers to: glyphs and markers.
TARGET_LIMIT = 50_000

#: Characters of style rules; Matplotlib writes less than a hundred.
STYLE_LIMIT = 64 * 1024

#: Largest width and height in points.
SIDE_LIMIT = 1_000_000

#: Bytes given to the parser at once: its own memory, and how late it hears that we refuse.
PIECE = 256 * 1024

_LENGTH = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,10})?)pt")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_BLANKS = re.compile(r"[\x00-\x20]+")
#: A reference of a style sheet or an attribute to anything but an element of this file.
_FOREIGN_REFERENCE = re.compile(r"url\(\s*+['\"]?+\s*+(?!#)|@import|expression\(|-moz-binding", re.IGNORECASE)
#: An entity beyond XML's own: the parser would skip it, since the document type that nobody fetches might declare it.
_OTHER_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")
#: A tag long enough to hold very many attributes.
_LONG_TAG = re.compile(rb"<[^<]{4096,}+")


def check_svg(data: bytes) -> Size:
    """Check that `data` is exactly one SVG as Matplotlib writes it.

    Args:
        data: The whole file.

    Returns:
        Its size in points, rounded.

    Raises:
        InvalidPicture: It isn't; the message is fit for a client.
    """
    if _OTHER_ENTITY.search(data):
        raise InvalidPicture("it has entities of its own")
    if any(tag[0].count(b"=") > ATTRIBUTE_LIMIT for tag in _LONG_TAG.finditer(data)):
        raise InvalidPicture("it has too many attributes")
    checker = _Checker()
    parser = expat.ParserCreate("utf-8", SEPARATOR)
    parser.buffer_text = True
    parser.XmlDeclHandler = checker.declaration
    parser.StartDoctypeDeclHandler = checker.document_type
    parser.ProcessingInstructionHandler = checker.instruction
    parser.EntityDeclHandler = checker.entity
    parser.StartElementHandler = checker.start
    parser.EndElementHandler = checker.end
    checker.listen = lambda handler: setattr(parser, "CharacterDataHandler", handler)
    try:
        data.decode()  # the parser would follow a byte order mark into another encoding
        for position in range(0, len(data), PIECE):
            parser.Parse(data[position : position + PIECE], False)
        parser.Parse(b"", True)
    except UnicodeDecodeError as error:
        raise InvalidPicture("it is not encoded as UTF-8") from error
    except expat.ExpatError as error:
        raise InvalidPicture("it is not well-formed") from error
    return checker.finish()


class _Checker:
    """What the parser tells, judged as it comes."""

    def __init__(self) -> None:
        self.listen: Callable[[Callable[[str], None] | None], None] = lambda _: None
        self._size: Size | None = None
        self._count = self._depth = 0
        self._names: set[str] = set()
        self._style: list[str] = []
        self._used: set[str] = set()
        self._usable: set[str] = set()

    def finish(self) -> Size:
        """Return the size, once the whole document was judged."""
        if not self._used <= self._usable:
            raise InvalidPicture("it repeats what is not served repeated")
        assert self._size is not None  # noqa: S101 - a well-formed document has a root
        return self._size

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """Refuse another encoding: a viewer would read another document than we do."""
        if encoding is not None and encoding.lower() != "utf-8":
            raise InvalidPicture("it is not encoded as UTF-8")

    def document_type(self, name: str, _system: str | None, public: str | None, has_own: int) -> None:
        """Refuse a document type with declarations of its own, entities above all."""
        if has_own or name != "svg" or public != PUBLIC_TYPE:
            raise InvalidPicture("it has a document type of its own")

    def entity(self, *_: object) -> None:
        """Refuse entities."""
        raise InvalidPicture("it has entities of its own")

    def instruction(self, _target: str, _data: str) -> None:
        """Refuse processing instructions: style sheets are linked by them."""
        raise InvalidPicture("it has instructions for its viewer")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Judge an element."""
        self._count += 1
        self._depth += 1
        if self._count > ELEMENT_LIMIT or self._depth > DEPTH_LIMIT:
            raise InvalidPicture("it has too many elements")
        if self._size is None:
            if name != ROOT:
                raise InvalidPicture("it does not begin as an SVG does")
            self._size = Size(_points(attributes.get("width")), _points(attributes.get("height")))
        if name not in ELEMENTS and name.rpartition(SEPARATOR)[0] not in DESCRIPTIONS:
            raise InvalidPicture("it has a kind of element that is not served")
        self._names.update(attributes)
        if len(self._names) > NAME_LIMIT:
            raise InvalidPicture("it has too many attributes")
        for attribute, value in attributes.items():
            self._judge(name, attribute, value)
        if name == STYLE:
            self.listen(self._style.append)

    def end(self, name: str) -> None:
        """Note the end of an element."""
        self._depth -= 1
        if name == STYLE:
            self.listen(None)
            rules = "".join(self._style)
            if len(rules) > STYLE_LIMIT:
                raise InvalidPicture("it has too many style rules")
            _check_style(rules)

    def _judge(self, element: str, attribute: str, value: str) -> None:
        """Judge an attribute."""
        if attribute == "id":
            if element in USED:
                self._usable.add(value)
        elif attribute in ADDRESSES:
            _check_address(value, is_link=element == LINK)
            if element == USE:
                self._used.add(value.removeprefix("#"))
        elif attribute.startswith("on") or attribute == BASE:
            raise InvalidPicture("it has an attribute that is not served")
        elif "(" in value or "@" in value or "\\" in value:
            _check_style(value)
        if len(self._used) > TARGET_LIMIT:
            raise InvalidPicture("it has too many elements")


def _points(length: str | None) -> int:
    """Return a length in points as a whole number, at least 1."""
    found = _LENGTH.fullmatch(length or "")
    if found is None or not 0 < float(found[1]) <= SIDE_LIMIT:
        raise InvalidPicture("its header gives no size")
    return max(1, math.floor(float(found[1]) + 0.5))


def _check_address(value: str, *, is_link: bool) -> None:
    """Check an address: an element of this file, an embedded PNG, or in a link whatever a person may go to."""
    address = _BLANKS.sub("", value)  # viewers leave out blanks, so `java script:` is a scheme
    if address.startswith("#"):
        return
    if is_link:
        scheme = _SCHEME.match(address)
        if (scheme[1].lower() if scheme else "") in LINK_SCHEMES:
            return
    elif address.startswith(EMBEDDED_PICTURE):
        return
    raise InvalidPicture("it refers to something outside of itself")


def _check_style(text: str) -> None:
    """Check style rules, whether of an element or an attribute; a backslash could hide a word from us."""
    if "\\" in text or _FOREIGN_REFERENCE.search(text):
        raise InvalidPicture("it refers to something outside of itself")
