"""The runner's side of the protocol, with the runner as a real process on real pipes."""

from __future__ import annotations

import json
import os
import re
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from tests.support.runner import DEADLINE_S, HEADER, PNG_SIGNATURE, size_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runner import Reply, RunnerProcess


def ended(process: RunnerProcess, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """Send a runner some bytes and the end of its stdin; return its exit code, and what it wrote."""
    stdout, stderr = process.process.communicate(stdin, timeout=DEADLINE_S)
    return process.process.returncode, stdout, stderr


def test_figure_comes_back(draw: Callable[..., Reply]) -> None:
    """A program that draws gets its figure at the job's dpi, and the outcome ok."""
    reply = draw("plt.plot(np.arange(3))")
    assert size_of(reply.png) == (320, 240)
    assert reply.end == {"outcome": "ok"}
    assert reply.stderr == ""


def test_null_options_are_matplotlibs_defaults(draw: Callable[..., Reply]) -> None:
    """Without dpi and box the program's own rcParams decide, as in a direct run."""
    reply = draw("plt.rcParams['savefig.dpi'] = 20; plt.figure(figsize=(2, 1))", dpi=None)
    assert size_of(reply.png) == (40, 20)


def test_current_figure_is_drawn(draw: Callable[..., Reply]) -> None:
    """Of several figures the current one is drawn."""
    reply = draw("plt.figure(1, figsize=(1, 1)); plt.figure(2, figsize=(3, 1)); plt.figure(1)")
    assert size_of(reply.png) == (50, 50)


@pytest.mark.parametrize(
    "code",
    ["x = 1", "plt.plot([1]); plt.close('all')", "", "plt.figure(); plt.savefig('a.png'); plt.close()"],
)
def test_no_open_figure_is_said(draw: Callable[..., Reply], code: str) -> None:
    """A program that leaves no figure open has an outcome and a sentence of its own."""
    reply = draw(code)
    assert reply.png is None
    assert reply.end["outcome"] == "no_figure"
    assert reply.end["error"].startswith("No figure is open")


def test_program_runs_as_a_script(draw: Callable[..., Reply]) -> None:
    """The program finds what ``python plot.py`` would show it."""
    reply = draw(
        """
import dataclasses, inspect, os, pickle, sys, threading, typing

@dataclasses.dataclass
class Point:
    x: "int" = 1

assert __name__ == "__main__"
assert sorted(name for name in dir() if name.startswith("__")) == [
    *("__annotations__", "__builtins__", "__cached__", "__doc__", "__file__", "__loader__", "__name__", "__package__"),
    "__spec__",
]
assert __cached__ is __doc__ is __package__ is __spec__ is None and __annotations__ == {}
assert __loader__.get_filename() == __file__
assert __builtins__ is sys.modules["builtins"]
assert __file__ == os.path.join(os.getcwd(), "plot.py")
assert sys.argv == ["plot.py"]
assert sys.path[0] == os.getcwd()
assert sys.modules["__main__"].Point is Point
assert pickle.loads(pickle.dumps(Point(3))) == Point(3)
assert typing.get_type_hints(Point) == {"x": int}
assert "class Point" in inspect.getsource(Point)
assert threading.active_count() == 1
assert not [name for name, module in sys.modules.items() if "runner-image" in str(getattr(module, "__file__", ""))]
assert not any(str(folder).endswith("runner-image/runner") for folder in sys.path)
assert __debug__
assert sys.stdin.read() == ""
import gc; assert gc.isenabled()
plt.figure()
"""
    )
    assert reply.end == {"outcome": "ok"}, reply


def test_prints_cannot_corrupt_the_answer(draw: Callable[..., Reply]) -> None:
    """Whatever the program writes to its stdout goes to stderr, however it writes it."""
    reply = draw(
        """
import os, sys
print("by print")
sys.stdout.buffer.write(b"by buffer\\n")
os.write(1, b"by descriptor\\n")
plt.figure()
"""
    )
    assert reply.png is not None
    assert sorted(reply.stderr.splitlines()) == ["by buffer", "by descriptor", "by print"]


def test_show_is_harmless(draw: Callable[..., Reply]) -> None:
    """``plt.show()`` neither blocks, nor closes the figure, nor warns."""
    reply = draw("plt.plot([1, 2]); plt.show(); plt.pause(0.01)")
    assert reply.png is not None
    assert reply.stderr == ""


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
def test_figure_survives_what_the_program_leaves_behind(draw: Callable[..., Reply], ending: str) -> None:
    """Whatever a program does to its interpreter before it ends, its figure is drawn."""
    reply = draw(f"plt.figure()\n{ending}\n")
    assert reply.end == {"outcome": "ok"}
    assert size_of(reply.png) == (320, 240)


def test_stdin_end_before_a_job_is_a_quiet_end(start: Callable[..., RunnerProcess]) -> None:
    """A warm runner whose gateway goes away exits with 0 and writes nothing."""
    assert ended(start("job")) == (0, HEADER.pack(b"R", 0), b"")


@pytest.mark.parametrize("frame", [HEADER.pack(b"X", 0), HEADER.pack(b"J", 2**31)])
def test_other_frames_are_refused(start: Callable[..., RunnerProcess], frame: bytes) -> None:
    """Anything but a job of a valid length is an error of ours, shown by the exit code."""
    assert ended(start("job"), frame)[0] == 2


def test_script_mode_draws(start: Callable[..., RunnerProcess]) -> None:
    """Run by hand: source on stdin, the picture on stdout, dpi 200; PEP 263 is honoured."""
    source = (
        b"# -*- coding: latin-1 -*-\nassert '\xe4' == chr(228)\nplt.figure(figsize=(1, 1)); plt.plot([1]); print(1)\n"
    )
    code, stdout, stderr = ended(start("script"), source)
    assert (code, stderr) == (0, b"1\n")
    assert stdout.startswith(PNG_SIGNATURE)


def test_script_mode_fails(start: Callable[..., RunnerProcess]) -> None:
    """Run by hand: a failing program gives an empty stdout, its traceback on stderr, and exit code 1."""
    code, stdout, stderr = ended(start("script"), b"x = 1\n1 / 0\n")
    assert (code, stdout) == (1, b"")
    assert stderr.startswith(b'Traceback (most recent call last):\n  File "plot.py", line 2, in <module>\n    1 / 0\n')


def test_unknown_arguments_are_refused(start: Callable[..., RunnerProcess]) -> None:
    """Unknown arguments give a usage line."""
    code, _, stderr = ended(start("dance"))
    assert (code, stderr[:7]) == (2, b"usage: ")


def test_probe_tells_the_sandbox(start: Callable[..., RunnerProcess]) -> None:
    """The probe reports in one line what confines a job, and does no harm where nothing does."""
    code, stdout, stderr = ended(start("probe"))
    assert (code, stdout.count(b"\n")) == (0, 1), stderr
    view = json.loads(stdout)
    assert view["uid"] == os.getuid()
    assert {"interfaces", "uid", "gid", "groups", "status", "writable", "tmp", "refused"} <= set(view)
    calls = {"socket", "fork", "chmod", "mount", "ptrace", "unshare", "keyctl", "io_uring_setup"}
    assert set(view["refused"]) >= calls
    assert view["refused"]["socket"] is None
    assert "MPLCONFIGDIR" in view["environment"]


def test_facts_tell_what_draws(start: Callable[..., RunnerProcess]) -> None:
    """The facts name the versions, packages and fonts that decide how a figure looks."""
    code, stdout, stderr = ended(start("facts"))
    assert (code, stdout.count(b"\n")) == (0, 1), stderr
    facts = json.loads(stdout)
    assert set(facts["versions"]) >= {"python", "matplotlib", "numpy", "freetype", "pillow", "zlib"}
    assert facts["versions"]["matplotlib"] == facts["packages"]["matplotlib"] == version("matplotlib")
    assert facts["packages"]["numpy"] == version("numpy")
    assert re.fullmatch("[0-9a-f]{64}", facts["fonts_sha256"])
