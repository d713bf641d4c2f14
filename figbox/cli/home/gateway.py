"""A gateway that is started from the home: one process, on loopback, with a key of its own."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from figbox.cli.exits import ServiceProblem
from figbox.cli.home.processes import identity_of
from figbox.cli.home.setting_up import ENVIRONMENTS_VARIABLE, image_of, own_python, program_variables
from figbox.cli.terminal import one_line, quoted
from figbox.client import Client
from figbox.errors import FigboxError
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from figbox.cli.home.processes import Identity
    from figbox.cli.home.state import Place

#: Variables that say where a gateway listens, what its key is and whose it is. Someone may have set them for another
#: gateway, or, as a shell does with HOST, for no gateway at all; they aren't passed on.
NOT_PASSED = frozenset(
    {
        "API_KEY", "API_KEY_FILE", "DEBUG", "HOST", "PORT",
        "FIGBOX_AGENT_HOST", "FIGBOX_AGENT_PORT", "FIGBOX_API_KEY", "FIGBOX_API_KEYS_FILE", "FIGBOX_CACHE_FILE",
        "FIGBOX_CORS_ORIGINS", "FIGBOX_END_WITH_STDIN", "FIGBOX_HTTP_SOCKET", "FIGBOX_INSTALLATION", "FIGBOX_LAUNCHER",
        "FIGBOX_LAUNCHER_SOCKET", "FIGBOX_METRICS_HOST", "FIGBOX_METRICS_PORT", "FIGBOX_PATH_PREFIX",
        "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
    }
)  # fmt: skip

#: One user's requests aren't limited, unless the user wants that.
REQUESTS_PER_MINUTE = "FIGBOX_REQUESTS_PER_MINUTE"
UNLIMITED = "100000"

#: What a gateway says when it accepts requests.
SERVES = re.compile(rb"^Figbox serves (\S+) ", re.MULTILINE)

#: How a gateway's log says why it can't start.
COMPLAINT = "figbox: "

#: Seconds that a service may take to be ready, the set-up aside.
START_LIMIT_S = 300.0

POLL_S = 0.1
READ_BYTES = 4096
ANSWER_LIMIT_S = 10.0
LOG_LINES = 8


def variables(home: Path, place: Place, port: int, environments: Sequence[str]) -> dict[str, str]:
    """Return the environment of a gateway; environments whose images the set-up makes are offered by their names."""
    found = {name: value for name, value in program_variables(home).items() if name.upper() not in NOT_PASSED}
    if environments:
        tables = "".join(f'[environments."{name}"]\nimage = "{image_of(name)}"\n' for name in environments)
        found[ENVIRONMENTS_VARIABLE] = str(place.write("environments.toml", tables))
    elif found[ENVIRONMENTS_VARIABLE] == os.devnull:
        del found[ENVIRONMENTS_VARIABLE]
    else:
        found[ENVIRONMENTS_VARIABLE] = str(Path(found[ENVIRONMENTS_VARIABLE]).absolute())
    return (
        {REQUESTS_PER_MINUTE: UNLIMITED}
        | found
        | {
            "API_KEY_FILE": str(place.key_file),
            "PORT": str(port),
            "FIGBOX_CACHE_FILE": str(place.folder / "renders.sqlite3"),
            "FIGBOX_INSTALLATION": place.installation,
            "FIGBOX_METRICS_PORT": "0",
        }
    )


@dataclass(slots=True)
class Gateway:
    """A gateway that this process has started.

    Attributes:
        url: Its address; empty as long as it isn't known.
    """

    process: subprocess.Popen[bytes]
    place: Place
    url: str = ""

    @property
    def identity(self) -> Identity:
        """Which process it is; raise ServiceProblem if it has ended."""
        found = identity_of(self.process.pid)
        if found is None:
            raise self.problem("the service didn't start")
        return found

    def wait_ready(self, limit_s: float) -> None:
        """Wait until it is ready.

        Raises:
            ServiceProblem: It has ended, or isn't ready in time; the text says why and has the end of its log.
        """
        end = time.monotonic() + limit_s
        self.url = self.url or self._read_url(end)
        reason = until_ready(self.url, end - time.monotonic(), lambda: self.process.poll() is None)
        if self.process.poll() is not None:
            raise self.problem("the service ended")
        if reason:
            raise self.problem(f"the service isn't ready after {limit_s:g} s: {reason}")

    def end(self, limit_s: float) -> bool:
        """Let it end; tell whether it has ended within so many seconds."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        else:
            self.process.terminate()
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _read_url(self, end: float) -> str:
        """Return the address once it is known."""
        stream = self.process.stdout
        assert stream is not None  # noqa: S101 - it is a pipe; the type can't say so
        said = b""
        with stream:
            while (left_s := end - time.monotonic()) > 0:
                if select.select([stream], [], [], left_s)[0]:
                    data = os.read(stream.fileno(), READ_BYTES)
                    said += data
                    if (match := SERVES.search(said)) is not None:
                        return match[1].decode()
                    if not data:
                        self.process.wait()
                        raise self.problem("the service didn't start")
        raise self.problem("the service wasn't ready in time")

    def problem(self, text: str) -> ServiceProblem:
        """Return what is wrong, with what the gateway itself complains of, or else the end of its log."""
        lines = log_lines(self.place.log)
        reasons = [line.removeprefix(COMPLAINT) for line in lines if line.startswith(COMPLAINT)]
        if reasons:
            return ServiceProblem(one_line(f"{text}: {reasons[-1]}"))
        shown = "\n".join(lines[-LOG_LINES:])
        return ServiceProblem(f"{one_line(text)}; the end of its log:\n{quoted(shown)}" if shown else one_line(text))


