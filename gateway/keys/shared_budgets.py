"""What each key has used on all nodes, by a server that they share.

Each request asks the server once, and each job of a key with an allowance of processor time twice more. The server
decides by its own clock, in one script for a key (`budgets.lua`), so that bursts on all nodes at one moment hold to the
allowance as they do on one node. What it says of what is left goes into the header fields of the response.

Beside that each node counts for itself what the server allowed. While it can't ask, it gives its share of an allowance,
of which that counts as used. For a minute after it has given anything to a key that way, the key must keep to the share
*and* to what the server has left; likewise all keys, once the server has forgotten everything. So in any minute in
which the server is lost, is back, or has forgotten, a key gets at most its allowance and the other nodes' shares once
more: less than twice the allowance.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loguru import logger

from gateway.keys.budgets import CHANGE_S, STEP_S, WINDOW_S, Hold, Quota, too_many, used_up
from gateway.shared.shared_server import SharedServerGone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.keys.budgets import Budgets, Clock
    from gateway.keys.keyring import Holder
    from gateway.shared.shared_server import Argument, SharedServer

#: What the server runs.
SCRIPT: Final = Path(__file__).with_name("budgets.lua")

#: Seconds for which a node keeps to its share after it was alone.
CAUTION_S: Final = WINDOW_S + STEP_S

#: Seconds beyond the longest time of a job, waiting included, after which its hold lapses: for start and checks.
LEASE_EXTRA_S: Final = 60.0

#: Most keys whose collected charges are sent at once, and most holds that are released at once.
SENT_AT_ONCE: Final = 16

_BROKEN = "broken "
_TEXTS = 9

#: More than the script ever says: each of its numbers is below 1e12, and a sum has less than a million.
_NUMBERS_LIMIT: Final = 1e18


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says of a key.

    Attributes:
        generation: Changes when the server has forgotten everything.
        is_broken: Whether what it had of this key couldn't be used, and was forgotten.
        held_s: What is held.
        wait_s: 0 if the wish was granted, else the seconds after which trying again makes sense.
        requests: What is left, the seconds until more is left, and what is used.
        compute: The same of processor seconds, where what is held counts as used.
    """

    generation: str
    is_broken: bool
    held_s: float
    wait_s: float
    requests: tuple[float, float, float]
    compute: tuple[float, float, float]


def read_answer(reply: object) -> Answer:
    """Return what a reply says.

    Raises:
        ValueError: It isn't one of the script.
    """
    if not isinstance(reply, list) or len(reply) != _TEXTS or not all(isinstance(text, bytes) for text in reply):
        raise ValueError("another reply was expected")
    generation = reply[0].decode("ascii")
    numbers = [float(text) for text in reply[1:]]
    if not all(0 <= number < _NUMBERS_LIMIT for number in numbers):
        raise ValueError("other numbers were expected")
    held_s, wait_s, *rest = numbers
    requests, compute = tuple(rest[:3]), tuple(rest[3:])
    plain = generation.removeprefix(_BROKEN)
    return Answer(plain, plain != generation, held_s, wait_s, requests, compute)  # type: ignore[arg-type]  # three each


@dataclass(frozen=True, slots=True)
class _Asked:
    """A hold that the server was asked for.

    Attributes:
        holder: Whose job it is for.
        name: Of the hold.
        lapses_at: When it is over by itself, by this node's clock.
    """

    holder: Holder
    name: str
    lapses_at: float


