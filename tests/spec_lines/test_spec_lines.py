"""Each line of the container specification, tripped alone on a real engine; see `tests.spec_lines.lines`."""

from __future__ import annotations

import os
import platform
import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import docker
import pytest

from gateway.launcher.engine.specification import MASKED_PATHS, Sandbox
from gateway.model.jobs import Limits
from tests.spec_lines.changes import as_root, host, unfiltered
from tests.spec_lines.lines import IDENTITY, Line, is_as, leaves, make_lines
from tests.support.containers import attached, make_sandbox, program_config, run
from tests.support.live import IMAGE, engine_url, tidy_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.containers import Config

LINES = make_lines(MASKED_PATHS)
IDS = [line.name for line in LINES]

#: Containers at a time: as many as the smallest machines have cores.
PARALLEL = 2

INSTALLATION = f"test-{secrets.token_hex(6)}"

#: Fields of the engine's record that aren't empty though we leave them unset. All others must be empty.
ENGINES_OWN = {
    "Runtime": "the engine's default, where none is set",
    "ShmSize": "without effect: there is no shared memory",
    "ConsoleSize": "of a terminal that isn't there",
    "Isolation": "Windows",
}


class Answers:
    """Runs every probe on both sides, a few at a time, and keeps what they found."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._local = threading.local()
        self._clients: list[docker.APIClient] = []
        self._pool = ThreadPoolExecutor(PARALLEL)
        self._futures: dict[tuple[str, bool], Future[Any]] = {}
        for line in LINES:
            if line.machine in (None, platform.machine()):
                for without in (False, True):
                    config = program_config(sandbox, line.probe)
                    for change in (*line.both, *((line.take_out,) if without else ())):
                        change(config)
                    self._futures[line.name, without] = self._pool.submit(self._watch, line, config)

    def get(self, line: Line, *, without: bool) -> Any:
        """Return what a line's probe found."""
        return self._futures[line.name, without].result()

    def close(self) -> None:
        """Wait for all containers to be gone."""
        self._pool.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()

    def _watch(self, line: Line, config: Config) -> Any:
        if not hasattr(self._local, "client"):
            self._local.client = docker.APIClient(base_url=engine_url(), version="auto")
            self._local.client.trust_env = False  # it would walk through what pytest changes in the main thread
            self._clients.append(self._local.client)
        return line.watch(self._local.client, config)


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    """Return a client of the engine; containers that a failure left are removed."""
    with tidy_client(INSTALLATION) as client:
        yield client


@pytest.fixture(scope="module")
def sandbox(client: docker.APIClient) -> Sandbox:
    """Return the full specification."""
    return make_sandbox(client, IMAGE, INSTALLATION, os.environ.get("FIGBOX_RUNTIME"))


@pytest.fixture(scope="module")
def answers(sandbox: Sandbox) -> Iterator[Answers]:
    """Return what all probes found."""
    with closing(Answers(sandbox)) as answers:
        yield answers


@pytest.mark.engine
@pytest.mark.machine_bound
@pytest.mark.parametrize("line", LINES, ids=IDS)
def test_line_holds_alone(answers: Answers, line: Line) -> None:
    """The probe fails under the full specification, and succeeds where this one line is missing."""
    if line.machine not in (None, platform.machine()):
        pytest.skip(f"the probe is for {line.machine}")
    held = answers.get(line, without=False)
    assert is_as(held, line.held), held
    try:
        open_ = answers.get(line, without=True)
    except docker.errors.APIError as error:
        if "error setting rlimit" not in str(error.explanation):
            raise
        pytest.skip("on this host not even the engine may raise that limit")
    assert is_as(open_, line.open), f"nothing changes without the line: {open_!r}"
    assert open_ != held


