"""`python -m gateway.status`: show on one screen how the gateway of this folder is.

It reads the metrics twice, some seconds apart, so that it can say what happened in between. The gateway's address is
that of the settings, from the environment and `.env`. The exit status is 0 if the gateway is ready, 1 if it isn't, and
2 if there is none.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from gateway.model.errors import StartError
from gateway.status.scrape import NoGateway, ask_ready, place_of, places, scrape
from gateway.status.screen import screen, shown
from gateway.status.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from gateway.status.scrape import Place, Scrape
    from gateway.status.summary import Status

#: Seconds between two scrapes, and most of them.
INTERVAL_S = 5.0
INTERVAL_LIMIT_S = 3600.0

#: Clears a terminal and goes to its corner. Source: console_codes(4).
CLEAR = "\x1b[H\x1b[2J"

READY, NOT_READY, NO_GATEWAY = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Show it; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.watch and not options.interval:
        parser.error("--watch needs an interval")
    try:
        return _show(options)
    except (NoGateway, StartError) as error:
        sys.stderr.write(f"figbox: {shown(str(error))}\n")
        return NO_GATEWAY
    except KeyboardInterrupt:
        return 130


def _show(options: argparse.Namespace) -> int:
    metrics, ready = (place_of(options.url), None) if options.url is not None else places()
    if options.watch:
        _watch(options, metrics, ready)
    earlier = scrape(metrics) if options.interval else None
    time.sleep(options.interval)
    _, status = _look(metrics, ready, earlier)
    _write(_text(options, status, metrics))
    return READY if status.not_ready is None else NOT_READY


def _watch(options: argparse.Namespace, metrics: Place, ready: Place | None) -> NoReturn:
    """Show it again and again, also while there is no gateway."""
    earlier: Scrape | None = None
    while True:
        try:
            earlier, status = _look(metrics, ready, earlier)
            text = _text(options, status, metrics)
        except NoGateway as error:
            earlier, text = None, f"figbox: {shown(str(error))}\n"
        if options.json:
            _write(text)
        else:
            _write(CLEAR + text if sys.stdout.isatty() else text + "\n")
        time.sleep(options.interval)


def _look(metrics: Place, ready: Place | None, earlier: Scrape | None) -> tuple[Scrape, Status]:
    now = scrape(metrics)
    return now, summarize(earlier, now, ask_ready(ready) if ready is not None else None)


def _text(options: argparse.Namespace, status: Status, metrics: Place) -> str:
    return f"{json.dumps(asdict(status))}\n" if options.json else screen(status, str(metrics))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway.status", description="Show how the gateway is.")
    parser.add_argument("--url", help="URL of the metrics; by default that of the settings")
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=INTERVAL_S,
        metavar="SECONDS",
        help=f"time between two looks, {INTERVAL_S:g} by default; 0 looks once",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line, for programs")
    parser.add_argument("--watch", action="store_true", help="go on until interrupted")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and 0 <= seconds <= INTERVAL_LIMIT_S):
        raise argparse.ArgumentTypeError(f"must be between 0 and {INTERVAL_LIMIT_S:g}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
