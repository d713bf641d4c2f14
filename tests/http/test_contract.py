"""The contract as a client sees it: statuses, texts, headers, and who is asked what in which order."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.selftest.verdict import Check, Verdict
from gateway.model.errors import (
    ContainerLost,
    EngineUnavailable,
    KeyShareExceeded,
    QueueFull,
    QueueTimeout,
    ShuttingDown,
)
from gateway.model.jobs import Job, MiB, SaveOptions
from gateway.model.results import Outcome, Result
from tests.fakes import KEY, PNG, picture_result, until
from tests.http.conftest import PATH, Rig
from tests.support.machine import slowed

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse, web
    from aiohttp.test_utils import TestClient

    Client = TestClient[web.Request, web.Application]

AUTH = {"X-API-Key": KEY}
GOOD = {"code": "plt.plot([1, 2])"}


async def _problem(response: ClientResponse, status: int) -> dict[str, Any]:
    """Check what all refusals have in common, and return the document."""
    assert status == response.status
    assert response.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(await response.read())
    assert response.headers["X-Request-ID"] == document["request_id"]
    assert (status, f"urn:figbox:problem:{document['type'].rpartition(':')[2]}") == (
        document["status"],
        document["type"],
    )
    _check_headers(response)
    return document


def _check_headers(response: ClientResponse) -> None:
    assert tuple(
        response.headers[name]
        for name in ("Server", "X-Content-Type-Options", "Content-Security-Policy", "Cache-Control")
    ) == ("figbox", "nosniff", "default-src 'none'; sandbox", "no-store")
    assert len(response.headers["X-Request-ID"]) == 32


async def test_live(client: Client) -> None:
    """`GET /` says in one line that the service is live, to anybody."""
    response = await client.get("/")
    assert (response.status, await response.text()) == (200, "Matplotlib Graph Render API is live!")
    _check_headers(response)


async def test_healthz_whatever_else(client: Client, rig: Rig) -> None:
    """The process lives even when it can't render."""
    rig.launcher.not_ready = "no engine"
    response = await client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_readyz_tells_why_not(client: Client, rig: Rig) -> None:
    """Ready is 200; not ready is 503 with the reason."""
    response = await client.get("/readyz")
    assert (response.status, await response.json()) == (200, {"status": "ready"})
    rig.launcher.not_ready = "the engine is gone"
    response = await client.get("/readyz")
    assert response.status == 503
    assert (await response.json())["detail"] == "the engine is gone"


async def test_readyz_tells_what_the_self_test_came_to(client: Client, rig: Rig) -> None:
    """Ready or not, it says whether the sandbox held, and how many seconds ago."""
    rig.launcher.verdict = Verdict((Check("memory"),), time.time() - 10.5, 1.0)
    response = await client.get("/readyz")
    document = await response.json()
    assert (response.status, document["status"], document["self_test"]["holds"]) == (200, "ready", True)
    assert document["self_test"]["age_s"] >= 10
    rig.launcher.verdict = Verdict((Check("memory", ("its memory limit is not enforced",)),), time.time(), 1.0)
    rig.launcher.not_ready = rig.launcher.verdict.reason
    response = await client.get("/readyz")
    document = await response.json()
    assert (response.status, document["self_test"]["holds"]) == (503, False)
    assert document["detail"] == "the sandbox does not hold: its memory limit is not enforced"


