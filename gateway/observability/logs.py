r"""Logging: one JSON object a line, or readable lines with DEBUG.

Every line is pure ASCII with control characters escaped, so that no text of a guest or client can forge a line (CR, LF,
ESC, U+2028). Messages are constants; data is passed as keywords. loguru's `diagnose` is off: it prints the values of
variables, and so code and keys.

A journal that reads our standard error gets each line with its level before it, as it understands levels, and takes
that away again; the rest of a line stays as it is elsewhere, so that the same programs read both.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING, TextIO

from loguru import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from loguru import Message, Record

#: Longest value of one field in a line, in characters.
FIELD_LIMIT = 500

#: Lines of one kind that a gate lets pass at once, and in every minute from then on.
BURST = 30
LINES_PER_MINUTE = 12

#: What a journal takes for the level of a line, by loguru's numbers from this one on.
#: Source: sd-daemon(3), "SD_ERR" and the others; syslog(3).
PRIORITIES = ((50, "<2>"), (40, "<3>"), (30, "<4>"), (20, "<6>"), (0, "<7>"))


def configure_logging(*, debug: bool, stream: TextIO | None = None) -> None:
    """Send all logging, the standard library's included, to `stream` (standard error by default)."""
    out = stream if stream is not None else sys.stderr
    level = "DEBUG" if debug else "INFO"
    render = _readable_line if debug else _json_line
    in_journal = is_journal(out)

    def sink(message: Message) -> None:
        line = render(message.record)
        if in_journal:
            before = _priority(message.record["level"].no)
            line = "\n".join(before + part for part in line.split("\n"))
        out.write(line + "\n")
        out.flush()

    logger.remove()
    logger.add(sink, level=level, format="{message}", diagnose=False, backtrace=False, catch=True)
    logging.basicConfig(handlers=[_StandardLibraryHandler()], level=logging.WARNING, force=True)


def complain(text: str) -> None:
    """Write a sentence for a person to standard error, as an error in the journal."""
    sys.stderr.write(f"{_priority(logging.ERROR) if is_journal(sys.stderr) else ''}{text}\n")


def is_journal(stream: TextIO) -> bool:
    """Tell whether a stream is the one that systemd has connected to its journal.

    Source: systemd.exec(5), `JOURNAL_STREAM`: the device and the inode of the stream.
    """
    try:
        state = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or of no descriptor
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{state.st_dev}:{state.st_ino}"


def _priority(number: int) -> str:
    return next(prefix for least, prefix in PRIORITIES if number >= least)


class _StandardLibraryHandler(logging.Handler):
    """Pass records of the standard `logging` on to loguru, with their text as data."""

    def emit(self, record: logging.LogRecord) -> None:
        # No exc_info: an exception of aiohttp's parser quotes the request, including its key.
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        logger.opt(depth=6).log(
            record.levelname if record.levelname in logging.getLevelNamesMapping() else "INFO",
            "library message",
            library=record.name,
            text=record.getMessage(),
            error=error,
        )


def _json_line(record: Record) -> str:
    line: dict[str, object] = {
        "time": record["time"].isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "event": record["message"],
    }
    line.update((name, _shortened(value)) for name, value in record["extra"].items() if value is not None)
    if trace := _trace(record):
        line["trace"] = trace
    return json.dumps(line, ensure_ascii=True, default=str)


def _readable_line(record: Record) -> str:
    fields = " ".join(f"{n}={_shortened(v)!a}" for n, v in record["extra"].items() if v is not None)
    line = f"{record['time']:HH:mm:ss.SSS} {record['level'].name:<7} {record['message']}  {fields}"
    return "\n".join([line.encode("ascii", "backslashreplace").decode(), *_trace(record)])


def _shortened(value: object) -> object:
    if isinstance(value, str) and len(value) > FIELD_LIMIT:
        return value[: FIELD_LIMIT - 3] + "..."
    return value


def _trace(record: Record) -> list[str]:
    """Return the stack of a logged exception as escaped lines without values of variables."""
    caught = record["exception"]
    if caught is None or caught.type is None or caught.value is None:
        return []
    lines = "".join(traceback.format_exception(caught.type, caught.value, caught.traceback)).splitlines()
    return [ascii(line)[1:-1] for line in lines]


class LogGate:
    """Bounds how many lines of one kind are logged, so that strangers can't fill the disk.

    A burst passes, then one line every now and then, with the number of those left out before it.

    Args:
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._room = float(BURST)
        self._at = clock()
        self._left_out = 0

    def passes(self) -> int | None:
        """Return how many lines were left out since the last, or None if this one is left out too."""
        now = self._clock()
        self._room = min(BURST, self._room + (now - self._at) * LINES_PER_MINUTE / 60)
        self._at = now
        if self._room < 1:
            self._left_out += 1
            return None
        self._room -= 1
        left_out, self._left_out = self._left_out, 0
        return left_out
