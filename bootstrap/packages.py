"""Programs out of another Debian release's packages: fetched, checked and unpacked, never installed.

apt does the work with folders of its own, so that the host's package lists and its package database stay as they
are; the mirror is the host's, and the keys are Debian's. Maintainer scripts are not run, so this is for programs
that need nothing but their files. Needs no root.
Source: apt.conf(5) for the `Dir` options; dpkg-deb(1).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import debian
from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.steps import Steps


def unpack(steps: Steps, release: str, names: Sequence[str], target: Path) -> None:
    """Unpack the newest packages of a release into a folder, without what they depend on.

    Args:
        steps: Where to say it.
        release: Codename of the Debian release, e.g. "trixie".
        names: The packages.
        target: An existing folder; gets the packages' files as `usr/bin/…`.

    Raises:
        SetupError: The host has no Debian mirror, or it gives no such package.
    """
    sources = debian.sources_for(release)
    if not sources or not debian.KEYRING.is_file():
        raise SetupError(f"This host's apt sources name no Debian mirror to take {' '.join(names)} from.")
    steps.say("packages", f"fetching {' '.join(names)} of Debian {release} from this host's mirror")
    remedy = "Check that this host's Debian mirror answers, and start again."
    with tempfile.TemporaryDirectory(prefix="figbox-apt-") as name:
        folder = Path(name)
        for part in ("lists/partial", "archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "sources.list").write_text("".join(f"{source.line(debian.KEYRING)}\n" for source in sources))
        (folder / "status").touch()
        command = ["apt-get", "--quiet", *_own_folders(folder)]
        run([*command, "update"], remedy=remedy)
        run([*command, "download", *names], remedy=remedy, folder=folder)
        for package in sorted(folder.glob("*.deb")):
            run(["dpkg-deb", "--extract", package, target], remedy="Make room, and start again.")


def _own_folders(folder: Path) -> list[str]:
    options = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": folder,
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Acquire::Languages": "none",
    }
    if os.geteuid() == 0:
        options["APT::Sandbox::User"] = "root"  # apt's own user couldn't enter the folder
    return [f"--option={name}={value}" for name, value in options.items()]
