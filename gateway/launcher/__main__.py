"""`python -m gateway.launcher`: the launcher as a process of its own, for a gateway without access to an engine."""

from __future__ import annotations

import asyncio
import sys

from gateway.launcher.remote.server import serve
from gateway.memory.malloc import return_freed_memory
from gateway.model.errors import StartError
from gateway.observability.logs import complain, configure_logging
from gateway.settings import LauncherProcessSettings, load


def main() -> int:
    """Run the launcher; return 0 after a clean end, 1 if it can't start."""
    try:
        settings = load(LauncherProcessSettings)
        configure_logging(debug=settings.debug)
        return_freed_memory()
        asyncio.run(serve(settings, lambda: announce(settings)))
    except StartError as error:
        complain(f"figbox-launcher: {error}")
        return 1
    return 0


def announce(settings: LauncherProcessSettings) -> None:
    """Print the setting that a gateway needs."""
    sys.stdout.write(f"The launcher serves FIGBOX_LAUNCHER=unix://{settings.socket}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
