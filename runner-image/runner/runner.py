"""The program in the container: draws the figures of one job, then has nothing left to do.

Theory of operation
===================

Who starts whom. The engine starts a supervisor as process 1 of a container that holds no secret and has no network,
and the supervisor starts this file (snapshot/supervisor.c). It imports Matplotlib *before* it knows of any job, so a
warm container has paid for the import and has seen no data. One job is drawn in this very process; there is no child,
and the system call filter allows none.

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
    launcher F    name, bytes: a data file; any number of them before the job
    launcher J    JSON ``{"code": str, "options": {…}, "seed": int|null, "collect": bool,
                  "limits": {"memory_limit_bytes": int, "output_limit_bytes": int, "pixel_limit": int}}``; the options
                  are the fields of ``job.SaveOptions``
    runner   O S  what the program printed to stdout and stderr, as it comes; only when collecting
    runner   P    head, bytes: a picture. JSON ``{"figure": int, "label": str, "format": str,
                  "pixels_sha256": str|null}``. One for each figure and format, formats in the order asked for
    runner   F    name, bytes: a file the program wrote; only when collecting, the smallest first
    runner   E    JSON, the end: ``{"outcome": "ok"|"program_error"|"no_figure"|"invalid_output"}`` and, where there is
                  something to say, ``"error": str``, ``"pixels": int`` of a picture that has too many,
                  ``"fault": {"type", "message", "line", "column", "source", "hint"}``,
                  ``"figures_drawn": int``, ``"notices": [[category, message, line|null], …]``,
                  ``"files_left_out": true``, ``"figures_left_out": true``
    runner   D    JSON, what is said of the figures: a list with an object of explain/words.py or null for each; after
                  the end, only when collecting, if the options ask for it and the outcome is ok
    ======== ==== ===================================================================================

    stdin stays open after the job. When not collecting, the program's output goes to stderr.
``save``
    stdout: a line with a number of bytes, then that many: the memory of this process, which has imported everything
    (see snapshot.py). In a container that restores it, the arguments name the mode in which it goes on, which is always
    ``job``.
``facts``
    stdout: one line of JSON that tells what the image is made of (see facts.py).
``probe``, ``trials JSON``
    For the launcher's self-test. stdout: one line of JSON that tells what the sandbox looks like from inside (see
    probe.py), or how far its limits could be exceeded (see trials.py); the argument has that function's arguments.
``memory BYTES [--when-told]``
    For the self-test, too: uses that much memory, with the option once a byte has come on stdin. stdout: one line of
    JSON, unless that ends the process.

``import`` does the import of the other modes and exits; benchmarks/import_steps.py measures it.

The descriptors the engine gave us are moved out of the way first: fd 0 becomes /dev/null and fd 1 becomes stderr, so
that a ``print`` can't corrupt the reply. That is tidiness, not a boundary: hostile code can find the private copies,
and the launcher treats every byte it gets as hostile.

Who kills whom, and when. The launcher kills the container after the reply or at the deadline; that is the only end
that counts. The supervisor makes sure that nothing outlives a launcher that died: it holds the engine's end of stdin,
passes on what comes, and ends, and with it the container, when stdin does, when no job comes, and after the wall limit.
Nothing in this process takes part in that, since a program can do as it likes here. Without a supervisor, by hand and
in tests, the end of stdin before a job or after its reply is a quiet end: exit 0.

What the program sees is what ``python plot.py`` would show it, in a working directory of its own, with ``plt`` and
``np`` bound beforehand. Its failure is a value: an outcome and the traceback of its own frames. Ours is an exit code.
"""

from __future__ import annotations

import json
import os
import sys
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NoReturn

import cheap_import
import drawing
import frames
import job
import program
import report
import surroundings
from collect import capture, saved, shown_warnings, work_dir
from elsewhere import advice, notebook, pasted, windows
from moving import animations
from repair import hints
from result import END_LIMIT_BYTES, Result, encode_end, encode_head

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType

SCRIPT_OPTIONS = job.SaveOptions(dpi=200.0, bbox_inches="tight")

#: Left free when files fill the output limit, for what the program's threads still print.
FILES_MARGIN_BYTES = 64 * 1024

#: A digest may take this part of the job's memory; a picture that needs more gets none, rather than being lost.
DIGEST_SHARE = 8

NO_FIGURE = "No figure is open at the end of the code: it drew none, or closed what it drew."
CLOSED_FIGURES = "No figure is open at the end of the code: of the {} it drew, all were closed."

USAGE = b"usage: script | job | save | facts | probe | trials JSON | memory BYTES [--when-told] | import [SAVING ...]\n"

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_START = 2


# -- the job ---------------------------------------------------------------------------------------


