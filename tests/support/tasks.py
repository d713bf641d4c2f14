"""A task for tests of workers: it does to its worker what a question says.

Hostile input that takes long or breaks its worker can't be had on purpose: each one that is found is mended.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field

from gateway.worker.task import Task


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, and the bytes that make it large.

    Attributes:
        do: `echo`, or what `obey` knows.
        ballast: Comes back from an echo.
        at_once: Whether it is done without a worker.
    """

    do: str
    ballast: bytes = field(default=b"", repr=False)
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What came of it."""

    said: str
    ballast: bytes = field(default=b"", repr=False)


def obey(order: Order) -> Obeyed:
    """Do what an order says."""
    match order.do.split():
        case ["echo"]:
            return Obeyed("echo", order.ballast)
        case ["work", seconds]:
            os.nice(1)  # so that a test can see from outside that the work has begun
            end = time.process_time() + float(seconds)
            while time.process_time() < end:
                pass
        case ["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["grow"]:
            return Obeyed(str(len(bytearray(1 << 40))))
        case ["fail"]:
            raise LookupError("the words of a stranger")
        case ["babble"]:
            os.write(1, bytes(range(256)) * 64)
        case ["shout"]:
            os.write(2, b"a great noise " * 100_000)
            os.kill(os.getpid(), signal.SIGKILL)
        case ["try", attempt]:
            return Obeyed(_attempt(attempt))
    return Obeyed(order.do)


def _attempt(attempt: str) -> str:
    """Return `done`, or the error of an attempt to do what a worker must not."""
    attempts = {
        "open": lambda: os.open("/etc/hostname", os.O_RDONLY),
        "socket": lambda: __import__("socket").socket(),
        "fork": lambda: os.fork() or os._exit(0),
        "write": lambda: os.ftruncate(os.memfd_create("x"), 1),
        "root": lambda: os.setuid(0),
    }
    try:
        attempts[attempt]()
    except Exception as error:  # noqa: BLE001 - reported
        return type(error).__name__
    return "done"


TASK = Task(
    module=__name__,
    question=Order,
    answer=Obeyed,
    work=obey,
    size=lambda order: len(order.ballast),
    at_once=lambda order: order.at_once,
    bytes_per_s=1024 * 1024,
    memory_per_byte=8,
    examples=(),
)
