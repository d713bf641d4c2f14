"""The real Prometheus and promtool: the host's, or those of its Debian release's package, unpacked below this checkout.

A package that were installed would start a service on some hosts, which no test wants.
"""

from __future__ import annotations

import contextlib
import json
import platform
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from tests.support import runtimes
from tests.support.live import free_port
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMETHEUS, PROMTOOL = "prometheus", "promtool"


@cache
def program(name: str) -> str:
    """Return the path of `prometheus` or `promtool`; skip the test, or fail it in CI, where neither can be had."""
    found = shutil.which(name)
    if found is None:
        release = _release()
        if release is None:
            runtimes.needed(f"{name} isn't installed, and this isn't Debian")
        found = str(runtimes.tool(PROMETHEUS, ("prometheus",), str(release)) / "usr/bin" / name)
    return found


def _release() -> str | None:
    with contextlib.suppress(OSError):
        described = platform.freedesktop_os_release()
        if described.get("ID") == "debian":
            return described.get("VERSION_CODENAME")
    return None


def promtool(*words: object) -> subprocess.CompletedProcess[str]:
    """Run promtool; return what it says."""
    line = [program(PROMTOOL), *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=slowed(60), check=False)


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def api(self, path: str, **parameters: str) -> Any:
        """Return the data of a request to its API.

        Raises:
            AssertionError: It refuses the request; the text has its words.
        """
        request = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(request, timeout=slowed(30)) as response:  # noqa: S310 - our own
                document = json.load(response)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error
        assert document["status"] == "success", document
        return document["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now."""
        data = self.api("query", query=expression)
        return list(data["result"])

    def firing(self) -> dict[str, list[dict[str, str]]]:
        """Return the labels of the alerts that fire, by their names."""
        found: dict[str, list[dict[str, str]]] = {}
        for alert in self.api("alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return found


@contextlib.contextmanager
def running(folder: Path, configuration: dict[str, Any]) -> Iterator[Prometheus]:
    """Run a Prometheus with a configuration, until it is ready; nothing of it stays but the folder.

    Args:
        folder: For its configuration, data and log.
        configuration: Of which paths are relative to the folder.
    """
    file, log, port = folder / "prometheus.yml", folder / "prometheus.log", free_port()
    file.write_text(yaml.safe_dump(configuration))
    line = [
        program(PROMETHEUS),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with log.open("w") as stream, subprocess.Popen(line, stdout=stream, stderr=stream, cwd=folder) as process:
        try:
            _until_ready(f"http://127.0.0.1:{port}/-/ready", process, log)
            yield Prometheus(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            try:
                process.wait(slowed(30))
            except subprocess.TimeoutExpired:
                process.kill()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + slowed(60)
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
            if response.status == 200:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
