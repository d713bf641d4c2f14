"""The README says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys

from gateway.settings import ROOT
from gateway.v1.request.json_body import RenderRequest
from tests.support.documents import API, command, first_cells, section
from tools import derive_rcparams
from tools.options_table import options_table
from tools.settings_table import FIELDS, settings_table

_ROW = re.compile(r"^\| `[A-Z][A-Z0-9_]*` \|.*\|$", re.MULTILINE)


def test_readme_lists_every_setting_and_nothing_else() -> None:
    """The README's table of settings is, row for row, the one made from the settings."""
    assert settings_table().splitlines() == _ROW.findall((ROOT / "README.md").read_text("utf-8"))


def test_table_has_a_row_of_three_cells_for_each_setting() -> None:
    """No setting lacks a variable, a default or a meaning."""
    rows = settings_table().splitlines()
    assert [field.alias for field in FIELDS.values()] == [row.split("`")[1] for row in rows]
    for row in rows:
        assert _ROW.fullmatch(row)
        assert len([cell for cell in re.split(r"(?<!\\)\|", row) if cell.strip()]) == 3
        assert "None" not in row
    assert "| `PORT` | `5150` | Port to listen on; 0 takes a free one |" in rows
    assert "| `FIGBOX_BODY_LIMIT_KIB` | `1024` | Largest request body, in KiB |" in rows


def test_table_is_printed_by_its_module() -> None:
    """The command that makes the table prints a whole Markdown table."""
    command = [sys.executable, "-m", "tools.settings_table"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "| Setting | Default | Meaning |\n| --- | --- | --- |\n" + settings_table() == printed


def test_options_table_is_the_documents() -> None:
    """The table of options in docs/api.md is, row for row, the one made from the options, and its command prints it."""
    assert options_table() in section(API, "Options")
    assert first_cells(options_table()) == [
        "code",
        "files",
        *(n for n in RenderRequest.model_fields if n not in ("code", "files")),
    ]
    line = command(".venv/bin/python -m tools.options_table")
    printed = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert printed in section(API, "Options")


def test_denied_parameters_are_named() -> None:
    """docs/api.md names every parameter that a request may not set."""
    text = section(API, "Options")
    prefixes = {f"{prefix}*" for prefix in derive_rcparams.DENIED_PREFIXES if prefix != "_"}
    assert all(f"`{name}`" in text for name in prefixes | derive_rcparams.DENIED_NAMES.keys())
