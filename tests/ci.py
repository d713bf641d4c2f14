"""`python -m tests.ci`: what CI runs on a clean clone, and for how long.

First the checks, the tests that any change must pass, and all images. Then the campaigns: all other tests on engines,
in an order that the commit decides, so that each has its turn although there isn't time for all of them on every
machine. A campaign is begun in the first 40 minutes only, and only if its usual time, scaled by how long `make test`
took here, ends before the whole run must. A failure of any of them fails the run.

This runs before anything is installed: it needs Python's standard library alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.commands import CORE, COVERAGE, ENGINE, WITHOUT_ENGINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[1]

#: Seconds after which no campaign is begun.
BEGIN_LIMIT_S = 40 * 60

#: Seconds within which a campaign must be expected to end to be begun, and after which what still runs is ended.
EXPECTED_END_S = 74 * 60
END_S = 78 * 60

#: Seconds for what is ended to clean up.
GRACE_S = 60

#: Seconds to show the rest of what a command printed when it has ended.
READ_OUT_S = 5

#: How many times its usual time, scaled, a campaign may take: `make test` measures a machine only roughly.
MARGIN = 1.25

#: Runs before the campaigns; the first failure ends it all. How long `TEST` takes says how fast the machine is.
TEST = "make test"
STEPS = ("make check", TEST, "make images", "make image ENVIRONMENT=science", "make image ENVIRONMENT=video")

#: Seconds of `make test` on a fresh machine with two ordinary cores.
USUAL_TEST_S = 440

#: What campaigns select: tests on engines that `make test` leaves out.
REST = f"{ENGINE} and not ({CORE})"

_SUMMARY = re.compile(
    r"^=+ (?=.*\b(?:passed|failed|errors?|skipped|deselected)\b)(.* in [0-9.]+s\b.*?) =+$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """Tests that are run as one.

    Attributes:
        name: What it is called in the report.
        usual_s: Seconds on two ordinary cores.
        paths: Test files or folders, of which what `REST` selects is run.
        command: Run in place of pytest.
        arguments: Given to pytest besides.
    """

    name: str
    usual_s: int
    paths: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    def line(self) -> tuple[str, ...]:
        """Return the command line."""
        return self.command or (sys.executable, "-m", "bootstrap", "test-all", "-m", REST, *self.arguments, *self.paths)


def _engine(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/engine/test_{name}.py" for name in names)


#: Every test on an engine is in one of these or in `make test`.
CAMPAIGNS = (
    Campaign("attacks on gVisor", 400, ("tests/exploits/test_gvisor.py",)),
    Campaign("attacks on runc", 180, ("tests/exploits/test_runc.py",)),
    Campaign("controls of the attacks", 60, ("tests/exploits/test_controls.py",)),
    Campaign("runtimes", 210, ("tests/runtimes",)),
    Campaign("coverage", 600, command=(sys.executable, "-m", "bootstrap", "test-all", *WITHOUT_ENGINE, *COVERAGE)),
    Campaign(
        "service units",
        40,
        command=(sys.executable, "-m", "bootstrap", "test-all", "-m", "not engine", "tests/unit/deploy"),
    ),
    Campaign("chaos", 130, ("tests/chaos",)),
    Campaign("engines", 650, ("tests/hosts",), arguments=("--numprocesses", "2", "--dist", "loadscope")),
    Campaign("soak", 300, ("tests/soak",)),
    Campaign("balancer", 170, tuple(f"tests/cluster/test_{name}.py" for name in ("balancer", "nginx", "tls"))),
    Campaign("swarm", 300, ("tests/cluster/test_swarm.py",)),
    Campaign("faults of nodes", 330, ("tests/cluster/faults",)),
    Campaign("faults of a Swarm", 400, command=("make", "cluster-test")),
    Campaign("upgrades", 170, ("tests/upgrades",)),
    Campaign("release", 240, ("tests/release",)),
    Campaign("shared server", 100, ("tests/shared",)),
    Campaign("compose", 150, ("tests/compose", *_engine("contract"))),
    Campaign("generated clients", 90, _engine("generated_client", "openapi")),
    Campaign("report in a browser", 110, ("tests/browser",)),
    Campaign("documents", 250, ("tests/documents", *_engine("examples"))),
    Campaign("rest of the core", 200, _engine("client", "life", "v1")),
    Campaign("services of the command", 200, _engine("local", "up", "up_unprivileged")),
    Campaign("spec lines", 90, ("tests/spec_lines", *_engine("seccomp_calls"))),
    Campaign("ends", 300, _engine("ends")),
    Campaign("scripts as they come", 300, _engine("elsewhere", "fonts", "plain_python")),
    Campaign("plain runs", 420, ("tests/plain_runs",)),
    Campaign("descriptions", 200, _engine("described_examples", "descriptions")),
    Campaign("self-test", 90, _engine("gvisor", "selftest")),
    Campaign("set-up", 260, _engine("assembler", "clean", "make_run", "programs", "setup")),
    Campaign("environments", 120, _engine("environments")),
    Campaign("suites", 90, _engine("suite")),
    Campaign("memory", 420, _engine("memory")),
    Campaign("monitoring", 250, ("tests/monitoring",)),
    Campaign("traces", 120, _engine("traces")),
    Campaign("launcher apart", 200, _engine("faults", "split", "taken_over_gateway")),
    Campaign("snapshots", 450, _engine("hardening", "limits", "preload", "restored_runner", "socket_pairs")),
    Campaign("pictures", 200, _engine("connections", "headless", "keys", "pixels", "render", "runner_image")),
    Campaign("bad snapshots", 420, _engine("snapshot")),
    Campaign("benchmark", 260, _engine("benchmark", "scaling")),
    Campaign("recipes", 230, tuple(f"tests/recipes/test_{name}.py" for name in ("action", "gitlab", "tools"))),
    Campaign("sample repository", 200, ("tests/recipes/test_life.py",)),
    Campaign("fuzzing", 150, command=("make", "fuzz", "ARGS=--seconds 15")),
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended.

    Attributes:
        status: Its exit status.
        seconds: How long it ran.
        summaries: The last lines of the pytest runs in it.
    """

    status: int
    seconds: float
    summaries: tuple[str, ...] = ()


