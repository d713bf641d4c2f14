"""A number of bytes that requests share: each holds what it needs for as long as it needs it.

    hold(key) ─> Hold ──grow, try_grow──> holds bytes ──shrink──> fewer ──end of the block──> none

Two bounds: all holds together, and those of one key. Who doesn't fit waits in turn: keys take turns, and within a key
the first to come is the first to go. A key that is at its own bound holds up nobody else. Waiting is bounded in number
and time.

A hold that depends on a slow client can be watched. While others wait for bytes, the watched holds that have not
advanced for a while are cut, the one that has stood still for longest first, and no more of them than are needed.
While nobody waits, nobody is cut.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from gateway.model.errors import QueueFull, QueueTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Seconds after which one that was refused should try again.
RETRY_S = 5

#: Who waits for more bytes than it could ever hold is refused at once.
NEVER = "The request needs more memory than the service has for one key"


@dataclass(eq=False, slots=True)
class _Waiter:
    """Someone who waits for bytes."""

    hold: Hold
    amount: int
    granted: asyncio.Future[None]


@dataclass(slots=True)
class _Account:
    """What one key holds, and who waits for more."""

    held: int = 0
    holds: int = 0
    served_at: int = 0
    waiting: deque[_Waiter] = field(default_factory=deque)


@dataclass(slots=True)
class _Watch:
    """A client that a hold depends on.

    Attributes:
        cut: Ends the connection or the reading.
        due: When it has stood still for too long, by the loop's clock.
        advanced: Bytes since the time was last put off.
        is_cut: Whether it was cut; its bytes are about to be free.
    """

    cut: Callable[[], None]
    due: float
    advanced: int = 0
    is_cut: bool = False


class ByteBudget:
    """A number of bytes that all keys share.

    Args:
        total_bytes: Most that is held at any time.
        share_bytes: Most that one key holds; None means all.
        waiters_limit: Most that wait, of all keys together; one key may have half of them if it hasn't all bytes.
        wait_s: Longest time that one waits, in seconds.
        stall_s: Seconds within which a watched client must advance while others wait.
        stall_bytes: How far that is, in bytes.
    """

    def __init__(
        self,
        total_bytes: int,
        *,
        share_bytes: int | None = None,
        waiters_limit: int = 64,
        wait_s: float = 30.0,
        stall_s: float = 5.0,
        stall_bytes: int = 1,
    ) -> None:
        self.total_bytes = total_bytes
        self._share_bytes = total_bytes if share_bytes is None else share_bytes
        self._waiters_limit = waiters_limit
        self._wait_s = wait_s
        self._stall_s = stall_s
        self._stall_bytes = stall_bytes
        self._held = 0
        self._waiting = 0
        self._accounts: dict[str, _Account] = {}
        self._watches: dict[Hold, _Watch] = {}
        self._turns = itertools.count(1)
        self._look: asyncio.TimerHandle | None = None
        self._serves_others_first = False
        #: How often something was given back.
        self.given_back = 0
        #: Called whenever bytes may have become free: for those who wait elsewhere and use `try_grow`.
        self.on_room: Callable[[], None] = lambda: None

    @property
    def held_bytes(self) -> int:
        """What is held now."""
        return self._held

    @property
    def waiting_count(self) -> int:
        """How many wait."""
        return self._waiting

    @property
    def share_bytes(self) -> int:
        """Most that one key holds."""
        return self._share_bytes

    @share_bytes.setter
    def share_bytes(self, share_bytes: int) -> None:
        self._share_bytes = share_bytes
        self._serve()

    def held_by(self, key: str) -> int:
        """Return what a key holds now."""
        account = self._accounts.get(key)
        return 0 if account is None else account.held

    def hold(self, key: str) -> Hold:
        """Return an empty hold of a key; to be entered with `with`, whose end gives everything back."""
        return Hold(self, key)

    # What follows is for `Hold`.

    def enter(self, hold: Hold) -> None:
        """Open the account of a hold's key."""
        account = self._accounts.setdefault(hold.key, _Account(served_at=next(self._turns)))
        account.holds += 1

    def leave(self, hold: Hold) -> None:
        """Take back all that a hold has."""
        self.put_back(hold, hold.bytes)
        account = self._accounts[hold.key]
        account.holds -= 1
        if not account.holds:
            del self._accounts[hold.key]

    def take_now(self, hold: Hold, amount: int) -> bool:
        """Give a hold more bytes if they are free; otherwise cut who has stood still."""
        if not self.fits_share(hold, amount):
            self._press(amount + self._accounts[hold.key].held - self._share_bytes, hold.key)
            return False
        if not self._fits_total(amount):
            self._press(amount + self._held - self.total_bytes)
            return False
        self._give(hold, amount)
        return True

    async def take(self, hold: Hold, amount: int) -> None:
        """Give a hold more bytes, in turn."""
        if hold.bytes + amount > min(self._share_bytes, self.total_bytes):
            raise QueueFull(NEVER, RETRY_S)
        account = self._accounts[hold.key]
        if not self._waiting and self.fits_share(hold, amount) and self._fits_total(amount):
            self._give(hold, amount)
            return
        most_of_key = self._waiters_limit if self._share_bytes >= self.total_bytes else self._waiters_limit // 2
        if self._waiting >= self._waiters_limit or len(account.waiting) >= most_of_key:
            raise QueueFull("Too many requests are waiting for memory", RETRY_S)
        waiter = _Waiter(hold, amount, asyncio.get_running_loop().create_future())
        account.waiting.append(waiter)
        self._waiting += 1
        try:
            self._serve()
            async with asyncio.timeout(self._wait_s):
                await waiter.granted
        except BaseException as error:
            if waiter in account.waiting:
                account.waiting.remove(waiter)
                self._waiting -= 1
                self._serve()  # one behind it may fit
            if isinstance(error, TimeoutError):
                raise QueueTimeout("The request waited too long for memory", RETRY_S) from error
            raise  # what was granted in this moment goes back with the hold

    def put_back(self, hold: Hold, amount: int) -> None:
        """Take bytes back from a hold."""
        if not amount:
            return
        self.given_back += 1
        hold.bytes -= amount
        self._held -= amount
        self._accounts[hold.key].held -= amount
        self._serve()

    def watch(self, hold: Hold, cut: Callable[[], None]) -> None:
        """Begin to watch the client of a hold."""
        self._watches[hold] = _Watch(cut, asyncio.get_running_loop().time() + self._stall_s)
        self._serve()  # who waits, here or elsewhere, may wait for this one from now on

    def advance(self, hold: Hold, amount: int) -> None:
        """Note that the client of a hold has advanced by some bytes."""
        watch = self._watches[hold]
        watch.advanced += amount
        if watch.advanced >= self._stall_bytes:
            watch.advanced = 0
            watch.due = asyncio.get_running_loop().time() + self._stall_s

    def unwatch(self, hold: Hold) -> None:
        """Stop watching."""
        del self._watches[hold]

    def fits_share(self, hold: Hold, amount: int) -> bool:
        """Tell whether a hold's key may hold more bytes."""
        return self._accounts[hold.key].held + amount <= self._share_bytes

    def _fits_total(self, amount: int) -> bool:
        return self._held + amount <= self.total_bytes

    def _give(self, hold: Hold, amount: int) -> None:
        account = self._accounts[hold.key]
        account.served_at = next(self._turns)
        account.held += amount
        hold.bytes += amount
        self._held += amount

    def _serve(self) -> None:
        """Give free bytes to those who wait: here, and elsewhere, who comes first in turn."""
        self._serves_others_first = not self._serves_others_first
        if self._serves_others_first:
            self.on_room()
            self._serve_waiters()
        else:
            self._serve_waiters()
            self.on_room()

    def _serve_waiters(self) -> None:
        while self._waiting:
            accounts = [account for account in self._accounts.values() if account.waiting]
            for account in sorted(accounts, key=lambda account: account.served_at):
                waiter = account.waiting[0]
                if not self.fits_share(waiter.hold, waiter.amount):
                    # Only its own holds are in its way; the next key isn't kept waiting for that.
                    self._press(account.held + waiter.amount - self._share_bytes, waiter.hold.key)
                    continue
                if not self._fits_total(waiter.amount):
                    # Nobody overtakes it: otherwise the small ones could keep a large one waiting for ever.
                    self._press(self._held + waiter.amount - self.total_bytes)
                    return
                account.waiting.popleft()
                self._waiting -= 1
                self._give(waiter.hold, waiter.amount)
                if not waiter.granted.done():
                    waiter.granted.set_result(None)
                break
            else:
                return

    def _press(self, missing: int, key: str | None = None) -> None:
        """Cut holds whose clients stand still, until so many bytes are about to be free.

        Args:
            missing: How many bytes are needed.
            key: Whose holds are in the way; None means anybody's.
        """
        now = asyncio.get_running_loop().time()
        candidates = [(watch.due, hold, watch) for hold, watch in self._watches.items() if key in (None, hold.key)]
        coming = sum(hold.bytes for _, hold, watch in candidates if watch.is_cut)
        for due, hold, watch in sorted(candidates, key=lambda candidate: candidate[0]):
            if coming >= missing:
                return
            if watch.is_cut:
                continue
            if due > now:
                self._look_again(due)
                return
            watch.is_cut = True
            coming += hold.bytes
            watch.cut()

    def _look_again(self, when: float) -> None:
        """See to those who wait once a client has stood still for too long."""
        if self._look is None or self._look.when() > when:
            self._stop_looking()
            self._look = asyncio.get_running_loop().call_at(when, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        self._serve()

    def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None


class Hold:
    """Bytes that one request holds; a context manager, whose end gives them back.

    Attributes:
        key: Whose they are.
        bytes: How many it holds.
    """

    __slots__ = ("_budget", "bytes", "key")

    def __init__(self, budget: ByteBudget, key: str) -> None:
        self._budget = budget
        self.key = key
        self.bytes = 0

    def __enter__(self) -> Self:
        self._budget.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.leave(self)

    def try_grow(self, amount: int) -> bool:
        """Hold so many more bytes if they are free at once; tell whether they were."""
        return self._budget.take_now(self, amount)

    def exceeds_share(self, amount: int) -> bool:
        """Tell whether so many more bytes are more than the key may hold beside what it holds now."""
        return not self._budget.fits_share(self, amount)

    async def grow(self, amount: int) -> None:
        """Hold so many more bytes, once it is this one's turn.

        Raises:
            QueueFull: Too many wait, or the key could never hold that much.
            QueueTimeout: They weren't free in time.
        """
        await self._budget.take(self, amount)

    def shrink(self, to: int) -> None:
        """Give back all but so many bytes; a hold that has no more than that stays as it is."""
        self._budget.put_back(self, max(0, self.bytes - to))

    @contextmanager
    def watched(self, cut: Callable[[], None]) -> Iterator[None]:
        """Have the client, on whom the block waits, cut if it stands still while others wait for bytes.

        Args:
            cut: Called at most once. It must end the block soon, and not within the call.
        """
        self._budget.watch(self, cut)
        try:
            yield
        finally:
            self._budget.unwatch(self)

    def advance(self, amount: int) -> None:
        """Note, within a watched block, that the client has taken or sent so many bytes."""
        self._budget.advance(self, amount)
