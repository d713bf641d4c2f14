"""A document from outside as values that can be compared, within the limits of `described`.

Unknown members are ignored and missing ones have their defaults, since documents come from services of other versions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from figbox.comparison.described import (
    ARTISTS_LIMIT,
    ARTISTS_OF_A_DOCUMENT_LIMIT,
    AXES_LIMIT,
    FIGURES_LIMIT,
    FINDINGS_LIMIT,
    LEGENDS_LIMIT,
    LEVELS,
    NAMES_LIMIT,
    PICTURES_LIMIT,
    POINTS_LIMIT,
    TEXT_LIMIT,
    Artist,
    Axes,
    Axis,
    Box,
    Data,
    Described,
    Description,
    Extent,
    Figure,
    Finding,
    Legend,
    Picture,
    Value,
)
from figbox.document import Node
from figbox.errors import BadDocument, BadResponse
from figbox.model import Figure as RenderedFigure
from figbox.model import Finding as RenderedFinding
from figbox.model import Render

#: Greatest number that a figure, an axes, or a number of points can have: what JSON can hold exactly.
COUNT_LIMIT = 2**53


def read(side: object, name: str) -> Described:
    """Return one side of a comparison.

    Args:
        side: A render document, a list of its figures, a figure, an explanation, a description, or a `Render`.
        name: What errors call it.

    Raises:
        BadDocument: It is none of these.
    """
    try:
        return _Reader().described(Node(_plain(side), name))
    except BadResponse as error:
        raise BadDocument(str(error)) from error
    except RecursionError as error:
        raise BadDocument(f"{name} is nested too deeply") from error


def as_document(render: Render) -> dict[str, Any]:
    """Return what a render says of its figures, to be saved and compared later: all but bytes and files."""
    return {
        "figures": [_figure_as_json(figure) for figure in render.figures],
        "figures_truncated": render.figures_truncated,
        "manifest": dict(render.manifest),
    }


def _plain(side: object) -> object:
    """Return what the client has read as the JSON that it came from; anything else as it is."""
    if isinstance(side, Render):
        return as_document(side)
    if isinstance(side, RenderedFigure):
        return _figure_as_json(side)
    if isinstance(side, Mapping):
        return side if isinstance(side, dict) else dict(side)
    if isinstance(side, Sequence) and not isinstance(side, str | bytes | bytearray):
        return [_figure_as_json(each) if isinstance(each, RenderedFigure) else each for each in side[:FIGURES_LIMIT]]
    return side


def _figure_as_json(figure: RenderedFigure) -> dict[str, Any]:
    names = ("format", "content_type", "width_px", "height_px", "sha256", "pixels_sha256")
    pictures = [{name: getattr(picture, name) for name in names} for picture in figure.pictures]
    return {
        "number": figure.number,
        "label": figure.label,
        "pictures": pictures,
        "alt_text": figure.alt_text,
        "description": dict(figure.description) if figure.description is not None else None,
        "findings": [_finding_as_json(finding) for finding in figure.findings],
        "findings_left_out": figure.findings_left_out,
    }


def _finding_as_json(finding: RenderedFinding) -> dict[str, Any]:
    box = dict(zip(("x", "y", "width", "height"), finding.box, strict=True)) if finding.box is not None else None
    names = ("code", "severity", "sentence", "advice")
    return {**{name: getattr(finding, name) for name in names}, "axes": list(finding.axes), "box": box}


class _Reader:
    """Reads one document; counts what goes beyond the limits."""

    def __init__(self) -> None:
        self._artists = 0
        self._left_out = 0

    def described(self, root: Node) -> Described:
        if isinstance(root.value, list):
            nodes = root
        else:
            members = root.mapping()
            if "figures" in members:
                nodes = root["figures"]
            elif "description" in members or "pictures" in members:
                return Described((self._figure(root, 1),), self._left_out)
            elif "axes" in members and "level" in members:
                return Described((Figure(description=self._description(root)),), self._left_out)
            else:
                raise BadDocument(f"{root.path} has neither figures nor a description")
        figures = tuple(self._figure(node, place) for place, node in enumerate(self._first(nodes, FIGURES_LIMIT), 1))
        return Described(figures, self._left_out)

    def _first(self, nodes: Node, limit: int) -> list[Node]:
        every = nodes.value
        if isinstance(every, list | tuple) and len(every) > limit:
            self._left_out += len(every) - limit
            every = every[:limit]
        return list(Node(list(every) if isinstance(every, tuple) else every, nodes.path))

    def _figure(self, node: Node, place: int) -> Figure:
        return Figure(
            number=_count(node["number"], place),
            label=_text(node["label"]),
            pictures=tuple(map(_picture, self._first(node["pictures"], PICTURES_LIMIT))),
            description=node["description"].optional(self._description),
            findings=tuple(map(_finding, self._first(node["findings"], FINDINGS_LIMIT))),
            findings_left_out=_count(node["findings_left_out"]),
            alt_text=node["alt_text"].optional(_text),
        )

    def _description(self, node: Node) -> Description:
        level = _text(node["level"])
        if level not in LEVELS:
            raise BadDocument(f"{node.path}: level is none of {', '.join(LEVELS)}")
        return Description(
            level=level,
            width=_number(node["width"]),
            height=_number(node["height"]),
            dpi=_number(node["dpi"]),
            width_in=_number(node["width_in"]),
            height_in=_number(node["height_in"]),
            title=_text(node["title"]),
            x_label=_text(node["x_label"]),
            y_label=_text(node["y_label"]),
            layout=_text(node["layout"], "none"),
            axes=tuple(self._axes(each, place) for place, each in enumerate(self._first(node["axes"], AXES_LIMIT), 1)),
            axes_left_out=_count(node["axes_left_out"]),
            legends=tuple(map(_legend, self._first(node["legends"], LEGENDS_LIMIT))),
            artists=self._artists_of(node["artists"]),
            artists_left_out=_count(node["artists_left_out"]),
        )

    def _axes(self, node: Node, place: int) -> Axes:
        return Axes(
            number=_count(node["number"], place),
            kind=_text(node["kind"], "cartesian"),
            role=_text(node["role"], "plot"),
            box=node["box"].optional(_box),
            title=_text(node["title"]),
            x=node["x"].optional(_axis) or Axis(),
            y=node["y"].optional(_axis) or Axis(),
            z=node["z"].optional(_axis),
            belongs_to=_numbers(node["belongs_to"]),
            shares_x=_numbers(node["shares_x"]),
            shares_y=_numbers(node["shares_y"]),
            legend=node["legend"].optional(_legend),
            artists=self._artists_of(node["artists"]),
            artists_left_out=_count(node["artists_left_out"]),
        )

    def _artists_of(self, nodes: Node) -> tuple[Artist, ...]:
        room = min(ARTISTS_LIMIT, ARTISTS_OF_A_DOCUMENT_LIMIT - self._artists)
        found = tuple(map(_artist, self._first(nodes, room)))
        self._artists += len(found)
        return found


def _artist(node: Node) -> Artist:
    return Artist(
        kind=_text(node["kind"]),
        label=_text(node["label"]),
        text=_text(node["text"]),
        parts=_texts(node["parts"]),
        arrangement=_text(node["arrangement"]),
        points=_count(node["points"]),
        missing=_count(node["missing"]),
        infinite=_count(node["infinite"]),
        color=node["color"].optional(_text),
        colormap=node["colormap"].optional(_text),
        style=_text(node["style"]),
        marker=_text(node["marker"]),
        x=node["x"].optional(_extent),
        y=node["y"].optional(_extent),
        z=node["z"].optional(_extent),
        values=node["values"].optional(_extent),
        box=node["box"].optional(_box),
        data=node["data"].optional(_data),
    )


def _axis(node: Node) -> Axis:
    visible = node["visible"]
    return Axis(
        label=_text(node["label"]),
        scale=_text(node["scale"], "linear"),
        values=_text(node["values"], "numbers"),
        begin=_value(node["begin"]),
        end=_value(node["end"]),
        inverted=node["inverted"].flag(),
        ticks=_texts(node["ticks"]),
        visible=visible.value is None or visible.flag(),
    )


def _legend(node: Node) -> Legend:
    return Legend(_text(node["title"]), _texts(node["entries"]), node["box"].optional(_box))


def _picture(node: Node) -> Picture:
    return Picture(_text(node["format"]), _text(node["sha256"]), _text(node["pixels_sha256"]))


def _finding(node: Node) -> Finding:
    return Finding(
        code=_text(node["code"]),
        severity=_text(node["severity"]),
        sentence=_text(node["sentence"]),
        axes=_numbers(node["axes"]),
        box=node["box"].optional(_box),
        advice=_text(node["advice"]),
    )


def _extent(node: Node) -> Extent:
    return Extent(*(_value(node[name]) for name in ("first", "last", "least", "greatest")))


def _data(node: Node) -> Data:
    return Data(_count(node["total"]), *(_values(node[name]) for name in ("x", "y", "z", "values")))


def _box(node: Node) -> Box:
    return Box(*(_number(node[name]) for name in ("x", "y", "width", "height")))


def _text(node: Node, default: str = "") -> str:
    return node.text(default)[:TEXT_LIMIT]


def _texts(node: Node) -> tuple[str, ...]:
    return tuple(_text(Node(each, node.path)) for each in _list(node)[:NAMES_LIMIT])


def _numbers(node: Node) -> tuple[int, ...]:
    return tuple(_count(Node(each, node.path)) for each in _list(node)[:AXES_LIMIT])


def _values(node: Node) -> tuple[Value, ...]:
    return tuple(_value(Node(each, node.path)) for each in _list(node)[:POINTS_LIMIT])


def _list(node: Node) -> list[Any]:
    if isinstance(node.value, tuple):
        return list(node.value)
    if node.value is not None and not isinstance(node.value, list):
        raise BadDocument(f"{node.path} is not a list")
    return node.value or []


def _count(node: Node, default: int = 0) -> int:
    count = default if node.value is None else node.integer()
    if not 0 <= count <= COUNT_LIMIT:
        raise BadDocument(f"{node.path} is not a number of things")
    return count


def _value(node: Node) -> Value:
    if node.value is None:
        return None
    return _text(node) if isinstance(node.value, str) else _number(node)


def _number(node: Node) -> float:
    if node.value is None:
        return 0.0
    try:
        value = float(node.number())
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise BadDocument(f"{node.path} is not a number that can be compared")
    return value
