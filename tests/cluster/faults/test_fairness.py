"""A key that floods, and two that are polite, before three nodes: with the limit of each key and without it."""

from __future__ import annotations

import asyncio
import secrets
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from benchmarks.load.generator import Client, Load, right_pictures
from benchmarks.load.programs import programs
from benchmarks.load.record import Judge, Verdict
from benchmarks.report import number, table
from benchmarks.statistics import summarize
from tests.cluster.balancer import balancer
from tests.cluster.faults.documented import documented
from tests.cluster.nodes import free_node, keys_file, running_node
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.load.record import Record

pytestmark = pytest.mark.engine

KEYS = {name: secrets.token_hex(16) for name in ("flood", "polite", "other")}
POLITE = [Client(name, KEYS[name]) for name in ("polite", "other")]

#: Clients of the key that floods, and places of all nodes together.
FLOOD, NODES = 30, 3

#: Seconds that each job holds a place, mostly asleep, so that places are short and processors are not.
JOB_S = slowed(1)

#: Requests of polite clients that are counted in each part.
COUNTED = 6

#: The limit of the configuration, and what it is in each part, with the clients that flood.
LIMIT = "gt 6"
PARTS = {"no flood": (LIMIT, 0), "flood, no limit": ("gt 1000", FLOOD), "flood, limited": ("gt 2", FLOOD)}

#: One place on each node, and less patience than the flood's queue takes.
FEW_PLACES = {"maxconn 6": "maxconn 1", "timeout queue 20s": f"timeout queue {4 * JOB_S}s"}


async def test_a_flood_costs_polite_keys_nothing(tmp_path: Path) -> None:
    """With the limit polite keys get every picture; without it, the flood has the queue and they are refused."""
    nodes = [free_node() for _ in range(NODES)]
    settings = {"API_KEY": "", "FIGBOX_API_KEYS_FILE": keys_file(tmp_path, **KEYS), "FIGBOX_RUNNING_LIMIT": 1}
    rows, refused = [], {}
    with ExitStack() as stack:
        gateways = [stack.enter_context(running_node(tmp_path, node, **settings)) for node in nodes]
        mix = [program for program in programs(sleep_s=JOB_S) if not program.fails]
        digests = await right_pictures(gateways[0].url, POLITE[0], programs())
        judge = Judge(digests, documented())
        for name, (limit, flood) in PARTS.items():
            changes = FEW_PLACES if limit == LIMIT else {**FEW_PLACES, LIMIT: limit}
            with balancer(tmp_path, nodes, **changes) as haproxy:
                for node in range(1, NODES + 1):
                    await haproxy.until(f"node{node}", "UP")
                load = Load(haproxy.url, mix)
                await flooded(load, flood)
            rows.append((name, *_row(judge, load.records)))
            verdicts = [judge.verdict(record) for record in _polite(load.records)]
            refused[name] = len(verdicts) - verdicts.count(Verdict.RIGHT)
            assert {judge.verdict(record) for record in load.records} <= {Verdict.RIGHT, Verdict.REFUSED}
    head = ("what", "polite p50 s", "p99 s", "refused", "of", "flood: pictures", "refused")
    sys.stdout.write(f"{table('Two polite keys beside one that floods', head, rows)}\n")
    assert refused["no flood"] == refused["flood, limited"] == 0
    assert refused["flood, no limit"] > 0


async def flooded(load: Load, flood: int) -> None:
    """Let polite clients send, beside so many of the key that floods, until enough of them can be counted."""
    clients = [*(Client("flood", KEYS["flood"]) for _ in range(flood)), *POLITE]
    running = asyncio.create_task(load.run(clients))
    assert await load.until(lambda: len(_polite(load.records)) >= COUNTED, slowed(300))
    load.stop()
    await running


def _polite(records: list[Record]) -> list[Record]:
    return [record for record in records if record.key != "flood"]


def _row(judge: Judge, records: list[Record]) -> tuple[object, ...]:
    polite = _polite(records)
    flood = [judge.verdict(record) for record in records if record.key == "flood"]
    right = [record.took_s for record in polite if judge.verdict(record) is Verdict.RIGHT]
    summary = summarize(right)
    return (
        number(summary.p50, 2),
        number(summary.p99, 2),
        len(polite) - len(right),
        len(polite),
        flood.count(Verdict.RIGHT),
        flood.count(Verdict.REFUSED),
    )
