"""`figbox render` when scripts fail, and when the service refuses, is busy, or isn't there."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import BROKEN, PLOT, Figbox, outputs, write
from tests.client.service import (
    Canned,
    Service,
    failed,
    figure,
    problem,
    rendered,
    wait_until,
)
from tests.support.live import free_port


def test_failing_script_shows_its_traceback_and_the_others_go_on(figbox: Figbox, workplace: Path) -> None:
    """The place is there to click on, the traceback below it, and the exit status says so."""
    write(workplace / "plots" / "a.py", PLOT)
    write(workplace / "plots" / "broken.py", BROKEN)
    write(workplace / "plots" / "z.py", PLOT)
    done = figbox("render", "plots", "-o", "out")
    assert done.status == 1
    assert set(outputs()) == {"a.png", "z.png"}
    assert "FAILED  plots/broken.py:2: program_error: ValueError: no good\n" in done.stderr
    assert "    |   File \"plot.py\", line 2, in <module>\n    |     raise ValueError('no good')\n" in done.stderr
    assert "2 rendered, 1 failed in " in done.stderr


def test_source_is_shown_where_the_traceback_lacks_it(figbox: Figbox, service: Service, workplace: Path) -> None:
    """A fault's line is seen even if its text isn't in the message."""
    write(workplace / "a.py", PLOT)
    fault = {"type": "SyntaxError", "message": "bad", "line": 3, "column": 2, "source": "x = ("}
    service.canned.append(failed("program_error", "SyntaxError: bad", fault=fault))
    assert (
        "FAILED  a.py:3: program_error: SyntaxError: bad\n    | x = (\n" in figbox("render", "a.py", "-o", "o").stderr
    )


def test_limit_is_told_in_one_line(figbox: Figbox, service: Service, workplace: Path) -> None:
    """An outcome of one sentence needs no block below it."""
    write(workplace / "a.py", PLOT)
    limit = {"name": "wall", "allowed": 1.0, "unit": "s", "used": 1.0}
    service.canned.append(failed("time_limit", "It took longer than 1 s", limit=limit))
    done = figbox("render", "a.py", "-o", "out")
    assert done.status == 1
    assert "FAILED  a.py: time_limit: It took longer than 1 s\n0 rendered, 1 failed" in done.stderr


def test_escape_sequences_of_a_script_do_nothing(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Text of strangers can't act on the terminal that shows it."""
    write(workplace / "a.py", PLOT)
    service.canned.append(failed("program_error", "\x1b]0;title\x07\n::add-mask::x\nE: \x1b[2J"))
    printed = figbox("render", "a.py", "-o", "out").stderr
    assert "\x1b" not in printed
    assert "\n    | ::add-mask::x" in printed
    assert "FAILED  a.py: program_error: E: \N{REPLACEMENT CHARACTER}[2J\n" in printed


@pytest.mark.parametrize(
    "answer",
    [
        rendered([]),
        rendered([figure(1, "svg")]),
        Canned(200, {"figures": 7}),
        Canned(500, problem(500, "Internal error")),
        Canned(200, None, {"Content-Type": "text/html"}, b"<html>"),
    ],
    ids=["no figure", "other format", "nonsense", "defect", "html"],
)
def test_bad_answer_is_the_services_fault_and_the_others_go_on(
    figbox: Figbox, service: Service, workplace: Path, answer: Canned
) -> None:
    """What makes no sense costs one script, and the exit status says that it wasn't the script."""
    write(workplace / "plots" / "a.py", "plt.bad()")
    write(workplace / "plots" / "b.py", PLOT)
    service.respond = lambda document: answer if "bad" in document["code"] else None
    done = figbox("render", "plots", "-o", "out")
    assert done.status == 3
    assert "LOST    plots/a.py: " in done.stderr
    assert set(outputs()) == {"b.png"}


def test_wrong_key_ends_the_run(figbox: Figbox, service: Service, workplace: Path, monkeypatch: Any) -> None:
    """No key is tried a thousand times; the reason is told once."""
    for number in range(100):
        write(workplace / "plots" / f"{number}.py", PLOT)
    monkeypatch.setenv("FIGBOX_API_KEY", "another")
    done = figbox("render", "plots", "-o", "out")
    assert done.status == 3
    assert done.stderr.count("Unauthorized") == 1
    assert "0 rendered, 100 not rendered" in done.stderr
    assert not Path("out").exists()


