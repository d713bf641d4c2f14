"""What is known of a figure: what it was made of, by what, and the digest of its picture."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Options that say nothing of the picture: the same for all figures, said by the image's digest, or beside it.
UNSAID = frozenset({"format", "figures", "files", "environment", "cache", "describe"})


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a figure is made of.

    Attributes:
        code: SHA-256 of the code as it is sent, in hex.
        data: SHA-256 over names and contents of the data files that are sent along; empty without any.
        options: The options that shape the picture, in words: `dpi=150, seed=0`.
    """

    code: str
    data: str
    options: str


def inputs_of(code: str, files: Mapping[str, bytes], options: Mapping[str, Any]) -> Inputs:
    """Return what a figure is made of."""
    sent = hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
    return Inputs(sent, _data_digest(files), _in_words(options))


def _data_digest(files: Mapping[str, bytes]) -> str:
    if not files:
        return ""
    whole = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode("utf-8", "surrogatepass"), files[name]):
            whole.update(hashlib.sha256(part).digest())  # of one length, so that no name passes for a content
    return whole.hexdigest()


def _in_words(options: Mapping[str, Any]) -> str:
    shaping = {name: value for name, value in options.items() if name not in UNSAID and value is not None}
    return ", ".join(f"{name}={json.dumps(value, sort_keys=True)}" for name, value in sorted(shaping.items()))


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it was drawn once.

    Attributes:
        name: Path of its picture below the folder of pictures, without the suffix; unique in a project.
        source: What drew it: a script's path in the project, or `FILE.md#NAME` of a fence.
        of: How many figures that source drew together.
        picture: The digest of its picture, as `figbox.check.pictures` computes it.
        width_px: Width in pixels.
        height_px: Height in pixels.
        inputs: What it was made of.
        image: Digest of the image that drew it.

    Raises:
        ValueError: The name could lead out of a folder.
    """

    name: str
    source: str
    of: int
    picture: str
    width_px: int
    height_px: int
    inputs: Inputs
    image: str

    def __post_init__(self) -> None:
        if not is_plain(self.name):
            raise ValueError(f"{self.name!r} can't be the name of a figure")


def is_of_a_test(source: str) -> bool:
    """Tell whether a source is what a test of pytest draws under its own name: `tests/test_plots.py#test_sales`."""
    file, mark, _ = source.partition("#")
    return bool(mark) and file.endswith(".py")


def is_plain(name: str) -> bool:
    """Tell whether a name is a path that stays in its folder, and can be shown and written down."""
    parts = name.split("/")
    return name.isprintable() and "\\" not in name and not any(part in ("", ".", "..") for part in parts)
