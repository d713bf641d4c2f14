"""Plays a gateway that was taken over: says all it can to the launcher, and looks at what that did to the host.

The launcher works with an engine of the tests' own, so that everything that happens there is its doing. A witness
sees all of the engine's events and looks at each container as it is created. Whatever was said: no container but
runners to the exact specification, nothing else made, and a launcher that lives, serves, and holds no more than before.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from gateway.launcher.remote.messages import DATA, FAILURE, JOB, RESULT, STATE, encode_job
from gateway.launcher.runner.frames import FRAME_HEAD, encode_frame
from gateway.model.codec import build, encode, parse
from gateway.model.jobs import Job, MiB, NamedFile, SaveOptions
from gateway.model.results import Outcome, Result
from tests.fakes import wait_until
from tests.support.engine_witness import ORDINARY, EngineWitness, specification, uid_of
from tests.support.machine import slowed
from tests.support.processes import held_by
from tests.support.split import LiveLauncher, live_launcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.second_engine import SecondEngine

pytestmark = pytest.mark.engine

RUNNING = 2
WALL_LIMIT_S = slowed(5)
PLOT = Job("plt.plot([1, 2])", SaveOptions(dpi=50))

HASH = "sha256:" + "0" * 64

#: What the engine's API and its clients call the things that only the launcher may decide.
FORBIDDEN: dict[str, Any] = {
    "image": "alpine", "runtime": "io.containerd.runc.v2", "privileged": True, "user": "0:0", "uid": 0,
    "cmd": ["sh", "-c", "id"], "command": "id", "entrypoint": ["sh"], "env": ["LD_PRELOAD=/host/x.so"],
    "binds": ["/:/host"], "mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}], "volumes": {"/host": {}},
    "volumes_from": ["x"], "devices": [{"PathOnHost": "/dev/vda"}], "cap_add": ["ALL"],
    "capabilities": ["CAP_SYS_ADMIN"], "security_opt": ["seccomp=unconfined"], "network_mode": "host",
    "networks": {"host": {}}, "pid_mode": "host", "ipc_mode": "host", "userns_mode": "host", "cgroup_parent": "/",
    "sysctls": {"kernel.core_pattern": "|/tmp/x"}, "masked_paths": [], "readonly_rootfs": False, "pids_limit": -1,
    "cpus": 64, "output_limit_bytes": 2**40, "labels": {"figbox.installation": "other"}, "name": "figbox-0",
    "host_config": {"Privileged": True, "Binds": ["/:/host"]}, "__class__": "os.system", "$ref": "file:///etc/shadow",
}  # fmt: skip


class Peer:
    """One connection of a gateway that was taken over."""

    def __init__(self, launcher: LiveLauncher) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(slowed(60))
        try:
            self._socket.connect(str(launcher.socket))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, *pieces: bytes) -> None:
        """Send as much as the launcher takes."""
        with contextlib.suppress(OSError):
            for piece in pieces:
                self._socket.sendall(piece)

    def finish(self) -> None:
        """Close the sending side."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def response(self) -> bytes:
        """Return all that comes back until the launcher closes."""
        received = bytearray()
        with contextlib.suppress(ConnectionError):
            while piece := self._socket.recv(65536):
                received += piece
        return bytes(received)


def say(launcher: LiveLauncher, *pieces: bytes, finish: bool = False) -> bytes:
    """Say something on a connection of its own, and perhaps that this is all; return the response."""
    with Peer(launcher) as peer:
        peer.send(*pieces)
        if finish:
            peer.finish()
        return peer.response()


def result_in(response: bytes) -> Result | None:
    """Return the result that a response brings, None when it is a failure."""
    if response[:1] != RESULT:
        assert response[:1] in (b"", FAILURE), response[:40]
        return None
    _, length = FRAME_HEAD.unpack_from(response)
    document, rest = response[FRAME_HEAD.size :][:length], response[FRAME_HEAD.size + length :]
    return build(Result, parse(document), rest[FRAME_HEAD.size :])


