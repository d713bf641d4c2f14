"""The form of a response: what the request makes possible, and what its `Accept` prefers (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.model.errors import NotAcceptable
from gateway.model.jobs import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

PICTURE_TYPES = {
    Format.PNG: "image/png",
    Format.SVG: "image/svg+xml",
    Format.PDF: "application/pdf",
    Format.JPEG: "image/jpeg",
    Format.WEBP: "image/webp",
    Format.GIF: "image/gif",
    Format.APNG: "image/apng",
    Format.AWEBP: "image/webp",
}

#: Types as clients also write them.
_SYNONYMS = {
    "image/jpg": PICTURE_TYPES[Format.JPEG],
    "image/pjpeg": PICTURE_TYPES[Format.JPEG],
    "image/x-png": PICTURE_TYPES[Format.PNG],
    "image/svg": PICTURE_TYPES[Format.SVG],
    "application/x-pdf": PICTURE_TYPES[Format.PDF],
}

#: Ranges of one `Accept` that are read; further ones are ignored.
RANGES_LIMIT = 32

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_RANGE = re.compile(rf"(?P<type>{_NAME})/(?P<subtype>{_NAME})")
#: The precision of a range that names a type.
_BY_NAME = 3

_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


class Form(StrEnum):
    """The forms of a response, in the order of choice if a client accepts several equally."""

    PICTURE = "picture"
    JSON = "application/json"
    ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Range:
    """One media range of an `Accept` field, and its quality."""

    type: str
    subtype: str
    quality: float

    def precision(self, media_type: str) -> int:
        """Return how precisely the range matches a type: 0 not at all, 1 as `*/*`, 2 as `type/*`, 3 by its name."""
        kind, _, subtype = media_type.partition("/")
        precisions = {(kind, subtype): _BY_NAME, (kind, "*"): 2, ("*", "*"): 1}
        return precisions.get((self.type, self.subtype), 0)


def parse_accept(values: Sequence[str]) -> list[Range]:
    """Return the media ranges of a request's `Accept` fields; without any, everything is accepted.

    What isn't a range is ignored, and so are parameters other than `q`: our types have none.
    """
    items = [item for value in values for item in value.split(",") if item.strip()]
    if not items:
        return [Range("*", "*", 1.0)]
    return [found for item in items[:RANGES_LIMIT] if (found := _parse_range(item)) is not None]


def _parse_range(item: str) -> Range | None:
    name, *parameters = (part.strip() for part in item.split(";"))
    name = name.lower()
    match = _RANGE.fullmatch(_SYNONYMS.get(name, name))
    if match is None:
        return None
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            if _QUALITY.fullmatch(value.strip()) is None:
                return None
            quality = float(value)
    return Range(match["type"], match["subtype"], quality)


def choose_format(ranges: Sequence[Range]) -> Format:
    """Return the format of a picture for which a request asks by `Accept` alone: the best one that it names, or PNG.

    PNG needs no name: `image/*` and `*/*` mean it, too. Among equals, one that is named wins, then the first of ours.
    """
    ranks = {Format.PNG: _best(ranges, PICTURE_TYPES[Format.PNG])}
    for each, media_type in PICTURE_TYPES.items():
        quality, precision = _best(ranges, media_type)
        if precision == _BY_NAME and quality > 0:
            ranks[each] = quality, precision
    return max(ranks, key=ranks.__getitem__)


def choose_forms(ranges: Sequence[Range], formats: Sequence[Format]) -> list[Form]:
    """Return the forms that the response may take, the best first; among equals those that are named come first.

    `*/*`, which clients send by default, means the picture alone: documents and archives must be named. Whether there
    is only one picture is known when the figures are drawn, see `form_for`.

    Raises:
        NotAcceptable: The client accepts none of them.
    """
    offers = {Form.PICTURE: PICTURE_TYPES[formats[0]]} if len(formats) == 1 else {}
    offers |= {Form.JSON: Form.JSON.value, Form.ZIP: Form.ZIP.value}
    ranks = {form: _rank(ranges, form, media_type) for form, media_type in offers.items()}
    forms = sorted((form for form in offers if ranks[form][0] > 0), key=ranks.__getitem__, reverse=True)
    if not forms:
        offered = list(offers.values())
        hint = "" if len(formats) > 1 else "; the option format says which type the picture has"
        raise NotAcceptable(f"Accept must allow {', '.join(offered[:-1])} or {offered[-1]}{hint}")
    return forms


def form_for(forms: Sequence[Form], pictures: int) -> Form:
    """Return the form of a response with this number of pictures.

    Raises:
        NotAcceptable: The client accepts one picture only, and there are several.
    """
    for form in forms:
        if form is not Form.PICTURE or pictures == 1:
            return form
    raise NotAcceptable(
        f"The code drew {pictures} figures, and several need an Accept of {Form.JSON.value} or {Form.ZIP.value}"
    )


def _rank(ranges: Sequence[Range], form: Form, media_type: str) -> tuple[float, bool]:
    """Return the quality of a type, and whether it is named: the most precise range decides."""
    least = 1 if form is Form.PICTURE else 2
    quality, precision = _best(ranges, media_type)
    return (quality, precision > 1) if precision >= least else (0.0, False)


def _best(ranges: Sequence[Range], media_type: str) -> tuple[float, int]:
    """Return the quality of a type, and how precisely it is matched: the most precise range decides."""
    best = max(ranges, key=lambda found: found.precision(media_type), default=None)
    precision = 0 if best is None else best.precision(media_type)
    return (best.quality, precision) if best is not None and precision else (0.0, 0)
