"""The contract as a client sees it: statuses, texts, headers, and the order of the checks."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.selftest.verdict import Check, Verdict
from gateway.launcher.snapshot.warm_start import WarmStart
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
from gateway.observability.logs import BURST
from tests.fakes import KEY, PNG, picture_result, until
from tests.http.conftest import PATH, Rig
from tests.http.v1 import AUTH, GOOD, JSON, check_headers, problem
from tests.support.machine import slowed

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse

    from tests.http.conftest import Connect
    from tests.http.v1 import Client


async def _render(client: Client, **document: Any) -> ClientResponse:
    return await client.post(PATH, headers=AUTH, json=document or GOOD)


async def test_live(client: Client) -> None:
    """`GET /` says in one line that the service is live, without a key."""
    response = await client.get("/")
    assert (response.status, await response.text()) == (200, "Matplotlib Graph Render API is live!")
    check_headers(response)


async def test_healthz_whatever_else(client: Client, rig: Rig) -> None:
    """The process is healthy even if it can't render."""
    rig.launcher.not_ready = "no engine"
    response = await client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_readyz_says_how_runners_start(client: Client, rig: Rig) -> None:
    """By environment, and why not from a snapshot."""
    rig.launcher.warm_starts = (WarmStart("default", "snapshot", None), WarmStart("big", "import", "too big"))
    document = await (await client.get("/readyz")).json()
    assert document["warm_start"] == {"default": {"way": "snapshot"}, "big": {"way": "import", "reason": "too big"}}


async def test_readyz(client: Client, rig: Rig) -> None:
    """Ready is 200, not ready is 503 with the reason; both say whether the sandbox held, and how many seconds ago."""
    response = await client.get("/readyz")
    assert (response.status, await response.json()) == (200, {"status": "ready"})
    rig.launcher.not_ready = "the engine is gone"
    assert (await problem(await client.get("/readyz"), 503))["detail"] == "the engine is gone"
    rig.launcher.not_ready = None
    rig.launcher.verdict = Verdict((Check("memory"),), time.time() - 10.5, 1.0)
    response = await client.get("/readyz")
    document = await response.json()
    assert (response.status, document["status"], document["self_test"]["holds"]) == (200, "ready", True)
    assert document["self_test"]["age_s"] >= 10
    rig.launcher.verdict = Verdict((Check("memory", ("its memory limit is not enforced",)),), time.time(), 1.0)
    rig.launcher.not_ready = rig.launcher.verdict.reason
    document = await problem(await client.get("/readyz"), 503)
    assert document["self_test"]["holds"] is False
    assert document["detail"] == "the sandbox does not hold: its memory limit is not enforced"


async def test_picture(client: Client, rig: Rig) -> None:
    """Good code is drawn at 200 dpi with a tight box, and its picture is returned alone."""
    response = await _render(client)
    assert (response.status, response.headers["Content-Type"], await response.read()) == (200, "image/png", PNG)
    options = SaveOptions(dpi=200, bbox_inches="tight")
    assert rig.launcher.jobs == [Job(GOOD["code"], options, wall_limit_s=30, memory_limit_bytes=1024 * MiB)]
    assert response.headers["Server-Timing"].startswith("queue;dur=")
    check_headers(response)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"json": GOOD}, id="good"),
        pytest.param({}, id="none"),
        pytest.param({"data": b"{", "headers": {"Content-Type": "application/json"}}, id="broken"),
        pytest.param({"data": bytes(100_000)}, id="huge"),
        pytest.param({"data": bytes(100_000), "headers": {"Content-Type": "text/x-python"}}, id="huge script"),
        pytest.param({"data": "x", "headers": {"Content-Type": "text/html"}}, id="wrong type"),
        pytest.param({"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, id="no boundary"),
        pytest.param({"data": "x", "headers": {"Content-Encoding": "gzip"}}, id="compressed"),
        pytest.param({"json": GOOD, "headers": {"Accept": "text/html"}}, id="not acceptable"),
    ],
)
@pytest.mark.parametrize("key", [None, "wrong", ""])
@pytest.mark.parametrize("path", [PATH, "/v1/render?bogus=1"])
async def test_stranger_is_refused_before_the_body(
    client: Client, rig: Rig, path: str, key: str | None, request_: dict[str, Any]
) -> None:
    """Without the right key the response is the same 401 whatever the request is."""
    headers = {**request_.get("headers", {}), **({} if key is None else {"X-API-Key": key})}
    response = await client.post(path, **{**request_, "headers": headers})
    assert (await problem(response, 401))["error"] == "Unauthorized"
    assert rig.launcher.jobs == []


