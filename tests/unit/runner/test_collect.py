"""What comes back beside pictures when a job collects: prints, files, warnings, places and digests."""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.support.runner import size_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runner import Reply, RunnerProcess

DRAWN = "\nplt.plot([1, 2])\n"


def test_prints_come_back_apart(collect: Callable[..., Reply]) -> None:
    """What is printed comes back whole and in order, separately for each stream, however it was written."""
    reply = collect(
        """
import os, sys
print("one")
sys.stdout.buffer.write("zwö\\n".encode()); sys.stdout.buffer.flush()
os.write(1, b"three\\n")
print("four", end="")
print("wrong", file=sys.stderr)
os.write(2, b"worse\\n")
sys.__stdout__.write(" five")
"""
        + DRAWN
    )
    assert reply.stdout == "one\nzwö\nthree\nfour five"
    assert reply.stderr == "wrong\nworse\n"
    assert reply.frames == "PE"


def test_nothing_is_lost_of_much(collect: Callable[..., Reply]) -> None:
    """Tens of thousands of lines come back completely, from several threads, too."""
    reply = collect(
        """
import threading
def count(begin):
    for n in range(begin, begin + 10_000): print(f"<{n}>")
threads = [threading.Thread(target=count, args=(k * 10_000,)) for k in range(1, 4)]
for t in threads: t.start()
count(0)
for t in threads: t.join()
print("end")
"""
        + DRAWN
    )
    assert sorted(map(int, re.findall(r"<(\d+)>", reply.stdout))) == list(range(40_000))
    assert reply.stdout.endswith("end\n")


def test_the_last_line_of_many_is_not_lost(collect: Callable[..., Reply]) -> None:
    """What was printed a moment before the end comes before the end, also when lines are no longer passed on singly."""
    reply = collect("import os\nfor n in range(1500): print(n)\nos.write(1, b'end')")
    assert reply.stdout.split() == [*map(str, range(1500)), "end"]


def test_large_prints_do_not_block(collect: Callable[..., Reply]) -> None:
    """A print longer than any pipe passes, by Python's stream and by the descriptor."""
    reply = collect("import os\nprint('x' * 3_000_000)\nos.write(1, b'y' * 3_000_000)\n" + DRAWN)
    assert reply.stdout == "x" * 3_000_000 + "\n" + "y" * 3_000_000


@pytest.mark.parametrize(
    "last_words",
    [
        "print('last words'); import ctypes; ctypes.string_at(0)",
        "print('last words'); os._exit(0)",
        "print('last words'); os.kill(os.getpid(), 9)",
        "sys.stdout.write('last words\\n'); os.abort()",
        "print('last words', end='', flush=True); os._exit(3)",
    ],
)
def test_last_words_before_a_crash_arrive(start: Callable[..., RunnerProcess], last_words: str) -> None:
    """What was printed just before the process dies has been passed on."""
    process = start("job")
    process.read_frame()
    process.send_job("import os, sys\n" + last_words, collect=True)
    kind, payload = process.read_frame()
    assert (kind, payload.strip()) == (b"O", b"last words")


def test_last_words_before_endless_c_code_arrive(start: Callable[..., RunnerProcess]) -> None:
    """What was printed before code that never lets go of the interpreter is passed on while that runs."""
    process = start("job")
    process.read_frame()
    process.send_job("print('last words')\nimport re\nre.match('(a+)+$', 'a' * 60 + 'b')", collect=True)
    assert process.read_frame() == (b"O", b"last words\n")
    assert process.process.poll() is None


@pytest.mark.parametrize(
    "ending",
    [
        "os.close(1); os.close(2)",
        "sys.stdout.close(); sys.stderr.close()",
        "os.closerange(0, 90)",
        "sys.stdout = sys.stderr = None",
        "sys.stdout = io.StringIO()",
        "os.dup2(os.open('log.txt', os.O_WRONLY | os.O_CREAT), 1)",
        "signal.signal(signal.SIGALRM, lambda *a: print('tick')); signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)",
        "threading.Thread(target=lambda: [print('x' * 1000) for _ in iter(int, 1)], daemon=True).start()",
        "sys.stdout.reconfigure(encoding='latin-1')",
    ],
)
def test_figure_survives_what_is_done_to_the_streams(collect: Callable[..., Reply], ending: str) -> None:
    """Whatever a program does to its streams, or goes on printing, its figure is drawn and nothing follows the end."""
    reply = collect(f"import io, os, signal, sys, threading\nprint('before')\nplt.figure()\n{ending}\n")
    assert reply.end["outcome"] == "ok"
    assert reply.stdout.startswith("before\n")


