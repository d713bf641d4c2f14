"""Descriptions of figures as a service gives them, to be changed and compared."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]

BLUE, ORANGE, GREEN = "#1f77b4", "#ff7f0e", "#2ca02c"


def box(x: float = 80.0, y: float = 57.6, width: float = 496.0, height: float = 369.6) -> Json:
    """Return a part of the picture."""
    return {"x": x, "y": y, "width": width, "height": height}


def extent(values: Sequence[Any]) -> Json | None:
    """Return the ends of values."""
    if not values:
        return None
    return {"first": values[0], "last": values[-1], "least": min(values), "greatest": max(values)}


def artist(kind: str = "line", label: str = "", **fields: Any) -> Json:
    """Return an artist with the fields that differ from the defaults."""
    plain = {
        "kind": kind,
        "label": label,
        "text": "",
        "parts": [],
        "arrangement": "",
        "points": 0,
        "missing": 0,
        "infinite": 0,
        "color": BLUE,
        "colormap": None,
        "style": "solid",
        "marker": "",
        "x": None,
        "y": None,
        "z": None,
        "values": None,
        "box": box(100, 80, 450, 320),
        "data": None,
    }
    assert fields.keys() <= plain.keys()
    return {**plain, **fields}


def line(label: str, y: Sequence[float], x: Sequence[float] | None = None, **fields: Any) -> Json:
    """Return a line through points."""
    x = list(range(len(y))) if x is None else list(x)
    data = {"total": len(y), "x": x, "y": list(y), "z": [], "values": []}
    return artist(**{"label": label, "points": len(y), "x": extent(x), "y": extent(y), "data": data, **fields})


def axis(label: str = "", begin: Any = 0.0, end: Any = 10.0, **fields: Any) -> Json:
    """Return an axis."""
    plain = {"label": label, "scale": "linear", "values": "numbers", "begin": begin, "end": end}
    return {**plain, "inverted": False, "ticks": ["0", "5", "10"], "visible": True, **fields}


def legend(*entries: str, title: str = "", place: Json | None = None) -> Json:
    """Return a legend."""
    return {"title": title, "entries": list(entries), "box": place or box(400, 60, 100, 50)}


def axes(*artists: Json, number: int = 1, title: str = "", **fields: Any) -> Json:
    """Return an axes with artists."""
    plain = {
        "number": number,
        "kind": "cartesian",
        "role": "plot",
        "box": box(),
        "title": title,
        "x": axis("time"),
        "y": axis("level"),
        "z": None,
        "belongs_to": [],
        "shares_x": [],
        "shares_y": [],
        "legend": None,
        "artists": list(artists),
        "artists_left_out": 0,
    }
    return {**plain, **fields}


def description(*every: Json, **fields: Any) -> Json:
    """Return a figure's description."""
    plain = {
        "level": "data",
        "width": 640.0,
        "height": 480.0,
        "dpi": 100.0,
        "width_in": 6.4,
        "height_in": 4.8,
        "title": "",
        "x_label": "",
        "y_label": "",
        "layout": "none",
        "axes": list(every),
        "axes_left_out": 0,
        "legends": [],
        "artists": [],
        "artists_left_out": 0,
    }
    return {**plain, **fields}


def finding(code: str = "text-cut-off", sentence: str = "The title is cut off.", **fields: Any) -> Json:
    """Return a finding."""
    plain = {
        "code": code,
        "severity": "warning",
        "sentence": sentence,
        "advice": "Make room.",
        "axes": [1],
        "box": box(),
    }
    return {**plain, **fields}


def figure(shown: Json | None, number: int = 1, pixels: str = "ab", **fields: Any) -> Json:
    """Return a figure of a document."""
    picture = {"format": "png", "width_px": 640, "height_px": 480, "sha256": pixels * 2, "pixels_sha256": pixels}
    plain = {
        "number": number,
        "label": "",
        "pictures": [picture],
        "description": shown,
        "findings": [],
        "alt_text": "A",
    }
    return {**plain, **fields}


def document(*figures: Json) -> Json:
    """Return a render document."""
    return {"outcome": "ok", "figures": list(figures), "manifest": {}}


#: Two axes of a figure that has something of all that is described; to be copied before it is changed.
_SIGNAL = [float(place * 7 % 11) for place in range(60)]
_RICH = description(
    axes(
        line("signal", _SIGNAL),
        line("noise", [float(place * 5 % 7) for place in range(60)], color=ORANGE),
        artist("reference line", y=extent([3.0]), style="dashed", color="#000000"),
        artist("annotation", text="peak", x=extent([5.0]), y=extent([10.0]), box=box(300, 100, 60, 20)),
        title="Signals",
        legend=legend("signal", "noise"),
        box=box(80, 60, 496, 160),
    ),
    axes(
        artist(
            "bar",
            "sales",
            parts=["north", "south", "east"],
            points=3,
            color=GREEN,
            x=extent([0.0, 1.0, 2.0]),
            y=extent([4.0, 9.0, 2.0]),
            data={"total": 3, "x": [0.0, 1.0, 2.0], "y": [4.0, 9.0, 2.0], "z": [], "values": []},
        ),
        artist("image", points=12, color=None, colormap="viridis", values=extent([0.0, 8.0, 1.0])),
        number=2,
        title="Sales",
        x=axis("region", values="categories", ticks=["north", "south", "east"]),
        box=box(80, 270, 496, 160),
    ),
    title="Two views",
    x_label="below",
    y_label="beside",
    legends=[legend("both")],
    artists=[artist("text", text="draft", box=box(10, 10, 50, 12))],
)


def rich() -> Json:
    """Return a figure of a document that has something of all that is described."""
    return copy.deepcopy(figure(_RICH, findings=[finding()], alt_text="Two lines and three bars."))
