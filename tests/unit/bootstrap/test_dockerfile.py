"""The Dockerfiles as the set-up reads them: what each instruction means, and that nothing is guessed."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from bootstrap.images.dockerfile import Copy, Instruction, Run, Setting, Stage, read
from bootstrap.steps import SetupError

ROOT = Path(__file__).resolve().parents[3]

#: Arguments that the set-up gives.
ARGUMENTS = {"BASE_IMAGE": "base:1", "RUNNER_IMAGE": "runner:1"}


def parsed(text: str) -> list[Stage]:
    """Read a Dockerfile, whose lines may be indented."""
    return read(textwrap.dedent(text), "x/Dockerfile", ARGUMENTS)


def of_one_stage(text: str) -> list[Instruction]:
    """Return the instructions after FROM."""
    (stage,) = parsed("FROM base\n" + text)
    return list(stage.instructions)


def configured(text: str, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what instructions make of a base's configuration."""
    config = base or {}
    for instruction in of_one_stage(text):
        assert isinstance(instruction, Setting)
        config = instruction.applied(config)
    return config


@pytest.mark.parametrize("path", ["runner-image", "runner-image/environments", "gateway-image", "suite-image"])
def test_our_own_are_read(path: str) -> None:
    """Each Dockerfile of the repository is read whole, in two stages on the given base."""
    text = (ROOT / path / "Dockerfile").read_text()
    stages = read(text, path, ARGUMENTS)
    assert [stage.base for stage in stages] == [ARGUMENTS[name] for name in ARGUMENTS if name in text] * 2
    written = re.findall(r"^(?!ARG|FROM)[A-Z]+(?= )", text, re.MULTILINE)
    found = {i.where: i.text.split()[0] for stage in stages for i in stage.instructions}
    assert list(found.values()) == written


def test_stages_begin_with_images_that_arguments_name() -> None:
    """The set-up's argument wins over the default; names of stages are for COPY."""
    first, second = parsed("""\
        ARG BASE_IMAGE=other
        ARG TAG=7
        FROM ${BASE_IMAGE} AS first
        FROM registry:5000/image:$TAG
        COPY --from=first /a /b/c /d/
        """)
    assert (first.base, first.name, second.base, second.name) == ("base:1", "first", "registry:5000/image:7", "")
    (copied,) = second.instructions
    assert copied == Copy("x/Dockerfile:5", "COPY --from=first /a /b/c /d/", ("/a", "/b/c"), "/d/", "first")


def test_lines_are_joined_and_comments_left_out() -> None:
    """A backslash joins lines, over comments and empty ones; errors name the first."""
    first, second = of_one_stage("""\
        # syntax=anything

        env A=1 \\
        # a comment
            B="two words" \\

            C='x=y'
          RUN ["python3", "-c", "print('$HOME \\\\ # ')"]
        """)
    assert first.where == "x/Dockerfile:4"
    assert first.text == "env A=1 B=\"two words\" C='x=y'"
    assert isinstance(first, Setting)
    assert first.applied({}) == {"Env": ["A=1", "B=two words", "C=x=y"]}
    assert isinstance(second, Run)
    assert second.where == "x/Dockerfile:9"
    assert second.command == ("python3", "-c", "print('$HOME \\ # ')")


def test_settings_add_to_the_bases() -> None:
    """Variables and labels replace those of the same name, in their place; the rest of the base stays."""
    base = {"Env": ["PATH=/bin", "A=0", "Z=1"], "Labels": {"a": "1", "b": "2"}, "StopSignal": "SIGINT"}
    assert configured("ENV A=1 N=2\nLABEL b=3 c=4\nEXPOSE 80 53/udp\nUSER 1:2\n", base) == {
        "Env": ["PATH=/bin", "A=1", "Z=1", "N=2"],
        "Labels": {"a": "1", "b": "3", "c": "4"},
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "User": "1:2",
        "StopSignal": "SIGINT",
    }
    assert base["Env"] == ["PATH=/bin", "A=0", "Z=1"]


@pytest.mark.parametrize(
    ("text", "entrypoint", "command"),
    [
        ("", ["old"], ["x"]),
        ('CMD ["y"]', ["old"], ["y"]),
        ('ENTRYPOINT ["new"]', ["new"], None),
        ('CMD ["y"]\nENTRYPOINT ["new"]', ["new"], ["y"]),
        ('ENTRYPOINT ["new"]\nCMD ["y"]', ["new"], ["y"]),
    ],
)
def test_a_new_program_doesnt_take_the_arguments_of_the_bases(
    text: str, entrypoint: list[str], command: list[str] | None
) -> None:
    """ENTRYPOINT removes the base's CMD, but none of the same stage."""
    config = configured(text, {"Entrypoint": ["old"], "Cmd": ["x"]})
    assert (config["Entrypoint"], config["Cmd"]) == (entrypoint, command)


