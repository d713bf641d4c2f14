"""Every log line is one line of ASCII, whatever the data, and shows neither code nor key."""

from __future__ import annotations

import io
import json
import logging
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loguru import logger

from gateway.observability.logs import BURST, FIELD_LIMIT, LINES_PER_MINUTE, LogGate, complain, configure_logging
from tests.conftest import kept_logging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NASTY = "a\r\nb\x1b[31m\u2028\u2029\x85\x0b\x00{evil} {0.__class__} %s \ud800 \U0001f600 </script>"


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    text = stream.getvalue()
    assert text.isascii()
    assert all(char.isprintable() or char == "\n" for char in text)
    return [json.loads(line) for line in text.split("\n")[:-1]]


def _fail(text: str) -> None:
    raise ValueError(text)


@pytest.fixture
def readable() -> Iterator[io.StringIO]:
    """Return everything that is logged, as the lines of DEBUG."""
    stream = io.StringIO()
    with kept_logging():
        configure_logging(debug=True, stream=stream)
        yield stream


def test_line_is_json_with_its_data(log: io.StringIO) -> None:
    """One event is one object: time, level, event, and its data by name; what is None is left out."""
    with logger.contextualize(request_id="id-1"):
        logger.info("job finished", outcome="ok", run_ms=1.5, cpu_s=None)
    (line,) = _lines(log)
    assert {"time", "level", "event", "request_id", "outcome", "run_ms"} == line.keys()
    assert tuple(line[name] for name in ("level", "event", "request_id", "run_ms")) == (
        "INFO",
        "job finished",
        "id-1",
        1.5,
    )


def test_nasty_text_stays_data(log: io.StringIO) -> None:
    """Line ends, escapes, separators and braces in data make no line of their own and format nothing."""
    logger.info("event", text=NASTY)
    (line,) = _lines(log)
    assert line["text"] == NASTY


@settings(deadline=None, max_examples=150)
@given(st.text(st.characters(exclude_categories=()), max_size=300), st.booleans())
def test_any_text_is_one_line(text: str, debug: bool) -> None:  # noqa: FBT001 - hypothesis
    """Whatever the text, one event is one line of printable ASCII, in both forms."""
    stream = io.StringIO()
    with kept_logging():
        configure_logging(debug=debug, stream=stream)
        logger.info("event", text=text)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii()
    assert stream.getvalue()[:-1].isprintable()


def test_long_text_is_shortened(log: io.StringIO) -> None:
    """A guest can't fill the log."""
    logger.info("event", text="x" * 100_000)
    (line,) = _lines(log)
    assert len(str(line["text"])) == FIELD_LIMIT


def test_exception_is_logged_without_values(log: io.StringIO) -> None:
    """A trace shows the place, in escaped lines, without values of variables: neither code nor key."""
    secret_code = "plt.plot(secret)"

    def broken(code: str) -> None:
        raise ZeroDivisionError("first\nsecond\x1b\u2028")

    try:
        broken(secret_code)
    except ZeroDivisionError:
        logger.exception("internal error")
    (line,) = _lines(log)
    trace = line["trace"]
    assert isinstance(trace, list)
    assert any("broken(secret_code)" in part for part in trace)
    assert "ZeroDivisionError: first" in trace
    assert "plt.plot" not in log.getvalue()


def test_library_messages_are_data(log: io.StringIO) -> None:
    """Records of the standard logging become lines of ours; an exception is named by its class only."""
    try:
        _fail("X-API-Key: the-secret")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling %s {braces}", "req\nuest")
    logging.getLogger("noise").info("not interesting")
    (line,) = _lines(log)
    assert tuple(line[name] for name in ("event", "library", "text", "error", "level")) == (
        "library message",
        "aiohttp.server",
        "Error handling req\nuest {braces}",
        "ValueError",
        "ERROR",
    )
    assert "the-secret" not in log.getvalue()


def test_production_says_nothing_of_debug(log: io.StringIO) -> None:
    """Without DEBUG, detail is left out."""
    logger.debug("detail")
    assert log.getvalue() == ""


def test_debug_lines_are_readable(readable: io.StringIO) -> None:
    """With DEBUG a line reads: time, level, event, data by name, escaped."""
    logger.debug("event", outcome="ok", text="a\nb\x1b", nothing=None)
    (line,) = readable.getvalue().splitlines()
    assert line.split(" ", 1)[1] == "DEBUG   event  outcome='ok' text='a\\nb\\x1b'"


def test_debug_trace_is_escaped(readable: io.StringIO) -> None:
    """An exception's text can't forge a line in the readable form either."""
    try:
        _fail("x\x1b[2J")
    except ValueError:
        logger.exception("internal error")
    assert readable.getvalue().isascii()
    assert "\x1b" not in readable.getvalue()
    assert readable.getvalue().splitlines()[-1] == "ValueError: x\\x1b[2J"


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 20, allow_subnormal=False), max_size=300))
def test_lines_are_bounded_and_counted(pauses: list[float]) -> None:
    """However lines come, no more pass than a burst and the rate; the reported numbers of dropped lines add up."""
    now = 0.0
    gate = LogGate(lambda: now)
    passed, told, silent = 0, 0, 0
    for pause in pauses:
        now += pause
        left_out = gate.passes()
        if left_out is None:
            silent += 1
        else:
            passed += 1
            told += left_out
            assert left_out == silent
            silent = 0
    assert passed <= BURST + now * LINES_PER_MINUTE / 60 + 1e-6
    assert passed + told + silent == len(pauses)


def test_a_burst_passes_whole() -> None:
    """Rare events are logged line by line."""
    gate = LogGate(lambda: 0.0)
    assert [gate.passes() for _ in range(BURST + 1)] == [0] * BURST + [None]


def test_journal_is_told_the_level_of_each_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines to the journal have its word for their level before them, also every line of a stack; others don't."""
    written = {}
    for name in ("journal", "file"):
        with (tmp_path / name).open("w+") as stream, kept_logging():
            if name == "journal":
                state = os.fstat(stream.fileno())
                monkeypatch.setenv("JOURNAL_STREAM", f"{state.st_dev}:{state.st_ino}")
            configure_logging(debug=False, stream=stream)
            logger.info("started", text=NASTY)
            logger.warning("odd")
            logger.error("bad")
            configure_logging(debug=True, stream=stream)
            logger.debug("detail")
            logger.opt(exception=ValueError("no")).critical("worse")
            stream.seek(0)
            written[name] = stream.read().splitlines()
    assert [line[:3] for line in written["journal"]] == ["<6>", "<4>", "<3>", "<7>", "<2>", "<2>"]
    assert [json.loads(line[3:])["event"] for line in written["journal"][:3]] == ["started", "odd", "bad"]
    assert [line[:1] for line in written["file"][:3]] == ["{", "{", "{"]
    assert not any(line.startswith("<") for line in written["file"])


def test_reason_of_a_failed_start_is_an_error_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence for a person is an error to the journal, and just a sentence on a terminal."""
    complain("figbox: no")
    assert capsys.readouterr().err == "figbox: no\n"
    with (tmp_path / "err").open("w+") as stream:
        state = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{state.st_dev}:{state.st_ino}")
        monkeypatch.setattr("sys.stderr", stream)
        complain("figbox: no")
        stream.seek(0)
        assert stream.read() == "<3>figbox: no\n"
