"""Traces of real renders, at a collector that takes them by the real protocol."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.documents.pages import MONITORING, names_in_first_cells, section
from tests.fakes import KEY, until
from tests.support.collector import Collector, collector
from tests.support.live import LiveGateway, free_port, live_gateway

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"
JOB_STAGES = ["read", "queue", "acquire", "run", "check", "send"]
WITH_CACHE = [JOB_STAGES[0], "look up", *JOB_STAGES[1:-1], "keep", JOB_STAGES[-1]]

#: An extension that the gateway loads with the library, and only with it.
LIBRARY = "_upb/_message"

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"


@pytest.fixture(scope="module")
def collected() -> Iterator[Collector]:
    """Return the collector of this file's gateway."""
    with collector() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    begin_gateway: Callable[..., contextlib.AbstractContextManager[LiveGateway]],
    collected: Collector,
) -> Iterator[LiveGateway]:
    """Return a gateway with traces and a cache."""
    with begin_gateway(
        FIGBOX_TRACES_ENDPOINT=collected.url,
        FIGBOX_TRACES_HEADERS="x-token=a%20b",
        FIGBOX_CACHE_MIB=16,
        FIGBOX_CACHE_FILE="renders.sqlite3",
    ) as running:
        yield running


@pytest.mark.both_ways
async def test_render_is_a_trace(gateway: LiveGateway, collected: Collector) -> None:
    """A request is one span of the client's trace, and each of its stages is one below it, in turn and within it."""
    response = await gateway.render_v1(
        "?format=svg", json={"code": PLOT}, headers={"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}
    )
    assert response.status == 200
    span = collected.until_request(response.headers["X-Request-ID"])
    assert (span.name, span.trace_id, span.parent_id) == ("POST /v1/render", TRACE_ID, PARENT_ID)
    assert span.resource["service.name"] == "figbox"
    picture = response.json["figures"][0]["pictures"][0] if response.json else None
    stages = collected.stages_of(span)
    assert list(stages) == WITH_CACHE
    moments = [span.began_ns, *(moment for each in stages.values() for moment in (each.began_ns, each.ended_ns))]
    assert moments == sorted(moments)
    assert moments[-1] <= span.ended_ns
    assert {each.trace_id for each in stages.values()} == {TRACE_ID}
    attributes = span.attributes
    assert {name: value for name, value in attributes.items() if not name.startswith("figbox.")} == {
        "http.request.method": "POST",
        "http.route": "/v1/render",
        "url.path": "/v1/render",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
    }
    assert attributes["figbox.environment"] == "default"
    assert (attributes["figbox.outcome"], attributes["figbox.cached"]) == ("ok", False)
    assert attributes["figbox.formats"] == ["svg"]
    assert attributes["figbox.picture_bytes"] == (picture["bytes"] if picture else len(response.body))
    assert attributes["figbox.run_ms"] > 0
    assert isinstance(attributes["figbox.warm"], bool)
    [line] = [line for line in lines_of(gateway) if line.get("request_id") == response.headers["X-Request-ID"]]
    assert line["trace_id"] == TRACE_ID
    assert abs((stages["run"].ended_ns - stages["run"].began_ns) / 1e6 - line["run_ms"]) < 0.1
    assert collected.heads[-1]["x-token"] == "a b"


async def test_what_did_not_go_well(gateway: LiveGateway, collected: Collector) -> None:
    """A failed program, a bad request and a kept render are told apart; each has the stages that it came to."""
    failed = await gateway.render("1/0")
    span = collected.until_request(failed.headers["X-Request-ID"])
    assert (span.attributes["figbox.outcome"], span.attributes["error.type"]) == ("program_error", "program_error")
    assert (span.attributes["http.response.status_code"], span.status) == (500, 2)
    bad = await gateway.render_v1(json={"code": 7})
    span = collected.until_request(bad.headers["X-Request-ID"])
    assert (span.attributes["error.type"], span.status) == ("400", 0)
    assert list(collected.stages_of(span)) == ["read"]
    for use in ("miss", "hit"):
        kept = await gateway.render_v1(json={"code": PLOT, "seed": 1})
        assert kept.headers["X-Figbox-Cache"] == use
    span = collected.until_request(kept.headers["X-Request-ID"])
    assert (span.attributes["figbox.outcome"], span.attributes["figbox.cached"]) == ("ok", True)
    assert span.attributes["figbox.environment"] == "default"
    assert list(collected.stages_of(span)) == ["read", "look up", "send"]
    listed = await gateway.get("/v1/environments", {"X-API-Key": KEY})
    span = collected.until_request(listed.headers["X-Request-ID"])
    assert (span.name, list(collected.stages_of(span))) == ("GET /v1/environments", [])


async def test_page_has_what_spans_have(gateway: LiveGateway, collected: Collector) -> None:
    """docs/monitoring.md has each attribute of ours, and each span, and no other."""
    response = await gateway.render("1/0")
    collected.until_request(response.headers["X-Request-ID"])
    await gateway.render_v1(json={"code": PLOT, "seed": 2})
    last = await gateway.render_v1(json={"code": PLOT, "seed": 2})
    collected.until_request(last.headers["X-Request-ID"])
    attributes = {name for span in collected.requests() for name in span.attributes}
    ours = {name for name in attributes if name.startswith(("figbox.", "error."))}
    stages = {span.name for span in collected.spans() if span.kind != 2}
    assert ours | stages | {"POST /v1/render"} == set(names_in_first_cells(section(MONITORING, "Traces")))


async def test_client_that_hangs_up(gateway: LiveGateway, collected: Collector) -> None:
    """The span of a request whose client is gone says so, and has the stages that it came to."""
    job = asyncio.create_task(gateway.render("while True: pass"))
    running = "figbox_jobs_running"
    await gateway.until_metric(running, 1)
    job.cancel()
    await gateway.until_metric(running, 0)
    gone = lambda: [s for s in collected.requests() if s.attributes.get("error.type") == "client-gone"]  # noqa: E731
    collected.until(lambda _: bool(gone()))
    [span] = gone()
    assert "http.response.status_code" not in span.attributes
    assert list(collected.stages_of(span)) in (JOB_STAGES[:3], JOB_STAGES[:4])  # it may not have had a container yet


async def test_strangers_make_no_spans(gateway: LiveGateway, collected: Collector) -> None:
    """Without a right key there is no span, whatever is asked for and however it is traced."""
    headers = {"traceparent": f"00-{'1' * 32}-{PARENT_ID}-01"}
    for key in ("", "x" * 40):
        assert (await gateway.post("/v1/render", headers={**headers, "X-API-Key": key}, data=PLOT)).status == 401
        assert (await gateway.get("/v1/environments", {**headers, "X-API-Key": key})).status == 401
    for path in ("/", "/healthz", "/readyz", "/openapi.json", "/nothing"):
        await gateway.get(path, headers)
    last = await gateway.render_v1(json={"code": PLOT})
    collected.until_request(last.headers["X-Request-ID"])
    assert "1" * 32 not in {span.trace_id for span in collected.spans()}


async def test_no_secrets_are_exported(gateway: LiveGateway, collected: Collector) -> None:
    """Nothing that a client sends or a guest says is in what leaves, wherever it stands; neither is the key."""
    words = {place: f"{place}{secrets.token_hex(8)}" for place in ("code", "file", "print", "query", "label", "header")}
    program = (
        f"import warnings  # {words['code']}\n"
        f"print('{words['print']}'); warnings.warn('{words['print']}')\n"
        f"plt.figure('{words['label']}'); plt.title('{words['label']}'); plt.plot([1])\n"
        f"open('{words['file']}.txt', 'w').write('{words['file']}')\n"
    )
    headers = {
        "Accept": "application/json",
        "User-Agent": words["header"],
        "X-Request-ID": words["header"],
        "baggage": f"a={words['header']}",
        "Referer": f"http://{words['header']}/",
        "Host": f"{words['header']}.example",
        "Cookie": words["header"],
        "traceparent": words["header"],
    }
    options = {"code": program, "files": {f"{words['file']}.csv": "YQ=="}}
    answered = [
        await gateway.render_v1(f"?{words['query']}={words['query']}", json=options, headers=headers),
        await gateway.render_v1(json=options, headers=headers),
        await gateway.render_v1(json={"code": f"raise Exception('{words['code']}')"}, headers=headers),
        await gateway.render_v1(json={"code": PLOT, "environment": words["query"]}, headers=headers),
        await gateway.render_v1(json={"code": PLOT, words["query"]: 1}, headers=headers),
        await gateway.render(f"x = '{words['code']}'; 1/0"),
    ]
    assert words["print"] in json.dumps([response.json for response in answered])
    for response in answered:
        collected.until_request(response.headers["X-Request-ID"])
    exported = b"".join(collected.bodies) + json.dumps(collected.heads).encode()
    assert b"figbox.request_id" in exported
    for word in (*words.values(), KEY):
        assert word.encode() not in exported, word
    assert not [word for word in words.values() if word in gateway.log_text()]


def test_library_is_loaded_where_it_is_wanted(gateway: LiveGateway, tmp_path: Path) -> None:
    """A gateway without traces doesn't load the library; one with traces does, so that this test can tell."""
    assert LIBRARY in Path(f"/proc/{gateway.process.pid}/maps").read_text()
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=0) as plain:
        assert LIBRARY not in Path(f"/proc/{plain.process.pid}/maps").read_text()


