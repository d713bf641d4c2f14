"""The short form of the soak: nothing grows, every answer is as it should be, and nothing is left."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tests.documents.pages import command
from tests.soak.programs import PROGRAMS
from tests.soak.watch import WATCHED
from tests.support.command import run
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

MINUTES = 4


def test_nothing_grows(tmp_path: Path) -> None:
    """After minutes of good, bad and hostile jobs of many keys nothing has grown, and all kinds were answered."""
    readings, picture = tmp_path / "readings.json", tmp_path / "picture.png"
    words = shlex.split(command(".venv/bin/python -m tests.soak --minutes 60"))
    words[0], words[words.index("60")], words[words.index("soak.png")] = sys.executable, str(MINUTES), str(picture)
    said = run(*words, "--json", readings, limit_s=slowed(MINUTES * 60 + 300))
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.rstrip().endswith("flat, and every answer as it should be")
    judged = json.loads(readings.read_text("utf-8"))
    assert [one["series"]["name"] for one in judged] == [watched[0] for watched in WATCHED]
    for sent in (*(program.name for program in PROGRAMS if program.weight >= 3), "checked picture", "held upload"):
        assert f"\n| {sent} | " in said.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
