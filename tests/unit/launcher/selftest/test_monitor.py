"""A verdict is kept fresh, stops jobs when the sandbox has a gap, and isn't the result of an engine's failure."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.selftest import __main__ as selftest
from gateway.launcher.selftest import monitor
from gateway.launcher.selftest.monitor import Monitor
from gateway.launcher.selftest.verdict import Check, Verdict, merged
from gateway.model.codec import build, encode, parse
from gateway.model.errors import EngineUnavailable, StartError
from tests.conftest import kept_logging
from tests.fakes import until

if TYPE_CHECKING:
    import io

GOOD = Verdict((Check("memory"), Check("render")), 1_000_000.0, 1.0)
BAD = Verdict((Check("memory", ("its memory limit is not enforced",)), Check("render", ("a", "b"))), 1_000_001.0, 1.0)


class Scripted:
    """A self-test with the scripted outcomes, the last of them for ever."""

    def __init__(self, *outcomes: Verdict | Exception) -> None:
        self._outcomes = list(outcomes)
        self.runs = 0

    async def run(self) -> Verdict:
        """Return the next outcome, or raise it."""
        self.runs += 1
        outcome = self._outcomes[0] if len(self._outcomes) == 1 else self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_a_verdict_holds_when_every_check_does() -> None:
    """One gap is enough to fail, and so is a test without checks; the reason names every gap."""
    assert (GOOD.holds, GOOD.reason) == (True, None)
    assert (BAD.holds, BAD.gaps) == (False, ("its memory limit is not enforced", "a", "b"))
    assert BAD.reason == "the sandbox does not hold: its memory limit is not enforced; a; b"
    empty = Verdict((), 0.0, 0.0)
    assert not empty.holds
    assert empty.reason is not None


def test_the_age_of_a_verdict_is_never_negative() -> None:
    """It is in whole seconds, also when the clock was set back."""
    assert Verdict((), time.time() - 7.5, 0.0).age_s() in {7, 8}
    assert Verdict((), time.time() + 100, 0.0).age_s() == 0


def test_a_verdict_crosses_to_another_process() -> None:
    """The gateway receives the launcher's verdict unchanged."""
    for verdict in (GOOD, BAD):
        document, data = encode(verdict)
        assert build(Verdict, parse(document), b"".join(data)) == verdict


async def test_a_verdict_that_no_longer_holds_is_the_reason(log: io.StringIO) -> None:
    """It stops jobs from that moment until another one holds; both changes are logged once."""
    kept = Monitor(Scripted(BAD, GOOD), GOOD, 3600)
    assert kept.reason is None
    assert await kept.renew()
    assert kept.reason == BAD.reason
    assert await kept.renew()
    assert kept.reason is None
    assert log.getvalue().count("sandbox does not hold") == log.getvalue().count("sandbox holds again") == 1


async def test_an_engine_that_fails_gives_no_verdict(log: io.StringIO) -> None:
    """The last verdict stays, whichever it was, and the caller gets the error."""
    for before in (GOOD, BAD):
        kept = Monitor(Scripted(EngineUnavailable("it is away")), before, 3600)
        assert not await kept.renew()
        assert kept.verdict is before
    assert log.getvalue().count("self-test not finished") == 2


@pytest.mark.parametrize("outcome", [BAD, EngineUnavailable("it is away")])
async def test_what_failed_is_tried_again_soon(monkeypatch: pytest.MonkeyPatch, outcome: Verdict | Exception) -> None:
    """A retry comes soon, since a mended engine stays unused until then; after a success the period is the old one."""
    monkeypatch.setattr(monitor, "RETRY_S", 0.001)
    test = Scripted(outcome, outcome, outcome, GOOD)
    kept = Monitor(test, GOOD, 3600)
    task = asyncio.create_task(kept.keep_fresh())
    await asyncio.sleep(0.02)
    assert test.runs == 0
    await kept.renew()  # a renewal by another task, in the middle of the long pause
    await until(lambda: test.runs == 4)
    await asyncio.sleep(0.05)
    assert (test.runs, kept.verdict) == (4, GOOD)
    task.cancel()


async def test_a_good_verdict_is_renewed_after_the_period() -> None:
    """After each period the test runs again."""
    test = Scripted(GOOD)
    task = asyncio.create_task(Monitor(test, GOOD, 0.001).keep_fresh())
    await until(lambda: test.runs > 3)
    task.cancel()


async def test_two_tests_at_once_follow_each_other() -> None:
    """The period may end while an engine returns; still the engine isn't tested twice at a time."""
    running = 0

    class Slow:
        async def run(self) -> Verdict:
            nonlocal running
            running += 1
            assert running == 1
            await asyncio.sleep(0.01)
            running -= 1
            return GOOD

    kept = Monitor(Slow(), BAD, 3600)
    assert await asyncio.gather(kept.renew(), kept.renew()) == [True, True]


def test_the_table_names_every_check_and_gap() -> None:
    """A person sees each check on a line, what is wrong below it, and the whole at the end."""
    assert selftest.table(GOOD) == "holds  memory\nholds  render\n\nThe sandbox holds (1.0 s).\n"
    told = selftest.table(BAD)
    assert "GAP    memory\n       its memory limit is not enforced\n" in told
    assert told.endswith("\nThe sandbox does not hold (1.0 s).\n")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (GOOD, selftest.HOLDS),
        (BAD, selftest.DOES_NOT_HOLD),
        (StartError("no image"), selftest.NOT_TESTED),
        (EngineUnavailable("no engine"), selftest.NOT_TESTED),
    ],
)
def test_the_exit_status_tells_a_gap_from_a_failure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clean_environment: None,
    outcome: Verdict | Exception,
    status: int,
) -> None:
    """0 holds, 1 doesn't, 2 can't be tested, with the reason on standard error."""

    async def run(_: object) -> Verdict:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(selftest, "run", run)
    with kept_logging():
        assert selftest.main() == status
    captured = capsys.readouterr()
    assert bool(captured.err) == (status == selftest.NOT_TESTED)
    assert bool(captured.out) == (status != selftest.NOT_TESTED)


def test_several_environments_make_one_verdict() -> None:
    """The default's checks keep their names; those of other environments have the environment's name, too."""
    good = Verdict((Check("memory"), Check("files")), 100.0, 1.0)
    bad = Verdict((Check("memory", ("its memory limit is not enforced",)),), 90.0, 2.0)
    assert merged({"default": good}) == good
    both = merged({"default": good, "science": bad})
    assert [check.name for check in both.checks] == ["memory", "files", "science: memory"]
    assert both.reason == "the sandbox does not hold: in environment science, its memory limit is not enforced"
    assert (both.when_s, both.duration_s) == (90.0, 3.0)
    assert merged({"default": good, "science": good}).holds
