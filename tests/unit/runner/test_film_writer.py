"""Films without ffmpeg, as far as that shows without the library; `tests/engine/test_environments.py` saves some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure
from PIL import Image

from tests.support.runner import runner_modules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def film_writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the runner's module."""
    with runner_modules(tmp_path_factory.mktemp("work")) as module:
        yield module("stand_ins.film_writer")


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        ([], []),
        (["-y"], []),
        (["-crf", "18", "-an", "-pix_fmt", "yuv444p"], [("crf", "18"), ("pix_fmt", "yuv444p")]),
        (["-an", "-crf", 18, "lonely"], [("crf", "18")]),
    ],
)
def test_arguments_of_ffmpeg(film_writer: Any, words: list[Any], pairs: list[tuple[str, str]]) -> None:
    """Arguments with a value are the codec's, numbers included; others say what the program is to do."""
    assert list(film_writer.arguments(words)) == pairs


@pytest.mark.parametrize("ending", ["gif", "webp", "apng"])
def test_pictures_are_left_to_pillow(film_writer: Any, tmp_path: Path, ending: str) -> None:
    """What Pillow saves without ffmpeg it saves beside the library, too."""
    figure = Figure(figsize=(1, 1))
    moving = FuncAnimation(figure, lambda number: figure.suptitle(str(number)), frames=3)
    moving.save(tmp_path / f"x.{ending}", writer=film_writer.FilmWriter(fps=10, codec="h264", extra_args=["-y"]))
    with Image.open(tmp_path / f"x.{ending}") as image:
        assert image.n_frames == 3


def test_where_no_library_is_nothing_changes(film_writer: Any) -> None:
    """The writer is found by nobody who didn't ask for it."""
    from matplotlib import animation

    assert animation.FFMpegWriter is not film_writer.FilmWriter
