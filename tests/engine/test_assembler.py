"""Images from containers and commits, on a real engine: what each instruction does, and that failures leave nothing."""

from __future__ import annotations

import json
import os
import signal
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from docker.errors import ImageNotFound

from bootstrap.images import assembler, base, image
from bootstrap.images.dockerfile import read
from bootstrap.steps import SetupError
from tests.support.live import engine_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import docker

pytestmark = pytest.mark.engine

LABEL = "figbox.test-build"


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    """Return a client of the engine."""
    with engine_client() as client:
        yield client


@pytest.fixture(scope="module")
def base_image(client: docker.APIClient) -> str:
    """Return a base with Python in it that the engine has."""
    for name in (base.TAG, image.REGISTRY_BASE):
        try:
            return str(client.inspect_image(name)["Id"])
        except ImageNotFound:
            continue
    pytest.skip("the engine has no base image: make image")


@dataclass
class Bench:
    """Builds images with a label of their own, and finds what is left of them."""

    client: docker.APIClient
    base_image: str
    folder: Path
    key: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @property
    def tag(self) -> str:
        """The name of what is built."""
        return f"figbox-test-{self.key}:latest"

    def build(self, text: str, files: Mapping[str, str | bytes]) -> None:
        """Build a Dockerfile, in which BASE stands for the base."""
        paths = {}
        for number, (name, content) in enumerate(files.items()):
            paths[name] = self.folder / str(number)
            paths[name].write_bytes(content if isinstance(content, bytes) else content.encode())
        stages = read(text.replace("FROM BASE", f"FROM {self.base_image}"), "Dockerfile", {})
        assembler.assemble(self.client, stages, paths, what="image", tag=self.tag, labels={LABEL: self.key})

    def images(self) -> list[str]:
        """Return the images that are left, those without a name and in between as well."""
        rows = self.client.images(all=True, filters={"label": f"{LABEL}={self.key}"})
        return [str(row["Id"]) for row in rows]

    def containers(self) -> list[str]:
        """Return the containers that are left, by what they have in their commands."""
        return [row["Id"] for row in self.client.containers(all=True) if self.key in json.dumps(row["Command"])]


@pytest.fixture
def bench(client: docker.APIClient, base_image: str, tmp_path: Path) -> Iterator[Bench]:
    """Return where to build; images that are left in the end are removed."""
    bench = Bench(client, base_image, tmp_path)
    yield bench
    for left in bench.images()[:1]:
        client.remove_image(left, force=True)


WHOLE = """\
FROM BASE AS first
ENV GREETING="good day" \\
    SHARED=1
WORKDIR /made/inner
COPY first.py *.nothing /made/
RUN ["python3", "/made/first.py"]

FROM BASE
ENV GREETING=hello HOME=/nowhere
COPY --from=first /made /copied
COPY --from=first /made/inner/one /renamed
COPY big tree/a.txt tree /data/
COPY alone /module
COPY check.py /tmp/check.py
RUN ["python3", "/tmp/check.py", "$GREETING"]
WORKDIR /new/place
USER 20000:20001
EXPOSE 5150
HEALTHCHECK --interval=10s --retries=2 CMD ["python3", "-V"]
ENTRYPOINT ["python3", "-c"]
CMD ["print(1)"]
"""
FIRST = """
import os
assert os.getcwd() == "/made/inner", os.getcwd()
assert (os.environ["GREETING"], os.environ["SHARED"]) == ("good day", "1")
os.mkdir("/made/private", 0o700)
for name, mode in (("one", 0o640), ("two", 0o4711)):
    with open(name, "w") as file:
        file.write(name)
    os.chown(name, 5, 6)
    os.chmod(name, mode)
    os.utime(name, (1e9, 1e9))
os.link("one", "hard")
os.symlink("../inner/one", "soft")
os.remove("/made/first.py")
"""
CHECK = """
import os, sys
assert sys.argv[1] == "$GREETING", "no shell"
assert (os.environ["GREETING"], os.environ["HOME"]) == ("hello", "/nowhere")
assert "SHARED" not in os.environ
assert not [name for name in os.environ if "proxy" in name.lower()]
def facts(path):
    found = os.lstat(path)
    return found.st_uid, found.st_gid, found.st_mode & 0o7777, int(found.st_mtime)
assert facts("/copied/inner/one") == (0, 0, 0o640, 10**9), facts("/copied/inner/one")
assert facts("/copied/inner/two") == (0, 0, 0o4711, 10**9), facts("/copied/inner/two")
assert facts("/renamed")[:3] == (0, 0, 0o640)
assert facts("/copied/private")[:3] == (0, 0, 0o700)
assert facts("/data")[:3] == (0, 0, 0o755)
assert facts("/data/a.txt") == facts("/data/deep/b.txt") == (0, 0, 0o644, 1735689600)
assert os.path.samefile("/copied/inner/one", "/copied/inner/hard")
assert os.readlink("/copied/inner/soft") == "../inner/one"
assert sorted(os.listdir("/copied")) == ["inner", "private"]
assert sorted(os.listdir("/data")) == ["a.txt", "big", "deep"]
assert os.listdir("/module") == ["c.txt"], "a folder with one file became that file"
assert facts("/tmp")[2] == 0o1777, "COPY changed a folder that was there"
os.remove("/data/big")
os.remove("/tmp/check.py")
"""
FILES: dict[str, str | bytes] = {
    "first.py": FIRST,
    "check.py": CHECK,
    "big": bytes(5_000_000),
    "tree/a.txt": "a",
    "tree/deep/b.txt": "b",
    "alone/c.txt": "c",
}


