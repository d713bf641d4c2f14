"""The benchmark's own requests to the engine: facts, counts, and removal of leftovers."""

from __future__ import annotations

from typing import Any

import docker

from benchmarks.contenders.docker_run import LABEL
from gateway.launcher.engine.docker_engine import find_engine_url
from gateway.launcher.engine.specification import LABEL_INSTALLATION
from gateway.model.jobs import MiB

#: Prefix of the engine's own names for runc.
SHIM_PREFIX = "io.containerd."


def connect(docker_host: str | None) -> docker.APIClient:
    """Return a client of the engine that the gateway would use with this `DOCKER_HOST`."""
    return docker.APIClient(base_url=find_engine_url(docker_host), version="auto", timeout=60)


def other_runtimes(info: dict[str, Any]) -> list[str]:
    """Return the runtimes in an engine's `docker info` other than the default one, without aliases."""
    runtimes: dict[str, Any] = info.get("Runtimes") or {}

    def identity(name: str) -> tuple[str, tuple[str, ...]]:
        runtime = runtimes.get(name) or {}
        return str(runtime.get("path") or name), tuple(runtime.get("runtimeArgs") or ())

    found = {identity(name): name for name in sorted(runtimes, reverse=True) if not name.startswith(SHIM_PREFIX)}
    found.pop(identity(str(info.get("DefaultRuntime"))), None)
    return sorted(found.values())


def count_objects(client: docker.APIClient, installation: str) -> dict[str, int]:
    """Count what could leak: containers of an installation, and all volumes and images."""
    return {
        "containers": len(_containers(client, installation)),
        "volumes": len((client.volumes() or {}).get("Volumes") or ()),
        "images": len(client.images(all=True)),
    }


def idle_memory_mib(client: docker.APIClient, installation: str) -> list[float]:
    """Return the MiB that each container of an installation uses, without reclaimable page cache.

    Source: the same sum as `docker stats` (docker/cli, `calculateMemUsageUnixNoCache`).
    """
    used = []
    for container in _containers(client, installation):
        memory = client.stats(container, stream=False)["memory_stats"]
        details = memory.get("stats") or {}
        reclaimable = details.get("total_inactive_file", details.get("inactive_file", 0))
        used.append((memory.get("usage", 0) - reclaimable) / MiB)
    return used


def remove_leftovers(client: docker.APIClient, installation: str) -> None:
    """Remove containers that an aborted part left, and print how many there were."""
    left = _containers(client, installation) + _containers(client, installation, LABEL)
    for container in left:
        try:
            client.remove_container(container, force=True, v=True)
        except docker.errors.APIError as error:
            if error.status_code not in (404, 409):  # gone, or going
                raise
    if left:
        print(f"removed {len(left)} leftover containers")


def _containers(client: docker.APIClient, installation: str, label: str = LABEL_INSTALLATION) -> list[str]:
    return [row["Id"] for row in client.containers(all=True, filters={"label": f"{label}={installation}"})]
