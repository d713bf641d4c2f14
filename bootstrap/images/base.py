"""The base image made from Debian's packages, for hosts whose engine can't reach an image registry.

mmdebstrap unpacks Python and what it needs into a tarball, without running maintainer scripts. The tarball is cleaned
up here (no device nodes, host's files, setuid bits or documentation; fixed times and order) and imported into the
engine. This needs neither the Docker CLI nor, where mmdebstrap can use user namespaces, root. The result has no shell,
package manager or compiler, so less than the registry's image.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from docker.errors import APIError

from bootstrap import debian
from bootstrap.images.context import FIXED_TIME
from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

    from bootstrap.steps import Steps

RELEASE = "trixie"
TAG = f"figbox-base:{RELEASE}"
RECIPE_LABEL = "figbox.base-recipe"

#: Python 3.13, what wheels link against, and the packages with the merged /usr links and the list of users.
PACKAGES = ("base-files", "base-passwd", "libc-bin", "libstdc++6", "python3")

#: Raise it when `clean_up` or the import changes, so that base images are made anew.
RECIPE_VERSION = 1

CHANGES = ("ENV PATH=/usr/local/bin:/usr/bin:/bin", "ENV LANG=C.UTF-8", 'CMD ["python3"]')

#: Prefixes of paths that are left out: made by the engine, copied from the host, or useless to a program.
LEFT_OUT = (
    *("dev/", "proc/", "sys/", "etc/apt/", "etc/cron.daily/", "etc/fstab", "etc/hostname", "etc/resolv.conf"),
    *("usr/lib/mime/", "usr/share/bug/", "usr/share/info/", "usr/share/lintian/", "usr/share/locale/"),
    *("usr/share/man/", "var/cache/", "var/lib/apt/", "var/lib/dpkg/", "var/log/"),
)

#: What says which packages the image is made of, in the form that programs which look for known holes read. It isn't
#: part of the recipe's hash: images of before, which lack it, run the same.
PACKAGE_LIST = "var/lib/dpkg/status"

#: Nothing is installed by dpkg, so the list is made of what the packages say of themselves.
#: Source: mmdebstrap(1), `--extract-hook`: run when they are unpacked and still there; dpkg-query(1), `Status`.
LIST_HOOK = (
    'for deb in "$1"/var/cache/apt/archives/*.deb; do dpkg-deb --field "$deb"; '
    'echo "Status: install ok installed"; echo; done > "$1"/' + PACKAGE_LIST
)

DEBIAN_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def recipe_hash(architecture: str) -> str:
    """Return a hash of the recipe and the engine's architecture, as 64 hex digits."""
    recipe = [RECIPE_VERSION, RELEASE, PACKAGES, CHANGES, LEFT_OUT, FIXED_TIME, architecture]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def present(client: DockerClient, architecture: str, image_tag: str = TAG) -> Image | None:
    """Return the base image if the engine has one made by the current recipe."""
    wanted = f"{RECIPE_LABEL}={recipe_hash(architecture)}"
    known = client.images.list(name=image_tag, filters={"label": wanted})
    return known[0] if known else None


def ensure(steps: Steps, client: DockerClient, architecture: str, *, anew: bool = False, image_tag: str = TAG) -> Image:
    """Return the base image; make it if the engine doesn't have one made by the current recipe, or if told to, anew.

    Args:
        steps: Where to report.
        client: The engine's SDK client.
        architecture: The engine's: x86_64 or aarch64.
        anew: Make it even if there is one.
        image_tag: The image's name.

    Raises:
        SetupError: This host can't make one, or a tool failed.
    """
    known = present(client, architecture, image_tag)
    if known is not None and not anew:
        return known
    before = [image.id for image in client.images.list(name=image_tag)]
    with tempfile.TemporaryDirectory(prefix="figbox-base-") as folder:
        image = Path(folder, "image.tar")
        make_files(steps, image, architecture)
        name, _, tag = image_tag.partition(":")
        changes = [*CHANGES, f"LABEL {RECIPE_LABEL}={recipe_hash(architecture)}"]
        imported = json.loads(client.api.import_image_from_file(str(image), repository=name, tag=tag, changes=changes))
    if "status" not in imported:
        raise SetupError(f"The engine refused the base image ({imported.get('error', imported)}); see its log.")
    made = client.images.get(image_tag)
    steps.say("base image", f"{image_tag} made from {len(PACKAGES)} Debian packages and what they need")
    for old in before:
        if old != made.id:
            with contextlib.suppress(APIError):  # one that is still in use goes together with the image on top of it
                client.images.remove(str(old))
    return made


