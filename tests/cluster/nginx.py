"""A real nginx with the project's own configuration, in front of live gateways."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from bootstrap.debian import apt_install, is_root_debian
from bootstrap.steps import Steps
from tests.cluster.certificate import Certificate, make_certificate
from tests.fakes import KEY
from tests.support.live import ROOT, Response, free_port, read_response
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.cluster.balancer import Node

CONFIGURATION = ROOT / "deploy" / "nginx" / "figbox.conf"

#: What is around an included file, and where a process of a test's own keeps what the package keeps below /var.
_AROUND = """\
daemon off;
pid {folder}/nginx.pid;
error_log {log};
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/figbox.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx: its address with TLS, the one without, and its logs."""

    url: str
    plain_url: str
    certificate: Certificate
    folder: Path

    async def render(self, code: str, key: str = KEY, padding: int = 0, *, bearer: bool = False) -> Response:
        """POST code to `/v1/render` by TLS, with so many characters of comment; return the response."""
        headers = {"Authorization": f"bearer  {key}"} if bearer else {"X-API-Key": key}
        code = f"#{'x' * padding}\n{code}" if padding else code
        return await self.post(code, {**headers, "Content-Type": "text/x-python"})

    async def post(self, code: str, headers: Mapping[str, str] | Sequence[tuple[str, str]]) -> Response:
        """POST code with fields of the head; return the response."""
        connector = aiohttp.TCPConnector(ssl=self.certificate.trusting())
        timeout = aiohttp.ClientTimeout(slowed(120))
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.post(f"{self.url}/v1/render", headers=headers, data=code.encode()) as response,
        ):
            return await read_response(response)

    def logs(self) -> str:
        """Return all that it has logged."""
        return "".join((self.folder / name).read_text() for name in ("access.log", "error.log"))


def prepare(folder: Path, nodes: Sequence[Node], **changes: str) -> tuple[Path, Nginx]:
    """Write the configuration for these nodes to a new folder; return the file to start nginx with.

    Args:
        folder: For the new folder.
        nodes: The nodes; none leaves those of the configuration.
        changes: Texts of the configuration, and what a test has in their places.
    """
    if shutil.which("nginx") is None:
        assert is_root_debian(), "install nginx"
        apt_install(Steps(), ["nginx-light"], why="it balances over several nodes")
    folder = Path(tempfile.mkdtemp(dir=folder))
    certificate = make_certificate(folder)
    port, plain_port = free_port(), free_port()
    replaced = {
        r"listen 443": f"listen 127.0.0.1:{port}",
        r"listen 80": f"listen 127.0.0.1:{plain_port}",
        r"/etc/nginx/figbox\.crt": str(certificate.certificate),
        r"/etc/nginx/figbox\.key": str(certificate.key),
        **{re.escape(old): new for old, new in changes.items()},
    }
    if nodes:
        servers = "".join(f"    server 127.0.0.1:{node.port} max_fails=1 fail_timeout=10s;\n" for node in nodes)
        replaced[r"(^    server \d.*\n)+"] = servers
    text = CONFIGURATION.read_text()
    for pattern, new in replaced.items():
        text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert count == 1, pattern
    (folder / "figbox.conf").write_text(text)
    around = folder / "nginx.conf"
    around.write_text(_AROUND.format(folder=folder, log=folder / "error.log"))
    return around, Nginx(f"https://127.0.0.1:{port}", f"http://127.0.0.1:{plain_port}", certificate, folder)


@contextmanager
def nginx(folder: Path, nodes: Sequence[Node], **changes: str) -> Iterator[Nginx]:
    """Run nginx before nodes; it is installed where it can be."""
    around, running = prepare(folder, nodes, **changes)
    process = subprocess.Popen(["nginx", "-e", str(running.folder / "error.log"), "-c", str(around)])
    try:
        end = time.monotonic() + slowed(20)
        while not (running.folder / "nginx.pid").exists():
            assert process.poll() is None, running.logs()
            assert time.monotonic() < end, "nginx doesn't start"
            time.sleep(0.02)
        yield running
        assert process.poll() is None, running.logs()
    finally:
        process.terminate()
        process.wait(slowed(20))