class SharedBudgets:
    """The budgets of all keys on all nodes; an `Allowances`.

    Args:
        server: Decides.
        own: What this node goes by while it can't ask; knows the number of nodes.
        queue_wait_s: Longest time that a job waits to run, in seconds.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, server: SharedServer, own: Budgets, queue_wait_s: float, clock: Clock = time.monotonic) -> None:
        self._server = server
        self._script = server.script(SCRIPT.read_text("utf-8"))
        self._own = own
        self._lease_s = queue_wait_s + LEASE_EXTRA_S
        self._clock = clock
        self._generation: str | None = None
        self._answers: dict[str, tuple[Answer, float]] = {}
        self._owed: dict[str, tuple[Holder, float]] = {}
        self._left_behind: dict[str, _Asked] = {}
        self._cautious_until: dict[str, float] = {}
        self._all_cautious_until = -math.inf
        self._settling: set[asyncio.Task[None]] = set()

    async def take_request(self, holder: Holder) -> None:
        """Count a request, as `Allowances` has it."""
        if self._own.requests_allowed(holder) is None:
            return
        is_counted = self._is_cautious(holder)
        if is_counted:
            await self._own.take_request(holder)
        answer = await self._ask(holder, "take")
        if answer is not None and answer.wait_s:
            raise too_many(answer.wait_s)
        if is_counted:
            return
        if answer is None or self._is_cautious(holder):
            await self._own.take_request(holder)
        else:
            self._own.count_request(holder)

    @asynccontextmanager
    async def hold_compute(self, holder: Holder, worst_s: float, longest_s: float) -> AsyncIterator[Hold]:
        """Hold what a job may use, as `Allowances` has it. It lapses if this node dies."""
        if holder.policy.compute_seconds_per_minute is None:
            yield Hold()
            return
        async with AsyncExitStack() as stack:
            hold: Hold | None = None
            if self._is_cautious(holder):
                hold = await stack.enter_async_context(self._own.hold_compute(holder, worst_s, longest_s))
            lease_s = longest_s + self._lease_s
            asked = _Asked(holder, secrets.token_hex(8), self._clock() + lease_s)
            is_sent = self._server.is_up
            try:
                answer = await self._ask(holder, "hold", asked.name, worst_s, lease_s)
            except asyncio.CancelledError:  # perhaps the server holds it by now
                self._begin_settling(asked, "release", 0.0)
                raise
            if answer is None and is_sent:  # perhaps it will, once it goes on
                self._left_behind[asked.name] = asked
            if answer is not None and answer.wait_s:
                raise used_up(answer.wait_s)
            if answer is not None:
                stack.push_async_callback(lambda: self._settle(asked, 0.0 if hold is None else hold.used_s))
            if hold is None and (answer is None or self._is_cautious(holder)):
                hold = await stack.enter_async_context(self._own.hold_compute(holder, worst_s, longest_s))
            elif hold is None and answer is not None:
                hold = await stack.enter_async_context(self._own.hold_granted(holder, answer.held_s))
            assert hold is not None  # noqa: S101 - one of the three
            yield hold

    async def check_compute(self, holder: Holder) -> None:
        """Refuse a holder that has used up its processor time, as `Allowances` has it."""
        if holder.policy.compute_seconds_per_minute is None:
            return
        answer = await self._ask(holder, "look")
        if answer is not None and answer.wait_s:
            raise used_up(answer.wait_s)
        if answer is None or self._is_cautious(holder):
            await self._own.check_compute(holder)

    def charge(self, holder: Holder, used_s: float) -> None:
        """Count processor seconds that were used without a hold; the server is told with the next question."""
        if holder.policy.compute_seconds_per_minute is None:
            return
        self._own.charge(holder, used_s, owes=self._is_alone(holder))
        if self._server.is_up:
            self._owe(holder, used_s)

    def quotas(self, holder: Holder) -> list[Quota]:
        """Return what is left: of this node's shares while they count, else as the server said last."""
        if self._is_alone(holder):
            return self._own.quotas(holder)
        answer, age_s = self._last(holder)
        found = []
        requests, compute = self._own.requests_allowed(holder), holder.policy.compute_seconds_per_minute
        if requests is not None:
            left = (requests, WINDOW_S, 0.0) if answer is None else answer.requests
            found.append(_quota("requests", "requests", requests, left, age_s))
        if compute is not None:
            left = (compute, WINDOW_S, 0.0) if answer is None else answer.compute
            found.append(_quota("compute", "figbox-cpu-seconds", compute, left, age_s))
        return found

    @property
    def names(self) -> frozenset[str]:
        """Names of the keys that have ever used anything here."""
        return self._own.names

    def part_used(self, holder: Holder) -> float:
        """Return which part of an allowance a key has used on all nodes, as `Allowances` has it."""
        if self._is_alone(holder):
            return self._own.part_used(holder)
        answer, _ = self._last(holder)
        if answer is None:
            return 0.0
        requests, compute = self._own.requests_allowed(holder), holder.policy.compute_seconds_per_minute
        return max(answer.requests[2] / requests if requests else 0.0, answer.compute[2] / compute if compute else 0.0)

    def keep_only(self, names: frozenset[str]) -> None:
        """Forget removed keys, as `Allowances` has it; the server forgets them by itself."""
        self._own.keep_only(names)
        self._answers = {name: answer for name, answer in self._answers.items() if name in names}
        self._owed = {name: owed for name, owed in self._owed.items() if name in names}
        self._left_behind = {name: asked for name, asked in self._left_behind.items() if asked.holder.name in names}
        self._cautious_until = {name: until for name, until in self._cautious_until.items() if name in names}

    async def send_charges(self) -> None:
        """Tell the server what was used without a hold by keys that haven't asked since, and which holds are over."""
        if not self._server.is_up:
            return
        large = [holder for holder, used_s in self._owed.values() if used_s >= CHANGE_S]
        for holder in large[:SENT_AT_ONCE]:
            await self._ask(holder, "look")
        now = self._clock()
        self._left_behind = {name: asked for name, asked in self._left_behind.items() if asked.lapses_at > now}
        for asked in [*self._left_behind.values()][:SENT_AT_ONCE]:
            if await self._ask(asked.holder, "release", asked.name) is not None:
                self._left_behind.pop(asked.name, None)

    async def aclose(self) -> None:
        """Wait until holds are settled."""
        if self._settling:
            await asyncio.wait(self._settling)

    async def _ask(
        self, holder: Holder, wish: str, name: str = "", amount: float = 0.0, lease_s: float = 0.0
    ) -> Answer | None:
        """Ask the server; return None if it can't be asked."""
        requests = self._own.requests_allowed(holder) or 0
        compute = holder.policy.compute_seconds_per_minute or 0
        _, owed_s = self._owed.get(holder.name, (holder, 0.0))
        if owed_s < CHANGE_S:
            owed_s = 0.0  # stays owed until it is worth it
        else:
            del self._owed[holder.name]
        arguments: list[Argument] = [wish, requests, compute, owed_s, name, amount, lease_s]
        keys = [f"key:{self._server.name('key', holder.name.encode())}", "generation"]
        try:
            answer = await self._script.run(keys, arguments, read_answer)
        except SharedServerGone:
            self._cautious_until[holder.name] = self._clock() + CAUTION_S
            self._owe(holder, owed_s)
            return None
        except asyncio.CancelledError:
            self._owe(holder, owed_s)
            raise
        self._answers[holder.name] = (answer, self._clock())
        self._compare(holder, answer)
        return answer

    def _compare(self, holder: Holder, answer: Answer) -> None:
        """Notice that the server has forgotten something."""
        if answer.is_broken:
            self._cautious_until[holder.name] = self._clock() + CAUTION_S
        if self._generation not in (None, answer.generation):
            logger.warning("shared server has forgotten what keys have used")
            self._all_cautious_until = self._clock() + CAUTION_S
        self._generation = answer.generation

    async def _settle(self, asked: _Asked, used_s: float) -> None:
        """Replace a hold by what was used, also if the request is cancelled meanwhile."""
        await asyncio.shield(self._begin_settling(asked, "settle", used_s))

    def _begin_settling(self, asked: _Asked, wish: str, used_s: float) -> asyncio.Task[None]:
        async def settle() -> None:
            if await self._ask(asked.holder, wish, asked.name, used_s) is None:
                self._owe(asked.holder, used_s)
                self._left_behind[asked.name] = asked

        task = asyncio.create_task(settle())
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return task

    def _owe(self, holder: Holder, used_s: float) -> None:
        if used_s:
            self._owed[holder.name] = (holder, self._owed.get(holder.name, (holder, 0.0))[1] + used_s)

    def _is_cautious(self, holder: Holder) -> bool:
        return self._clock() < max(self._all_cautious_until, self._cautious_until.get(holder.name, -math.inf))

    def _is_alone(self, holder: Holder) -> bool:
        """Tell whether this node's share counts."""
        return not self._server.is_up or self._is_cautious(holder)

    def _last(self, holder: Holder) -> tuple[Answer | None, float]:
        """Return the last answer about a key and its age in seconds; None if all that it says is over."""
        answer, at = self._answers.get(holder.name, (None, 0.0))
        age_s = self._clock() - at
        return (answer, age_s) if age_s < CAUTION_S else (None, 0.0)


def _quota(name: str, unit: str, allowance: int, said: tuple[float, float, float], age_s: float) -> Quota:
    left, more_s, _ = said
    return Quota(name, unit, allowance, min(allowance, int(left)), WINDOW_S, max(1, math.ceil(more_s - age_s)))