def test_refused_option_ends_the_run(figbox: Figbox, service: Service, workplace: Path) -> None:
    """An option that the service refuses would be refused for every script."""
    for name in "abcdefgh":
        write(workplace / f"{name}.py", PLOT)
    errors = [{"option": "style", "message": "there is no style 'nonsense'"}]
    service.respond = lambda _: Canned(400, problem(400, "Bad options", errors=errors))
    done = figbox("render", ".", "-o", "out", "--style", "nonsense", "--jobs", "1")
    assert done.status == 3
    assert "LOST    a.py: style: there is no style 'nonsense'\n0 rendered, 8 not rendered" in done.stderr
    assert len(service.renders) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Canned(400, problem(400, "Bad", errors=[{"option": "code", "message": "is empty"}])),
        Canned(400, problem(400, "Bad", errors=[{"option": "files.a.csv", "message": "is too large"}])),
        Canned(413, problem(413, "Body is larger than 1024 bytes")),
    ],
    ids=["code", "files", "size"],
)
def test_refused_script_fails_alone(figbox: Figbox, service: Service, workplace: Path, answer: Canned) -> None:
    """What is wrong with one script's code or files doesn't concern the others."""
    write(workplace / "a.py", "plt.bad()")
    write(workplace / "b.py", PLOT)
    service.respond = lambda document: answer if "bad" in document["code"] else None
    done = figbox("render", ".", "-o", "out")
    assert done.status == 1
    assert "FAILED  a.py: " in done.stderr
    assert set(outputs()) == {"b.png"}


def test_body_that_is_too_large_names_the_largest_file(figbox: Figbox, service: Service, workplace: Path) -> None:
    """What the service refuses for its size says which file to look at."""
    write(workplace / "a.py", PLOT + "'small.csv' 'large.csv'")
    write(workplace / "small.csv", "1")
    write(workplace / "large.csv", "1" * 100_000)
    service.canned.append(Canned(413, problem(413, "Body is larger than 1024 bytes")))
    printed = figbox("render", "a.py", "-o", "out").stderr
    assert "Body is larger than 1024 bytes; the largest of its data files is large.csv with 0.1 MiB" in printed


def test_busy_service_is_waited_for(figbox: Figbox, service: Service, workplace: Path) -> None:
    """More scripts than the service has places: all are rendered in the end, none is lost."""
    service.places = 2
    for number in range(20):
        write(workplace / "plots" / f"{number}.py", PLOT)
    service.gate.clear()
    threading.Timer(0.3, service.gate.set).start()
    done = figbox("render", "plots", "-o", "out", "--jobs", "6")
    assert done.status == 0, done.stderr
    assert len(outputs()) == 20
    assert service.peak == 2
    assert len(service.renders) > 20


def test_service_that_stays_busy_ends_the_run(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Patience has an end; what was rendered before stays."""
    for name in "abc":
        write(workplace / f"{name}.py", PLOT if name == "a" else "plt.busy()")
    busy = Canned(503, problem(503, "Queue is full"), {"Retry-After": "60"})
    service.respond = lambda document: busy if "busy" in document["code"] else None
    done = figbox("render", ".", "-o", "out", "--patience", "59", "--jobs", "1")
    assert done.status == 3
    assert "LOST    b.py: Queue is full\n1 rendered, 2 not rendered" in done.stderr
    assert set(outputs()) == {"a.png"}


def test_jobs_bounds_what_is_under_way(figbox: Figbox, service: Service, workplace: Path) -> None:
    """As many at once as were asked for, and no more."""
    for number in range(12):
        write(workplace / "plots" / f"{number}.py", PLOT)
    service.gate.clear()

    def open_the_gate() -> None:
        wait_until(lambda: service.running == 3)
        service.gate.set()

    thread = threading.Thread(target=open_the_gate)
    thread.start()
    assert figbox("render", "plots", "-o", "out", "-j", "3").status == 0
    thread.join(10)
    assert service.peak == 3


def test_nobody_at_the_address(figbox: Figbox, workplace: Path) -> None:
    """A service that isn't there is told once, with its address."""
    for name in "abcd":
        write(workplace / f"{name}.py", PLOT)
    url = f"http://127.0.0.1:{free_port()}"
    done = figbox("render", ".", "-o", "out", "--url", url, "--patience", "0")
    assert done.status == 3
    assert f"{url} can't be reached: Connection refused" in done.stderr
    assert "0 rendered, 4 not rendered" in done.stderr


def test_report_tells_what_kept_scripts_from_being_rendered(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Every script has its entry, those that were never sent as well."""
    for name in "abc":
        write(workplace / f"{name}.py", PLOT)
    service.canned.append(Canned(401, problem(401, "Unauthorized")))
    document = json.loads(figbox("render", ".", "-o", "out", "--json", "-j", "1").stdout)
    assert [entry["status"] for entry in document["scripts"]] == ["not_rendered"] * 3
    assert {entry["reason"] for entry in document["scripts"]} == {"unauthorized"}


def test_errors_are_marked_for_github(
    figbox: Figbox, service: Service, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In GitHub Actions a failing line is marked in the file itself."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    write(workplace / "plots" / "broken.py", BROKEN)
    printed = figbox("render", "plots", "-o", "out").stderr
    assert "\n::error file=plots/broken.py,line=2::program_error: ValueError: no good\n" in printed
