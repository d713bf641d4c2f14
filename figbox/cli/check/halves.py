"""The two halves of a check, before and after: what is sent of each source, and the pictures that come."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

import click

from figbox.check.facts import Figure, Inputs, inputs_of
from figbox.check.pictures import NotAPicture, Seen, look_at
from figbox.cli.batch.data import named_files
from figbox.cli.batch.sent import Sent, what_is_sent
from figbox.cli.check.sources import is_inside
from figbox.cli.exits import ScriptProblem
from figbox.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from figbox.check.config import Config
    from figbox.check.state import State
    from figbox.cli.batch.results import Result
    from figbox.cli.batch.scripts import Script
    from figbox.cli.check.sources import Source
    from figbox.options import Options

#: What every render of a check asks for.
ASKED = {"format": ["png"], "figures": "all"}

#: Characters of an image's digest, with the name of the algorithm; a service may say anything.
IMAGE_LIMIT = 200


class Side(StrEnum):
    """Which half: as it was, or as it is."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Half:
    """One half of a check.

    Attributes:
        side: Which one.
        root: Where its files are.
        sources: Its sources by name.
        environment: The environment that it is rendered in; empty for the one of the configuration.
        cache: Whether pictures may come from the service's cache; None for the service's default.
    """

    side: Side
    root: Path
    sources: Mapping[str, Source]
    environment: str
    cache: bool | None = None


@dataclass(slots=True)
class Preparation:
    """What is sent of the sources of a half; `Wanted` of a batch.

    Attributes:
        inputs: What the figures of each script are made of, as it was sent last.
        more: Options besides those of the configuration.
    """

    config: Config
    halves: Sequence[Half]
    data_limit_bytes: int
    inputs: dict[Script, Inputs] = field(default_factory=dict)
    formats: tuple[str, ...] = ("png",)
    keep_files: bool = False
    document: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    _of: dict[Script, tuple[Half, Source]] = field(default_factory=dict)
    _named: dict[Path, Mapping[str, Path]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for half in self.halves:
            self._of |= {source.script: (half, source) for source in half.sources.values()}
            if self.config.data:
                self._named[half.root] = _named(half, self.config.data)

    def of(self, script: Script) -> tuple[Half, Source]:
        """Return the half and the source that a script belongs to."""
        return self._of[script]

    def environment(self, half: Half, source: Source) -> str:
        """Return the environment that a source is rendered in."""
        return half.environment or str(self.config.options_of(source.name).get("environment") or "default")

    def sent(self, script: Script) -> Sent:
        """Return what is sent of a script, and note what its figures are made of. Raises `ScriptProblem`."""
        half, source = self._of[script]
        options = {**ASKED, **self.config.options_of(source.name), **self.more}
        options |= {"environment": half.environment} if half.environment else {}
        options |= {"cache": half.cache} if half.cache is not None else {}
        named = self._named.get(half.root, {})
        found = what_is_sent(script, cast("Options", options), named, self.data_limit_bytes, beside=True)
        self.inputs[script] = inputs_of(found.code, found.files, options)
        return found

    def inputs_now(self, source: Source) -> Inputs | None:
        """Return what a source's figures would be made of; None if it can't be sent."""
        try:
            self.sent(source.script)
        except ScriptProblem:
            return None
        return self.inputs[source.script]


def _named(half: Half, patterns: Sequence[str]) -> Mapping[str, Path]:
    """Return the data files that the configuration names; raise click.UsageError if one can't be sent.

    An earlier state needn't have them: they may have come later, or not be in git at all.
    """
    before = half.side is Side.BEFORE
    try:
        found = named_files(patterns, half.root, told_by="`data` of the configuration", may_lack=before)
    except click.UsageError as error:
        raise click.UsageError(one_line(error.message)) from error
    for path in found.values():
        if not is_inside(path, half.root):
            raise click.UsageError(one_line(f"{path} is a link that leads out of {half.root}"))
    return found


def _image(said: object) -> str:
    """Return the digest of an image as the service says it, fit to be kept in a file that is committed."""
    return one_line(said)[:IMAGE_LIMIT] if isinstance(said, str) else ""


@dataclass(slots=True)
class Pictures:
    """The pictures of both halves as they come; `Sink` of a batch."""

    preparation: Preparation
    state: State
    _seen: dict[Script, list[tuple[str, Seen]]] = field(default_factory=lambda: defaultdict(list))
    _owners: dict[tuple[Side, PurePosixPath], Script] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for half in self.preparation.halves:
            for source in half.sources.values():
                stem = source.script.stem
                self._owners[half.side, stem.with_name(f"{stem.name}.png")] = source.script

    def write(self, script: Script, name: PurePosixPath, data: bytes) -> Path:
        """Keep a picture and its digest. Raises `ScriptProblem`."""
        side = self.preparation.of(script)[0].side
        owner = self._owners.setdefault((side, name), script)
        if owner is not script:
            raise ScriptProblem(f"{name} is the name of a picture of {owner.shown}: rename one of the two")
        figure = str(name).removesuffix(".png")
        try:
            self._seen[script].append((figure, look_at(data)))
            return self.state.keep(side, figure, data)
        except NotAPicture as error:
            raise ScriptProblem(f"the service sent no picture of {figure}: {error}") from error
        except OSError as error:
            raise ScriptProblem(f"the picture can't be kept: {error.strerror}") from error

    def seen(self, script: Script) -> tuple[tuple[str, Seen], ...]:
        """Return the pictures of a script that came, by the names of their figures."""
        return tuple(self._seen[script])

    def recall(self, script: Script, seen: Sequence[tuple[str, Seen]]) -> None:
        """Take pictures as a script's that came in an earlier check, and are kept still."""
        self._seen[script] = list(seen)
        side = self.preparation.of(script)[0].side
        self._owners |= {(side, PurePosixPath(f"{name}.png")): script for name, _ in seen}

    def figures(self, source: Source, result: Result) -> tuple[Figure, ...]:
        """Return the figures that a source drew."""
        found = self._seen[source.script]
        inputs = self.preparation.inputs[source.script]
        image = _image(result.render.manifest.get("image")) if result.render is not None else ""
        return tuple(
            Figure(name, source.name, len(found), seen.digest, seen.width_px, seen.height_px, inputs, image)
            for name, seen in found
        )