@pytest.mark.parametrize("path", [PATH, "/v1/render"])
async def test_stranger_is_refused_before_the_body_arrives(connect: Connect, path: str) -> None:
    """A 401 doesn't wait for the announced body."""
    reader, writer = await connect()
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
    assert await asyncio.wait_for(reader.readline(), slowed(5)) == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_two_keys_are_no_key(client: Client) -> None:
    """Two keys, even if both are right, are ambiguous and refused."""
    await problem(await client.post(PATH, headers=[("X-API-Key", KEY), ("X-API-Key", KEY)], json=GOOD), 401)


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonp", "text/json", "multipart/form-data", "json", ""])
async def test_other_content_types(client: Client, kind: str) -> None:
    """Only application/json is accepted."""
    response = await client.post(PATH, headers={**AUTH, "Content-Type": kind}, data=json.dumps(GOOD))
    assert (await problem(response, 400))["error"] == "Content-Type must be application/json"


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-16", "application/json; charset=nonsense; x"]
)
async def test_lies_of_the_charset_are_ignored(client: Client, rig: Rig, kind: str) -> None:
    """What the charset parameter says changes nothing."""
    response = await client.post(PATH, headers={**AUTH, "Content-Type": kind}, data='{"code": "é"}'.encode())
    assert response.status == 200
    assert [job.code for job in rig.launcher.jobs] == ["é"]


async def test_bad_bodies(client: Client, rig: Rig) -> None:
    """Broken JSON and bad code are 400 with the contract's text, and where and why beside it; nothing is run."""
    not_json, bad_code = "Body is not valid JSON", "Missing or invalid 'code' field"
    for body, error, detail in (
        (b"{", not_json, "Body is not valid JSON: line 1, column 2: it ends here, before the document does"),
        (b"", not_json, "Body is not valid JSON: line 1, column 1: it is empty"),
        (b"{}", bad_code, "The object has no member named code"),
        (b"[]", bad_code, "Body must be a JSON object, not an array"),
        (b'{"code": 1}', bad_code, bad_code),
    ):
        response = await client.post(PATH, headers=JSON, data=body)
        document = await problem(response, 400)
        assert (document["error"], document["detail"]) == (error, detail)
    assert rig.launcher.jobs == []


async def _in_chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 500):
        yield data[start : start + 500]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(4096, 200), (4097, 413), (200_000, 413)])
async def test_body_is_bounded(client: Client, size: int, status: int, chunked: bool) -> None:  # noqa: FBT001 - a table
    """A body of exactly the limit is accepted, one byte more is 413, announced or not."""
    body = json.dumps({"code": "x", "pad": ""})
    data = body.replace('""', '"' + "p" * (size - len(body)) + '"').encode()
    response = await client.post(PATH, headers=JSON, data=_in_chunks(data) if chunked else data)
    assert response.status == status
    if status == 413:
        assert (await problem(response, 413))["error"] == "Body is larger than 4096 bytes"


@pytest.mark.parametrize(("code", "status"), [("é" * 512, 200), ("é" * 512 + "x", 413), ("x" * 1025, 413)])
async def test_code_is_bounded_in_bytes(client: Client, code: str, status: int) -> None:
    """The code's limit counts UTF-8 bytes, not characters."""
    response = await _render(client, code=code)
    assert response.status == status
    if status == 413:
        assert (await problem(response, 413))["error"] == "'code' is longer than 1024 bytes"