def in_order(campaigns: Sequence[Campaign], commit: str) -> list[Campaign]:
    """Return the campaigns in the order of a commit: each comes first equally often."""
    return sorted(campaigns, key=lambda campaign: hashlib.sha256(f"{commit} {campaign.name}".encode()).digest())


class Run:
    """One run of CI.

    Args:
        execute: Runs a command line for at most so many seconds.
        clock: Returns seconds that only grow.
    """

    def __init__(
        self,
        execute: Callable[[Sequence[str], float], Ending],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._execute = execute
        self._clock = clock
        self._began = clock()
        self._slowness = 1.0
        self._report: list[str] = []
        self._failed: list[str] = []

    def all(self, campaigns: Sequence[Campaign]) -> int:
        """Run the steps, then the campaigns while there is time, and say what was run; return the exit status."""
        for step in STEPS:
            ending = self._one(step, step.split(" "))
            if step == TEST:
                self._slowness = max(1.0, ending.seconds / USUAL_TEST_S)
            if ending.status:
                return self._close(campaigns)
        left = []
        for campaign in campaigns:
            if self._has_time_for(campaign):
                self._one(campaign.name, campaign.line(), f", usually {campaign.usual_s} s")
            else:
                left.append(campaign)
        return self._close(left)

    def _elapsed(self) -> float:
        return self._clock() - self._began

    def _has_time_for(self, campaign: Campaign) -> bool:
        elapsed = self._elapsed()
        expected_s = campaign.usual_s * self._slowness * MARGIN
        return elapsed < BEGIN_LIMIT_S and elapsed + expected_s <= EXPECTED_END_S

    def _one(self, name: str, line: Sequence[str], remark: str = "") -> Ending:
        _say(f"\n=== {name}")
        ending = self._execute(line, END_S - self._elapsed())
        if ending.status:
            self._failed.append(name)
        word = f"FAILED ({ending.status})" if ending.status else "passed"
        told = f"{name}: {word} after {ending.seconds:.0f} s{remark}"
        _say(f"=== {told}")
        self._report += [told, *(f"    {summary}" for summary in ending.summaries)]
        return ending

    def _close(self, left: Sequence[Campaign]) -> int:
        _say("\n=== run:", *self._report)
        if self._slowness > 1:
            _say(f"=== {TEST!r} took {self._slowness:.1f} times as long as usual")
        _say("=== left out: " + (", ".join(campaign.name for campaign in left) or "nothing"))
        word = f"FAILED: {', '.join(self._failed)}" if self._failed else "all passed"
        _say(f"=== {word} after {self._elapsed():.0f} s")
        return 1 if self._failed else 0


def execute(line: Sequence[str], limit_s: float) -> Ending:
    """Run a command in a process group of its own, show what it prints, and end it when its time is over."""
    began = time.monotonic()
    printed: list[bytes] = []
    with subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        assert process.stdout is not None
        # It may leave a daemon that keeps the pipe open: don't wait for the end of what is printed. The thread has a
        # descriptor of its own, since the number of one that is closed under it soon is another file's.
        descriptor = os.dup(process.stdout.fileno())
        reader = threading.Thread(target=_show, args=(descriptor, printed), daemon=True)
        reader.start()
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            _say(f"=== ended after {limit_s:.0f} s: the whole run's time is over")
            _end(process)
            status = process.returncode or 1
        except BaseException:
            _end(process)
            raise
        reader.join(READ_OUT_S)
        return Ending(status, time.monotonic() - began, summaries(b"".join(printed).decode("utf-8", "replace")))


def summaries(printed: str) -> tuple[str, ...]:
    """Return what the last line of each pytest run says in what was printed."""
    return tuple(_SUMMARY.findall(printed))


def _show(descriptor: int, printed: list[bytes]) -> None:
    with open(descriptor, "rb", buffering=0) as stream:
        while chunk := stream.read(1 << 16):
            printed.append(chunk)
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _say(*lines: str) -> None:
    sys.stdout.write("\n    ".join(lines) + "\n")
    sys.stdout.flush()


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> int:
    """Run everything for the commit that is checked out."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for jobs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return Run(execute).all(in_order(CAMPAIGNS, _commit()))


if __name__ == "__main__":
    sys.exit(main())