def draws(launcher: LiveLauncher) -> bool:
    """Tell whether a good job gives its picture; while the kernel holds a flood of connections none comes."""
    try:
        result = result_in(say(launcher, *encode_job(PLOT)))
    except BlockingIOError:
        return False
    return result is not None and result.outcome is Outcome.OK and result.picture is not None


def states_of(launcher: LiveLauncher) -> Iterator[dict[str, Any]]:
    """Yield the documents that a watcher is sent: one at once, and one for every change."""
    with Peer(launcher) as peer:
        peer.finish()
        while True:
            kind, length = FRAME_HEAD.unpack(peer._socket.recv(FRAME_HEAD.size, socket.MSG_WAITALL))
            assert kind == STATE
            yield parse(peer._socket.recv(length, socket.MSG_WAITALL))


def wait_settled(launcher: LiveLauncher) -> None:
    """Wait until one warm container is idle, and none is made or removed."""
    for document in states_of(launcher):
        if [document["gauges"][f"figbox_pool_{name}"] for name in ("idle", "making", "removing")] == [1, 0, 0]:
            return


@pytest.fixture(scope="module")
def launcher(own_engine: SecondEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveLauncher]:
    """Return a launcher with a pool of one on the tests' own engine."""
    with live_launcher(
        tmp_path_factory.mktemp("launcher"),
        docker_host=own_engine.url,
        FIGBOX_POOL_SIZE=1,
        FIGBOX_RUNNING_LIMIT=RUNNING,
        FIGBOX_WALL_LIMIT_S=WALL_LIMIT_S,
        FIGBOX_SWEEP_PERIOD_S=1,
    ) as running:
        wait_settled(running)
        yield running


@pytest.fixture(autouse=True)
def untouched(launcher: LiveLauncher) -> Iterator[EngineWitness]:
    """Assert, after each test, that the host is untouched and the launcher as before."""
    pid = launcher.process.pid
    assert result_in(say(launcher, *encode_job(PLOT))) is not None  # what a first job brings in is there
    wait_settled(launcher)
    socket_folder = sorted(path.name for path in launcher.socket.parent.iterdir())
    held = held_by(pid)
    log_lines = launcher.log_text().count("\n")
    with EngineWitness(launcher.docker_host) as witness:
        [warm] = witness.containers()
        exactly = specification(witness.inspect(warm))
        yield witness
        # It lives, and serves: at once, or when the last of a thousand connections has been taken and closed.
        assert launcher.process.poll() is None
        wait_until(lambda: draws(launcher), "a picture comes")
        wait_until(
            lambda: witness.created and len(set(witness.containers()) - {warm}) == 1, "the warm one was replaced"
        )
        wait_until(lambda: len(witness.containers()) == 1, "all containers but the warm one are gone")
        # Nothing was made but runners, and those to the letter.
        assert witness.belongings() == witness.before
        assert {kind for kind, _ in witness.events} == {"container"}
        assert {action for _, action in witness.events} <= ORDINARY
        for record in witness.created:
            assert specification(record) == exactly
            uid_of(record)
    # It holds no more than before, and has not written its disk full.
    wait_until(lambda: held_by(pid).descriptors <= held.descriptors + 2, "its descriptors are as before")
    assert held_by(pid).resident_bytes < held.resident_bytes + 48 * MiB
    assert launcher.log_text().count("\n") - log_lines < 150
    assert sorted(path.name for path in launcher.socket.parent.iterdir()) == socket_folder
    assert "Traceback" not in launcher.log_text()


# What it says


def test_every_other_verb(launcher: LiveLauncher) -> None:
    """Every kind of frame but a job's is refused, and so are the engine's own and other languages."""
    document, data = encode(PLOT)
    for number in range(256):
        kind = bytes([number])
        if kind != JOB:
            response = say(launcher, encode_frame(kind, document), encode_frame(DATA, b"".join(data)))
            assert response[:1] == FAILURE
    create = json.dumps({"Image": "alpine", "HostConfig": {"Privileged": True}}).encode()
    for words in (
        b"POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(create), create),
        b"GET /_ping HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        b"\0" * 64,
        b"\n",
    ):
        assert say(launcher, words, finish=True)[:1] == FAILURE


