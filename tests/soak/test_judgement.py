"""What grows is found, through noise, and what doesn't is let be."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.soak.judgement import FEWEST, MOST, Series, judge, theil_sen
from tests.soak.readings import held_by
from tests.soak.watch import WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable

#: Readings of the longest run, one in five seconds, and of the shortest.
LENGTHS = [720, 40]

WARM_UP = 0.25

#: Leaks something at each line that it gets: memory, a descriptor, a thread, a process, or nothing.
LEAKING = """
import os, subprocess, sys, threading
kept, lock = [], threading.Lock()
lock.acquire()
leaks = {
    "memory": lambda: kept.append(os.urandom(1 << 20)),
    "descriptors": lambda: kept.append(os.open("/dev/null", os.O_RDONLY)),
    "threads": lambda: threading.Thread(target=lock.acquire, daemon=True).start(),
    "processes": lambda: kept.append(subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)),
    "nothing": lambda: bytes(1 << 20),
}
for line in sys.stdin:
    leaks[sys.argv[1]]()
    print(flush=True)
for process in kept:
    if isinstance(process, subprocess.Popen):
        process.kill()
        process.wait()
os._exit(0)
"""

#: Readings of a run on an overloaded machine.
RECORDED: dict[str, list[float]] = {
    "gateway, memory (PSS)": [
        *(100.2, 99.8, 99.2, 99.3, 99, 98.8, 99, 99.6, 99.4, 99.5, 99.2, 99.1, 99.4, 99.2, 98.9, 99.3, 102.6, 99.4),
        *(99, 93, 99.2, 99.1, 89.7, 90.9, 99.4, 99, 99.3, 98.9, 98.9, 99.4, 99.1, 99.4, 99.1, 99.2, 99.1, 99.2),
    ],
    "engine, memory (PSS)": [
        *(66.5, 67.1, 66.1, 67.3, 64.8, 64.8, 64.9, 65.4, 67.7, 67.7, 71.3, 66.8, 64.5, 65.2, 60.9, 61.2, 61.3, 61),
        *(61, 62.4, 62.6, 62.7, 61.3, 62.4, 62.6, 62.2, 62.6, 62.6, 62.6, 59.9, 60.5, 60.5, 60.5, 60.5, 61.4, 61.5),
    ],
    "containers": [
        *(3, 4, 4, 4, 4, 5, 8, 4, 4, 4, 4, 5, 5, 4, 4, 4, 4, 4),
        *(4, 5, 4, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4, 6, 5, 5, 5, 5),
    ],
}


def series(name: str, value: Callable[[float], float], count: int) -> Series:
    """Return a watched series of so many readings, whose values follow from how much of the run is over."""
    bounds = {watched[0]: watched for watched in WATCHED}[name]
    return Series(*bounds, [(5.0 * number, value(number / count)) for number in range(count)])


def fault_of(name: str, value: Callable[[float], float], count: int) -> str:
    """Return what is wrong with such a series."""
    return judge(series(name, value, count), WARM_UP * 5.0 * count).fault


def noise(part: float) -> float:
    """Return noise, the same at the same moment."""
    return Random(f"1 {part}").gauss(0, 20)  # noqa: S311 - not for secrets


@pytest.mark.parametrize("count", LENGTHS)
@pytest.mark.parametrize(
    "value",
    [
        lambda _: 100.0,
        lambda part: 100 + noise(part),
        lambda part: 100 + 40 * (part * 20 % 1),
        lambda part: 100 + 200 * (0.5 < part < 0.6),
        lambda part: 100 + 500 * (part > 0.95),
        lambda part: 100 + 50 * (part > 0.84),
        lambda part: 100 - 50 * math.exp(-part / 0.05),
        lambda part: 100 - 30 * part,
        lambda part: 100 + 8 * part,
    ],
    ids=[
        "still",
        "noise",
        "saw",
        "peak",
        "peak at the end",
        "trouble at the end",
        "warm-up",
        "falling",
        "less than it may",
    ],
)
def test_what_is_flat(value: Callable[[float], float], count: int) -> None:
    """Noise, peaks, garbage that is collected, and a warm-up are no growth."""
    assert fault_of("gateway, memory (PSS)", value, count) == ""


@pytest.mark.parametrize("count", LENGTHS)
@pytest.mark.parametrize(
    "value",
    [
        lambda part: 100 + 40 * part,
        lambda part: 100 + 80 * part + noise(part),
        lambda part: 100 + 40 * (part * 20 % 1) + 40 * part,
        lambda part: 100 + 60 * round(part * 3) / 3,
        lambda part: 100 + 40 * part**3 * 2,
        lambda part: 100 + 60 * part - 500 * (part > 0.97),
    ],
    ids=["steady", "through noise", "through a saw", "in steps", "faster and faster", "but for the end"],
)
def test_what_grows(value: Callable[[float], float], count: int) -> None:
    """A leak is found whatever lies over it."""
    assert "grew by" in fault_of("gateway, memory (PSS)", value, count)


@pytest.mark.parametrize("name", ["images", "volumes", "networks"])
def test_one_more_is_too_many(name: str) -> None:
    """Of what the engine keeps there may not be one more."""
    assert fault_of(name, lambda _: 3, 40) == ""
    assert "grew by" in fault_of(name, lambda part: 3 + (part > 0.6), 40)


def test_too_few_readings_are_a_fault() -> None:
    """What was hardly read isn't called flat."""
    assert "too few" in fault_of("images", lambda _: 1, FEWEST)
    assert "too few" in judge(Series("images", "", 0), 0).fault


