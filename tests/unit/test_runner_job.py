"""The runner's side of the protocol, with the runner as a real process on real pipes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import struct
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNNER = Path(__file__).parents[2] / "runner-image" / "runner.py"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">cI")
DEADLINE_S = 60


@dataclasses.dataclass
class Answer:
    """Everything that the runner said about one job."""

    png: bytes | None
    verdict: dict[str, Any]
    stderr: str


def environment(folder: Path) -> dict[str, str]:
    """What the image would set; the configuration folder is shared, so that the font list is made once."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(folder),
        "OPENBLAS_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
    }


@pytest.fixture(scope="session")
def config_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Matplotlib's configuration folder for all runners."""
    return tmp_path_factory.mktemp("mplconfig")


@pytest.fixture
def start(config_dir: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start runners with given arguments; whatever is left of them is killed."""
    started = []

    def start_runner(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, str(RUNNER), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(config_dir),
        )
        started.append(process)
        return process

    yield start_runner
    for process in started:
        process.kill()
        process.wait(DEADLINE_S)
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture
def draw(start: Callable[..., subprocess.Popen[bytes]]) -> Callable[..., Answer]:
    """Draw one program in a runner of its own."""

    def draw_job(code: str, *arguments: str, **options: Any) -> Answer:
        process = start("job", *arguments)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert read_frame(process) == (b"R", b"")
        send_job(process, code, **options)
        kind, payload = read_frame(process)
        png = None
        if kind == b"P":
            png = payload
            kind, payload = read_frame(process)
        assert kind == b"E"
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0
        assert process.stdout.read() == b""
        return Answer(png, json.loads(payload), process.stderr.read().decode(errors="replace"))

    return draw_job


def read_frame(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Read one frame."""
    assert process.stdout is not None
    kind, length = HEADER.unpack(process.stdout.read(HEADER.size))
    return kind, process.stdout.read(length)


def send_job(process: subprocess.Popen[bytes], code: str, **options: Any) -> None:
    """Send one job."""
    assert process.stdin is not None
    job = {"code": code, "dpi": 50, "bbox_inches": None, "wall_limit_s": 30} | options
    payload = json.dumps(job).encode()
    process.stdin.write(HEADER.pack(b"J", len(payload)) + payload)
    process.stdin.flush()


def size_of(png: bytes | None) -> tuple[int, int]:
    """Width and height that the PNG's header states."""
    assert png is not None
    assert png.startswith(PNG_SIGNATURE)
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_figure_comes_back(draw: Callable[..., Answer]) -> None:
    """A program that draws gets its figure at the job's dpi, and the verdict ok."""
    answer = draw("plt.plot(np.arange(3))")
    assert size_of(answer.png) == (320, 240)
    assert answer.verdict == {"outcome": "ok"}
    assert answer.stderr == ""


def test_null_options_are_matplotlibs_defaults(draw: Callable[..., Answer]) -> None:
    """Without dpi and box the program's own rcParams decide, as in a direct run."""
    answer = draw("plt.rcParams['savefig.dpi'] = 20; plt.figure(figsize=(2, 1))", dpi=None)
    assert size_of(answer.png) == (40, 20)


def test_current_figure_is_drawn(draw: Callable[..., Answer]) -> None:
    """Of several figures the current one is drawn."""
    answer = draw("plt.figure(1, figsize=(1, 1)); plt.figure(2, figsize=(3, 1)); plt.figure(1)")
    assert size_of(answer.png) == (50, 50)


@pytest.mark.parametrize(
    "code",
    ["x = 1", "plt.plot([1]); plt.close('all')", "", "plt.figure(); plt.savefig('a.png'); plt.close()"],
)
def test_no_open_figure_is_said(draw: Callable[..., Answer], code: str) -> None:
    """A program that leaves no figure open gets an outcome of its own and a sentence."""
    answer = draw(code)
    assert answer.png is None
    assert answer.verdict["outcome"] == "no_figure"
    assert answer.verdict["error"].startswith("No figure is open")


def test_program_runs_as_a_script(draw: Callable[..., Answer]) -> None:
    """The program finds what ``python plot.py`` would show it."""
    answer = draw(
        """
import dataclasses, inspect, os, pickle, sys, threading, typing

@dataclasses.dataclass
class Point:
    x: "int" = 1

assert __name__ == "__main__"
assert __file__ == os.path.join(os.getcwd(), "plot.py")
assert sys.argv == ["plot.py"]
assert sys.path[0] == os.getcwd()
assert sys.modules["__main__"].Point is Point
assert pickle.loads(pickle.dumps(Point(3))) == Point(3)
assert typing.get_type_hints(Point) == {"x": int}
assert "class Point" in inspect.getsource(Point)
assert threading.active_count() == 1
assert not {"runner", "cheap_import", "font_fallback"} & set(sys.modules)
assert not any(str(folder).endswith("runner-image") for folder in sys.path)
assert __debug__
assert sys.stdin.read() == ""
import gc; assert gc.isenabled()
plt.figure()
"""
    )
    assert answer.verdict == {"outcome": "ok"}, answer


def test_prints_cannot_corrupt_the_answer(draw: Callable[..., Answer]) -> None:
    """What the program writes to its stdout, by whatever way, goes to stderr."""
    answer = draw(
        """
import os, sys
print("by print")
sys.stdout.buffer.write(b"by buffer\\n")
os.write(1, b"by descriptor\\n")
plt.figure()
"""
    )
    assert answer.png is not None
    assert sorted(answer.stderr.splitlines()) == ["by buffer", "by descriptor", "by print"]


def test_show_is_harmless(draw: Callable[..., Answer]) -> None:
    """``plt.show()`` neither blocks, nor closes the figure, nor warns."""
    answer = draw("plt.plot([1, 2]); plt.show(); plt.pause(0.01)")
    assert answer.png is not None
    assert answer.stderr == ""


@pytest.mark.parametrize(
    "ending",
    [
        "import sys; sys.exit()",
        "raise SystemExit(0)",
        "import sys; sys.stdout.close(); sys.stderr.close()",
        "import builtins; builtins.print = builtins.open = None",
        "import os, tempfile; d = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)",
        "del plt, np",
        "plt.savefig = plt.gcf = plt.get_fignums = None",
        "from matplotlib.figure import Figure; Figure.savefig = lambda *a, **k: None",
        "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()",
        "import signal; signal.signal(signal.SIGALRM, lambda *a: 1 / 0); signal.setitimer(signal.ITIMER_REAL, 0.05)",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "import gc; gc.disable()",
        "import atexit, os; atexit.register(os._exit, 3)",
        "import sys; sys.setrecursionlimit(60)",
        "import sys; sys.settrace(lambda *a: 1 / 0); sys.setprofile(lambda *a: None)",
        "import os; os.closerange(3, 60)",
        "import json; json.dumps = None; import linecache; linecache.clearcache()",
    ],
)
def test_figure_survives_what_the_program_leaves_behind(draw: Callable[..., Answer], ending: str) -> None:
    """Whatever a program does to its interpreter before it ends, its figure is drawn."""
    answer = draw(f"plt.figure()\n{ending}\n")
    assert answer.verdict == {"outcome": "ok"}
    assert size_of(answer.png) == (320, 240)


def test_stdin_end_before_a_job_is_a_quiet_end(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """A warm runner whose gateway goes away exits with 0 and says nothing."""
    process = start("job")
    stdout, stderr = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, stdout, stderr) == (0, HEADER.pack(b"R", 0), b"")


def test_stdin_end_in_mid_job_ends_the_runner(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """A runner whose gateway dies does not finish its job."""
    process = start("job")
    read_frame(process)
    send_job(process, "import time\nwhile True: time.sleep(1)")
    stdout, _ = process.communicate(timeout=DEADLINE_S)
    assert stdout == b""


def test_idle_limit_ends_the_runner(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """A runner that nobody uses ends by itself."""
    process = start("job", "--idle-limit-s", "3")
    assert process.wait(DEADLINE_S) == 1


def test_wall_limit_needs_no_lock(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """A program that never lets go of the interpreter is ended, with a margin, by the runner itself."""
    process = start("job")
    read_frame(process)
    send_job(process, "import re\nre.match('(a+)+$', 'a' * 60 + 'b')", wall_limit_s=-4)
    assert process.wait(DEADLINE_S) == 1


@pytest.mark.parametrize("frame", [HEADER.pack(b"X", 0), HEADER.pack(b"J", 2**31)])
def test_other_frames_are_refused(start: Callable[..., subprocess.Popen[bytes]], frame: bytes) -> None:
    """Anything but a job of sane length is an error of ours, told by the exit code."""
    process = start("job")
    process.communicate(frame, timeout=DEADLINE_S)
    assert process.returncode == 2


def test_warm_up_leaves_no_trace(draw: Callable[..., Answer]) -> None:
    """After a warm-up the program finds no figure, no changed setting and no used random number."""
    code = """
import matplotlib, random
assert not plt.get_fignums()
assert plt.figure().number == 1
print(sorted(matplotlib.rcParams.items()))
print(np.random.get_state()[2], random.getstate()[1][-1])
plt.plot([1, 2])
"""
    warm, cold = draw(code, "--warm-up"), draw(code)
    assert warm.verdict == {"outcome": "ok"}, warm.verdict
    assert warm.stderr == cold.stderr
    assert warm.png == cold.png


def test_script_mode_draws(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """By hand: source on stdin, the picture on stdout, dpi 200; PEP 263 is honoured."""
    source = (
        b"# -*- coding: latin-1 -*-\nassert '\xe4' == chr(228)\nplt.figure(figsize=(1, 1)); plt.plot([1]); print(1)\n"
    )
    process = start("script")
    stdout, stderr = process.communicate(source, timeout=DEADLINE_S)
    assert (process.returncode, stderr) == (0, b"1\n")
    assert stdout.startswith(PNG_SIGNATURE)


def test_script_mode_fails(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """By hand: a failing program leaves stdout empty, its traceback on stderr, and exit code 1."""
    process = start("script")
    stdout, stderr = process.communicate(b"x = 1\n1 / 0\n", timeout=DEADLINE_S)
    assert (process.returncode, stdout) == (1, b"")
    assert stderr.decode().startswith(
        'Traceback (most recent call last):\n  File "plot.py", line 2, in <module>\n    1 / 0\n'
    )


def test_unknown_arguments_are_refused(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Arguments of nobody's are answered with a usage line."""
    process = start("dance")
    _, stderr = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert stderr.startswith(b"usage: ")


def test_probe_tells_the_sandbox(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """The probe says in one line what holds a job, and does no harm where nothing does."""
    process = start("probe")
    stdout, stderr = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, stderr
    view = json.loads(stdout)
    assert stdout.count(b"\n") == 1
    assert view["uid"] == os.getuid()
    assert set(view["refused"]) >= {"socket", "fork", "ptrace", "unshare", "keyctl", "io_uring_setup"}
    assert view["refused"]["socket"] is None
    assert "MPLCONFIGDIR" in view["environment"]


def test_facts_tell_what_draws(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """The facts name the versions, packages and fonts that decide how a figure comes out."""
    process = start("facts")
    stdout, stderr = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, stderr
    assert stdout.count(b"\n") == 1
    facts = json.loads(stdout)
    assert set(facts["versions"]) >= {"python", "matplotlib", "numpy", "freetype", "pillow", "zlib"}
    assert facts["versions"]["matplotlib"] == facts["packages"]["matplotlib"] == version("matplotlib")
    assert facts["packages"]["numpy"] == version("numpy")
    assert re.fullmatch("[0-9a-f]{64}", facts["fonts_sha256"])
