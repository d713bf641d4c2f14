"""What a client reads when its program fails: its own frames, whole, and within bounds."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

FOLDER = Path(__file__).parents[2] / "runner-image"


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The runner's module, loaded without being run, in a working directory that holds nothing of ours."""
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location("figbox_runner", FOLDER / "runner.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with contextlib.chdir(tmp_path_factory.mktemp("work")):
            spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(FOLDER))
    return module


def report_of(runner: Any, code: str) -> str:
    """Run ``code`` as the runner would and describe what it raises."""
    lines = code.splitlines(keepends=True)
    runner.remember_source(lines)
    try:
        exec(compile(code, "plot.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    except BaseException as fault:  # noqa: BLE001
        return str(runner.describe(fault, lines))
    raise AssertionError("the program did not fail")


def test_report_is_what_a_direct_run_prints(runner: Any) -> None:
    """Own frames with source lines, nothing before them and nothing between."""
    text = report_of(runner, "def f():\n    g()\ndef g():\n    raise ValueError('no')\nf()\n")
    assert text.startswith('Traceback (most recent call last):\n  File "plot.py", line 5, in <module>\n    f()\n')
    assert "  File \"plot.py\", line 4, in g\n    raise ValueError('no')\n" in text
    assert text.endswith("ValueError: no\n")


def test_library_frames_are_left_out(runner: Any) -> None:
    """A fault deep in a library points at the client's line that led there."""
    text = report_of(runner, "import json\njson.loads('{')\n")
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
def test_whole_chain_is_told(runner: Any, code: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Causes, contexts, groups and notes are told; a fault that resists being shown is named at least."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    text = report_of(runner, code)
    assert all(word in text for word in words), text
    assert "test_runner_report" not in text


def test_syntax_error_shows_line_and_caret(runner: Any) -> None:
    """A program that doesn't compile gets the line and a caret, without a traceback of ours."""
    with pytest.raises(SyntaxError) as caught:
        compile("x = 1\nplt.plot([1, 2\n", "plot.py", "exec")
    text = runner.describe(caught.value, ["x = 1\n", "plt.plot([1, 2\n"])
    assert text.startswith('  File "plot.py", line 2\n    plt.plot([1, 2\n')
    assert "^" in text
    assert "Traceback" not in text


def test_fault_outside_of_the_program_is_explained(runner: Any) -> None:
    """Without a line of the client's (a formula that can't be drawn) the text says where it may come from."""
    text = runner.describe(ValueError("bad formula"), ["plt.title('$')\n"])
    assert text == "Not raised in a line of plot.py itself, most likely while drawing:\nValueError: bad formula\n"


def test_paths_of_the_image_are_not_told(runner: Any) -> None:
    """A message that quotes a path of the image keeps the module's name alone."""
    text = report_of(runner, "from json import nothing")
    assert sys.prefix not in text
    assert sys.base_prefix not in text


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(st.characters(), max_size=300),
        st.builds(lambda text, count: text * count, st.text(min_size=1, max_size=4), st.integers(0, 70_000)),
    )
)
def test_verdict_holds_its_cap_and_keeps_the_end(runner: Any, error: str) -> None:
    """Any text fits the frame; what is left out is left out at the front, and said."""
    payload = runner.encode_verdict(runner.Verdict("program_error", None, error))
    assert len(payload) <= runner.VERDICT_LIMIT_BYTES
    verdict = json.loads(payload.decode("utf-8"))
    assert verdict["outcome"] == "program_error"
    whole = error.encode("utf-8", "replace").decode()
    if verdict["error"] != whole:
        notice, kept = verdict["error"].split("\n", 1)
        assert notice == f"[shortened: the first {len(whole) - len(kept)} characters are left out]"
        assert whole.endswith(kept)
        assert len(payload) > runner.VERDICT_LIMIT_BYTES - 6


def test_success_needs_no_words(runner: Any) -> None:
    """The verdict of a drawn figure is the outcome alone."""
    assert json.loads(runner.encode_verdict(runner.Verdict("ok", b"png", ""))) == {"outcome": "ok"}
