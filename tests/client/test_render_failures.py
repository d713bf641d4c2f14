"""`figbox render` when scripts fail, and when the service refuses, is busy, or can't be reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import BROKEN, PLOT, Figbox, outputs, write
from tests.client.service import Canned, Service, failed, figure, opening_the_gate, problem, rendered, written
from tests.support.live import free_port


def test_failing_script_shows_its_traceback_and_the_others_go_on(figbox: Figbox, workplace: Path) -> None:
    """The error has file and line, the traceback is below it, and the exit status is 1."""
    write(workplace / "plots" / "a.py", PLOT)
    write(workplace / "plots" / "broken.py", BROKEN)
    write(workplace / "plots" / "z.py", PLOT)
    done = figbox("render", "plots", "-o", "out")
    assert done.status == 1
    assert set(outputs()) == {"a.png", "z.png"}
    assert "FAILED  plots/broken.py:2: program_error: ValueError: no good\n" in done.stderr
    assert "    |   File \"plot.py\", line 2, in <module>\n    |     raise ValueError('no good')\n" in done.stderr
    assert "2 rendered, 1 failed in " in done.stderr


FAULT = {"type": "SyntaxError", "message": "bad", "line": 3, "column": 2, "source": "x = ("}
LIMIT = {"name": "wall", "allowed": 1.0, "unit": "s", "used": 1.0}


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            failed("program_error", "SyntaxError: bad", fault=FAULT),
            ":3: program_error: SyntaxError: bad\n    | x = (\n",
        ),
        (
            failed("program_error", "SyntaxError: bad", fault=FAULT | {"hint": "close the\nbracket"}),
            ":3: program_error: SyntaxError: bad\n    | x = (\n    hint: close the bracket\n",
        ),
        (
            failed(
                "program_error", "E: bad\n\nclose it\nnow\n", fault=FAULT | {"hint": "close it now", "source": None}
            ),
            "    | close it\n    | now\n0 rend",
        ),
        (failed("time_limit", "It took longer than 1 s", limit=LIMIT), ": time_limit: It took longer than 1 s\n0 rend"),
    ],
    ids=["source", "hint", "hint in the text", "sentence"],
)
def test_failure_is_shown_once(figbox: Figbox, service: Service, workplace: Path, answer: Canned, shown: str) -> None:
    """Source line and hint are shown unless the message contains them; a sentence alone isn't repeated below."""
    write(workplace / "a.py", PLOT)
    service.canned.append(answer)
    done = figbox("render", "a.py", "-o", "out")
    assert done.status == 1
    assert "FAILED  a.py:" in done.stderr
    assert shown in done.stderr


def test_files_of_a_failing_script_are_kept(figbox: Figbox, service: Service, workplace: Path) -> None:
    """What the code wrote before it failed, or without a figure, is kept as that of others; else it is named."""
    write(workplace / "a.py", PLOT)
    files = [written("out/sales.png", b"saved"), written("../x", b"!")]
    answer = failed("no_figure", "No figure is open", figures={"drawn": 1, "closed": 1}, files=files)
    service.canned.append(answer)
    done = figbox("render", "a.py", "-o", "out")
    assert (done.status, outputs()) == (1, {})
    assert "it saved out/sales.png, ../x: --files keeps what a script saves" in done.stderr
    service.canned.append(answer)
    done = figbox("render", "a.py", "-o", "out", "--files", "--json")
    assert (done.status, outputs()) == (1, {"a.files/out/sales.png": "saved"})
    assert "its files are kept: out/a.files/out/sales.png" in done.stderr
    assert "not kept, because its name can't be used: '../x'" in done.stderr
    (entry,) = json.loads(done.stdout)["scripts"]
    assert [(file["path"], file["name"]) for file in entry["files"]] == [
        ("out/a.files/out/sales.png", "out/sales.png"),
        (None, "../x"),
    ]
    assert not list(workplace.parent.rglob("x"))


def test_files_of_a_failing_script_that_cannot_be_written_hide_nothing(
    figbox: Figbox, service: Service, workplace: Path
) -> None:
    """Both failures are told."""
    write(workplace / "a.py", PLOT)
    write(workplace / "out" / "a.files", "in the way")
    service.canned.append(failed("program_error", "E: no good", files=[written("x.csv", b"1")]))
    done = figbox("render", "a.py", "-o", "out", "--files")
    assert done.status == 1
    assert "can't be written" in done.stderr
    assert "E: no good" in done.stderr


