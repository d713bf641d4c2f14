"""On engines of other versions and with other image stores Figbox is set up, inspected and used as on this host's.

What must hold there is what the other tests on engines say, so they are run again on each. Nothing here is in
`make test`.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from platform import machine
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.images import base, platforms
from tests.hosts.conftest import CLASSIC_STORE, CONTAINERDS_STORE, MINIMUM_API, Host, Kind, Told, make_image
from tests.support import runtimes
from tests.support.live import IMAGE, engine_client
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

#: Where a registry listens, in the network of an engine.
REGISTRY = "127.0.0.1:5000"


def _of(file: str, *names: str) -> list[str]:
    return [f"tests/engine/test_{file}.py::test_{name}" for name in names]


#: Tests that are run again by what they are about; of those that differ by a value, the ones that pytest is to select.
AGAIN: dict[str, tuple[list[str], str]] = {
    "contract": (["tests/engine/test_contract.py"], ""),
    "v1": (_of("v1", "script_with_curl_s_manners", "everything_in_a_document", "failures_say_what_to_mend"), ""),
    "limits": (
        _of(
            "limits",
            *("memory_limit", "working_directory_counts_as_memory_and_has_a_size", "one_file_has_a_size", "inodes"),
            *("threads", "processes", "descriptors", "crash", "abort", "time_limit", "output_limit"),
        ),
        "not time_limit or sleep",
    ),
    "life": (
        _of(
            "life",
            *("orderly_end", "client_that_hangs_up_ends_its_job", "idle_containers_killed_from_outside_are_replaced"),
            *("runners_end_by_themselves_when_the_gateway_is_killed", "running_container_killed_from_outside"),
            *("only_this_installations_containers_are_touched", "what_does_not_fit_the_engine_is_one_sentence"),
        ),
        "",
    ),
    "spec lines": (["tests/spec_lines"], ""),
    "snapshots": (_of("snapshot", "warm_containers_are_restored", "doctor_asks_the_gateway"), ""),
}

#: Of the compose deployment: what each container may do and holds, and that it serves.
COMPOSE = [
    f"tests/compose/test_deployment.py::test_{name}"
    for name in (
        *("the_launcher_has_no_network_and_no_key", "the_socket_between_them", "the_health_check_is_a_program"),
        *("it_renders_and_tells_what_was_used", "the_launcher_may_be_restarted"),
    )
]


def judged_by_doctor(said: subprocess.CompletedProcess[str]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the doctor's verdict and its findings by name."""
    document = json.loads(said.stdout)
    return document["verdict"], {finding["name"]: finding for finding in document["findings"]}


def run_again(host: Host, names: list[str], selected: str = "") -> None:
    """Run tests on an engine, in its network, and check that some were run and all passed."""
    marked = "engine and not compose and not variant"
    said = host.python("-m", "pytest", "-p", "no:cacheprovider", "-m", marked, "-k", selected, *names, beside=True)
    assert said.returncode == 0, said.stdout[-20_000:] + said.stderr
    assert re.search(r"=+ \d+ passed\b", said.stdout)


#: What BuildKit builds for here: the engine's own processor.
PLATFORM = next(name for name, kind in platforms.ARCHITECTURES.items() if kind == machine())

#: Of images that BuildKit builds, so that the set-up's are left alone.
TAG = "buildkit"


def build(host: Host, names: str, *options: str, beside: bool = False) -> subprocess.CompletedProcess[str]:
    """Have BuildKit build both images, as `make images PLATFORMS=` does."""
    words = [f"--platforms={names}", f"--tag={TAG}", *options, "platform-images"]
    return host.python("-m", "bootstrap", *words, beside=beside)


@pytest.fixture(scope="class")
def archives(host: Host) -> list[Path]:
    """Return archives of both images."""
    said = build(host, PLATFORM)
    assert said.returncode == 0, said.stdout + said.stderr
    return [Path(path) for path in re.findall(r"wrote (\S+)", said.stdout)]


