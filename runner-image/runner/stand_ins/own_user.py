"""Gives the container's user a name.

Each container has a user id of its own, one of forty thousand, and the engine would read a list of users with all of
them at each start. So Python's functions that look there know one user more.
"""

from __future__ import annotations

import functools
import os
from typing import Any

#: As the environment has it (LOGNAME, USER).
NAME = "job"

SHELL = "/usr/sbin/nologin"


def install() -> None:
    """Let ``pwd`` and ``grp`` find the user and group of this process, by id and by name."""
    import grp
    import pwd

    def user() -> Any:
        return pwd.struct_passwd((NAME, "x", os.getuid(), os.getgid(), NAME, os.environ.get("HOME", "/"), SHELL))

    def group() -> Any:
        return grp.struct_group((NAME, "x", os.getgid(), []))

    places: list[tuple[Any, str, Any, Any]] = [
        (pwd, "getpwuid", os.getuid, user),
        (pwd, "getpwnam", lambda: NAME, user),
        (grp, "getgrgid", os.getgid, group),
        (grp, "getgrnam", lambda: NAME, group),
    ]
    for module, name, own, entry in places:
        setattr(module, name, knowing(getattr(module, name), own, entry))


def knowing(look_up: Any, own: Any, entry: Any) -> Any:
    """Return a function that looks something up, and finds one entry more."""

    @functools.wraps(look_up)
    def look_further(key: Any) -> Any:
        try:
            return look_up(key)
        except KeyError:
            if key == own():
                return entry()
            raise

    return look_further
