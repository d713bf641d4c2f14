"""Show how a gateway is on one screen: plain text, of printable ASCII whatever the metrics say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.jobs import MiB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.status.summary import Count, Level, Status

#: Longest name and longest sentence that are shown, in characters.
NAME_LIMIT = 24
TEXT_LIMIT = 200

#: Most outcomes and refusals that are shown, of each those that happened most often.
COUNTS_LIMIT = 10

#: Characters of a bar that is full.
BAR_WIDTH = 24


def screen(status: Status, place: str) -> str:
    """Return the text of the screen, with its last line's end.

    Args:
        status: What to show.
        place: Where it was read.
    """
    up = f", up {_duration(status.up_s)}" if status.up_s is not None else ""
    lines = [f"Figbox {shown(status.version, NAME_LIMIT)}{up}, at {shown(place)}", *_readiness(status)]
    for part in (_levels(status), _environments(status), _counts(status), _latencies(status), _allowances(status)):
        rows = list(part)
        if rows:
            lines += ["", *rows]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def shown(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return a text fit for a terminal: what could move, colour or hide anything there is a question mark."""
    harmless = "".join(char if char.isascii() and char.isprintable() else "?" for char in text[: limit + 1])
    return harmless if len(text) <= limit else harmless[: limit - 3] + "..."


def _readiness(status: Status) -> Iterator[str]:
    yield "ready" if status.not_ready is None else f"NOT READY: {shown(status.not_ready)}"
    if status.self_test_age_s is not None:
        period_s = status.self_test_period_s
        every = f", one every {_duration(period_s)}" if period_s else ""
        yield f"last self-test {_duration(status.self_test_age_s)} ago{every}"


def _levels(status: Status) -> Iterator[str]:
    yield f"{'':<12} {'now':>9} {'limit':>9}"
    for level in status.levels:
        limit = "" if level.limit is None else _amount(level, level.limit)
        yield f"{level.name:<12} {_amount(level, level.now):>9} {limit:>9}  {_bar(level)}"


def _bar(level: Level) -> str:
    if not level.limit:
        return ""
    return "#" * round(max(0.0, min(BAR_WIDTH, BAR_WIDTH * level.now / level.limit)))


def _environments(status: Status) -> Iterator[str]:
    if status.environments:
        yield f"{'environment':<{NAME_LIMIT}} {'starts by':<9} {'jobs':>9}"
    for each in status.environments:
        why = f"  {shown(each.reason)}" if each.reason else ""
        yield f"{shown(each.name, NAME_LIMIT):<{NAME_LIMIT}} {each.start:<9} {each.jobs:>9}{why}"


def _counts(status: Status) -> Iterator[str]:
    lately = f"last {_duration(status.lately_s)}" if status.lately_s is not None else ""
    groups = (("requests", status.outcomes), ("refused at the door", status.refusals), ("trouble", status.troubles))
    for title, counts in groups:
        if counts:
            yield f"{title:<{NAME_LIMIT}} {lately:>10} {'in all':>10}"
            yield from _rows(counts)


def _rows(counts: Sequence[Count]) -> Iterator[str]:
    for count in counts[:COUNTS_LIMIT]:
        lately = "" if count.lately is None else str(count.lately)
        yield f"  {shown(count.name, NAME_LIMIT - 2):<{NAME_LIMIT - 2}} {lately:>10} {count.total:>10}"


def _latencies(status: Status) -> Iterator[str]:
    if not status.jobs:
        return
    when = "lately" if status.latencies_lately else "since the start"
    yield f"{'stage':<12} {'p50':>9} {'p99':>9}  of {status.jobs} jobs {when}"
    for each in status.latencies:
        if each.p50_s is not None and each.p99_s is not None:
            yield f"{each.name:<12} {_time(each.p50_s):>9} {_time(each.p99_s):>9}"


def _allowances(status: Status) -> Iterator[str]:
    if status.allowances:
        yield f"{'key':<{NAME_LIMIT}} {'budget':<10} {'left':>10} {'of':>10}"
    for each in status.allowances:
        name, budget = shown(each.key, NAME_LIMIT), shown(each.budget, 10)
        yield f"{name:<{NAME_LIMIT}} {budget:<10} {each.left:>10g} {each.allowance:>10g}"


def _amount(level: Level, value: float) -> str:
    return f"{value / MiB:.0f} MiB" if level.is_memory else f"{value:.0f}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _duration(seconds: float) -> str:
    """Return a time in its two largest units at most."""
    minutes, rest = divmod(int(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min"