def draw(task: job.Job) -> Result:
    """Run the program of a job and draw its figures.

    The one place that catches everything: what the program raises is its result, not our failure.
    """
    figures = drawing.Figures()
    recursion_limit = sys.getrecursionlimit()
    source = program.Source()
    sent = advice.sent_files()
    try:
        source.read(task.code)
        windows.pass_over()
        surroundings.apply(task.options)
        prepare(task, figures)
        code = compile_program(source)
        names = program.prepare_main_module()
        notebook.add_names(code, source, names)
        try:
            exec(code, names)  # noqa: S102 - the purpose of the whole container
        except SystemExit as stop:
            if stop.code not in (None, 0):
                raise
        sys.settrace(None)  # here: the program's tracer would trace any function of ours
        sys.setprofile(None)
        program.disarm(recursion_limit)
        chosen = figures.choose(all_figures=task.options.all_figures, names=names if task.collect else None)
        if not chosen:
            text = CLOSED_FIGURES.format(figures.drawn) if figures.drawn else NO_FIGURE
            return Result("no_figure", error=told(text, source), figures_drawn=figures.drawn, notes=source.notes)
        pictures = [picture for each in chosen for picture in figures.save(*each, task)]
        return Result(
            "ok",
            pictures,
            figures_left_out=figures.left_out,
            notes=source.notes,
            remarks=figures.remarks,
            saved=figures.saved,
        )
    except drawing.TooManyPixels as error:
        return Result("invalid_output", error=told(str(error), source), pixels=error.pixels, notes=source.notes)
    except surroundings.InvalidOption as error:
        return failed("InvalidOption", str(error))
    except BaseException as error:  # noqa: BLE001 - see above
        sys.settrace(None)
        sys.setprofile(None)
        program.disarm(recursion_limit)
        helpful = advice.advice(error, sent)  # before the frames of libraries are cut out
        place = report.locate(error, source.lines)._replace(hint=hints.hint(error, helpful))
        if isinstance(error, SystemExit):
            helpful = capture.last_words()
        text = told(report.describe(error, source.lines), source, helpful)
        return Result("program_error", error=text, program_error=place, notes=source.notes)


def prepare(task: job.Job, figures: drawing.Figures) -> None:
    """Make chance repeatable, and whatever watches the program, as far as the job wants that."""
    if task.seed is not None:
        surroundings.seed(task.seed)
    if task.collect:
        surroundings.skip_waiting()
        figures.count()
    describes = task.collect and task.options.describe != "none"
    if describes:
        figures.note()
    if task.options.embed_alt_text:
        figures.caption(explainers()[1])
    if describes or task.options.embed_alt_text:
        explainers()[0].watch()
    animations.keep(task.options.formats)


@cache
def explainers() -> tuple[Any, Any]:
    """Import what says what figures show, 10 ms that only jobs which ask for it pay; a snapshot has it.

    Returns:
        The modules that say it after the reply, and in the files; together, so that both use the same others.
    """
    with cheap_import.own_modules():
        from captions import captioned
        from explain import explaining

    return explaining, captioned


def compile_program(source: program.Source) -> CodeType:
    """Compile a program; if it doesn't compile, without what isn't Python's in it, which its notes tell."""
    compiler = partial(compile, filename=program.PROGRAM_NAME, mode="exec", dont_inherit=True)
    try:
        code, text, notes = pasted.compiled(source.text, compiler)
    except pasted.NotPython as error:
        source.replace(error.source, error.notes)
        raise error.__cause__ or error from None
    if notes:
        source.replace(text, notes)
    return code


def told(text: str, source: program.Source, helpful: str = "") -> str:
    """Return the text of a failure with what helps, and what was done to the code, behind it."""
    behind = [helpful, *(f"Line {line}: {note}" if line else note for note, line in source.notes)]
    said = "\n".join(filter(None, behind))
    return f"{text.rstrip()}\n\n{said}\n" if said else text


def failed(kind: str, text: str) -> Result:
    """Return the result of a job that failed outside the program's own lines."""
    return Result("program_error", error=text, program_error=report.ProgramError(kind, text))


