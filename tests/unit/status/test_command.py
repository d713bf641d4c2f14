"""The command as an operator runs it, against whatever listens."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest

from gateway.observability.metrics import Metrics
from gateway.status import __main__ as command
from gateway.status import scrape
from gateway.status.scrape import NoGateway, place_of, places
from tests.support.live import ROOT, free_port
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: What acts on a terminal, or hides what stands there.
HOSTILE = "a\x1b[31mred\x1b]0;title\x07\r\n\u202etxt\u2028\x00" + "x" * 300


@contextmanager
def listening(pages: Mapping[str, bytes], status: int = 200) -> Iterator[int]:
    """Serve pages over HTTP; yield the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path in pages else 404)
            self.end_headers()
            self.wfile.write(pages.get(self.path, b""))

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("FIGBOX_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway.status", *arguments],
        cwd=folder,
        env={**own, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=slowed(60),
        check=False,
    )


def page(metrics: Metrics) -> bytes:
    """Return what a metrics listener serves."""
    return generate_latest(metrics.registry)


def hostile() -> Metrics:
    """Return metrics whose every label is hostile."""
    metrics = Metrics()
    metrics.watch("figbox_ready", "x", lambda: 1)
    metrics.count_request(HOSTILE)
    metrics.count_refusal(HOSTILE)
    metrics.count_pool_event("failed")
    metrics.watch_each("figbox_build_info", "x", ("version",), lambda: {(HOSTILE,): 1})
    metrics.watch_each("figbox_snapshot_starts", "x", ("environment",), lambda: {(HOSTILE,): 1})
    table = {"figbox_key_allowance": "x", "figbox_key_left": "x"}
    metrics.watch_table(table, ("key", "budget"), lambda: {(HOSTILE, HOSTILE): (2, 1)})
    return metrics


def test_labels_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    """Whatever labels and reasons have, the screen is printable ASCII in lines of bounded length; so is the JSON."""
    reason = json.dumps({"error": HOSTILE, "warm_start": {HOSTILE: {"way": "import", "reason": HOSTILE}}}).encode()
    pages = {"/metrics": page(hostile()), "/readyz": reason}
    with listening(pages) as port:
        (tmp_path / ".env").write_text(f"FIGBOX_METRICS_PORT={port}\nPORT={port}\n")
        for arguments in ((), ("--json",)):
            done = run(tmp_path, "--interval", "0.1", *arguments)
            assert (done.returncode, done.stderr) == (0, "")
            lines = done.stdout.split("\n")
            assert all(char.isascii() and char.isprintable() for line in lines for char in line)
            assert "red" in done.stdout
        assert json.loads(done.stdout)["allowances"][0]["key"] == HOSTILE
        assert max(map(len, run(tmp_path, "--interval", "0").stdout.splitlines())) < 300


def test_screen_says_why_it_is_not_ready(tmp_path: Path) -> None:
    """The reason stands in the second line, and the exit status says that the gateway isn't ready."""
    metrics = Metrics()
    metrics.watch("figbox_ready", "x", lambda: 0)
    with (
        listening({"/metrics": page(metrics)}) as port,
        listening({"/readyz": b'{"error": "no engine"}'}, 503) as public,
    ):
        variables = {"FIGBOX_METRICS_PORT": str(port), "PORT": str(public)}
        done = run(tmp_path, "--interval", "0", **variables)
        assert (done.returncode, done.stdout.splitlines()[1]) == (1, "NOT READY: no engine")


