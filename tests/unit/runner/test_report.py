"""What a client reads when its program fails: all frames of the program and no others, within bounds."""

from __future__ import annotations

import json
import re
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.runner import runner_modules

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the runner's module that describes errors, in a working directory without our files."""
    with runner_modules(tmp_path_factory.mktemp("work")) as module:
        yield module("report")


@pytest.fixture(scope="module")
def result(report: Any) -> Any:
    """Return the runner's module that encodes the end of a reply."""
    return sys.modules["result"]


def split(code: str) -> list[str]:
    """Return the lines of a program as the runner does, whose modules are imported."""
    lines: list[str] = sys.modules["program"].split_lines(code)
    return lines


def fault_of(report: Any, code: str) -> BaseException:
    """Run ``code`` as the runner would and return what it raises."""
    report.remember_source(split(code))
    try:
        exec(compile(code, "plot.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError("the program did not fail")


def report_of(report: Any, code: str) -> str:
    """Run ``code`` as the runner would and describe what it raises."""
    return str(report.describe(fault_of(report, code), split(code)))


def test_report_is_what_a_direct_run_prints(report: Any) -> None:
    """The program's own frames with source lines, nothing before them and nothing between."""
    text = report_of(report, "def f():\n    g()\ndef g():\n    raise ValueError('no')\nf()\n")
    assert text.startswith('Traceback (most recent call last):\n  File "plot.py", line 5, in <module>\n    f()\n')
    assert "  File \"plot.py\", line 4, in g\n    raise ValueError('no')\n" in text
    assert text.endswith("ValueError: no\n")


def test_library_frames_are_left_out(report: Any) -> None:
    """An error deep in a library points to the line of the program that led there."""
    text = report_of(report, "import json\njson.loads('{')\n")
    assert text.count('File "') == 1
    assert 'File "plot.py", line 2' in text
    assert "JSONDecodeError" in text


CAUSE = """
try:
    1 / 0
except ZeroDivisionError as fault:
    raise KeyError('k') from fault
"""
CONTEXT = """
try:
    1 / 0
except ZeroDivisionError:
    {}['k']
"""
RECURSION = "def f(n): return f(n + 1)\nf(0)"
GROUP = "raise ExceptionGroup('several', [ValueError('a'), TypeError('b')])"
BROKEN_STR = "class E(Exception):\n    def __str__(self): raise RuntimeError\nraise E"
BROKEN_CAUSE = "class E(Exception):\n    __cause__ = property(lambda s: 1 / 0)\nraise E('x')"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (CAUSE, ["direct cause", "ZeroDivisionError", "KeyError: 'k'"]),
        (CONTEXT, ["During handling", "ZeroDivisionError", "KeyError: 'k'"]),
        (GROUP, ["several", "ValueError: a", "TypeError: b"]),
        ("e = ValueError('x'); e.add_note('a note'); raise e", ["ValueError: x", "a note"]),
        (RECURSION, ["RecursionError", "Previous line repeated"]),
        ("raise MemoryError", ["MemoryError"]),
        ("raise KeyboardInterrupt", ["KeyboardInterrupt"]),
        ("raise SystemExit(3)", ["SystemExit: 3"]),
        ("raise SystemExit('enough')", ["SystemExit: enough"]),
        (BROKEN_STR, ["E: <exception str() failed>"]),
        (BROKEN_CAUSE, ["E"]),
        ("import sys; sys.tracebacklimit = 0\n1 / 0", ["ZeroDivisionError"]),
        ("e = ValueError('loop'); e.__cause__ = e; raise e", ["ValueError: loop"]),
    ],
)
def test_whole_chain_is_told(report: Any, code: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Causes, contexts, groups and notes are reported; an exception that can't be shown is at least named."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    text = report_of(report, code)
    assert all(word in text for word in words), text
    assert "test_report" not in text


def test_syntax_error_shows_line_and_caret(report: Any) -> None:
    """The report on a program that doesn't compile has the line, the place and a caret, without our frames."""
    lines = ["x = 1\n", "plt.plot([1, 2\n"]
    with pytest.raises(SyntaxError) as caught:
        compile("".join(lines), "plot.py", "exec")
    text = report.describe(caught.value, lines)
    assert text.startswith('  File "plot.py", line 2\n    plt.plot([1, 2\n')
    assert ("^" in text, "Traceback" in text) == (True, False)
    place = ("SyntaxError", "'[' was never closed", 2, 10, "plt.plot([1, 2", None)
    assert report.locate(caught.value, lines) == place


def test_error_outside_of_the_program_is_explained_and_has_no_place(report: Any) -> None:
    """Without a line of the program (a formula that can't be drawn) the text says where the error may come from."""
    error, lines = ValueError("bad formula"), ["plt.title('$')\n"]
    text = "Not raised in a line of plot.py itself, most likely while drawing:\nValueError: bad formula\n"
    assert report.describe(error, lines) == text
    assert report.locate(error, lines) == ("ValueError", "bad formula", None, None, None, None)


def test_paths_of_the_image_are_not_told(report: Any) -> None:
    """Of a path of the image in a message only the module's name is kept."""
    text = report_of(report, "from json import nothing")
    assert sys.prefix not in text
    assert sys.base_prefix not in text


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(st.characters(), max_size=300),
        st.builds(lambda text, count: text * count, st.text(min_size=1, max_size=4), st.integers(0, 70_000)),
    )
)
def test_error_holds_its_cap_and_keeps_the_end(result: Any, error: str) -> None:
    """A text of any length fits; what is left out is left out at the front, with a mark."""
    payload = result.encode_end(result.Result("program_error", error=error))
    told = json.loads(payload.decode("utf-8")).get("error", "")
    encoded = len(json.dumps(told, ensure_ascii=False).encode())
    assert encoded <= result.ERROR_LIMIT_BYTES
    whole = error.encode("utf-8", "replace").decode()
    if told != whole:
        notice, kept = told.split("\n", 1)
        assert notice == f"[shortened: the first {len(whole) - len(kept)} characters are left out]"
        assert whole.endswith(kept)
        assert encoded > result.ERROR_LIMIT_BYTES - 6


