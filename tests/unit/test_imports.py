"""What may import what: the boundaries that the architecture draws."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.documents.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATEWAY = sorted((ROOT / "gateway").rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def test_one_module_knows_the_engine() -> None:
    """Docker's SDK is imported in one place."""
    knowing = {
        file.relative_to(ROOT).as_posix()
        for file in GATEWAY
        if any(name.split(".")[0] == "docker" for name in imported(file))
    }
    assert knowing == {"gateway/launcher/engine/docker_engine.py"}


@pytest.mark.parametrize("package", ["matplotlib", "numpy", "PIL"])
def test_nothing_that_draws_or_decodes_is_in_the_gateway(package: str) -> None:
    """The trusted side opens no picture and no array: it counts bytes."""
    assert not [file for file in GATEWAY if any(name.split(".")[0] == package for name in imported(file))]


def test_the_client_needs_nothing_of_the_server() -> None:
    """`figbox` imports neither the gateway nor what only that needs."""
    files = (ROOT / "figbox").rglob("*.py")
    found = {name.split(".")[0] for file in files for name in imported(file)}
    assert not found & {"gateway", "aiohttp", "docker", "loguru", "bootstrap"}
