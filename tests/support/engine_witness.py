"""Sees all that happens at an engine while something is tried, by the engine's own events."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

import docker

from gateway.launcher.engine.specification import UID_FIRST, UID_LAST
from tests.support.machine import slowed

if TYPE_CHECKING:
    from types import TracebackType

#: What the launcher ordinarily does to its containers.
ORDINARY = {"create", "attach", "start", "kill", "die", "detach", "destroy", "oom"}


class EngineWitness:
    """Watches an engine from its start to its end, and looks at every container as it is created.

    Args:
        url: The engine's address.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = docker.APIClient(base_url=url, version="auto", timeout=slowed(60))
        self._stream: Any = None
        self._thread = threading.Thread(target=self._watch, name="engine-witness")
        self.events: list[tuple[str, str]] = []
        self.created: list[dict[str, Any]] = []
        self.before: dict[str, set[str]] = {}

    def __enter__(self) -> Self:
        """Begin to watch."""
        self.before = self.belongings()
        self._stream = self._client.events(decode=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._stream.close()
        self._thread.join(slowed(30))
        self._client.close()

    def belongings(self) -> dict[str, set[str]]:
        """Return all that an engine keeps, but its containers."""
        return {
            "images": {image["Id"] for image in self._client.images(all=True)},
            "volumes": {volume["Name"] for volume in self._client.volumes()["Volumes"] or []},
            "networks": {network["Id"] for network in self._client.networks()},
        }

    def containers(self) -> list[str]:
        """Return the names of all containers there are."""
        return [row["Names"][0].lstrip("/") for row in self._client.containers(all=True)]

    def inspect(self, name: str) -> dict[str, Any]:
        """Return the engine's account of a container."""
        record: dict[str, Any] = self._client.inspect_container(name)
        return record

    def _watch(self) -> None:
        client = docker.APIClient(base_url=self._url, version="auto", timeout=slowed(60))
        for event in self._stream:
            self.events.append((event["Type"], event["Action"].split(":")[0]))
            if self.events[-1] == ("container", "create"):
                self.created.append(client.inspect_container(event["Actor"]["ID"]))
        client.close()


def specification(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a container is, from the engine's account of it, less what differs from one to the next."""
    config = {name: value for name, value in record["Config"].items() if name != "User"}
    return {
        "config": config,
        "host": record["HostConfig"],
        "image": record["Image"],
        "program": [record["Path"], *record["Args"]],
        "mounts": record["Mounts"],
        "driver": record["Driver"],
        "networks": sorted(record["NetworkSettings"].get("Networks") or {}),
    }


def uid_of(record: dict[str, Any]) -> int:
    """Return the uid of a container, which must be a guest's, and the one in its name."""
    uid, _, gid = record["Config"]["User"].partition(":")
    assert uid == gid
    assert UID_FIRST <= int(uid) <= UID_LAST
    assert record["Name"] == f"/figbox-{uid}"
    return int(uid)
