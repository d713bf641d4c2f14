"""`python3 -m bootstrap.cluster up` and `down`: several nodes on this machine, for a try."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bootstrap.cluster import Cluster, Shape
from bootstrap.cluster.cluster import FOLDER
from bootstrap.commands import alone, gateway_tag, runner_tag
from bootstrap.steps import SetupError, Steps

MOST_NODES = 20


def main(arguments: list[str]) -> int:
    """Bring a cluster up or down; return the exit code."""
    options = _parser().parse_args(arguments)
    steps = Steps()
    settings = {name: value for name, value in os.environ.items() if name.startswith("FIGBOX_")}
    shape = Shape(
        nodes=options.nodes,
        cpus=options.cpus,
        port=options.port,
        tls=options.tls,
        redis=options.redis,
        settings=settings,
        gateway_image=gateway_tag(),
        runner_image=runner_tag(),
    )
    cluster = Cluster(shape, steps, options.folder)
    try:
        with alone(steps):
            if options.what == "down":
                cluster.down()
                return 0
            cluster.up()
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: start again to go on, or run `make cluster-down`.", file=sys.stderr)
        return 130
    _say_what_to_try(cluster)
    return 0


def _say_what_to_try(cluster: Cluster) -> None:
    insecure = f" --cacert {cluster.folder / 'tls.crt'}" if cluster.shape.tls else ""
    print(f"""
{len(cluster.nodes)} nodes are ready. Draw on one of them:

  curl --no-progress-meter --fail-with-body{insecure} "{cluster.balancer.url}/v1/render?format=svg" \\
      -H "X-API-Key: $(cat {cluster.key_file})" \\
      -H 'Content-Type: text/x-python' --data 'plt.plot(np.sin(np.linspace(0, 9)))' -o sine.svg

Ask the Swarm: docker --host {cluster.nodes[0].url} node ls""")
    if cluster.shape.redis:
        print(f"Redis, as nodes find it: {cluster.redis_url}")
    print("End all of it: make cluster-down")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bootstrap.cluster")
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--nodes", type=int, default=3, choices=range(1, MOST_NODES + 1), metavar="N")
    parser.add_argument("--cpus", type=float, help="cores of each node; by default, nine tenths of all, divided")
    parser.add_argument("--port", type=int, default=5150, help="the balancer's, on 127.0.0.1")
    parser.add_argument("--tls", action="store_true", help="TLS at the balancer, with a certificate of its own making")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where all of it lives")
    parser.add_argument("--redis", action="store_true", help="a Redis that the nodes reach")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