def make_files(steps: Steps, target: Path, architecture: str) -> None:
    """Write the base image's files for a processor (x86_64 or aarch64) as a tarball.

    Raises:
        SetupError: This host can't make one, or a tool failed.
    """
    _need_mmdebstrap(steps)
    with tempfile.TemporaryDirectory(prefix="figbox-base-") as folder:
        raw = Path(folder, "raw.tar")
        _extract(steps, raw, DEBIAN_ARCHITECTURES[architecture])
        with raw.open("rb") as source, target.open("wb") as image:
            clean_up(source, image)


def _need_mmdebstrap(steps: Steps) -> None:
    if shutil.which("mmdebstrap") is None:
        if not debian.is_root_debian():
            raise SetupError(
                "The base image can't be pulled, and mmdebstrap, which could make it, isn't installed: connect "
                "the engine to an image registry, load python:3.13-slim-trixie into it (docker load), "
                "or install mmdebstrap (on Debian)."
            )
        debian.apt_install(steps, ["mmdebstrap"], why="makes the base image where it can't be pulled")
    if not debian.KEYRING.is_file():
        raise SetupError(f"{debian.KEYRING} is missing; install the package debian-archive-keyring and start again.")


def _extract(steps: Steps, target: Path, architecture: str) -> None:
    sources = debian.sources_for(RELEASE)
    if not sources:
        raise SetupError(
            "This host's apt sources don't name a Debian mirror to make the base image from; load "
            "python:3.13-slim-trixie into the engine (docker load) and start again."
        )
    steps.say("base image", f"unpacking Debian {RELEASE} ({architecture}) from this host's mirror")
    # `extract` doesn't run maintainer scripts, so the host's ldconfig makes the linker's cache.
    command = [
        "mmdebstrap",
        "--variant=extract",
        "--format=tar",
        f"--architectures={architecture}",
        f"--include={','.join(PACKAGES)}",
        '--extract-hook=/sbin/ldconfig -r "$1"',
        f"--extract-hook={LIST_HOOK}",
        *(f"--aptopt={option}" for option in debian.apt_transport_options()),
        RELEASE,
        "-",
        *(source.line(debian.KEYRING) for source in sources),
    ]
    with target.open("w") as output:
        run(command, remedy="Check that this host's Debian mirror can be reached, and start again.", stdout=output)


def clean_up(source: IO[bytes], target: IO[bytes]) -> None:
    """Rewrite mmdebstrap's tarball into the image's: only what a program needs, in a reproducible form.

    Left out: what `LEFT_OUT` names, and all documentation but the licences. Added: the list of users that
    base-passwd's maintainer script would have made. Reset: setuid, setgid, owners' names, times, order.
    """
    with (
        tarfile.open(fileobj=source, mode="r:") as tar,
        tarfile.open(fileobj=target, mode="w:", format=tarfile.GNU_FORMAT) as out,
    ):
        members = {member.name.removeprefix("./").rstrip("/"): member for member in tar.getmembers()}
        for name in sorted(members):
            member = members[name]
            if not _wanted(name, member):
                continue
            member.name = name
            if member.islnk():
                member.linkname = member.linkname.removeprefix("./")
            _normalise(member)
            out.addfile(member, tar.extractfile(member) if member.isreg() else None)
        for kind in ("passwd", "group"):
            master = tar.extractfile(members[f"usr/share/base-passwd/{kind}.master"])
            content = master.read() if master else b""
            entry = tarfile.TarInfo(f"etc/{kind}")
            entry.size, entry.mode = len(content), 0o644
            _normalise(entry)
            out.addfile(entry, io.BytesIO(content))


def _wanted(name: str, member: tarfile.TarInfo) -> bool:
    if name == PACKAGE_LIST:
        return True
    useless = name.startswith("usr/share/doc/") and not (member.isdir() or name.endswith("/copyright"))
    return name not in {"", "."} and not (member.isdev() or useless or name.startswith(LEFT_OUT))


def _normalise(member: tarfile.TarInfo) -> None:
    member.mtime = FIXED_TIME
    member.uname = member.gname = ""
    member.mode &= 0o1777
    member.pax_headers = {}
