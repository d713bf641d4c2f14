"""Both clients over real HTTP: the same tests for the blocking and the asynchronous one."""

from __future__ import annotations

import asyncio
import inspect
import threading
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

import figbox
from figbox.client import _unreachable
from tests.client.service import KEY, Canned, Service, failed, problem, raw_service, running_service, wait_until
from tests.support.live import free_port
from tests.support.machine import slowed, slowness

NOT_AGAIN = figbox.Retries(budget_s=0)
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"


@dataclass(frozen=True)
class Caller:
    """Calls one of the two clients as a blocking function."""

    asynchronous: bool

    def __call__(
        self, method: str, *arguments: Any, url: str, key: str | None = KEY, options: Any = None, **settings: Any
    ) -> Any:
        """Call a method of a fresh client and return what it returns."""
        options = options or {}
        if not self.asynchronous:
            with figbox.Client(url, key, **settings) as client:
                return getattr(client, method)(*arguments, **options)

        async def call() -> Any:
            async with figbox.AsyncClient(url, key, **settings) as client:
                return await getattr(client, method)(*arguments, **options)

        return asyncio.run(call())


@pytest.fixture(params=[False, True], ids=["Client", "AsyncClient"])
def call(request: pytest.FixtureRequest) -> Caller:
    """One of the two clients."""
    return Caller(request.param)


def test_both_clients_have_the_same_methods() -> None:
    """What one can do the other can, with the same arguments and words."""

    def interface(kind: type) -> dict[str, object]:
        functions = inspect.getmembers(kind, inspect.isfunction)
        return {name: inspect.signature(function) for name, function in functions if not name.startswith("_")}

    blocking, asynchronous = interface(figbox.Client), interface(figbox.AsyncClient)
    assert blocking.pop("close") == asynchronous.pop("aclose")
    assert blocking == asynchronous
    assert set(blocking) == {"render", "environments", "ready"}
    assert inspect.signature(figbox.Client) == inspect.signature(figbox.AsyncClient)


def test_render_gives_the_picture(service: Service, call: Caller) -> None:
    """Code goes in and bytes come out; key and options are sent."""
    render = call("render", PLOT, url=service.url, options={"format": ["svg"], "files": {"a.csv": b"1,2"}})
    assert render.picture.data == b"svg of figure 1"
    (asked,) = service.asked
    assert asked.document == {"code": PLOT, "format": ["svg"], "files": {"a.csv": {"text": "1,2"}}}
    assert asked.headers["X-API-Key"] == KEY
    assert asked.headers["Accept"] == "application/json"


def test_failing_code_raises(service: Service, call: Caller) -> None:
    """A failure of the code is an exception with line and source, and isn't tried again."""
    with pytest.raises(figbox.RenderFailed, match="ValueError: no good") as caught:
        call("render", "x = 1\nraise ValueError('no good')", url=service.url)
    assert caught.value.fault == figbox.Fault("ValueError", "no good", 2, 1, "raise ValueError('no good')")
    assert len(service.renders) == 1


def test_wrong_key_is_refused(service: Service, call: Caller) -> None:
    """An unknown and a missing key raise the same error."""
    for key in ("another", None):
        with pytest.raises(figbox.Unauthorized):
            call("render", PLOT, url=service.url, key=key)


def test_environments_and_readiness(service: Service, call: Caller) -> None:
    """The two requests other than a render; readiness needs no key."""
    (environment,) = call("environments", url=service.url)
    assert environment.name == "default"
    assert call("ready", url=service.url, key=None) == figbox.Readiness(ready=True)
    service.ready = False
    assert call("ready", url=service.url, key=None) == figbox.Readiness(ready=False, reason="the pool is being filled")


def test_busy_service_is_asked_again(service: Service, call: Caller) -> None:
    """The client waits after 429 and 503; the caller doesn't see them."""
    service.canned += [
        Canned(429, problem(429, "share"), {"Retry-After": "0"}),
        Canned(503, problem(503, "full"), {"Retry-After": "0"}),
    ]
    assert call("render", PLOT, url=service.url).picture.data == b"png of figure 1"
    assert len(service.renders) == 3
    assert service.renders[0] == service.renders[2]


def test_busy_service_is_given_up_in_the_end(service: Service, call: Caller) -> None:
    """When the budget is used up, the error says how long the service is busy."""
    service.canned.append(Canned(429, problem(429, "share"), {"Retry-After": "30"}))
    with pytest.raises(figbox.Busy, match="share") as caught:
        call("render", PLOT, url=service.url, retries=figbox.Retries(budget_s=29))
    assert caught.value.retry_after_s == 30
    assert len(service.renders) == 1


def test_unreachable_address(call: Caller) -> None:
    """A refused connection says the address and the reason."""
    port = free_port()
    with pytest.raises(figbox.Unreachable, match=f"http://127.0.0.1:{port} can't be reached: .*refused") as caught:
        call("render", PLOT, url=f"http://127.0.0.1:{port}", retries=NOT_AGAIN)
    assert caught.value.__cause__ is not None
    assert not caught.value.timed_out


@pytest.mark.parametrize(
    ("error", "message", "timed_out"),
    [
        (httpx2.ConnectTimeout("x"), "http://h did not accept the connection in time", False),
        (httpx2.ReadTimeout("x"), "http://h did not respond in time", True),
        (httpx2.WriteTimeout("x"), "http://h did not respond in time", True),
        (httpx2.ConnectError("no such host"), "http://h can't be reached: no such host", False),
        (httpx2.ReadError(""), "http://h broke the connection: ReadError", False),
        (httpx2.RemoteProtocolError("half an answer"), "http://h broke the connection: half an answer", False),
        (httpx2.DecodingError("bad gzip"), "http://h broke the connection: bad gzip", False),
    ],
)
def test_every_failure_of_the_transport_has_its_words(
    error: httpx2.RequestError, message: str, timed_out: object
) -> None:
    """Errors after which a retry is safe are distinct from those where the service may still be working."""
    failure = _unreachable("http://h", error)
    assert (str(failure), failure.timed_out, failure.__cause__) == (message, timed_out, error)


