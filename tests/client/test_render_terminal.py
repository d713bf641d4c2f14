"""What a person sees of `figbox render`, on a terminal and elsewhere."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.conftest import PLOT, Figbox, write
from tests.client.service import KEY, Service, figure, rendered, wait_until
from tests.support.live import ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path


def test_quiet_and_verbose(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Quiet only shows failures; verbose also shows output and warnings."""
    write(workplace / "a.py", PLOT)
    service.respond = lambda document: rendered(
        [figure(1, *document["format"])],
        stdout={"text": "hello\n::stop::\n", "truncated": False},
        warnings=[{"category": "UserWarning", "message": "careful", "line": 2}],
    )
    quiet = figbox("render", "a.py", "-o", "out", "-q").stderr
    assert quiet.startswith("1 rendered in ")
    verbose = figbox("render", "a.py", "-o", "out", "-v").stderr
    assert "    stdout:\n    | hello\n    | ::stop::\n" in verbose
    assert "    UserWarning in line 2: careful\n" in verbose


def test_responses_from_the_cache_are_marked(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Pictures that weren't rendered again are marked."""
    write(workplace / "a.py", PLOT)
    service.canned.append(rendered([figure(1, "png")], cached=True))
    printed = figbox("render", "a.py", "-o", "out").stderr
    assert "ok      a.py -> out/a.png (cached)\n1 rendered, 1 from the cache in " in printed


#: Starts the command with arguments and streams.
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def started(service: Service, workplace: Path) -> Start:
    """Return a function that starts the command as a process."""

    def start(*arguments: str, CI: str = "", **streams: Any) -> subprocess.Popen[bytes]:  # noqa: N803 - its own name
        environment = {name: value for name, value in os.environ.items() if name not in {"GITHUB_ACTIONS", "NO_COLOR"}}
        settings = {"PYTHONPATH": str(ROOT), "FIGBOX_URL": service.url, "FIGBOX_API_KEY": KEY, "TERM": "xterm"}
        return subprocess.Popen(
            [sys.executable, "-m", "figbox", *arguments],
            cwd=workplace,
            env={**environment, **settings, "CI": CI},
            **streams,
        )

    return start


def printed_until_the_end(ours: int, printed: bytes = b"") -> bytes:
    """Return what a process writes to its terminal until it closes it, without what moves the cursor."""
    while True:
        try:
            came = os.read(ours, 65536)
        except OSError:  # on Linux, when the other end is closed
            break
        if not came:
            break
        printed += came
    os.close(ours)
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\r", b"", printed)


def test_terminal_sees_a_bar(service: Service, workplace: Path, started: Start) -> None:
    """A terminal shows a bar during the run; the lines and the summary stay."""
    for number in range(3):
        write(workplace / "plots" / f"{number}.py", PLOT)
    service.gate.clear()
    ours, theirs = pty.openpty()
    process = started("render", "plots", "-o", "out", stderr=theirs, stdin=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    printed = b""
    while b"0/3" not in printed:
        printed += os.read(ours, 65536)
    service.gate.set()
    printed = printed_until_the_end(ours, printed)
    assert process.wait(slowed(30)) == 0
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.read() == b""
    assert b"rendering" in printed
    assert b"plots/0.py -> out/0.png" in printed
    assert printed.splitlines()[-1].startswith(b"3 rendered in ")


def test_terminal_of_ci_sees_lines_alone(workplace: Path, started: Start) -> None:
    """With `CI` set there isn't a bar, which would fill the log."""
    write(workplace / "a.py", PLOT)
    ours, theirs = pty.openpty()
    process = started("render", "a.py", "-o", "out", CI="true", stderr=theirs, stdin=theirs)
    os.close(theirs)
    printed = printed_until_the_end(ours)
    assert process.wait(slowed(30)) == 0
    assert b"a.py -> out/a.png" in printed
    assert b"rendering" not in printed


def test_no_picture_goes_to_a_terminal(service: Service, workplace: Path, started: Start) -> None:
    """A picture isn't written to a terminal; nothing is sent."""
    write(workplace / "a.py", PLOT)
    ours, theirs = pty.openpty()
    process = started("render", "a.py", "-o", "-", stdout=theirs, stdin=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    _, printed = process.communicate(timeout=slowed(30))
    os.close(ours)
    assert process.returncode == 2
    assert b"a picture can't be written to a terminal" in printed
    assert not service.asked


def test_interrupt_ends_it_and_its_jobs(service: Service, workplace: Path, started: Start) -> None:
    """Ctrl-C gives exit status 130 without a traceback, and ends the jobs on the service."""
    write(workplace / "a.py", PLOT)
    service.gate.clear()
    process = started("render", "a.py", "-o", "out", stderr=subprocess.PIPE)
    wait_until(lambda: service.running == 1)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=slowed(30))
    assert process.returncode == 130
    assert b"Interrupted." in printed
    assert b"Traceback" not in printed
    wait_until(lambda: service.running == 0)
