"""CI runs what it should in the time it has, and says what it ran and what it left out."""

from __future__ import annotations

import itertools
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests import ci
from tests.ci import CAMPAIGNS, STEPS, TEST, Campaign, Ending, Run
from tests.fakes import wait_until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MINUTE = 60
COMMITS = [f"{number:040x}" for number in range(400)]
SHORT, LONG = Campaign("short", 60, ("a",)), Campaign("long", 600, ("b",))


class Machine:
    """A machine that runs nothing: commands take the time and end with the status that a test sets."""

    def __init__(self, seconds: Mapping[str, float], statuses: Mapping[str, int]) -> None:
        self.now = 1000.0
        self.ran: list[str] = []
        self.limits: list[float] = []
        self._seconds = seconds
        self._statuses = statuses

    def execute(self, line: Sequence[str], limit_s: float) -> Ending:
        """Let time pass."""
        name = " ".join(line) if line[0] == "make" else line[-1]
        self.ran.append(name)
        self.limits.append(limit_s)
        took = self._seconds.get(name, 1)
        self.now += took
        return Ending(self._statuses.get(name, 0), took, (f"7 passed in {took}s",))


def run(
    campaigns: Sequence[Campaign], *, seconds: Mapping[str, float] | None = None, failing: Sequence[str] = ()
) -> tuple[int, list[str], Machine]:
    """Run CI on a machine; return the exit status, the campaigns that were begun, and the machine."""
    machine = Machine(seconds or {}, dict.fromkeys(failing, 2))
    status = Run(machine.execute, lambda: machine.now).all(campaigns)
    return status, [name for name in machine.ran if name not in STEPS], machine


def test_steps_come_first() -> None:
    """The checks, the tests that any change must pass and the images come before every campaign."""
    status, begun, machine = run([LONG, SHORT])
    assert status == 0
    assert machine.ran == [*STEPS, "b", "a"]
    assert begun == ["b", "a"]


@pytest.mark.parametrize("step", STEPS)
def test_failing_step_ends_the_run(step: str) -> None:
    """Nothing is run after a step that failed."""
    status, begun, machine = run([LONG, SHORT], failing=[step])
    assert status == 1
    assert machine.ran[-1] == step
    assert not begun