@pytest.mark.parametrize("codings", [["gzip"], ["deflate"], ["br"], ["x"], ["identity", "gzip"], ["gzip, identity"]])
async def test_compressed_bodies(client: Client, rig: Rig, codings: list[str]) -> None:
    """A compressed body is 415, whichever of several header fields says so, and is never unpacked."""
    headers = [*JSON.items(), *(("Content-Encoding", coding) for coding in codings)]
    data = gzip.compress(json.dumps(GOOD).encode())
    response = await client.post(PATH, headers=headers, data=data, skip_auto_headers=["Content-Encoding"])
    assert (await problem(response, 415))["error"] == "Content-Encoding must be identity"
    assert rig.launcher.jobs == []


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
async def test_failures_of_the_code(client: Client, rig: Rig, outcome: Outcome) -> None:
    """Every failure of the code is 500 with its text, and its outcome beside it."""
    rig.launcher.result = Result(outcome, error="Traceback …\nboom\x1b")
    response = await _render(client)
    document = await problem(response, 500)
    assert (document["outcome"], document["error"]) == (outcome.value, "Traceback …\nboom�")
    assert "Server-Timing" in response.headers


REFUSALS = {
    "key-share-exceeded": (KeyShareExceeded("x", 7), 429, "7"),
    "queue-full": (QueueFull("x", 7), 503, "7"),
    "queue-timeout": (QueueTimeout("x", 7), 503, "7"),
    "shutting-down": (ShuttingDown("x", 7), 503, "7"),
    "engine-unavailable": (EngineUnavailable("secret path"), 503, "2"),
    "container-lost": (ContainerLost("secret id"), 503, "2"),
}


@pytest.mark.parametrize("slug", REFUSALS)
@pytest.mark.parametrize("target", [(PATH, "*/*"), ("/v1/render", "image/png"), ("/v1/render", "application/json")])
async def test_refusals_say_when_to_come_back(
    client: Client, rig: Rig, log: io.StringIO, target: tuple[str, str], slug: str
) -> None:
    """Errors of load and engine carry Retry-After and their type; the job's log line names it too."""
    path, accept = target
    rig.launcher.result, status, retry_after = REFUSALS[slug]
    response = await client.post(path, headers={**AUTH, "Accept": accept}, json=GOOD)
    document = await problem(response, status, slug)
    assert response.headers["Retry-After"] == retry_after
    assert "secret" not in json.dumps(document)
    (line,) = [json.loads(text) for text in log.getvalue().splitlines() if "job not served" in text]
    assert (line["outcome"], line["request_id"]) == (slug, document["request_id"])


@pytest.mark.parametrize("path", [PATH, "/v1/render", "/v1/environments"])
async def test_launcher_that_is_gone_is_told_first(client: Client, rig: Rig, path: str, log: io.StringIO) -> None:
    """While no environment is known, a request with the right key is refused before its body is read."""
    rig.launcher.environments, rig.launcher.not_ready = {}, "the launcher has not been reached yet"
    method = "GET" if path == "/v1/environments" else "POST"
    assert (await client.request(method, path)).status == 401
    document = await problem(await client.request(method, path, headers=AUTH, data=b"{"), 503, "engine-unavailable")
    assert document["error"] == "The container engine is unavailable"
    assert '"outcome": "engine-unavailable"' in log.getvalue()


async def test_defect_of_ours_leaks_nothing(client: Client, rig: Rig, log: io.StringIO) -> None:
    """An unexpected exception is a bare 500; only the log says more, with the same id, without the code."""
    rig.launcher.result = KeyError("inner secret")
    document = await problem(await _render(client), 500)
    assert document["error"] == document["detail"] == "Internal error"
    assert "outcome" not in document
    assert "secret" not in json.dumps(document)
    (line,) = [json.loads(text) for text in log.getvalue().splitlines() if "internal error" in text and "trace" in text]
    assert line["request_id"] == document["request_id"]
    assert GOOD["code"] not in log.getvalue()
    assert rig.admission.running_count == 0


async def test_unknown_paths_and_methods(client: Client) -> None:
    """404 and 405 are problem documents too; 405 says what is allowed."""
    for path in ("/nothing", "/render-matplotlib/", "/healthz/x"):
        assert (await problem(await client.get(path), 404))["error"] == "Not Found"
    requests = (
        ("GET", PATH, "POST"),
        ("GET", "/v1/render", "POST"),
        ("POST", "/", "GET,HEAD"),
        ("PATCH", "/", "GET,HEAD"),
    )
    requests += (("HEAD", PATH, "POST"), ("HEAD", "/v1/render", "POST"))
    for method, path, allowed in requests:
        response = await client.request(method, path)
        assert response.status == 405
        assert method == "HEAD" or (await problem(response, 405))["error"] == "Method Not Allowed"
        assert response.headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/openapi.json", "/docs", "/v1/environments"])
