"""HAProxy's configuration in `deploy/`, with other nodes, another listener and other numbers in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "haproxy" / "haproxy.cfg"


@dataclass(frozen=True)
class Server:
    """A node, as HAProxy finds it.

    Attributes:
        name: In statistics, and in answers.
        address: Of its gateway, with the port.
        agent_port: Of its agent; None for that of the configuration.
    """

    name: str
    address: str
    agent_port: int | None = None


def configured(bind: str, metrics: str, control: Path, servers: Sequence[Server], changes: Mapping[str, str]) -> str:
    """Return the project's configuration with these things in it.

    It keeps `user` and `group` only for root: nobody else can become another user, and HAProxy wouldn't start.

    Args:
        bind: What HAProxy listens on, with its options.
        metrics: What it listens on for Prometheus.
        control: Path of the socket of its command line.
        servers: The nodes.
        changes: Texts of the configuration, and what is in their places.

    Raises:
        SetupError: A text that is replaced isn't there exactly once.
    """
    first, second = [], []
    for server in servers:
        line = f"    server {server.name} {server.address}"
        first.append(f"{line} agent-port {server.agent_port}\n" if server.agent_port is not None else f"{line}\n")
        second.append(f"{line} track nodes/{server.name}\n")
    text = CONFIGURATION.read_text("utf-8")
    for pattern, new in {
        r"bind :5150$": f"bind {bind}",
        r"bind 127\.0\.0\.1:8405$": f"bind {metrics}",
        r"stats socket \S+": f"stats socket {control}",
        r"(^    server node\d+ \S+\n)+": "".join(first),
        r"(^    server node\d+ \S+ track .*\n)+": "".join(second),
        **({} if os.geteuid() == 0 else {r"^    user haproxy\n    group haproxy\n": ""}),
        **{re.escape(old): new for old, new in changes.items()},
    }.items():
        text, count = re.subn(pattern, new.replace("\\", r"\\"), text, flags=re.MULTILINE)
        if count != 1:
            raise SetupError(f"{CONFIGURATION} has {pattern!r} {count} times, where once is expected.")
    return text
