"""What a project wants of a check: `[check]` of `figbox.toml`, or `[tool.figbox.check]` of `pyproject.toml`."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from figbox.check.errors import CheckError
from figbox.check.lock import NAME as LOCK
from figbox.files import is_anybodys
from figbox.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "figbox.toml"
PYPROJECT = "pyproject.toml"

#: Options that a check sets itself.
OURS = frozenset({"format", "figures", "files", "cache", "describe"})

#: Options of a render that a project can set, by the names of `/v1/render`.
OPTIONS = tuple(name for name in Options.__annotations__ if name not in OURS)

#: What a file of its own has, so that it can have more one day.
TABLES = ("check",)

KEYS = ("include", "exclude", "pictures", "folder", "data", "options", "figures")
FIGURE_KEYS = (*OPTIONS, "tolerance")

#: So that random numbers are the same each time; a project can choose another.
SEED = 0


@dataclass(frozen=True, slots=True)
class Config:
    """What a project wants of a check.

    Attributes:
        root: The project's folder, which all paths are relative to.
        file: Where this comes from, in words; empty if there is no such file.
        include: What is checked if the command names nothing: scripts, folders, patterns.
        exclude: Patterns for what isn't.
        pictures: Whether accepted pictures are kept beside the lock.
        folder: The folder of the accepted pictures.
        data: Data files that are sent with every script.
        options: Options of every render.
        figures: By pattern for names, what is different for some, in the file's order; the last that fits counts.
    """

    root: Path
    file: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    pictures: bool = True
    folder: str = "figures"
    data: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def options_of(self, source: str) -> dict[str, Any]:
        """Return the options of a source, with the default seed."""
        found = {"seed": SEED, **self.options}
        for rule in self._rules(source):
            found |= {name: value for name, value in rule.items() if name != "tolerance"}
        return found

    def tolerance_of(self, source: str, name: str) -> float | None:
        """Return the distance up to which a figure counts as the same; None if it must look the same."""
        found = [rule["tolerance"] for rule in self._rules(source, name) if "tolerance" in rule]
        return float(found[-1]) if found else None

    @property
    def environments(self) -> frozenset[str]:
        """The environments that figures are drawn in, as far as it names any."""
        return frozenset(
            str(each["environment"]) for each in (self.options, *self.figures.values()) if "environment" in each
        )

    @property
    def has_tolerance(self) -> bool:
        """Whether any figure has a tolerance."""
        return any("tolerance" in rule for rule in self.figures.values())

    def _rules(self, *names: str) -> list[Mapping[str, Any]]:
        """Return what is different for a name."""
        return [rule for pattern, rule in self.figures.items() if any(fnmatchcase(name, pattern) for name in names)]


def find_config(start: Path) -> Config:
    """Return the configuration of the nearest folder upwards that has one, or else a lock; or an empty one.

    Raises:
        CheckError: A file can't be read, or a key or value in it is wrong.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        found = [
            (path, table)
            for path, names in ((folder / FILE, ("check",)), (folder / PYPROJECT, ("tool", "figbox", "check")))
            if (table := _table(path, names)) is not None
        ]
        if len(found) > 1:
            raise CheckError(f"{folder} has a configuration in both {FILE} and {PYPROJECT}: keep one")
        if found:
            return _config(*found[0])
        if (folder / LOCK).is_file() and not is_anybodys(folder / LOCK):
            return Config(folder)
    return Config(start)


def _table(path: Path, names: Iterable[str]) -> dict[str, Any] | None:
    if not path.is_file() or is_anybodys(path):
        return None
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckError(f"{path} can't be read: {error}") from error
    if path.name == FILE:
        _check_keys(path, "", document, TABLES)
    table: Any = document
    for name in names:
        table = table.get(name) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def _config(path: Path, table: Mapping[str, Any]) -> Config:
    _check_keys(path, "", table, KEYS)
    options = _options(path, "options", table.get("options", {}), OPTIONS)
    rules = table.get("figures", {})
    if not isinstance(rules, dict):
        raise CheckError(f"{path}: figures: must be tables by pattern")
    figures = {pattern: _options(path, f"figures.{pattern}", rule, FIGURE_KEYS) for pattern, rule in rules.items()}
    pictures = table.get("pictures", True)
    if not isinstance(pictures, bool):
        raise CheckError(f"{path}: pictures: must be true or false")
    folder = table.get("folder", "figures")
    inside = isinstance(folder, str) and (path.parent / folder).resolve().is_relative_to(path.parent.resolve())
    if not inside or (path.parent / folder).resolve() == path.parent.resolve():
        raise CheckError(f"{path}: folder: must be a folder below the file's own")
    return Config(
        root=path.parent,
        file=str(path),
        include=_paths(path, table, "include"),
        exclude=_texts(path, table, "exclude"),
        pictures=pictures,
        folder=folder,
        data=_paths(path, table, "data"),
        options=options,
        figures=figures,
    )


def _texts(path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise CheckError(f"{path}: {key}: must be a list of texts")
    return tuple(value)


def _paths(path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return paths and patterns, which can't lead out of the project: its file may be somebody else's."""
    texts = _texts(path, table, key)
    for text in texts:
        if PurePath(text).is_absolute() or ".." in PurePath(text).parts:
            raise CheckError(f"{path}: {key}: {text} leads out of the file's folder")
    return texts


def _options(path: Path | str, place: str, table: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return options of figures; their values are the service's to judge."""
    if not isinstance(table, dict):
        raise CheckError(f"{path}: {place}: must be a table")
    prefix = f"{place}." if place else ""
    _check_keys(path, prefix, table, known)
    tolerance = table.get("tolerance", 0)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance <= 255:  # noqa: PLR2004 - the greatest difference
        raise CheckError(f"{path}: {prefix}tolerance: must be a number from 0 to 255")
    return table


def check_options(where: str, options: Mapping[str, Any]) -> None:
    """Raise CheckError if options of a figure, or its tolerance, are wrong; `where` says where they are."""
    _options(where, "", dict(options), FIGURE_KEYS)


def _check_keys(path: Path | str, place: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key in known:
            continue
        if key in OURS and known != KEYS:
            raise CheckError(f"{path}: {place}{key}: is set by the check itself")
        near = difflib.get_close_matches(key, known, n=1)
        keys = f"the keys are {', '.join(known)}" if known != TABLES else f"all of this file is below [{TABLES[0]}]"
        meant = f"did you mean {near[0]!r}?" if near else keys
        raise CheckError(f"{path}: {place}{key}: there is no such key; {meant}")
