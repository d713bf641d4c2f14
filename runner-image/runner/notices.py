"""Python warnings, noted while they are shown as ever.

The program sees no difference: filters, ``warnings.showwarning`` and ``catch_warnings`` are untouched, and what it
catches or shows by itself is its own business and not noted.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any, NamedTuple

from program import PROGRAM_FILE, PROGRAM_NAME

LIMIT = 100
"""Warnings noted; the gateway takes no more."""
TEXT_LIMIT = 1000


class Notice(NamedTuple):
    """A warning; ``line`` is the program's, None when another file is to blame."""

    category: str
    message: str
    line: int | None


class Notices(list[Notice]):
    """The warnings of a job, in the order in which they came."""

    def watch(self) -> None:
        """Note every warning that is shown from now on.

        Source: CPython, Lib/warnings.py, ``_showwarnmsg``: the function that shows a warning unless the program has
        put another in its place.
        """
        module: Any = warnings
        show = module._showwarnmsg_impl  # noqa: SLF001  # anything public would be seen by the program

        def note_and_show(message: Any) -> None:
            with contextlib.suppress(Exception):  # its text is the program's, and may refuse to be one
                self.note(message)
            show(message)

        module._showwarnmsg_impl = note_and_show  # noqa: SLF001

    def note(self, message: Any) -> None:
        """Note one warning, as far as there is room."""
        if len(self) < LIMIT:
            own = message.filename in (PROGRAM_NAME, PROGRAM_FILE)
            line = message.lineno if own and message.lineno > 0 else None
            self.append(Notice(message.category.__name__[:TEXT_LIMIT], str(message.message)[:TEXT_LIMIT], line))