def test_streams_look_as_ever(collect: Callable[..., Reply]) -> None:
    """A program finds streams with the names, encodings and descriptors of a direct run."""
    reply = collect(
        """
import sys
for stream, name, number in ((sys.stdout, "<stdout>", 1), (sys.stderr, "<stderr>", 2)):
    assert (stream.name, stream.mode, stream.fileno(), stream.encoding) == (name, "w", number, "utf-8"), stream
    assert not stream.isatty() and stream.writable() and not stream.readable()
assert sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__
assert sys.stderr.errors == "backslashreplace"
import threading; assert threading.active_count() == 1
plt.figure()
"""
    )
    assert reply.end == {"outcome": "ok"}


def test_without_collecting_nothing_else_comes(draw: Callable[..., Reply]) -> None:
    """The reply to a plain job is its picture alone; prints go to stderr; files and warnings are dropped."""
    reply = draw("import warnings\nprint('x'); open('a.txt', 'w').write('x'); warnings.warn('x')\n" + DRAWN)
    assert (reply.frames, reply.stdout, reply.end) == ("PE", "", {"outcome": "ok"})
    assert reply.stderr.startswith("x\n") or "UserWarning" in reply.stderr
    assert reply.pictures[0][0] == {"figure": 1, "label": "", "format": "png", "pixels_sha256": None}


def test_data_files_lie_beside_the_program(draw: Callable[..., Reply]) -> None:
    """What came with the job is in the working directory when the program starts, byte for byte."""
    data = bytes(range(256)) * 5000
    reply = draw(
        "import helper\nassert open('a b.bin', 'rb').read() == bytes(range(256)) * 5000\n"
        "assert open('leer', 'rb').read() == b''\nassert open('ü.csv').read() == 'x,y'\nhelper.draw(plt)",
        files={"a b.bin": data, "leer": b"", "ü.csv": b"x,y", "helper.py": b"def draw(plt): plt.plot([1, 2])"},
    )
    assert reply.end == {"outcome": "ok"}


def test_data_file_that_cannot_be_written_is_told(draw: Callable[..., Reply]) -> None:
    """A job whose data can't be written isn't run, and the error names the file."""
    reply = draw("raise AssertionError", files={"a" * 300: b"x" * 100_000, "b": b"y"})
    assert reply.end["outcome"] == "program_error"
    assert reply.end["error"].startswith("The data file 'aaa")
    assert reply.end["error"].endswith("can't be written: File name too long.")


def test_written_files_come_back(collect: Callable[..., Reply]) -> None:
    """New and changed files come back with their contents, the smallest first; untouched data does not."""
    reply = collect(
        """
import os
os.makedirs("sub/folder")
open("sub/folder/deep.txt", "w").write("deep")
open("changed.csv", "a").write("!")
open("big.bin", "wb").write(bytes(1000))
open("empty", "w")
held = open("held.txt", "w"); held.write("not flushed")
plt.plot([1, 2]); plt.savefig("figure.png"); plt.savefig("figure.pdf")
open(".hidden", "w").write("x"); os.makedirs(".cache"); open(".cache/x", "w").write("x")
os.symlink("/etc/passwd", "link"); os.mkfifo("pipe"); os.symlink("/etc", "folder")
os.remove("gone.csv")
""",
        files={"changed.csv": b"1", "same.csv": b"1", "gone.csv": b"1"},
    )
    assert set(reply.files) == {
        "sub/folder/deep.txt", "changed.csv", "big.bin", "empty", "held.txt", "figure.png", "figure.pdf",
    }  # fmt: skip
    assert (reply.files["changed.csv"], reply.files["held.txt"]) == (b"1!", b"not flushed")
    sizes = [len(data) for data in reply.files.values()]
    assert sizes == sorted(sizes)
    assert reply.frames == "P" + "F" * 7 + "E"
    assert reply.end == {"outcome": "ok"}


