"""What a client is told of files that the program saved, where only a picture comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collect import work_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Files that are named; of more there is the number.
NAMED = 3

GONE = "\nIt saved {}, in the sandbox, which is gone."
LEAVE_OPEN = (
    " A saved file doesn't count here: for a picture, leave a Matplotlib figure open at the end, without plt.close()."
)
ELSEWHERE = (
    ' To get the files, send the code to POST /v1/render with "Accept: application/json":'
    " it returns them, also if the code fails.\n"
)


def tell(paths: Sequence[str], *, drew_nothing: bool) -> str:
    """Return what to add to an error if the program saved files; empty if it saved none.

    Args:
        paths: The files.
        drew_nothing: Whether the error is that there is no figure.
    """
    if not paths:
        return ""
    names = [path for path in paths if work_dir.is_sendable(path)][:NAMED]
    if others := len(paths) - len(names):
        names.append(f"{others} {'more ' if names else ''}{'files' if others > 1 else 'file'}")
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return GONE.format(listed) + (LEAVE_OPEN if drew_nothing else "") + ELSEWHERE
