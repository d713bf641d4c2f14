"""The program in the container: draws the figures of one job, then has nothing left to do.

Theory of operation
===================

Who starts whom. The engine starts this file as process 1 of a container that holds no secret and has
no network. It imports Matplotlib *before* it knows of any job, so a warm container has paid for the
import and has seen nothing of anyone. One job is drawn in this very process; there is no child, and
under the image's seccomp list there can be none.

Which stream carries what. The modes, chosen by argv:

``script``
    stdin: Python source until end of file. stdout: the PNG. stderr: the program's own output, then
    the traceback. Exit code 0, or 1 when there is no picture. For use by hand.
``job``
    stdin and stdout carry frames: one byte kind, four bytes big-endian length, payload. A *name* or *head* within a
    payload has its length, two bytes big-endian, before it.

    ======== ==== ===================================================================================
    sender   kind payload
    ======== ==== ===================================================================================
    runner   R    empty: the import is done, a job can come
    gateway  F    name, bytes: a data file; any number of them before the job
    gateway  J    JSON ``{"code": str, "options": {…}, "seed": int|null, "collect": bool,
                  "limits": {"wall_limit_s": number, "memory_limit_bytes": int, "output_limit_bytes": int}}``; the
                  options are the fields of ``job.SaveOptions``
    runner   O S  what the program printed to stdout and stderr, as it comes; only when collecting
    runner   P    head, bytes: a picture. JSON ``{"figure": int, "label": str, "format": str,
                  "pixels_sha256": str|null}``. One for each figure and format, formats in the order asked for
    runner   F    name, bytes: a file the program wrote; only when collecting, the smallest first
    runner   E    JSON, the end: ``{"outcome": "ok"|"program_error"|"no_figure"}`` and, where there is something to
                  say, ``"error": str``, ``"fault": {"type", "message", "line", "column", "source"}``,
                  ``"figures_drawn": int``, ``"notices": [[category, message, line|null], …]``,
                  ``"files_left_out": true``
    ======== ==== ===================================================================================

    stdin stays open after the job. When not collecting, the program's output goes to stderr.
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
import faulthandler
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import capture
import cheap_import
import circumstances
import drawing
import job
import program
import report
import wire
import work_dir
from notices import Notices
from verdict import END_LIMIT_BYTES, Verdict, encode_end, encode_head

if TYPE_CHECKING:
    from collections.abc import Sequence

WALL_LIMIT_MARGIN_S = 5.0
IDLE_LIMIT_S = 900.0
SCRIPT_OPTIONS = job.SaveOptions(dpi=200.0, bbox_inches="tight")
FILES_MARGIN_BYTES = 64 * 1024
"""Left free when the output limit is shared out to files, for what the program's threads still print."""

DIGEST_SHARE = 8
"""Part of the job's memory that a digest may take: a picture as large as that has none, rather than being lost."""

NO_FIGURE = "No figure is open at the end of the code: it drew none, or closed what it drew."
CLOSED_FIGURES = "No figure is open at the end of the code: of the {} it drew, all were closed."

USAGE = b"usage: script | job [--idle-limit-s SECONDS] [--warm-up] | probe | facts | import [SAVING ...]\n"

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_START = 2


# -- ends that need nobody's help ------------------------------------------------------------------


