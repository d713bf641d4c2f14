"""Read the documents: their sections, tables, commands and code blocks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SECURITY = ROOT / "SECURITY.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
DOCS = ROOT / "docs"
API = DOCS / "api.md"
ARCHITECTURE = DOCS / "architecture.md"
BALANCER = DOCS / "balancer.md"
CI = DOCS / "ci.md"
CLIENT = DOCS / "client.md"
COMPARISON = DOCS / "comparison.md"
DEPLOYMENT = DOCS / "deployment.md"
ENVIRONMENTS = DOCS / "environments.md"
ERRORS = DOCS / "errors.md"
KEYS = DOCS / "keys.md"
MONITORING = DOCS / "monitoring.md"
OPERATIONS = DOCS / "operations.md"
PYTEST = DOCS / "pytest.md"
RECIPES = DOCS / "recipes.md"
SETTINGS = DOCS / "settings.md"
SNAPSHOT = DOCS / "snapshot.md"
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")))

#: Pages whose code blocks `test_code_blocks.py` runs: programs, and commands that begin with one of these words.
RUN_PAGES = (README, API, CLIENT, RECIPES)
RUN_WORDS = ("curl ", "figbox ", "export ", "echo ")

#: The gateway's address in the documents; tests put a live one in its place.
DOCUMENTED_URL = "http://127.0.0.1:5150"

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path, language: str) -> list[str]:
    """Return the contents of a document's fenced blocks in a language."""
    found = _FENCE.finditer(document.read_text("utf-8"))
    return [match["body"] for match in found if match["language"] == language]


def commands(document: Path) -> list[str]:
    """Return the commands of a document's `sh` blocks, each with its continuation lines."""
    lines = "\n".join(blocks(document, "sh")).replace("\\\n", "\\\0").splitlines()
    return [line.replace("\0", "\n") for line in lines if line.strip() and not line.startswith("#")]


def commands_to_run(document: Path) -> list[str]:
    """Return the commands of a page that its test of code blocks runs."""
    return [line for line in commands(document) if document in RUN_PAGES and line.startswith(RUN_WORDS)]


def command(begin: str) -> str:
    """Return the one documented command with this beginning."""
    found = {line for document in DOCUMENTS for line in commands(document) if line.startswith(begin)}
    assert len(found) == 1, found
    return found.pop()


def section(document: Path, heading: str) -> str:
    """Return the text below a heading of the second level."""
    _, found, rest = document.read_text("utf-8").partition(f"\n## {heading}\n")
    assert found, f"{document.name} has no section {heading!r}"
    return rest.split("\n## ", 1)[0]


def anchors(document: Path) -> set[str]:
    """Return what links can name after `#`, as forges derive it from headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", document.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def first_cells(text: str) -> list[str]:
    """Return the code spans in the first column of Markdown tables, row by row."""
    return re.findall(r"^\| `([^`]+)`.*\|$", text, re.MULTILINE)


def names_in_first_cells(text: str) -> list[str]:
    """Return all code spans in the first column of Markdown tables, of which a cell may have several."""
    return [name for row in rows(text) for name in re.findall(r"`([^`]+)`", row[0])]


def rows(text: str) -> list[list[str]]:
    """Return the cells of Markdown tables, with the head rows, without the separator rows."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
