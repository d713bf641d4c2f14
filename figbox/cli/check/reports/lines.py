"""What people see of a check, on standard error: failures as they come, then what isn't the same, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from figbox.check.state import FOLDER
from figbox.check.verdicts import TAKEN, Judged, Verdict, counts, in_order
from figbox.cli.check.halves import Preparation, Side
from figbox.cli.check.judging import known_of
from figbox.cli.reporter import REASON_LIMIT, Reporter
from figbox.cli.terminal import one_line, shortened
from figbox.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figbox.cli.batch.results import Result
    from figbox.errors import RenderFailed

STYLES = {
    Verdict.FAILED: "red",
    Verdict.NOT_RUN: "yellow",
    Verdict.CHANGED: "magenta",
    Verdict.MISSING: "red",
    Verdict.NEW: "cyan",
    Verdict.RENDERER_CHANGED: "blue",
    Verdict.SAME: "green",
}

#: Longest verdict, in characters.
WIDTH = max(map(len, Verdict))


class CheckReporter(Reporter):
    """Reports how a check goes."""

    can_keep_files = False
    data_option = "`data` in the configuration"

    _preparation: Preparation | None = None

    def begin(self, total: int, preparation: Preparation) -> None:
        """Set how many sources are sent, of both halves."""
        self._preparation = preparation
        self._bar.update(self._task, total=total)

    def finished(self, result: Result) -> None:
        """Report a failure; those of the git state that is compared with, and of other code, are only counted."""
        if self._preparation is not None:
            half, source = self._preparation.of(result.script)
            if half.side is Side.BEFORE or known_of(result, (), source) is None:
                self.advance()
                return
        super().finished(result)

    def advice(self, error: RenderFailed) -> str:
        """Return what the command has for a failure of this kind."""
        if error.outcome == Outcome.NO_FIGURE:
            return "what isn't meant to draw is left out by --exclude, or `exclude` in the configuration"
        return super().advice(error)

    def verdicts(self, figures: Sequence[Judged], *, same: bool = False) -> None:
        """Print a line for each figure, of the same ones only if verbose or told; failures were reported before."""
        unsaid = {Verdict.FAILED, Verdict.NOT_RUN} | ({Verdict.SAME} if not (same or self._verbose) else set())
        for judged in in_order(figures):
            if judged.verdict not in unsaid:
                self._verdict(judged)

    def next_step(self, figures: Sequence[Judged]) -> None:
        """Say what to do about figures that can be accepted, unless quiet."""
        if any(judged.verdict in TAKEN for judged in figures):
            self.say(f"look at {FOLDER}/after/, and take what is meant by `figbox accept`")

    def tally(self, figures: Sequence[Judged], seconds: float) -> None:
        """Print how many figures there are of each verdict."""
        self._console.print(Text(f"{tally(figures)} in {seconds:.1f} s"))

    def _verdict(self, judged: Judged) -> None:
        note = shortened(one_line(judged.note), REASON_LIMIT)
        text = one_line(judged.name) + (f" ({note})" if note else "")
        self._console.print(Text.assemble((f"{judged.verdict:<{WIDTH}} ", STYLES[judged.verdict]), text))
        for sentence in judged.words:
            self._note(sentence)

    def _rendered(self, result: Result) -> None:
        """Tell of a source that was drawn only what its code said, if that is wanted."""
        if result.render is not None and result.render.figures_truncated:
            self._note(f"{result.script.shown} left more figures open than the service draws")
        if self._verbose and result.render is not None:
            self._output(result.render.stdout.text, result.render.stderr.text)


def tally(figures: Sequence[Judged]) -> str:
    """Return how many figures there are of each verdict, in words."""
    return ", ".join(f"{count} {verdict}" for verdict, count in counts(figures).items() if count) or "no figures"
