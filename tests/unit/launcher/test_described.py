"""What the executor makes of what a runner says of its figures: passed on with them, or a warning in its place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher import executor
from gateway.launcher.checking import EXPLANATIONS_AT_ONCE_BYTES
from gateway.launcher.checking import TASK as CHECK
from gateway.launcher.container import Container
from gateway.launcher.executor import PoolExecutor
from gateway.launcher.runner.conversation import StreamEnded
from gateway.launcher.runner.frames import MalformedReply, OutputExceeded
from gateway.launcher.runner.reply import ClaimedPicture, Reply
from gateway.model.codec import flat
from gateway.model.explanation import Description, Explanation
from gateway.model.jobs import Describe, Format, Job, Limits, MiB, SaveOptions
from gateway.model.results import Outcome, PythonWarning, Result, Stages
from gateway.worker.worker_pool import WorkerPool
from tests.fakes import PNG, FakeConversation, FakeEngine, FakePool, no_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMITS = Limits(wall_limit_s=30, output_limit_bytes=4 * MiB)
SAID = Explanation("A line.", Description(Describe.FULL, 1, 1, 72, 0.1, 0.1))
LOST = "The figures could not be described: "


def claim(*explanations: Explanation | None) -> bytes:
    """Return what a runner says of its figures."""
    return json.dumps([None if each is None else flat(each) for each in explanations]).encode()


async def run(said: object, *, figures: int = 1, formats: Sequence[Format] = (Format.PNG,), **limits: Any) -> Result:
    """Return the result of a job that asks for descriptions."""
    pictures = [ClaimedPicture(number, "", kind, PNG) for number in range(1, figures + 1) for kind in formats]
    warnings = (PythonWarning("W", "its own", 1),)
    conversation = FakeConversation(Reply(Outcome.OK, tuple(pictures), warnings=warnings), said=said)
    pool = FakePool(Container("id", "name", conversation))  # type: ignore[arg-type]
    checks = WorkerPool({CHECK: LIMITS.output_limit_bytes})
    engine: Any = FakeEngine()
    running = PoolExecutor(pool, engine, replace(LIMITS, **limits), no_usage, checks)  # type: ignore[arg-type]
    try:
        options = SaveOptions(formats=tuple(formats), describe=Describe.FULL)
        result = await running.run(Job("code", options, collect=True), Stages())
    finally:
        await checks.aclose()
    assert pool.returned == 1
    assert engine.killed == []
    assert (result.outcome, len(result.figures)) == (Outcome.OK, figures)
    assert result.warnings[-1] == warnings[0]
    return result


def lost_of(result: Result) -> list[str]:
    """Return what the warnings of a result say of what is lost."""
    assert {warning.category for warning in result.warnings[:-1]} <= {"UserWarning"}
    return [warning.message for warning in result.warnings[:-1]]


async def test_each_figure_gets_its_own() -> None:
    """In their order, and counted among the bytes of the result."""
    other = replace(SAID, alt_text="Another.")
    result = await run(claim(SAID, other), figures=2)
    assert [json.loads(figure.explanation or b"") for figure in result.figures] == [flat(SAID), flat(other)]
    assert lost_of(result) == []
    assert result.size == 2 * len(PNG) + sum(len(figure.explanation or b"") for figure in result.figures)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (StreamEnded(), "the container ended before that."),
        (MalformedReply(), "the description is malformed."),
        (OutputExceeded(), "the description is too large."),
        (b"", "the description is malformed."),
        (b"[", "the description is malformed."),
        (b"[null, null]", "the description is malformed."),
        (b"[1]", "the description is malformed."),
        (claim(None), "looking at them failed, or took too long."),
    ],
)
async def test_picture_is_served_without(said: object, reason: str) -> None:
    """Whatever is wrong with what is said, the picture is served with one warning."""
    result = await run(said)
    assert lost_of(result) == [LOST + reason]
    assert result.figures[0].explanation is None


async def test_runner_that_says_nothing_is_not_awaited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit to it, and that of the job holds as well."""
    assert lost_of(await run(None, wall_limit_s=0.02)) == [LOST + "the job's time was over."]
    monkeypatch.setattr(executor, "EXPLANATION_LIMIT_S", 0.02)
    assert lost_of(await run(None)) == [LOST + executor.TOO_SLOW + "."]


async def test_warnings_name_the_figures() -> None:
    """One for each reason, with the places of the figures."""
    bad = replace(SAID, findings_left_out=-1)
    result = await run(claim(None, SAID, bad, None), figures=4)
    assert lost_of(result) == [
        "Figures 1, 4 could not be described: looking at them failed, or took too long.",
        "Figure 3 could not be described: the description is malformed.",
    ]


async def test_long_ones_are_read_by_a_worker() -> None:
    """With the same result; the first picture of each figure is the one that is described."""
    long = replace(SAID, description=replace(SAID.description, legends=()), alt_text="x" * 600)
    count = EXPLANATIONS_AT_ONCE_BYTES // len(claim(long)) + 2
    result = await run(claim(*[long] * count), figures=count)
    assert [json.loads(figure.explanation or b"") for figure in result.figures] == [flat(long)] * count
    assert result.check_cpu_s > 0
    assert lost_of(result) == []


async def test_worst_claim_spoils_no_picture() -> None:
    """A claim of nothing but the smallest lists is read, and refused, without a picture being lost."""
    result = await run(b"[" + b"[]," * 87_000 + b"[]]")
    assert lost_of(result) == [LOST + "the description is malformed."]
