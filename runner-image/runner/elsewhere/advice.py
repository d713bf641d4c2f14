"""What is said behind a traceback when the error comes from where the code runs, so that nobody tries again in vain.

Which packages exist, and where, the gateway says: it knows the environments.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Any

from cheap_import import WORK_DIR
from drawing import INCHES
from program import PROGRAM_NAME, is_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Exceptions of a chain that are looked at, and frames of each.
CHAIN_LIMIT = 20
FRAME_LIMIT = 2000
TEXT_LIMIT = 2000

#: Files that are named, and how deep they are looked for.
NAMES_LIMIT = 20
ENTRIES_LIMIT = 500
SHOWN_LIMIT = 100

NOBODY_ASKED = f"Nobody is there to answer: {PROGRAM_NAME} runs without input, so give it the values it asks for."
NO_NETWORK = (
    "Code has no network here: no address can be reached, and trying again doesn't help. Send the data along with the "
    "code, in `files` of POST /v1/render, and read it by its name{}."
)
NO_PROCESSES = "Code can't start child processes or other programs here: do the work in Python, in this process."
NO_FILMS = (
    "Films can't be made with ffmpeg or ImageMagick here, since code can't start other programs. Save a GIF with "
    'Pillow instead, `animation.save("film.gif", writer="pillow")`, or several figures.'
)
FILMS_BY_LIBRARY = 'Other programs can\'t be started here. A library saves films: `animation.save("film.mp4")`.'
LARGE_FIGURE = "A figure is {:g} x {:g} inches, which at {:g} dots per inch is {} x {} pixels. " + INCHES
LARGE_PIXELS = 20_000_000
NO_WINDOW = "Figures are drawn without windows here, so leave out what changes a window or its toolbar."
NOT_PYTHON = "{} is IPython's, not Python's, and doesn't exist here: leave it out."
READ_ONLY = "Only the working directory can be written to: save files there, by a plain name."

NETWORK_CLASSES = frozenset(
    {
        *("socket.gaierror", "socket.herror", "urllib.error.URLError", "ssl.SSLError", "http.client.HTTPException"),
        *("requests.exceptions.RequestException", "urllib3.exceptions.HTTPError", "aiohttp.client_exceptions"),
        *("httpx.TransportError", "ConnectionRefusedError"),
    }
)
NETWORK_ERRORS = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EAFNOSUPPORT})
NETWORK_FILES = ("socket.py", "ssl.py", os.path.join("urllib", "request.py"), os.path.join("http", "client.py"))
PROCESS_FILES = (
    *("subprocess.py", "pty.py", os.path.join("concurrent", "futures", "process.py")),
    *(os.path.join("multiprocessing", name) for name in ("popen_fork.py", "util.py", "forkserver.py", "context.py")),
)
FORKS = re.compile(r"\bos\.(?:fork|forkpty|posix_spawnp?|spawn\w+|popen|exec\w+)\b|No child processes|child process")
ADDRESS = re.compile(r"\b(?:https?|ftp|s3|gs):/{1,2}[^\s'\"<>]{1,300}")
FILMS = re.compile(r"MovieWriter|ffmpeg|imagemagick|\bmagick\b|unknown file extension: \.(?:mp4|mov|avi|mkv|m4v|webm)")
CELL_MAGIC = re.compile(r"\s*(%%\w{1,30})|=\s*([!%]\w{1,30})")
NOTEBOOK_NAMES = frozenset({"get_ipython", "display", "In", "Out", "_ih", "_oh"})


def advice(error: BaseException, sent: Sequence[str]) -> str:
    """Return sentences that help with an error, each on a line of its own; empty if none does. Never raise.

    To be called before the traceback is trimmed: the frames of libraries tell what they tried.

    Args:
        error: What the program raised.
        sent: Names of the files that came with it.
    """
    try:
        return "\n".join(filter(None, dict.fromkeys(_sentences(error, sent))))
    except BaseException:  # noqa: BLE001 - the error is the program's, and can be hostile to being looked at
        return ""


def sent_files() -> list[str]:
    """Return the names of what is in the working directory, before the program runs."""
    found: list[str] = []
    pending = [""]
    while pending and len(found) < ENTRIES_LIMIT:
        folder = pending.pop()
        with os.scandir(os.path.join(WORK_DIR, folder)) as entries:
            for entry in entries:
                name = os.path.join(folder, entry.name)
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(name)
                elif name != PROGRAM_NAME:
                    found.append(name)
    return sorted(found[:ENTRIES_LIMIT])


def _sentences(error: BaseException, sent: Sequence[str]) -> Iterator[str]:
    chain = list(_chain(error))
    text = "\n".join(str(part)[:TEXT_LIMIT] for part in chain)
    if isinstance(error, EOFError) and str(error) in ("EOF when reading a line", ""):
        yield NOBODY_ASKED
    elif _is_about_network(chain, text):
        yield _no_network(f"{text}\n{_own_line(error)}")
    elif FILMS.search(text):
        yield FILMS_BY_LIBRARY if _saves_films() else NO_FILMS
    elif _is_about_processes(chain, text):
        yield NO_PROCESSES
    elif isinstance(error, MemoryError) or "Image size of" in text:
        yield from _large_figures()
    elif isinstance(error, OSError):
        yield _about_files(error, sent)
    else:
        yield _about_names(error)


def _about_files(error: OSError, sent: Sequence[str]) -> str:
    if isinstance(error, FileNotFoundError):
        return _missing_file(error, sent)
    denied = error.errno in (errno.EROFS, errno.EACCES) and error.filename is not None
    return READ_ONLY if denied else ""


def _saves_films() -> bool:
    """Return whether a library stands in for ffmpeg (stand_ins/film_writer.py)."""
    from matplotlib import animation

    return animation.FFMpegWriter.__module__ == "stand_ins.film_writer"


def _about_names(error: BaseException) -> str:
    """Return what is said of names that notebooks and windows have."""
    if isinstance(error, NameError) and error.name in NOTEBOOK_NAMES:
        return NOT_PYTHON.format(error.name)
    if isinstance(error, SyntaxError) and (found := CELL_MAGIC.search(error.text or "")):
        return NOT_PYTHON.format(found[1] or found[2])
    return NO_WINDOW if isinstance(error, AttributeError) and _is_about_windows(error) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending and len(seen) < CHAIN_LIMIT:
        part = pending.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        pending += (part.__context__, part.__cause__)


def _class_names(error: BaseException) -> set[str]:
    classes = type.mro(type(error))
    return {f"{each.__module__}.{each.__qualname__}".removeprefix("builtins.") for each in classes}


def _files(error: BaseException) -> list[str]:
    """Return the files of the last frames that an error passed."""
    files: list[str] = []
    trace = error.__traceback__
    while trace is not None and len(files) < FRAME_LIMIT:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    return files


def _passed(error: BaseException, names: tuple[str, ...]) -> bool:
    return any(file.endswith(tuple("/" + name for name in names)) for file in _files(error)[1:])


def _is_about_network(chain: Sequence[BaseException], text: str) -> bool:
    for part in chain:
        if _class_names(part) & NETWORK_CLASSES:
            return True
        if isinstance(part, OSError) and (part.errno in NETWORK_ERRORS or _passed(part, NETWORK_FILES)):
            return True
        if isinstance(part, FileNotFoundError) and ADDRESS.search(str(part)):
            return True
    return "Please open the URL for reading" in text


def _no_network(text: str) -> str:
    address = ADDRESS.search(text)
    path = address[0].partition("?")[0].partition("://")[2].partition("/")[2] if address else ""
    name = os.path.basename(path)[:SHOWN_LIMIT]
    return NO_NETWORK.format(f": `{name}`" if re.fullmatch(r"[\w-]+\.\w{1,5}", name) else "")


def _is_about_processes(chain: Sequence[BaseException], text: str) -> bool:
    if any("BrokenProcessPool" in type(part).__name__ or _passed(part, PROCESS_FILES) for part in chain):
        return True
    if not any(isinstance(part, OSError) for part in chain):
        return False
    return bool(FORKS.search(text) or any(FORKS.search(_own_line(part)) for part in chain))


def _own_line(error: BaseException) -> str:
    """Return the last line of the program that led to an error; empty if none did."""
    import linecache

    line = ""
    trace = error.__traceback__
    while trace is not None:
        if is_own(trace.tb_frame.f_code.co_filename):
            line = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return line


def _is_about_windows(error: AttributeError) -> bool:
    from matplotlib.backend_bases import FigureCanvasBase, FigureManagerBase

    thing: Any = error.obj
    if thing is None:
        return re.search("toolbar|manager", _own_line(error)) is not None
    return isinstance(thing, (FigureCanvasBase, FigureManagerBase))


def _large_figures() -> Iterator[str]:
    """Yield what is said of open figures that have very many pixels."""
    from matplotlib._pylab_helpers import Gcf

    for manager in Gcf.get_all_fig_managers()[:NAMES_LIMIT]:
        figure = manager.canvas.figure
        (width_in, height_in), dpi = figure.get_size_inches(), figure.dpi
        width, height = round(width_in * dpi), round(height_in * dpi)
        if width * height >= LARGE_PIXELS:
            yield LARGE_FIGURE.format(width_in, height_in, dpi, width, height)


def _missing_file(error: FileNotFoundError, sent: Sequence[str]) -> str:
    """Return what there is instead of a file that isn't there."""
    wanted = error.filename
    if isinstance(wanted, bytes):
        wanted = os.fsdecode(wanted)
    if not isinstance(wanted, str):
        found = re.match(r"(?:\[Errno 2\][^:]*: )?'?(.{1,300}?)'?(?: (?:was )?not found\.?)?$", str(error))
        wanted = found[1] if found else ""
    folder, base = os.path.split(wanted.replace("\\", "/"))
    near = _near(wanted, base, sent)
    if near:
        return f"{_shown(near)} was sent along: read it by that name."
    if folder and not os.path.isdir(os.path.join(WORK_DIR, folder)):
        place = f"There is no folder {_shown(folder)}; code can make folders below its working directory alone. "
    else:
        place = ""
    if not sent:
        return (
            f"{place}No file was sent along: a file that code reads must come with it, in `files` of POST /v1/render."
        )
    names = ", ".join(map(_shown, sent[:NAMES_LIMIT]))
    more = f" and {len(sent) - NAMES_LIMIT} more" if len(sent) > NAMES_LIMIT else ""
    return f"{place}Files that were sent along: {names}{more}."


def _near(wanted: str, base: str, sent: Sequence[str]) -> str:
    """Return the file that was probably meant; empty if there is none."""
    import difflib

    by_base = {os.path.basename(name).casefold(): name for name in reversed(sent)}
    if base.casefold() in by_base:
        return by_base[base.casefold()]
    close = difflib.get_close_matches(base.casefold()[:SHOWN_LIMIT], list(by_base)[:ENTRIES_LIMIT], 1, 0.75)
    return by_base[close[0]] if close and wanted else ""


def _shown(name: str) -> str:
    return repr(name if len(name) <= SHOWN_LIMIT else "…" + name[-SHOWN_LIMIT:])
