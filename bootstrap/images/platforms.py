"""The images for several processors at once, by BuildKit, where `docker buildx` has a builder for them.

What goes into an image is fetched and compiled on this host, as for the engine's own processor, and reaches the builder
as one archive, so nothing is fetched in the build. Only the Dockerfile's own programs run for the other processor:
emulated, unless the builder has a node of that kind.

Each image is built once for each processor. What comes of it is an archive for each, or one name in a registry for all.

Source: `docker buildx build --help`; buildx's reference, "OCI exporter", "Image and registry exporters", and
`--build-context`.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from bootstrap.images import archive, base, context, image, layout, programs, wheels
from bootstrap.steps import TAIL_LINES, SetupError, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bootstrap.images.image import Recipe
    from bootstrap.steps import Steps

BUILDX = ("docker", "buildx")

#: Platforms that there are images for, and the processor as wheels name it.
ARCHITECTURES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}

#: How long a registry may take to say what a base image is, in seconds.
REGISTRY_LIMIT_S = 30.0

DEFAULT_TAG = "latest"

#: The driver of the builder inside an engine, and the image store with which it can write archives and push.
ENGINES_DRIVER = "docker"
CONTAINERDS_STORE = "io.containerd.snapshotter.v1"

#: A registry with a path, and a tag that may still be made longer by a platform.
#: Source: distribution's reference, `reference.Grammar`.
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}")


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted.

    Attributes:
        platforms: Of `ARCHITECTURES`.
        registry: Where to push, without a name, such as `registry.example/figbox`; empty for archives.
        tag: Of both images.
        folder: For archives.
        base_image: To build from, in a registry; empty for the usual one.
    """

    platforms: tuple[str, ...]
    registry: str
    tag: str
    folder: Path
    base_image: str = ""


def order(platforms: str, registry: str, tag: str, folder: Path, base_image: str = "") -> Order:
    """Return what is wanted, from words of a command line.

    Raises:
        SetupError: There are no images for such a platform, or a name can't be one.
    """
    names = tuple(dict.fromkeys(name.strip() for name in platforms.split(",") if name.strip()))
    if not names or not ARCHITECTURES.keys() >= set(names):
        raise SetupError(f"PLATFORMS names some of {', '.join(ARCHITECTURES)}, with commas between, not {platforms!r}.")
    if registry and not _REPOSITORY.fullmatch(registry):
        raise SetupError(f"REGISTRY is a registry with a path, such as registry.example/figbox, not {registry!r}.")
    if not _TAG.fullmatch(tag or DEFAULT_TAG):
        raise SetupError(f"TAG is letters, digits, dots, dashes and underscores, not {tag!r}.")
    return Order(names, registry, tag or DEFAULT_TAG, folder, base_image)


def ensure(steps: Steps, recipes: Sequence[Recipe], wanted: Order, cache: Path) -> None:
    """Build images for each platform, and write them to archives or push them.

    Args:
        steps: Where to report.
        recipes: Whose tags, without what follows the colon, name the images.
        wanted: What is wanted.
        cache: For what is fetched, a folder for each processor.

    Raises:
        SetupError: There is no builder that can do it, which is said in one sentence, or a step failed.
    """
    need_builder(wanted.platforms)
    with tempfile.TemporaryDirectory(prefix="figbox-images-") as folder:
        for recipe in recipes:
            name = recipe.tag.partition(":")[0].rpartition("/")[2]
            digests = []
            for platform in wanted.platforms:
                built = _Build(steps, recipe, wanted, platform, cache / ARCHITECTURES[platform])
                if wanted.registry:
                    digests.append(built.push(f"{wanted.registry}/{name}", Path(folder, "told.json")))
                else:
                    built.write(wanted.folder / f"{name}-{platform.replace('/', '-')}.oci.tar", Path(folder))
            if wanted.registry:
                _tag(steps, f"{wanted.registry}/{name}", wanted.tag, digests)


def need_builder(platforms: Iterable[str]) -> None:
    """Make sure that a builder is there and can build for these platforms.

    Raises:
        SetupError: It is not; says in one sentence what is missing.
    """
    if shutil.which(BUILDX[0]) is None or _said(*BUILDX, "version") is None:
        raise SetupError(
            "`docker buildx` isn't here, with which images for several processors are built: install Docker's command "
            "line and its plugin buildx (on Debian 13: docker-cli and docker-buildx); `make images` without PLATFORMS "
            "does without it."
        )
    remedy = "Start the engine of this builder, or choose another one with `docker buildx use`."
    told = dict(re.findall(r"^(\w+): +(.+)$", run([*BUILDX, "inspect", "--bootstrap"], remedy=remedy), re.MULTILINE))
    name = told.get("Name", "default")
    if told.get("Driver") == ENGINES_DRIVER and CONTAINERDS_STORE not in _store():
        raise SetupError(
            f"The builder {name!r} is the engine's own, which with this image store can neither write archives nor "
            "push what it builds for several processors: switch on containerd's image store in daemon.json "
            '(`"features": {"containerd-snapshotter": true}`), or make a builder with `docker buildx create --use`.'
        )
    known = {word.rstrip("*") for word in told.get("Platforms", "").split(", ")}
    if missing := [platform for platform in platforms if platform not in known]:
        raise SetupError(
            f"The builder {name!r} can't run programs of {' and '.join(missing)}: register an emulator on its host "
            "(on Debian: `apt install qemu-user-binfmt`, before Debian 13 `qemu-user-static`) and restart the builder, "
            "or add a node of that kind with `docker buildx create --append`."
        )