def start(
    home: Path,
    place: Place,
    *,
    port: int = 0,
    environments: Sequence[str] = (),
    with_us: bool = False,
    inherited: Sequence[int] = (),
) -> Gateway:
    """Start a gateway whose key is in its place already; it isn't ready yet.

    It runs in its place's folder, where no `.env` is, and in a session of its own, which Ctrl-C doesn't reach.

    Args:
        home: The clone; the set-up has been done.
        place: For its files.
        port: On 127.0.0.1; 0 is a free one.
        environments: What it offers besides `default`.
        with_us: Whether it ends when this process does, however that ends.
        inherited: Descriptors that it has, too.

    Raises:
        ServiceProblem: It can't be started.
    """
    environment = variables(home, place, port, environments)
    if with_us:
        environment["FIGBOX_END_WITH_STDIN"] = "true"
    log: IO[str]
    with place.open_log() as log:
        try:
            process = subprocess.Popen(
                [own_python(home), "-m", "gateway"],
                cwd=place.folder,
                env=environment,
                stdin=subprocess.PIPE if with_us else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                pass_fds=inherited,
            )
        except OSError as error:
            raise ServiceProblem(f"{own_python(home)} can't be started: {error.strerror}") from error
    return Gateway(process, place)


def until_ready(url: str, limit_s: float, runs: Callable[[], bool]) -> str:
    """Wait until a service is ready, as long as it runs; return why it isn't after so many seconds, or nothing."""
    end = time.monotonic() + limit_s
    while (reason := not_ready(url)) and runs() and time.monotonic() < end:
        time.sleep(POLL_S)
    return reason


def not_ready(url: str) -> str:
    """Return why a service isn't ready; empty if it is."""
    try:
        with Client(url, retries=Retries(budget_s=0), timeout=ANSWER_LIMIT_S) as client:
            found = client.ready()
    except FigboxError as error:
        return str(error)
    return "" if found else found.reason or "it doesn't say why"


def log_lines(path: Path) -> list[str]:
    """Return the lines of a log; none if it can't be read."""
    try:
        return path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
