"""What is said of a figure, as values; the gateway's `model/explanation.py` says what each field means.

Theory: everything here is made in a process where the program may have replaced what it likes, so whoever makes it
expects any call to raise. What is made is bounded here and checked again outside.
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: As in the gateway's module, which refuses what exceeds them.
CLAIM_LIMIT_BYTES = 256 * 1024
CLAIM_WITH_DATA_LIMIT_BYTES = 2 * 1024 * 1024
AXES_LIMIT = 50
ARTISTS_LIMIT = 100
FINDINGS_LIMIT = 50
NAMES_LIMIT = 50
POINTS_LIMIT = 500
TEXT_LIMIT = 300
SENTENCE_LIMIT = 600

Value = float | str | None


class Box(NamedTuple):
    """A part of the picture, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Values(NamedTuple):
    """The values of an artist along one axis."""

    first: Value = None
    last: Value = None
    least: Value = None
    greatest: Value = None


class Data(NamedTuple):
    """The values of an artist's points."""

    total: int = 0
    x: tuple[Value, ...] = ()
    y: tuple[Value, ...] = ()
    z: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()


class Artist(NamedTuple):
    """Something that is drawn, as people name it."""

    kind: str
    label: str = ""
    text: str = ""
    parts: tuple[str, ...] = ()
    arrangement: str = ""
    points: int = 0
    missing: int = 0
    infinite: int = 0
    color: str | None = None
    colormap: str | None = None
    style: str = ""
    marker: str = ""
    x: Values | None = None
    y: Values | None = None
    z: Values | None = None
    values: Values | None = None
    box: Box | None = None
    data: Data | None = None


class Axis(NamedTuple):
    """One axis of an axes."""

    label: str = ""
    scale: str = "linear"
    values: str = "numbers"
    begin: Value = None
    end: Value = None
    inverted: bool = False
    ticks: tuple[str, ...] = ()
    visible: bool = True


class Legend(NamedTuple):
    """A legend."""

    title: str = ""
    entries: tuple[str, ...] = ()
    box: Box | None = None


class Axes(NamedTuple):
    """One axes of a figure."""

    number: int
    kind: str
    role: str
    box: Box | None = None
    title: str = ""
    x: Axis = Axis()
    y: Axis = Axis()
    z: Axis | None = None
    belongs_to: tuple[int, ...] = ()
    shares_x: tuple[int, ...] = ()
    shares_y: tuple[int, ...] = ()
    legend: Legend | None = None
    artists: tuple[Artist, ...] = ()
    artists_left_out: int = 0


class Description(NamedTuple):
    """What a figure shows."""

    level: str
    width: float
    height: float
    dpi: float
    width_in: float
    height_in: float
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    layout: str = "none"
    axes: tuple[Axes, ...] = ()
    axes_left_out: int = 0
    legends: tuple[Legend, ...] = ()
    artists: tuple[Artist, ...] = ()
    artists_left_out: int = 0


class Finding(NamedTuple):
    """Something that a reader would stumble over."""

    code: str
    severity: str
    sentence: str
    advice: str
    axes: tuple[int, ...] = ()
    box: Box | None = None


class Explanation(NamedTuple):
    """All that is said of a figure."""

    alt_text: str
    description: Description
    findings: tuple[Finding, ...] = ()
    findings_left_out: int = 0


def as_json(value: Any) -> Any:
    """Return a value of these types as what JSON has: objects with every field."""
    if isinstance(value, tuple):
        fields = getattr(value, "_fields", None)
        if fields is None:
            return [as_json(each) for each in value]
        return {name: as_json(each) for name, each in zip(fields, value, strict=True)}
    return value


def cut(text: object, limit: int = TEXT_LIMIT) -> str:
    """Return a text of the figure on one line, no longer than a limit."""
    whole = " ".join(str(text)[: 4 * limit].split())
    return whole if len(whole) <= limit else whole[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"
