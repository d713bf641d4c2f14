"""`figbox render` as people and scripts call it, against a service that plays the contract."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from figbox.cli.values import RcSetting
from tests.client.conftest import Done, write
from tests.client.service import (
    KEY,
    Canned,
    Service,
    failed,
    figure,
    problem,
    rendered,
    running_service,
    wait_until,
    written,
)
from tests.support.live import ROOT, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    Figbox = Callable[..., Done]

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
TWO = "plt.figure()\nplt.figure()\n"
BROKEN = "x = 1\nraise ValueError('no good')\n"


def outputs(folder: str = "out") -> dict[str, str]:
    """Return what is below the output folder."""
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_file_gives_a_picture(figbox: Figbox, workplace: Path) -> None:
    """One script, one picture of its name, one line and a summary."""
    write(workplace / "plots" / "a.py", PLOT)
    done = figbox("render", "plots/a.py", "-o", "out")
    assert done.status == 0, done.stderr
    assert outputs() == {"a.png": "png of figure 1"}
    assert "ok      plots/a.py -> out/a.png (" in done.stderr
    assert "1 rendered in " in done.stderr
    assert not done.stdout


def test_folder_keeps_its_layout(figbox: Figbox, workplace: Path) -> None:
    """Scripts of one name in different folders don't meet."""
    for name in ("a.py", "sub/a.py", "sub/deep/b.py"):
        write(workplace / "plots" / name, PLOT)
    assert figbox("render", "plots", "-o", "out").status == 0
    assert set(outputs()) == {"a.png", "sub/a.png", "sub/deep/b.png"}


