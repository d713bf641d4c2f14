"""On every runtime the gateway starts, renders, holds its limits and leaves nothing, as the documents' table says."""

from __future__ import annotations

import ast
import asyncio
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.documents.pages import ROOT
from tests.fakes import until
from tests.runtimes.conftest import RUNTIMES, Subject

pytestmark = pytest.mark.engine

PROBE = Path(__file__).with_name("probe.py")
DOCUMENT = ROOT / "docs" / "runtimes.md"

#: What is said of a job that goes too far, on every runtime.
TOO_MUCH = {
    "while True: pass": "time_limit",
    "import time; time.sleep(60)": "time_limit",
    "block = bytearray(1 << 30); block[::4096] = b'x' * len(block[::4096])": "memory_limit",
    "print('x' * (3 << 20))": "output_limit",
    "import ctypes; ctypes.string_at(0)": "killed",
    "1 / 0": "program_error",
}


def documented() -> dict[str, dict[str, str]]:
    """Return the cells of the documents' table by column and row."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    rows = [re.split(r" *\| *", line.strip("| ")) for line in lines if line.startswith("| ")]
    titles, cells = rows[0][1:], [row for row in rows[1:] if not row[0].startswith("---")]
    return {title: {row[0]: row[1 + number] for row in cells} for number, title in enumerate(titles)}


def test_the_table_has_a_column_for_each_runtime() -> None:
    """What is documented is what is tested."""
    assert list(documented()) == list(RUNTIMES)


async def test_it_renders(subject: Subject) -> None:
    """The gateway has proved the sandbox at its start, is ready, and gives pictures, several at once."""
    assert (await subject.gateway.get("/readyz")).status == 200
    answers = await asyncio.gather(*(subject.gateway.render(f"plt.plot([1, {n}, 2])") for n in range(3)))
    for answer in answers:
        assert answer.status == 200, answer.json
        with Image.open(io.BytesIO(answer.body)) as picture:
            picture.load()
            assert picture.format == "PNG"


async def test_limits_hold(subject: Subject) -> None:
    """Time, memory, output and crashes are distinguished on every runtime, and the next client is served."""
    answers = await asyncio.gather(*(subject.gateway.render(code) for code in TOO_MUCH))
    told = [answer.json.get("outcome") for answer in answers]
    assert dict(zip(TOO_MUCH, told, strict=True)) == TOO_MUCH
    assert (await subject.gateway.render("plt.plot([1, 2])")).status == 200


async def test_many_processes_are_held(subject: Subject) -> None:
    """Code that forks as often as it can ends with its job, wherever forking is possible at all."""
    code = "import os, time\nfor _ in range(500):\n    if os.fork() == 0:\n        time.sleep(60)\ntime.sleep(60)"
    answer = await subject.gateway.render(code)
    assert answer.status == 500
    assert (await subject.gateway.render("plt.plot([1, 2])")).status == 200
    await until(lambda: subject.gateway.containers() == [], "every container is gone")


async def test_it_is_as_documented(subject: Subject) -> None:
    """What guest code finds is, row for row, what the documents' table says of this runtime."""
    answer = await subject.gateway.render(PROBE.read_text("utf-8"))
    error = answer.json["error"]
    assert "<<" in error, error
    found = ast.literal_eval(error[error.rindex("<<") + 2 : error.rindex(">>")])
    assert found == documented()[subject.title]