def test_working_directories_are_absolute() -> None:
    """A relative one is below the one before."""
    assert configured("WORKDIR a/./b", {"WorkingDir": "/x"})["WorkingDir"] == "/x/a/b"
    assert configured("WORKDIR a\nWORKDIR ../c")["WorkingDir"] == "/c"
    assert configured("WORKDIR /tmp/", {"WorkingDir": "/x"})["WorkingDir"] == "/tmp"


def test_health_checks_are_in_nanoseconds() -> None:
    """The engine counts in nanoseconds; what isn't given stays its default."""
    found = configured('HEALTHCHECK --interval=1m30s --start-period=500ms --retries=2 CMD ["a", "b"]')["Healthcheck"]
    expected = {"Interval": 90 * 10**9, "StartPeriod": 5 * 10**8, "Retries": 2}
    assert found == {"Test": ["CMD", "a", "b"], **expected}
    assert configured("HEALTHCHECK NONE")["Healthcheck"] == {"Test": ["NONE"]}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        *(
            (f"{keyword} x", f"{keyword} isn't one of the instructions")
            for keyword in ("ADD", "MAINTAINER", "ONBUILD", "SHELL", "STOPSIGNAL", "VOLUME", "INCLUDE")
        ),
        ("RUN python3 x.py", "as a list"),
        ('RUN --mount=type=cache,target=/x ["a"]', "as a list"),
        ("RUN <<EOF", "as a list"),
        ("RUN []", "as a list"),
        ('RUN ["a", 1]', "as a list"),
        ("CMD python3", "as a list"),
        ("ENTRYPOINT", "as a list"),
        ("ENV PATH=/x:$PATH", "variables"),
        ("ENV A=b\\ c", "backslashes"),
        ("ENV A b", "NAME=value"),
        ("ENV", "NAME=value"),
        ("ENV A='", "quotes"),
        ("LABEL a", "NAME=value"),
        ("USER", "one value"),
        ("WORKDIR a b", "one value"),
        ("EXPOSE http", "ports"),
        ("COPY a", "sources and a target"),
        ("COPY --chown=1:1 a b", "no flag but --from"),
        ("COPY --link a b", "no flag but --from"),
        ('COPY ["a", "b"]', "no list"),
        ("COPY <<EOF /x", "no text"),
        ("COPY a b c", "slash at its end"),
        ("COPY ../a /b", "outside"),
        ("COPY --from=python:3.13 /a /b", "name of an earlier stage"),
        ("COPY --from=last /a /b", "name of an earlier stage"),
        ("COPY --from=first /a* /b/", "whole paths"),
        ("COPY --from=first a /b", "whole paths"),
        ('HEALTHCHECK --interval=soon CMD ["a"]', "isn't a time"),
        ('HEALTHCHECK --start-interval=1s CMD ["a"]', "no flag --start-interval=1s"),
        ("HEALTHCHECK CMD a", "as a list"),
        ("HEALTHCHECK a", "NONE, or CMD"),
        ("ARG A=1", "only before the first FROM"),
        ("FROM base AS first", "earlier stage has that name"),
        ("FROM first", "earlier stage has that name"),
        ("FROM --platform=linux/arm64 base", "no flag"),
        ("FROM ${NOTHING}", "no ARG gives NOTHING a value"),
        ("FROM ${BASE_IMAGE:-x}", "at most"),
    ],
)
def test_anything_else_is_refused_by_its_line(line: str, why: str) -> None:
    """What isn't read here, or means something else to other builders, is named with file, line and reason."""
    with pytest.raises(SetupError, match=rf"^x/Dockerfile:4: .*{re.escape(why)}.*: `{re.escape(line)}`\.$"):
        parsed(f"# a comment\nFROM base AS first\nFROM base AS last\n{line}\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "x/Dockerfile: there is no FROM"),
        ("# escape=`\nFROM base", "x/Dockerfile:1: # isn't one of the instructions"),
        ('RUN ["a"]\nFROM base', "x/Dockerfile:1: RUN before the first FROM"),
        ("ARG 1x\nFROM base", "x/Dockerfile:1: ARG takes one NAME"),
    ],
)
def test_a_beginning_that_isnt_one_is_refused(text: str, why: str) -> None:
    """Without FROM, or with a directive that changes how lines are joined, nothing is read."""
    with pytest.raises(SetupError, match=re.escape(why)):
        parsed(text)
