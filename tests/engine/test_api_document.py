"""The examples of docs/api.md and of the README's section about it work as they stand."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tests.engine.test_readme_commands import assert_picture, shell
from tests.fakes import KEY
from tests.support.documents import API, DOCUMENTED_URL, DOCUMENTS, blocks, commands

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

BEGIN = "curl --no-progress-meter"
COMMANDS = sorted({line for page in DOCUMENTS for line in commands(page) if line.startswith(BEGIN)})

PLOT = """
import os
import pandas as pd
if os.path.exists("data.csv"):
    pd.read_csv("data.csv").plot()
else:
    plt.plot([1, 2])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with what the examples take for granted."""
    (tmp_path / ".env").write_text(f"# a comment\nAPI_KEY={KEY}\n")
    (tmp_path / "plot.py").write_text(PLOT)
    (tmp_path / "data.csv").write_text("x,y\n1,2\n3,4\n")
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_every_curl_command(gateway: LiveGateway, folder: Path, line: str) -> None:
    """Each curl line succeeds and leaves what it says."""
    printed = shell(line.replace(DOCUMENTED_URL, gateway.url), folder)
    words = shlex.split(line)
    if "-o" not in words:
        assert json.loads(printed)
        return
    output = folder / words[words.index("-o") + 1]
    if output.suffix == ".png":
        assert_picture(output)
    else:
        assert output.read_bytes().startswith(b"<?xml")


def test_python_client_saves_every_figure(gateway: LiveGateway, folder: Path) -> None:
    """The Python example writes two figures in two formats and prints what the code printed."""
    (example,) = blocks(API, "python")
    (folder / "client.py").write_text(example.replace(DOCUMENTED_URL, gateway.url), "utf-8")
    assert shell(f"{sys.executable} client.py", folder, API_KEY=KEY) == "mean 3.875\n"
    for name in ("levels", "spread"):
        assert_picture(folder / f"{name}.png")
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