@pytest.fixture(scope="class")
def registry(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an image registry beside the engine, on the loopback of its network; return its address."""
    program = runtimes.tool("docker-registry", ("docker-registry",)) / "usr/bin/docker-registry"
    folder = tmp_path_factory.mktemp("registry")
    configuration = folder / "config.yml"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    # YAML is a superset of JSON.
    configuration.write_text(json.dumps({"version": 0.1, "storage": storage, "http": {"addr": REGISTRY}}))
    with (folder / "log").open("w+") as log:
        command = host.engine.inside(program, "serve", configuration)
        with subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                until_listening(host, process, folder / "log")
                yield REGISTRY
            finally:
                process.terminate()


def until_listening(host: Host, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a registry serves."""
    ask = f"import urllib.request as u; u.urlopen('http://{REGISTRY}/v2/', timeout=5)"
    end = time.monotonic() + slowed(30)
    while host.python("-c", ask, beside=True).returncode:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()


class OnEngine:
    """What must hold on each engine; one that derives from it says on which.

    Attributes:
        kind: Of the engine.
    """

    kind: Kind

    def test_engine_is_the_one_that_is_meant(self, host: Host) -> None:
        """Version, image store and the oldest version of the API are those that this host is there for."""
        with engine_client(host.engine.url) as client:
            version, info = client.version(), client.info()
        assert int(version["Version"].partition(".")[0]) >= host.kind.major
        containerds = ["driver-type", "io.containerd.snapshotter.v1"] in info["DriverStatus"]
        assert containerds == (host.kind.configuration is CONTAINERDS_STORE)
        assert info["Driver"] == ("overlayfs" if containerds else "overlay2")
        assert (version["MinAPIVersion"] == MINIMUM_API) == bool(host.kind.environment)

    def test_set_up_builds_the_image(self, host: Host, told: Told) -> None:
        """The image is built on the empty engine, and nothing but its base is left of the build."""
        assert f"built {IMAGE}" in told.set_up.stdout
        with engine_client(host.engine.url) as client:
            assert client.containers(all=True) == []
            names = [tag for image in client.images() for tag in image["RepoTags"] or ["none"]]
        assert sorted(names) == [base.TAG, IMAGE]

    def test_doctor_misses_the_image_alone(self, told: Told) -> None:
        """On the empty engine the doctor finds one thing bad: there is no image."""
        verdict, findings = judged_by_doctor(told.doctor_before)
        assert (told.doctor_before.returncode, verdict) == (2, "bad")
        assert [name for name, finding in findings.items() if finding["level"] == "bad"] == ["image"]

    def test_doctor_describes_the_engine(self, host: Host, told: Told) -> None:
        """After the set-up nothing is bad, and what the doctor says of the engine is what the engine says."""
        said = host.python("-m", "bootstrap", "--json", "doctor")
        verdict, findings = judged_by_doctor(said)
        assert said.returncode == 0
        assert verdict != "bad"
        with engine_client(host.engine.url) as client:
            version, info, image = client.version(), client.info(), client.inspect_image(IMAGE)
        text = " ".join(finding["what"] for finding in findings.values())
        for word in (
            str(host.engine.socket),
            f"API is {version['ApiVersion']}",
            f"Docker Engine {version['Version']}",
            *(f"{part['Name']} {part['Version']}" for part in version["Components"] if part["Name"] == "containerd"),
            f"control groups version {info['CgroupVersion']} ({info['CgroupDriver']})",
            f"image {IMAGE}, ",
            image["Id"],
            info["DockerRootDir"],
        ):
            assert word in text
        limits = {name: finding["level"] for name, finding in findings.items() if name.startswith("limit.")}
        assert set(limits.values()) == {"ok"}

    def test_self_test_holds(self, host: Host, told: Told) -> None:
        """The sandbox holds, check for check."""
        said = host.python("-m", "gateway.launcher.selftest")
        assert said.returncode == 0, said.stdout + said.stderr

    @pytest.mark.parametrize("about", AGAIN)
    def test_what_holds_elsewhere_holds_here(self, host: Host, told: Told, about: str) -> None:
        """Other tests, run again on this engine, pass, and some were run."""
        run_again(host, *AGAIN[about])

    def test_set_up_has_nothing_to_do_again(self, host: Host, told: Told) -> None:
        """The image on the engine is known again. This is the last test, as set-ups of one checkout wait in line."""
        said = make_image(host)
        assert said.returncode == 0, said.stdout + said.stderr
        assert f"unchanged ({IMAGE}" in said.stdout


# Each version, each store and a raised minimum of the API, in as few engines as that takes.


class TestDocker26(OnEngine):
    """Debian 13's engine, with the store that it has by default."""

    kind = Kind("trixie", 26, CLASSIC_STORE)

    def test_compose_brings_it_up(self, host: Host, told: Told) -> None:
        """With the images of the set-up the same release's Compose serves pictures, each container with its rights."""
        made = make_image(host, "gateway-image")
        assert made.returncode == 0, made.stdout + made.stderr
        run_again(host, COMPOSE)

    def test_builder_that_writes_no_archives(self, host: Host) -> None:
        """With this image store BuildKit can't do it, which is said at once, with what can."""
        said = build(host, PLATFORM)
        assert said.returncode == 1
        assert "the engine's own" in said.stderr
        assert "`docker buildx create --use`" in said.stderr


class TestDocker28(OnEngine):
    """The next Debian's engine, with what Docker 29 has by default: containerd's store, and no old clients."""

    kind = Kind("forky", 28, CONTAINERDS_STORE, {"DOCKER_MIN_API_VERSION": MINIMUM_API})

    def test_buildkit_makes_archives(self, host: Host, archives: list[Path]) -> None:
        """Both images are built by BuildKit, and the runner's draws and holds each line of the sandbox."""
        for archive in archives:
            loaded = host.run("docker", "load", "--input", str(archive))
            assert loaded.returncode == 0, loaded.stderr
        loads = ["--entrypoint=python3", f"figbox-gateway:{TAG}", "-c", "import gateway.lifecycle, gateway.launcher"]
        loaded = host.run("docker", "run", "--rm", "--network=none", *loads)
        assert loaded.returncode == 0, loaded.stderr
        with_it = replace(host, variables={**host.variables, "FIGBOX_IMAGE": f"figbox-runner:{TAG}"})
        run_again(with_it, [*AGAIN["v1"][0], "tests/spec_lines"])

    def test_buildkit_pushes(self, host: Host, archives: list[Path], registry: str) -> None:
        """A registry has both images under their tag, each for the processor that was named, and they can be pulled."""
        said = build(host, PLATFORM, f"--registry={registry}/figbox", beside=True)
        assert said.returncode == 0, said.stdout + said.stderr
        for name in ("figbox-runner", "figbox-gateway"):
            image = f"{registry}/figbox/{name}:{TAG}"
            told = host.run("docker", "buildx", "imagetools", "inspect", image, beside=True)
            assert re.findall(r"Platform: +(\S+)", told.stdout) == [PLATFORM], told.stdout + told.stderr
            pulled = host.run("docker", "pull", image)
            assert pulled.returncode == 0, pulled.stderr

    def test_base_that_is_nowhere(self, host: Host, registry: str) -> None:
        """A base image that an operator names and no registry has is told, and nothing is built."""
        with_it = replace(host, variables={**host.variables, "FIGBOX_BASE_IMAGE": f"{registry}/nothing:1"})
        said = build(with_it, PLATFORM, beside=True)
        assert (said.returncode, said.stderr.count("\n")) == (1, 2)
        assert f"that has {registry}/nothing:1, which FIGBOX_BASE_IMAGE names" in said.stderr
