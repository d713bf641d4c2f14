"""The folder of accepted pictures, which may be a stranger's."""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING

from figbox.check.accepted import AcceptedPictures
from figbox.check.facts import Figure, Inputs
from figbox.check.pictures import look_at
from tests.client.check.pictures import png

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = png(4, 3, b"\xc8\0\0")
FIGURE = Figure("a", "a.py", 1, look_at(PICTURE).digest, 4, 3, Inputs("12" * 32, "", "seed=0"), "sha256:01")


def test_a_picture_that_is_the_locks(tmp_path: Path) -> None:
    """It is there, until it is another."""
    pictures = AcceptedPictures(tmp_path)
    assert pictures.picture(FIGURE) is None
    (tmp_path / "a.png").write_bytes(PICTURE)
    assert pictures.picture(FIGURE) == tmp_path / "a.png"
    (tmp_path / "a.png").write_bytes(png(4, 3, b"\0\xc8\0"))
    assert pictures.picture(FIGURE) is None


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe, or a link to a device, could be read for ever; so not even the right bytes are taken from it."""
    path = tmp_path / "a.png"
    os.mkfifo(path)
    writer = Thread(target=path.write_bytes, args=(PICTURE,))
    writer.start()
    try:
        assert AcceptedPictures(tmp_path).picture(FIGURE) is None
    finally:
        if writer.is_alive():
            path.read_bytes()
        writer.join()
