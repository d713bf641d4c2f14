"""Two runs are the same if what is left of them, without what differs every time, is."""

from __future__ import annotations

from typing import Any

from tests.plain_runs.comparison import own_frames, parts_that_differ, report

PLAIN = """\
Traceback (most recent call last):
  File "/opt/figbox/site/pandas/core/indexes/base.py", line 3805, in get_loc
    return self._engine.get_loc(casted_key)
           ~~~~~~~~~~~~~~~~~~~~^^^^^^^^^^^^
  File "pandas/_libs/index.pyx", line 167, in pandas._libs.index.IndexEngine.get_loc
KeyError: 'b'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/tmp/plot.py", line 2, in <module>
    pd.DataFrame({"a": [1]})["b"]
    ~~~~~~~~~~~~~~~~~~~~~~~~^^^^^
  File "/opt/figbox/site/pandas/core/frame.py", line 4102, in __getitem__
    indexer = self.columns.get_loc(key)
KeyError: 'b'
"""

HERE = """\
KeyError: 'b'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "plot.py", line 2, in <module>
    pd.DataFrame({"a": [1]})["b"]
    ~~~~~~~~~~~~~~~~~~~~~~~~^^^^^
KeyError: 'b'
"""

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/tmp/plot.py", line 7, in <module>
  |     asyncio.run(main())
  |   File "/usr/lib/python3.13/asyncio/runners.py", line 195, in run
  |     return runner.run(main)
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/tmp/plot.py", line 3, in fail
    |     raise ValueError("inside")
    | ValueError: inside
    +------------------------------------
"""


def result(**parts: Any) -> dict[str, Any]:
    """Return a result of a run."""
    return {"outcome": "ok", "stdout": "", "stderr": "", "pixels": [], "files": {}} | parts


def test_frames_of_libraries_are_left_out() -> None:
    """A traceback is compared by the program's own lines, in chains and in groups."""
    assert parts_that_differ(result(stderr=PLAIN), result(stderr=HERE)) == {}
    lines = GROUP.splitlines(keepends=True)
    assert own_frames(GROUP) == "".join(lines[:3] + lines[5:])


def test_the_programs_own_line_counts() -> None:
    """Another line, column or message is a difference."""
    for old, new in (("line 2", "line 3"), ("~^^", "^^^"), ("KeyError: 'b'\n", "KeyError: 'c'\n")):
        assert parts_that_differ(result(stderr=PLAIN), result(stderr=HERE.replace(old, new))).keys() == {"stderr"}


def test_addresses_and_names_of_threads_do_not_count() -> None:
    """What no two runs have in common is no difference."""
    plain = result(stdout="<Box object at 0x7f3a5c0d1e10> in Thread-3", files={"a": "1" * 64}, pixels=["2" * 64])
    here = {**plain, "stdout": "<Box object at 0x7fffe1b2a9d0> in Thread-4\n"}
    assert parts_that_differ(plain, here) == {}


def test_each_part_counts() -> None:
    """Outcome, prints, pixels, and files by their names and bytes."""
    for part in (
        {"outcome": "no_figure"},
        {"stdout": "1\n"},
        {"stderr": "1\n"},
        {"pixels": ["1" * 64]},
        {"files": {"a.txt": "1" * 64}},
    ):
        assert parts_that_differ(result(), result(**part)).keys() == part.keys()


def test_report_shows_both_sides() -> None:
    """A failure names the program and the part, and shows what each run gave."""
    differing = parts_that_differ(result(stdout="one\ntwo\n"), result(stdout=""))
    told = report("figures: a line", differing, None)
    assert told == (
        "figures: a line\n    stdout\n        plain:\n            one\n            two\n"
        "        here:\n            (nothing)"
    )
    assert report("figures: a line", {}, "Fonts").endswith("is marked as 'Fonts', and doesn't differ")
