"""Install gateway and launcher as services of systemd, for this clone; start nothing.

The unit files are those of deploy/systemd with this clone's path in place of `/opt/figbox`. Existing keys and settings
stay as they are. Whatever would keep the services from starting because of where the clone is, is said here.

Source: systemd.exec(5), `ProtectHome=` and `PrivateTmp=`, for folders that services don't see; systemd-sysusers(8).
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.dotenv import KEY_BYTES
from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from bootstrap.steps import Steps

#: Where the unit files have the clone.
DOCUMENTED = "/opt/figbox"

#: Folders that the services don't see, and what is there while systemd is process 1. Source: sd_booted(3).
HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108 - named, not used
BOOTED = "run/systemd/system"

UNITS = ("figbox-launcher.service", "figbox-gateway.service")

#: Is installed, too, and enabled by who wants it: the gateway's address, for restarts that lose no request.
SOCKET = "figbox-gateway.socket"
OTHERS_MAY_ENTER = 0o001

SETTINGS = {
    "launcher.env": "# Settings of the launcher: those from FIGBOX_IMAGE to DEBUG in docs/settings.md.\n",
    "gateway.env": "# Settings of the gateway: all others in docs/settings.md, and limits that both have.\n",
}


def install(steps: Steps, root: Path, host: Path = Path("/")) -> None:
    """Write users, units, a key and empty settings; tell systemd to read them.

    Args:
        steps: Where to report.
        root: The clone.
        host: The root of the host's files.

    Raises:
        SetupError: This host or this clone can't have the services; the text says why.
    """
    if os.geteuid() != 0:
        raise SetupError("Services of the host are installed by root: run `sudo make install-service`.")
    if not (host / BOOTED).is_dir():
        raise SetupError("systemd isn't what manages services here; docs/deployment.md says what to start by hand.")
    check_place(root)
    check_place((root / ".venv/bin/python").resolve())
    units = root / "deploy/systemd"
    for name in (*UNITS, SOCKET):
        _write(host / "etc/systemd/system" / name, (units / name).read_text().replace(DOCUMENTED, str(root)), 0o644)
    users = host / "etc/sysusers.d/figbox.conf"
    _write(users, (units / "figbox.conf").read_text(), 0o644)
    run(["systemd-sysusers", users], remedy=f"See systemd-sysusers(8), and {users}.")
    settings = host / "etc/figbox"
    for name, text in SETTINGS.items():
        _write(settings / name, text, 0o600, anew=False)
    _write(settings / "api-key", f"{secrets.token_urlsafe(KEY_BYTES)}\n", 0o600, anew=False)
    # The services can't write here, and a worker imports the gateway at every start.
    run([sys.executable, "-m", "compileall", "-q", root / "gateway"], remedy="See what Python says.")
    run(["systemctl", "daemon-reload"], remedy="See systemctl(1).")
    steps.say("services", f"installed for {root}; keys and settings are in {settings}")
    steps.say("services", f"start them, now and at every boot: systemctl enable --now {' '.join(UNITS)}")


def check_place(path: Path) -> None:
    """Make sure that services see a file or folder, and that users who aren't root may enter the folders above it.

    Raises:
        SetupError: They don't; the text says what to do.
    """
    for folder in (path, *path.parents):
        if folder in HIDDEN:
            raise SetupError(f"Services don't see {folder}: put {path} elsewhere, such as below /opt, and start again.")
    for folder in path.parents if path.is_file() else (path, *path.parents):
        if folder.is_dir() and not folder.stat().st_mode & OTHERS_MAY_ENTER:
            raise SetupError(f"The services' users may not enter {folder}: run `chmod o+x {folder}`, and start again.")


def _write(path: Path, text: str, mode: int, *, anew: bool = True) -> None:
    """Write a file of root's; leave one that is there unless it is to be made anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if anew:
        path.unlink(missing_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), mode)  # whatever the umask
        file.write(text)