def exit_after(seconds: float, streams: wire.Streams) -> None:
    """End this process when the time is over, even while C code holds the GIL; replaces an earlier call.

    Source: faulthandler.dump_traceback_later runs in a thread without Python state and calls _exit(1).
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=streams.nowhere)


def exit_when_stdin_ends(streams: wire.Streams) -> None:
    """Start a thread that ends this process when the gateway closes stdin or dies.

    A bare thread: it doesn't show in the program's ``threading.enumerate()``.
    """

    def watch() -> None:
        try:
            wire.read_to_end(streams.job)
        finally:
            os._exit(EXIT_OK)

    _thread.start_new_thread(watch, ())


# -- the job ---------------------------------------------------------------------------------------


def draw(task: job.Job) -> Verdict:
    """Run the program of a job and draw its figures.

    The one place that catches everything: whatever the program raises is its verdict, not our failure.
    """
    studio = drawing.Studio()
    recursion_limit = sys.getrecursionlimit()
    lines: list[str] = []
    try:
        source = program.decode_source(task.code)
        lines = source.splitlines(keepends=True)
        program.remember_source(lines)
        circumstances.apply(task.options)
        if task.seed is not None:
            circumstances.seed(task.seed)
        if task.collect:
            circumstances.expect_nobody()
            studio.count()
        # Direct runs assert; this interpreter's -OO is for the libraries alone.
        code = compile(source, program.PROGRAM_NAME, "exec", dont_inherit=True, optimize=0)
        names = program.prepare_main_module()
        try:
            exec(code, names)  # noqa: S102  # the purpose of the whole container
        except SystemExit as stop:
            if stop.code not in (None, 0):
                raise
        sys.settrace(None)  # here, for calling any function of ours would set the program's tracer off
        sys.setprofile(None)
        program.calm_down(recursion_limit)
        figures = studio.choose(all_figures=task.options.all_figures, names=names if task.collect else None)
        if not figures:
            told = CLOSED_FIGURES.format(studio.drawn) if studio.drawn else NO_FIGURE
            return Verdict("no_figure", error=told, figures_drawn=studio.drawn)
        return Verdict("ok", [drawn for each in figures for drawn in studio.save(*each, task.options)])
    except circumstances.InvalidOption as refused:
        return Verdict("program_error", error=str(refused), fault=report.Fault("InvalidOption", str(refused)))
    except BaseException as fault:  # noqa: BLE001
        sys.settrace(None)
        sys.setprofile(None)
        program.calm_down(recursion_limit)
        place = report.locate(fault, lines)
        text = report.describe(fault, lines)
        if task.collect and isinstance(fault, EOFError):
            text += report.NOBODY_ASKED
        return Verdict("program_error", error=text, fault=place)


def serve_collecting(task: job.Job, outbox: wire.Outbox) -> None:
    """Draw, and answer with everything there is: pictures, prints, files, warnings."""
    prints = capture.Capture(outbox)
    prints.start()
    notices = Notices()
    notices.watch()
    before = work_dir.survey()
    verdict = draw(task)
    capture.flush_program_output()
    noted = list(notices)
    for picture in verdict.pictures:
        whole = drawing.with_digest(picture, task.memory_limit_bytes // DIGEST_SHARE)
        outbox.send_with_head(b"P", encode_head(whole), whole.data)
    work_dir.flush_open_files()
    limit_bytes = task.output_limit_bytes - END_LIMIT_BYTES - FILES_MARGIN_BYTES
    left_out = work_dir.send_written(outbox, before, limit_bytes)
    capture.flush_program_output()
    outbox.take_turn()  # for good: nothing that the program's threads still print may follow the end
    prints.pass_on()
    outbox.put(b"E", encode_end(verdict, noted, files_left_out=left_out))


def serve_plainly(task: job.Job, outbox: wire.Outbox) -> None:
    """Draw, and answer with pictures or an error alone."""
    verdict = draw(task)
    capture.flush_program_output()
    for picture in verdict.pictures:
        outbox.send_with_head(b"P", encode_head(picture), picture.data)
    outbox.send(b"E", encode_end(verdict))


# -- the modes -------------------------------------------------------------------------------------


def serve_script(streams: wire.Streams) -> int:
    """Draw the program on stdin; the picture goes to stdout, everything else to stderr."""
    cheap_import.import_pyplot()
    verdict = draw(job.Job(wire.read_to_end(streams.job), SCRIPT_OPTIONS))
    capture.flush_program_output()
    if not verdict.pictures:
        wire.write_all(2, verdict.error.rstrip("\n").encode("utf-8", "replace") + b"\n")
        return EXIT_FAILED
    wire.write_all(streams.answer, verdict.pictures[0].data)
    return EXIT_OK


def serve_job(streams: wire.Streams, *, idle_limit_s: float, warm_up: bool) -> int:
    """Announce readiness, draw the one job that comes, answer, and wait for the end of stdin."""
    exit_after(idle_limit_s, streams)
    cheap_import.import_pyplot()
    if warm_up:
        cheap_import.warm_up()
    return serve_warm(streams)


def serve_warm(streams: wire.Streams) -> int:
    """Serve the one job of a process that has imported everything; see `serve_job`."""
    outbox = wire.Outbox(streams.answer)
    outbox.send(b"R")
    try:
        task, fault = job.receive(streams.job)
    except wire.StreamEnded:
        return EXIT_OK
    except job.UnknownFrame:
        return EXIT_BAD_START
    if task.wall_limit_s is not None:
        exit_after(task.wall_limit_s + WALL_LIMIT_MARGIN_S, streams)
    exit_when_stdin_ends(streams)
    if fault:
        outbox.send(b"E", encode_end(Verdict("program_error", error=fault, fault=report.Fault("OSError", fault))))
    elif task.collect:
        serve_collecting(task, outbox)
    else:
        serve_plainly(task, outbox)
    while True:  # the watcher, the timer or the gateway ends this
        signal.pause()


def serve_report(streams: wire.Streams, what: str) -> int:
    """Write one line of JSON: what the sandbox looks like from inside (probe), or what the image is made of (facts)."""
    if what == "probe":
        import probe  # noqa: PLC0415  # loads ctypes, which the other modes do without

        told = probe.look_around()
    else:
        import facts  # noqa: PLC0415  # here, before the import of Matplotlib hides the modules of this folder

        cheap_import.import_pyplot()
        told = facts.gather()
    wire.write_all(streams.answer, json.dumps(told).encode() + b"\n")
    return EXIT_OK


def main(arguments: Sequence[str]) -> int:
    """Serve the mode that ``arguments`` name.

    Returns:
        Exit code; EXIT_BAD_START for arguments that nobody of ours sends.
    """
    streams = wire.claim_streams()
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
    wire.write_all(2, USAGE)
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
