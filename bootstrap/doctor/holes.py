"""Known holes in what stands between guest code and the host, by component and version.

A short list of those that matter to containers, not a database: an engine with none of them can still be old. A
distribution fixes holes without changing the version in front, so where a version is a distribution's, its package's
own list of changes is asked, and if that doesn't name the hole the finding is no more than a warning.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.doctor.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = Path("/usr/share/doc")
Version = tuple[int, ...]


class Reach(Enum):
    """Whether guest code could use a hole through Figbox's own door."""

    BOUNDARY = Level.BAD
    """It is in the boundary itself: what keeps it shut is how containers are set up, no second wall."""

    SHIELDED = Level.WARN
    """Figbox closes the way to it: a system call that is refused, a function of the engine that is never used."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One known hole.

    Attributes:
        name: Its CVE.
        component: As `Component.name`.
        fixed: First version with the fix, for each branch that has one; older branches have none.
        reach: Whether guest code could use it here.
        what: What it lets an attacker do, and what is in the way if something is.
        source: Where it was published.
        since: First version that has it; None where that doesn't matter.
    """

    name: str
    component: str
    fixed: tuple[str, ...]
    reach: Reach
    what: str
    source: str
    since: str | None = None


HOLES = (
    Hole(
        "CVE-2019-5736",
        "runc",
        ("1.0.0-rc7",),
        Reach.BOUNDARY,
        "a container can overwrite runc itself",
        "GHSA-gxmr-w5mj-v8hh",
    ),
    Hole(
        "CVE-2024-21626",
        "runc",
        ("1.1.12",),
        Reach.BOUNDARY,
        "a descriptor of the host leaks into containers",
        "GHSA-xr7r-f8xq-vfvv",
    ),
    Hole(
        "CVE-2025-31133",
        "runc",
        ("1.2.8", "1.3.3", "1.4.0-rc.3"),
        Reach.BOUNDARY,
        "masked paths can be redirected to the host's files",
        "GHSA-9493-h29p-rfm2",
    ),
    Hole(
        "CVE-2025-52565",
        "runc",
        ("1.2.8", "1.3.3", "1.4.0-rc.3"),
        Reach.BOUNDARY,
        "the mount of /dev/console can be redirected",
        "GHSA-qw9x-cqr3-wc7r",
    ),
    Hole(
        "CVE-2025-52881",
        "runc",
        ("1.2.8", "1.3.3", "1.4.0-rc.3"),
        Reach.BOUNDARY,
        "runc's own writes to /proc can be redirected",
        "GHSA-cgrx-mc8f-2prm",
    ),
    Hole(
        "CVE-2026-30892",
        "crun",
        ("1.27",),
        Reach.SHIELDED,
        "`crun exec` reads user 1 as root; Figbox never uses exec",
        "crun 1.27 release notes",
    ),
    Hole(
        "CVE-2026-88264",
        "crun",
        ("1.30",),
        Reach.SHIELDED,
        "an image can have a file made on the host; Figbox runs its own image only",
        "crun 1.30 release notes",
    ),
    Hole(
        "CVE-2024-40635",
        "containerd",
        ("1.6.38", "1.7.27", "2.0.4"),
        Reach.SHIELDED,
        "a user id beyond 32 bits becomes root; Figbox chooses the ids",
        "GHSA-265r-hfxg-fhmg",
    ),
    Hole(
        "CVE-2024-25621",
        "containerd",
        ("1.7.29", "2.0.7", "2.1.5"),
        Reach.SHIELDED,
        "other users of the host can enter containerd's folders; containers can't",
        "GHSA-pwhc-rpq9-4c8w",
    ),
    Hole(
        "CVE-2026-41567",
        "engine",
        ("29.5.1",),
        Reach.SHIELDED,
        "copying into a container runs a program of the container as the host's root; Figbox never copies",
        "GHSA-x86f-5xw2-fm2r",
    ),
    Hole(
        "CVE-2026-42306",
        "engine",
        ("29.5.1",),
        Reach.SHIELDED,
        "`docker cp` can be made to mount over the host's folders; Figbox never copies",
        "GHSA-rg2x-37c3-w2rh",
    ),
    Hole(
        "CVE-2022-0847",
        "kernel",
        ("5.10.102", "5.15.25", "5.16.11"),
        Reach.SHIELDED,
        "files that can be read can be overwritten (Dirty Pipe); jobs are refused splice",
        "Linux commit 9d2231c5d74e",
        since="5.8",
    ),
    Hole(
        "CVE-2026-31431",
        "kernel",
        ("6.12.85", "6.18.22", "6.19.12"),
        Reach.SHIELDED,
        "files that can be read can be overwritten (Copy Fail); jobs are refused sockets and splice",
        "Linux commit a664bf3d603d",
    ),
    Hole(
        "CVE-2026-43284",
        "kernel",
        ("6.6.138", "6.12.87", "6.18.28", "7.0.5"),
        Reach.SHIELDED,
        "files that can be read can be overwritten (Dirty Frag); jobs are refused sockets and splice",
        "Linux commit f4c50a4034e6",
    ),
)


