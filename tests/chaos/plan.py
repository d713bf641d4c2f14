"""What will happen, decided by a seed: which requests, sent how, and which faults, when.

The seed fixes every choice; the machine's timing still decides how they meet.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")


class Work(StrEnum):
    """What a job's code does."""

    PICTURE = "picture"
    ERROR = "error"
    NO_FIGURE = "no figure"
    SPIN = "spin"
    MEMORY = "memory"
    FLOOD = "flood"
    EXIT = "exit"
    MUTE = "mute"
    FORGE = "forge"


class Manner(StrEnum):
    """How a client sends its request, and whether it waits for the response."""

    PLAIN = "plain"
    KEPT = "several on one connection"
    PIPELINED = "two at once on one connection"
    SLOW_BODY = "slow body"
    SLOW_READER = "slow reader"
    HALF_CLOSED = "half-closed"
    GONE_BEFORE = "gone before sending"
    GONE_DURING = "gone while sending"
    GONE_AFTER = "gone after sending"
    STALLED = "body never ends"
    STRANGER = "unknown key"
    BROKEN = "broken JSON"
    LARGE = "large body"


class Fault(StrEnum):
    """What is done to the gateway, the engine or a container."""

    GATEWAY_KILL = "gateway SIGKILL"
    GATEWAY_TERM = "gateway SIGTERM"
    ENGINE_RESTART = "engine stopped and started"
    ENGINE_CRASH = "engine crashed and started"
    ENGINE_HANG = "engine hung and woken"
    CONTAINER_KILL = "container killed"
    CONTAINER_REMOVE = "container removed"
    CONTAINER_PAUSE = "container paused"


GATEWAY_FAULTS = (Fault.GATEWAY_KILL, Fault.GATEWAY_TERM)
ENGINE_FAULTS = (Fault.ENGINE_HANG, Fault.ENGINE_RESTART, Fault.ENGINE_CRASH)
CONTAINER_FAULTS = (Fault.CONTAINER_KILL, Fault.CONTAINER_REMOVE, Fault.CONTAINER_PAUSE)

#: A round of requests: each client shuffles this deck again and again, so that no kind is left out.
DECK: tuple[tuple[Work, Manner], ...] = (
    *[(Work.PICTURE, Manner.PLAIN)] * 8,
    *[(Work.PICTURE, Manner.KEPT)] * 2,
    (Work.PICTURE, Manner.PIPELINED),
    (Work.PICTURE, Manner.SLOW_BODY),
    (Work.PICTURE, Manner.SLOW_READER),
    (Work.PICTURE, Manner.HALF_CLOSED),
    (Work.PICTURE, Manner.GONE_BEFORE),
    (Work.PICTURE, Manner.GONE_DURING),
    *[(Work.PICTURE, Manner.GONE_AFTER)] * 2,
    (Work.SPIN, Manner.GONE_AFTER),
    (Work.PICTURE, Manner.STALLED),
    (Work.PICTURE, Manner.STRANGER),
    (Work.PICTURE, Manner.BROKEN),
    (Work.PICTURE, Manner.LARGE),
    (Work.ERROR, Manner.PLAIN),
    (Work.ERROR, Manner.PIPELINED),
    *[(work, Manner.PLAIN) for work in Work if work not in (Work.PICTURE, Work.ERROR)],
)


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """One request to come.

    Attributes:
        token: What its picture, or its exception, says; no other request has it.
        chance: Between 0 and 1, for whatever the manner leaves open: how long, how much.
        pause_s: Seconds to wait afterwards.
    """

    work: Work
    manner: Manner
    token: str
    chance: float
    pause_s: float


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """One fault to come.

    Attributes:
        after_s: Seconds since the one before it on the same lane had ended.
        hold_s: Seconds it lasts, where it lasts.
        pick: Between 0 and 1: which container.
    """

    fault: Fault
    after_s: float
    hold_s: float
    pick: float


def plan_requests(seed: int, client: str) -> Iterator[RequestPlan]:
    """Yield the requests of one client, without end."""
    chances = random.Random(f"{seed}/{client}")  # noqa: S311 - a plan, no secret
    for number, (work, manner) in enumerate(_deal(DECK, chances)):
        yield RequestPlan(work, manner, f"token-{seed}-{client}-{number}", chances.random(), chances.uniform(0, 0.3))


def plan_faults(
    seed: int, lane: str, faults: Sequence[Fault], pause_s: tuple[float, float], hold_s: tuple[float, float]
) -> Iterator[FaultPlan]:
    """Yield the faults of one lane, without end; `pause_s` and `hold_s` are bounds."""
    chances = random.Random(f"{seed}/{lane}")  # noqa: S311 - a plan, no secret
    for fault in _deal(faults, chances):
        yield FaultPlan(fault, chances.uniform(*pause_s), chances.uniform(*hold_s), chances.random())


def _deal(deck: Sequence[T], chances: random.Random) -> Iterator[T]:
    while True:
        yield from chances.sample(deck, len(deck))
