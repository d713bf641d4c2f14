"""Which things of one side are which of the other.

Theory: things are matched in stages, the surest first. A stage with a key pairs the first of each key with the first,
the second with the second, and so on. The last stage pairs what is most alike. Each stage gives the same pairs
whichever side is called the first, so that a comparison the other way round says the opposite. The cost is linear in
the number of things, but for the last stage, whose pairs are bounded.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

T = TypeVar("T")

#: Pairs of one call of `Matching.by_likeness` that are judged; where there would be more, nothing is matched so.
PAIRS_LIMIT = 2500


class Pair(NamedTuple, Generic[T]):
    """Two things that are the same one, with their places on both sides, counted from 0."""

    i: int
    j: int
    before: T
    after: T


class Matching(Generic[T]):
    """Pairs of things of two sides; each thing is in one pair at most."""

    def __init__(self, before: Sequence[T], after: Sequence[T]) -> None:
        """Take both sides; nothing is matched yet."""
        self.before = before
        self.after = after
        self._partners: dict[int, int] = {}
        self._taken: set[int] = set()

    @property
    def pairs(self) -> list[Pair[T]]:
        """The pairs so far, in the order of the second side."""
        found = (Pair(i, j, self.before[i], self.after[j]) for i, j in self._partners.items())
        return sorted(found, key=lambda pair: pair.j)

    @property
    def removed(self) -> list[int]:
        """Places of the first side without a partner."""
        return [i for i in range(len(self.before)) if i not in self._partners]

    @property
    def added(self) -> list[int]:
        """Places of the second side without a partner."""
        return [j for j in range(len(self.after)) if j not in self._taken]

    def went(self, *, cut: bool) -> list[int]:
        """Return places of the first side of what isn't on the second.

        Args:
            cut: Whether the second side is only the beginning of a longer list. What comes after the last thing that
                was found there may then be in the rest.
        """
        last = max(self._partners, default=len(self.before))
        return [i for i in self.removed if i < last or not cut]

    def came(self, *, cut: bool) -> list[int]:
        """Return places of the second side of what isn't on the first, which may be cut likewise."""
        last = max(self._taken, default=len(self.after))
        return [j for j in self.added if j < last or not cut]

    @property
    def reordered(self) -> bool:
        """Whether the pairs are in another order on the second side than on the first."""
        places = [pair.i for pair in self.pairs]
        return places != sorted(places)

    def by_key(self, key: Callable[[T], Hashable | None]) -> None:
        """Match what has the same key, in order; things whose key is None stay as they are."""
        waiting: defaultdict[Hashable, list[int]] = defaultdict(list)
        for i in reversed(self.removed):
            if (mark := key(self.before[i])) is not None:
                waiting[mark].append(i)
        for j in self.added:
            mark = key(self.after[j])
            if mark is not None and waiting[mark]:
                self._join(waiting[mark].pop(), j)

    def by_only_key(self, key: Callable[[T], Hashable | None]) -> None:
        """Match what has the same key where nothing else on its side has that key."""
        before, after = self._by_key(self.before, self.removed, key), self._by_key(self.after, self.added, key)
        for mark, places in before.items():
            if len(places) == 1 == len(after.get(mark, ())):
                self._join(places[0], after[mark][0])

    def by_likeness(self, likeness: Callable[[T, T], float], least: float) -> None:
        """Match what is most alike first, as far as it is at least so much alike; among equals the nearest places.

        Two pairs that exclude each other differ in the distance or in the sum of their places, so there is one order.
        """
        removed, added = self.removed, self.added
        if len(removed) * len(added) > PAIRS_LIMIT:
            return
        judged = [
            (-score, abs(i - j), i + j, i, j)
            for i in removed
            for j in added
            if (score := round(likeness(self.before[i], self.after[j]), 9)) >= least
        ]
        for _, _, _, i, j in sorted(judged):
            if i not in self._partners and j not in self._taken:
                self._join(i, j)

    def _join(self, i: int, j: int) -> None:
        self._partners[i] = j
        self._taken.add(j)

    @staticmethod
    def _by_key(
        things: Sequence[T], places: list[int], key: Callable[[T], Hashable | None]
    ) -> dict[Hashable, list[int]]:
        found: defaultdict[Hashable, list[int]] = defaultdict(list)
        for place in places:
            if (mark := key(things[place])) is not None:
                found[mark].append(place)
        return found
