"""The program in the container: draws the figure of one job, then has nothing left to do.

Theory of operation
===================

Who starts whom. The engine starts this file as process 1 of a container that holds no secret and has
no network. It imports Matplotlib *before* it knows of any job, so a warm container has paid for the
import and has seen nothing of anyone. One job is drawn in this very process; there is no child, and
under the image's seccomp list there can be none.

Which stream carries what. Three modes, chosen by argv:

``script``
    stdin: Python source until end of file. stdout: the PNG. stderr: the program's own output, then
    the traceback. Exit code 0, or 1 when there is no picture. For use by hand.
``job``
    stdin and stdout carry frames: one byte kind, four bytes big-endian length, payload.

    ======== ==== ===================================================================================
    sender   kind payload
    ======== ==== ===================================================================================
    runner   R    empty: the import is done, a job can come
    gateway  J    JSON ``{"code": str, "dpi": number|null, "bbox_inches": "tight"|null,
                  "wall_limit_s": number}``
    runner   P    the PNG; only when there is one
    runner   E    JSON ``{"outcome": "ok"}`` or ``{"outcome": "program_error"|"no_figure", "error": str}``
    ======== ==== ===================================================================================

    stdin stays open after the job. The program's output goes to stderr.
``probe``
    stdout: one line of JSON that says what the sandbox looks like from inside (see probe.py).
``facts``
    stdout: one line of JSON that says what the image is made of (see facts.py).

``import`` does the import of the other modes and exits; benchmarks/import_steps.py measures it.

The descriptors the engine gave us are moved out of the way first: fd 0 becomes /dev/null and fd 1
becomes stderr, so that a ``print`` can't corrupt the answer. That is tidiness, not a boundary: hostile
code can find the private copies, and the gateway judges every byte it gets as hostile.

Who kills whom, and when. The gateway kills the container after the answer or at the deadline; that is
the only end that counts. The rest makes sure that nothing outlives a gateway that died:

* stdin at end of file before a job: exit 0, quietly; it happens to every warm container at shutdown;
* stdin at end of file after the job has come: a thread of ours ends the process at once;
* no job within the idle limit, or wall limit plus a margin exceeded: a C thread of ``faulthandler``
  ends the process. It needs no GIL, so a program stuck in C code can't hold it off. An alarm would not
  do: signals whose action is the default one are not delivered to process 1.

What the program sees is what ``python plot.py`` would show it, in a working directory of its own, with
``plt`` and ``np`` bound beforehand. Its failure is a value: an outcome and the traceback of its own
frames. Ours is an exit code.
"""

from __future__ import annotations

import _thread
import contextlib
import faulthandler
import fcntl
import io
import json
import linecache
import os
import signal
import struct
import sys
import traceback
import types
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import cheap_import

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM_NAME = "plot.py"
PROGRAM_FILE = f"{cheap_import.WORK_DIR}/{PROGRAM_NAME}"
FRAME_HEADER = struct.Struct(">cI")
JOB_FRAME_LIMIT_BYTES = 16 * 1024 * 1024
VERDICT_LIMIT_BYTES = 64 * 1024
"""The E frame's whole payload, JSON escapes included; the gateway reads no more."""
OWN_FRAMES_LIMIT = 1000
"""Frames shown of one exception: a deep recursion must not make the report endless."""
LOWEST_PRIVATE_FD = 100
WALL_LIMIT_MARGIN_S = 5.0
IDLE_LIMIT_S = 900.0
SCRIPT_DPI = 200.0

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_START = 2


class Streams(NamedTuple):
    """Private copies of the descriptors that the engine gave us."""

    job: int
    answer: int
    nowhere: int


class Job(NamedTuple):
    """One submission, as the gateway sent it (it has checked it) or as stdin held it."""

    code: str | bytes
    dpi: float | None
    bbox_inches: str | None
    wall_limit_s: float | None


class Verdict(NamedTuple):
    """What became of a job; ``png`` is None exactly when the outcome is not ``ok``."""

    outcome: str
    png: bytes | None
    error: str


# -- streams ---------------------------------------------------------------------------------------