def test_files_come_back_without_a_figure_too(collect: Callable[..., Reply]) -> None:
    """A program that saves its figures itself, or fails later, has still written them."""
    for ending, outcome in (("plt.close()", "no_figure"), ("1 / 0", "program_error")):
        reply = collect(f"plt.plot([1]); plt.savefig('a.png'); {ending}")
        assert reply.end["outcome"] == outcome
        assert size_of(reply.files["a.png"])
        assert reply.frames == "FE"


def test_too_many_files_are_left_out(collect: Callable[..., Reply]) -> None:
    """If there are too many files, the largest are left out, and the reply says so."""
    reply = collect("for n in range(70): open(f'{n:02}', 'w').write('x' * n)" + DRAWN)
    assert list(reply.files) == [f"{number:02}" for number in range(64)]
    assert reply.end == {"outcome": "ok", "files_left_out": True}


def test_files_fit_the_allowance(collect: Callable[..., Reply]) -> None:
    """Files never bring a reply over its output limit; what doesn't fit is left out, and the reply says so."""
    code = "open('small', 'wb').write(bytes(100))\nopen('large', 'wb').write(bytes(900_000))" + DRAWN
    reply = collect(code, output_limit_bytes=1 << 20)
    assert list(reply.files) == ["small"]
    assert reply.end["files_left_out"] is True
    assert list(collect(code, output_limit_bytes=2 << 20).files) == ["small", "large"]


def test_files_fill_the_allowance_to_the_last_byte_and_no_further(collect: Callable[..., Reply]) -> None:
    """With everything that the engine adds, the reply stays below the limit, whatever the limit is."""
    limit = 40 << 20
    reply = collect(
        f"for n in range(40): open(f'{{n:02}}', 'wb').write(bytes({limit} // 39))" + DRAWN, output_limit_bytes=limit
    )
    assert reply.end["files_left_out"] is True
    sent = sum(len(data) * (1 + 8 / 4096) for data in reply.files.values())
    assert limit * 0.9 < sent < limit - 256 * 1024


def test_odd_names_are_left_out(collect: Callable[..., Reply]) -> None:
    """Files with names that would forge a line or look like another are left out; all others come back unchanged."""
    reply = collect(
        """
import os
for name in (b"a\\nb", b"a\\\\b", b"\\xff", "\\u202egpj.exe".encode(), b"x" * 250):
    os.close(os.open(name, os.O_CREAT))
os.makedirs("y" * 200); open("y" * 200 + "/" + "z" * 60, "w").close()
open("日本 (1).csv", "w").close()
"""
        + DRAWN
    )
    assert set(reply.files) == {"x" * 250, "日本 (1).csv"}
    assert reply.end["files_left_out"] is True


def test_animation_comes_back_as_a_file(collect: Callable[..., Reply]) -> None:
    """A saved animation is a file like any other, and the figure shows its last frame."""
    code = """
from matplotlib.animation import FuncAnimation
fig, ax = plt.subplots()
(line,) = ax.plot([0, 1], [0, 0]); ax.set_ylim(-1, 5)
animation = FuncAnimation(fig, lambda n: line.set_ydata([0, n]), frames=5)
"""
    saved = collect(code + "animation.save('a.gif', writer='pillow')")
    with Image.open(io.BytesIO(saved.files["a.gif"])) as image:
        assert image.n_frames == 5
    still = collect(code.partition("animation =")[0] + "line.set_ydata([0, 4])")
    assert saved.png == still.png


def test_warnings_are_noted_and_shown_as_ever(collect: Callable[..., Reply]) -> None:
    """A warning is noted with its line where that is the program's, and printed as in a direct run."""
    reply = collect(
        """
import warnings
warnings.warn("first")
def old(): warnings.warn("second", DeprecationWarning, stacklevel=2)
old()
for _ in range(3): warnings.warn("once", RuntimeWarning)
np.log(np.array([-1.0]))
plt.plot([1, 2]); plt.legend()
"""
    )
    assert reply.end["notices"][:4] == [
        ["UserWarning", "first", 3],
        ["DeprecationWarning", "second", 5],
        ["RuntimeWarning", "once", 6],
        ["RuntimeWarning", "invalid value encountered in log", 7],
    ]
    assert reply.end["notices"][4][::2] == ["UserWarning", 8]
    assert "plot.py:3: UserWarning: first\n" in reply.stderr


