"""What each saving of the runner's import is worth: `python -m benchmarks.import_steps`.

A container of the runner image imports Matplotlib many times, each in a new process, with one more saving at each step.
The steps take turns, so that a noisy moment affects all of them, and the table shows medians of CPU time (user and
system, of all threads), since wall time depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import textwrap
from typing import Any

import docker

#: Each step adds to those before it.
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("plain: what `import matplotlib.pyplot` costs in a fresh container", {}),
    ("font list baked and copied to where it is looked for", {"savings": ["font-list"]}),
    ("OPENBLAS_NUM_THREADS=1", {"environment": [("OPENBLAS_NUM_THREADS", "1")]}),
    ("garbage collector off while importing", {"savings": ["collector"]}),
    ("what artist classes say of themselves baked", {"savings": ["descriptions"]}),
]

DRIVER = textwrap.dedent(
    """
    import json, os, shutil, sys

    RUNNER = "/opt/figbox/runner.py"
    steps, runs = json.loads(sys.argv[1])

    def measure(step):
        shutil.rmtree("/tmp/config", ignore_errors=True)
        environment = {
            "HOME": "/tmp",
            "PATH": os.environ["PATH"],
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": "/tmp/config",
            "PYTHONPATH": os.environ["PYTHONPATH"],
            "PYTHONPYCACHEPREFIX": "/tmp/byte-code",  # for both, so that it is read from the same place
            **dict(step["environment"]),
        }
        command = [sys.executable, RUNNER, "import", *step["savings"]]
        child = os.posix_spawn(sys.executable, command, environment)
        _, status, usage = os.wait4(child, 0)
        if status:
            raise SystemExit(f"{command} ended with status {status}")
        return (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024

    for step in steps:
        measure(step)  # writes the byte code
    results = [[measure(step) for step in steps] for _ in range(runs)]
    print(json.dumps(list(zip(*results))))
    """
)


def cumulate() -> list[dict[str, Any]]:
    """Return the settings of every step, including those of the steps before it."""
    settings: dict[str, list[Any]] = {"savings": [], "environment": []}
    cumulated = []
    for _, added in STEPS:
        settings = {name: value + added.get(name, []) for name, value in settings.items()}
        cumulated.append(settings)
    return cumulated


def measure(image: str, runs: int) -> list[list[tuple[float, float]]]:
    """Return a list of pairs for each step, with a run's CPU milliseconds and peak MiB."""
    client = docker.from_env()
    try:
        output = client.containers.run(
            image,
            entrypoint=["python3", "-c", DRIVER, json.dumps([cumulate(), runs])],
            command=[],
            network_mode="none",
            read_only=True,
            tmpfs={"/tmp": "rw,size=256m,mode=1777"},  # noqa: S108 - in the container
            labels={"figbox.benchmark": "import_steps"},
            remove=True,
        )
    finally:
        client.close()
    results: list[list[tuple[float, float]]] = json.loads(output)
    return results


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", default="figbox-runner:latest")
    parser.add_argument("--runs", type=int, default=9, help="runs of each step (default: %(default)s)")
    arguments = parser.parse_args()
    results = measure(arguments.image, arguments.runs)

    print(f"Import of the runner, CPU ms, medians of {arguments.runs} runs taking turns ({arguments.image})\n")
    print(f"{'CPU ms':>7} {'saved':>6} {'of plain':>9} {'peak MiB':>9}  step")
    plain = before = statistics.median(cpu for cpu, _ in results[0])
    for (name, _), pairs in zip(STEPS, results, strict=True):
        cpu = statistics.median(pair[0] for pair in pairs)
        peak = statistics.median(pair[1] for pair in pairs)
        print(f"{cpu:7.0f} {before - cpu:6.0f} {cpu / plain:9.2f} {peak:9.0f}  {name}")
        before = cpu


if __name__ == "__main__":
    main()
