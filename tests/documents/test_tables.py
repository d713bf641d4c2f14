"""Tables and lists in the documents are those of the code."""

from __future__ import annotations

import ast
import re
import subprocess

import click
import pytest

import figbox
from figbox.cli import COMMANDS
from figbox.cli.exits import ExitStatus
from gateway.model.results import Outcome
from gateway.server.problems import PROBLEMS
from gateway.v1.request.json_body import RenderRequest
from tests.documents.pages import (
    API,
    CLIENT,
    COMPARISON,
    DOCS,
    ERRORS,
    OPERATIONS,
    ROOT,
    SECURITY,
    SETTINGS,
    SNAPSHOT,
    command,
    first_cells,
    rows,
    section,
)
from tests.support.machine import slowed
from tools import derive_rcparams
from tools.settings_table import FIELDS, settings_table

LOCKS = {
    "requirements/gateway.in": "requirements/gateway.txt",
    "requirements/client.in": "requirements/client.txt",
    "requirements/ci.in": "requirements/ci.txt",
    "requirements/dev.in": "requirements/dev.txt",
    "runner-image/requirements.in": "runner-image/requirements.txt",
    "runner-image/snapshot/compiler.in": "runner-image/snapshot/compiler.txt",
    "runner-image/environments/science.in": "runner-image/environments/science.txt",
    "runner-image/environments/video.in": "runner-image/environments/video.txt",
    "suite-image/suite.in": "suite-image/suite.txt",
}


def printed_by(begin: str) -> str:
    """Return what the documented command with this beginning prints."""
    call = ["sh", "-c", command(begin)]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True, timeout=slowed(60)).stdout


def test_settings() -> None:
    """docs/settings.md has, row for row, what its command prints: each setting with its default and meaning."""
    printed = printed_by(".venv/bin/python -m tools.settings_table")
    assert printed in SETTINGS.read_text("utf-8")
    assert printed.endswith(settings_table())
    assert first_cells(printed) == [field.alias for field in FIELDS.values()]
    for row in settings_table().splitlines():
        assert len([cell for cell in re.split(r"(?<!\\)\|", row) if cell.strip()]) == 3
        assert "None" not in row


def test_options() -> None:
    """docs/api.md has, row for row, what its command prints: each option of a request."""
    printed = printed_by(".venv/bin/python -m tools.options_table")
    assert printed in section(API, "Options")
    assert set(first_cells(printed)) == set(RenderRequest.model_fields)


def test_denied_parameters() -> None:
    """docs/api.md names every parameter that a request may not set."""
    prefixes = {f"{prefix}*" for prefix in derive_rcparams.DENIED_PREFIXES if prefix != "_"}
    assert all(f"`{name}`" in section(API, "Options") for name in prefixes | derive_rcparams.DENIED_NAMES.keys())


def test_statuses() -> None:
    """docs/errors.md names the status and the type of each problem."""
    listed = {
        (status, slug)
        for statuses, slugs, _ in rows(section(ERRORS, "Statuses"))
        for status in re.findall(r"\d+", statuses)
        for slug in re.findall(r"`([a-z-]+)`", slugs)
    }
    assert {(str(problem.status), problem.slug) for problem in PROBLEMS.values()} <= listed


def test_outcomes() -> None:
    """docs/errors.md explains each outcome but success, and no other."""
    assert first_cells(section(ERRORS, "Outcomes")) == [name.value for name in Outcome if name != Outcome.OK]


def test_reasons_for_not_being_ready() -> None:
    """The reasons in docs/operations.md are texts that the code has."""
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "gateway").rglob("*.py"))
    reasons = first_cells(section(OPERATIONS, "Readiness"))
    assert len(reasons) > 10
    assert [reason for reason in reasons if f'"{reason}' not in code] == []


def test_events_of_snapshots() -> None:
    """docs/snapshot.md lists each event about snapshots that the launcher logs, and no other."""
    listed = first_cells(section(SNAPSHOT, "In the log"))
    folder = ROOT / "gateway" / "launcher"
    code = "\n".join(path.read_text("utf-8") for path in (*folder.glob("snapshot/*.py"), folder / "maker.py"))
    assert sorted(listed) == sorted(set(re.findall(r'logger\.\w+\(\s*"([^"]+)"', code)))