def test_a_long_error_is_not_copied(result: Any) -> None:
    """A message that took most of a container's memory is cut before anything is made of it."""
    error = "x" * 20_000_000
    tracemalloc.start()
    try:
        result.encode_end(result.Result("program_error", error=error))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000


@pytest.mark.parametrize("where", ["message", "note"])
def test_a_long_message_is_not_formatted(report: Any, where: str) -> None:
    """Nor does formatting it take memory, be it the message or a note; the lines that led to it stay."""
    long = "x" * 20_000_000
    error = ValueError(long if where == "message" else "short")
    if where == "note":
        error.add_note(long)
    tracemalloc.start()
    try:
        text = report.describe(error, [])
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000
    found = re.search(r"\[shortened: the first (\d+) characters are left out\]\n(x+)\n", text)
    assert found is not None
    assert int(found[1]) + len(found[2]) == len(long)
    assert report.MESSAGE_LIMIT_BYTES - 100 < len(found[2]) < report.MESSAGE_LIMIT_BYTES
    assert "ValueError: " in text


def test_success_needs_no_words(result: Any) -> None:
    """The end of a successful reply is the outcome alone."""
    assert json.loads(result.encode_end(result.Result("ok"))) == {"outcome": "ok"}


def test_longest_end_holds_its_limit(report: Any, result: Any) -> None:
    """With everything at its longest the end frame still fits; each warning is whole or left out."""
    rubbish = "\x01\ud800" * 70_000
    notices = [(rubbish[:1000], rubbish[:1000], 1)] * 100
    program_error = report.ProgramError(rubbish[:200], rubbish[:4000], 1, 1, rubbish[:1000], rubbish[:400])
    payload = result.encode_end(
        result.Result("program_error", error=rubbish, program_error=program_error), notices, files_left_out=True
    )
    assert len(payload) <= result.END_LIMIT_BYTES
    end = json.loads(payload)
    assert end["files_left_out"] is True
    assert 0 < len(end["notices"]) < 100
    assert all(len(notice) == 3 for notice in end["notices"])