def spellings(name: str) -> set[str]:
    """Return the ways in which a name could be written for a reader that isn't strict."""
    words = name.split("_")
    camel = words[0] + "".join(word.title() for word in words[1:])
    pascal = "".join(word.title() for word in words)
    return {name, name.upper(), name.title(), camel, pascal, name.replace("_", "-"), f" {name}", f"{name}\0"}


def test_fields_that_are_not_the_callers(launcher: LiveLauncher) -> None:
    """No spelling of image, mount, capability, runtime, user or command is taken, at whatever place it stands."""
    job = Job("plt.plot([1])", files=(NamedFile("a.csv", b"1"),))
    document, data = encode(job)
    whole = json.loads(document)
    tried = 0
    for field, value in FORBIDDEN.items():
        for name in spellings(field):
            for place in ((), ("options",), ("files", 0)):
                changed = json.loads(document)
                at = changed
                for step in place:
                    at = at[step]
                if name in at:  # a file has a name of its own
                    continue
                at[name] = value
                assert say(launcher, encode_frame(JOB, json.dumps(changed).encode()))[:1] == FAILURE, name
                tried += 1
    assert tried > 400
    # A name twice: readers differ in which of the two they take.
    for name in whole:
        for value in ("alpine", {"Privileged": True}, whole[name]):
            twice = document[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}".encode()
            assert say(launcher, encode_frame(JOB, twice), encode_frame(DATA, b"".join(data)))[:1] == FAILURE


def test_values_that_are_not_the_callers(launcher: LiveLauncher) -> None:
    """Where a job may name something, it names one of ours or nothing: no path, no image, no device."""
    for name in ["", ".", "..", "../x", "/etc", "alpine", "figbox-runner:latest", "-v", "default\n", "\0", HASH]:
        assert say(launcher, *encode_job(Job("x", environment=name)))[:1] == FAILURE, name
    for name in [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/",
        "a//b",
        "a/../b",
        "a/.b",
        "..\\x",
        ".bashrc",
        "x\0y",
        "\x1b]0;x",
        "x" * 300,
    ]:
        assert say(launcher, *encode_job(Job("x", files=(NamedFile(name, b"x"),))))[:1] == FAILURE, name
    for options in (
        SaveOptions(style=("../../etc/passwd",)),
        SaveOptions(style=("http://host/x.mplstyle",)),
        SaveOptions(bbox_inches="/etc/passwd"),
        SaveOptions(rc={"a/b": 1}),
        SaveOptions(rc={"x": "y" * 5000}),
        SaveOptions(dpi=1e300),
        SaveOptions(formats=()),
    ):
        assert say(launcher, *encode_job(Job("x", options)))[:1] == FAILURE, options


