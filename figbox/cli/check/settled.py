"""Which sources needn't be drawn, since the same would come: as it was accepted, or before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figbox.check.verdicts import is_settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from figbox.check.accepted import AcceptedPictures
    from figbox.check.facts import Figure
    from figbox.check.lock import Lock
    from figbox.cli.check.halves import Half, Preparation
    from figbox.cli.check.sources import Source


def settled(
    preparation: Preparation, images: Mapping[str, str], lock: Lock, accepted: AcceptedPictures | None
) -> set[str]:
    """Return the names of sources that would draw what they drew before.

    Args:
        preparation: The half as it is, and with a base that before it.
        images: The image of each environment.
        lock: The accepted figures; unused with a base.
        accepted: The accepted pictures; None if they aren't kept.
    """
    *before, after = preparation.halves
    if before:
        return {name for name in after.sources if _is_as_before(name, before[0], after, preparation, images)}
    if accepted is not None:
        accepted.look_at(figure for figure in lock.figures.values() if figure.source in after.sources)
    found = set()
    for name, source in after.sources.items():
        image = images[preparation.environment(after, source)]
        if is_as_accepted(preparation, source, lock.of_source(name), image, accepted):
            found.add(name)
    return found


def is_as_accepted(
    preparation: Preparation, source: Source, known: tuple[Figure, ...], image: str, accepted: AcceptedPictures | None
) -> bool:
    """Tell whether a source would draw its accepted figures with an image, and their pictures are there if kept."""
    inputs = preparation.inputs_now(source)
    if inputs is None or not is_settled(known, inputs, image):
        return False
    return accepted is None or all(accepted.picture(figure) is not None for figure in known)


def _is_as_before(name: str, before: Half, after: Half, preparation: Preparation, images: Mapping[str, str]) -> bool:
    """Tell whether a source would draw the same on both sides."""
    old, new = before.sources.get(name), after.sources[name]
    inputs = preparation.inputs_now(new)
    if old is None or inputs is None or preparation.inputs_now(old) != inputs:
        return False
    return images[preparation.environment(before, old)] == images[preparation.environment(after, new)]
