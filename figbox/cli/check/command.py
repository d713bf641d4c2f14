"""`figbox check`: what changed in the figures of a project."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from figbox.check.config import find_config
from figbox.check.errors import CheckError
from figbox.check.pictures import NEEDED
from figbox.check.verdicts import Judged, Verdict
from figbox.cli.check.flow import Check, Wish
from figbox.cli.check.memory import Memory
from figbox.cli.check.reports.document import report
from figbox.cli.check.reports.lines import CheckReporter
from figbox.cli.check.reports.summary import summary as in_markdown
from figbox.cli.check.sources import project_paths
from figbox.cli.check.unchanged import needs_no_check
from figbox.cli.check.watch import Watch
from figbox.cli.connection import connection_options, find_connection
from figbox.cli.exits import ExitStatus
from figbox.cli.terminal import one_line
from figbox.cli.values import sending_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from figbox.check.config import Config
    from figbox.cli.check.flow import Checked

#: A file that replaces another one.
PAGE = click.Path(path_type=Path, dir_okay=False)

#: What some options need of the extra `ci`: distributions, and the modules in them.
LIBRARIES = {
    "junit": {"junitparser": "junitparser"},
    "report": {"blazediff": "blazediff", "Jinja2": "jinja2", "Pillow": "PIL"},
    "contact_sheet": {"Pillow": "PIL", "ReportLab": "reportlab"},
    "watch": {"watchfiles": "watchfiles"},
}

#: Options that replace a file, and those that write to one that may be there, or to a device.
REPLACING, WRITING = ("report", "contact_sheet"), ("junit", "summary")

#: Options that are for a check that ends.
ONCE = {"as_json": "--json", "junit": "--junit", "summary": "--summary", "exit_zero": "--exit-zero"}


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@click.option("--base", metavar="REF", help="Compare with a git state, such as origin/main, not with accepted figures.")
@click.option("--all", "draw_all", is_flag=True, help="Also draw what must come out the same.")
@click.option("-e", "--environment", metavar="NAME", help="One of `figbox environments`, for every figure.")
@click.option(
    "--environment-before", metavar="NAME", help="Likewise for the state of --base: what a new image changes."
)
@click.option("--exclude", multiple=True, metavar="PATTERN", help="What to leave out, such as 'helpers/*'.")
@click.option("--words/--no-words", default=True, help="Whether to say what changed, which draws changed ones again.")
@click.option(
    "--skip-unchanged",
    is_flag=True,
    help="Do without a service if code, data and options are those of figbox.lock; another image isn't noticed then.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 although figures differ; failing ones still count.")
@click.option("--cache/--no-cache", default=None, help="Whether pictures may come from the service's cache.")
@sending_options
@click.option("--watch", is_flag=True, help="Go on, and check again after every save, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Write a report to standard output.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write a report in JUnit's format.")
@click.option("--summary", type=click.Path(path_type=Path), metavar="FILE", help="Append a summary in Markdown.")
@click.option("--report", type=PAGE, metavar="FILE", help="Write a page that shows what changed.")
@click.option("--report-all", is_flag=True, help="Show pictures of figures that are the same there, too.")
@click.option("--contact-sheet", type=PAGE, metavar="FILE", help="Write a PDF with all figures, small.")
@click.option("-v", "--verbose", is_flag=True, help="Also show figures that are the same, and scripts' output.")
@click.option("-q", "--quiet", is_flag=True, help="Only show what isn't the same.")
@connection_options
@click.pass_context
def check(context: click.Context, /, paths: tuple[str, ...], **given: Any) -> int:
    """Draw figures and tell which changed.

    PATH is a script, a notebook, a Markdown file with Python in it, a folder (every *.py below it) or a pattern;
    without one, what figbox.toml includes is checked. The pictures are compared with those that `figbox accept` took,
    or with those that a git state draws.

    \b
    Exit status:
      0    every figure is the same
      1    a figure changed, is new or missing, or its code failed
      2    wrong arguments or settings; nothing was sent
      3    the service couldn't be reached, stayed busy, failed, or refused the key or the options
      130  interrupted
    """  # noqa: D301 - \b is click's mark for text that keeps its lines
    if given["skip_unchanged"] and needs_no_check(paths, given):
        return ExitStatus.SAME
    connection = find_connection(context)
    connection.require_key()
    _check_options(given)

    def project() -> tuple[Config, tuple[str, ...]]:
        config = find_config(Path.cwd())
        return config, project_paths(config.root, paths)

    def one(config: Config, named: Sequence[str], memory: Memory, reporter: CheckReporter) -> Checked:
        if connection.url_source != "by flag":
            reporter.say(f"service: {connection.url} ({connection.url_source})")
        return Check(connection, config, _wish(tuple(named), given), reporter, memory).run()

    def write(checked: Checked, seconds: float) -> None:
        _write_reports(checked, connection.url, seconds, given)

    try:
        config, named = project()
        wanted = (given["environment"], given["environment_before"], *config.environments)
        connection = connection.opened(context, wanted)
        began = time.monotonic()
        if given["watch"]:
            Watch(project, one, write, quiet=given["quiet"], verbose=given["verbose"]).run()
        with CheckReporter(0, quiet=given["quiet"], verbose=given["verbose"]) as reporter:
            checked = one(config, named, Memory(), reporter)
    except CheckError as error:
        raise click.UsageError(one_line(str(error))) from error
    seconds = time.monotonic() - began
    reporter.verdicts(checked.figures)
    if not checked.base:
        reporter.next_step(checked.figures)
    reporter.tally(checked.figures, seconds)
    write(checked, seconds)
    return exit_status(checked.figures, exit_zero=given["exit_zero"])


def _wish(paths: tuple[str, ...], given: dict[str, Any]) -> Wish:
    """Return what the command line says."""
    return Wish(
        paths=paths,
        exclude=given["exclude"],
        base=given["base"],
        environment=given["environment"] or "",
        environment_before=given["environment_before"] or "",
        draw_all=given["draw_all"],
        cache=given["cache"],
        jobs=given["jobs"],
        patience_s=given["patience"],
        words=given["words"],
    )


def exit_status(figures: Iterable[Judged], *, exit_zero: bool) -> ExitStatus:
    """Return the exit status of a check; a failure of the service counts most."""
    found = {judged.verdict for judged in figures}
    if Verdict.NOT_RUN in found:
        return ExitStatus.SERVICE
    wrong = {Verdict.FAILED} if exit_zero else set(Verdict) - {Verdict.SAME}
    return ExitStatus.CHANGED if found & wrong else ExitStatus.SAME


def _write_reports(checked: Checked, url: str, seconds: float, given: dict[str, Any]) -> None:
    """Write the reports that are wanted; raise click.UsageError if a file can't be written."""
    if given["as_json"]:
        click.echo(json.dumps(report(url, checked, seconds), indent=2))
    try:
        if given["summary"] is not None:
            with given["summary"].open("a", encoding="utf-8") as file:
                file.write(in_markdown(checked, seconds))
        if given["junit"] is not None:
            from figbox.cli.check.reports.junit import junit  # noqa: PLC0415 - its library is of the extra `ci`

            given["junit"].write_bytes(junit(checked, seconds, exit_zero=given["exit_zero"]))
        if given["report"] is not None:
            from figbox.cli.check.reports.page.writing import write_page  # noqa: PLC0415 - likewise

            write_page(given["report"], checked, everything=given["report_all"])
        if given["contact_sheet"] is not None:
            from figbox.cli.check.reports.contact_sheet import write_contact_sheet  # noqa: PLC0415 - likewise

            write_contact_sheet(given["contact_sheet"], checked)
    except OSError as error:
        raise click.UsageError(f"{error.filename} can't be written: {error.strerror}") from error