PLACES = [
    ("1 / 0", (1, 1, "1 / 0"), "ZeroDivisionError", "division by zero"),
    ("x = 1\ny = 'ä', (x +\n   x / 0)\n", (3, 4, "   x / 0)"), "ZeroDivisionError", "division by zero"),
    ("'äöü' + (1 / 0)", (1, 10, "'äöü' + (1 / 0)"), "ZeroDivisionError", "division by zero"),
    ("def f():\n    raise ValueError('no')\nf()", (2, 5, "    raise ValueError('no')"), "ValueError", "no"),
    ("import json\njson.loads('{')", (2, 1, "json.loads('{')"), "JSONDecodeError", None),
    ("exec('1 / 0')", (1, 1, "exec('1 / 0')"), "ZeroDivisionError", "division by zero"),
    ("compile('x = = 1', 'other.py', 'exec')", (1, 1, "compile('x = = 1', 'other.py', 'exec')"), "SyntaxError", None),
    ("raise SystemExit('enough')", (1, 1, "raise SystemExit('enough')"), "SystemExit", "enough"),
    ("class E(Exception):\n    def __str__(self): raise RuntimeError\nraise E", (3, 1, "raise E"), "E", ""),
]


@pytest.mark.parametrize(("code", "place", "kind", "message"), PLACES)
def test_place_is_the_programs_own(
    report: Any, code: str, place: tuple[int, int, str], kind: str, message: str | None
) -> None:
    """Line and column, counted from 1, are those of the program's last line that led to the error."""
    found = report.locate(fault_of(report, code), split(code))
    assert (found.line, found.column, found.source) == place
    assert found.type == kind
    if message is not None:
        assert found.message == message


#: What ends a line for ``str.splitlines``, and not for Python.
NO_ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@given(st.text(st.sampled_from(["a", "\n", "\r", "\t", *NO_ENDS]), max_size=20))
def test_lines_are_those_that_python_counts(report: Any, text: str) -> None:
    """Only line feed, carriage return and both together end a line; nothing is lost, and nothing added."""
    lines = split(text)
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(lines) == plain
    *whole, last = plain.split("\n")
    assert lines == [f"{line}\n" for line in whole] + ([last] if last else [])


BEFORE = [
    *("x = 1\n\x0c\n", "\x0cx = 1\n", "\x0c\n\x0c\n", "x = 1 \x0c\n", "if True:\n\x0c    x = 1\n"),
    *(f"# a{character}b\nx = 'a{character}b'\n" for character in NO_ENDS),
    *(f'"""\n{character}\n"""\n' for character in NO_ENDS),
    *("x = 1\r\n", "x = 1\r", "\r\r\n\n", '"""\r"""\n', "x = 'a\u3000b'\n"),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", BEFORE)
def test_lines_behind_other_ends_of_lines_are_right(report: Any, before: str, end: str) -> None:
    """Number and text of a line are right in the fault and in the traceback, whatever is before it."""
    code = before + end.join(["def f():", "\treturn 1 / 0", "", "f()", ""])
    line = len(re.findall("\r\n|\r|\n", before)) + 2
    error = fault_of(report, code)
    found = report.locate(error, split(code))
    assert (found.line, found.source) == (line, "\treturn 1 / 0")
    text = report.describe(error, split(code))
    assert f'  File "plot.py", line {line + 2}, in <module>\n    f()\n' in text
    assert f'  File "plot.py", line {line}, in f\n    return 1 / 0\n' in text


@pytest.mark.parametrize("character", NO_ENDS)
def test_a_line_with_other_ends_of_lines_is_one_line(report: Any, character: str) -> None:
    """The fault has the line as it is; the traceback shows all of it, with the carets below the place."""
    code = f"y = 1\nx = 'ä{character}', 1 / 0\n"
    error = fault_of(report, code)
    found = report.locate(error, split(code))
    assert (found.line, found.column, found.source) == (2, 11, f"x = 'ä{character}', 1 / 0")
    shown = report.describe(error, split(code)).split("\n")
    blank = character.translate(report.BLANKS)
    assert shown[1:3] == ['  File "plot.py", line 2, in <module>', f"    x = 'ä{blank}', 1 / 0"]
    assert shown[3].index("~") == shown[2].index("1 / 0")


def test_a_line_that_begins_with_a_form_feed_is_shown(report: Any) -> None:
    """A form feed before a line is no part of what the traceback shows."""
    assert "line 2, in <module>\n    y = 1 / 0\n" in report_of(report, "x = 1\n\x0cy = 1 / 0\n")
    code = "x = 1\n\x0cy = = 1\n"
    with pytest.raises(SyntaxError) as caught:
        compile(code, "plot.py", "exec")
    assert report.describe(caught.value, split(code)).startswith('  File "plot.py", line 2\n    y = = 1\n')