async def test_picture(client: Client, rig: Rig) -> None:
    """Good code is drawn at 200 dpi with a tight box, and its picture is served as such."""
    response = await client.post(PATH, headers=AUTH, json=GOOD)
    assert (response.status, response.headers["Content-Type"], await response.read()) == (200, "image/png", PNG)
    options = SaveOptions(dpi=200, bbox_inches="tight")
    assert [Job(GOOD["code"], options, wall_limit_s=30, memory_limit_bytes=1024 * MiB)] == rig.launcher.jobs
    assert response.headers["Server-Timing"].startswith("queue;dur=")
    _check_headers(response)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"json": GOOD}, id="good"),
        pytest.param({}, id="none"),
        pytest.param({"data": b"{", "headers": {"Content-Type": "application/json"}}, id="broken"),
        pytest.param({"data": bytes(100_000)}, id="huge"),
        pytest.param({"data": "x", "headers": {"Content-Type": "text/html"}}, id="wrong type"),
        pytest.param({"data": "x", "headers": {"Content-Encoding": "gzip"}}, id="compressed"),
    ],
)
@pytest.mark.parametrize("key", [None, "wrong", ""])
async def test_stranger_is_refused_before_the_body(
    client: Client, rig: Rig, key: str | None, body: dict[str, Any]
) -> None:
    """Without a right key the answer is the same 401 whatever the body is."""
    headers = {**body.get("headers", {}), **({} if key is None else {"X-API-Key": key})}
    response = await client.post(PATH, **{**body, "headers": headers})
    assert (await _problem(response, 401))["error"] == "Unauthorized"
    assert rig.launcher.jobs == []


async def test_stranger_is_refused_before_the_body_arrives(connect: Any) -> None:
    """A 401 doesn't wait for the announced body."""
    reader, writer = await connect()
    writer.write(b"POST /render-matplotlib HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    assert await asyncio.wait_for(reader.readline(), slowed(5)) == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_two_keys_are_no_key(client: Client) -> None:
    """Two headers, even both right, are ambiguous and refused."""
    response = await client.post(PATH, headers=[("X-API-Key", KEY), ("X-API-Key", KEY)], json=GOOD)
    await _problem(response, 401)


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonp", "text/json", "multipart/form-data", "json", ""])
async def test_other_content_types(client: Client, kind: str) -> None:
    """Only application/json is taken."""
    response = await client.post(PATH, headers={**AUTH, "Content-Type": kind}, data=json.dumps(GOOD))
    assert (await _problem(response, 400))["error"] == "Content-Type must be application/json"


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-16", "application/json; charset=nonsense; x"]
)
async def test_lies_of_the_charset_are_ignored(client: Client, rig: Rig, kind: str) -> None:
    """What the charset parameter says changes nothing."""
    response = await client.post(PATH, headers={**AUTH, "Content-Type": kind}, data='{"code": "é"}'.encode())
    assert response.status == 200
    assert [job.code for job in rig.launcher.jobs] == ["é"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "Body is not valid JSON"),
        (b"", "Body is not valid JSON"),
        (b"{}", "Missing or invalid 'code' field"),
        (b'{"code": 1}', "Missing or invalid 'code' field"),
    ],
)
async def test_bad_bodies(client: Client, rig: Rig, body: bytes, error: str) -> None:
    """Broken JSON and bad code are 400 with the contract's text, and nothing is run."""
    response = await client.post(PATH, headers={**AUTH, "Content-Type": "application/json"}, data=body)
    assert error == (await _problem(response, 400))["error"]
    assert rig.launcher.jobs == []


def _body_of(size: int) -> bytes:
    body = json.dumps({"code": "x", "pad": ""})
    return body.replace('""', '"' + "p" * (size - len(body)) + '"').encode()


async def _in_chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 500):
        yield data[start : start + 500]


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_is_bounded(client: Client, chunked: bool) -> None:  # noqa: FBT001 - a table
    """A body of exactly the limit is taken, one byte more is 413, announced or not."""
    headers = {**AUTH, "Content-Type": "application/json"}
    for size, status in ((4096, 200), (4097, 413), (200_000, 413)):
        data = _body_of(size)
        response = await client.post(PATH, headers=headers, data=_in_chunks(data) if chunked else data)
        if status == 413:
            assert (await _problem(response, 413))["error"] == "Body is larger than 4096 bytes"
        else:
            assert status == response.status