def test_escape_sequences_of_a_script_do_nothing(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Untrusted text can't control the terminal."""
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
def test_bad_response_concerns_one_script(figbox: Figbox, service: Service, workplace: Path, answer: Canned) -> None:
    """The other scripts are rendered, and the exit status says that the service failed."""
    write(workplace / "plots" / "a.py", "plt.bad()")
    write(workplace / "plots" / "b.py", PLOT)
    service.respond = lambda document: answer if "bad" in document["code"] else None
    done = figbox("render", "plots", "-o", "out")
    assert done.status == 3
    assert "LOST    plots/a.py: " in done.stderr
    assert set(outputs()) == {"b.png"}


def test_wrong_key_ends_the_run(figbox: Figbox, service: Service, workplace: Path, monkeypatch: Any) -> None:
    """A wrong key isn't tried for every script; the reason is reported once."""
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
    """Errors in a script's code or files don't affect the others."""
    write(workplace / "a.py", "plt.bad()")
    write(workplace / "b.py", PLOT)
    service.respond = lambda document: answer if "bad" in document["code"] else None
    done = figbox("render", ".", "-o", "out")
    assert done.status == 1
    assert "FAILED  a.py: " in done.stderr
    assert set(outputs()) == {"b.png"}


def test_body_that_is_too_large_names_the_largest_file(figbox: Figbox, service: Service, workplace: Path) -> None:
    """If the service refuses the size, the error names the largest file."""
    write(workplace / "a.py", PLOT + "'small.csv' 'large.csv'")
    write(workplace / "small.csv", "1")
    write(workplace / "large.csv", "1" * 100_000)
    service.canned.append(Canned(413, problem(413, "Body is larger than 1024 bytes")))
    printed = figbox("render", "a.py", "-o", "out").stderr
    assert "Body is larger than 1024 bytes; the largest of its data files is large.csv with 0.1 MiB" in printed


def test_busy_service_is_waited_for(figbox: Figbox, service: Service, workplace: Path) -> None:
    """With more scripts than the service has places, all are rendered in the end."""
    service.places = 2
    for number in range(20):
        write(workplace / "plots" / f"{number}.py", PLOT)
    with opening_the_gate(service, lambda: len(service.renders) > service.places):
        done = figbox("render", "plots", "-o", "out", "--jobs", "6")
    assert done.status == 0, done.stderr
    assert len(outputs()) == 20
    assert service.peak == 2
    assert len(service.renders) > 20


def test_service_that_stays_busy_ends_the_run(figbox: Figbox, service: Service, workplace: Path) -> None:
    """The run ends when patience does; what was rendered before stays."""
    for name in "abc":
        write(workplace / f"{name}.py", PLOT if name == "a" else "plt.busy()")
    busy = Canned(503, problem(503, "Queue is full"), {"Retry-After": "60"})
    service.respond = lambda document: busy if "busy" in document["code"] else None
    done = figbox("render", ".", "-o", "out", "--patience", "59", "--jobs", "1")
    assert done.status == 3
    assert "LOST    b.py: Queue is full\n1 rendered, 2 not rendered" in done.stderr
    assert set(outputs()) == {"a.png"}


def test_jobs_bounds_what_is_under_way(figbox: Figbox, service: Service, workplace: Path) -> None:
    """At most so many are sent at once."""
    for number in range(12):
        write(workplace / "plots" / f"{number}.py", PLOT)
    with opening_the_gate(service, lambda: service.running == 3):
        assert figbox("render", "plots", "-o", "out", "-j", "3").status == 0
    assert service.peak == 3


def test_a_data_file_that_did_not_go_along(figbox: Figbox, service: Service, workplace: Path) -> None:
    """What the service says of it is for every client; the command says once what it has for that."""
    fault = {"type": "FileNotFoundError", "message": "no such file", "line": 1, "column": 1, "source": "x"}
    service.respond = lambda _: failed("program_error", "FileNotFoundError: no such file", fault=fault)
    for name in "ab":
        write(workplace / f"{name}.py", PLOT)
    said = figbox("render", "a.py", "b.py", "-o", "out").stderr
    assert said.count("go along if the script names them; --data names others\n") == 1
    said = figbox("check", "a.py", "b.py").stderr
    assert said.count("go along if the script names them; `data` in the configuration names others\n") == 1


def test_unreachable_address(figbox: Figbox, workplace: Path) -> None:
    """A service that can't be reached is reported once, with its address."""
    for name in "abcd":
        write(workplace / f"{name}.py", PLOT)
    url = f"http://127.0.0.1:{free_port()}"
    done = figbox("render", ".", "-o", "out", "--url", url, "--patience", "0")
    assert done.status == 3
    assert f"{url} can't be reached: Connection refused" in done.stderr
    assert "0 rendered, 4 not rendered" in done.stderr


def test_report_says_why_scripts_were_not_rendered(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Every script has its entry, also those that were never sent."""
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
