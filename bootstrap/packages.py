"""Programs from another Debian release's packages: fetched, verified and unpacked, never installed.

apt works in folders of its own, so the host's package lists and package database don't change; the mirror is the
host's, and the keys are Debian's. Maintainer scripts don't run, so this is for programs that only need their files.
Root isn't needed.
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
    """Unpack the newest packages of a release into an existing folder, as `usr/bin/…`, without their dependencies.

    Raises:
        SetupError: The host doesn't have a Debian mirror, or a package isn't there.
    """
    sources = debian.sources_for(release)
    if not sources or not debian.KEYRING.is_file():
        raise SetupError(f"This host's apt sources don't name a Debian mirror to fetch {' '.join(names)} from.")
    steps.say("packages", f"fetching {' '.join(names)} of Debian {release} from this host's mirror")
    remedy = "Check that this host's Debian mirror can be reached, and start again."
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
            run(["dpkg-deb", "--extract", package, target], remedy="Free some disk space, and start again.")


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