def test_growth_in_the_warm_up_does_not_count() -> None:
    """A level that is reached in the warm-up and kept is flat; one that is reached after it is not."""
    assert fault_of("gateway, memory (PSS)", lambda part: 100 + 900 * min(part / WARM_UP, 1), 200) == ""
    assert fault_of("gateway, memory (PSS)", lambda part: 100 + 900 * min(part, 1), 200)


def test_slope_is_that_of_a_line() -> None:
    """Of points on a line the slope is the line's, also where neighbours are put together."""
    for count in (3, MOST, 3 * MOST + 1):
        points = [(float(at), 7 - 0.5 * at) for at in range(count)]
        assert theil_sen(points) == pytest.approx(-0.5)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_series(name: str) -> None:
    """A real run's readings are flat; with a leak added to them they aren't."""
    values = RECORDED[name]
    bounds = {watched[0]: watched for watched in WATCHED}[name]
    for leak, flat in ((0.0, True), (bounds[2] * 5 / len(values), False)):
        points = [(5.0 * number, value + leak * number) for number, value in enumerate(values)]
        judged = judge(Series(*bounds, points), 0.0)
        assert (judged.fault == "") == flat, judged


@pytest.mark.parametrize(
    ("leak", "found"),
    [
        ("memory", {"gateway, memory (PSS)", "gateway, resident"}),
        ("descriptors", {"gateway, descriptors"}),
        ("threads", {"gateway, threads"}),
        ("processes", {"gateway, processes"}),
        ("nothing", set()),
    ],
)
def test_real_leak_is_found(leak: str, found: set[str]) -> None:
    """A process that leaks one thing is found to, by the readings that a run takes and with the bounds it has."""
    command = [sys.executable, "-c", LEAKING, leak]
    watched = {one[0]: Series(*one) for one in WATCHED if one[0].startswith("gateway, ")}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in itertools.count():
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()
            held = held_by(process.pid)
            values = (
                *(held.proportional_mib, held.resident_mib, float(held.descriptors), float(held.threads)),
                float(held.processes),
            )
            for one, value in zip(watched.values(), values, strict=True):
                one.points.append((float(number), value))
            if number == 60:
                break
        process.stdin.close()
        process.stdout.read()
    faults = {name for name, one in watched.items() if judge(one, 15.0).fault}
    # A thread and a process have memory and descriptors of their own.
    assert found <= faults
    assert not faults or found
    if leak in {"memory", "descriptors"}:
        assert faults == found
