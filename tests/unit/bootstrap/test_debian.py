"""The set-up reads the host's apt sources, in both formats, and derives those of another Debian release."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bootstrap import debian
from bootstrap.debian import Source
from bootstrap.steps import Steps

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DEB822 = """\
# a comment before the stanza
Types: deb deb-src
# a comment within it
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
 bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib  # why
deb-src http://mirror.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb https://vendor.example/apt cloud-sdk main
"""


def test_deb822_stanzas_are_read() -> None:
    """Every enabled suite of binary packages counts; comments, disabled and source stanzas don't."""
    mirror, security = "http://mirror.example/debian", "http://mirror.example/debian-security"
    assert list(debian.parse_deb822(DEB822)) == [
        Source(mirror, "bookworm", ("main", "contrib")),
        Source(mirror, "bookworm-updates", ("main", "contrib")),
        Source(mirror, "bookworm-backports", ("main", "contrib")),
        Source(security, "bookworm-security", ("main",)),
    ]


def test_one_line_sources_are_read() -> None:
    """Options, comments and source packages are left out."""
    assert list(debian.parse_one_line(ONE_LINE)) == [
        Source("http://mirror.example/debian", "bookworm", ("main", "contrib")),
        Source("http://security.example/debian-security", "bookworm-security", ("main",)),
        Source("https://vendor.example/apt", "cloud-sdk", ("main",)),
    ]


def test_sources_turn_to_another_release(tmp_path: Path) -> None:
    """Debian's own suites keep address and pocket; backports, vendors and repetitions are left out."""
    lists = tmp_path / "sources.list.d"
    lists.mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (lists / "debian.sources").write_text(DEB822)
    (lists / "old.list.disabled").write_text("deb http://disabled.example/debian bookworm main\n")
    assert debian.sources_for("trixie", tmp_path) == [
        Source("http://mirror.example/debian", "trixie", ("main",)),
        Source("http://security.example/debian-security", "trixie-security", ("main",)),
        Source("http://mirror.example/debian", "trixie-updates", ("main",)),
        Source("http://mirror.example/debian-security", "trixie-security", ("main",)),
    ]


def test_no_debian_mirror_gives_nothing(tmp_path: Path) -> None:
    """A host of another distribution doesn't have a Debian mirror."""
    (tmp_path / "sources.list").write_text("deb http://mirror.example/ubuntu noble main\n")
    assert debian.sources_for("trixie", tmp_path) == []


def test_every_source_is_verified(tmp_path: Path) -> None:
    """A source line names the keyring, so that no other key of the host can sign the base image's packages."""
    line = Source("http://mirror.example/debian", "trixie", ("main",)).line(tmp_path / "keys.gpg")
    assert line == f"deb [signed-by={tmp_path}/keys.gpg] http://mirror.example/debian trixie main"


#: Stands in for apt-get: it is alone, or fails as the real one does that finds a lock taken.
APT_GET = """#!/bin/sh
mkdir '{folder}/lock' || exit 100
echo "$@" >> '{folder}/calls'
sleep 0.2
rmdir '{folder}/lock'
"""


def test_two_set_ups_install_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other, and apt for anybody else who installs packages."""
    program = tmp_path / "apt-get"
    program.write_text(APT_GET.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(debian, "APT_FOLDER", tmp_path)
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(debian.apt_install, Steps(), [name], why="a test") for name in "ab"]
        assert [call.result() for call in calls] == [None, None]
    lines = sorted((tmp_path / "calls").read_text().splitlines())
    assert [line.split()[-1] for line in lines] == ["a", "b"]
    assert all(f"DPkg::Lock::Timeout={debian.LOCK_LIMIT_S}" in line for line in lines)