async def test_code_is_bounded_in_bytes(client: Client) -> None:
    """The code's limit counts UTF-8 bytes, not characters."""
    for code, status in (("é" * 512, 200), ("é" * 512 + "x", 413), ("x" * 1025, 413)):
        response = await client.post(PATH, headers=AUTH, json={"code": code})
        assert status == response.status
        if status == 413:
            assert (await _problem(response, 413))["error"] == "'code' is longer than 1024 bytes"


@pytest.mark.parametrize("codings", [["gzip"], ["deflate"], ["br"], ["x"], ["identity", "gzip"], ["gzip, identity"]])
async def test_compressed_bodies(client: Client, rig: Rig, codings: list[str]) -> None:
    """A compressed body is 415, in whatever header of several it says so, and is never unpacked."""
    headers = [*AUTH.items(), ("Content-Type", "application/json"), *(("Content-Encoding", c) for c in codings)]
    data = gzip.compress(json.dumps(GOOD).encode())
    response = await client.post(PATH, headers=headers, data=data, skip_auto_headers=["Content-Encoding"])
    assert (await _problem(response, 415))["error"] == "Content-Encoding must be identity"
    assert rig.launcher.jobs == []


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
async def test_faults_of_the_guest(client: Client, rig: Rig, outcome: Outcome) -> None:
    """Every fault of the guest is 500 with its text, and its outcome beside it."""
    rig.launcher.result = Result(outcome, error="Traceback …\nboom\x1b")
    response = await client.post(PATH, headers=AUTH, json=GOOD)
    document = await _problem(response, 500)
    assert (outcome.value, "Traceback …\nboom�") == (document["outcome"], document["error"])
    assert "Server-Timing" in response.headers


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyShareExceeded("x", 7), (429, "key-share-exceeded")),
        (QueueFull("x", 7), (503, "queue-full")),
        (QueueTimeout("x", 7), (503, "queue-timeout")),
        (ShuttingDown("x", 7), (503, "shutting-down")),
        (EngineUnavailable("secret path"), (503, "engine-unavailable")),
        (ContainerLost("secret id"), (503, "container-lost")),
    ],
)
async def test_refusals_say_when_to_come_back(
    client: Client, rig: Rig, error: Exception, expected: tuple[int, str], log: io.StringIO
) -> None:
    """Busy and engine faults carry Retry-After and their type; the job's log line names it too."""
    status, slug = expected
    rig.launcher.result = error
    response = await client.post(PATH, headers=AUTH, json=GOOD)
    document = await _problem(response, status)
    assert slug == document["type"].rpartition(":")[2]
    assert ("2" if isinstance(error, (EngineUnavailable, ContainerLost)) else "7") == response.headers["Retry-After"]
    assert "secret" not in json.dumps(document)
    (line,) = [json.loads(text) for text in log.getvalue().splitlines() if "job not served" in text]
    assert (slug, document["request_id"]) == (line["outcome"], line["request_id"])


@pytest.mark.parametrize("path", [PATH, "/v1/render", "/v1/environments"])
async def test_launcher_that_is_gone_is_told_first(client: Client, rig: Rig, path: str, log: io.StringIO) -> None:
    """As long as no environment is known, a request with a right key is refused before its body is read."""
    rig.launcher.environments, rig.launcher.not_ready = {}, "the launcher has not been reached yet"
    method = "GET" if path == "/v1/environments" else "POST"
    assert (await client.request(method, path)).status == 401
    document = await _problem(await client.request(method, path, headers=AUTH, data=b"{"), 503)
    assert document["type"].endswith(":engine-unavailable")
    assert document["error"] == "The container engine is unavailable"
    assert '"outcome": "engine-unavailable"' in log.getvalue()


