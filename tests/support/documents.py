"""What the documents tell people to type, and what makes sure that it works."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
CLIENT = ROOT / "docs" / "client.md"
RECIPES = ROOT / "docs" / "recipes.md"
API = ROOT / "docs" / "api.md"
ENVIRONMENTS = ROOT / "docs" / "environments.md"
KEYS = ROOT / "docs" / "keys.md"
DOCUMENTS = (README, ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))

#: The gateway's address in the documents; tests put a live one in its place.
DOCUMENTED_URL = "http://127.0.0.1:5150"

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cover:
    """Where a documented command is run: a file of the repository, and a text in it that runs it."""

    file: str
    text: str


#: Every command of every `sh` block, by the beginning that tells it from the others.
COVERED = {
    "make run": Cover("tests/engine/test_make_run.py", "def test_newcomer("),
    "make test": Cover("tests/ci.py", '"make test"'),
    "make image ENVIRONMENT=science": Cover("tests/ci.py", '"make image ENVIRONMENT=science"'),
    "make image ENVIRONMENT=treemaps": Cover("tests/engine/test_environments.py", "def test_own_environment_"),
    "make lock ENVIRONMENT=treemaps": Cover("tests/engine/test_environments.py", "def test_own_environment_"),
    "printf": Cover("tests/engine/test_environments.py", "def test_own_environment_"),
    "curl -sS": Cover("tests/engine/test_readme_commands.py", "def test_curl_"),
    "pip install": Cover("tests/client/test_package.py", "def test_command_runs_in_a_fresh_environment"),
    "figbox": Cover("tests/engine/test_client_documents.py", "def test_commands_"),
    "echo": Cover("tests/engine/test_client_documents.py", "def test_commands_"),
    "export": Cover("tests/engine/test_client_documents.py", "def test_commands_"),
    "curl --fail-with-body": Cover("tests/engine/test_recipes.py", "def test_curl_"),
    "curl --no-progress-meter": Cover("tests/engine/test_api_document.py", "def test_every_curl_command("),
    ".venv/bin/python -m gateway.description.openapi": Cover(
        "tests/http/test_openapi.py", "def test_printed_by_its_module("
    ),
    ".venv/bin/python -m tools.options_table": Cover("tests/unit/test_docs.py", "def test_options_table_"),
    "docker run -i": Cover("tests/engine/test_readme_commands.py", "def test_image_by_hand_"),
    "docker run -p": Cover("tests/compose/test_documented.py", "def test_one_container_"),
    "docker compose": Cover("tests/compose/test_documented.py", "def test_two_containers_"),
    'echo "API_KEY=$(head': Cover("tests/compose/test_documented.py", "def test_two_containers_"),
    "make images": Cover("tests/ci.py", '"make images"'),
    ".venv/bin/python -m benchmarks.system_calls": Cover("tests/engine/test_seccomp_calls.py", "def test_command_"),
    ".venv/bin/python -m gateway.launcher": Cover("tests/support/split.py", '"-m", "gateway.launcher"]'),
    ".venv/bin/python -m gateway": Cover("tests/support/live.py", '[sys.executable, "-m", "gateway"]'),
    ".venv/bin/python -m gateway.keys": Cover("tests/engine/test_readme_commands.py", "def test_keys_come_and_go_"),
    ".venv/bin/python -m gateway.launcher.selftest": Cover(
        "tests/engine/test_selftest.py", '"-m", "gateway.launcher.selftest"'
    ),
    ".venv/bin/python -m tools.settings_table": Cover("tests/unit/test_readme.py", "def test_settings_table_"),
}


def blocks(document: Path, language: str) -> list[str]:
    """Return the contents of a document's fenced blocks in a language."""
    found = _FENCE.finditer(document.read_text("utf-8"))
    return [match["body"] for match in found if match["language"] == language]


def commands(document: Path) -> list[str]:
    """Return the commands of a document's `sh` blocks, each with its continuation lines."""
    lines = "\n".join(blocks(document, "sh")).replace("\\\n", "\\\0").splitlines()
    return [line.replace("\0", "\n") for line in lines if line.strip() and not line.startswith("#")]


def cover_of(command: str) -> Cover | None:
    """Return what covers a command: the longest beginning that fits, up to a word's end."""
    fitting = [begin for begin in COVERED if command == begin or command.startswith(begin + " ")]
    return COVERED[max(fitting, key=len)] if fitting else None


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


def first_cells(text: str) -> list[str]:
    """Return what the first column of Markdown tables names as code, row by row."""
    return re.findall(r"^\| `([^`]+)`.*\|$", text, re.MULTILINE)
