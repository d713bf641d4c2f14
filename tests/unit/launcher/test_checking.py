"""Checks of pictures in a worker: what comes of them is what would come of them here, but never later than it may."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.checking import AT_ONCE_BYTES, TASK, ClaimedFile, ClaimedFiles
from gateway.launcher.judgement import judge
from gateway.launcher.runner.reply import ClaimedPicture, Reply
from gateway.model.jobs import Format, Limits, MiB
from gateway.model.results import LimitExceeded, Outcome
from gateway.worker.worker_pool import WorkerPool
from tests.fakes import PNG
from tests.support.saved_figures import saved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = Limits(pixel_limit=10_000)

#: A scatter plot of many points, as far as a check can tell.
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1pt" height="2pt">' + b'<path d="M 0 0"/>' * 60_000 + b"</svg>"


@pytest.fixture
async def checks() -> AsyncIterator[WorkerPool]:
    """Return workers that check pictures."""
    async with aclosing(WorkerPool({TASK: 16 * MiB})) as pool:
        yield pool


def drawn(*pictures: tuple[Format, bytes]) -> Reply:
    """Return the reply to a job that drew one figure in several formats."""
    return Reply(Outcome.OK, tuple(ClaimedPicture(1, "", kind, data) for kind, data in pictures))


async def test_pictures_checked_by_a_worker_are_the_same(checks: WorkerPool) -> None:
    """Whichever process checks it, a reply has the same figures, and the time of the check is known."""
    reply = drawn((Format.SVG, SVG), (Format.PDF, saved("pdf")), (Format.PNG, PNG))
    result = await judge(reply, LIMITS, checks)
    here = await judge(reply, LIMITS)
    assert result.figures == here.figures
    svg = result.figures[0].pictures[0]
    assert (svg.width_px, svg.height_px) == (1, 2)
    assert result.check_cpu_s > 0
    assert len(checks.pids) == 1


async def test_faults_come_back(checks: WorkerPool) -> None:
    """What is wrong with a picture is told as it is told here, down to the limit that it exceeds."""
    for reply in (
        drawn((Format.SVG, SVG[:-1])),
        drawn((Format.SVG, SVG), (Format.PNG, PNG[:-1])),
        drawn((Format.SVG, SVG), (Format.PNG, saved("png"))),
    ):
        result, here = await judge(reply, LIMITS, checks), await judge(reply, LIMITS)
        assert (result.outcome, result.error, result.limit) == (here.outcome, here.error, here.limit)
        assert result.outcome is Outcome.INVALID_OUTPUT
        assert result.figures == ()
        assert result.check_cpu_s > 0
    assert isinstance(result.limit, LimitExceeded)


async def test_a_check_has_a_deadline(checks: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that isn't checked by its deadline isn't served, and the result says why."""
    monkeypatch.setattr("gateway.worker.task.PATIENCE_S", 0.005 - len(SVG) / TASK.bytes_per_s)
    result = await judge(drawn((Format.SVG, SVG)), LIMITS, checks)
    assert (result.outcome, result.figures) == (Outcome.INVALID_OUTPUT, ())
    assert result.error == "The job's output is not a picture that can be served: checking it takes more than 0 s."
    assert result.check_cpu_s > 0


@pytest.mark.parametrize("kind", Format)
def test_only_small_rasters_are_checked_at_once(kind: Format) -> None:
    """An ordinary PNG needs no worker; a format of many parts always does."""
    few = ClaimedFiles((ClaimedFile(kind, b"x"),) * 2, 1)
    many = ClaimedFiles((ClaimedFile(kind, bytes(AT_ONCE_BYTES)), ClaimedFile(kind, b"x")), 1)
    assert TASK.at_once(few) is (kind in {Format.PNG, Format.JPEG, Format.WEBP})
    assert not TASK.at_once(many)
    assert TASK.size(many) == AT_ONCE_BYTES + 1