async def test_head_is_get_without_a_body(client: Client, path: str) -> None:
    """Whatever can be asked by GET can be asked by HEAD: the same status and type and length, and no body."""
    got, headed = await client.get(path, headers=AUTH), await client.head(path, headers=AUTH)
    assert (got.status, headed.status, await headed.read()) == (200, 200, b"")
    for name in ("Content-Type", "Content-Length", "Cache-Control"):
        assert headed.headers[name] == got.headers[name]
    assert (await client.head(path)).status == (401 if path == "/v1/environments" else 200)


async def test_head_says_not_ready(client: Client, rig: Rig) -> None:
    """A balancer that asks by HEAD learns from the status that a render would fail now."""
    rig.launcher.not_ready = "no engine"
    assert [(await client.head(path)).status for path in ("/", "/healthz", "/readyz")] == [200, 200, 503]


async def test_every_request_has_an_id_of_its_own(client: Client) -> None:
    """A client's own id is not used, and no two are alike."""
    ids = {(await client.get("/", headers={"X-Request-ID": "mine"})).headers["X-Request-ID"] for _ in range(5)}
    assert len(ids) == 5
    assert "mine" not in ids


async def test_full_house_is_refused_by_admission(client: Client, rig: Rig) -> None:
    """With a job running and one waiting, the next is 503 at once, with Retry-After."""
    rig.launcher.result = None
    tasks = [asyncio.create_task(_render(client)) for _ in range(2)]
    await until(lambda: (rig.admission.running_count, rig.admission.waiting_count) == (1, 1))
    response = await _render(client)
    await problem(response, 503, "queue-full")
    assert int(response.headers["Retry-After"]) >= 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: (rig.admission.running_count, rig.admission.waiting_count) == (0, 0))


async def test_client_that_hangs_up_frees_its_place(client: Client, rig: Rig, log: io.StringIO) -> None:
    """When a client goes, its running job is cancelled and frees its place, and a waiting one leaves the queue."""
    rig.launcher.result = None
    first = asyncio.create_task(_render(client))
    await until(lambda: rig.launcher.running)
    second = asyncio.create_task(_render(client))
    await until(lambda: rig.admission.waiting_count)
    second.cancel()
    await until(lambda: not rig.admission.waiting_count)
    first.cancel()
    await until(lambda: rig.launcher.cancelled == 1 and not rig.admission.running_count)
    await asyncio.gather(first, second, return_exceptions=True)
    await until(lambda: log.getvalue().count("client-gone") == 2)
    rig.launcher.result = picture_result(PNG)
    assert (await _render(client)).status == 200


async def test_hanging_up_fills_no_log(client: Client, rig: Rig, log: io.StringIO) -> None:
    """Every client that hangs up is counted, but logged at a bounded rate; refusals are still logged beside them."""
    rig.launcher.result = None
    for number in range(1, 61):
        asking = asyncio.create_task(_render(client))
        await until(lambda: rig.launcher.running)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda number=number: rig.launcher.cancelled == number and not rig.admission.running_count)
    gone = {"outcome": "client-gone"}
    await until(lambda: rig.metrics.registry.get_sample_value("figbox_requests_total", gone) == 60)
    assert BURST <= log.getvalue().count("client-gone") < 60
    rig.admission.close()
    assert (await _render(client)).status == 503
    assert "shutting-down" in log.getvalue()


async def test_job_is_logged_once_without_code_or_key(client: Client, rig: Rig, log: io.StringIO) -> None:
    """A finished job is one line: id, key's name, outcome, milliseconds, bytes."""
    response = await _render(client)
    lines = [json.loads(text) for text in log.getvalue().splitlines()]
    (line,) = [line for line in lines if line["event"] == "job finished"]
    expected = [response.headers["X-Request-ID"], "default", "ok", len(PNG)]
    assert [line[name] for name in ("request_id", "key", "outcome", "picture_bytes")] == expected
    assert {"queue_ms", "acquire_ms", "run_ms", "check_ms", "total_ms"} <= line.keys()
    assert KEY not in log.getvalue()
    assert "plt.plot" not in log.getvalue()