def test_figures_and_formats_are_numbered(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Every figure in every format, the first without a number."""
    write(workplace / "a.py", TWO)
    assert figbox("render", "a.py", "-o", "out", "--figures", "all", "-f", "png,svg", "-f", "pdf").status == 0
    assert outputs() == {
        f"a{number}.{name}": f"{name} of figure {figure_number}"
        for number, figure_number in (("", 1), ("-2", 2))
        for name in ("png", "svg", "pdf")
    }
    assert service.renders[0]["format"] == ["png", "svg", "pdf"]


def test_every_option_reaches_the_service(figbox: Figbox, service: Service, workplace: Path) -> None:
    """What is said on the command line is what is asked for, and nothing more."""
    write(workplace / "a.py", PLOT)
    arguments = (
        "--dpi 150 --width 4 --height 3.5 --bbox tight --transparent --style ggplot --style dark_background "
        "--rc axes.grid=True --rc font.family=serif,sans --figures current --environment science --timeout 9 "
        "--memory 256 --seed 7 --no-cache"
    )
    assert figbox("render", "a.py", "-o", "out", *shlex.split(arguments)).status == 0
    assert figbox("render", "a.py", "-o", "out").status == 0
    full, bare = service.renders
    assert full == {
        "code": PLOT,
        "format": ["png"],
        "dpi": 150,
        "width": 4,
        "height": 3.5,
        "bbox_inches": "tight",
        "transparent": True,
        "style": ["ggplot", "dark_background"],
        "rc": {"axes.grid": True, "font.family": "serif,sans"},
        "figures": "current",
        "environment": "science",
        "timeout_s": 9,
        "memory_mib": 256,
        "seed": 7,
        "cache": False,
    }
    assert bare == {"code": PLOT, "format": ["png"]}


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


def test_data_beside_a_script_goes_along(figbox: Figbox, service: Service, workplace: Path) -> None:
    """A file whose name is in the script, for that script alone."""
    write(workplace / "plots" / "a.py", PLOT + "pd.read_csv('data.csv')")
    write(workplace / "plots" / "b.py", PLOT)
    write(workplace / "plots" / "data.csv", "x,y\n1,2\n")
    assert figbox("render", "plots", "-o", "out").status == 0
    sent = {document["code"]: document.get("files") for document in service.renders}
    assert sent == {PLOT + "pd.read_csv('data.csv')": {"data.csv": {"text": "x,y\n1,2\n"}}, PLOT: None}


def test_data_can_be_named_and_left_out(figbox: Figbox, service: Service, workplace: Path) -> None:
    """`--data` sends a file with every script and outweighs one beside it; `--no-data` keeps those beside at home."""
    write(workplace / "plots" / "a.py", PLOT + "'data.csv' 'other.csv'")
    write(workplace / "plots" / "data.csv", "beside")
    write(workplace / "plots" / "other.csv", "beside")
    write(workplace / "shared" / "data.csv", "named")
    figbox("render", "plots", "-o", "out", "--data", "shared/*.csv")
    figbox("render", "plots", "-o", "out", "--data", "shared/data.csv", "--no-data")
    figbox("render", "plots", "-o", "out", "--no-data")
    assert [document.get("files") for document in service.renders] == [
        {"data.csv": {"text": "named"}, "other.csv": {"text": "beside"}},
        {"data.csv": {"text": "named"}},
        None,
    ]


def test_data_that_is_too_large_fails_its_script_alone(figbox: Figbox, service: Service, workplace: Path) -> None:
    """The file is named, nothing of that script is sent, and the others are rendered."""
    write(workplace / "plots" / "a.py", PLOT + "'big.bin'")
    write(workplace / "plots" / "b.py", PLOT)
    write(workplace / "plots" / "big.bin", bytes(2 * 1024 * 1024))
    done = figbox("render", "plots", "-o", "out", "--data-limit", "1")
    assert done.status == 1
    assert "FAILED  plots/a.py: data file plots/big.bin is 2.0 MiB, and a script's data may come to 1.0" in done.stderr
    assert [document["code"] for document in service.renders] == [PLOT]
    assert set(outputs()) == {"b.png"}


def test_standard_input_and_output_make_a_filter(figbox: Figbox, service: Service, workplace: Path) -> None:
    """`-` in and `-` out: code through a pipe, the picture through another."""
    done = figbox("render", "-", "-o", "-", stdin=PLOT)
    assert (done.status, done.stdout) == (0, "png of figure 1")
    assert figbox("render", "-", "-o", "out", stdin=PLOT).status == 0
    assert outputs() == {"stdin.png": "png of figure 1"}


@pytest.mark.parametrize(
    "arguments",
    [["--json"], ["--files"], ["-f", "png,svg"], ["--figures", "all"], ["b.py"]],
    ids=lambda arguments: arguments[0],
)
def test_standard_output_takes_one_picture_only(figbox: Figbox, workplace: Path, arguments: list[str]) -> None:
    """Whatever could give more than one picture is refused beforehand."""
    write(workplace / "a.py", PLOT)
    write(workplace / "b.py", PLOT)
    done = figbox("render", "a.py", "-o", "-", *arguments)
    assert done.status == 2
    assert "standard output" in done.stderr


def test_files_that_the_code_wrote_are_kept_on_demand(figbox: Figbox, service: Service, workplace: Path) -> None:
    """They lie in a folder of the script's name; names that could do harm are told and left out."""
    write(workplace / "plots" / "a.py", PLOT)
    hostile = ["../../escaped.txt", "/tmp/escaped.txt", ".bashrc", "a\x1b[31m"]
    files = [written("table.csv", b"1,2"), written("sub/more.txt", b"3"), *(written(name, b"!") for name in hostile)]
    service.respond = lambda document: rendered([figure(1, *document["format"])], files=files)
    assert figbox("render", "plots", "-o", "out").status == 0
    assert set(outputs()) == {"a.png"}
    done = figbox("render", "plots", "-o", "out", "--files")
    assert done.status == 0
    assert outputs() == {"a.png": "png of figure 1", "a.files/table.csv": "1,2", "a.files/sub/more.txt": "3"}
    assert "out/a.png, 2 files" in done.stderr
    assert "not kept, for its name can't be used: '../../escaped.txt'" in done.stderr
    assert "\x1b" not in done.stderr
    assert not list(workplace.parent.rglob("escaped.txt"))
    # Python files among them are no scripts of the next run.
    files.append(written("evil.py", PLOT.encode()))
    figbox("render", ".", "-o", "out", "--files")
    count = len(service.renders)
    figbox("render", ".", "-o", "out", "--files")
    assert len(service.renders) == count + 1


def test_pictures_of_two_scripts_never_share_a_name(figbox: Figbox, workplace: Path) -> None:
    """The second figure of a.py and the first of a-2.py: one script fails, no picture is another's."""
    write(workplace / "plots" / "a.py", TWO)
    write(workplace / "plots" / "a-2.py", "plt.plot()")
    done = figbox("render", "plots", "-o", "out", "--figures", "all")
    assert done.status == 1
    assert "FAILED  plots/a.py: a-2.png is the name of a picture of plots/a-2.py" in done.stderr
    assert outputs()["a-2.png"] == "png of figure 1"


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.5", 2.5),
        ("3", 3),
        ("true", True),
        ("False", False),
        ("[4, 3]", [4, 3]),
        ('"0.5"', "0.5"),
        ("serif", "serif"),
        ("serif,sans", "serif,sans"),
        ("a=b", "a=b"),
        ("", ""),
        ("null", "null"),
        ("NaN", "NaN"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_values_of_rc_are_json_or_words(text: str, value: object) -> None:
    """Numbers, truth values and lists have their types; a number that is meant as a word is quoted."""
    assert RcSetting().convert(f"font.size = {text}", None, None) == ("font.size", value)


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


def test_report_for_programs(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Standard output is one JSON document with everything but the bytes; people read standard error."""
    write(workplace / "plots" / "a.py", PLOT + "'data.csv'")
    write(workplace / "plots" / "broken.py", BROKEN)
    write(workplace / "plots" / "data.csv", "1")
    done = figbox("render", "plots", "-o", "out", "--json")
    assert done.status == 1
    document = json.loads(done.stdout)
    assert document["service"] == service.url
    summary = document["summary"]
    assert summary.pop("seconds") > 0
    assert summary == {"scripts": 2, "rendered": 1, "failed": 1, "not_rendered": 0}
    good, bad = document["scripts"]
    assert (good["script"], good["status"], good["outcome"]) == ("plots/a.py", "rendered", "ok")
    assert good["data"] == ["data.csv"]
    (picture,) = good["pictures"]
    assert picture["path"] == "out/a.png"
    assert (picture["figure"], picture["format"], picture["bytes"]) == (1, "png", 15)
    assert good["manifest"]["image"] == "sha256:0123"
    assert (bad["status"], bad["outcome"], bad["reason"]) == ("failed", "program_error", "code")
    assert bad["fault"]["line"] == 2
    assert "no good" in bad["error"]
    assert "rendered, 1 failed" in done.stderr


def test_report_tells_what_kept_scripts_from_being_rendered(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Every script has its entry, those that were never sent as well."""
    for name in "abc":
        write(workplace / f"{name}.py", PLOT)
    service.canned.append(Canned(401, problem(401, "Unauthorized")))
    document = json.loads(figbox("render", ".", "-o", "out", "--json", "-j", "1").stdout)
    assert [entry["status"] for entry in document["scripts"]] == ["not_rendered"] * 3
    assert {entry["reason"] for entry in document["scripts"]} == {"unauthorized"}


def test_quiet_and_verbose(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Quiet is silent about what went well; verbose shows what scripts said."""
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


def test_answers_from_the_cache_are_marked(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Whoever measures sees what wasn't rendered anew."""
    write(workplace / "a.py", PLOT)
    service.canned.append(rendered([figure(1, "png")], cached=True))
    printed = figbox("render", "a.py", "-o", "out").stderr
    assert "ok      a.py -> out/a.png (cached)\n1 rendered, 1 from the cache in " in printed


def test_errors_are_marked_for_github(
    figbox: Figbox, service: Service, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In GitHub Actions a failing line is marked in the file itself."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    write(workplace / "plots" / "broken.py", BROKEN)
    printed = figbox("render", "plots", "-o", "out").stderr
    assert "\n::error file=plots/broken.py,line=2::program_error: ValueError: no good\n" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.py"], "Missing option '-o'"),
        (["-o", "out"], "Missing argument"),
        (["a.py", "-o", "out", "--dpi", "9"], "--dpi"),
        (["a.py", "-o", "out", "--dpi", "1201"], "--dpi"),
        (["a.py", "-o", "out", "-f", "gif"], "'gif' is not one of png, svg, pdf, jpeg, webp"),
        (["a.py", "-o", "out", "--rc", "nonsense"], "'nonsense' is not NAME=VALUE"),
        (["a.py", "-o", "out", "--bbox", "loose"], "--bbox"),
        (["a.py", "-o", "out", "--seed", "4294967296"], "--seed"),
        (["a.py", "-o", "out", "--jobs", "0"], "--jobs"),
        (["a.py", "-o", "out", "--api-key", "x"], "No such option"),
        (["a.py", "-o", "a.py"], "a.py is not a folder"),
        (["b.py", "-o", "out"], "no such file or folder: b.py"),
        (["a.py", "-o", "out", "--data", "b.csv"], "no such file: b.csv"),
        (["a.py", "-o", "out", "--url", "nowhere"], "not the address of a service"),
        (["a.py", "-o", "out", "--key-file", "none"], "key file none can't be read: No such file"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_sent(
    figbox: Figbox, service: Service, workplace: Path, arguments: list[str], message: str
) -> None:
    """Exit status 2, a reason, and not one request."""
    write(workplace / "a.py", PLOT)
    done = figbox("render", *arguments)
    assert done.status == 2
    assert message in done.stderr
    assert not service.asked


def test_missing_key_says_how_to_give_one(figbox: Figbox, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing is sent, and both ways of giving one are named."""
    monkeypatch.delenv("FIGBOX_API_KEY")
    write(workplace / "a.py", PLOT)
    done = figbox("render", "a.py", "-o", "out")
    assert done.status == 2
    assert "no key: set FIGBOX_API_KEY, or name a file that holds it with --key-file" in done.stderr


@pytest.fixture
def started(service: Service, workplace: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Start the command as a process of its own."""

    def start(*arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        environment = {
            name: value for name, value in os.environ.items() if name not in {"CI", "GITHUB_ACTIONS", "NO_COLOR"}
        }
        settings = {"PYTHONPATH": str(ROOT), "FIGBOX_URL": service.url, "FIGBOX_API_KEY": KEY, "TERM": "xterm"}
        return subprocess.Popen(
            [sys.executable, "-m", "figbox", *arguments], cwd=workplace, env={**environment, **settings}, **streams
        )

    return start


def test_terminal_sees_a_bar(
    service: Service, workplace: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """On a terminal there is a bar while it goes on; the lines and the summary stay, the bar doesn't."""
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
    while True:
        try:
            came = os.read(ours, 65536)
        except OSError:  # what Linux says when nobody has the other end any more
            break
        if not came:
            break
        printed += came
    os.close(ours)
    assert process.wait(30) == 0
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.read() == b""
    assert b"rendering" in printed
    assert b"plots/0.py -> out/0.png" in printed
    assert re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\r", b"", printed).splitlines()[-1].startswith(b"3 rendered in ")


def test_interrupt_ends_it_and_its_jobs(
    service: Service, workplace: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Ctrl-C: exit status 130, no traceback, and the service is rid of the jobs."""
    write(workplace / "a.py", PLOT)
    service.gate.clear()
    process = started("render", "a.py", "-o", "out", stderr=subprocess.PIPE)
    wait_until(lambda: service.running == 1)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"interrupted" in printed
    assert b"Traceback" not in printed
    wait_until(lambda: service.running == 0)


def test_two_services_are_told_apart_by_flag(figbox: Figbox, service: Service, workplace: Path) -> None:
    """A flag outweighs the environment; where the address comes from is said unless it was typed."""
    write(workplace / "a.py", PLOT)
    with running_service() as other:
        done = figbox("render", "a.py", "-o", "out", "--url", other.url)
        assert (len(other.renders), len(service.renders)) == (1, 0)
        assert "service:" not in done.stderr
    assert f"service: {service.url} (from the environment)" in figbox("render", "a.py", "-o", "out").stderr