def test_each_instruction_has_its_effect(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs check the files themselves; the configuration is what the Dockerfile says, and nothing else is in it."""
    settings = tmp_path / "config"
    settings.mkdir()
    proxies = {"httpProxy": "http://user:password@proxy.invalid", "noProxy": "x"}
    (settings / "config.json").write_text(json.dumps({"proxies": {"default": proxies}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(settings))
    with engine_client() as client:
        Bench(client, bench.base_image, tmp_path, bench.key).build(WHOLE, FILES)
    made, below = (bench.client.inspect_image(name) for name in (bench.tag, bench.base_image))
    config, before = made["Config"], below["Config"]
    assert config["Env"] == [*before["Env"], "GREETING=hello", "HOME=/nowhere"]
    assert (config["User"], config["WorkingDir"]) == ("20000:20001", "/new/place")
    assert (config["Entrypoint"], config["Cmd"]) == (["python3", "-c"], ["print(1)"])
    assert config["ExposedPorts"] == {"5150/tcp": {}}
    check = {name: value for name, value in config["Healthcheck"].items() if value}
    assert check == {"Test": ["CMD", "python3", "-V"], "Interval": 10**10, "Retries": 2}
    assert config["Labels"] == {**(before["Labels"] or {}), LABEL: bench.key}
    assert not config.get("Volumes")
    assert not config.get("OnBuild")


def test_layers_are_few_and_have_nothing_deleted(bench: Bench) -> None:
    """An image has one layer more than its base for each program, without the files that the program deleted."""
    bench.build(WHOLE, FILES)
    made, below = (bench.client.inspect_image(name) for name in (bench.tag, bench.base_image))
    assert made["RootFS"]["Layers"][:-1] == below["RootFS"]["Layers"]
    assert bench.client.history(bench.tag)[0]["Size"] < 1_000_000  # some stores count blocks


def test_nothing_but_the_image_is_left(bench: Bench) -> None:
    """Containers, earlier stages and images in between are removed."""
    text = (
        f'FROM BASE AS first\nRUN ["python3", "-V", "{bench.key}"]\nRUN ["python3", "-V", "{bench.key}"]\nFROM BASE\n'
    )
    bench.build(text + f"COPY {bench.key} /x\n", {bench.key: "x"})
    assert bench.images() == [bench.client.inspect_image(bench.tag)["Id"]]
    assert not bench.containers()
    bench.client.remove_image(bench.tag)


def test_the_image_of_several_programs_is_removed_whole(bench: Bench) -> None:
    """Images that the result is made of aren't listed, and go with it."""
    bench.build(f'FROM BASE\nRUN ["python3", "-V", "{bench.key}"]\nRUN ["python3", "-V"]\n', {})
    wanted = {"label": f"{LABEL}={bench.key}"}
    assert [row["RepoTags"] for row in bench.client.images(filters=wanted)] == [[bench.tag]]
    bench.client.remove_image(bench.tag)
    assert not bench.images()


PASSES = '["python3", "-c", "print(1)", "KEY"]'
FAILS = (
    '["python3", "-c", "import sys; '
    """sys.stderr.write(''.join(f'{n}\\\\n\\\\n' for n in range(99))); sys.exit('KEY is missing')"]"""
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"FROM BASE AS a\nRUN {PASSES}\nRUN {FAILS}\nFROM BASE\nCOPY --from=a /x /x\n",
            r"(?s)^85\n.*KEY is missing\nThe image couldn't be built \(Dockerfile:3: `RUN .*` ended with status 1\)",
        ),
        (f"FROM BASE AS a\nRUN {PASSES}\nFROM BASE\nRUN {PASSES}\nRUN {FAILS}\n", r"KEY is missing"),
        (f'FROM BASE\nRUN {PASSES}\nRUN ["/KEY"]\n', r"^The image couldn't be built \(Dockerfile:3: `RUN .*: .*/KEY"),
        (f"FROM BASE\nRUN {PASSES}\nCOPY KEY /x\n", r"\(Dockerfile:3: `COPY KEY /x`: there is no KEY\)"),
        (f"FROM BASE\nRUN {PASSES}\nCOPY a /etc/passwd/KEY/x\nRUN {PASSES}\n", r"\(Dockerfile:3: `COPY a .*`: "),
        (f"FROM BASE AS a\nRUN {PASSES}\nFROM BASE\nCOPY --from=a /KEY /x\n", r"Dockerfile:4: .*: a has no /KEY"),
        (
            f"FROM BASE AS a\nRUN {PASSES}\nFROM figbox-nothing:KEY\n",
            r"Dockerfile:3: the engine has no image figbox-no",
        ),
    ],
)
def test_a_failure_names_its_line_and_leaves_nothing(bench: Bench, text: str, said: str) -> None:
    """The last lines that the program wrote are quoted; no container and no image remain, whatever was done before."""
    with pytest.raises(SetupError) as caught:
        bench.build(text.replace("KEY", bench.key), {"a": "x"})
    assert caught.match(said.replace("KEY", bench.key))
    assert "the beginning" not in str(caught.value).partition("The image")[0]
    assert not bench.images()
    assert not bench.containers()


