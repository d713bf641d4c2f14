"""`figbox accept`: takes figures that the last check drew as they are."""

from __future__ import annotations

import difflib
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from figbox.check.config import find_config
from figbox.check.errors import CheckError
from figbox.check.facts import is_of_a_test
from figbox.check.lock import NAME, Lock, read_lock, write_lock
from figbox.check.pictures import NotAPicture, look_at
from figbox.check.state import State
from figbox.check.verdicts import TAKEN, Judged, Verdict
from figbox.cli.check.flow import DATA_LIMIT_BYTES
from figbox.cli.check.halves import Half, Preparation, Side
from figbox.cli.check.sources import OF_A_FILE, find_sources
from figbox.cli.exits import ExitStatus
from figbox.cli.terminal import one_line
from figbox.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from figbox.check.config import Config
    from figbox.check.state import LastCheck


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option("--prune", is_flag=True, help="Remove what the last check found missing, instead of taking figures.")
def accept(names: tuple[str, ...], *, prune: bool) -> int:
    """Accept figures as the last `figbox check` drew them.

    NAME is a figure, what draws it, or a pattern for either; without one, all that are new or changed are accepted.
    What the last check didn't draw stays as it is. figbox.lock and the accepted pictures belong in a commit, where they
    can be reviewed.

    \b
    Exit status:
      0    done, or there was nothing to do
      2    nothing was done: there is no such figure, or its code or data changed since the check
    """  # noqa: D301 - \b is click's mark for text that keeps its lines
    try:
        config = find_config(Path.cwd())
        last = _last(config)
        lock = read_lock(config.root / NAME)
        chosen = _chosen(last, names, {Verdict.MISSING} if prune else TAKEN)
        if prune:
            _prune(config, lock, chosen)
        else:
            again = drawn_again(last, chosen, everything=not names)
            _refuse_tests([*chosen, *again])
            _refuse_stale(config, last, [*chosen, *again])
            take(config, lock, chosen, again)
    except CheckError as error:
        raise click.UsageError(one_line(str(error))) from error
    word = "removed" if prune else "accepted"
    for judged in chosen:
        click.echo(f"{word} {one_line(judged.name)}", err=True)
    if not chosen:
        click.echo(f"nothing is {word}: {_why_none(last, prune=prune)}", err=True)
    return ExitStatus.SAME


def _last(config: Config) -> LastCheck:
    """Return the last check; raise CheckError if it has nothing that can be accepted."""
    last = State(config.root).last()
    if last.base:
        raise CheckError("the last check compared with a git state: run `figbox check` without --base first")
    return last


def _why_none(last: LastCheck, *, prune: bool) -> str:
    missing = sum(judged.verdict is Verdict.MISSING for judged in last.figures)
    if missing and not prune:
        return f"no figure is new or changed, and {missing} missing: --prune removes them"
    return "the last check found no figure missing" if prune else "the last check found no figure new or changed"


def _chosen(last: LastCheck, names: Sequence[str], verdicts: Iterable[Verdict]) -> list[Judged]:
    """Return the figures that names and patterns mean; raise CheckError if one means none."""
    eligible = [judged for judged in last.figures if judged.verdict in verdicts]
    if not names:
        return eligible
    found: dict[str, Judged] = {}
    for name in names:
        fitting = [judged for judged in last.figures if _fits(judged, name)]
        if not fitting:
            raise CheckError(f"the last check knows no figure {name!r}{_meant(last, name)}")
        wanted = [judged for judged in fitting if judged in eligible]
        if not wanted and not any(judged.verdict is Verdict.SAME for judged in fitting):
            raise CheckError(f"{name}: it is {fitting[0].verdict} in the last check")
        found |= {judged.name: judged for judged in wanted}
    return [found[name] for name in sorted(found)]


def _meant(last: LastCheck, name: str) -> str:
    """Return which figure may be meant by a name that none has: the end of one, or one that is almost it."""
    names = sorted(judged.name for judged in last.figures)
    near = [found for found in names if found.endswith(f"/{name}")] or difflib.get_close_matches(name, names, n=1)
    return f": did you mean {near[0]!r}?" if near else ""


