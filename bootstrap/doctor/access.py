"""Who may open the engine's socket, which is as good as being root.

Source: unix(7), "Pathname socket ownership and permissions".
"""

from __future__ import annotations

import grp
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap.doctor.findings import Finding, Level

if TYPE_CHECKING:
    from pathlib import Path

LEAST_PRIVILEGE = (
    "Keep only the user that runs Figbox in that group, or use a rootless engine, whose socket gives less power."
)


@dataclass(frozen=True, slots=True)
class Access:
    """What decides who may open a socket: its permission bits, its owner, and the users in its group.

    Attributes:
        sheltered: Whether a folder above it keeps other users out, whatever its own bits say.
    """

    mode: int
    owner: str
    group: str
    members: tuple[str, ...]
    sheltered: bool


def look(path: Path) -> Access:
    """Return who may open a socket.

    Raises:
        OSError: It doesn't exist.
    """
    real = path.resolve()
    facts = real.stat()
    try:
        owner = pwd.getpwuid(facts.st_uid).pw_name
    except KeyError:
        owner = str(facts.st_uid)
    try:
        group = grp.getgrgid(facts.st_gid).gr_name
        named = set(grp.getgrgid(facts.st_gid).gr_mem)
    except KeyError:
        group, named = str(facts.st_gid), set()
    primary = {user.pw_name for user in pwd.getpwall() if user.pw_gid == facts.st_gid}
    members = tuple(sorted((named | primary) - {"root", owner}))
    sheltered = any(not parent.stat().st_mode & stat.S_IXOTH for parent in real.parents)
    return Access(stat.S_IMODE(facts.st_mode), owner, group, members, sheltered)


def judge(path: Path, access: Access) -> Finding:
    """Judge who may open it."""
    what = f"{path} belongs to {access.owner}:{access.group}, mode {access.mode:o}"
    if access.mode & stat.S_IWOTH and not access.sheltered:
        return Finding(
            "socket",
            Level.BAD,
            f"{what}: every user of this host can open it, and so act as root",
            f'`chmod o-rw {path}`, and give the engine a group with `"group"` in its daemon.json.',
        )
    if access.mode & stat.S_IWGRP and access.members:
        names = ", ".join(access.members)
        return Finding("socket", Level.WARN, f"{what}: as good as root are {names}", LEAST_PRIVILEGE)
    return Finding("socket", Level.OK, f"{what}: other users can't open it")