def test_limits_only_go_down(launcher: LiveLauncher) -> None:
    """Whatever time and memory a job asks for, it has no more than the operator gives."""
    greedy = Job("while True: pass", wall_limit_s=3600, memory_limit_bytes=2**40)
    result = result_in(say(launcher, *encode_job(greedy)))
    assert result is not None
    assert (result.outcome, result.limits and result.limits.wall_limit_s) == (Outcome.TIME_LIMIT, WALL_LIMIT_S)
    for value in (0, -1, 1e999, "5", None, True, [5], 10**400):
        document, data = encode(PLOT)
        text = json.dumps({**json.loads(document), "wall_limit_s": value})
        response = say(launcher, encode_frame(JOB, text.encode()), encode_frame(DATA, b"".join(data)))
        assert (response[:1] == RESULT) == (value is None)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within a document."""
    yield path
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    for name, value in pairs:
        yield from places(value, (*path, name))


def test_wrong_types_everywhere(launcher: LiveLauncher) -> None:
    """At every place of a job every other kind of value is refused, or is an ordinary job."""
    document, _ = encode(Job("x", SaveOptions(rc={"a": (1,)}), files=(NamedFile("a", b"1"),)))
    for path, wrong in itertools.product(places(json.loads(document)), (None, True, -1, 0.5, "x", [], {}, [[[]]])):
        changed: Any = {"": json.loads(document)}
        at, last = changed, ""
        for step in path:
            at, last = at[last], step
        at[last] = wrong
        piece = encode_frame(JOB, json.dumps(changed[""]).encode())
        assert say(launcher, piece, finish=True)[:1] in (FAILURE, b"")  # no data follows: none of them is run


def test_lengths_depths_and_halves(launcher: LiveLauncher) -> None:
    """Lengths without bytes, bytes without lengths, endless nesting and halves of frames are refused."""
    document, data = encode(PLOT)
    for pieces in (
        [FRAME_HEAD.pack(JOB, 2**32 - 1)],
        [FRAME_HEAD.pack(JOB, 2**31)],
        [struct.pack("<cI", JOB, len(document)), document],
        [encode_frame(JOB, document), FRAME_HEAD.pack(DATA, 2**32 - 1)],
        [encode_frame(JOB, document), encode_frame(DATA)],
        [encode_frame(JOB, document), encode_frame(JOB, document)],
        [encode_frame(JOB, document.replace(b'"code":', b'"code":1'))],
        [encode_frame(JOB, json.dumps({**json.loads(document), "code": 2**62}).encode())],
        [encode_frame(JOB, json.dumps({**json.loads(document), "code": -1}).encode())],
        [encode_frame(JOB, b"[" * 200_000)],
        [encode_frame(JOB, b'{"a":' * 40_000)],
        [encode_frame(JOB, b"1" * 200_000)],
        [encode_frame(JOB, b'"' + b"\\u0000" * 40_000 + b'"')],
        [encode_frame(JOB, b"\xff" * 1000)],
        [encode_frame(JOB)],
    ):
        assert say(launcher, *pieces, finish=True)[:1] == FAILURE, pieces
    message = b"".join(encode_job(PLOT))
    for end in range(1, len(message)):
        assert say(launcher, message[:end], finish=True)[:1] in (FAILURE, b"")
    assert len(data) == 1


def test_code_that_is_no_text(launcher: LiveLauncher) -> None:
    """Bytes that aren't UTF-8, and zeros, aren't code."""
    for code in (b"\xff\xfe", b"a\0b", b"\xed\xa0\x80"):
        document, _ = encode(Job("x" * len(code)))
        assert say(launcher, encode_frame(JOB, document), encode_frame(DATA, code))[:1] == FAILURE


def test_thousands_of_connections(launcher: LiveLauncher) -> None:
    """Endless connections, open, half open, or closed at once, take no more than a bounded number of places."""
    for _ in range(2000):
        with contextlib.suppress(BlockingIOError):  # the kernel holds no more
            Peer(launcher)._socket.close()
    held = []
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                held.append(Peer(launcher))
        assert held_by(launcher.process.pid).descriptors < 200
    finally:
        for peer in held:
            peer._socket.close()


def test_more_jobs_than_there_are_places(launcher: LiveLauncher, untouched: EngineWitness) -> None:
    """However many jobs are sent at once, no more run than may; each gets a response."""
    responses: list[bytes] = []
    most = 0
    threads = [
        threading.Thread(target=lambda: responses.append(say(launcher, *encode_job(Job("plt.plot([1])")))))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, len(untouched.containers()))
        time.sleep(0.05)
    assert len(responses) == len(threads)
    assert all(response[:1] in (RESULT, FAILURE) for response in responses)
    # Those that run, those that wait warm, those being made, and those on their way out.
    assert most <= 3 * RUNNING + 4


def test_jobs_that_are_abandoned(launcher: LiveLauncher) -> None:
    """Jobs whose peer hangs up, at whatever moment, are killed, and leave nothing."""
    for pause_s in (0.0, 0.0, 0.05, 0.2, 0.5, 1.0):
        with Peer(launcher) as peer:
            peer.send(*encode_job(Job("while True: pass")))
            time.sleep(pause_s)


def test_a_job_and_more(launcher: LiveLauncher) -> None:
    """A peer that goes on talking while its job runs has broken the protocol: the job is killed."""
    for more in (b"x", encode_frame(JOB, b"{}"), b"".join(encode_job(PLOT)) * 3):
        assert say(launcher, *encode_job(Job("while True: pass")), more)[:1] == FAILURE


def test_floods(launcher: LiveLauncher) -> None:
    """An endless stream of bytes is not kept, and its connection is closed."""
    chunk = os.urandom(65536)
    for first in (b"", FRAME_HEAD.pack(JOB, 200_000), encode_job(PLOT)[0], FRAME_HEAD.pack(b"Z", 2**32 - 1)):
        with Peer(launcher) as peer:
            sent = 0
            peer._socket.settimeout(slowed(30))
            with contextlib.suppress(OSError):
                peer._socket.sendall(first)
                while sent < 256 * 2**20:
                    peer._socket.sendall(chunk)
                    sent += len(chunk)
            assert sent < 8 * 2**20


def test_watchers_that_never_read(launcher: LiveLauncher) -> None:
    """Peers that want to be told and never listen are few, and are dropped."""
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            with contextlib.suppress(OSError):
                stack.enter_context(Peer(launcher)).finish()
        time.sleep(1)
        assert say(launcher, *encode_job(PLOT))[:1] == RESULT


def test_other_users(launcher: LiveLauncher) -> None:
    """Another user can't reach the socket; if one could, the connection would be closed unread."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    program = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        f"s.settimeout({slowed(20)})\n"
        "try:\n"
        "    s.connect(sys.argv[1])\n"
        "    s.sendall(bytes.fromhex(sys.argv[2]))\n"
        "    print('told', s.recv(1))\n"
        "except OSError as error:\n"
        "    print(type(error).__name__)\n"
    )
    message = b"".join(encode_job(PLOT)).hex()

    def as_nobody() -> str:
        # The distribution's Python: ours may lie in a home that `nobody` may not enter.
        python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
        return subprocess.run(
            [python, "-I", "-c", program, str(launcher.socket), message],
            capture_output=True,
            text=True,
            check=True,
            timeout=slowed(60),
            cwd="/",
            user=65534,
            group=65534,
            extra_groups=[],
        ).stdout.strip()

    assert as_nobody() == "PermissionError"
    folder = launcher.socket.parent
    folder.chmod(0o711)
    launcher.socket.chmod(0o666)
    try:
        before = launcher.log_text().count("stranger refused")
        assert as_nobody() in {"told b''", "BrokenPipeError", "ConnectionResetError"}
        assert launcher.log_text().count("stranger refused") == before + 1
    finally:
        launcher.socket.chmod(0o660)
        folder.chmod(0o700)


def test_words_of_a_peer_stay_out_of_the_log(launcher: LiveLauncher) -> None:
    """Nothing that a peer says appears in the launcher's log."""
    mark = f"mark{secrets.token_hex(8)}"
    for pieces in (
        [mark.encode() * 10],
        [encode_frame(JOB, json.dumps({mark: mark}).encode())],
        encode_job(Job(f"raise ValueError('{mark}')")),
        encode_job(Job("x", environment=mark)),
    ):
        say(launcher, *pieces)
    assert mark not in launcher.log_text()


def test_the_state_tells_nothing_secret(launcher: LiveLauncher) -> None:
    """What a peer can be told is readiness, sizes, environments, how their runners start, and counts."""
    document = next(states_of(launcher))
    assert set(document) == {
        *("schema", "instance", "not_ready", "verdict", "sizes", "environments", "warm_starts", "counts", "gauges")
    }
    assert "sock" not in json.dumps(document)
