"""One run: load for so long, then rest, then the end; and what is said of it."""

from __future__ import annotations

import asyncio
import math
import platform
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.soak.clients import Answers, Client
from tests.soak.judgement import Judgement, judge
from tests.soak.programs import CANARY
from tests.soak.service import CANARY as CANARY_NAME
from tests.soak.service import Service, objects, running, settle
from tests.soak.watch import Watch, load
from tests.support.hostile_load import Hostile
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.support.live import Response

#: The share of a run that is the warm-up, and its longest time in seconds.
WARM_UP_SHARE, WARM_UP_S = 0.25, 600.0

#: Seconds until nothing runs any more after the load, and in which gateway and launcher end.
SETTLE_S = slowed(90)

#: How often the hostile client does each of its kinds at once.
TIMES = 1

#: Faults of answers that are told; of the others there is a number.
TOLD = 20


#: What no log may have: signs of a defect of ours.
SIGNS = ("internal error", "Traceback", "never retrieved", '"level": "CRITICAL"')
LINE_LENGTH = 1000


@dataclass(slots=True)
class Run:
    """What was seen in a run.

    Attributes:
        left: What was there at the end that shouldn't be, as sentences.
        load: Processes that wanted a processor, in the middle.
    """

    seconds: float
    warm_up_s: float
    judgements: list[Judgement]
    answers: Answers
    left: list[str] = field(default_factory=list)
    load: float = 0.0

    def faults(self) -> list[str]:
        """Return a sentence for everything that is wrong."""
        grown = [f"{one.series.name} {one.fault}" for one in self.judgements if one.fault]
        return grown + self.left + self.answers.faults

    def report(self) -> str:
        """Return the tables in Markdown, and what is wrong."""
        requests = sum(self.answers.counts.values())
        minutes = self.seconds / 60
        told = (
            f"{requests:,} requests in {minutes:.0f} minutes, of which the first {self.warm_up_s / 60:.1f} are the "
            f"warm-up; Linux {platform.release()}, load of the whole machine {self.load:.1f}."
        )
        lines = [
            told,
            "",
            "| What | First third | Last third | Highest | Slope, in an hour | May grow by |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for one in self.judgements:
            name = f"{one.series.name}{f' ({one.series.unit})' if one.series.unit else ''}"
            cells = [f"{cell:,.4g}" for cell in (one.first, one.last, one.highest, one.slope_per_hour)]
            cells.append("told only" if math.isinf(one.allowed) else f"{one.allowed:,.4g}")
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines += ["", "| Sent | Requests | Answers |", "| --- | ---: | --- |"]
        came: dict[str, dict[str, int]] = defaultdict(dict)
        for (sent, answer), count in sorted(self.answers.counts.items()):
            came[sent][answer] = count
        for sent, counts in came.items():
            told = ", ".join(f"{answer}: {count}" for answer, count in sorted(counts.items(), key=lambda one: -one[1]))
            lines.append(f"| {sent} | {sum(counts.values()):,} | {told} |")
        faults = self.faults()
        lines += ["", f"FAILED: {len(faults)} faults" if faults else "flat, and every answer as it should be"]
        return "\n".join(lines + faults[:TOLD])


async def soak(
    folder: Path,
    seconds: float,
    seed: int,
    warm_start: str,
    *,
    draw: Callable[[Sequence[Judgement], float, str], str] | None = None,
) -> tuple[Run, bytes]:
    """Run the service under load, and watch it.

    Args:
        folder: For logs and temporary files.
        seconds: Of load.
        seed: Of what clients send.
        warm_start: `FIGBOX_WARM_START`.
        draw: Makes code of the judgements, the seconds of the warm-up and a title, which the service draws at the end.

    Returns:
        What was seen, and the picture as PNG.
    """
    answers = Answers()
    warm_up_s = min(WARM_UP_S, WARM_UP_SHARE * seconds)
    with running(folder, warm_start) as service:
        await service.split.gateway.until_ready()
        await settle(service, SETTLE_S)
        watch = Watch(service, answers)
        busy = await _under_load(service, watch, answers, seconds, seed)
        judgements = [judge(series, warm_up_s) for series in watch.series.values()]
        run = Run(seconds, warm_up_s, judgements, answers, load=busy)
        try:
            rest = await settle(service, SETTLE_S)
        except TimeoutError:
            run.left.append(f"after the load it didn't come to rest within {SETTLE_S} s")
        else:
            if rest["containers"] != rest["warm"]:
                run.left.append(f"at rest there are {rest['containers']:g} containers for {rest['warm']:g} warm ones")
        picture = b""
        if draw is not None:
            title = f"{seconds / 60:.0f} minutes of good, bad and hostile jobs"
            drawn = await _draw(service, draw(judgements, warm_up_s, title))
            picture = drawn.body if drawn.status == 200 else b""
            run.left += [] if picture else [f"the picture isn't drawn: {drawn.body[:LINE_LENGTH]!r}"]
        run.left += await asyncio.to_thread(_ended, service)
    return run, picture


async def _under_load(service: Service, watch: Watch, answers: Answers, seconds: float, seed: int) -> float:
    """Send and watch for so long; return the machine's load in the middle."""
    url = service.split.gateway.url
    tasks = [asyncio.create_task(watch.read())]
    hostile = []
    for name, key in service.keys.items():
        client = Client(url, key, name, seed, answers)
        match name.partition("-")[0]:
            case "worker":
                tasks.append(asyncio.create_task(client.work()))
            case "rude":
                tasks.append(asyncio.create_task(client.misbehave()))
            case "hostile":
                enemy = Hostile(int(url.rpartition(":")[2]), key, CANARY)
                for kind in (enemy.unread_document, enemy.held_upload, enemy.held_chunks, enemy.silence):
                    enemy.attack(kind, TIMES)
                hostile.append(enemy)
            case _:
                assert name == CANARY_NAME
                tasks.append(asyncio.create_task(client.time_renders()))
    ended = asyncio.gather(*tasks)
    busy = 0.0
    try:
        for _ in range(2):
            await asyncio.wait([ended], timeout=seconds / 2)
            if ended.done():
                ended.result()  # none ends by itself: this raises
            busy = busy or load()
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)
        for enemy in hostile:
            await enemy.aclose()
            for kind, count in enemy.ended.items():
                answers.counts[kind.replace("_", " "), "ended by the gateway"] += count
    return busy


async def _draw(service: Service, code: str) -> Response:
    body, headers = {"code": code, "dpi": 100}, {"X-API-Key": service.keys["worker-0"]}
    return await service.split.gateway.post("/v1/render", headers=headers, json=body)


def _ended(service: Service) -> list[str]:
    """End gateway and launcher as an operator does; return what is left then."""
    processes = (service.split.gateway, service.split.launcher)
    statuses = [process.terminate() for process in processes]
    found = [f"after SIGTERM the exit status is {status}" for status in statuses if status]
    end = time.monotonic() + SETTLE_S
    while (there := objects(service.engine))["containers"] and time.monotonic() < end:
        time.sleep(0.5)  # the engine removes what has ended
    found += [f"after the end there are {there[name]} {name}" for name in ("containers", "volumes") if there[name]]
    logs = "".join(process.log_text() for process in processes)
    lines = [line for line in logs.splitlines() if any(sign in line for sign in SIGNS)]
    return found + [f"a log has {line[:LINE_LENGTH]}" for line in lines]
