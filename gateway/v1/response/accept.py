"""Which form an answer takes: what the request makes possible, and what its `Accept` wants (RFC 9110, 12.5.1)."""

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
}

#: Ranges of one `Accept` that are looked at; those behind count as not given.
RANGES_LIMIT = 32

_RANGE = re.compile(r"(?P<type>[!#$%&'*+.^_`|~0-9A-Za-z-]+)/(?P<subtype>[!#$%&'*+.^_`|~0-9A-Za-z-]+)")
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


class Form(StrEnum):
    """The forms of an answer, best first where a client likes several alike."""

    PICTURE = "picture"
    JSON = "application/json"
    ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Range:
    """One media range of an `Accept` field, with how much it is wanted."""

    type: str
    subtype: str
    quality: float

    def precision(self, media_type: str) -> int:
        """Return how exactly the range names a type: 0 when it doesn't, 3 when it does by its name."""
        kind, _, subtype = media_type.partition("/")
        if (self.type, self.subtype) == (kind, subtype):
            return 3
        if (self.type, self.subtype) == (kind, "*"):
            return 2
        return 1 if (self.type, self.subtype) == ("*", "*") else 0


def parse_accept(values: Sequence[str]) -> list[Range]:
    """Return the media ranges of a request's `Accept` fields; without any, everything is taken.

    What isn't a range is left out. Parameters other than `q` are not looked at: our types have none.
    """
    items = [item for value in values for item in value.split(",") if item.strip()]
    if not items:
        return [Range("*", "*", 1.0)]
    return [found for item in items[:RANGES_LIMIT] if (found := _parse_range(item)) is not None]


def _parse_range(item: str) -> Range | None:
    name, *parameters = (part.strip() for part in item.split(";"))
    match = _RANGE.fullmatch(name.lower())
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


def choose_forms(ranges: Sequence[Range], formats: Sequence[Format]) -> list[Form]:
    """Return the forms that the response may take, the best first; among equals one that is named goes first.

    `*/*`, which clients send by default, stands for the picture alone: documents and archives must be named. Whether
    there is only one picture is certain once the figures are counted, see `form_for`.

    Args:
        ranges: What the client accepts.
        formats: What each figure is saved as.

    Raises:
        NotAcceptable: The client accepts none of them.
    """
    offers = {Form.JSON: Form.JSON.value, Form.ZIP: Form.ZIP.value}
    if len(formats) == 1:
        offers = {Form.PICTURE: PICTURE_TYPES[formats[0]], **offers}
    wanted = {form: _wanted(ranges, form, media_type) for form, media_type in offers.items()}
    forms = sorted((form for form in offers if wanted[form][0] > 0), key=wanted.__getitem__, reverse=True)
    if not forms:
        offered = list(offers.values())
        raise NotAcceptable(f"Accept must take {', '.join(offered[:-1])} or {offered[-1]}")
    return forms


def form_for(forms: Sequence[Form], pictures: int) -> Form:
    """Return the form of an answer with so many pictures.

    Raises:
        NotAcceptable: The client takes one picture only, and there are several.
    """
    for form in forms:
        if form is not Form.PICTURE or pictures == 1:
            return form
    raise NotAcceptable(
        f"The code drew {pictures} figures, and several need an Accept of {Form.JSON.value} or {Form.ZIP.value}"
    )


def _wanted(ranges: Sequence[Range], form: Form, media_type: str) -> tuple[float, bool]:
    """Return how much a type is wanted, and whether it is named: the most precise range decides."""
    least = 1 if form is Form.PICTURE else 2
    fitting = [found for found in ranges if found.precision(media_type) >= least]
    if not fitting:
        return 0.0, False
    best = max(fitting, key=lambda found: found.precision(media_type))
    return best.quality, best.type != "*"
