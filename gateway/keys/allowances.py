"""What the service asks before it does something for a key: on this node alone, or by a server that nodes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gateway.keys.budgets import Hold, Quota
    from gateway.keys.keyring import Holder


class Allowances(Protocol):
    """What each key may have, and has used: `Budgets` of one node, or `SharedBudgets` of several."""

    async def take_request(self, holder: Holder) -> None:
        """Count a request.

        Raises:
            RateExceeded: The key has used its requests; this one isn't counted.
        """

    def hold_compute(self, holder: Holder, worst_s: float, longest_s: float) -> AbstractAsyncContextManager[Hold]:
        """Hold what a job may use, and settle when the block ends, however it ends.

        Args:
            holder: Whose job it is.
            worst_s: Most processor seconds that the job can use.
            longest_s: Longest time that it can run, in seconds.

        Raises:
            BudgetExceeded: The key has used its processor time, or holds it for jobs under way.
        """

    async def check_compute(self, holder: Holder) -> None:
        """Refuse a holder that has used up its processor time, before something is done that it will have to pay for.

        Raises:
            BudgetExceeded: It has; what it holds for jobs under way doesn't count.
        """

    def charge(self, holder: Holder, used_s: float) -> None:
        """Count processor seconds that were used without a hold."""

    def quotas(self, holder: Holder) -> list[Quota]:
        """Return what is left of each of a key's allowances, as far as this node knows."""

    @property
    def names(self) -> frozenset[str]:
        """Names of the keys that have ever used anything here."""

    def part_used(self, holder: Holder) -> float:
        """Return which part of an allowance a key has used, of the one of which that is most; cheaper than quotas."""

    def keep_only(self, names: frozenset[str]) -> None:
        """Forget removed keys; their jobs that still run settle with the budgets that they began with."""
