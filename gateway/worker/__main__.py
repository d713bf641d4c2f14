"""`python -m gateway.worker MEMORY MODULE...`: a worker. It is started by `gateway.worker.worker_pool`, never by hand.

It loads the tasks of the modules, practises on their examples, gives up everything else (`confinement`), and answers
questions until its standard input ends. Any exception but a lack of memory is a bug; its place is reported without its
text.
"""

from __future__ import annotations

import codecs
import sys
import time
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway.model.codec import build, encode, parse
from gateway.worker.confinement import confine, limit_processor_time
from gateway.worker.exchange import HEAD, Failure, Said

if TYPE_CHECKING:
    from gateway.worker.task import Task

#: Encodings that Python loads from files when it meets them first; JSON may be in any of these.
ENCODINGS = ("ascii", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")

#: Most places of a failure that are reported.
PLACES_LIMIT = 20


def main() -> None:
    """Answer questions until there are no more."""
    memory_bytes, modules = int(sys.argv[1]), sys.argv[2:]
    tasks: list[Task[Any, Any]] = [import_module(name).TASK for name in modules]
    for encoding in ENCODINGS:
        codecs.lookup(encoding)
    for task in tasks:
        for example in task.examples:
            build(task.answer, *_read_back(task.work(example)))
    confine(memory_bytes)
    clock = _Clock()
    _say(Said.READY, clock)
    while head := sys.stdin.buffer.read(HEAD.size):
        number, limit_s, document_length, data_length = HEAD.unpack(head)
        limit_processor_time(limit_s)
        _answer(tasks[number], document_length, data_length, clock)


class _Clock:
    """Processor seconds since the last time it was asked."""

    def __init__(self) -> None:
        self._last_s = 0.0

    def lap(self) -> float:
        now_s = time.process_time()
        last_s, self._last_s = self._last_s, now_s
        return now_s - last_s


def _answer(task: Task[Any, Any], document_length: int, data_length: int, clock: _Clock) -> None:
    """Read one question and answer it."""
    try:
        document = sys.stdin.buffer.read(document_length)
        question = build(task.question, parse(document), sys.stdin.buffer.read(data_length))
        answer = encode(task.work(question))
    except MemoryError:
        _say(Said.TOO_MUCH_MEMORY, clock)
    except Exception as error:  # noqa: BLE001 - reported, and raised by the owner
        _say(Said.FAILED, clock, *encode(_failure(error)))
    else:
        _say(Said.ANSWER, clock, *answer)


def _failure(error: Exception) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)[-PLACES_LIMIT:]
    return Failure(type(error).__name__, tuple(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames))


def _say(said: Said, clock: _Clock, document: bytes = b"", data: list[bytes] | None = None) -> None:
    pieces = data or []
    out = sys.stdout.buffer
    out.write(HEAD.pack(said, clock.lap(), len(document), sum(map(len, pieces))))
    out.write(document)
    for piece in pieces:
        out.write(piece)
    out.flush()


def _read_back(value: Any) -> tuple[Any, bytes]:
    document, data = encode(value)
    return parse(document), b"".join(data)


if __name__ == "__main__":
    main()
