"""The Dockerfiles as the set-up reads them: the few instructions that they use; anything else is refused by its line.

The same files are built by BuildKit or by an engine's own builder, as `docker compose` does, so what is read here must
mean the same there. What means something else to each of them, or to a reader, is refused: variables outside FROM,
commands for a shell, backslashes in values, flags.

Source: the Dockerfile reference.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What an engine calls a configuration's members: those of `config` in an image.
Configuration: TypeAlias = dict[str, Any]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
PORT = re.compile(r"([0-9]{1,5})(?:/(tcp|udp))?")
DURATION = re.compile(r"([0-9]+)(ms|s|m|h)")
NANOSECONDS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}

#: Flags of HEALTHCHECK that are durations, and the engine's names of them.
DURATIONS = {"interval": "Interval", "timeout": "Timeout", "start-period": "StartPeriod"}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        where: Its file and line, for errors.
        text: As it was written, on one line.
    """

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Copy(Instruction):
    """COPY: files of the context, or of an earlier stage.

    Attributes:
        sources: As they were written: names and patterns.
        target: A folder if it ends with a slash.
        stage: Name of the earlier stage, or None for the context.
    """

    sources: tuple[str, ...]
    target: str
    stage: str | None


@dataclass(frozen=True, slots=True)
class Run(Instruction):
    """RUN: a program and its arguments."""

    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting(Instruction):
    """An instruction that changes nothing but the configuration, and WORKDIR, whose folder has to be there too.

    Attributes:
        member: The configuration's member that it changes.
        value: What it sets; for members that are mappings, what it adds.
    """

    member: str
    value: Any

    def applied(self, config: Configuration) -> Configuration:
        """Return a configuration with this change."""
        before = config.get(self.member)
        match self.member:
            case "Env":
                names = {text.partition("=")[0]: text for text in before or ()}
                value: Any = list((names | self.value).values())
            case "Labels" | "ExposedPorts":
                value = {**(before or {}), **self.value}
            case "WorkingDir":
                value = posixpath.normpath(posixpath.join("/", before or "/", self.value))
            case _:
                value = self.value
        return {**config, self.member: value}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: from one FROM to the next.

    Attributes:
        where: File and line of its FROM.
        base: The image that it begins with.
        name: What later stages call it; empty if they can't.
        instructions: In order.
    """

    where: str
    base: str
    name: str
    instructions: tuple[Instruction, ...]


def read(text: str, file: str, arguments: Mapping[str, str]) -> list[Stage]:
    """Return the stages of a Dockerfile, the last of which is the image.

    Args:
        text: Its content.
        file: What it is called in errors.
        arguments: Values for its ARGs, in place of their defaults.

    Raises:
        SetupError: It has something that isn't read here; names file and line.
    """
    reader = _Reader(file, arguments)
    for line, words in _lines(text):
        reader.read(line, words)
    return reader.finished()


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the instructions with the numbers of their first lines, each on one line, without comments."""
    found: list[tuple[int, str]] = []
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words or (words.startswith("#") and not _is_directive(words, found)):
            continue
        first = first if parts else number
        parts.append(words.removesuffix("\\").rstrip())
        if not words.endswith("\\"):
            found.append((first, " ".join(part for part in parts if part)))
            parts = []
    if parts:
        found.append((first, " ".join(parts)))
    return found


def _is_directive(comment: str, found: list[tuple[int, str]]) -> bool:
    """Tell whether a comment changes how the lines below it are to be read."""
    return not found and re.match(r"#\s*escape\s*=", comment, re.IGNORECASE) is not None


