"""Warnings that a module gave when it was executed, and gives again when it is brought back."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

HERE = os.path.dirname(__file__) + os.sep

#: What files are called whose frames stand between a module and the one that imports it.
BETWEEN = (HERE, "<frozen importlib")


class Warned:
    """A warning.

    Args:
        message: As `warnings.showwarning` would get it, while it is given. One that points to a file of ours is about
            whoever imports the module.
    """

    def __init__(self, message: Any) -> None:
        self._message = message
        self._about_importer = message.filename.startswith(HERE)
        self._module = module_of(message.filename)
        importer = first_frame_outside()
        self._importer = importer and (importer.f_globals.get("__name__"), importer.f_lineno)

    def again(self, importer: str | None) -> None:
        """Give it.

        Args:
            importer: Name of the hidden module that has imported the module, which is being brought back, too; None:
                code that runs has imported it.
        """
        message, category = self._message.message, self._message.category
        module: Any
        if not self._about_importer:
            file, line, module = self._message.filename, self._message.lineno, self._module
            names = getattr(sys.modules.get(module), "__dict__", {})
        elif importer is not None:
            names = getattr(sys.modules.get(importer), "__dict__", {})
            name, line = self._importer or (None, 1)
            file, line, module = names.get("__file__") or importer, line if name == importer else 1, importer
        else:
            frame = first_frame_outside()
            if frame is None:
                return
            names = frame.f_globals
            file, line, module = frame.f_code.co_filename, frame.f_lineno, names.get("__name__")
        registry = names.setdefault("__warningregistry__", {})
        warnings.warn_explicit(message, category, file, line, module, registry)


def module_of(file: str) -> str:
    """Return the name of the module that is being executed in a file."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == file:
            return str(frame.f_globals.get("__name__"))
        frame = frame.f_back
    return os.path.basename(file).removesuffix(".py")


def first_frame_outside() -> FrameType | None:
    """Return the frame that the innermost import was begun by."""
    frame: FrameType | None = sys._getframe(1)
    inside = False
    while frame is not None:
        between = frame.f_code.co_filename.startswith(BETWEEN)
        if inside and not between:
            return frame
        inside = inside or frame.f_code.co_filename.startswith("<frozen importlib")
        frame = frame.f_back
    return None
