"""Figures as raw pixels, of a size that is known only once they are drawn."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image


class Pixels(io.RawIOBase):
    """A file for ``savefig(file, format="rgba")``: Matplotlib hands over its whole buffer, which knows its size.

    Attributes:
        width: In pixels.
        height: Likewise.
        data: Red, green, blue and alpha of each pixel, row by row.
    """

    def __init__(self) -> None:
        super().__init__()
        self.width = self.height = 0
        self.data = b""

    def write(self, data: Any) -> int:
        """Take a copy of the buffer: Matplotlib draws the next figure into it."""
        self.height, self.width, _ = memoryview(data).shape or (0, 0, 0)
        self.data = bytes(data)
        return len(self.data)

    def picture(self) -> Image:
        """Return what was drawn."""
        from PIL import Image

        return Image.frombuffer("RGBA", (self.width, self.height), self.data, "raw", "RGBA", 0, 1)
