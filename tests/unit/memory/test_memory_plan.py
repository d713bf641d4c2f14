"""The formula of memory adds up, is the one that is documented, and its factors are those that are measured."""

from __future__ import annotations

import json
import re
import tracemalloc
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.launcher.runner.frames import END, FILE, PICTURE, encode_frame, encode_job, with_head
from gateway.launcher.runner.reply import ReplyReader
from gateway.memory import memory_plan
from gateway.memory.memory_plan import (
    BASE_BYTES,
    CONNECTION_BYTES,
    OUTPUT_EIGHTHS,
    READING_COPIES,
    SENT_FILES_COPIES,
    MemoryPlan,
    body_bytes,
    job_bytes,
    launcher_budget,
)
from gateway.model.errors import StartError
from gateway.model.jobs import Format, Job, KiB, Limits, MiB, NamedFile
from gateway.model.results import Outcome, Result
from gateway.settings import LauncherProcessSettings, Settings
from gateway.v1.request.json_body import read_json
from gateway.v1.request.reading import JSON, TASK, Submission
from gateway.v1.response.archive import write_archive
from gateway.v1.response.rendering import Rendering, document_parts
from gateway.worker.worker_pool import WorkerPool
from tests.documents.pages import ROOT
from tests.fakes import KEY
from tests.http.v1 import FACTS, figures_result

if TYPE_CHECKING:
    from collections.abc import Callable


def make(**values: object) -> Settings:
    """Return settings of a gateway whose launcher is elsewhere, so that nothing else is read."""
    return Settings(**{"_env_file": None, "api_key": KEY, **values})  # type: ignore[arg-type]


def peak_of(work: Callable[[], object]) -> int:
    """Return the most bytes that Python has allocated at any moment of some work, besides those before."""
    tracemalloc.start()
    try:
        kept = work()
        peak = tracemalloc.get_traced_memory()[1]
        del kept
        return peak
    finally:
        tracemalloc.stop()


def test_defaults_fit() -> None:
    """The default is enough for the other defaults, with room for several large jobs, and exactly shared out."""
    plan = MemoryPlan.of(make())
    assert plan.bound == make().memory_mib * MiB
    assert plan.jobs >= 4
    assert plan.bodies >= 2 * plan.largest_body


@hypothesis_settings(deadline=None, max_examples=200)
@given(
    memory_mib=st.integers(64, 8192),
    connections_limit=st.integers(1, 20_000),
    files_limit_mib=st.integers(1, 64),
    output_limit_mib=st.integers(1, 256),
    running_limit=st.none() | st.integers(1, 64),
)
def test_shares_add_up_or_the_start_is_refused(**values: int | None) -> None:
    """The parts are the whole and leave no budget too small; if not, the start says how much is enough, and it is."""
    settings = make(**values)
    try:
        plan = MemoryPlan.of(settings)
    except StartError as error:
        needed = re.search(r"need (\d+) MiB of memory", str(error))
        assert needed is not None
        enough = int(needed[1])
        assert enough > settings.memory_mib
        plan = MemoryPlan.of(make(**{**values, "memory_mib": enough}))
        with pytest.raises(StartError):
            MemoryPlan.of(make(**{**values, "memory_mib": enough - 1}))
        settings = make(**{**values, "memory_mib": enough})
    assert plan.bound == settings.memory_mib * MiB
    assert plan.bodies >= 2 * plan.largest_body
    assert plan.jobs >= max(2, settings.running_limit or 0)


