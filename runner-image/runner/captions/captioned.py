"""A figure that is saved with its alternative text in its files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from explain.noted import VECTOR_DPI

from captions import files
from captions.caption import caption_of

if TYPE_CHECKING:
    from captions.caption import Caption

NOT_CAPTIONED = "The alternative text could not be made, so it is not in the picture."


class Captioned:
    """A figure whose files get its alternative text, which is made once.

    Attributes:
        failed: Whether a file that could have had it has none.
    """

    def __init__(self, figure: Any) -> None:
        self.figure = figure
        self.failed = False
        self._captions: list[Caption | None] = []

    def caption(self, dpi: float) -> Caption | None:
        """Return the caption, once the figure has been laid out."""
        if not self._captions:
            self._captions.append(caption_of(self.figure, dpi))
        return self._captions[0]

    def saved(self, data: bytes, kind: str, dpi: float) -> bytes:
        """Return a file with the caption, if it can hold one; a PDF has it already."""
        if kind not in files.CAPTIONED:
            return data
        found = self.caption(dpi)
        if found is not None:
            with contextlib.suppress(files.NoPlace):
                return data if kind == "pdf" else files.with_caption(data, kind, found)
        self.failed = True
        return data

    def captioning(self, kind: str) -> contextlib.AbstractContextManager[None]:
        """Let the figure that is saved in a format meanwhile get its caption, if that is a PDF."""
        if kind != "pdf":
            return contextlib.nullcontext()
        return files.in_pdf(self.figure, lambda: self.caption(VECTOR_DPI))
