"""`entrypoint.py ROLE`: the first program of the gateway's image. It drops root, then executes the gateway or launcher.

The engine's socket belongs to root and to a group whose number differs from host to host, so no image can name a user
who may open it. This starts as root, takes the group of the socket that is there, becomes a user without any
capability, and executes the role it was asked for. A container that was given a user (`user:` in a compose file,
`--user`) keeps it.

Source: capabilities(7), "Effect of user ID changes on capabilities"; setgroups(2).
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import healthcheck

#: The module and the uid of each role.
ROLES = {
    "gateway": ("gateway", 10001),
    "launcher": ("gateway.launcher", 10002),
}

#: What the container's health check asks for; it runs as the container's role does.
HEALTH = "health"

#: Group of both roles: its members may open the launcher's socket.
GROUP = 10001

ENGINE_SOCKET = "unix:///var/run/docker.sock"


def main() -> int:
    """Become the role; return an exit status only if that fails."""
    asked, *arguments = sys.argv[1:] or ["gateway"]
    role = role_of_container() if asked == HEALTH else asked
    if role not in ROLES:
        sys.stderr.write(f"figbox: there is no role {role!r}; roles are {', '.join(ROLES)}\n")
        return 1
    module, uid = ROLES[role]
    if os.geteuid() == 0:
        try:
            drop_root(uid, engine_groups())
        except PermissionError:
            sys.stderr.write(
                "figbox: root can't be dropped without the capabilities SETUID and SETGID: leave the container these "
                "two, or give it a user of its own\n"
            )
            return 1
    if asked == HEALTH:
        return healthcheck.main(arguments)
    return os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell is wanted


def role_of_container() -> str:
    """Return the role of the container in which a health check runs."""
    return "launcher" if os.environ.get("FIGBOX_LAUNCHER_SOCKET") else "gateway"


def engine_groups() -> list[int]:
    """Return the group of the engine's socket, if one is here that its group may open."""
    if os.environ.get("FIGBOX_LAUNCHER"):  # the launcher has the engine
        return []
    path = Path((os.environ.get("DOCKER_HOST") or ENGINE_SOCKET).removeprefix("unix://"))
    try:
        state = path.stat()
    except OSError:
        return []
    return [state.st_gid] if stat.S_ISSOCK(state.st_mode) and state.st_mode & stat.S_IWGRP else []


def drop_root(uid: int, groups: list[int]) -> None:
    """Become a user for good: all three ids change, and every capability goes with them.

    Raises:
        PermissionError: The container lacks the capabilities for it.
    """
    os.setgroups(groups)
    os.setresgid(GROUP, GROUP, GROUP)
    os.setresuid(uid, uid, uid)


if __name__ == "__main__":
    sys.exit(main())
