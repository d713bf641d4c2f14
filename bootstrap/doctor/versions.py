"""The oldest version of each part of the engine, and of the kernel, that lacks the last serious hole known here.

These are a few versions, not a database of holes: an engine that passes can still be old. A distribution may close a
hole without changing the upstream version, so its builds are never more than a warning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bootstrap.doctor.findings import Finding, Level


@dataclass(frozen=True, slots=True)
class Minimum:
    """What a part should be at least.

    Attributes:
        versions: The first good version of each branch; other branches older than the last of them are too old.
        level: Bad where guest code could use the hole, a warning where Figbox closes the way to it.
        reason: What older versions allow.
        link: Where that is published.
    """

    versions: tuple[str, ...]
    level: Level
    reason: str
    link: str


MINIMUMS = {
    "engine": Minimum(
        ("29.5.1",),
        Level.WARN,
        "`docker cp` can be made to write to the host (Figbox never copies)",
        "https://github.com/advisories/GHSA-rg2x-37c3-w2rh",
    ),
    "containerd": Minimum(
        ("1.7.29", "2.0.7", "2.1.5"),
        Level.WARN,
        "other users of the host can enter its folders (containers can't)",
        "https://github.com/advisories/GHSA-pwhc-rpq9-4c8w",
    ),
    "runc": Minimum(
        ("1.2.8", "1.3.3", "1.4.0"),
        Level.BAD,
        "containers can reach the host through redirected mounts",
        "https://github.com/advisories/GHSA-9493-h29p-rfm2",
    ),
    "crun": Minimum(
        ("1.30",),
        Level.WARN,
        "an image can create a file on the host (Figbox only runs its own images)",
        "https://github.com/containers/crun/releases/tag/1.30",
    ),
    "kernel": Minimum(
        ("6.6.138", "6.12.87", "6.18.28", "7.0.5"),
        Level.WARN,
        "readable files can be overwritten (jobs are refused the system calls for it)",
        "https://git.kernel.org/linus/f4c50a4034e6",
    ),
}

#: Marks in the versions of distributions' builds, e.g. `1.1.5+ds1-1+deb12u1` or `6.8.0-110-generic`.
DISTRIBUTION = re.compile(
    r"[+~](dfsg|ds|deb|really)\d*|ubuntu|\.(el|fc|amzn)\d|-\d+(-[a-z]+)*-(amd64|arm64|generic|aws|azure|gcp)"
)


def parse(version: str) -> tuple[int, ...]:
    """Return the numbers at the start of a version, a release candidate's below its release's; empty without any."""
    match = re.match(r"v?(\d+(?:\.\d+)*)(?:[-.~]?rc\.?(\d+))?", version)
    if match is None:
        return ()
    numbers = [int(number) for number in match[1].split(".")]
    numbers += [0] * (3 - len(numbers))
    return (*numbers, -1, int(match[2])) if match[2] else (*numbers, 0, 0)


def is_too_old(version: str, minimum: Minimum) -> bool:
    """Tell whether a version is older than the first good one of its branch, or of a branch without one."""
    ours, wanted = parse(version), sorted(parse(version) for version in minimum.versions)
    of_branch = [first for first in wanted if first[:2] == ours[:2]]
    return ours < (of_branch or wanted[-1:])[0]


def judge(name: str, title: str, version: str) -> Finding:
    """Judge the version of a part, one of `MINIMUMS`, which people call `title`."""
    minimum = MINIMUMS[name]
    listed = ", ".join(minimum.versions)
    if not parse(version):
        remedy = f"Find out whether it is at least {listed}: {minimum.link}"
        return Finding(name, Level.WARN, f"the version of {title} is unknown", remedy)
    if not is_too_old(version, minimum):
        return Finding(name, Level.OK, f"{title} {version}")
    what, remedy = f"{title} {version} is too old: {minimum.reason}", f"Upgrade it to {listed} or newer"
    if DISTRIBUTION.search(version):
        remedy += ", unless the distribution's security tracker says that this version is fixed"
        return Finding(name, Level.WARN, what, f"{remedy}: {minimum.link}")
    return Finding(name, minimum.level, what, f"{remedy}: {minimum.link}")