class _Reader:
    """Reads one instruction after another."""

    def __init__(self, file: str, arguments: Mapping[str, str]) -> None:
        self._file = file
        self._arguments = arguments
        self._values: dict[str, str] = {}
        self._where = file
        self._text = ""
        self._stages: list[Stage] = []
        self._instructions: list[Instruction] = []
        self._own_command = False
        self._readers: dict[str, Callable[[str], None]] = {
            "CMD": self._cmd,
            "COPY": self._copy,
            "ENTRYPOINT": self._entrypoint,
            "ENV": self._env,
            "EXPOSE": self._expose,
            "HEALTHCHECK": self._healthcheck,
            "LABEL": self._label,
            "RUN": self._run,
            "USER": self._user,
            "WORKDIR": self._workdir,
        }

    def read(self, line: int, text: str) -> None:
        """Read an instruction."""
        self._where, self._text = f"{self._file}:{line}", text
        keyword, _, rest = text.partition(" ")
        keyword, rest = keyword.upper(), rest.strip()
        if keyword == "ARG":
            self._arg(rest)
        elif keyword == "FROM":
            self._from(rest)
        elif keyword not in self._readers:
            known = ", ".join(("ARG", "FROM", *self._readers))
            raise self._refused(f"{keyword} isn't one of the instructions that are read here ({known})")
        elif not self._stages:
            raise self._refused(f"{keyword} before the first FROM")
        else:
            self._readers[keyword](rest)

    def finished(self) -> list[Stage]:
        """Return the stages."""
        if not self._stages:
            raise SetupError(f"{self._file}: there is no FROM in it.")
        self._end_stage()
        return self._stages

    def _refused(self, why: str) -> SetupError:
        return SetupError(f"{self._where}: {why}: `{self._text}`.")

    def _end_stage(self) -> None:
        if self._stages:
            last = self._stages[-1]
            self._stages[-1] = Stage(last.where, last.base, last.name, tuple(self._instructions))
        self._instructions = []
        self._own_command = False

    # Instructions

    def _arg(self, rest: str) -> None:
        name, assigned, default = self._one(rest).partition("=")
        if self._stages:
            raise self._refused("ARG is read only before the first FROM")
        if not NAME.fullmatch(name):
            raise self._refused("ARG takes one NAME or NAME=default")
        if name in self._arguments or assigned:
            self._values[name] = self._arguments.get(name, default)

    def _from(self, rest: str) -> None:
        self._end_stage()
        match rest.split():
            case [image]:
                name = ""
            case [image, word, name] if word.upper() == "AS":
                pass
            case _:
                raise self._refused("FROM takes an image, or an image AS name, and no flag")
        image = VARIABLE.sub(self._value, image)
        known = [stage.name for stage in self._stages if stage.name]
        if "$" in image or not image or image.startswith("-"):
            raise self._refused("FROM takes the name of an image, with ${VARIABLES} of ARG at most")
        if image in known or name in known:
            raise self._refused("an earlier stage has that name; each must begin with an image, and have its own name")
        self._stages.append(Stage(self._where, image, name, ()))

    def _value(self, found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in self._values:
            raise self._refused(f"no ARG gives {name} a value")
        return self._values[name]

    def _copy(self, rest: str) -> None:
        words = self._words(rest)
        stage = None
        if words and words[0].startswith("--from="):
            stage = words.pop(0).removeprefix("--from=")
            if stage not in [known.name for known in self._stages[:-1] if known.name]:
                raise self._refused("COPY --from takes the name of an earlier stage")
        if len(words) < 2 or any(word.startswith(("--", "<<", "[")) for word in words):  # noqa: PLR2004 - and a target
            raise self._refused("COPY takes sources and a target, no flag but --from, no list and no text")
        *sources, target = words
        if stage is not None and any(set(source) & set("*?[") or not source.startswith("/") for source in sources):
            raise self._refused("COPY --from takes whole paths, no patterns")
        if any(".." in source.split("/") for source in sources):
            raise self._refused("COPY takes nothing from outside")
        if target.split("/")[-1] == ".":
            target += "/"
        if len(sources) > 1 and not target.endswith("/"):
            raise self._refused("COPY of several sources takes a folder, with a slash at its end")
        self._instructions.append(Copy(self._where, self._text, tuple(sources), target, stage))

    def _run(self, rest: str) -> None:
        self._instructions.append(Run(self._where, self._text, tuple(self._list(rest))))

    def _env(self, rest: str) -> None:
        pairs = self._pairs(rest)
        self._set("Env", {name: f"{name}={value}" for name, value in pairs.items()})

    def _label(self, rest: str) -> None:
        self._set("Labels", self._pairs(rest))

    def _user(self, rest: str) -> None:
        self._set("User", self._one(rest))

    def _workdir(self, rest: str) -> None:
        self._set("WorkingDir", self._one(rest))

    def _expose(self, rest: str) -> None:
        ports = [PORT.fullmatch(word) for word in self._words(rest)]
        if not ports or None in ports:
            raise self._refused("EXPOSE takes ports, each with /tcp or /udp at most")
        self._set("ExposedPorts", {f"{port[1]}/{port[2] or 'tcp'}": {} for port in ports if port})

    def _entrypoint(self, rest: str) -> None:
        if not self._own_command:  # arguments of the base's program are none of this one's
            self._set("Cmd", None)
        self._set("Entrypoint", self._list(rest))

    def _cmd(self, rest: str) -> None:
        self._own_command = True
        self._set("Cmd", self._list(rest))

    def _healthcheck(self, rest: str) -> None:
        if rest.upper() == "NONE":
            self._set("Healthcheck", {"Test": ["NONE"]})
            return
        check: dict[str, Any] = {}
        while rest.startswith("--"):
            flag, _, rest = rest.partition(" ")
            name, _, value = flag.removeprefix("--").partition("=")
            if name == "retries" and value.isdecimal():
                check["Retries"] = int(value)
            elif name in DURATIONS:
                check[DURATIONS[name]] = self._duration(value)
            else:
                raise self._refused(f"HEALTHCHECK has no flag {flag} here")
        keyword, _, command = rest.strip().partition(" ")
        if keyword.upper() != "CMD":
            raise self._refused("HEALTHCHECK takes NONE, or CMD with a program")
        self._set("Healthcheck", {"Test": ["CMD", *self._list(command.strip())], **check})

    # Parts of instructions

    def _set(self, member: str, value: Any) -> None:
        self._instructions.append(Setting(self._where, self._text, member, value))

    def _list(self, rest: str) -> list[str]:
        """Return a program and its arguments; what is meant for a shell is refused, as the base may have none."""
        try:
            found = json.loads(rest)
        except ValueError:
            found = None
        if not isinstance(found, list) or not found or not all(isinstance(word, str) for word in found):
            raise self._refused('this takes a program and its arguments as a list, ["program", "argument"]')
        return found

    def _words(self, rest: str) -> list[str]:
        if "$" in rest or "\\" in rest:
            raise self._refused("variables and backslashes aren't read here")
        try:
            return shlex.split(rest)
        except ValueError as error:
            raise self._refused(f"its quotes can't be read ({error})") from error

    def _one(self, rest: str) -> str:
        match self._words(rest):
            case [word] if word:
                return word
        raise self._refused("this takes one value")

    def _pairs(self, rest: str) -> dict[str, str]:
        pairs = [word.partition("=") for word in self._words(rest)]
        if not pairs or not all(name and equals for name, equals, _ in pairs):
            raise self._refused("this takes NAME=value, several at most")
        return {name: value for name, _, value in pairs}

    def _duration(self, text: str) -> int:
        parts = DURATION.findall(text)
        if not parts or "".join(map("".join, parts)) != text:
            raise self._refused(f"{text!r} isn't a time, as 30s is")
        return sum(int(number) * NANOSECONDS[unit] for number, unit in parts)
