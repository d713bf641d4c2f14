"""A check as a report in JUnit's format, which CI services show test by test; needs the extra `ci`."""

from __future__ import annotations

import io
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
        suite.add_testcase(_case(judged, exit_zero=exit_zero))
    suite.time = round(seconds, 3)
    document = JUnitXml()
    document.add_testsuite(suite)
    written = io.BytesIO()
    document.write(written)
    return written.getvalue()


def _case(judged: Judged, *, exit_zero: bool) -> TestCase:
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
    return case


def _text(text: str) -> str:
    """Return untrusted text as one line of characters that XML 1.0 allows (its section 2.2)."""
    return one_line(text).translate(NO_CHARACTERS)