def test_every_line_has_its_proof() -> None:
    """All that the create body says has a probe or a reason, and each of these is for something that it says."""
    sandbox = Sandbox("sha256:0", Limits(), "runc", "here", "now", 60)
    proved = {line.covers for line in LINES if line.covers is not None}
    assert proved | set(IDENTITY) == leaves(sandbox.job_config(20_000))
    assert not proved & set(IDENTITY)
    assert len(IDS) == len(set(IDS))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda config: config.update(New=1), "New"),
        (lambda config: config["HostConfig"].update(New=1), "New"),
        (lambda config: config["HostConfig"]["Ulimits"].append({"Name": "new"}), "Ulimits.new"),
        (lambda config: config["HostConfig"]["Tmpfs"].update({"/new": "new=1"}), "Tmpfs.new"),
        (lambda config: config["HostConfig"]["SecurityOpt"].append("new=1"), "new"),
    ],
)
def test_a_new_line_would_be_noticed(change: Any, name: str) -> None:
    """Whatever is added to the create body is a leaf of its own."""
    config = Sandbox("sha256:0", Limits(), None, "here", "now", 60).job_config(20_000)
    before = leaves(config)
    change(config)
    assert leaves(config) - before == {name}


@pytest.mark.engine
def test_engine_has_taken_every_line(client: docker.APIClient, sandbox: Sandbox) -> None:
    """The engine's own account of a container is what we asked for, and nothing besides."""
    config = sandbox.job_config(59_998)
    container_id = client.create_container_from_config(config, name=f"figbox-{secrets.token_hex(6)}")["Id"]
    try:
        record = client.inspect_container(container_id)
    finally:
        client.remove_container(container_id, force=True)
    container, host = record["Config"], record["HostConfig"]
    image = client.inspect_image(sandbox.image_id)["Config"]
    for name, value in config.items():
        if name == "Labels":
            assert value.items() <= container[name].items()
        elif name != "HostConfig":
            assert container[name] == value, name
    for name, value in config["HostConfig"].items():
        found = host[name] if name in ("Ulimits", "MaskedPaths") or not isinstance(value, dict) else host[name].items()
        assert found == value if not isinstance(value, dict) else value.items() <= found, name
    unasked = {name: value for name, value in host.items() if name not in config["HostConfig"]}
    assert {name: value for name, value in unasked.items() if value and name not in ENGINES_OWN} == {}
    unasked = {name: value for name, value in container.items() if name not in config and name != "Image"}
    assert {name: value for name, value in unasked.items() if value and value != image.get(name)} == {}
    assert record["Mounts"] == []


@pytest.mark.engine
def test_image_is_named_by_digest(sandbox: Sandbox) -> None:
    """A tag could be moved to another image between two jobs."""
    assert sandbox.job_config(20_000)["Image"].startswith("sha256:")


@pytest.mark.engine
def test_each_masked_path_is_hidden_by_its_own_mask(answers: Answers) -> None:
    """Whatever this kernel shows without masks is on the list by itself; the rest isn't there at all."""
    (line,) = (line for line in LINES if line.covers == "MaskedPaths")
    assert set(answers.get(line, without=True)) <= set(MASKED_PATHS)
    assert len(MASKED_PATHS) == len(set(MASKED_PATHS))


@pytest.mark.engine
def test_image_has_no_setuid_file(client: docker.APIClient, sandbox: Sandbox) -> None:
    """A search finds no setuid or setgid file in the image, and one in a copy of it that has one."""
    search = """
import stat
answer = []
for folder, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys")]
    for name in names:
        mode = os.lstat(os.path.join(folder, name)).st_mode
        if stat.S_ISREG(mode) and mode & 0o6000:
            answer.append(name)
"""
    assert run(client, program_config(sandbox, search)).answer == []
    spoilt = program_config(sandbox, "open('/opt/suid', 'w').close(); os.chmod('/opt/suid', 0o4755)")
    for change in (as_root, unfiltered, host(ReadonlyRootfs=False)):
        change(spoilt)
    with attached(client, spoilt) as (container_id, _):
        client.start(container_id)
        client.wait(container_id)
        image_id = client.commit(container_id)["Id"]
    try:
        assert run(client, {**program_config(sandbox, search), "Image": image_id}).answer == ["suid"]
    finally:
        client.remove_image(image_id)
