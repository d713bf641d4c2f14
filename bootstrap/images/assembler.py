"""Makes an image of a Dockerfile with what every engine has: containers, their archives, and commits.

Theory of operation. A stage is a chain of layers. For each a container is made of the image so far; files are put into
it as an archive, and it runs one program at most, without network. An image is then committed of it, for the next layer
or as the result. Files for a program are in its own layer, so what it deletes of them is in none. The last container of
an earlier stage is kept instead: its archives are what COPY --from takes. In the end, whatever happens, the containers
and all images but the result are removed.

The configuration is kept here and sent with each commit: the container's own has the program of its layer.

An engine's builder isn't needed: the old one is being dropped, and BuildKit is spoken to by a protocol of its own, and
looks for the base in an image registry.

Source: Docker Engine API, `POST /containers/create`, `PUT /containers/{id}/archive`, `POST /commit`.
"""

from __future__ import annotations

import contextlib
import posixpath
import signal
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.utils import decode_json_header

from bootstrap.images import archive
from bootstrap.images.dockerfile import Copy, Run, Setting
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from docker import APIClient

    from bootstrap.images.dockerfile import Configuration, Instruction, Stage

T = TypeVar("T")

#: Last lines that are quoted of what a program wrote, blank ones left out, and how many are looked through for them:
#: what it wrote to standard error may come before what it wrote to standard output.
LOG_TAIL_LINES = 15
LOG_LINES = 200

#: What names of containers begin with. Labels would be handed on to the image, and to each container of it.
CONTAINER_PREFIX = "figbox-build-"

#: Seconds after which a container that isn't running belongs to no build under way.
LONGEST_BUILD_S = 6 * 3600.0

#: The bit of a folder in the modes that engines tell, which are Go's.
FOLDER_BIT = 1 << 31

#: Members of an image's configuration that belong to the container that it was made from.
OF_A_CONTAINER = ("Hostname", "Domainname", "Image")

#: What a base can't have: a folder on the host's disk, and instructions for who builds on it.
REFUSED_OF_BASES = {"Volumes": "volumes", "OnBuild": "instructions ONBUILD"}


@dataclass(slots=True)
class Layer:
    """What one container is for.

    Attributes:
        config: The configuration at its program, or at its end if it has none.
        changes: Its instructions, without settings but WORKDIR; one program at most.
    """

    config: Configuration
    changes: list[Instruction] = field(default_factory=list)

    @property
    def program(self) -> Run | None:
        """What it runs."""
        return next((change for change in self.changes if isinstance(change, Run)), None)


def layers(stage: Stage, config: Configuration) -> tuple[list[Layer], Configuration]:
    """Return the layers of a stage, at least one, and the configuration at its end; paths in them are absolute.

    Args:
        stage: The stage.
        config: Its base's.
    """
    found = [Layer(config)]
    for instruction in stage.instructions:
        if isinstance(instruction, Setting):
            config = instruction.applied(config)
            if instruction.member == "WorkingDir":
                found[-1].changes.append(replace(instruction, value=config["WorkingDir"]))
        else:
            if found[-1].program is not None:
                found.append(Layer(config))
            change = instruction
            if isinstance(change, Copy):
                change = replace(change, target=posixpath.join("/", config.get("WorkingDir") or "", change.target))
            found[-1].changes.append(change)
        if found[-1].program in (None, instruction):
            found[-1].config = config
    if len(found) > 1 and found[-1].program is None:  # no program follows, so it can't delete these files
        last = found.pop()
        found[-1].changes += last.changes
    return found, config


def assemble(
    api: APIClient,
    stages: Sequence[Stage],
    files: Mapping[str, Path],
    *,
    what: str,
    tag: str,
    labels: Mapping[str, str],
) -> None:
    """Make an image, and give it its name when it is complete.

    Args:
        api: The engine's client.
        stages: Of the Dockerfile; the last one becomes the image.
        files: The context, by the names that COPY uses.
        what: Names the image in an error.
        tag: The image's name.
        labels: For the image. Those in between get them as well: by them the next build finds what a killed one left.

    Raises:
        SetupError: A step failed; says which, and quotes the last lines of what it wrote.
    """
    remove_leftovers(api)
    assembly = _Assembly(api, files, what, labels)
    try:
        for stage in stages[:-1]:
            assembly.prepare(stage)
        assembly.finish(stages[-1], tag)
    finally:
        assembly.remove()


