"""What tests of descriptions share: calls are noted as in a runner that describes, and forgotten afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from mpl_toolkits.mplot3d import Axes3D

from tests.support.explained import marks

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    """Note calls of the axes' methods during a test."""
    before = [(owner, name, vars(owner)[name]) for owner in (Axes, Axes3D, Text) for name in watched_methods(owner)]
    marks.watch()
    yield
    for owner, name, method in before:
        setattr(owner, name, method)


def watched_methods(owner: type) -> list[str]:
    """Return the names of methods that are watched."""
    if owner is Text:
        return [marks.LAYOUT_METHOD]
    names = marks.SOLID_METHODS if owner is Axes3D else marks.FLAT_METHODS
    return [name for name in names if name in vars(owner)]