class _Build:
    """One image for one platform."""

    def __init__(self, steps: Steps, recipe: Recipe, wanted: Order, platform: str, cache: Path) -> None:
        self._steps = steps
        self._recipe = recipe
        self._wanted = wanted
        self._platform = platform
        self._architecture = ARCHITECTURES[platform]
        self._cache = cache

    def write(self, target: Path, folder: Path) -> None:
        """Write it to an archive; a folder for the unfinished one is on any disk."""
        unfinished = folder / target.name
        self._build(f"type=oci,dest={unfinished}", f"{self._recipe.tag.partition(':')[0]}:{self._wanted.tag}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(unfinished, target)
        self._steps.say(self._recipe.what, f"wrote {target} ({target.stat().st_size / 1e6:.0f} MB)")

    def push(self, repository: str, told: Path) -> str:
        """Push it under a tag for this platform alone; return its digest.

        The builder inside an engine can't push without a tag (`push-by-digest`).
        """
        tag = f"{repository}:{self._wanted.tag}-{self._platform.rpartition('/')[2]}"
        self._build("type=image,push=true", tag, "--metadata-file", str(told))
        digest = str(json.loads(told.read_text("utf-8"))["containerimage.digest"])
        self._steps.say(self._recipe.what, f"pushed {tag} ({digest})")
        return digest

    def _build(self, output: str, tag: str, *more: str) -> None:
        recipe = self._recipe
        base_name, base_digest, options = self._base()
        made = {"site": wheels.ensure(self._steps, recipe.folder / recipe.lock, self._architecture, self._own_cache())}
        compiled = programs.ensure(self._steps, recipe.folder, self._architecture, self._own_cache())
        if compiled is not None:
            made["programs"] = compiled
        labels = {
            image.INPUTS_LABEL: recipe.inputs(self._architecture, base_name, base_digest),
            image.BASE_LABEL: base_name,
            image.BASE_ID_LABEL: base_digest,
            image.TAG_LABEL: recipe.tag,
        }
        command = [*BUILDX, "build", "--platform", self._platform, "--file", recipe.dockerfile, *options, *more]
        command += ["--network", "none", "--provenance", "false", "--progress", "plain"]
        command += ["--output", output, "--tag", tag]
        command += [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
        self._steps.say(recipe.what, f"building for {self._platform} from {base_name}, without network")
        members = context.contents(recipe.folder, made, recipe.parts)
        _feed([*command, "-"], archive.packed(members, archive.Target("/", is_folder=True, missing=())), recipe.what)

    def _base(self) -> tuple[str, str, list[str]]:
        """Return the base image's name and digest, and the options by which the builder finds it."""
        name = self._wanted.base_image or image.REGISTRY_BASE
        if digest := _digest(name):
            return name, digest, ["--build-arg", f"BASE_IMAGE={name.partition('@')[0]}@{digest}"]
        if self._wanted.base_image:
            raise SetupError(f"There is no registry in reach that has {name}, which FIGBOX_BASE_IMAGE names.")
        folder, digest = layout.ensure(self._steps, self._architecture, self._cache)
        options = ["--build-context", f"{base.TAG}=oci-layout://{folder}@{digest}"]
        return base.TAG, digest, ["--build-arg", f"BASE_IMAGE={base.TAG}", *options]

    def _own_cache(self) -> Path:
        """Return the folder for this image's packages: a cache holds the wheels of one lock."""
        return self._cache / self._recipe.tag.partition(":")[0].rpartition("/")[2]


def _feed(command: Sequence[str], content: Iterable[bytes], what: str) -> None:
    """Run a builder with an archive as its standard input."""
    with tempfile.TemporaryFile() as told:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=told, stderr=told) as process:
            stream = cast("IO[bytes]", process.stdin)
            try:
                with contextlib.suppress(BrokenPipeError), stream:  # it has failed then, and says why
                    for piece in content:
                        stream.write(piece)
                process.wait()
            except BaseException:
                process.terminate()  # and with it what it runs for the build
                raise
        if process.returncode:
            told.seek(0)
            tail = b"\n".join(told.read().strip().splitlines()[-TAIL_LINES:]).decode("utf-8", "replace")
            raise SetupError(f"{tail}\nThe {what} couldn't be built.")


def _tag(steps: Steps, repository: str, tag: str, digests: Sequence[str]) -> None:
    sources = [f"{repository}@{digest}" for digest in digests]
    remedy = f"Check that {repository} can be written to, and start again."
    run([*BUILDX, "imagetools", "create", "--tag", f"{repository}:{tag}", *sources], remedy=remedy)
    steps.say("registry", f"{repository}:{tag} is {_digest(f'{repository}:{tag}')}")


def _digest(name: str) -> str:
    """Return the digest of an image in a registry; empty if it can't be had."""
    found = (_said(*BUILDX, "imagetools", "inspect", name, "--format", "{{.Manifest.Digest}}") or "").strip()
    return found if found.startswith("sha256:") else ""


def _store() -> str:
    """Return what the engine says of its image store."""
    return _said("docker", "info", "--format", "{{json .DriverStatus}}") or ""


def _said(*command: str) -> str | None:
    """Return what a command wrote; None if it failed or took too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=REGISTRY_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