async def test_defect_of_ours_leaks_nothing(client: Client, rig: Rig, log: io.StringIO) -> None:
    """An exception nobody expected is a bare 500; the log alone says more, under the same id, without the code."""
    rig.launcher.result = KeyError("inner secret")
    response = await client.post(PATH, headers=AUTH, json=GOOD)
    document = await _problem(response, 500)
    assert "Internal error" == document["error"] == document["detail"]
    assert "outcome" not in document
    assert "secret" not in json.dumps(document)
    (line,) = [json.loads(text) for text in log.getvalue().splitlines() if "internal error" in text and "trace" in text]
    assert document["request_id"] == line["request_id"]
    assert GOOD["code"] not in log.getvalue()
    assert rig.admission.running_count == 0


async def test_unknown_paths_and_methods(client: Client) -> None:
    """404 and 405 are problem documents too; 405 says what is allowed."""
    for path in ("/nothing", "/render-matplotlib/", "/healthz/x"):
        assert (await _problem(await client.get(path), 404))["error"] == "Not Found"
    for method, path, allowed in (("GET", PATH, "POST"), ("POST", "/", "GET"), ("PATCH", "/", "GET")):
        response = await client.request(method, path)
        assert (await _problem(response, 405))["error"] == "Method Not Allowed"
        assert allowed == response.headers["Allow"]


async def test_every_request_has_an_id_of_its_own(client: Client) -> None:
    """A client's own id is not taken over, and no two are alike."""
    ids = {(await client.get("/", headers={"X-Request-ID": "mine"})).headers["X-Request-ID"] for _ in range(5)}
    assert len(ids) == 5
    assert "mine" not in ids


async def test_full_house_is_refused_by_admission(client: Client, rig: Rig) -> None:
    """With a job running and one waiting, the next is 503 at once, with Retry-After."""
    rig.launcher.result = None
    tasks = [asyncio.create_task(client.post(PATH, headers=AUTH, json=GOOD)) for _ in range(2)]
    await until(lambda: (rig.admission.running_count, rig.admission.waiting_count) == (1, 1))
    response = await client.post(PATH, headers=AUTH, json=GOOD)
    assert (await _problem(response, 503))["type"] == "urn:figbox:problem:queue-full"
    assert int(response.headers["Retry-After"]) >= 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: (rig.admission.running_count, rig.admission.waiting_count) == (0, 0))


async def test_client_that_hangs_up_frees_its_place(client: Client, rig: Rig, log: io.StringIO) -> None:
    """When the client goes, its job is cancelled and its place is another's; waiting ones leave the queue alike."""
    rig.launcher.result = None
    first = asyncio.create_task(client.post(PATH, headers=AUTH, json=GOOD))
    await until(lambda: rig.launcher.running)
    second = asyncio.create_task(client.post(PATH, headers=AUTH, json=GOOD))
    await until(lambda: rig.admission.waiting_count)
    second.cancel()
    await until(lambda: not rig.admission.waiting_count)
    first.cancel()
    await until(lambda: rig.launcher.cancelled == 1 and not rig.admission.running_count)
    await asyncio.gather(first, second, return_exceptions=True)
    await until(lambda: log.getvalue().count("client-gone") == 2)
    rig.launcher.result = picture_result(PNG)
    assert (await client.post(PATH, headers=AUTH, json=GOOD)).status == 200


async def test_job_is_logged_once_without_code_or_key(client: Client, rig: Rig, log: io.StringIO) -> None:
    """A finished job is one line: id, key's name, outcome, milliseconds, bytes."""
    response = await client.post(PATH, headers=AUTH, json=GOOD)
    lines = [json.loads(text) for text in log.getvalue().splitlines()]
    (line,) = [line for line in lines if line["event"] == "job finished"]
    assert (response.headers["X-Request-ID"], "default", "ok", len(PNG)) == tuple(
        line[name] for name in ("request_id", "key", "outcome", "picture_bytes")
    )
    assert {"queue_ms", "acquire_ms", "run_ms", "check_ms", "total_ms"} <= line.keys()
    assert KEY not in log.getvalue()
    assert "plt.plot" not in log.getvalue()