@pytest.mark.parametrize("jobs", [1, 8, 16, 100])
def test_what_more_jobs_need(jobs: int) -> None:
    """What the log says is needed for more jobs is enough for them."""
    plan = MemoryPlan.of(make())
    needed_mib = -(-plan.bound_for(jobs) // MiB)
    assert MemoryPlan.of(make(memory_mib=needed_mib)).jobs >= jobs


def test_formula_is_the_documented_one() -> None:
    """docs/operations.md has the numbers of the default settings, part by part."""
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    plan = MemoryPlan.of(make())
    rows = dict(re.findall(r"^\| (base|connections|reading|bodies|answers) \| .* \| (\d+) MiB \|$", page, re.MULTILINE))
    parts = {name: getattr(plan, name) for name in ("base", "connections", "reading", "bodies", "answers")}
    assert {name: int(value) for name, value in rows.items()} == {
        name: round(value / MiB) for name, value in parts.items()
    }
    for number in (
        f"{BASE_BYTES // MiB} MiB",
        f"{CONNECTION_BYTES // KiB} KiB",
        f"{READING_COPIES} times",
        f"{OUTPUT_EIGHTHS / 8:g} times",
    ):
        assert number in page, number


def test_launcher_needs_room_for_its_jobs() -> None:
    """A launcher in a process of its own starts only if each job that may run has room for its output."""
    values = {"_env_file": None, "socket": "/run/x/y"}
    assert launcher_budget(LauncherProcessSettings(**values), 64, 10).total_bytes > 0  # type: ignore[arg-type]
    with pytest.raises(StartError, match="FIGBOX_MEMORY_MIB is 128"):
        launcher_budget(LauncherProcessSettings(**values, memory_mib=128, running_limit=8), 64, 10)  # type: ignore[arg-type]


#: Text that takes as much memory as text can: one character beyond the Basic Multilingual Plane.
WIDE = "\N{GRINNING FACE}"
LENGTH = 2 * MiB


@pytest.mark.parametrize("file", [WIDE + "x" * LENGTH, {"base64": "AAAA" * (LENGTH // 4)}, "x" * LENGTH])
async def test_reading_takes_no_more_than_its_factor(file: object) -> None:
    """What this process holds while a worker reads a body is the body, and at most its factor."""
    body = json.dumps({"code": WIDE + "x" * 200_000, "files": {"a": file}}, ensure_ascii=False).encode()
    pool = WorkerPool({TASK: len(body)}, workers=1)
    try:
        for _ in range(2):  # the first time brings in more
            tracemalloc.start()
            submission = Submission(JSON, "", (), body)
            reading = await pool.do(TASK, submission, key="a", paid=lambda _: None)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert reading.job is not None
            del reading
    finally:
        tracemalloc.stop()
        await pool.aclose()
    # The body itself was there before; what it holds is for its code, too.
    assert peak <= READING_COPIES * len(body) + body_bytes(len(body), 256 * KiB) - len(body)


def test_a_job_takes_no_more_than_its_body_holds() -> None:
    """What is left of a body when it was parsed fits into what the body holds."""
    body = json.dumps({"code": WIDE + "x" * 200_000, "files": {"a": "x" * LENGTH}}).encode()
    read_json(body, {}, [])
    tracemalloc.start()
    try:
        job = read_json(body, {}, [])
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert job
    assert left <= body_bytes(len(body), 256 * KiB)


def _reply(sizes: list[int]) -> list[bytes]:
    head = json.dumps({"figure": 1, "label": "", "format": "png", "pixels_sha256": None}).encode()
    frames = [encode_frame(PICTURE, with_head(head, b"x" * sizes[0]))]
    frames += [
        encode_frame(FILE, with_head(f"f{number}".encode(), b"x" * size)) for number, size in enumerate(sizes[1:])
    ]
    whole = b"".join([*frames, encode_frame(END, b'{"outcome": "ok"}')])
    return [whole[start : start + 65536] for start in range(0, len(whole), 65536)]


@pytest.mark.parametrize("sizes", [[4 * MiB], [100, 4 * MiB], [2 * MiB, 2 * MiB], [100, *[MiB // 8] * 32]])
def test_reading_a_reply_takes_no_more_than_its_factor(sizes: list[int]) -> None:
    """However the output is spread over frames, reading it takes at most the factor of what was written."""
    pieces = _reply(sizes)
    limit = sum(map(len, pieces))

    def read() -> object:
        reader = ReplyReader(Job("x", collect=True), limit)
        return [reader.feed(piece) for piece in pieces][-1]

    read()
    assert peak_of(read) <= job_bytes(limit, 0)


def test_making_an_answer_takes_no_more_than_its_factor() -> None:
    """A document and an archive are made within what the job held, its result included."""
    limit = 4 * MiB
    text = (WIDE + "x" * (limit - 4)).encode()
    written = figures_result(files=(NamedFile("a.csv", text),))
    drawn = figures_result(Format.PNG).figures[0]
    described = Result(Outcome.OK, (replace(drawn, explanation=b'{"alt_text":"' + text + b'"}'),))
    for result in (written, described):
        rendering = Rendering(Job("x"), FACTS, result, cached=False)
        for make_answer in (
            partial(lambda made: document_parts(made.document("id"), made), rendering),
            partial(lambda made: write_archive(made, made.document("id")), rendering),
        ):
            make_answer()
            assert peak_of(make_answer) + len(text) <= job_bytes(limit, 0)


def test_handing_a_job_over_takes_no_more_than_its_factor() -> None:
    """As frames, a job's files are copied once; what waits to be written is the second copy."""
    job = Job("x", files=(NamedFile("a", b"x" * LENGTH), NamedFile("b", b"x" * LENGTH)))
    encode_job(job, Limits())
    peak = peak_of(lambda: encode_job(job, Limits()))
    assert peak <= 2 * LENGTH * (SENT_FILES_COPIES - 1) + memory_plan.ANSWER_LEAST_BYTES