def test_no_gateway_is_one_sentence(tmp_path: Path) -> None:
    """Where nothing listens, or something else does, one sentence says so, and the exit status is 2."""
    done = run(tmp_path, FIGBOX_METRICS_PORT=str(free_port()))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("figbox: no gateway answers at http://127.0.0.1:")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"a 1\nb{c=",
        b'a{b="c"} x',
        b"up 1\n",
        b'figbox_requests_total 1\nfigbox_request_seconds_bucket{le="x"} 1\n',
    ],
)
def test_other_servers_are_no_gateway(body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever another server says, it is told from a gateway."""
    with listening({"/metrics": body}) as port:
        assert command.main(["--url", f"http://127.0.0.1:{port}"]) == 2
    assert "what answers at" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e300"])
def test_what_is_no_number_is_left_out(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is calculated with it."""
    names = ["process_start_time_seconds", "figbox_self_test_age_seconds", "figbox_jobs_running", "figbox_pool_size"]
    names += ['figbox_environment_jobs_total{environment="e"}', 'figbox_request_seconds_bucket{le="1"}']
    lines = [f"{name} {value}" for name in names]
    lines += ['figbox_snapshot_starts{environment="e"} 1', 'figbox_request_seconds_bucket{le="NaN"} 1']
    lines += ["figbox_jobs_running_limit 3", "figbox_requests_total 1", "figbox_ready 1", ""]
    with listening({"/metrics": "\n".join(lines).encode()}) as port:
        assert command.main(["--interval", "0", "--url", f"http://127.0.0.1:{port}"]) == 0
    shown = capsys.readouterr().out
    assert "nan" not in shown.lower()
    assert max(map(len, shown.splitlines())) < 300


def test_a_bar_is_full_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the limit is so small that there is no number for what it is exceeded by."""
    lines = ["figbox_jobs_running 1", "figbox_jobs_running_limit 1e-323", "figbox_requests_total 1", "figbox_ready 1"]
    with listening({"/metrics": "\n".join([*lines, ""]).encode()}) as port:
        assert command.main(["--interval", "0", "--url", f"http://127.0.0.1:{port}"]) == 0
    assert f" {'#' * 24}\n" in capsys.readouterr().out


def test_what_is_read_is_bounded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that is too large, and one that never comes, are given up."""
    monkeypatch.setattr(scrape, "SIZE_LIMIT", 100_000)
    with listening({"/metrics": b"x" * 200_000}) as port:
        assert command.main(["--url", f"http://127.0.0.1:{port}"]) == 2
    assert "too large" in capsys.readouterr().err
    monkeypatch.setattr(scrape, "TIME_LIMIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert command.main(["--url", f"http://127.0.0.1:{listener.getsockname()[1]}"]) == 2
    assert "it took too long" in capsys.readouterr().err


@pytest.mark.parametrize("slow", [b"HTTP/1.0 200 OK\r\nX-Long: ", b"HTTP/1.0 200 OK\r\n\r\n"], ids=["head", "body"])
def test_what_comes_in_pieces_is_bounded_as_a_whole(
    slow: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a head nor a body that comes slowly, and would be good in the end, is waited for."""
    monkeypatch.setattr(scrape, "TIME_LIMIT_S", 0.3)

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(slow)
            for _ in range(20):
                time.sleep(0.05)
                connection.sendall(b"#")
            connection.sendall(b"\r\n\r\nfigbox_requests_total 1\nfigbox_ready 1\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=answer, args=[listener])
        thread.start()
        assert command.main(["--interval", "0", "--url", f"http://127.0.0.1:{listener.getsockname()[1]}"]) == 2
        thread.join()
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_places_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variables come before the file, and the file before the defaults; a wildcard is asked on loopback."""
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "HOST", "FIGBOX_METRICS_PORT", "FIGBOX_METRICS_HOST", "FIGBOX_HTTP_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    assert [*map(str, places())] == ["http://127.0.0.1:5151/metrics", "http://127.0.0.1:5150/readyz"]
    (tmp_path / ".env").write_text("PORT=1\nFIGBOX_METRICS_HOST=::\nHOST=0.0.0.0\nFIGBOX_PATH_PREFIX=/figbox/\n")
    monkeypatch.setenv("PORT", "2")
    assert [*map(str, places())] == ["http://[::1]:5151/metrics", "http://127.0.0.1:2/figbox/readyz"]
    monkeypatch.setenv("FIGBOX_HTTP_SOCKET", "unix:///run/x.sock")
    assert str(places()[1]) == "/run/x.sock"
    for text in ("0", "x", "70000"):
        monkeypatch.setenv("FIGBOX_METRICS_PORT", text)
        with pytest.raises(NoGateway, match="FIGBOX_METRICS_PORT"):
            places()


@pytest.mark.parametrize("url", ["", "127.0.0.1:5151", "https://a", "http://", "http://a:x", "http://[::1"])
def test_wrong_urls(url: str) -> None:
    """What is no URL of metrics is refused."""
    with pytest.raises(NoGateway):
        place_of(url)


@pytest.mark.parametrize("interval", ["-1", "x", "nan", "inf", "3601"])
def test_wrong_intervals(interval: str) -> None:
    """An interval is bounded."""
    with pytest.raises(SystemExit):
        command.main(["--interval", interval])


def test_watching_goes_on_without_a_gateway(tmp_path: Path) -> None:
    """With `--watch` screen follows screen, also where the gateway is gone, and then is back."""
    metrics = Metrics()
    metrics.watch("figbox_ready", "x", lambda: 1)
    line = [sys.executable, "-m", "gateway.status", "--watch", "--interval", "0.05", "--url"]
    with listening({"/metrics": page(metrics)}) as port:
        line.append(f"http://127.0.0.1:{port}")
        process = subprocess.Popen(
            line, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert next(text for text in process.stdout if text == "ready\n")
    try:
        assert next(text for text in process.stdout if "no gateway answers" in text)
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