def claim_streams() -> Streams:
    """Move stdin and stdout to private descriptors and give the program harmless ones.

    Source: fcntl(2), F_DUPFD_CLOEXEC gives the lowest free descriptor at or above its argument.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    job, answer, private_nowhere = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOWEST_PRIVATE_FD) for fd in (0, 1, nowhere))
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    if nowhere > 2:  # noqa: PLR2004  # the engine may have started us with a standard descriptor closed
        os.close(nowhere)
    return Streams(job, answer, private_nowhere)


def read_exactly(fd: int, count: int) -> bytes | None:
    """Read ``count`` bytes; None when the stream ends before them."""
    chunks = []
    while count:
        chunk = os.read(fd, min(count, 1 << 20))
        if not chunk:
            return None
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def read_to_end(fd: int) -> bytes:
    """Read until end of file."""
    chunks = []
    while chunk := os.read(fd, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte, however small the pipe's portions are."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_frame(fd: int, kind: bytes, payload: bytes = b"") -> None:
    """Write one frame of the job mode."""
    write_all(fd, FRAME_HEADER.pack(kind, len(payload)) + payload)


# -- ends that need nobody's help ------------------------------------------------------------------


def exit_after(seconds: float, streams: Streams) -> None:
    """End this process when the time is over, even while C code holds the GIL; replaces an earlier call.

    Source: faulthandler.dump_traceback_later runs in a thread without Python state and calls _exit(1).
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=streams.nowhere)


def exit_when_stdin_ends(streams: Streams) -> None:
    """Start a thread that ends this process when the gateway closes stdin or dies.

    A bare thread: it doesn't show in the program's ``threading.enumerate()``.
    """

    def watch() -> None:
        try:
            read_to_end(streams.job)
        finally:
            os._exit(EXIT_OK)

    _thread.start_new_thread(watch, ())


# -- the program -----------------------------------------------------------------------------------


def draw(job: Job) -> Verdict:
    """Run the program of ``job`` and draw its current figure.

    The one place that catches everything: whatever the program raises is its verdict, not our failure.
    """
    # Taken before the program runs, so that what it replaces in Matplotlib's modules can't confuse us.
    from matplotlib._pylab_helpers import Gcf  # noqa: PLC0415  # only after the measured import
    from matplotlib.figure import Figure  # noqa: PLC0415

    save_figure = Figure.savefig
    recursion_limit = sys.getrecursionlimit()
    lines: list[str] = []
    try:
        source = decode_source(job.code)
        lines = source.splitlines(keepends=True)
        remember_source(lines)
        # Direct runs assert; this interpreter's -OO is for the libraries alone.
        program = compile(source, PROGRAM_NAME, "exec", dont_inherit=True, optimize=0)
        try:
            exec(program, prepare_main_module())  # noqa: S102  # the purpose of the whole container
        except SystemExit as stop:
            if stop.code not in (None, 0):
                raise
        sys.settrace(None)  # here, for calling any function of ours would set the program's tracer off
        sys.setprofile(None)
        calm_down(recursion_limit)
        manager = Gcf.get_active()
        if manager is None:
            return Verdict(
                "no_figure",
                None,
                "No figure is open at the end of the code: it drew none, or closed what it drew.",
            )
        options: dict[str, Any] = {"format": "png"}
        if job.dpi is not None:
            options["dpi"] = job.dpi
        if job.bbox_inches is not None:
            options["bbox_inches"] = job.bbox_inches
        picture = io.BytesIO()
        # Not plt.savefig: its draw_idle() draws the figure a second time, 12 ms for a line plot.
        save_figure(manager.canvas.figure, picture, **options)
        return Verdict("ok", picture.getvalue(), "")
    except BaseException as fault:  # noqa: BLE001
        sys.settrace(None)
        sys.setprofile(None)
        calm_down(recursion_limit)
        return Verdict("program_error", None, describe(fault, lines))


def decode_source(code: str | bytes) -> str:
    """Text of the program; bytes are decoded as Python does it (PEP 263: byte order mark, coding line)."""
    if isinstance(code, str):
        return code.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    from importlib.util import decode_source as decode  # noqa: PLC0415  # script mode only

    return decode(code)


def remember_source(lines: list[str]) -> None:
    """Let tracebacks (ours, and those that the program prints itself) and ``inspect`` show its lines."""
    for name in (PROGRAM_NAME, PROGRAM_FILE):
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


