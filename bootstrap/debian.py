"""Debian hosts: how they are recognised, how packages are installed, and where their mirror is.

The mirror is the one that the host's own apt sources name.
Source: sources.list(5) for both formats of apt sources; os-release(5).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bootstrap.steps import Steps

APT_FOLDER = Path("/etc/apt")

#: Seconds that apt waits for another one that installs packages, such as a host's own updates after its start.
LOCK_LIMIT_S = 600

#: Debian's keys, from the package debian-archive-keyring, which verify what a mirror sends.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

RELEASES = frozenset({"bullseye", "bookworm", "trixie", "forky", "sid"})
ALIASES = frozenset({"oldoldstable", "oldstable", "stable", "testing", "unstable"})
USED_POCKETS = frozenset({"", "updates", "security"})
FALSE_WORDS = frozenset({"no", "false", "0", "off", "without", "disable"})


def is_root_debian() -> bool:
    """Tell whether packages can be installed here: this is Debian, and we are root."""
    try:
        distribution = platform.freedesktop_os_release().get("ID")
    except OSError:
        return False
    return os.geteuid() == 0 and distribution == "debian" and shutil.which("apt-get") is not None


def apt_install(steps: Steps, packages: Iterable[str], *, why: str) -> None:
    """Install Debian packages without their recommendations; refresh the package lists only if needed.

    Where others install packages too, this waits for them.

    Raises:
        SetupError: apt failed even with fresh lists.
    """
    names = sorted(packages)
    steps.say("packages", f"installing {' '.join(names)} ({why})")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait = f"--option=DPkg::Lock::Timeout={LOCK_LIMIT_S}"
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", wait, *names]
    remedy = f"Repair apt, or install {' '.join(names)} yourself, and start again."
    with _alone():
        try:
            run(command, remedy=remedy, environment=environment)
        except SetupError:
            steps.say("packages", "refreshing the package lists")
            run(["apt-get", "update", "--quiet"], remedy=remedy, environment=environment)
            run(command, remedy=remedy, environment=environment)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep two set-ups from calling apt at the same time: it refreshes no lists while another one does."""
    folder = os.open(APT_FOLDER, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@dataclass(frozen=True, slots=True)
class Source:
    """A mirror's address, a suite on it and the suite's components."""

    uri: str
    suite: str
    components: tuple[str, ...]

    def line(self, keyring: Path) -> str:
        """Return it as a one-line apt source that only the keys of `keyring` can sign."""
        return f"deb [signed-by={keyring}] {self.uri} {self.suite} {' '.join(self.components)}"


def sources_for(release: str, folder: Path = APT_FOLDER) -> list[Source]:
    """Return the host's own Debian mirrors as sources of another Debian release.

    Returns:
        The component `main` of the release's main, updates and security suites, as far as the host has these for its
        own release; empty if the host doesn't have a Debian mirror.
    """
    found: dict[Source, None] = {}  # a dict keeps the order and drops repetitions
    for source in host_sources(folder):
        base, _, pocket = source.suite.partition("-")
        if "main" in source.components and base in RELEASES | ALIASES and pocket in USED_POCKETS:
            suite = f"{release}-{pocket}" if pocket else release
            found[Source(source.uri, suite, ("main",))] = None
    return list(found)


def host_sources(folder: Path = APT_FOLDER) -> Iterator[Source]:
    """Yield the host's enabled sources of binary packages, in both of apt's formats."""
    lists = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]
    for path in lists:
        if path.is_file():
            yield from parse_one_line(path.read_text(errors="replace"))
    for path in sorted((folder / "sources.list.d").glob("*.sources")):
        yield from parse_deb822(path.read_text(errors="replace"))


def parse_one_line(text: str) -> Iterator[Source]:
    """Read the one-line format, `deb [options] uri suite component …`, without `deb-src`."""
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        match = re.fullmatch(r"deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+(.+)", line)
        if match:
            uri, suite, components = match.groups()
            yield Source(uri, suite, tuple(components.split()))


def parse_deb822(text: str) -> Iterator[Source]:
    """Read the deb822 format, stanzas of `Types`, `URIs`, `Suites` and `Components`."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            else:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() not in FALSE_WORDS and "deb" in fields.get("types", "").split():
            components = tuple(fields.get("components", "").split())
            for uri in fields.get("uris", "").split():
                for suite in fields.get("suites", "").split():
                    yield Source(uri, suite, components)


def apt_transport_options() -> list[str]:
    """Return the host's apt settings for reaching its mirror: proxies, certificates, dates."""
    if shutil.which("apt-config") is None:
        return []
    wanted = re.compile(r'Acquire::(?:https?::.*|Check-Valid-Until|Check-Date|Retries) "[^"]+";')
    dump = run(["apt-config", "dump"], remedy="Repair apt and start again.")
    return [line for line in dump.splitlines() if wanted.fullmatch(line)]