def _fits(judged: Judged, name: str) -> bool:
    return any(text == name or fnmatchcase(text, name) for text in (judged.name, judged.source))


def _prune(config: Config, lock: Lock, gone: Sequence[Judged]) -> None:
    """Remove figures from the lock, and their pictures."""
    names = {judged.name for judged in gone}
    write_lock(config.root / NAME, Lock({name: it for name, it in lock.figures.items() if name not in names}))
    for name in names & set(lock.figures) if config.pictures else ():
        path = _picture(config, name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CheckError(f"{path} can't be removed: {error.strerror}") from error


def drawn_again(last: LastCheck, chosen: Sequence[Judged], *, everything: bool) -> list[Judged]:
    """Return what came out the same of other code or by another image, of some sources or of all.

    That is noted, too, so that it needn't be drawn by each check.
    """
    sources = {judged.source for judged in chosen}
    return [
        judged
        for judged in last.figures
        if judged.verdict is Verdict.SAME and judged.after != judged.before and (everything or judged.source in sources)
    ]


def take(config: Config, lock: Lock, chosen: Sequence[Judged], again: Sequence[Judged]) -> None:
    """Write figures to the lock; before that their pictures, so that the lock never names what isn't there."""
    figures = dict(lock.figures)
    pictures = {}
    for judged in chosen:
        if judged.after is not None:
            pictures[judged.name] = _drawn(config, judged.name, judged.after.picture)
            figures[judged.name] = judged.after
    for judged in again:
        old = figures.get(judged.name)
        if old is not None and judged.after is not None:
            figures[judged.name] = replace(judged.after, picture=old.picture)  # within a tolerance it is another
    for name, data in pictures.items() if config.pictures else ():
        path = _picture(config, name, make=True)
        try:
            replace_file(path, data)
        except OSError as error:
            raise CheckError(f"{path} can't be written: {error.strerror}") from error
    if figures != lock.figures:
        write_lock(config.root / NAME, Lock(figures))


def _drawn(config: Config, name: str, digest: str) -> bytes:
    """Return a picture that the last check drew; raise CheckError if it is no longer there."""
    try:
        data = State(config.root).picture(Side.AFTER, name).read_bytes()
        if look_at(data).digest == digest:
            return data
    except (OSError, NotAPicture):
        pass
    raise CheckError(f"the picture of {name} is no longer there: run `figbox check` again")


def _refuse_tests(figures: Sequence[Judged]) -> None:
    """Raise CheckError if a figure is one that a test draws under its own name, which only that test can draw again."""
    found = sorted(judged.name for judged in figures if is_of_a_test(judged.source))
    if found:
        raise CheckError(f"drawn by tests, so accept them by `pytest --figbox-accept`: {', '.join(found)}")


def _refuse_stale(config: Config, last: LastCheck, figures: Sequence[Judged]) -> None:
    """Raise CheckError if code, data or options of a figure aren't those that the last check drew."""
    files = sorted({judged.source.partition(OF_A_FILE)[0] for judged in figures})
    half = Half(Side.AFTER, config.root, find_sources(config.root, files, (), None), last.environment)
    preparation = Preparation(config, [half], DATA_LIMIT_BYTES)
    stale = []
    for judged in figures:
        source = half.sources.get(judged.source)
        inputs = preparation.inputs_now(source) if source is not None else None
        if inputs is None or judged.after is None or inputs != judged.after.inputs:
            stale.append(judged.source)
    if stale:
        raise CheckError(f"changed since the last check: {', '.join(sorted(set(stale)))}; run `figbox check` again")


def _picture(config: Config, name: str, *, make: bool = False) -> Path:
    """Return where an accepted picture is, without following links out of the folder."""
    path = config.root
    for part in (*Path(config.folder).parts, *Path(name).parts[:-1]):
        path /= part
        if path.is_symlink():
            raise CheckError(f"{path} is a symbolic link, which isn't followed")
        if make:
            path.mkdir(exist_ok=True)
    return path / f"{Path(name).name}.png"
