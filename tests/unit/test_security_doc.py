"""SECURITY.md: every promise is numbered, and names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
PROMISES = TEXT[TEXT.index("## Promises") : TEXT.index("## What is not promised")]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


def promises() -> list[tuple[int, str]]:
    """Return number and text of each promise."""
    parts = re.split(r"^\*\*P(\d+)\.\*\* ", PROMISES, flags=re.MULTILINE)[1:]
    return [(int(number), text) for number, text in zip(parts[::2], parts[1::2], strict=True)]


def test_promises_are_numbered_without_a_gap() -> None:
    """A promise can be cited by its number."""
    numbers = [number for number, _ in promises()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 15


def test_every_promise_names_tests_that_exist() -> None:
    """A promise without a test is a wish."""
    for number, text in promises():
        named = NAMED.findall(text)
        assert named, f"P{number} names no test"
        for path, function in named:
            assert (ROOT / path).is_file(), f"P{number}: {path}"
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert not function or function in functions, f"P{number}: {path}::{function}"
