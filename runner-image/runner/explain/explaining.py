"""What is said of the figures of a job, as one JSON text within its limits of time and size.

Theory: the reply is complete and has been sent, so nothing here can spoil a picture. But all that is looked at was made
by the program, and may raise, hang, or print. So each figure is on its own, time is limited twice, by the processor
time in ``Drawn.check_time`` and by a timer, and what is printed goes nowhere. The program may have disarmed all of
that; then the launcher's limit ends it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from findings.finding import find

from explain import marks
from explain.alternative.alt_text import alt_text
from explain.describing import describe
from explain.drawn import Drawn, Saved, as_saved
from explain.shortening import shortened
from explain.words import CLAIM_LIMIT_BYTES, CLAIM_WITH_DATA_LIMIT_BYTES, Explanation, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.noted import SavedFigure

#: Processor time for all figures together, and the time on the wall; the launcher waits for two seconds more.
CPU_LIMIT_S = 2.0
WALL_LIMIT_S = 3.0

#: When the timer goes off again: what it raises may have been caught.
AGAIN_S = 0.1

NOTHING = b"null"

#: Taken before the program runs, which may replace json's own functions. A number that isn't finite is an error.
encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class Stopped(BaseException):
    """The time is over; not an error that an artist, or whoever looks at it, may handle."""


def watch() -> None:
    """Begin to note what figures alone don't tell; before the program runs."""
    marks.watch()


def explain(figures: Sequence[SavedFigure], level: str) -> bytes:
    """Return a JSON list of what is said of each figure, or null where nothing can be said.

    Args:
        figures: In the order of their pictures.
        level: How much is said: summary, full or data.
    """
    silence()
    found: list[Explanation | None] = [None] * len(figures)
    ends_at = time.process_time() + CPU_LIMIT_S
    with contextlib.suppress(Stopped), stopped_in_time():
        for number, (figure, how) in enumerate(figures):
            found[number] = explanation(figure, Saved(*how), level, ends_at - time.process_time())
    limit_bytes = CLAIM_WITH_DATA_LIMIT_BYTES if level == "data" else CLAIM_LIMIT_BYTES
    return within(found, limit_bytes)


def silence() -> None:
    """Let what the program's artists print go nowhere: nobody reads it any more, and a full pipe would block them."""
    nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for fd in (1, 2):
        os.dup2(nowhere, fd)


@contextlib.contextmanager
def stopped_in_time() -> Iterator[None]:
    """Raise Stopped in what is done here when it takes too long; in C code only once that returns."""

    def stop(_: int, __: object) -> None:
        raise Stopped

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, WALL_LIMIT_S, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def explanation(figure: Any, saved: Saved, level: str, seconds: float) -> Explanation | None:
    """Return what is said of a figure; None if that fails, whatever the reason.

    A figure without its findings is not passed off as one that has none.

    Args:
        figure: As it was saved.
        saved: How.
        level: How much is said.
        seconds: Processor time that it may take.
    """
    if seconds <= 0:
        return None
    try:
        with as_saved(figure, saved):
            drawn = Drawn(figure, saved, seconds)
            description = describe(drawn, level)
            findings, left_out = find(drawn)
        return Explanation(alt_text(description), description, tuple(findings), left_out)
    except Stopped:
        raise
    except BaseException:  # noqa: BLE001 - an artist may raise anything
        return None


def within(explanations: Sequence[Explanation | None], limit_bytes: int) -> bytes:
    """Return explanations as JSON, the largest ones shortened until all of them keep a limit."""
    left = list(explanations)
    texts = list(map(as_text, left))
    while len(whole := b"[" + b",".join(texts) + b"]") > limit_bytes:
        largest = max(range(len(texts)), key=lambda number: len(texts[number]))
        left[largest] = less_of(left[largest])
        texts[largest] = as_text(left[largest])
    return whole


def as_text(explanation: Explanation | None) -> bytes:
    """Return an explanation as JSON; null if it has what JSON hasn't."""
    try:
        return encode_json(as_json(explanation)).encode("utf-8", "replace")
    except Exception:  # noqa: BLE001 - a figure's values can be anything that looks like a number
        return NOTHING


def less_of(explanation: Explanation | None) -> Explanation | None:
    """Return an explanation with a shorter description; None if that can't be shorter."""
    short = None if explanation is None else shortened(explanation.description)
    return explanation._replace(description=short) if explanation is not None and short is not None else None