def test_a_failure_keeps_the_image_of_that_name(bench: Bench) -> None:
    """What was built before stays in use."""
    bench.build(f"FROM BASE\nCOPY a /{bench.key}\n", {"a": "x"})
    before = bench.images()
    with pytest.raises(SetupError, match="status 3"):
        bench.build(f'FROM BASE\nCOPY a /{bench.key}\nRUN ["python3", "-c", "raise SystemExit(3)"]\n', {"a": "x"})
    assert bench.images() == before
    assert bench.client.inspect_image(bench.tag)["Id"] == before[0]


@pytest.mark.parametrize("call", ["create_container_from_config", "put_archive", "wait", "commit"])
def test_an_interrupted_build_leaves_nothing(bench: Bench, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the engine creates, unpacks, runs or commits: what it makes of that is removed as well."""
    calls = getattr(bench.client, call)
    count = 0

    def interrupted(*arguments: object, **named: object) -> object:
        nonlocal count
        count += 1
        if count == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return calls(*arguments, **named)

    monkeypatch.setattr(bench.client, call, interrupted)
    step = f'COPY a /{bench.key}\nRUN ["python3", "-V", "{bench.key}"]\n'
    with pytest.raises(KeyboardInterrupt):
        bench.build(f"FROM BASE\n{step * 4}", {"a": "x"})
    assert count == 2
    monkeypatch.undo()
    assert not bench.images()
    assert not bench.containers()


@pytest.mark.parametrize(("change", "why"), [("VOLUME /data", "declares volumes"), ("ONBUILD USER 1", "ONBUILD")])
def test_a_base_that_would_do_something_else_is_refused(bench: Bench, change: str, why: str) -> None:
    """Files copied into a volume would be lost; instructions for who builds on a base aren't followed."""
    container = bench.client.create_container_from_config({"Image": bench.base_image, "Cmd": [bench.key]})["Id"]
    try:
        other = bench.client.commit(container, changes=[change])["Id"]
    finally:
        bench.client.remove_container(container)
    try:
        with pytest.raises(SetupError, match=rf"^Dockerfile:1: .*{why}"):
            bench.build(f"FROM {other}\n", {})
    finally:
        bench.client.remove_image(other)
    assert not bench.containers()


def test_containers_of_a_killed_build_are_removed_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next build takes those that no build under way can have."""
    config = {"Image": bench.base_image, "Cmd": [bench.key]}
    name = f"{assembler.CONTAINER_PREFIX}{bench.key}"
    bench.client.create_container_from_config(config, name=name)
    assembler.remove_leftovers(bench.client)
    assert len(bench.containers()) == 1
    monkeypatch.setattr(assembler, "CONTAINER_PREFIX", name)  # and not those of others
    monkeypatch.setattr(assembler, "LONGEST_BUILD_S", -60.0)
    assembler.remove_leftovers(bench.client)
    assert not bench.containers()
