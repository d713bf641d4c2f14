"""The end of a run: its pictures are kept as those of the last check, and accepted if that is wanted."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figbox.check.config import find_config
from figbox.check.errors import CheckError
from figbox.check.facts import is_of_a_test
from figbox.check.lock import NAME, read_lock
from figbox.check.state import FOLDER, LastCheck, State
from figbox.check.verdicts import TAKEN
from figbox.cli.check.accept import drawn_again, take
from figbox.cli.check.halves import Side
from figbox.cli.check.reports.lines import tally
from figbox.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figbox.check.verdicts import Judged


def end(found: Sequence[dict[str, Any]], *, accept: bool) -> tuple[list[str], bool]:
    """Keep what tests found, and accept it if that is wanted.

    Returns:
        Lines for people, and whether something went wrong.
    """
    # A project's file can say where code and key are sent.
    lines = [f"service: {one_line(text)}" for text in dict.fromkeys(entry["service"] for entry in found)]
    failed = False
    projects: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in found:
        projects[entry["root"]].append(entry)
    for root, entries in projects.items():
        try:
            _refuse_clashes(entries)
            last = _kept(Path(root), entries)
            lines.append(f"{tally(last.figures)}; pictures: {Path(root, FOLDER)}")
            if accept:
                names = [judged.name for judged in _accepted(Path(root), last)]
                lines += [f"accepted {one_line(name)}" for name in names] or ["nothing is accepted: all are the same"]
        except (CheckError, OSError) as error:
            failed = True
            lines.append(one_line(f"nothing is kept or accepted: {error}"))
        for entry in entries:
            shutil.rmtree(entry["scratch"], ignore_errors=True)
    return lines, failed


def _refuse_clashes(entries: Sequence[dict[str, Any]]) -> None:
    """Raise CheckError if two tests have a figure of the same name."""
    owners: dict[str, str] = {}
    for entry in entries:
        source, test = entry["source"], entry["test"]
        other = owners.setdefault(source, test)
        if is_of_a_test(source) and other != test:
            raise CheckError(f"{other} and {test} have a figure of the same name, {source}: name one of them")


def _kept(root: Path, entries: Sequence[dict[str, Any]]) -> LastCheck:
    """Keep pictures and findings as those of the last check."""
    state = State(root)
    state.begin()
    figures: dict[str, Judged] = {}
    for entry in entries:
        scratch = State(Path(entry["scratch"]))
        for judged in scratch.last().figures:
            figures[judged.name] = judged
            for side in Side:
                path = scratch.picture(side, judged.name)
                if path.is_file():
                    state.keep(side, judged.name, path.read_bytes())
    last = LastCheck("", "", tuple(figures[name] for name in sorted(figures)))
    state.end(last)
    return last


def _accepted(root: Path, last: LastCheck) -> list[Judged]:
    """Accept all that is new or changed; return it."""
    config = find_config(root)
    chosen = [judged for judged in last.figures if judged.verdict in TAKEN]
    take(config, read_lock(root / NAME), chosen, drawn_again(last, chosen, everything=True))
    return chosen
