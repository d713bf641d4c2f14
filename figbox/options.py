"""The options of a render, and their form in a request.

Only their names are checked here, since a mistyped one is a mistake in the caller's program; the service checks values.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

RcValue = str | float | bool | Sequence[str | float]


class Options(TypedDict, total=False):
    """The options of a render. None means the service's default, as leaving an option out does."""

    format: str | Sequence[str] | None
    """`png`, `svg`, `pdf`, `jpeg`, `webp`, or animated `gif`, `apng`, `awebp`, or several of them. Default: png."""
    dpi: float | None
    """Dots per inch. Default: the figure's own."""
    width: float | None
    """Inches. Default: the figure's own."""
    height: float | None
    """Inches. Default: the figure's own."""
    bbox_inches: Literal["tight", "standard"] | None
    """`tight` cuts off the margins. Default: standard."""
    transparent: bool | None
    """Whether the background is transparent. Default: no."""
    style: str | Sequence[str] | None
    """One or several of Matplotlib's styles, applied before the code runs. Default: none."""
    rc: Mapping[str, RcValue] | None
    """Matplotlib's rcParams by name, if the service allows them. Default: none."""
    figures: Literal["current", "all"] | None
    """Which of the open figures are saved. Default: current."""
    files: Mapping[str, bytes | str] | None
    """Data files by name, placed in the working directory; a str is sent as UTF-8. Default: none."""
    environment: str | None
    """Name of one of `environments()`. Default: default."""
    timeout_s: float | None
    """Seconds that the code may take. Default: the service's limit."""
    memory_mib: int | None
    """MiB of memory that the code may use. Default: the service's limit."""
    seed: int | None
    """Seed of `random` and of NumPy's random state. Default: random."""
    describe: Literal["none", "summary", "full", "data"] | None
    """How much is said of each figure; `data` adds the values of what is drawn. Default: none."""
    embed_alt_text: bool | None
    """Whether png, svg and pdf files have the figure's alternative text. Default: no."""
    fail_on: str | Sequence[str] | None
    """Codes of findings that make the render fail, or a severity, `error`, `warning` or `note`, for all that matter as
    much or more. Default: none."""
    cache: bool | None
    """Whether the response may come from the service's cache. Default: yes, if the service has one."""


def as_json(options: Options) -> dict[str, Any]:
    """Return options as the members of a JSON request.

    Raises:
        TypeError: An option's name is unknown.
    """
    unknown = sorted(set(options) - set(Options.__annotations__))
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}; the options are {', '.join(Options.__annotations__)}")
    members: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    for name in ("format", "style", "fail_on"):
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
    """Return a file's form in a JSON request: as text, which is shorter, if that gives the same bytes."""
    if isinstance(content, str):
        return {"text": content}
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # or not UTF-8
        return {"base64": base64.b64encode(content).decode("ascii")}
    return {"text": text}