def test_warnings_in_drawing_have_no_line(collect: Callable[..., Reply]) -> None:
    """Matplotlib's warnings while a figure is saved are noted, without a line."""
    reply = collect("plt.title('\\N{SNOWMAN WITHOUT SNOW}\\U0001F9CC')")
    assert reply.end["notices"]
    assert all((category, line) == ("UserWarning", None) for category, _, line in reply.end["notices"])


def test_program_rules_over_its_warnings(collect: Callable[..., Reply]) -> None:
    """A program's own filters, handlers and display of warnings work as in a direct run."""
    reply = collect(
        """
import logging, warnings
show = warnings.showwarning
with warnings.catch_warnings(record=True) as caught:
    warnings.warn("caught")
assert [str(w.message) for w in caught] == ["caught"]
warnings.simplefilter("ignore"); warnings.warn("ignored")
warnings.simplefilter("error")
try: warnings.warn("raised")
except UserWarning: pass
warnings.simplefilter("always")
seen = []
warnings.showwarning = lambda *args: seen.append(args); warnings.warn("shown")
assert len(seen) == 1
warnings.showwarning = show
logging.captureWarnings(True); warnings.warn("logged"); logging.captureWarnings(False)
plt.figure()
"""
    )
    assert reply.end == {"outcome": "ok"}, reply.end


def test_warnings_are_capped(collect: Callable[..., Reply]) -> None:
    """Of a thousand warnings a hundred come back, each of a bounded length."""
    reply = collect("import warnings\nfor n in range(1000): warnings.warn(f'{n} ' + 'x' * 5000)" + DRAWN)
    notices = reply.end["notices"]
    assert len(notices) == 100
    assert {len(message) for _, message, _ in notices} == {1000}


def test_digest_is_that_of_the_pixels(collect: Callable[..., Reply]) -> None:
    """The digest is that of the decoded pixels, as RGBA; SVG and PDF have none."""
    reply = collect("plt.plot([1, 2])", formats=["png", "jpeg", "webp", "svg", "pdf"], dpi=150)
    for head, data in reply.pictures:
        if head["format"] in ("svg", "pdf"):
            assert head["pixels_sha256"] is None
            continue
        with Image.open(io.BytesIO(data)) as image:
            assert head["pixels_sha256"] == hashlib.sha256(image.convert("RGBA").tobytes()).hexdigest()


def test_picture_that_is_none_has_no_digest(collect: Callable[..., Reply]) -> None:
    """If a program changes how figures are saved, its output is sent as it is: the gateway's check judges it."""
    reply = collect(
        "from matplotlib.backends.backend_agg import FigureCanvasAgg\n"
        "FigureCanvasAgg.print_png = lambda self, file, **options: file.write(b'junk')\nplt.figure()"
    )
    assert [(head["pixels_sha256"], data) for head, data in reply.pictures] == [(None, b"junk")]


def test_digest_takes_no_memory_that_is_not_there(collect: Callable[..., Reply]) -> None:
    """A picture whose pixels would take too much of the job's memory comes without a digest, instead of failing."""
    pixels = 4 * 320 * 240
    for memory, known in ((8 * pixels, True), (8 * (pixels - 1), False)):
        reply = collect("plt.figure()", memory_limit_bytes=memory)
        assert (reply.pictures[0][0]["pixels_sha256"] is not None) == known


def test_program_error_has_a_place(collect: Callable[..., Reply], draw: Callable[..., Reply]) -> None:
    """A program error has type, message, line, column and source line, with and without collecting."""
    for way in (collect, draw):
        reply = way("x = 1\nplt.plot([1, 2]); y = x / 0\n")
        assert reply.end["fault"] == {
            "type": "ZeroDivisionError",
            "message": "division by zero",
            "line": 2,
            "column": 23,
            "source": "plt.plot([1, 2]); y = x / 0",
            "hint": None,
        }


def test_no_figure_tells_how_many_were_drawn(collect: Callable[..., Reply]) -> None:
    """A program that closed all its figures learns how many there were."""
    reply = collect("for n in range(3): plt.figure(); plt.close()\nplt.figure(7); plt.figure(7); plt.close('all')")
    assert (reply.end["outcome"], reply.end["figures_drawn"]) == ("no_figure", 4)
    assert reply.end["error"] == "No figure is open at the end of the code: of the 4 it drew, all were closed."
    assert collect("x = 1").end["figures_drawn"] == 0