def prepare_main_module() -> dict[str, Any]:
    """Make the interpreter look as in ``python plot.py`` and return the namespace of ``__main__``."""
    import matplotlib.pyplot as plt  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    module = types.ModuleType("__main__")
    vars(module).update(
        __builtins__=__builtins__,
        __file__=PROGRAM_FILE,
        plt=plt,
        np=np,
    )
    sys.modules["__main__"] = module
    sys.argv = [PROGRAM_NAME]
    return vars(module)


def calm_down(recursion_limit: int) -> None:
    """Undo what the program may have left behind that would interrupt our last steps."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    sys.setrecursionlimit(max(recursion_limit, sys.getrecursionlimit()))


def flush_program_output() -> None:
    """Push out what the program printed; it may have closed or replaced its streams."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):  # nothing here is worth losing the answer
            stream.flush()


# -- the report ------------------------------------------------------------------------------------


def describe(fault: BaseException, lines: list[str]) -> str:
    """Traceback of ``fault`` with the program's own frames alone; never raises."""
    try:
        remember_source(lines)
        own = trim_chain(fault)
        report = traceback.TracebackException.from_exception(fault)
        drop_empty_stacks(report)
        text = "".join(report.format())
        if not own and not isinstance(fault, SyntaxError):
            text = f"Not raised in a line of {PROGRAM_NAME} itself, most likely while drawing:\n{text}"
        return hide_image_paths(text)
    except BaseException:  # noqa: BLE001  # the fault itself can be hostile to being shown
        return f"{type.__getattribute__(type(fault), '__name__')}: (its traceback could not be formatted)"


def is_own(filename: str) -> bool:
    """Whether a frame is the client's: the program, or a file that came with it."""
    return filename == PROGRAM_NAME or filename.startswith(cheap_import.WORK_DIR + "/")


