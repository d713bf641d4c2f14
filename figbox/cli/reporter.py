"""What people see of a run, on standard error: a line for each script, and on a terminal a progress bar."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from figbox.cli.batch.results import Result, Status
from figbox.cli.connection import describe
from figbox.cli.terminal import github_error, one_line, printable, quoted, shortened
from figbox.errors import BadResponse, FigboxError, RenderFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figbox.model import Finding

#: Longest reason on a script's line, in characters; a longer one is repeated in full below.
REASON_LIMIT = 160

WORDS = {Status.RENDERED: ("ok", "green"), Status.FAILED: ("FAILED", "red"), Status.NOT_RENDERED: ("LOST", "yellow")}


#: How much findings matter, the most first.
SEVERITIES = ("error", "warning", "note")


class Reporter:
    """Reports how a run goes; a context manager, which shows the progress bar.

    Attributes:
        can_keep_files: Whether the command has an option to keep the files that scripts save.
        data_option: What names more data files.
    """

    can_keep_files = True
    data_option = "--data"

    def __init__(self, total: int, *, quiet: bool = False, verbose: bool = False) -> None:
        """Begin.

        Args:
            total: Scripts of the run.
            quiet: Only report failures and the summary.
            verbose: Also show scripts' output and warnings.
        """
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._quiet = quiet
        self._verbose = verbose
        self._on_github = os.environ.get("GITHUB_ACTIONS") == "true"
        self._told: set[str] = set()
        self._failed = 0
        watched = self._console.is_terminal and not os.environ.get("CI") and not quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not watched,
        )
        self._task = self._bar.add_task("rendering", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line, unless quiet."""
        if not self._quiet:
            self._console.print(Text(printable(text)))

    def waiting(self, reason: str, pause_s: float) -> None:
        """Report that requests pause for some seconds."""
        if self._verbose or not self._bar.disable:
            self._bar.update(self._task, description=f"waiting {pause_s:.0f} s")
        if self._verbose:
            self._console.print(Text(f"waiting {pause_s:.1f} s: {one_line(reason)}", style="dim"))

    def finished(self, result: Result) -> None:
        """Report what became of a script."""
        self._failed += result.status is not Status.RENDERED
        self.advance()
        if result.status is Status.RENDERED:
            self._rendered(result)
        else:
            self._not_rendered(result)

    def advice(self, error: RenderFailed) -> str:
        """Return what the command has for a failure of this kind; the service can't know of it."""
        if error.fault is None or error.fault.type != FileNotFoundError.__name__:
            return ""
        return f"files below a script's folder go along if the script names them; {self.data_option} names others"

    def advance(self) -> None:
        """Count a script in the bar."""
        failed = f", {self._failed} failed" if self._failed else ""
        self._bar.update(self._task, advance=1, description=f"rendering{failed}")

    def summary(self, results: Sequence[Result], seconds: float) -> None:
        """Print the numbers of all scripts."""
        counts = {status: sum(result.status is status for result in results) for status in Status}
        parts = [f"{counts[Status.RENDERED]} rendered"]
        parts += [f"{counts[Status.FAILED]} failed"] if counts[Status.FAILED] else []
        parts += [f"{counts[Status.NOT_RENDERED]} not rendered"] if counts[Status.NOT_RENDERED] else []
        cached = sum(result.render is not None and result.render.cached for result in results)
        parts += [f"{cached} from the cache"] if cached else []
        self._console.print(Text(f"{', '.join(parts)} in {seconds:.1f} s"))

    def _rendered(self, result: Result) -> None:
        render = result.render
        if self._quiet or render is None:
            return
        places = ", ".join(str(written.path or "-") for written in result.pictures)
        kept = [written for written in result.files if written.path is not None]
        if kept:
            places += f", {len(kept)} {'file' if len(kept) == 1 else 'files'}"
        note = "cached" if render.cached else f"{result.seconds:.2f} s"
        self._line(result, f"{printable(result.script.shown)} -> {printable(places)} ({note})")
        if render.figures_truncated:
            self._note("the script left more figures open than the service draws")
        self._files(result, truncated=render.files_truncated)
        self._findings([finding for figure in render.figures for finding in figure.findings])
        if left_out := sum(figure.findings_left_out for figure in render.figures):
            self._note(f"and {left_out} more findings")
        if self._verbose:
            self._output(render.stdout.text, render.stderr.text)
            for warning in render.warnings:
                place = f" in line {warning.line}" if warning.line is not None else ""
                self._note(f"{warning.category}{place}: {warning.message}")

    def _not_rendered(self, result: Result) -> None:
        error = result.error
        if error is None:
            return
        line: int | None = None
        reason = describe(error)
        if result.status is Status.NOT_RENDERED and not isinstance(error, BadResponse):
            if reason in self._told:
                return  # what ends the run is reported once, not for every script that wasn't rendered
            self._told.add(reason)
        message = one_line(reason.strip().rpartition("\n")[2])  # the last line of a traceback is the error
        if isinstance(error, RenderFailed):
            fault = error.fault
            line = fault.line if fault is not None else None
            if fault is not None:
                message = one_line(f"{fault.type}: {fault.message}")
            if error.findings:
                message = one_line(reason)
            message = f"{one_line(error.outcome)}: {message}"
        place = printable(result.script.shown) + (f":{line}" if line is not None else "")
        told = _in_the_line(error, message)
        self._line(result, f"{place}: {told}")
        if isinstance(error, RenderFailed):
            self._details(error, reason, told_all=told == message)
            self._saved(error, result)
            self._advise(self.advice(error))
        if isinstance(error, FigboxError) and error.request_id and self._verbose:
            self._note(f"request {error.request_id}")
        if self._on_github:
            script = result.script
            line = line + script.lines_before if line is not None else None
            self._console.print(Text(github_error(script.file or script.shown, line, message)))

    def _findings(self, findings: Sequence[Finding]) -> None:
        """Tell what a reader would stumble over, the worst first."""
        for finding in sorted(findings, key=_rank):
            self._note(f"{finding.severity}: {finding.sentence} {finding.advice} ({finding.code})")

    def _files(self, result: Result, *, truncated: bool) -> None:
        """Tell of the files that aren't there, or not as the code wrote them."""
        for written in result.files:
            if written.path is None:
                self._note(f"not kept, because its name can't be used: {written.file.name!r}")
            elif written.file.truncated:
                self._note(f"truncated by the service: {written.path}")
        if truncated and result.files:
            self._note("the script wrote more files than the service keeps")

    def _saved(self, error: RenderFailed, result: Result) -> None:
        """Tell what became of the files of a script that failed."""
        if kept := [str(written.path) for written in result.files if written.path is not None]:
            self._note(f"its files are kept: {', '.join(kept)}")
        elif error.files and not result.files and self.can_keep_files:
            names = ", ".join(file.name for file in error.files)
            self._note(f"it saved {names}: --files keeps what a script saves")
        self._files(result, truncated=error.files_truncated)

    def _advise(self, advice: str) -> None:
        """Give advice, once in a run."""
        if advice and advice not in self._told:
            self._told.add(advice)
            self._note(advice)

    def _details(self, error: RenderFailed, reason: str, *, told_all: bool) -> None:
        """Show a traceback, or a long reason, below the script's line."""
        fault = error.fault
        several_lines = "\n" in reason.strip()
        if fault is not None and fault.source and fault.source.strip() not in reason:
            self._console.print(Text(quoted(fault.source)))
        if several_lines or (error.findings and not told_all):  # the end says what mends the figure
            self._console.print(Text(quoted(reason)))
        if fault is not None and fault.hint and fault.hint not in " ".join(reason.split()):
            self._note(f"hint: {fault.hint}")
        if self._verbose:
            self._output(error.stdout.text, error.stderr.text)

    def _output(self, stdout: str, stderr: str) -> None:
        for name, text in (("stdout", stdout), ("stderr", stderr)):
            if text.strip():
                self._note(f"{name}:")
                self._console.print(Text(quoted(text)))

    def _line(self, result: Result, text: str) -> None:
        word, style = WORDS[result.status]
        self._console.print(Text.assemble((f"{word:<7} ", style), text))

    def _note(self, text: str) -> None:
        self._console.print(Text(f"    {one_line(text)}"))


def _in_the_line(error: Exception, message: str) -> str:
    """Return what the line of a script says of its failure: all, its beginning, or how many findings there are."""
    findings = error.findings if isinstance(error, RenderFailed) else ()
    if findings and (len(findings) > 1 or len(message) > REASON_LIMIT):
        return f"{message.partition(':')[0]}: {len(findings)} {'finding' if len(findings) == 1 else 'findings'}"
    return shortened(message, REASON_LIMIT)


def _rank(finding: Finding) -> tuple[int, int, str]:
    """Return where a finding comes among others; one of an unknown severity comes last."""
    known = finding.severity in SEVERITIES
    return SEVERITIES.index(finding.severity) if known else len(SEVERITIES), finding.figure or 0, finding.code
