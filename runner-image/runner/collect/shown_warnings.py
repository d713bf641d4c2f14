"""Python warnings, recorded while they are shown as usual.

The program sees no difference: filters, ``warnings.showwarning`` and ``catch_warnings`` are untouched, and warnings
that it catches or shows by itself are not recorded.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import warnings
from typing import Any, NamedTuple

from cheap_import import OWN_FOLDERS
from program import PROGRAM_FILE, PROGRAM_NAME
from report import hide_image_paths

#: Warnings recorded at most; the launcher takes no more.
LIMIT = 100
TEXT_LIMIT = 1000


#: Where Python says that a warning is from whose cause is below the program's first frame.
#: Source: CPython, Python/_warnings.c, `setup_context`.
NOWHERE = ("sys", 1)


class ShownWarning(NamedTuple):
    """A warning; ``line`` is the program's, None when it points to another file."""

    category: str
    message: str
    line: int | None


class ShownWarnings(list[ShownWarning]):
    """The warnings of a job, in the order in which they came."""

    def watch(self) -> None:
        """Record every warning that is shown from now on.

        Source: CPython, Lib/warnings.py, ``_showwarnmsg``: it calls this function unless the program has replaced
        ``showwarning``.
        """
        module: Any = warnings  # anything public would be seen by the program
        show = module._showwarnmsg_impl

        def record_and_show(message: Any) -> None:
            with contextlib.suppress(Exception):  # the warning is the program's object, and its str() may raise
                self.record(message)
            with contextlib.suppress(Exception):
                hide_our_files(message)
            show(message)

        module._showwarnmsg_impl = record_and_show

    def record(self, message: Any) -> None:
        """Record one warning, if there is room."""
        if len(self) < LIMIT:
            own = message.filename in (PROGRAM_NAME, PROGRAM_FILE)
            line = message.lineno if own and message.lineno > 0 else None
            category = message.category.__name__[:TEXT_LIMIT]
            self.append(ShownWarning(category, str(message.message)[:TEXT_LIMIT], line))


def hide_our_files(message: Any) -> None:
    """Let a warning that is attributed to a line of ours, which the program isn't concerned with, name none.

    Such are those that come while figures are saved, and those whose ``stacklevel`` leads out of the program.
    """
    if os.path.dirname(message.filename) in OWN_FOLDERS:
        message.filename, message.lineno = NOWHERE
        message.line = ""
    elif (shortened := hide_image_paths(message.filename)) != message.filename:
        message.line = message.line or linecache.getline(message.filename, message.lineno)
        message.filename = shortened
