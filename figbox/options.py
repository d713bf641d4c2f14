"""The options of a render, and their form in a request.

The service checks the values and refuses by name; here only names are checked, since a mistyped one is a
mistake in the caller's program.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

RcValue = str | float | bool | Sequence[str | float]


class Options(TypedDict, total=False):
    """What a render can be asked for. None, like leaving it out, means the service's default."""

    format: str | Sequence[str] | None
    """`png`, `svg`, `pdf`, `jpeg` or `webp`, or several of them. Default: png."""
    dpi: float | None
    """Dots per inch. Default: the figure's own."""
    width: float | None
    """Inches, as in `figsize`. Default: the figure's own."""
    height: float | None
    """Inches, as in `figsize`. Default: the figure's own."""
    bbox_inches: Literal["tight", "standard"] | None
    """`tight` cuts the margins off. Default: standard."""
    transparent: bool | None
    """Whether backgrounds are see-through. Default: no."""
    style: str | Sequence[str] | None
    """One or several of Matplotlib's styles, applied before the code runs. Default: none."""
    rc: Mapping[str, RcValue] | None
    """Matplotlib's rcParams by name, of the subset that the service allows. Default: none."""
    figures: Literal["current", "all"] | None
    """Which of the open figures. Default: current."""
    files: Mapping[str, bytes | str] | None
    """Data files by name, placed in the working directory; a str is sent as UTF-8. Default: none."""
    environment: str | None
    """One of `environments()`, by name. Default: default."""
    timeout_s: float | None
    """Seconds the code may take. Default: the service's cap."""
    memory_mib: int | None
    """MiB of memory the code may use. Default: the service's."""
    seed: int | None
    """Fixes `random` and NumPy's random state. Default: random."""
    cache: bool | None
    """Whether the answer may come from the service's cache. Default: where the operator switched it on."""


def as_json(options: Options) -> dict[str, Any]:
    """Return the members of a JSON request for options.

    Raises:
        TypeError: An option's name is unknown.
    """
    unknown = sorted(set(options) - set(Options.__annotations__))
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}; the options are {', '.join(Options.__annotations__)}")
    members: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    for name in ("format", "style"):
        if name in members and not isinstance(members[name], str):
            members[name] = list(members[name])
    if "rc" in members:
        members["rc"] = {
            name: value if isinstance(value, str | int | float) else list(value)
            for name, value in members["rc"].items()
        }
    if "files" in members:
        members["files"] = {name: file_as_json(content) for name, content in members["files"].items()}
    return members


def file_as_json(content: bytes | str) -> dict[str, str]:
    """Return the form of a file in a JSON request: as text where that gives the same bytes, for it is shorter."""
    if isinstance(content, str):
        return {"text": content}
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # no text that anybody means
        return {"base64": base64.b64encode(content).decode("ascii")}
    return {"text": text}
