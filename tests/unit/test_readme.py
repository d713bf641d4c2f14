"""The README and the other documents say what is so, as far as that can be seen without an engine."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from gateway.model.results import Outcome
from gateway.server.problems import PROBLEMS
from tests.support.documents import (
    COVERED,
    DOCUMENTS,
    OPERATIONS,
    README,
    ROOT,
    command,
    commands,
    cover_of,
    first_cells,
    section,
)
from tools.settings_table import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

PICTURE_LIMIT_BYTES = 150 * 1024
PICTURES_LIMIT_BYTES = 600 * 1024

#: Variables that aren't settings of the gateway but of its client.
OTHER_VARIABLES = {
    *("FIGBOX_URL", "FIGBOX_API_KEY", "FIGBOX_KEY_FILE"),
    *("FIGBOX_GATEWAY_IMAGE", "FIGBOX_BASE_IMAGE", "FIGBOX_ENGINE_FOLDER"),
}

LOCKS = {
    "requirements/gateway.in": "requirements/gateway.txt",
    "requirements/client.in": "requirements/client.txt",
    "requirements/dev.in": "requirements/dev.txt",
    "runner-image/requirements.in": "runner-image/requirements.txt",
    "runner-image/environments/science.in": "runner-image/environments/science.txt",
}

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@every_document
def test_every_command_is_run_by_something(document: Path) -> None:
    """A command that people are told to type is run by a test or by CI."""
    for line in commands(document):
        cover = cover_of(line)
        assert cover is not None, f"nothing runs: {line}"
        assert cover.text in (ROOT / cover.file).read_text("utf-8"), f"{cover.file} no longer runs: {line}"


def test_no_cover_is_left_over() -> None:
    """What covers a command goes when the command goes."""
    documented = [line for document in DOCUMENTS for line in commands(document)]
    for begin, cover in COVERED.items():
        assert any(cover_of(line) is cover for line in documented), begin


@every_document
def test_every_make_target_exists(document: Path) -> None:
    """No document names a target that the Makefile hasn't got."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = document.read_text("utf-8")
    assert set(re.findall(r"`make ([a-z]+)", text)) | set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE)) <= targets


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    """Links and pictures within the repository exist."""
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8")):
        path = target.split("#", 1)[0]
        if path and "://" not in path:
            assert (document.parent / path).exists(), target


@every_document
def test_every_setting_named_exists(document: Path) -> None:
    """No document names a setting that isn't one."""
    named = set(re.findall(r"\bFIGBOX_[A-Z_]+\b", document.read_text("utf-8")))
    assert named <= {field.alias for field in FIELDS.values()} | OTHER_VARIABLES


def test_settings_table_is_printed_by_its_documented_command() -> None:
    """The command for the table of settings prints the README's."""
    line = command(".venv/bin/python -m tools.settings_table")
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout in README.read_text("utf-8")


def test_make_help_lists_every_target() -> None:
    """`make help` has a line for each target that may be asked for."""
    printed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^  make ([a-z-]+) +\S", printed, re.MULTILINE) == phony[1].split()


def test_every_problem_is_in_the_table_of_answers() -> None:
    """The README names the status and the type of each problem we answer."""
    rows = [row.split("|")[1:3] for row in section(README, "What you get back").splitlines() if row.startswith("| ")]
    listed = {
        (status, slug)
        for statuses, slugs in rows
        for status in re.findall(r"\d+", statuses)
        for slug in re.findall(r"`([a-z-]+)`", slugs)
    }
    assert {(str(problem.status), problem.slug) for problem in PROBLEMS.values()} <= listed


def test_every_outcome_is_in_the_table_of_outcomes() -> None:
    """The README explains each outcome but success, and no other."""
    assert first_cells(section(README, "What you get back")) == [name.value for name in Outcome if name != Outcome.OK]


def test_every_reason_for_not_being_ready_is_ours() -> None:
    """The reasons in the operations page are texts that the code has."""
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "gateway").rglob("*.py"))
    reasons = first_cells(section(OPERATIONS, "Readiness"))
    assert len(reasons) > 10
    for reason in reasons:
        assert f'"{reason}' in code, reason


@pytest.mark.parametrize(("wanted", "lock"), LOCKS.items())
def test_every_dependency_has_a_reason_and_a_lock(wanted: str, lock: str) -> None:
    """Each direct dependency is in docs/dependencies.md, and pinned with hashes."""
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    part = next(part for part in text.split("\n## ") if f"`{wanted}`" in part.splitlines()[0])
    rows = [
        name for row in re.findall(r"^\| (`[^|]+) \|", part, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    ]
    lines = (ROOT / wanted).read_text("utf-8").splitlines()
    names = [re.split(r"[<>=;]", line)[0].strip() for line in lines if line and not line.startswith(("#", "-"))]
    assert sorted(rows) == sorted(names)
    locked = (ROOT / lock).read_text("utf-8")
    for name in names:
        assert re.search(rf"^{re.escape(name)}==\S+.* \\\n +--hash=sha256:", locked, re.MULTILINE), name


def test_pictures_are_small_and_shown() -> None:
    """The pictures don't weigh a clone down, and the README shows each of them."""
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    sizes = [path.stat().st_size for path in pictures]
    assert max(sizes) < PICTURE_LIMIT_BYTES
    assert sum(sizes) < PICTURES_LIMIT_BYTES
    for path in pictures:
        assert f"](docs/pictures/{path.name})" in README.read_text("utf-8")


def test_every_folder_of_the_layout_exists() -> None:
    """The README's layout names folders that are there."""
    folders = first_cells(section(README, "Layout"))
    assert len(folders) == len(set(folders)) > 5
    for folder in folders:
        assert (ROOT / folder).is_dir(), folder
