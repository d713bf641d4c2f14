"""Names that are close to one that was wrong, and sentences that offer them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Names that are compared, and their characters: the program may have made millions, and megabytes.
CANDIDATES_LIMIT = 1500
LENGTH_LIMIT = 60

#: Likeness that counts as close. Python's difflib offers by default what has 0.6, which is often another word.
CUTOFF = 0.75

#: Names that are offered, and how much less like than the best one they may be.
OFFERED_LIMIT = 3
MARGIN = 0.05


def nearest(name: str, candidates: Iterable[object]) -> list[str]:
    """Return the names that were probably meant, the most likely first; empty if none is close.

    Args:
        name: What was written.
        candidates: What there is; what isn't a text, is too long, or is the name itself, is passed over.
    """
    if not 0 < len(name) <= LENGTH_LIMIT:
        return []
    wanted = name.casefold()
    folded: dict[str, str] = {}
    for each in islice(candidates, CANDIDATES_LIMIT):
        if type(each) is str and each != name and 0 < len(each) <= LENGTH_LIMIT:
            folded.setdefault(each.casefold(), each)
    if wanted in folded:
        return [folded[wanted]]
    swapped = [folded[each] for each in _swaps(wanted) if each in folded]
    return swapped[:OFFERED_LIMIT] or [folded[each] for each in _alike(wanted, folded)]


def _swaps(name: str) -> list[str]:
    """Return a name with each two neighbours exchanged, the commonest slip of fingers that difflib thinks little of."""
    if len(name) < 3:  # noqa: PLR2004 - of two letters nothing would be left that is alike
        return []
    return [name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in range(len(name) - 1)]


def _alike(wanted: str, folded: Iterable[str]) -> list[str]:
    from difflib import SequenceMatcher, get_close_matches

    close = get_close_matches(wanted, folded, OFFERED_LIMIT, CUTOFF)
    likeness = {each: SequenceMatcher(None, each, wanted).ratio() for each in close}
    return [each for each in close if likeness[each] >= likeness[close[0]] - MARGIN]


def offer(names: Sequence[str], mark: str = "`") -> str:
    """Return the end of a sentence that asks whether one of these names was meant; empty if there are none."""
    return f"did you mean {either(names, mark)}?" if names else ""


def either(names: Sequence[str], mark: str = "`") -> str:
    """Return names as they stand in a sentence, with "or" before the last."""
    return _listed(names, mark, "or")


def both(names: Sequence[str], mark: str = "'") -> str:
    """Return names as they stand in a sentence, with "and" before the last."""
    return _listed(names, mark, "and")


def _listed(names: Sequence[str], mark: str, word: str) -> str:
    *before, last = [f"{mark}{name}{mark}" for name in names]
    return f"{', '.join(before)} {word} {last}" if before else last