@pytest.mark.parametrize("kind", ["gone", "silent"])
async def test_dead_collector(tmp_path: Path, kind: str) -> None:
    """Without a collector, and with one that never answers, renders go on; the log says so once; the end is clean."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{free_port() if kind == 'gone' else listener.getsockname()[1]}"
        with live_gateway(tmp_path, FIGBOX_TRACES_ENDPOINT=url, FIGBOX_POOL_SIZE=1) as gateway:
            for _ in range(3):
                assert (await gateway.render(PLOT)).status == 200
            await until(lambda: "traces not exported" in gateway.log_text(), "the log says it")
            assert (await gateway.render(PLOT)).status == 200
            [line] = [line for line in lines_of(gateway) if line["event"] == "traces not exported"]
            assert (line["level"], line["failures"]) == ("WARNING", 1)
            assert "library message" not in gateway.log_text()
            gateway.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(gateway.process.wait, 60) == 0
            assert lines_of(gateway)[-1]["event"] == "stopped"


async def test_last_spans_are_sent_at_the_end(tmp_path: Path) -> None:
    """A gateway that is asked to end sends what it has not sent yet."""
    with collector() as own, live_gateway(tmp_path, FIGBOX_TRACES_ENDPOINT=own.url, FIGBOX_POOL_SIZE=0) as gateway:
        response = await gateway.render(PLOT)
        assert gateway.terminate() == 0
        span = next(s for s in own.requests() if s.attributes["figbox.request_id"] == response.headers["X-Request-ID"])
        assert list(own.stages_of(span)) == JOB_STAGES


def lines_of(gateway: LiveGateway) -> list[dict[str, object]]:
    """Return the lines of a gateway's log."""
    return [json.loads(line) for line in gateway.log_text().splitlines()]
