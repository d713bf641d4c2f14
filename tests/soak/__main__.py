"""`python -m tests.soak --minutes 60`: watch a service under good, bad and hostile jobs, and fail if anything grows.

An engine, a launcher and a gateway of its own are started, with a key for each client. It needs root and dockerd, and
the runner image on the machine's engine. On standard output it prints the tables of docs/performance.md. The exit
status is 1 if something grew, if an answer came that must not, or if something was left at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.soak.drawing import program
from tests.soak.run import Run, soak
from tests.support.live import WARM_START
from tools.render_pictures import reduced

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of load, the warm-up included (60)")
    parser.add_argument("--seed", type=int, default=1, help="of what clients send")
    parser.add_argument("--warm-start", default=WARM_START, help="FIGBOX_WARM_START of the launcher")
    parser.add_argument("--json", type=Path, metavar="PATH", help="file for all readings")
    parser.add_argument("--picture", type=Path, metavar="PATH", help="file for a picture of the run, as PNG")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run, print and write; return the exit status."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="fb-soak-") as folder, contextlib.suppress(asyncio.CancelledError):
        run, picture = asyncio.run(_soak(options, Path(folder)))
        sys.stdout.write(f"{run.report()}\n")
        if options.json:
            options.json.write_text(json.dumps([asdict(one) for one in run.judgements]), "utf-8")
        if options.picture and picture:
            options.picture.write_bytes(reduced(picture))
        return 1 if run.faults() else 0
    return 130


async def _soak(options: argparse.Namespace, folder: Path) -> tuple[Run, bytes]:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # so that all is removed on the way out
    return await soak(folder, options.minutes * 60, options.seed, options.warm_start, draw=program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