def test_broken_connection_is_tried_again(call: Caller) -> None:
    """A service that breaks the connection is tried again; the second response counts."""
    responses = iter([b"", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"])
    with raw_service(lambda: next(responses)) as url:
        assert call("environments", url=url) == ()


def test_late_response_is_not_tried_again(service: Service, call: Caller) -> None:
    """A service isn't given the same work twice."""
    service.gate.clear()
    with pytest.raises(figbox.Unreachable, match="did not respond in time") as caught:
        call("render", PLOT, url=service.url, timeout=0.2 * slowness())
    assert caught.value.timed_out
    wait_until(lambda: service.renders)
    assert len(service.renders) == 1


def test_time_limit_of_a_job_comes_on_top(service: Service, call: Caller) -> None:
    """The client waits longer for a job that may take longer."""
    service.gate.clear()
    threading.Timer(0.5, service.gate.set).start()
    assert call("render", PLOT, url=service.url, timeout=0.2, options={"timeout_s": 20}).figures


def test_redirect_is_not_followed(service: Service, call: Caller) -> None:
    """The key only goes to the address that was named."""
    with running_service() as other:
        service.canned.append(Canned(307, None, {"Location": f"{other.url}/v1/render"}))
        with pytest.raises(figbox.BadResponse, match="307"):
            call("render", PLOT, url=service.url)
        assert not other.asked


def test_proxy_of_the_environment_is_not_used_for_this_machine(
    service: Service, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service on this machine is reached directly."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")
    assert call("render", PLOT, url=service.url).figures


def test_path_in_the_address_is_kept(call: Caller) -> None:
    """A service behind a proxy's path is found there."""
    seen: list[bytes] = []
    body = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    with raw_service(lambda: body, seen) as url:
        assert call("environments", url=f"{url}/tools/figbox/") == ()
    assert seen[0].startswith(b"GET /tools/figbox/v1/environments HTTP/1.1\r\n")


def test_unknown_option_fails_before_anything_is_sent(service: Service, call: Caller) -> None:
    """A mistyped option is the caller's mistake."""
    with pytest.raises(TypeError, match="fromat"):
        call("render", PLOT, url=service.url, options={"fromat": "png"})
    assert not service.asked


@pytest.mark.parametrize(
    "url",
    [
        *("127.0.0.1:5150", "ftp://127.0.0.1", "http://", "http://a b", "http://host:0", "http://host:99999"),
        *("http://user:password@host", "http://host/?key=1", "http://host/#there", ""),
    ],
)
def test_wrong_address_is_refused(url: str) -> None:
    """A wrong address is reported when the client is made."""
    with pytest.raises(ValueError, match="address"):
        figbox.Client(url, KEY)


@pytest.mark.parametrize("key", ["", "a\nb", "schlüssel", "a\x7f"])
def test_key_that_a_header_cannot_contain_is_refused(key: str) -> None:
    """A wrong key is reported when the client is made, and not quoted."""
    with pytest.raises(ValueError, match=r"^the key is empty or has characters that an HTTP header can't contain$"):
        figbox.Client("http://127.0.0.1:5150", key)


def test_other_arguments_are_checked_and_the_key_stays_out_of_reprs() -> None:
    """The timeout must be positive; a client's repr names the service, not the key."""
    with pytest.raises(ValueError, match="timeout"):
        figbox.Client(timeout=0)
    with figbox.Client("http://127.0.0.1:5150/", "secret") as client:
        assert repr(client) == "Client('http://127.0.0.1:5150')"


async def test_many_renders_share_a_client(service: Service) -> None:
    """One asynchronous client serves tasks side by side."""
    service.gate.clear()
    async with figbox.AsyncClient(service.url, KEY) as client:
        tasks = [asyncio.create_task(client.render(PLOT)) for _ in range(5)]
        await asyncio.to_thread(wait_until, lambda: service.running == 5)
        service.gate.set()
        assert all(render.figures for render in await asyncio.gather(*tasks))
    assert service.peak == 5


async def test_cancelled_render_leaves_the_service(service: Service) -> None:
    """Cancelling a render ends its job on the service."""
    service.gate.clear()
    async with figbox.AsyncClient(service.url, KEY) as client:
        task = asyncio.create_task(client.render(PLOT))
        await asyncio.to_thread(wait_until, lambda: service.running)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(wait_until, lambda: not service.running)


def test_threads_share_a_blocking_client(service: Service) -> None:
    """One blocking client serves threads side by side."""
    service.gate.clear()
    found: list[bytes] = []
    with figbox.Client(service.url, KEY) as client:
        threads = [threading.Thread(target=lambda: found.append(client.render(PLOT).picture.data)) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: service.running == 3)
        service.gate.set()
        for thread in threads:
            thread.join(slowed(10))
    assert found == [b"png of figure 1"] * 3


def test_failures_can_be_caught_as_one(service: Service) -> None:
    """One `except` clause catches all failures."""
    service.canned.append(failed("killed", "Killed", signal="SIGKILL"))
    with figbox.Client(service.url, KEY) as client, pytest.raises(figbox.FigboxError):
        client.render(PLOT)