@dataclass(frozen=True, slots=True)
class Component:
    """One part of what runs containers.

    Attributes:
        name: `engine`, `containerd`, `runc`, `crun` or `kernel`.
        title: What people call it.
        version: As it says itself, e.g. `1.1.5+ds1-1+deb12u1`.
        package: Of the distribution, whose list of changes to ask.
        from_distribution: Whether a distribution built it, and may have fixed holes without a new version in front.
    """

    name: str
    title: str
    version: str
    package: str
    from_distribution: bool


def component(name: str, title: str, version: str, package: str) -> Component:
    """Give a component whose version tells by itself whether a distribution built it."""
    built = re.search(r"[+~](dfsg|ds|deb|really)\d*|ubuntu|\.(el|fc|amzn)\d", version) is not None
    return Component(name, title, version, package, from_distribution=built)


def kernel(release: str, build: str) -> Component:
    """Give the kernel as a component.

    Args:
        release: As `uname -r` says it, e.g. `6.1.0-13-amd64`: a distribution's own numbering, if it is one's.
        build: As `uname -v` says it; Debian's names the version its sources have, `… Debian 6.1.55-1 (…)`.
    """
    flavour = re.search(r"-\d+(-[a-z]+)*-(amd64|arm64|generic|aws|azure|gcp)|\.(el|fc|amzn)\d", release)
    debian = re.search(r"Debian (\d[^ ]*)", build)
    version = debian[1] if debian else release
    built = debian is not None or flavour is not None
    return Component("kernel", "Linux", version, f"linux-image-{release}", from_distribution=built)


def parse(version: str) -> Version:
    """Give the numbers in front of a version; a release candidate comes before its release.

    Nothing is said by what follows them: `1.1.5+ds1-1` is 1.1.5.
    """
    match = re.match(r"v?(\d+(?:\.\d+)*)(?:[-.~]?rc\.?(\d+))?", version)
    if match is None:
        return ()
    numbers = [int(number) for number in match[1].split(".")]
    numbers += [0] * (3 - len(numbers))
    return (*numbers, -1, int(match[2])) if match[2] else (*numbers, 0, 0)


def is_open(hole: Hole, version: str) -> bool:
    """Tell whether a version has the hole: it is older than the fix of its branch, or its branch got none."""
    ours = parse(version)
    if not ours or (hole.since is not None and ours < parse(hole.since)):
        return False
    fixes = sorted(parse(fixed) for fixed in hole.fixed)
    of_branch = [fix for fix in fixes if fix[:2] == ours[:2]]
    return ours < of_branch[0] if of_branch else ours[:2] < fixes[-1][:2]


def judge(component: Component, documents: Path = DOCUMENTS) -> Iterator[Finding]:
    """Say which holes a component has; one good finding if it has none.

    Args:
        component: What was found on the host.
        documents: Where the distribution keeps its packages' lists of changes.
    """
    found = [hole for hole in HOLES if hole.component == component.name and is_open(hole, component.version)]
    if not parse(component.version):
        yield Finding(
            component.name,
            Level.WARN,
            f"{component.title} says no version ({component.version or 'nothing'})",
            "Find out which it is, and whether holes are known in it.",
        )
        return
    changes = listed_changes(component, documents) if found else ""
    closed = [hole.name for hole in found if hole.name in changes]
    left = [hole for hole in found if hole.name not in changes]
    for hole in left:
        known = f"{component.title} {component.version} has {hole.name} ({hole.what})"
        fixed = f"fixed in {', '.join(hole.fixed)}, {hole.source}"
        name = f"{component.name}.{hole.name}"
        if component.from_distribution:
            yield Finding(
                name,
                Level.WARN,
                f"{known}, unless the distribution fixed it within that version",
                f"Look {component.package} {component.version} up in the distribution's security tracker, and upgrade "
                f"it if need be; {fixed}.",
            )
        else:
            yield Finding(name, hole.reach.value, known, f"Upgrade {component.title}: {fixed}.")
    if not left:
        fixed = f"; its package says that it fixed {', '.join(closed)}" if closed else ""
        yield Finding(component.name, Level.OK, f"{component.title} {component.version}: no hole known here{fixed}")


def listed_changes(component: Component, documents: Path) -> str:
    """Give what a distribution's package says it changed up to the version that runs; empty if nothing says it.

    Entries of a newer version than the running one don't count: an engine upgraded on disk goes on with its old holes
    until it is started anew.
    """
    if not component.from_distribution:
        return ""
    try:
        with gzip.open(documents / component.package / "changelog.Debian.gz", "rt", errors="replace") as file:
            lines = file.read().splitlines()
    except (OSError, EOFError):
        return ""
    heading = f" ({component.version}"
    for number, line in enumerate(lines):
        if not line.startswith(" ") and heading in line:
            return "\n".join(lines[number:])
    return ""
