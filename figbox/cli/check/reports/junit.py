"""A check as a report in JUnit's format, which CI services show test by test; needs the extra `ci`.

A figure that isn't the same names its picture, as it is now, in the way that GitLab shows beside a failed test. Source:
https://docs.gitlab.com/ci/testing/unit_test_reports/#view-junit-screenshots-on-gitlab, by which the path is relative to
the project; that is the working directory of a job.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from figbox.check.verdicts import Judged, Verdict
from figbox.cli.terminal import one_line

if TYPE_CHECKING:
    from figbox.cli.check.flow import Checked


#: What XML can't contain besides control characters.
NO_CHARACTERS = dict.fromkeys((0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")


def junit(checked: Checked, seconds: float, *, exit_zero: bool) -> bytes:
    """Return the report.

    Args:
        checked: What the check found.
        seconds: How long it took.
        exit_zero: Whether figures that differ are no failures.
    """
    suite = TestSuite("figbox check")
    for judged in checked.figures:
        _, picture = checked.pictures[judged.name]
        suite.add_testcase(_case(judged, picture, exit_zero=exit_zero))
    suite.time = round(seconds, 3)
    document = JUnitXml()
    document.add_testsuite(suite)
    written = io.BytesIO()
    document.write(written)
    return written.getvalue()


def _case(judged: Judged, picture: Path | None, *, exit_zero: bool) -> TestCase:
    case = TestCase(_text(judged.name), classname=_text(judged.source))
    message = _text(". ".join(text for text in (f"{judged.verdict}: {judged.note}", *judged.words) if text))
    if judged.verdict is Verdict.FAILED:
        case.result = [Error(message, "failed")]
    elif judged.verdict is Verdict.NOT_RUN:
        case.result = [Skipped(message)]
    elif judged.verdict is not Verdict.SAME and not exit_zero:
        case.result = [Failure(message, judged.verdict.value)]
    elif judged.verdict is not Verdict.SAME:
        case.system_out = message
    if judged.verdict is not Verdict.SAME and picture is not None:
        case.system_out = "\n".join(text for text in (case.system_out, _attachment(picture)) if text)
    return case


def _attachment(picture: Path) -> str:
    """Return the mention of a file that GitLab shows; nothing for one that it couldn't find."""
    here = Path.cwd()
    return _text(f"[[ATTACHMENT|{picture.relative_to(here).as_posix()}]]") if picture.is_relative_to(here) else ""


def _text(text: str) -> str:
    """Return untrusted text as one line of characters that XML 1.0 allows (its section 2.2)."""
    return one_line(text).translate(NO_CHARACTERS)
