"""A check as a report in JUnit's format, which CI services show test by test; needs the extra `ci`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from figbox.check.verdicts import Judged, Verdict
from figbox.cli.terminal import one_line

if TYPE_CHECKING:
    from figbox.cli.check.flow import Checked


def junit(checked: Checked, seconds: float, *, exit_zero: bool) -> bytes:
    """Return the report.

    Args:
        checked: What the check found.
        seconds: How long it took.
        exit_zero: Whether figures that differ are no failures.
    """
    suite = TestSuite("figbox check")
    for judged in checked.figures:
        suite.add_testcase(_case(judged, exit_zero=exit_zero))
    suite.time = round(seconds, 3)
    document = JUnitXml()
    document.add_testsuite(suite)
    written = io.BytesIO()
    document.write(written)
    return written.getvalue()


def _case(judged: Judged, *, exit_zero: bool) -> TestCase:
    case = TestCase(one_line(judged.name), classname=one_line(judged.source))
    message = one_line(". ".join(text for text in (f"{judged.verdict}: {judged.note}", *judged.words) if text))
    if judged.verdict is Verdict.FAILED:
        case.result = [Error(message, "failed")]
    elif judged.verdict is Verdict.NOT_RUN:
        case.result = [Skipped(message)]
    elif judged.verdict is not Verdict.SAME and not exit_zero:
        case.result = [Failure(message, judged.verdict.value)]
    elif judged.verdict is not Verdict.SAME:
        case.system_out = message
    return case