def remove_leftovers(api: APIClient) -> None:
    """Remove containers of set-ups that were killed; one that may belong to a build under way stays until later."""
    for row in api.containers(all=True, filters={"name": CONTAINER_PREFIX}):
        ours = any(name.lstrip("/").startswith(CONTAINER_PREFIX) for name in row["Names"])
        if ours and row["State"] != "running" and row["Created"] < time.time() - LONGEST_BUILD_S:
            with contextlib.suppress(APIError):
                api.remove_container(row["Id"], v=True)


class _Assembly:
    """One image in the making."""

    def __init__(self, api: APIClient, files: Mapping[str, Path], what: str, labels: Mapping[str, str]) -> None:
        self._api = api
        self._files = files
        self._what = what
        self._labels = labels
        self._stages: dict[str, str] = {}  # containers by the names of their stages
        self._containers: list[str] = []
        self._images: list[str] = []

    def prepare(self, stage: Stage) -> None:
        """Make an earlier stage, as a container that isn't running."""
        self._stages[stage.name] = self._make(stage)[0]

    def finish(self, stage: Stage, tag: str) -> None:
        """Make the last stage, and an image of it."""
        container, config, texts = self._make(stage)
        if not (config.get("Entrypoint") or config.get("Cmd")):  # the engine would take that of the last step
            raise SetupError(f"{stage.where}: the image has no program of its own; add ENTRYPOINT or CMD.")
        repository, colon, name = tag.rpartition(":")
        if not colon or "/" in name:  # without a tag; a colon can also precede the port of a registry
            repository, name = tag, "latest"
        self._commit(container, config, texts, repository, name)

    def remove(self) -> None:
        """Remove the containers, and the images in between. What others are made of stays, and goes with them."""
        # From the newest, and without those that an image is made of: the engine would take along a base that has
        # lost its name.
        for container in reversed(self._containers):
            with contextlib.suppress(DockerException, requests.RequestException):
                self._api.remove_container(container, force=True, v=True)
        for image in reversed(self._images):
            with contextlib.suppress(DockerException, requests.RequestException):
                self._api.remove_image(image, noprune=True)

    def _make(self, stage: Stage) -> tuple[str, Configuration, list[str]]:
        """Return the last container of a stage, the stage's configuration, and the texts of the last layer."""
        base = self._base(stage)
        image = str(base["Id"])
        found, config = layers(stage, base["Config"])
        for layer in found:
            container = self._create(image, layer, stage)
            for change in layer.changes:
                with self._explained(change):
                    self._change(container, change)
            texts = [change.text for change in layer.changes]
            if layer is not found[-1]:
                image = self._commit(container, layer.config, texts)
        return container, config, texts

    def _base(self, stage: Stage) -> dict[str, Any]:
        try:
            base: dict[str, Any] = self._api.inspect_image(stage.base)
        except ImageNotFound as error:
            raise SetupError(f"{stage.where}: the engine has no image {stage.base}, so load or pull it.") from error
        found = base.get("Config") or {}
        for member, name in REFUSED_OF_BASES.items():
            if found.get(member):
                raise SetupError(f"{stage.where}: {stage.base} declares {name}, so an image can't be built from it.")
        base["Config"] = {name: value for name, value in found.items() if name not in OF_A_CONTAINER}
        return base

    def _create(self, image: str, layer: Layer, stage: Stage) -> str:
        """Return a new container.

        It is made from a plain body: the SDK's own would add the proxies of the CLI's configuration to its environment,
        passwords included, and so to the image's.
        """
        program = layer.program
        config = {
            "Image": image,
            "Env": layer.config.get("Env") or [],
            "User": layer.config.get("User") or "",
            "WorkingDir": layer.config.get("WorkingDir") or "",
            "Entrypoint": [""],  # none, not even the base's
            # One that is never started needs a command, too. It is what the image's history shows.
            "Cmd": list(program.command) if program else [change.text for change in layer.changes] or ["FROM"],
            "NetworkDisabled": True,
            "HostConfig": {"NetworkMode": "none", "LogConfig": {"Type": "json-file"}},  # whatever the engine's default
        }
        if layer.config.get("Healthcheck"):
            config["Healthcheck"] = {"Test": ["NONE"]}  # it is for the image's own program
        name = f"{CONTAINER_PREFIX}{uuid.uuid4().hex}"

        def create() -> str:
            container = str(self._api.create_container_from_config(config, name=name)["Id"])
            self._containers.append(container)
            return container

        where = program or (layer.changes[-1] if layer.changes else stage)
        with self._explained(where):
            return _to_its_end(create)

    def _commit(
        self, container: str, config: Configuration, texts: list[str], repository: str | None = None, tag: str = ""
    ) -> str:
        labels = {**(config.get("Labels") or {}), **self._labels}
        body = {**config, "Labels": labels}

        def commit() -> str:
            comment = "; ".join(texts)
            made = self._api.commit(container, repository, tag or None, message=comment, pause=False, conf=body)
            if repository is None:
                self._images.append(str(made["Id"]))
            return str(made["Id"])

        return _to_its_end(commit)

    # Instructions

    def _change(self, container: str, change: Instruction) -> None:
        match change:
            case Copy():
                self._copy(container, change)
            case Run():
                self._run(container, change)
            case Setting():
                target = self._target(container, f"{change.value}/")
                if target.missing:
                    self._put(container, archive.packed({}, target))

    def _copy(self, container: str, change: Copy) -> None:
        target = self._target(container, change.target)
        if change.stage is None:
            found = archive.selected(self._files, change.sources)
            if None in found.values() and not target.is_folder:
                target = self._target(container, target.path + "/")
            self._put(container, archive.packed(found, target))
            return
        for source in change.sources:
            stage = self._stages[change.stage]
            stat = self._stat(stage, source)
            if stat is None:
                raise archive.CopyError(f"{change.stage} has no {source}")
            if stat & FOLDER_BIT and not target.is_folder:
                target = self._target(container, target.path + "/")
            pieces, _ = self._api.get_archive(stage, source, chunk_size=archive.PIECE)
            self._put(container, archive.moved(pieces, target))
            target = archive.Target(target.path, target.is_folder, ())

    def _put(self, container: str, content: Iterator[bytes]) -> None:
        self._api.put_archive(container, "/", content)

    def _run(self, container: str, change: Run) -> None:
        self._api.start(container)
        status = self._api.wait(container)["StatusCode"]
        if status != 0:
            log = self._api.logs(container, tail=LOG_LINES).decode(errors="replace")
            tail = "\n".join([line for line in log.splitlines() if line.strip()][-LOG_TAIL_LINES:])
            raise SetupError(
                f"{tail}\nThe {self._what} couldn't be built ({change.where}: `{change.text}` ended with status "
                f"{status}); fix what the lines above report, and start again."
            )

    def _target(self, container: str, path: str) -> archive.Target:
        """Return where COPY copies to, with what is missing on the way there."""
        whole = posixpath.normpath(path)
        stat = self._stat(container, whole)
        is_folder = path.endswith("/") or (stat is not None and bool(stat & FOLDER_BIT))
        missing: list[str] = []
        folder = whole if is_folder else posixpath.dirname(whole)
        while folder != "/" and self._stat(container, folder) is None:
            missing.insert(0, folder)
            folder = posixpath.dirname(folder)
        return archive.Target(whole, is_folder, tuple(missing))

    def _stat(self, container: str, path: str) -> int | None:
        """Return the mode of what is at a path in a container, or None if nothing is; the SDK has no call for that."""
        api = self._api
        url = f"{api.base_url}/v{api.api_version}/containers/{container}/archive"
        response = api.head(url, params={"path": path}, timeout=api.timeout)
        try:
            api._raise_for_status(response)  # noqa: SLF001 - the SDK's translation of statuses
        except NotFound:
            return None
        return int(decode_json_header(response.headers["X-Docker-Container-Path-Stat"])["mode"])

    @contextlib.contextmanager
    def _explained(self, where: Instruction | Stage) -> Iterator[None]:
        """Turn what fails at an instruction into a sentence with its line."""
        try:
            yield
        except (APIError, archive.CopyError) as error:
            reason = str(error.explanation if isinstance(error, APIError) else error).strip()
            text = getattr(where, "text", "FROM")
            raise SetupError(f"The {self._what} couldn't be built ({where.where}: `{text}`: {reason}).") from error


def _to_its_end(call: Callable[[], T]) -> T:
    """Return what a call returns; if the user interrupts, wait for its end first, so that what it made is known."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that asked
            done.set_exception(error)

    thread = threading.Thread(target=run)
    # An interruption in the middle of `start` would leave a thread that can't be waited for.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    thread.start()
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return done.result()
    finally:
        thread.join()