def serve_collecting(task: job.Job, outbox: frames.Outbox) -> None:
    """Draw, and send everything there is: pictures, prints, files, warnings; and then what is said of the figures."""
    prints = capture.Capture(outbox)
    prints.start()
    warnings = shown_warnings.ShownWarnings()
    warnings.watch()
    program.place_source(task.code)
    before = work_dir.survey()
    result = draw(task)
    capture.flush_program_output()
    ours = [
        *(shown_warnings.ShownWarning("SyntaxWarning", *note) for note in result.notes),
        *(shown_warnings.ShownWarning("UserWarning", remark, None) for remark in result.remarks),
    ]
    shown = [*ours, *warnings][: shown_warnings.LIMIT]
    for picture in result.pictures:
        whole = drawing.with_digest(picture, task.memory_limit_bytes // DIGEST_SHARE)
        outbox.send_with_head(b"P", encode_head(whole), whole.data)
    work_dir.flush_open_files()
    limit_bytes = task.output_limit_bytes - END_LIMIT_BYTES - FILES_MARGIN_BYTES
    left_out = work_dir.send_written(outbox, before, limit_bytes)
    capture.flush_program_output()
    outbox.take_turn()  # for good: nothing that the program's threads still print may follow the end
    prints.pass_on()
    outbox.put(b"E", encode_end(result, shown, files_left_out=left_out))
    if result.saved:
        outbox.put(b"D", explainers()[0].explain(result.saved, task.options.describe))


def serve_plainly(task: job.Job, outbox: frames.Outbox) -> None:
    """Draw, and send pictures or an error alone; the error tells of files, which don't come back here."""
    capture.keep_last_words()
    program.place_source(task.code)
    before = work_dir.survey()
    result = draw(task)
    capture.flush_program_output()
    if not result.pictures:
        where = saved.tell(work_dir.written(before), drew_nothing=result.outcome == "no_figure")
        result = result._replace(error=result.error + where)
    for picture in result.pictures:
        outbox.send_with_head(b"P", encode_head(picture), picture.data)
    outbox.send(b"E", encode_end(result))


# -- the modes -------------------------------------------------------------------------------------


def serve_script(streams: frames.Streams) -> int:
    """Draw the program on stdin; the picture goes to stdout, everything else to stderr."""
    cheap_import.import_pyplot()
    code = frames.read_to_end(streams.job)
    program.place_source(code)
    result = draw(job.Job(code, SCRIPT_OPTIONS))
    capture.flush_program_output()
    if not result.pictures:
        frames.write_all(2, result.error.rstrip("\n").encode("utf-8", "replace") + b"\n")
        return EXIT_FAILED
    frames.write_all(streams.reply, result.pictures[0].data)
    return EXIT_OK


def serve_job(*, imported: bool = False) -> int:
    """Announce readiness, draw the one job that comes, reply, and wait for the end of stdin.

    Args:
        imported: Whether this process was restored, and so has imported everything.
    """
    streams = frames.claim_streams()
    if not imported:
        cheap_import.import_pyplot()
    outbox = frames.Outbox(streams.reply)
    outbox.send(b"R")
    try:
        task, error = job.receive(streams.job)
    except frames.StreamEnded:
        return EXIT_OK
    except job.UnknownFrame:
        return EXIT_BAD_START
    if error:
        outbox.send(b"E", encode_end(failed("OSError", error)))
    elif task.collect:
        serve_collecting(task, outbox)
    else:
        serve_plainly(task, outbox)
    frames.read_to_end(streams.job)  # in a container the launcher or the supervisor ends this
    return EXIT_OK


def save_process() -> int | list[str]:
    """Save this process with everything imported.

    Returns:
        Its exit code; or, where it is restored, the arguments with which it goes on.
    """
    import snapshot  # here, since runners that import do without; and first, since the next step hides our modules
    from preload import preloading, renewal

    stdout = 1
    explainers()
    cheap_import.import_pyplot()
    preloading.preload()
    try:
        restored = snapshot.save(stdout)
    except snapshot.NotSaved as error:
        frames.write_all(2, f"no snapshot: {error}\n".encode())
        return EXIT_FAILED
    if restored is None:
        return EXIT_OK
    snapshot.set_arguments(restored.arguments)
    renewal.renew(restored.environment)
    return restored.arguments


def serve_report(streams: frames.Streams, arguments: Sequence[str]) -> int:
    """Write one line of JSON about the image or the sandbox."""
    match list(arguments):
        case ["facts"]:
            from modes import facts  # first: the import of Matplotlib hides the modules of this folder

            cheap_import.import_pyplot()
            document = facts.gather()
        case ["probe"]:
            from modes import probe  # loads ctypes, which jobs do without

            document = probe.look_around()
        case ["trials", bounds]:
            from modes import trials

            document = trials.try_limits(**json.loads(bounds))
        case ["memory", size, *when_told] if when_told in ([], ["--when-told"]):
            from modes import trials

            if when_told:
                frames.read_exactly(streams.job, 1)
            document = trials.use_memory(int(size))
        case _:
            return refuse()
    frames.write_all(streams.reply, json.dumps(document).encode() + b"\n")
    return EXIT_OK


def refuse() -> int:
    """Tell which modes there are."""
    frames.write_all(2, USAGE)
    return EXIT_BAD_START


def main(arguments: Sequence[str]) -> int:
    """Serve the mode that ``arguments`` name.

    Returns:
        Exit code; EXIT_BAD_START for unknown arguments.
    """
    match list(arguments):
        case ["script"]:
            return serve_script(frames.claim_streams())
        case ["job"]:
            return serve_job()
        case ["save"]:
            ended = save_process()
            if isinstance(ended, list):  # restored: a program there can recurse as deep as one of a runner that imports
                ended = serve_job(imported=True) if ended == ["job"] else refuse()
            return ended
        case ["facts" | "probe" | "trials" | "memory", *_]:
            return serve_report(frames.claim_streams(), arguments)
        case ["import", *savings]:
            cheap_import.import_pyplot(savings)
            return EXIT_OK
    return refuse()


def run() -> NoReturn:
    """Serve, then leave without the interpreter's clean-up: nothing here outlives the container.

    So exit handlers and threads that the program left behind can't hold it up.
    """
    exit_code = EXIT_FAILED
    try:
        exit_code = main(sys.argv[1:])
    except BrokenPipeError:
        pass  # the launcher has gone
    except BaseException:  # noqa: BLE001 - it becomes the exit code
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(exit_code)


if __name__ == "__main__":
    run()
