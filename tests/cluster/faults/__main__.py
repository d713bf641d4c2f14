"""`python -m tests.cluster.faults`: faults under load of a Swarm on three engines on this machine, as root.

With names of faults, only these are made. The Swarm is that of `make cluster`, in a folder of its own, so another may
run beside it. On two cores that do nothing else it takes six minutes. The exit status is 1 if something came that no
page has.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.cluster import Cluster, Node, Shape
from bootstrap.steps import Steps
from tests.cluster.faults.fault import (
    ENDING,
    KEYS,
    LOST_ENGINE,
    LOST_NODE,
    NO_BALANCER,
    SOME,
    Fault,
    suffer,
    under_load,
)
from tests.cluster.nodes import keys_file
from tests.support.live import IMAGE, engine_client, free_port
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.load.trial import Trial

FOLDER = Path("/var/lib/figbox-faults")

#: The image of gateway and launcher, and the name of another that does the same.
GATEWAY_IMAGE = os.environ.get("FIGBOX_GATEWAY_IMAGE") or "figbox-gateway:latest"
NEXT = "figbox-faults-next"

#: Seconds until the balancer sees a node down, or up again with a tested sandbox.
STATE_LIMIT_S = slowed(300)

SETTINGS = {
    "API_KEY_FILE": "",
    "FIGBOX_API_KEYS_FILE": "/run/secrets/figbox-keys",
    "FIGBOX_RUNNING_LIMIT": "2",
    "FIGBOX_POOL_SIZE": "2",
    "FIGBOX_REQUESTS_PER_MINUTE": "100000",
}


def main(arguments: Sequence[str]) -> int:
    """Bring a cluster up, let it suffer, take it down; return the exit status."""
    faults = {make.__name__: make for make in FAULTS}
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="FAULT", help=", ".join(faults))
    names = parser.parse_args(arguments).names
    if unknown := set(names) - set(faults):
        parser.error(f"there is no fault {min(unknown)!r}")
    wanted = [faults[name] for name in names] or FAULTS
    cluster = Cluster(
        Shape(port=free_port(), settings=SETTINGS, redis=True, gateway_image=GATEWAY_IMAGE), Steps(), FOLDER
    )
    cluster.down()
    FOLDER.mkdir(mode=0o711, parents=True)
    shutil.move(keys_file(FOLDER, **KEYS), cluster.key_file)
    try:
        with next_image():
            cluster.up()
            objections = asyncio.run(trial_of(cluster, wanted)).objections()
    finally:
        cluster.down()
    sys.stdout.write("".join(f"not allowed: {line}\n" for line in objections) or "all as documented\n")
    return 1 if objections else 0


@contextmanager
def next_image() -> Iterator[None]:
    """Have an image of another id that does the same as the gateway's."""
    with engine_client() as client:
        container: Any = client.create_container(GATEWAY_IMAGE)
        client.commit(container, NEXT, "latest", changes='LABEL figbox.test="next"')
        client.remove_container(container)
        try:
            yield
        finally:
            client.remove_image(NEXT, force=True)


async def trial_of(cluster: Cluster, faults: Sequence[Callable[[Cluster], Fault]]) -> Trial:
    """Let faults happen under load; return what became of it."""
    names = [node.name for node in cluster.nodes]

    async def until(name: str, status: str) -> None:
        end = time.monotonic() + STATE_LIMIT_S
        while not (await asyncio.to_thread(cluster.states)).get(name, "").startswith(status):
            if time.monotonic() > end:
                raise TimeoutError(f"{name} isn't {status}: {cluster.states()}")
            await asyncio.sleep(0.1)

    async with under_load(cluster.balancer.url, "A Swarm of three nodes under load") as trial:
        async with trial.phase("nothing"):
            await trial.pictures(2 * SOME)
        for make in faults:
            await suffer(trial, make(cluster), names, until)
    return trial


def killed(cluster: Cluster) -> Fault:
    """End everything on a node that doesn't lead the Swarm, at once."""
    node = next(node for node in cluster.nodes if node != leader(cluster))
    return Fault("node killed", node.power_off, lambda: cluster.boot(node), node.name, large=LOST_NODE)


def manager_lost(cluster: Cluster) -> Fault:
    """Do the same to the node that leads the Swarm."""
    node = leader(cluster)
    return Fault("Swarm's leader killed", node.power_off, lambda: cluster.boot(node), node.name, large=LOST_NODE)


def engine_killed(cluster: Cluster) -> Fault:
    """Crash an engine; when it is back, Swarm makes new containers of gateway and launcher."""
    node = cluster.nodes[1]
    large = (*LOST_ENGINE, *LOST_NODE, *ENDING)
    return Fault("engine killed", node.kill_engine, node.start_engine, node.name, large=large)


def cut(cluster: Cluster) -> Fault:
    """Pull a cable."""
    node = cluster.nodes[2]
    harm, repair = (lambda: cluster.cut(node)), (lambda: cluster.restore(node))
    return Fault("network cut", harm, repair, node.name, large=LOST_NODE)


def reloaded(cluster: Cluster) -> Fault:
    """Let the balancer read its configuration again."""
    return Fault("balancer reloaded", cluster.balancer.reload)


def restarted(cluster: Cluster) -> Fault:
    """Crash the balancer, and start it again."""
    return Fault("balancer restarted", cluster.restart_balancer, allowed=NO_BALANCER)


def drained(cluster: Cluster) -> Fault:
    """Let Swarm take its containers off a node, and put them back."""
    node = cluster.nodes[0]

    def set_to(availability: str) -> None:
        cluster.docker().run("node", "update", f"--availability={availability}", node.name)

    large = (*ENDING, *LOST_NODE)
    return Fault("node drained", lambda: set_to("drain"), lambda: set_to("active"), node.name, large=large)


def updated(cluster: Cluster) -> Fault:
    """Move all nodes to another image, one after the other."""

    def update() -> None:
        cluster.update(cluster.load(f"{NEXT}:latest"), cluster.load(IMAGE))

    return Fault("update to a new image", update, large=(*ENDING, *LOST_NODE))


def redis_killed(cluster: Cluster) -> Fault:
    """Lose the Redis, and start an empty one."""
    return Fault("Redis killed", lambda: cluster.redis.end(signal.SIGKILL), cluster.start_redis, lasts=True)


def redis_hangs(cluster: Cluster) -> Fault:
    """Let the Redis answer nothing for a while."""
    harm, repair = (lambda: cluster.redis.send(signal.SIGSTOP)), (lambda: cluster.redis.send(signal.SIGCONT))
    return Fault("Redis hangs", harm, repair, lasts=True)


#: In their order.
FAULTS = (
    *(killed, manager_lost, engine_killed, cut, reloaded, restarted),
    *(redis_killed, redis_hangs, drained, updated),
)


def leader(cluster: Cluster) -> Node:
    """Return the node that leads the Swarm now."""
    rows = cluster.docker().rows("node", "ls")
    name = next(row["Hostname"] for row in rows if row["ManagerStatus"] == "Leader")
    return next(node for node in cluster.nodes if node.name == name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