def trim_chain(fault: BaseException) -> bool:
    """Cut the frames that are not the program's out of ``fault`` and all it refers to.

    Returns:
        Whether ``fault`` itself keeps any frame.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [fault]
    while pending:
        error = pending.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        BaseException.with_traceback(error, trim_traceback(error.__traceback__))
        pending += (error.__cause__, error.__context__)
        if isinstance(error, BaseExceptionGroup):
            pending += error.exceptions
    return fault.__traceback__ is not None


def trim_traceback(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Copy of ``trace`` with the last of the program's own frames."""
    own = []
    while trace is not None:
        if is_own(trace.tb_frame.f_code.co_filename):
            own.append(trace)
        trace = trace.tb_next
    trimmed = None
    for entry in reversed(own[-OWN_FRAMES_LIMIT:]):
        trimmed = types.TracebackType(trimmed, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return trimmed


def drop_empty_stacks(report: Any) -> None:
    """Leave out the heading "Traceback" above no frame at all, as Python does for a SyntaxError."""
    pending = [report]
    seen = set()
    while pending:
        part = pending.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        if not part.stack:
            part.stack = None
        pending += (part.__cause__, part.__context__, *(part.exceptions or ()))


def hide_image_paths(text: str) -> str:
    """Shorten paths of the image to the name of the module: they tell the client nothing."""
    for folder in sorted(cheap_import.IMAGE_PATHS, key=len, reverse=True):
        text = text.replace(folder + "/", "")
    return text


def encode_verdict(verdict: Verdict) -> bytes:
    """JSON of the E frame, at most VERDICT_LIMIT_BYTES long; of a long error the end is kept."""
    if verdict.outcome == "ok":
        return b'{"outcome":"ok"}'

    def encode(text: str) -> bytes:
        document = {"outcome": verdict.outcome, "error": text}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    # Lone surrogates come from undecodable file names and from the code itself.
    whole = verdict.error.encode("utf-8", "replace").decode()
    kept = whole[-VERDICT_LIMIT_BYTES:]
    encoded = encode(kept)
    if len(encoded) <= VERDICT_LIMIT_BYTES and len(kept) == len(whole):
        return encoded
    while True:
        left_out = len(whole) - len(kept)
        encoded = encode(f"[shortened: the first {left_out} characters are left out]\n{kept}")
        excess = len(encoded) - VERDICT_LIMIT_BYTES
        if excess <= 0:
            return encoded
        # JSON writes a character as six bytes at most, so this never cuts more than it must.
        kept = kept[max(1, excess // 6) :]


# -- the modes -------------------------------------------------------------------------------------


def serve_script(streams: Streams) -> int:
    """Draw the program on stdin; the picture goes to stdout, everything else to stderr."""
    cheap_import.import_pyplot()
    verdict = draw(Job(read_to_end(streams.job), dpi=SCRIPT_DPI, bbox_inches="tight", wall_limit_s=None))
    flush_program_output()
    if verdict.png is None:
        write_all(2, verdict.error.rstrip("\n").encode("utf-8", "replace") + b"\n")
        return EXIT_FAILED
    write_all(streams.answer, verdict.png)
    return EXIT_OK


def serve_job(streams: Streams, *, idle_limit_s: float, warm_up: bool) -> int:
    """Announce readiness, draw the one job that comes, answer, and wait for the end of stdin."""
    exit_after(idle_limit_s, streams)
    cheap_import.import_pyplot()
    if warm_up:
        cheap_import.warm_up()
    return serve_warm(streams)


def serve_warm(streams: Streams) -> int:
    """Serve the one job of a process that has imported everything; see `serve_job`."""
    write_frame(streams.answer, b"R")

    header = read_exactly(streams.job, FRAME_HEADER.size)
    if header is None:
        return EXIT_OK
    kind, length = FRAME_HEADER.unpack(header)
    if kind != b"J" or length > JOB_FRAME_LIMIT_BYTES:
        return EXIT_BAD_START
    payload = read_exactly(streams.job, length)
    if payload is None:
        return EXIT_OK
    job = Job(**json.loads(payload))
    if job.wall_limit_s is not None:
        exit_after(job.wall_limit_s + WALL_LIMIT_MARGIN_S, streams)
    exit_when_stdin_ends(streams)

    verdict = draw(job)
    flush_program_output()
    if verdict.png is not None:
        write_frame(streams.answer, b"P", verdict.png)
    write_frame(streams.answer, b"E", encode_verdict(verdict))
    while True:  # the watcher, the timer or the gateway ends this
        signal.pause()


def serve_report(streams: Streams, what: str) -> int:
    """Write one line of JSON: what the sandbox looks like from inside (probe), or what the image is made of (facts)."""
    if what == "probe":
        import probe  # noqa: PLC0415  # loads ctypes, which the other modes do without

        report = probe.look_around()
    else:
        import facts  # noqa: PLC0415  # here, before the import of Matplotlib hides the modules of this folder

        cheap_import.import_pyplot()
        report = facts.gather()
    write_all(streams.answer, json.dumps(report).encode() + b"\n")
    return EXIT_OK


def main(arguments: Sequence[str]) -> int:
    """Serve the mode that ``arguments`` name.

    Returns:
        Exit code; EXIT_BAD_START for arguments that nobody of ours sends.
    """
    streams = claim_streams()
    match list(arguments):
        case ["script"]:
            return serve_script(streams)
        case ["job", *options]:
            warm_up = "--warm-up" in options
            options = [option for option in options if option != "--warm-up"]
            match options:
                case []:
                    return serve_job(streams, idle_limit_s=IDLE_LIMIT_S, warm_up=warm_up)
                case ["--idle-limit-s", seconds]:
                    return serve_job(streams, idle_limit_s=float(seconds), warm_up=warm_up)
        case ["probe" | "facts" as what]:
            return serve_report(streams, what)
        case ["import", *savings]:
            cheap_import.import_pyplot(savings)
            return EXIT_OK
    write_all(2, b"usage: script | job [--idle-limit-s SECONDS] [--warm-up] | probe | facts | import [SAVING ...]\n")
    return EXIT_BAD_START


def run() -> NoReturn:
    """Serve, then leave without the interpreter's clean-up: nothing here outlives the container.

    Exit handlers and threads that the program left behind have no say either.
    """
    exit_code = EXIT_FAILED
    try:
        exit_code = main(sys.argv[1:])
    except BrokenPipeError:
        pass  # the gateway has gone; there is nobody to tell
    except BaseException:  # noqa: BLE001
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(exit_code)


if __name__ == "__main__":
    run()