def test_failing_campaign_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The other campaigns are run all the same, and the last line names the one that failed."""
    status, begun, _ = run([LONG, SHORT], failing=["b"])
    assert status == 1
    assert begun == ["b", "a"]
    assert capsys.readouterr().out.splitlines()[-1].startswith("=== FAILED: long after ")


def test_no_campaign_begins_after_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """What began before runs to its end; what did not is named."""
    status, begun, _ = run([LONG, SHORT], seconds={"make check": 39 * MINUTE, "b": 20 * MINUTE})
    assert status == 0
    assert begun == ["b"]
    assert "=== left out: short\n" in capsys.readouterr().out


def test_campaign_must_fit_at_the_speed_of_this_machine() -> None:
    """On a slow machine a shorter campaign is run in place of one that would take too long."""
    slow = {TEST: 4 * ci.USUAL_TEST_S, "make check": 38 * MINUTE - 4 * ci.USUAL_TEST_S}
    assert run([LONG, SHORT], seconds=slow)[1] == ["a"]
    assert run([LONG, SHORT], seconds={**slow, TEST: 1})[1] == ["b", "a"]


def test_whole_run_ends_in_time_on_a_machine_four_times_slower() -> None:
    """Whatever the order, a machine on which everything takes four times as long is done within 80 minutes."""
    seconds = {campaign.line()[-1]: 4.0 * campaign.usual_s for campaign in CAMPAIGNS}
    seconds |= {"make check": 8 * MINUTE, TEST: 4 * ci.USUAL_TEST_S, "make images": 2 * MINUTE}
    for commit in COMMITS:
        _, begun, machine = run(ci.in_order(CAMPAIGNS, commit), seconds=seconds)
        assert begun
        assert machine.now - 1000 < 80 * MINUTE
        assert all(0 < limit < 80 * MINUTE for limit in machine.limits)


def test_commit_decides_the_order() -> None:
    """The same commit has the same order, and each campaign comes first and last for some."""
    orders = [ci.in_order(CAMPAIGNS, commit) for commit in COMMITS]
    assert ci.in_order(CAMPAIGNS[::-1], COMMITS[0]) == orders[0]
    assert {order[0] for order in orders} == {order[-1] for order in orders} == set(CAMPAIGNS)


def test_closing_lines_hold_the_summaries(capsys: pytest.CaptureFixture[str]) -> None:
    """After the last command each is listed with how it ended, how long it ran, and the last line of its tests."""
    run([SHORT], seconds={TEST: 3, "a": 65})
    closing = capsys.readouterr().out.partition("=== run:\n")[2]
    assert f"    {TEST}: passed after 3 s\n        7 passed in 3s\n" in closing
    assert "    short: passed after 65 s, usually 60 s\n        7 passed in 65s\n" in closing
    assert closing.endswith("=== left out: nothing\n=== all passed after 72 s\n")


def test_summaries_are_found_in_what_pytest_prints() -> None:
    """Of each run of pytest the last line is found, whatever it says."""
    printed = (
        "===== test session starts =====\n.. [100%]\n===== short test summary info =====\n"
        "FAILED tests/unit/test_x.py::test_y - assert 1 in 2s\n"
        "===== 1 failed, 3 passed, 2 deselected in 62.40s (0:01:02) =====\n"
        "===== 7 passed in 0.31s =====\n"
    )
    assert ci.summaries(printed) == ("1 failed, 3 passed, 2 deselected in 62.40s (0:01:02)", "7 passed in 0.31s")


def test_command_is_shown_and_its_status_kept(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """What a command prints is passed on, and its status is returned."""
    ending = ci.execute([sys.executable, "-c", "print('=== 1 failed in 2.00s ==='); raise SystemExit(3)"], 30)
    assert (ending.status, ending.summaries) == (3, ("1 failed in 2.00s",))


def test_command_without_end_is_ended() -> None:
    """A command that runs for too long is interrupted, and has failed."""
    ending = ci.execute([sys.executable, "-c", "import time; time.sleep(600)"], 1)
    assert ending.status != 0
    assert ending.seconds < ci.GRACE_S


def test_daemon_of_a_command_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command has ended when its process has, even if something that it left behind could still print."""
    monkeypatch.setattr(ci, "READ_OUT_S", 0.1)
    assert ci.execute(["sh", "-c", "sleep 20 & exit 0"], 15).status == 0


def test_what_a_daemon_prints_later_is_shown_and_no_other_file_read(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Files that are opened after a command's end keep what is in them, whatever their numbers."""
    monkeypatch.setattr(ci, "READ_OUT_S", 0.1)
    ci.execute(["sh", "-c", "(sleep 1; echo one; sleep 1; echo two) & exit 0"], 15)
    shown = bytearray()

    def is_shown() -> bool:
        shown.extend(capfdbinary.readouterr().out)
        return bytes(shown) == b"one\ntwo\n"

    pipes = [os.pipe() for _ in range(8)]
    try:
        for _, end in pipes:
            os.write(end, b"mine")
        wait_until(is_shown, "both lines are shown", slowed(30))
        assert [os.read(begin, 9) for begin, _ in pipes] == [b"mine"] * len(pipes)
    finally:
        for each in itertools.chain(*pipes):
            os.close(each)


def test_every_test_on_an_engine_is_in_one_campaign() -> None:
    """A file with tests on an engine belongs to `make test` or to one campaign; those with more ways, to both."""
    named = [path for campaign in CAMPAIGNS for path in campaign.paths]
    assert all((ci.ROOT / path).exists() for path in named)
    for file in (ci.ROOT / "tests").rglob("test_*.py"):
        path, text = file.relative_to(ci.ROOT).as_posix(), file.read_text("utf-8")
        if file.name == "test_ci.py" or not re.search(r"pytest\.mark\.engine\b", text):
            continue
        left_out = not re.search(r"pytest\.mark\.core\b", text) or re.search(
            r"pytest\.mark\.(deployed|both_ways|variant)\b|WARM_STARTS", text
        )
        campaigns = [name for name in named if path == name or path.startswith(f"{name}/")]
        assert len(campaigns) == bool(left_out), f"{path} is in {campaigns}"