@pytest.mark.parametrize(("wanted", "lock"), LOCKS.items())
def test_dependencies(wanted: str, lock: str) -> None:
    """Each direct dependency has its reason in docs/dependencies.md, and is pinned with hashes."""
    parts = (DOCS / "dependencies.md").read_text("utf-8").split("\n## ")
    part = next(part for part in parts if f"`{wanted}`" in part.splitlines()[0])
    explained = [name for row in rows(part) for name in re.findall(r"`([^`]+)`", row[0])]
    lines = (ROOT / wanted).read_text("utf-8").splitlines()
    names = [re.split(r"[<>=;]", line)[0].strip() for line in lines if line and not line.startswith(("#", "-"))]
    assert sorted(explained) == sorted(names)
    locked = (ROOT / lock).read_text("utf-8")
    for name in names:
        assert re.search(rf"^{re.escape(name)}==\S+.* \\\n +--hash=sha256:", locked, re.MULTILINE), name


def test_errors_of_the_client() -> None:
    """docs/client.md lists the whole tree below `FigboxError`, and what can be read of each error."""
    text = section(CLIENT, "In Python")
    classes = [name for name in figbox.__all__ if isinstance(getattr(figbox, name), type)]
    errors = {name for name in classes if issubclass(getattr(figbox, name), figbox.FigboxError)}
    assert set(first_cells(text)) == errors - {"FigboxError"}
    for error in (
        figbox.RenderFailed("no", outcome="killed"),
        figbox.Refused("no", status=400),
        figbox.Busy("no", status=429, retry_after_s=None),
        figbox.Unreachable("no"),
    ):
        assert [name for name in vars(error) if f"`{name}`" not in text] == []


def test_exit_statuses_of_the_client() -> None:
    """docs/client.md lists the numbers that scripts rely on."""
    listed = [row[0] for row in rows(section(CLIENT, "Progress and exit status"))[1:]]
    assert listed == [str(status.value) for status in ExitStatus]


def test_kinds_of_changes() -> None:
    """docs/comparison.md lists the kinds that programs rely on, in their order, and has only flags of the command."""
    text = section(COMPARISON, "What is said, and in which order")
    listed = [kind for row in rows(text)[1:] for kind in re.findall(r"`([\w-]+)`", row[0])]
    assert listed == [kind.value for kind in figbox.ChangeKind]
    known = {text for name in ("compare", "render") for option in COMMANDS[name].params for text in option.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", COMPARISON.read_text("utf-8"))) <= known


def test_flags_of_the_client() -> None:
    """docs/client.md names only flags that a command has."""
    options = [option for entry in COMMANDS.values() for option in entry.params if isinstance(option, click.Option)]
    flags = {text for option in options for text in (*option.opts, *option.secondary_opts)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", CLIENT.read_text("utf-8"))) - {"--help"}
    assert named <= flags


def test_promises() -> None:
    """SECURITY.md numbers its promises without a gap, but for numbers not in use, and each names tests that exist."""
    promises = section(SECURITY, "Promises")
    parts = re.split(r"^\*\*P(\d+)\.\*\* ", promises, flags=re.MULTILINE)[1:]
    unused = re.findall(r"^P(\d+) is not in use\.$", promises, re.MULTILINE)
    numbers = [int(number) for number in parts[::2]]
    assert numbers == sorted(numbers)
    assert sorted([*numbers, *map(int, unused)]) == list(range(1, len(numbers) + len(unused) + 1))
    assert len(numbers) >= 25
    for number, text in zip(parts[::2], parts[1::2], strict=True):
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", text)
        assert named, f"P{number} names no test"
        for path, function in named:
            assert (ROOT / path).is_file(), f"P{number}: {path}"
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert not function or function in functions, f"P{number}: {path}::{function}"
