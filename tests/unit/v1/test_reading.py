"""Reading a body as a task of a worker: whatever it comes to, here and there it is the same."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from gateway import legacy_body
from gateway.legacy_body import CodeBody, CodeFound
from gateway.model.codec import encode
from gateway.model.errors import BodyTooLarge, InvalidOptions, InvalidRequest
from gateway.model.jobs import KiB, MiB
from gateway.v1.request import reading
from gateway.v1.request.options import Terms
from gateway.v1.request.reading import FORM, JSON, PYTHON, Submission
from gateway.worker.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.worker.task import Task

LARGE = "x = 1\n" * 20_000
FORM_HEAD = '--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
QUERY = (("dpi", "80"), ("rc.axes.grid", "true"))


def _form(*parts: tuple[str, str, str]) -> bytes:
    return ("".join(FORM_HEAD % part for part in parts) + "--b--\r\n").encode()


SUBMISSIONS = {
    "job": Submission(JSON, "", QUERY, json.dumps({"code": LARGE, "files": {"é": "x" * 99_000}, "seed": 1}).encode()),
    "form": Submission(FORM, "b", QUERY, _form(("code", "", LARGE), ("file", '; filename="a"', "y" * 99_000))),
    "script": Submission(PYTHON, "", QUERY, LARGE.encode()),
    "broken": Submission(JSON, "", (), b"[" * 99_000),
    "option": Submission(JSON, "", (("x", "1"),), json.dumps({"code": LARGE, "dpi": 1, "rc": {"a": 1}}).encode()),
    "long code": Submission(JSON, "", (), json.dumps({"code": LARGE}).encode(), code_limit_bytes=KiB),
    "long part": Submission(FORM, "b", (), _form(("code", "", LARGE)), code_limit_bytes=KiB),
    "broken form": Submission(FORM, "b", (), b"--b\r\n" + b"x" * 99_000),
    "boundary": Submission(FORM, "\n", (), b"x" * 99_000),
}
CODES = {
    "code": CodeBody(json.dumps({"code": LARGE}).encode()),
    "other encoding": CodeBody(json.dumps({"code": LARGE + "é"}, ensure_ascii=False).encode("utf-16")),
    "broken": CodeBody(b"{" * 99_000),
    "no code": CodeBody(json.dumps({"code": 1, "more": LARGE}).encode()),
    "long": CodeBody(json.dumps({"code": LARGE}).encode(), code_limit_bytes=KiB),
}


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    """Return a worker that reads bodies."""
    async with aclosing(WorkerPool({reading.TASK: MiB, legacy_body.TASK: MiB}, workers=1)) as pool:
        yield pool


async def _both_ways(pool: WorkerPool, task: Task[Any, Any], questions: dict[str, Any]) -> dict[str, Any]:
    """Return the answers of a worker, which are those of this process."""
    answers = {}
    for name, question in questions.items():
        assert not task.at_once(question)
        answers[name] = await pool.do(task, question, key="", paid=[].append)
        assert answers[name] == task.work(question), name
    return answers


async def test_bodies_of_v1(pool: WorkerPool) -> None:
    """Jobs and refusals come back from a worker with everything that belongs to them."""
    answers = await _both_ways(pool, reading.TASK, SUBMISSIONS)
    for name in ("job", "form", "script"):
        assert answers[name].job.code == LARGE
        assert answers[name].job.options.dpi == 80
        assert answers[name].terms == Terms(allows_cache=True)
    errors = {name: type(answer.refusal.error()) for name, answer in answers.items() if answer.job is None}
    assert errors == {
        "broken": InvalidRequest,
        "option": InvalidOptions,
        "long code": BodyTooLarge,
        "long part": BodyTooLarge,
        "broken form": InvalidRequest,
        "boundary": InvalidRequest,
    }
    assert {error.option for error in answers["option"].refusal.error().errors} >= {"dpi", "rc.a"}


async def test_bodies_of_the_old_endpoint(pool: WorkerPool) -> None:
    """The same for the code in the old contract's JSON."""
    answers = await _both_ways(pool, legacy_body.TASK, CODES)
    assert answers["code"] == CodeFound(LARGE.encode())
    assert answers["other encoding"].code.decode() == LARGE + "é"
    assert [bool(answers[name].invalid) for name in ("broken", "no code", "long")] == [True, True, False]
    assert answers["long"].too_large is not None


@pytest.mark.parametrize(("length", "at_once"), [(1, True), (32 * KiB, True), (32 * KiB + 1, False)])
def test_small_bodies_are_read_at_once(length: int, at_once: bool) -> None:  # noqa: FBT001 - a parameter
    """An ordinary script needs no worker."""
    body = bytes(length)
    assert reading.TASK.at_once(Submission(JSON, "", (), body)) is at_once
    assert legacy_body.TASK.at_once(CodeBody(body)) is at_once


def test_questions_do_not_hold_the_body_twice() -> None:
    """A body is handed over beside its document, as it is."""
    body = b"x" * MiB
    document, data = encode(Submission(JSON, "", QUERY, body))
    assert len(document) < KiB
    assert data[0] is body