def _check_options(given: dict[str, Any]) -> None:
    """Raise click.UsageError if an option lacks another one, or what it needs, or contradicts another one."""
    if given["environment_before"] and not given["base"]:
        raise click.UsageError("--environment-before is about the state of --base")
    if given["report_all"] and given["report"] is None:
        raise click.UsageError("--report-all is about the page of --report")
    _require_libraries(given)
    _check_files(given)
    if given["watch"]:
        for name, flag in ONCE.items():
            if given[name]:
                raise click.UsageError(f"{flag} is for a check that ends, and --watch goes on")


def _check_files(given: dict[str, Any]) -> None:
    """Raise click.UsageError if a file to be written is a device, or a link that the project has in its place."""
    for option in (*REPLACING, *WRITING):
        path = given[option]
        if path is None:
            continue
        flag = f"--{option.replace('_', '-')}"
        if option in REPLACING and path.exists() and not path.is_file():
            raise click.UsageError(f"{flag}: {path} isn't a file, and would be replaced by one")
        if option in WRITING and path.is_symlink() and path.parent.resolve().is_relative_to(Path.cwd().resolve()):
            raise click.UsageError(f"{flag}: {path} is a symbolic link, which isn't followed")


def _require_libraries(given: dict[str, Any]) -> None:
    """Raise click.UsageError unless the libraries for what is wanted are installed, and files have a folder."""
    from importlib.util import find_spec  # noqa: PLC0415 - only for these options

    for option, libraries in LIBRARIES.items():
        wanted = given[option]
        if not wanted:
            continue
        flag = f"--{option.replace('_', '-')}"
        lacking = [name for name, module in libraries.items() if find_spec(module) is None]
        if lacking:
            raise click.UsageError(f"{flag} needs {' and '.join(lacking)}: {NEEDED}")
        if isinstance(wanted, Path) and not wanted.parent.is_dir():
            raise click.UsageError(f"{flag}: there is no folder {one_line(str(wanted.parent))}")
